"""Waiting until somebody commits, in this process or another: the one place that knows how.

1. What is seen before a read, and waited on after it, misses no commit: one in between ends the wait at once.
2. A waiting thread holds no lock and keeps no state of the file: others write, checkpoint and close meanwhile.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ...connection import refusal, running
from ...errors import TransactionOpen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...connection.session import Session

SHORTEST_S, LONGEST_S = 0.001, 0.05
"""Between two looks: soon after a change, and where nothing has happened for long."""


class Waiting:
    """A reading connection of its own that tells when somebody committed; a database in memory has one for all."""

    def __init__(self, session: Session) -> None:
        session.require_open()
        self._session = session
        self._line = None if session.location.in_memory else session.borrow()
        if self._line is not None:
            self._line.busy, self._line.stopping = True, False  # so that `interrupt` is heard

    def __enter__(self) -> Waiting:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._line is not None:
            self._line.busy = False
            self._session.give_back(self._line)

    def rows(self, sql: str, bindings: Sequence[Any] = ()) -> list[Any]:
        """Run one reading statement on what is committed."""
        self._session.require_open()
        line = self._line
        if line is None:
            if running.heard():
                raise refusal.stopped(False)
            if self._session.in_transaction:
                raise TransactionOpen(
                    "cannot watch; a transaction is open here, and a database in memory has one connection; "
                    "end it first"
                )
            return self._session.rows(sql, bindings)
        try:
            line.tick()
            return line.connection.execute(sql, bindings).fetchall()
        except BaseException as error:
            line.refuse_read(error)
            raise

    def seen(self) -> int:
        """Return a number that is another one after each commit of anybody else."""
        if self._line is None:
            return self.rows("select coalesce(max(version), 0) from storage_change")[0][0]  # type: ignore[no-any-return]
        return self.rows("pragma data_version")[0][0]  # type: ignore[no-any-return]

    def wait(self, seen: int, until: float | None) -> bool:
        """Return True when somebody has committed since `seen`, False at the time `until` of `time.monotonic`."""
        pause_s = SHORTEST_S
        with running.Waiting(for_ever=True):
            while self.seen() == seen:
                left_s = pause_s if until is None else min(pause_s, until - time.monotonic())
                if left_s <= 0:
                    return False
                time.sleep(left_s)
                pause_s = min(pause_s * 1.5, LONGEST_S)
        return True
