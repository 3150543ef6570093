"""SQLite's errors, said in our words where we know more than SQLite does.

A trigger can only raise a literal, `ng:token.weight: weight must be within the constitution's limits`. Here the
literal becomes `RuleViolated` with the limits in force; the store that knows the value adds it.
"""

from __future__ import annotations

import apsw

from ..errors import (
    Conflict,
    DeadlineExceeded,
    Interrupted,
    InvalidValue,
    ReadOnlyDatabase,
    RuleViolated,
    TransactionBusy,
)

# The columns of the constitution that a rule compares with.
LIMITS = {
    "token.weight": ("min_token_weight", "max_token_weight"),
    "token.field_radius": ("min_field_radius", "max_field_radius"),
    "token.field_strength": ("min_field_strength", "max_field_strength"),
    "edge.weight": ("min_edge_weight", "max_edge_weight"),
    "edge.out_degree": ("max_out_degree",),
    "edge.in_degree": ("max_in_degree",),
    "edge.total_degree": ("max_total_degree",),
    "connection.weight": ("min_connection_weight", "max_connection_weight"),
    "connection.pull": ("min_pull", "max_pull"),
    "connection.rigidity": ("min_rigidity", "max_rigidity"),
}

# What to do where there are no limits to widen; a rule has several texts.
REMEDIES = {
    "type must be one the constitution allows": "allow it with db.cdna.allow_type",
    "the values of a namespace must fit its quota": "delete some, or raise it with db.storage.quota",
    "entity_type must be one whose row allows it": "allow it with db.entity_types.update(…, allowed=True)",
}


def explain(error: apsw.Error, connection: apsw.Connection, busy_timeout_s: float) -> Exception:
    """Return the error to raise instead of `error`; `error` itself where SQLite has said it all."""
    text = str(error)
    if text.startswith("ng:"):
        rule, _, rest = text.removeprefix("ng:").partition(": ")
        remedy = f" ({REMEDIES[rest]})" if rest in REMEDIES else _limits(rule, connection)
        return RuleViolated(rest + remedy, rule)
    if isinstance(error, apsw.ConstraintError) and "UNIQUE constraint failed:" in text:
        columns = text.partition("failed:")[2].strip()
        return Conflict(f"{columns} must be unique; a row with that value exists already")
    if isinstance(error, apsw.SQLError) and text == "<NULL>":  # apsw takes the end of an empty list for an error
        return InvalidValue(
            "a list that a function takes whole must have a row, as in `among in (select … union all select null)`"
        )
    if isinstance(error, apsw.BusyError):
        return TransactionBusy(
            f"the file must be free, but another process or handle kept it locked for {busy_timeout_s} s; try again, "
            "or open it with more busy_timeout_s"
        )
    if isinstance(error, apsw.ReadOnlyError):
        return ReadOnlyDatabase(f'cannot write ({text}); open the database with mode="rw"')
    return error


def no_text(error: UnicodeDecodeError) -> InvalidValue:
    """Return the error for a text in the file that is none."""
    return InvalidValue(
        f"a text in the file must be UTF-8, got {error.object[:60]!r}; select cast(column as blob) to read it"
    )


def _limits(rule: str, connection: apsw.Connection) -> str:
    """Say the limits in force, and the way to change them."""
    columns = LIMITS.get(rule)
    if columns is None:
        return ""
    try:
        values = connection.execute(f"select {', '.join(columns)} from cdna_current").fetchone()
    except apsw.Error:
        return ""
    if values is None:
        return ""
    said = f"[{values[0]}, {values[1]}]" if len(values) == 2 else f"at most {values[0]}"
    return f" ({said}; change them with db.cdna.update({columns[-1]}=…))"


def stopped(deadline_passed: bool) -> DeadlineExceeded | Interrupted:
    """Return the error for a statement that was stopped half-way."""
    if deadline_passed:
        return DeadlineExceeded("the call took longer than its timeout_s; give it more time or ask for less")
    return Interrupted("the call was stopped by interrupt()")
