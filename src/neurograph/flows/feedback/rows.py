"""Rows that feedback may change: read before and after, compared, and put back as they were.

1. What is compared are values: a float read from the file, written as JSON and read again has the same bits.
2. A row is put back only where every column that was changed still is as the feedback left it. One that feedback made
   and that is gone is as it was before; one that was there before is put back by nobody once it is gone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import apsw

from ...errors import Conflict
from ...model.connection import CONNECTION_COLUMNS
from ...model.feedback import Change

if TYPE_CHECKING:
    from ...connection.session import Session

KEYS = {"standing": ("kind", "id"), "edge": ("source", "type", "target", "key"), "connection": ("id",)}
COLUMNS = {
    "standing": ("value",),
    "edge": ("weight", "bidirectional", "properties"),
    "connection": tuple(name for name in CONNECTION_COLUMNS if name != "id"),
}
Place = tuple[str, tuple[Any, ...]]
Row = dict[str, Any]


class Watch:
    """Rows as they were before feedback changed them, in the order in which they were first looked at."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._before: dict[Place, Row | None] = {}

    def note(self, subject: str, place: tuple[Any, ...]) -> Row | None:
        """Return a row as it is now, and remember it if it is the first look."""
        row = read(self._connection, subject, place)
        self._before.setdefault((subject, place), row)
        return row

    def created(self, subject: str, place: tuple[Any, ...]) -> None:
        """Note that a row was made just now."""
        self._before[subject, place] = None

    def changes(self) -> list[Change]:
        """Return what is different now."""
        found = []
        for (subject, place), before in self._before.items():
            after = read(self._connection, subject, place)
            if after is None or after == before:
                continue
            if before is None:
                found.append(Change(subject, place, None, after))
                continue
            names = [name for name, value in after.items() if value != before[name]]
            found.append(
                Change(subject, place, {name: before[name] for name in names}, {name: after[name] for name in names})
            )
        return found


def read(connection: apsw.Connection, subject: str, place: Sequence[Any]) -> Row | None:
    """Return the columns of a row that feedback may change, or None."""
    names = COLUMNS[subject]
    sql = f"select {', '.join(names)} from {subject} where {_condition(subject)}"
    rows: Any = connection.execute(sql, tuple(place)).fetchall()
    return dict(zip(names, rows[0], strict=True)) if rows else None


def put_back(session: Session, change: Change, feedback: int, skip_missing: bool) -> bool:
    """Undo one change, or refuse: somebody else changed the row since. False where the row is gone and may be."""
    now = read(session.writer.connection, change.subject, change.place)
    must = f"feedback {feedback} must be undone before anything else changes what it did"
    what = f"{change.subject} {', '.join(map(str, change.place))}"
    if now is None:
        if change.before is None or skip_missing:
            return change.before is None
        raise Conflict(f"{must}; {what} is gone: missing='skip' puts back the rest")
    differing = next((name for name, value in change.after.items() if now[name] != value), None)
    if differing is not None:
        left = f"{differing} is {now[differing]!r}, and feedback {feedback} left {change.after[differing]!r}"
        raise Conflict(f"{must}; {what} was changed since: {left}")
    where = _condition(change.subject)
    if change.before is None:
        session.change(f"delete from {change.subject} where {where} returning 1", change.place)
        return True
    sets = ", ".join(f"{name} = ?" for name in change.before)
    session.change(f"update {change.subject} set {sets} where {where}", (*change.before.values(), *change.place))
    return True


def _condition(subject: str) -> str:
    return " and ".join(f"{name} = ?" for name in KEYS[subject])


def dumps(values: Any) -> str | None:
    """Return JSON that reads back as the same values."""
    return None if values is None else json.dumps(values, ensure_ascii=False, separators=(",", ":"))
