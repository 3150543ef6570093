"""The connections of one open file: one that writes, a pool that reads, transactions and snapshots over them.

Invariants:

1. The writing connection is used by the thread that has the turn, and by no other.
2. A transaction belongs to the thread and asyncio task that began it; it keeps the turn until it ends.
3. A thread without the turn reads through the pool, so a reader never waits for a writer.
4. Inside `snapshot()` a thread's reads go to one pinned connection, and writes are refused.
5. Every undo, of a transaction, a savepoint or a failed statement, is counted on its line.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import apsw

from ..errors import Closed, NoTransaction, ReadOnlyDatabase, TransactionBusy, TransactionOpen, WrongProcess
from . import refusal
from .line import Line
from .location import Location
from .result import Row
from .settings import Options
from .turn import Turn

log = logging.getLogger("neurograph")

LONG_TRANSACTION_S = 1.0  # what other processes should not have to wait for
Bindings = Sequence[Any] | dict[str, Any] | None
Owner = tuple[int, object]


class Session:
    """The connections of one open file, shared by its stores."""

    def __init__(self, location: Location, options: Options, register: Callable[[Line], None]) -> None:
        self.location = location
        self.options = options
        self._register = register
        self.writer = Line(location, options, register)
        self._turn = Turn()
        self._levels = 0
        self._task: object = None
        self._began = 0.0
        self._pool: list[Line] = []
        self._pinned: dict[Owner, list[Line]] = {}
        self._nested: dict[int, Line] = {}
        self._pool_lock = threading.Lock()
        self._pid = os.getpid()
        self._closed = False

    # --- one connection for one piece of work ---------------------------------------------------------------

    def enter(self) -> Line:
        """Return a line for reading, held by the caller until `leave`: the writer if it is free, else a reader."""
        self._check()
        if self._nested and (inside := self._nested.get(threading.get_ident())):
            return inside
        if self._pinned and (pinned := self._pinned.get(_owner())):
            return pinned[-1]
        if self._turn.take(0):
            if not self._levels or self._task is _task():
                return self.writer
            self._turn.give()  # another task of this thread has a transaction open
        return self.borrow()

    def leave(self, line: Line) -> None:
        """Give back a line from `enter`."""
        if line.nested:
            return
        if line is self.writer:
            self._turn.give()
        elif not any(line in lines for lines in self._pinned.values()):
            self.give_back(line)

    def borrow(self) -> Line:
        """Take a reading connection from the pool, or make one."""
        with self._pool_lock:
            if self._pool:
                return self._pool.pop()
        options = Options(
            self.options.synchronous,
            self.options.journal,
            self.options.busy_timeout_s,
            self.options.page_size_bytes,
            read_only=True,
        )
        return Line(self.location, options, self._register)

    def give_back(self, line: Line) -> None:
        """Return a reading connection to the pool."""
        if line.connection.in_transaction:
            line.connection.execute("rollback")
        with self._pool_lock:
            if self._closed:
                line.connection.close()
            else:
                self._pool.append(line)

    def rows(self, sql: str, bindings: Bindings = None) -> list[Row]:
        """Run one reading statement and return its rows."""
        line = self.enter()
        try:
            return line.connection.execute(sql, bindings).fetchall()
        except apsw.Error as error:
            raise line.failed(error) from error
        finally:
            self.leave(line)

    def change(self, sql: str, bindings: Bindings = None) -> list[Row]:
        """Run one writing statement, in the caller's transaction or one of its own, and return its rows."""
        self._take_turn("write")
        try:
            return self.writer.connection.execute(sql, bindings).fetchall()
        except apsw.BusyError as error:
            raise refusal.busy("write", self.options.busy_timeout_s) from error
        except apsw.Error as error:
            raise self.writer.failed(error) from error
        finally:
            self._turn.give()

    def reading(self) -> Reading:
        """Return a context in which several reads see one state."""
        return Reading(self)

    def inside(self, line: Line) -> Inside:
        """Return a context for code that a running statement on `line` calls: its reads see what the statement sees."""
        return Inside(self, line)

    def transaction(self) -> Transaction:
        """Return a context whose writes happen all together or not at all; nested ones are savepoints."""
        return Transaction(self)

    # --- transactions ---------------------------------------------------------------------------------------

    @property
    def in_transaction(self) -> bool:
        """True where the calling thread and task have a transaction open."""
        return self._levels > 0 and self._turn.mine and self._task is _task()

    def begin(self) -> None:
        """Begin a transaction, or a savepoint inside one."""
        self._take_turn("begin a transaction")
        connection = self.writer.connection
        try:
            if self._levels:
                if not connection.in_transaction:
                    raise NoTransaction("cannot begin; the transaction around it was already rolled back")
                connection.execute(f"savepoint ng_{self._levels}")
            else:
                connection.execute("begin immediate")
                self._task, self._began = _task(), time.monotonic()
            self._levels += 1
        except apsw.BusyError as error:
            self._turn.give()
            raise refusal.busy("begin a transaction", self.options.busy_timeout_s) from error
        except BaseException:
            self._turn.give()
            raise

    def commit(self) -> None:
        """End the innermost transaction or savepoint and keep its writes."""
        self._require_transaction("commit")
        connection = self.writer.connection
        if not connection.in_transaction:
            self._end()
            raise NoTransaction("cannot commit; the transaction was already rolled back")
        try:
            connection.execute(f"release ng_{self._levels - 1}" if self._levels > 1 else "commit")
        except apsw.Error as error:
            self.rollback()
            raise self.writer.failed(error) from error
        self._end()

    def rollback(self) -> None:
        """End the innermost transaction or savepoint and undo its writes."""
        self._require_transaction("roll back")
        connection = self.writer.connection
        self.writer.undone += 1
        try:
            if connection.in_transaction:
                if self._levels > 1:
                    connection.execute(f"rollback to ng_{self._levels - 1}").fetchall()
                    connection.execute(f"release ng_{self._levels - 1}")
                else:
                    connection.execute("rollback")
        finally:
            self._end()

    def _require_transaction(self, verb: str) -> None:
        self._check()
        if not self.in_transaction:
            raise NoTransaction(f"cannot {verb}; no transaction is open in this thread or task")

    def _end(self) -> None:
        self._levels -= 1
        if self._levels == 0:
            self._task = None
            held_s = time.monotonic() - self._began
            if held_s > LONG_TRANSACTION_S:
                log.info("a transaction held the write lock of %s for %.1f s", self.location.path, held_s)
        self._turn.give()

    def _take_turn(self, verb: str) -> None:
        """Take the writing connection for the calling thread and task, waiting for the busy timeout."""
        self._check()
        if self._nested and threading.get_ident() in self._nested:
            raise ReadOnlyDatabase(f"cannot {verb}; a statement is running, and functions inside it only read")
        if self.options.read_only:
            raise ReadOnlyDatabase(f'cannot {verb}; the database was opened with mode="r"')
        if self._pinned and _owner() in self._pinned:
            raise ReadOnlyDatabase(f"cannot {verb}; a snapshot is open, and snapshots only read")
        if not self._turn.take(self.options.busy_timeout_s):
            raise TransactionBusy(
                f"cannot {verb}; another thread kept its transaction open for {self.options.busy_timeout_s} s"
            )
        if self._levels and self._task is not _task():
            self._turn.give()
            raise TransactionBusy(
                f"cannot {verb}; another task of this event loop has a transaction open; "
                "do not await anything else inside a transaction, or serialise the tasks with a lock"
            )

    # --- snapshots ------------------------------------------------------------------------------------------

    def pin(self) -> None:
        """Pin one state for the calling thread and task until `unpin`."""
        self._check()
        owner = _owner()
        if self.in_transaction:
            raise TransactionOpen("cannot open a snapshot; a transaction is open, and its reads see one state already")
        line = self.borrow()
        try:
            line.connection.execute("begin")
            line.connection.execute("select 1 from sqlite_schema limit 1").fetchall()  # BEGIN alone pins nothing
        except BaseException:
            self.give_back(line)
            raise
        self._pinned.setdefault(owner, []).append(line)

    def unpin(self) -> None:
        """Let the innermost pinned state go."""
        owner = _owner()
        lines = self._pinned[owner]
        line = lines.pop()
        if not lines:
            del self._pinned[owner]
        self.give_back(line)

    # --- the end --------------------------------------------------------------------------------------------

    def interrupt(self) -> None:
        """Stop what is running on any connection of this session, from any thread."""
        with self._pool_lock:
            lines = [self.writer, *(line for lines in self._pinned.values() for line in lines)]
        for line in lines:
            line.connection.interrupt()

    def close(self) -> None:
        """Roll back what is open and close every connection; a second call does nothing."""
        if self._closed:
            return
        if os.getpid() != self._pid:
            self._closed = True  # closing an inherited connection would roll the parent's transaction back
            return
        while self.in_transaction:
            self.rollback()
        if not self._turn.take(self.options.busy_timeout_s):
            raise TransactionOpen("cannot close; another thread has a transaction open; end it first")
        self._closed = True
        with self._pool_lock:
            for line in self._pool:
                line.connection.close()
            self._pool.clear()
        self.writer.connection.close()
        self._turn.give()

    @property
    def closed(self) -> bool:
        """True after `close`."""
        return self._closed

    def _check(self) -> None:
        if self._closed:
            raise Closed(f"{self.location.path!r} is closed; open it again with neurograph.open")
        if os.getpid() != self._pid:
            raise WrongProcess(
                f"the handle of {self.location.path!r} was inherited by a fork; open the file again in this process"
            )


class Reading:
    """A context in which several reads see one state; its value is the line they run on."""

    __slots__ = ("_began", "_line", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._began = False

    def __enter__(self) -> Line:
        self._line = line = self._session.enter()
        if not line.holds_state:
            line.connection.execute("begin")
            self._began = True
        return line

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        line = self._line
        try:
            if self._began and line.connection.in_transaction:
                line.connection.execute("rollback")
        finally:
            self._session.leave(line)
        if isinstance(error, apsw.Error):
            raise line.failed(error) from error


class Inside:
    """A context for code that a running statement calls; its value is None."""

    __slots__ = ("_before", "_line", "_session")

    def __init__(self, session: Session, line: Line) -> None:
        self._session = session
        self._line = line

    def __enter__(self) -> None:
        nested, me = self._session._nested, threading.get_ident()
        self._before = nested.get(me)
        nested[me] = self._line
        self._line.nested += 1

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._line.nested -= 1
        if self._before is None:
            del self._session._nested[threading.get_ident()]
        else:
            self._session._nested[threading.get_ident()] = self._before


class Transaction:
    """A context whose writes happen all together or not at all; its value is None."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> None:
        self._session.begin()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        session = self._session
        if error is None:
            session.commit()
        elif session.in_transaction:
            session.rollback()
        if isinstance(error, apsw.Error):
            raise session.writer.failed(error) from error


class Snapshot:
    """A context whose reads see one state, without the write lock; its value is None."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> None:
        self._session.pin()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._session.unpin()


def _task() -> object:
    """Return the running asyncio task, or None; asyncio is not imported for it."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return None
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def _owner() -> Owner:
    return threading.get_ident(), _task()
