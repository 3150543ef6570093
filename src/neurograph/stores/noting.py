"""Ids noted ahead by who publishes much, and what else follows a write that is done.

SQLite writes the newest id of a table to a page of its own (8 KiB in the log) with each commit, unless a higher one is
noted there already: 15 % of a publish at NORMAL. So a handle that publishes much notes ids ahead.

A part of the stores layer, not a store.
"""

from __future__ import annotations

from apsw import Error

from ..errors import NeurographError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..connection.session import Session

AHEAD = 1024
AFTER = 32  # publishes; a process that publishes once should not commit twice


class NotedIds:
    """What one handle knows to be noted of a table's ids."""

    __slots__ = ("_noted", "_session", "_sql", "_unnoted")

    def __init__(self, session: Session, table: str) -> None:
        self._session = session
        self._sql = f"update sqlite_sequence set seq = ?1 where name = '{table}' and seq < ?1"
        self._noted = 0  # the highest id we know to be noted
        self._unnoted = 0  # publishes since

    def given(self, number: int) -> None:
        """Take notice of a newest id."""
        if number > self._noted:
            self._unnoted = (self._unnoted + 1) % AFTER
            if not self._unnoted:
                afterwards(self._session, lambda: self._note(number + AHEAD))

    def _note(self, number: int) -> None:
        self._session.change(self._sql, (number,))
        self._noted = number


def afterwards(session: Session, follow: Callable[[], object]) -> None:
    """Do what may follow a write, and be done later as well: where it fails, as on a full disk, the write is done.

    Its error would deny that, and who believes it writes once more. It is raised where the transaction was undone.
    """
    try:
        follow()
    except (Error, NeurographError):
        if session.in_transaction and not session.writer.connection.in_transaction:
            raise
