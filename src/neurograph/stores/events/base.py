"""What the parts of events share: the session, the clock, times as places among the ids."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import apsw

    from ...connection.session import Session

NEWEST = "select coalesce(max(id), 0) from event"
SLICE_IDS = 4_096
TOPIC = ("event",)
"""What is announced to those who wait, when somebody emits."""


class EventPart:
    """One part of events; the parts share one session."""

    def __init__(self, session: Session) -> None:
        self._session = session


def now_ns() -> int:
    """Return nanoseconds since 1970 UTC; tests put their own clock here."""
    return time.time_ns()


def first_since(connection: apsw.Connection, moment_ns: int) -> int:
    """Return the id above all events before a time: times don't fall from one event to the next."""
    bounds = f"select coalesce((select min(id) from event), 1), ({NEWEST}) + 1"  # one query of both would read them all
    rows: Any = connection.execute(bounds).fetchall()
    ((low, high),) = rows  # the answer is in [low, high]
    while low < high:
        middle = (low + high) // 2
        sql = "select id, created_ns from event where id >= ? order by id limit 1"
        ((found, created_ns),) = connection.execute(sql, (middle,)).fetchall()
        if created_ns < moment_ns:  # type: ignore[operator]
            low = found + 1  # type: ignore[operator]
        else:
            high = middle
    return low  # type: ignore[no-any-return]
