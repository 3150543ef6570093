"""The connections of one open file: one that writes, a pool that reads, and which of them serves a call.

Invariants:

1. The writing connection is used by the thread that has the turn, and by no other.
2. One thread alone reads on the writing connection, whose cache is warm. From the moment a second thread comes, reads
   outside transactions go to the pool, so a reader neither waits for a writer nor keeps one waiting. In memory there
   is one connection: readers and writers take turns.
3. While a snapshot, a reading or a running statement is pinned to a thread and task, its reads see that state.
"""

from __future__ import annotations

import time
from _thread import allocate_lock, get_ident  # `threading` takes 0.6 ms to load

from .. import log
from ..errors import CannotOpen, ReadOnlyDatabase, TransactionBusy, TransactionOpen
from . import forked
from .closing import close_writer, leave_wal
from .group import Group, Write
from .line import Line
from .pool import Readers
from .scope import Inside, Reading, Transaction, WriteTurn
from .transactions import CLOSED, OPEN, Transactions
from .turn import current_owner, current_task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from typing import Any

    import apsw

    from .line import Check, Register
    from .location import Location
    from .result import Row
    from .settings import Options

    Bindings = Sequence[Any] | dict[str, Any] | None
else:
    Bindings = object  # a name to import, for annotations


class Session(Transactions):
    """The connections of one open file, shared by its stores."""

    def __init__(
        self, location: Location, options: Options, register: Register | None = None, check: Check | None = None
    ) -> None:
        self._register = register
        self.options = options
        location, writer = self._first_line(location, check)
        try:
            super().__init__(location, options, writer)
            reading = options.replaced(read_only=True)
            self.readers = Readers(lambda: Line(location, reading, register))
            self.interrupts = 0  # how often `interrupt` was called
            self.private = False  # True once the writing line has temporary tables or attached files
            self._closing = allocate_lock()
            self._group = Group(self)
            forked.watch(self)
        except BaseException:  # Ctrl-C; its functions hold the line, so nothing else would close it
            writer.connection.close(True)
            raise

    def _first_line(self, location: Location, check: Check | None) -> tuple[Location, Line]:
        """Open the line that finds out what the file is."""
        try:
            return location, Line(location, self.options, self._register, check)
        except CannotOpen as error:
            read_only_media = (
                type(error) is CannotOpen
                and self.options.read_only
                and not location.is_uri
                and location.sidecar_bytes("-wal") is None
                and location.sidecar_bytes("-journal") is None
            )
            if not read_only_media:
                raise
        location = location.unchangeable()
        line = Line(location, self.options, self._register, check)
        log.info("%s: opened as a file that nobody changes, without locks", location.path)
        return location, line

    # --- one connection for one piece of work ---------------------------------------------------------------------

    def enter(self, deadline: float | None = None) -> Line:
        """Return a line for reading, held by the caller until `leave`; see invariants 2 and 3."""
        if self._state:
            self._refuse()
        if self._pinned and (lines := self._pinned.get(current_owner())):
            return lines[-1]
        if self._marks or self._shared or get_ident() != self._home or not self._turn.take(0):
            return self._enter_shared(deadline)
        return self.writer

    def _enter_shared(self, deadline: float | None) -> Line:
        self._notice_thread()
        if self._turn.mine:
            if not self._marks or self._task is current_task():
                self._require_alive()
                self._turn.take(0)
                return self.writer
            if self.location.in_memory:  # the transaction can't go on while this task waits for it
                raise TransactionBusy(
                    "cannot read; another task of this event loop has a transaction open, and a database in memory "
                    "has one connection; end the transaction first"
                )
        elif self.location.in_memory:
            self._wait_for_turn("read", deadline)
            return self.writer
        elif not self._shared and self._turn.take(0):
            return self.writer
        return self.readers.borrow()

    def leave(self, line: Line) -> None:
        """Give back a line from `enter`."""
        if self._pinned and (lines := self._pinned.get(current_owner())) and lines[-1] is line:
            return
        if line is self.writer:
            self._turn.give()
        else:
            self.readers.give_back(line)

    def borrow(self) -> Line:
        """Take a reading connection of one's own, until `give_back`."""
        self.require_open()
        return self.readers.borrow()

    def give_back(self, line: Line) -> None:
        """Give back a line from `borrow`."""
        self.readers.give_back(line)

    def line_for_stream(self) -> tuple[Line, bool] | None:
        """Return the line a stream reads on and whether it is its own; None where it should fetch all rows first."""
        if self._state:
            self._refuse()
        if lines := self._pinned.get(current_owner()):
            return lines[-1], False
        if self.in_transaction:
            self._require_alive()
            return self.writer, False
        if self.location.in_memory or self.options.journal == "rollback":
            return None  # a loop over the rows that also writes would wait for itself
        return self.readers.borrow(), True

    def may_write(self, line: Line) -> bool:
        """Tell whether a line from `enter` may be written to as it stands."""
        free = line is self.writer and not self.options.read_only and not self.pinned
        return free and (bool(self._marks) or not line.connection.in_transaction)

    def rows(self, sql: str, bindings: Bindings = None) -> list[Row]:
        """Run one reading statement and return its rows."""
        line = self.enter()
        try:
            return line.connection.execute(sql, bindings).fetchall()
        except BaseException as error:
            line.refuse_read(error)
            raise
        finally:
            self.leave(line)

    def rows_until(self, deadline: float | None, sql: str, bindings: Bindings = None) -> list[Row]:
        """Run one reading statement as `rows` does, stopped at a deadline by `time.monotonic`; None: never."""
        if deadline is None:
            return self.rows(sql, bindings)
        with self.reading(max(0.0, deadline - time.monotonic())) as line:
            return line.connection.execute(sql, bindings).fetchall()

    def change(self, sql: str, bindings: Bindings = None) -> list[Row]:
        """Run one writing statement, in the caller's transaction or one of its own, and return its rows."""
        if not self.take_turn("write", waits=False):
            return self._group.run(Write(sql, bindings, _rows))  # type: ignore[no-any-return]
        try:
            return self.writer.connection.execute(sql, bindings).fetchall()
        except BaseException as error:
            self.writer.refuse_read(error)
            raise
        finally:
            self._turn.give()

    def changed(self, sql: str, bindings: Bindings = None) -> int:
        """Run one writing statement as `change` does; return how many rows it changed: `returning` costs 2 µs more."""
        if not self.take_turn("write", waits=False):
            return self._group.run(Write(sql, bindings, _count))  # type: ignore[no-any-return]
        try:
            connection = self.writer.connection
            connection.execute(sql, bindings)
            return connection.changes()
        except BaseException as error:
            self.writer.refuse(error)
            raise
        finally:
            self._turn.give()

    def insert(self, sql: str, bindings: Bindings = None) -> int:
        """Run one insert as `change` does, and return the row's id; `returning` would cost 1 µs more."""
        if not self.take_turn("write", waits=False):
            return self._group.run(Write(sql, bindings, _row_id))  # type: ignore[no-any-return]
        try:
            connection = self.writer.connection
            connection.execute(sql, bindings)
            return connection.last_insert_rowid()
        except BaseException as error:
            self.writer.refuse(error)
            raise
        finally:
            self._turn.give()

    def insert_or_none(self, sql: str, bindings: Bindings = None) -> int | None:
        """Run one insert as `insert` does, and return the row's id; None where it inserted none."""
        if not self.take_turn("write", waits=False):
            return self._group.run(Write(sql, bindings, _row_id_or_none))  # type: ignore[no-any-return]
        try:
            connection = self.writer.connection
            connection.execute(sql, bindings)
            return connection.last_insert_rowid() if connection.changes() else None
        except BaseException as error:
            self.writer.refuse(error)
            raise
        finally:
            self._turn.give()

    def reading(self, timeout_s: float | None = None) -> Reading:
        """Return a context in which several reads see one state; its value is the line they run on."""
        return Reading(self, timeout_s)

    def inside(self, line: Line) -> Inside:
        """Return a context for code that a running statement on `line` calls: its reads see what the statement sees."""
        return Inside(self, line)

    def write_turn(self, verb: str = "write", deadline: float | None = None, writes: bool = True) -> WriteTurn:
        """Return a context that holds the writing connection; its value is the writing line."""
        return WriteTurn(self, verb, deadline, writes)

    def transaction(self, deadline: float | None = None) -> Transaction:
        """Return a context whose writes happen all together or not at all; nested ones are savepoints."""
        return Transaction(self, deadline)

    def announce(self, topic: Hashable) -> None:
        """Wake those of this process that wait for `topic`, once what the caller has written is committed."""
        if self._marks and self._turn.mine:
            self._news.add(topic)
        else:
            self.board.tell((topic,))

    # --- the end --------------------------------------------------------------------------------------------------

    def interrupt(self) -> None:
        """Stop what is running on any connection of this session, from any thread."""
        self.interrupts += 1
        for line in (self.writer, *self.readers.lines):
            line.stop()
        self.board.wake_all()

    def close(self, portable: bool = False) -> None:
        """Roll back what is open and close every connection; a second call does nothing."""
        if self._state:
            return
        while self.in_transaction:
            self.rollback()
        if portable and self.options.read_only:
            raise ReadOnlyDatabase('cannot make the file portable; it was opened for reading; open it with mode="rw"')
        if not self._turn.take(self.options.busy_timeout_s):
            raise TransactionOpen("cannot close; another thread has a transaction open; end it first")
        try:
            if self._marks:
                raise TransactionOpen("cannot close; another task of this loop has a transaction open; end it first")
            with self._closing:
                if self._state:
                    return
                self.readers.close(for_good=False)
                if portable and not self.location.in_memory:
                    leave_wal(self.writer)
                self._let_go()
                self.board.wake_all()
        finally:
            self._turn.give()

    def _let_go(self) -> None:
        """Close every connection; again where Ctrl-C comes between, for a second `close` does nothing."""
        try:
            self._state = CLOSED
            self.readers.close()
            close_writer(self.writer, self.options.read_only)
        except BaseException:
            self.readers.close()
            close_writer(self.writer, self.options.read_only)
            raise

    def __del__(self) -> None:
        # Functions registered with SQLite hold their line, and Python's collector can't look through SQLite: without
        # this a handle that is dropped would never be closed.
        if getattr(self, "_state", CLOSED) == OPEN and hasattr(self, "readers"):
            self._let_go()


# What a write in a group tells its thread: as `change`, `changed`, `insert` and `insert_or_none` do.


def _rows(connection: apsw.Connection, cursor: apsw.Cursor) -> list[Row]:
    return cursor.fetchall()


def _count(connection: apsw.Connection, cursor: apsw.Cursor) -> int:
    return connection.changes()


def _row_id(connection: apsw.Connection, cursor: apsw.Cursor) -> int:
    return connection.last_insert_rowid()


def _row_id_or_none(connection: apsw.Connection, cursor: apsw.Cursor) -> int | None:
    return connection.last_insert_rowid() if connection.changes() else None
