"""When the log is moved into the file: from 1,000 pages on, and then after every 128.

SQLite's own way, `wal_autocheckpoint`, tries after each commit as long as the log is longer than its limit. It stays
longer while readers keep it from beginning anew, and each try syncs the log and the file: beside a process that claimed
messages, 10,000 publishes with synchronous NORMAL synced 730 to 1,362 times; by steps 86 to 135 times.

Invariant: whatever becomes of a checkpoint, the commit that it follows is done, and nobody hears otherwise.
"""

from __future__ import annotations

import apsw

FROM_PAGES = 1000  # as SQLite's own: 8 MB
STEP_PAGES = 128  # rarer, and readers let the log grow: of 1,000 it was 135 MB where this way 48


class Checkpoints:
    """Checkpoints of one connection, as its `set_wal_hook` takes them."""

    __slots__ = ("_tried",)

    def __init__(self) -> None:
        self._tried = 0  # how long the log was at the last try

    def __call__(self, connection: apsw.Connection, database: str, pages: int) -> int:
        """Checkpoint after a commit, where the log has grown enough since the last try or has begun anew."""
        if pages < FROM_PAGES:
            self._tried = 0
        elif not self._tried <= pages < self._tried + STEP_PAGES:
            self._tried = pages
            try:  # noqa: SIM105 - contextlib would be loaded for this
                connection.wal_checkpoint(database, apsw.SQLITE_CHECKPOINT_PASSIVE)
            except apsw.Error:  # another process is at it, or the disk is full: the next step tries again
                pass
        return apsw.SQLITE_OK
