"""One connection with what we know about it: its deadline, its undone work, and the way to stop it."""

from __future__ import annotations

import time
from collections.abc import Callable

import apsw

from .. import functions
from ..errors import FileLocked, NotADatabase, ReadOnlyFile
from . import refusal
from .location import Location
from .settings import HARDENING, SETTINGS, Options

PROGRESS_STEPS = 10_000  # virtual-machine instructions between two looks at the clock: about 0.5 ms


class Line:
    """One connection to the file.

    Attributes
    ----------
    connection
        The connection itself; used by one thread at a time.
    undone
        How often work was undone on this connection. Neither `total_changes()` nor `data_version` moves at a
        rollback, so derived arrays look at this number too.
    nested
        How many table-valued functions are answering inside a statement that runs on this line.
    """

    __slots__ = ("__weakref__", "connection", "deadline", "expired", "nested", "stopping", "undone")

    def __init__(self, location: Location, options: Options, register: Callable[[Line], None]) -> None:
        self.connection = _open(location, options)
        self.undone = 0
        self.nested = 0
        self.deadline: float | None = None
        self.expired = False
        self.stopping = False
        try:
            _set_up(self, location, options, register)
        except BaseException:
            self.connection.close()
            raise
        self.connection.set_progress_handler(self._progress, PROGRESS_STEPS)

    def _progress(self) -> bool:
        """Stop a statement whose deadline passed. Being Python, this also lets Ctrl-C through."""
        if self.stopping:
            return True
        self.expired = self.deadline is not None and time.monotonic() > self.deadline
        return self.expired

    @property
    def holds_state(self) -> bool:
        """True where all reads see one state already: in a transaction, or inside a running statement."""
        return self.nested > 0 or self.connection.in_transaction

    def tick(self) -> None:
        """Raise if the deadline passed or `interrupt` was called; kernels call it between slices."""
        if self._progress():
            raise self.failed(apsw.InterruptError())

    def failed(self, error: apsw.Error) -> Exception:
        """Return the error to raise for one of SQLite's, and note that a statement may have been undone."""
        self.undone += 1
        if isinstance(error, apsw.InterruptError):
            expired, self.expired, self.stopping = self.expired, False, False
            return refusal.stopped(expired)
        if isinstance(error, apsw.BusyError):
            return refusal.busy("write", 0) if not str(error) else error
        return refusal.explain(error, self.connection)


def _open(location: Location, options: Options) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_URI if location.in_memory else 0
    if options.read_only and not location.in_memory:
        flags |= apsw.SQLITE_OPEN_READONLY
    else:
        flags |= apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    try:
        return apsw.Connection(location.filename, flags=flags, statementcachesize=256)
    except apsw.CantOpenError as error:
        raise ReadOnlyFile(f"cannot open {location.path!r}: {error}; check its permissions and its folder's") from error


def _set_up(line: Line, location: Location, options: Options, register: Callable[[Line], None]) -> None:
    """Harden the connection and register functions before its first statement, then apply the settings."""
    connection = line.connection
    for harden in HARDENING:
        harden(connection)
    functions.register(connection)
    register(line)
    try:
        if not location.exists and not options.read_only:
            _lay_out(connection, options)
        for setting in SETTINGS:
            setting(connection, options)
        connection.execute("select count(*) from sqlite_schema").fetchall()
        if options.read_only:
            connection.pragma("query_only", 1)
        elif connection.readonly("main"):
            raise ReadOnlyFile(f'{location.path!r} can\'t be written; open it with mode="r"')
    except apsw.NotADBError as error:
        raise NotADatabase(f"{location.path!r} is not a SQLite database, or it is encrypted") from error
    except apsw.BusyError as error:
        raise FileLocked(
            f"{location.path!r} was locked by another process for {options.busy_timeout_s} s; try again later"
        ) from error
    except (apsw.ReadOnlyError, apsw.CantOpenError) as error:
        raise ReadOnlyFile(f'{location.path!r} can\'t be written ({error}); open it with mode="r"') from error


def _lay_out(connection: apsw.Connection, options: Options) -> None:
    """Set what can only be chosen before the first page is written."""
    if connection.execute("select count(*) from sqlite_schema").fetchone() == (0,):
        connection.pragma("page_size", options.page_size_bytes)
        connection.pragma("auto_vacuum", 2)  # incremental: dropped data gives its pages back in steps


Tick = Callable[[], None]
