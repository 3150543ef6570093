"""A condition in SQL that a user gives: one expression, alone or with the values of its ``?``. Not a store."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from ..connection.bindings import PLAIN, plain_bindings
from ..errors import InvalidValue
from .arguments import bindable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..connection.session import Session

Where = str | tuple[str, Sequence["Any"]]
"""An SQL condition, with a sequence of values for its ``?`` where it has any."""

# First what may hold a sign that means nothing there (texts, quoted names, comments, names), then the signs. A quote or
# a comment that is not closed would go on in the statement around it.
_PARTS = (
    r"""'(?:[^']|'')*+'|"(?:[^"]|"")*+"|`(?:[^`]|``)*+`|\[[^\]]*\]|--[^\n]*|/\*.*?\*/"""
    r"""|[^\W\d][\w$]*|\?\d*|[:@$]\w+|[();]|['"`\[]|/\*"""
)
_OPEN = frozenset("'\"`[;") | {"/*"}
_OF_ITEMS = "select 1 from item where {}"
_OF_ITEMS_AND_TOKENS = """
    select 1 from item as asked left join token on token.id = asked.token_id
     where exists (select 1 from item where id = asked.id and {})"""
_OF_TOKENS = "select 1 from token where {}"

_LASTING = """abs and between case cast coalesce else glob iif ifnull in instr is json_extract json_type json_valid
    length like lower ltrim max min not nullif on or replace round rtrim substr then trim typeof unicode upper when"""
LASTING = frozenset(_LASTING.split())
"""Functions, and other words that a bracket may follow."""


def condition_of(where: Where) -> tuple[str, list[Any]]:
    """Return a condition in brackets, and its values; refuse what is more, or less, than one expression."""
    import re  # 3 ms, and most searches have no condition

    condition, values = (where, ()) if isinstance(where, str) else where if _is_pair(where) else (None, ())
    if not isinstance(condition, str) or isinstance(values, str | bytes | dict) or not hasattr(values, "__iter__"):
        raise InvalidValue(f"where must be SQL, or SQL and a sequence of its values, got {where!r}")
    parts = re.findall(_PARTS, condition, re.DOTALL)
    if not condition.strip() or "\x00" in condition or bindable(condition) is None or not _is_one(parts):
        raise InvalidValue(f"where must be an SQL condition, one expression, got {condition!r}")
    named = [part for part in parts if part[0] in ":@$" or (part[0] == "?" and part != "?")]
    if named:
        raise InvalidValue(f"where must have a plain ? for each of its values, got {named[0]!r} in {condition!r}")
    if any(part.lower().startswith("pragma_", part[0] in "'\"`[") for part in parts):
        raise InvalidValue(
            f"where must only read rows, got a pragma in {condition!r}; a text like it must be a ? value"
        )
    bound = [*plain_bindings(values)]  # type: ignore[misc]
    if parts.count("?") != len(bound):
        raise InvalidValue(f"where must be given {parts.count('?')} values, one for each ?, got {len(bound)}")
    for value in bound:
        if not _is_bindable(value):
            raise InvalidValue(f"where must be given values SQLite knows (None, int, float, str, bytes), got {value!r}")
    return f"({condition}\n)", bound  # the line ends a comment


class blamed:  # noqa: N801 - read like a function, as those of contextlib, which takes 1 ms to load
    """Say of what SQLite refuses inside that it is the condition, where it is: where it is refused by itself, too."""

    __slots__ = ("_session", "_table", "_where")

    def __init__(self, session: Session, where: Where | None, table: str = "item") -> None:
        self._session = session
        self._where = where
        self._table = table

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self._where is None or not isinstance(error, apsw.SQLError):
            return
        said = _refusal(self._session, self._where, self._table)
        if said is not None:
            raise InvalidValue(said) from error


def _refusal(session: Session, where: Where, table: str) -> str | None:
    """Return what is wrong with a condition, None where SQLite can answer it."""
    condition, values = condition_of(where)
    try:
        with session.reading() as line:
            sql = _OF_TOKENS.replace("{}", condition) if table == "token" else _of_items(condition)
            for _ in line.connection.execute(sql, values):
                pass
    except apsw.SQLError as error:
        given, of = where if isinstance(where, str) else where[0], "token" if table == "token" else "item and token"
        return f"where must be an SQL condition on columns of {of}, got {given!r}: {error}"
    return None


def prepare(connection: apsw.Connection, where: Where) -> None:
    """Let SQLite refuse a condition on items that names more than it may, before a statement around it has the name."""
    condition, values = condition_of(where)
    connection.execute(f"explain {_of_items(condition)}", values).fetchall()


def _of_items(condition: str) -> str:
    question = _OF_ITEMS_AND_TOKENS if names_table(condition, "token") else _OF_ITEMS
    return question.replace("{}", condition)


def names_table(condition: str, table: str) -> bool:
    """Tell whether a condition may read a table besides its own: whether its name stands anywhere in it."""
    import re

    return re.search(rf"\b{table}\b", condition, re.IGNORECASE) is not None


def _is_pair(where: object) -> bool:
    return isinstance(where, tuple | list) and len(where) == 2


def _is_one(parts: list[str]) -> bool:
    """Tell whether every bracket is closed by its own, and no statement ends."""
    depth = 0
    for part in parts:
        depth += {"(": 1, ")": -1}.get(part, 0)
        if depth < 0 or part in _OPEN:
            return False
    return depth == 0


def _is_bindable(value: object) -> bool:
    if isinstance(value, str):
        return bindable(value) is not None
    if isinstance(value, int):
        return -(1 << 63) <= value < 1 << 63
    return type(value) in PLAIN or isinstance(value, bytearray | memoryview)


def is_lasting(condition: str, values: Sequence[Any]) -> bool:
    """Tell whether a condition gives the same as long as the rows do.

    The clock, chance, a user's own function and what stands elsewhere would change it; so it may ask nothing else, and
    call only what is known to depend on its arguments alone.
    """
    import re

    text = condition.lower()
    if re.search(r"""["`\[]|--|/\*|\b(?:select|match|regexp|current_\w+)\b""", text):
        return False
    return set(re.findall(r"(\w+)\s*\(", text)) <= LASTING and all(
        isinstance(value, str | bytes | int | float | None) for value in values
    )
