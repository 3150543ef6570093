"""What happens to the file when its last handle lets go of it."""

from __future__ import annotations

import apsw

from ..errors import TransactionBusy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .line import Line


def leave_wal(line: Line) -> None:
    """Turn the file back to a rollback journal, which read-only media can hold; no other handle may be open."""
    try:
        mode = line.connection.pragma("journal_mode", "delete")
    except apsw.BusyError:
        mode = "wal"
    if mode != "delete":
        raise TransactionBusy(
            "cannot make the file portable; another process or handle has it open; close it there first, or close this "
            "handle without portable=True"
        )


def close_writer(line: Line, read_only: bool) -> None:
    """Close the first connection. Nothing here waits: a checkpoint that waited took the whole busy timeout.

    A handle that wrote moves its log into the file as far as readers allow; the last handle of all does so anyway and
    removes the log. One that was opened for reading leaves a log that a crash left behind as it found it.
    """
    if line.closed:
        return
    connection = line.connection
    try:
        line.undo()
        if connection.pragma("journal_mode") == "wal":
            if read_only:
                connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
                connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, int(not _is_all_moved(connection)))
            elif connection.total_changes():
                _checkpoint(connection, apsw.SQLITE_CHECKPOINT_PASSIVE)
    finally:  # also where Ctrl-C came during a long checkpoint
        connection.close(True)


def _is_all_moved(connection: apsw.Connection) -> bool:
    """Tell whether the file holds all of its log; False also where another process is moving it just now."""
    frames, moved = _checkpoint(connection, apsw.SQLITE_CHECKPOINT_NOOP) or (1, 0)
    return frames == moved


def _checkpoint(connection: apsw.Connection, mode: int) -> tuple[int, int] | None:
    """Return the frames of the log and how many the file holds, or None where neither can be done now.

    Busy: another process is moving the log; of 400 closings, 4 processes at once, 16 met this. Locked: Ctrl-C left a
    statement half-read in a traceback, and closing the connection ends it.
    """
    try:
        return connection.wal_checkpoint(mode=mode)
    except (apsw.BusyError, apsw.LockedError):
        return None
