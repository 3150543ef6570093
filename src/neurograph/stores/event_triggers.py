"""The triggers that write events, made and dropped by event type; the one event of a bulk call. Not a store.

A trigger that looks at a switch costs each row 0.1 to 0.4 µs while it is off, a fifth of a claim in batches; one that
is not there costs nothing.

Invariants:

1. What the triggers are called and what they say follows from the type alone, so anybody can tell whether they are ours
   and unchanged.
2. A type whose triggers are made is switched by `enabled` as well, which each of them looks at.
3. A bulk call writes one event, whichever way its rows go: the type is off for the call, in its own transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from .. import migrate
from ..errors import Conflict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import apsw
    import numpy as np

KIND = "trigger"  # of all the objects here


@cache
def _triggers() -> dict[str, str]:
    """Return name → SQL of every trigger, as `sqlite_schema` has it."""
    from pathlib import Path

    path = Path(migrate.schema_folder()) / "per_event_type" / "triggers.sql"
    text = path.read_text(encoding="utf-8").replace("\r\n", "\n")
    made = {}
    for statement in f"\n{text}".split(f"\ncreate {KIND} ")[1:]:
        sql = statement.strip().removesuffix(";")
        made[sql.split(None, 1)[0]] = f"CREATE {KIND.upper()} {sql}"
    return made


def triggers_of(event_type: str) -> dict[str, str]:
    """Return name → SQL of the triggers that are made for an event type; none for most."""
    name = f"event_{event_type.replace('.', '_')}"
    return {found: sql for found, sql in _triggers().items() if found == name or found.startswith(f"{name}_")}


def is_event_trigger(name: str, sql: str) -> bool:
    """Tell whether a trigger is one that writes events, unchanged."""
    return _triggers().get(name) == sql


def make_triggers(connection: apsw.Connection, event_type: str) -> None:
    """Make the triggers of an event type, those that are not there."""
    for name, sql in triggers_of(event_type).items():
        found: Any = connection.execute("select type, sql from sqlite_schema where name = ?", (name,)).fetchall()
        if found and not (found[0][0] == KIND and migrate.same_sql(sql, found[0][1])):
            raise Conflict(
                f"events of type {event_type!r} need the name {name!r}, which a {found[0][0]} has; drop that"
            )
        if not found:
            connection.execute(sql)


def drop_triggers(connection: apsw.Connection, event_type: str) -> None:
    """Drop the triggers of an event type, in whatever state they are."""
    for name in triggers_of(event_type):
        connection.execute(f"drop {KIND} if exists {name}")


def changed_triggers(connection: apsw.Connection) -> list[str]:
    """Name the triggers of types that are on which are missing, and those that are there and not as they were made."""
    rows: Any = connection.execute("select name from event_type where enabled and by_triggers").fetchall()
    wanted = {name for (event_type,) in rows for name in triggers_of(event_type)}
    rows = connection.execute("select name, sql from sqlite_schema where type = 'trigger' and name glob 'event_*'")
    found = dict(rows.fetchall())
    changed = [
        name for name, sql in found.items() if name in _triggers() and not migrate.same_sql(_triggers()[name], sql)
    ]
    return sorted({*changed, *(wanted - found.keys())})


_SWITCH = """
    select exists (select 1 from sqlite_schema where type = 'trigger' and name = ?) from event_type
     where name = ? and enabled"""


class Range:
    """The ids that a bulk call wrote: the first, the last, how many."""

    __slots__ = ("count", "first", "last")

    def __init__(self) -> None:
        self.first, self.last, self.count = 0, 0, 0

    def add(self, ids: np.ndarray) -> None:
        """Take ids in, of an array without doubles."""
        if len(ids):
            self.add_range(int(ids.min()), int(ids.max()), len(ids))

    def add_range(self, first: int, last: int, count: int) -> None:
        """Take in `count` ids from `first` to `last`."""
        self.first = min(first, self.first) if self.count else first
        self.last = max(last, self.last)
        self.count += count


@contextmanager
def switched_off(connection: apsw.Connection, event_type: str) -> Iterator[bool]:
    """Let the triggers of an event type write nothing meanwhile; the value tells whether the type is on.

    Inside a transaction, whose undo undoes the switch.
    """
    found: Any = connection.execute(_SWITCH, (f"event_{event_type.replace('.', '_')}", event_type)).fetchall()
    made = bool(found) and found[0][0]  # else somebody dropped them: nothing to switch, and nothing could undo it
    if made:
        connection.execute("update event_type set enabled = 0 where name = ?", (event_type,))
    yield bool(found)
    if made:
        connection.execute("update event_type set enabled = 1 where name = ?", (event_type,))


@contextmanager
def one_event(connection: apsw.Connection, event_type: str) -> Iterator[Range]:
    """Write one event with the range of the ids that the caller adds, instead of one for each row.

    Inside a transaction, whose undo undoes the switch.
    """
    ids = Range()
    with switched_off(connection, event_type) as on:
        yield ids
    if on and ids.count:
        connection.execute(
            """insert into event (type_id, data)
               select id, json_object('first', ?, 'last', ?, 'count', ?) from event_type where name = ?""",
            (ids.first, ids.last, ids.count, event_type),
        )
