"""One connection with what we know about it: its deadline, its undone work, and the way to stop it.

Invariants:

1. A line is used by one thread at a time; only `stop` may come from another.
2. Hardening, functions and handlers are in place before the first statement.
3. Nothing is written before the file was found to be ours.
"""

from __future__ import annotations

import os
import time
from _thread import allocate_lock  # `threading` takes 0.6 ms to load

import apsw

from .. import functions
from ..errors import CannotOpen, Closed, DamagedFile, FileLocked, NotADatabase, ReadOnlyFile
from . import forked, guard, refusal
from .location import check_header
from .settings import HARDENING, SETTINGS, STATEMENTS, WRITING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .location import Location
    from .paths import Paths
    from .settings import Options

    Tick = Callable[[], None]
    Register = Callable[["Line"], None]

PROGRESS_STEPS = 10_000  # virtual-machine instructions between two looks at the clock: about 0.5 ms
WAIT_S = 0.005  # the longest pause between two tries to get a lock; SQLite's own back-off grows to 0.1 s and starves us

_opening = allocate_lock()  # between a look at a file's header and the connection nobody else may connect


class Line:
    """One connection to the file.

    Attributes
    ----------
    connection
        The connection itself; used by one thread at a time.
    undone
        How often work was undone on this connection. Neither `total_changes()` nor `data_version` moves at a
        rollback, so derived arrays look at this number too.
    deadline
        When what runs must stop, by `time.monotonic`, or None.
    paths
        None, but while `Database.explain` runs a statement here.
    nested
        How many table-valued functions are answering inside a statement that runs on this line.
    busy
        True while an algorithm works on the line, between its statements too.
    stopping
        True where `interrupt` wants that algorithm to stop.
    streams
        The cursors of streams that are being read on this line.
    scratch
        Memory that algorithms reuse from call to call, or None: a line serves one of them at a time.
    """

    __slots__ = (
        "__weakref__",
        "_busy_timeout_s",
        "_waiting_since",
        "_watch",
        "busy",
        "connection",
        "deadline",
        "nested",
        "paths",
        "scratch",
        "stopping",
        "streams",
        "undone",
    )

    def __init__(
        self, location: Location, options: Options, register: Register | None = None, check: Check | None = None
    ) -> None:
        self.undone = 0
        self.deadline: float | None = None
        self.paths: Paths | None = None
        self.nested = 0
        self.busy = False
        self.stopping = False
        self.streams: set[apsw.Cursor] = set()
        self.scratch: Any = None
        self._waiting_since = 0.0
        self._busy_timeout_s = options.busy_timeout_s
        self.connection = _connect(location, options, check)
        try:
            for harden in HARDENING:
                harden(self.connection)
            self._watch = self.connection.cursor()
            functions.register(self.connection)
            self.connection.set_busy_handler(self._wait)
            self.connection.set_progress_handler(lambda: self.late, PROGRESS_STEPS)
            if register is not None:
                register(self)
            self._set_up(location, options, check)
        except BaseException:
            self.connection.close(True)
            raise

    def _set_up(self, location: Location, options: Options, check: Check | None) -> None:
        connection = self.connection
        try:
            for setting in SETTINGS:
                setting(connection, options)
            connection.execute("select count(*) from sqlite_schema").fetchall()
            if check is not None:
                check.content(connection)
            if options.read_only:
                return
            if connection.readonly("main"):
                raise ReadOnlyFile(f'{location.path!r} can\'t be written; open it with mode="r"')
            for setting in WRITING:
                setting(connection, options)
        except apsw.Error as error:
            raise cannot_open(error, location, options) from error

    def _wait(self, calls: int) -> bool:
        """Wait for another process in short, uneven steps; False gives up."""
        now = time.monotonic()
        if calls == 0:
            self._waiting_since = now
        self.stopping |= self.connection.is_interrupted
        if self.stopping or self.late or now - self._waiting_since >= self._busy_timeout_s:
            return False
        time.sleep(min(0.0002 * (1 << min(calls, 5)), WAIT_S) * (0.5 + os.urandom(1)[0] / 512))
        return True

    @property
    def late(self) -> bool:
        """True after the deadline. As the progress handler it is Python, which also lets Ctrl-C through."""
        return self.deadline is not None and time.monotonic() > self.deadline

    @property
    def holds_state(self) -> bool:
        """True where all reads see one state already: in a transaction, or inside a running statement."""
        return self.nested > 0 or self.connection.in_transaction

    @property
    def stamp(self) -> tuple[int, int, int]:
        """What changes whenever rows may look different on this line. Costs 2.5 µs, the log's read lock 2 of them."""
        connection = self.connection
        try:
            version: Any = self._watch.execute("pragma data_version").get
        except BaseException:  # Ctrl-C between the two: a half-read cursor would keep its snapshot
            self._watch.close(True)
            self._watch = connection.cursor()
            raise
        return version, connection.total_changes(), self.undone

    def took(self, way: str, detail: str) -> None:
        """Note which way answers, where somebody wants to know; look at `paths` before you format a text for it."""
        if self.paths is not None:
            self.paths.note(way, detail)

    @property
    def closed(self) -> bool:
        """True after the connection was closed."""
        try:
            self.connection.in_transaction  # noqa: B018 - it says so by raising
        except apsw.ConnectionClosedError:
            return True
        return False

    def undo(self) -> None:
        """End what was begun here, if anything; nothing is kept."""
        if self.closed:
            return
        self.close_streams()
        if self.connection.in_transaction:
            self.connection.execute("rollback")

    def close_streams(self) -> None:
        """Close the cursors of streams that were not read to their end."""
        while self.streams:
            self.streams.pop().close(True)

    def stop(self) -> None:
        """Stop what is running here, from any thread."""
        if self.busy:
            self.stopping = True
        try:  # noqa: SIM105 - contextlib is not loaded on the way to `open`
            self.connection.interrupt()
        except apsw.ConnectionClosedError:
            pass  # closed by another thread a moment ago

    def tick(self) -> None:
        """Raise if the deadline passed or `interrupt` was called; kernels call it between slices."""
        if self.stopping or self.late or self.connection.is_interrupted:
            raise self.failed(apsw.InterruptError("interrupted"))

    def refuse(self, error: BaseException) -> None:
        """Count that work may have been undone, and raise the error in our words where we know more than SQLite.

        Call it in an ``except`` block, and raise again what it lets pass.
        """
        if not isinstance(error, apsw.Error):
            self.undone += 1
        elif (said := self.failed(error)) is not error:
            raise said from error

    def refuse_read(self, error: BaseException) -> None:
        """As `refuse`, where no code but SQLite's has run: so a text that is not UTF-8 is the file's."""
        self.refuse(error)
        if isinstance(error, UnicodeDecodeError):
            raise refusal.no_text(error) from error

    def failed(self, error: apsw.Error) -> Exception:
        """Return the error to raise for one of SQLite's, and count that work may have been undone."""
        self.undone += 1
        gave_up = isinstance(error, apsw.BusyError) and (self.stopping or self.late)
        if gave_up or isinstance(error, apsw.InterruptError):
            self.stopping = False
            return refusal.stopped(self.late)
        if isinstance(error, apsw.ConnectionClosedError):
            return Closed("the database was closed meanwhile; open it again with neurograph.open")
        return refusal.explain(error, self.connection, self._busy_timeout_s)


class Check:
    """What a file must be before anything is written to it: asked by its header, then by its content."""

    __slots__ = ("content", "newest_schema")

    def __init__(self, newest_schema: int, content: Callable[[apsw.Connection], object]) -> None:
        self.newest_schema = newest_schema
        self.content = content


def _connect(location: Location, options: Options, check: Check | None) -> apsw.Connection:
    """Open a bare connection; no statement runs on it yet."""
    flags = apsw.SQLITE_OPEN_URI if location.is_uri else 0
    if options.read_only and location.is_uri:
        flags |= apsw.SQLITE_OPEN_READONLY
    else:  # also to read: the last to close a file must be able to fold its log into it
        flags |= apsw.SQLITE_OPEN_READWRITE | (0 if options.read_only else apsw.SQLITE_OPEN_CREATE)
    try:
        with _opening:
            if check is not None and not location.in_memory:
                forked.refuse_inherited(location.path)
                guard.refuse_foreign_handles(location.path)
                if location.exists and not guard.connections_to(location.path):
                    check_header(location, check.newest_schema)
            return apsw.Connection(location.filename, flags=flags, statementcachesize=STATEMENTS)
    except apsw.Error as error:
        raise cannot_open(error, location, options) from error


def cannot_open(error: apsw.Error, location: Location, options: Options) -> Exception:
    """Return the error to raise for one of SQLite's while a file is being opened."""
    path = location.path
    if isinstance(error, apsw.NotADBError):
        return NotADatabase(f"{path!r} is not a SQLite database, or it is encrypted")
    if isinstance(error, apsw.CorruptError):
        return DamagedFile(f"{path!r} is damaged ({error}); restore it from a copy")
    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return FileLocked(
            f"{path!r} was locked by another process for {options.busy_timeout_s} s; try again later, or give "
            "busy_timeout_s more"
        )
    if isinstance(error, apsw.ReadOnlyError | apsw.CantOpenError | apsw.PermissionsError):
        if options.read_only:
            return CannotOpen(
                f"{path!r} can't be read ({error}); check its permissions, or copy it with its -wal and -journal to "
                "a folder you can write"
            )
        return ReadOnlyFile(f'{path!r} or its folder can\'t be written ({error}); open it with mode="r"')
    return error
