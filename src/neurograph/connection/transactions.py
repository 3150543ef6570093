"""Transactions of one writing connection: whose turn it is, what is open, and what is pinned.

Invariants:

1. A transaction belongs to the thread and asyncio task that began it; it keeps the turn until it ends.
2. After SQLite undid a whole transaction by itself nothing runs in it: it would be committed on its own.
3. While a snapshot, a reading or a running statement is pinned to a thread and task, its writes are refused.
4. Every undo, of a transaction, a savepoint or a failed statement, is counted on its line.
"""

from __future__ import annotations

import logging
import time
from threading import get_ident

from ..errors import Closed, NoTransaction, ReadOnlyDatabase, TransactionBusy, WrongProcess
from . import refusal
from .scope import earlier
from .turn import Turn, current_owner, current_task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from .line import Line
    from .location import Location
    from .settings import Options
    from .turn import Owner

log = logging.getLogger("neurograph")

LONG_TRANSACTION_S = 1.0  # what other processes should not have to wait for
OPEN, CLOSED, INHERITED = range(3)


class Transactions:
    """What a session knows of its writing connection and of whom it belongs to at the moment."""

    def __init__(self, location: Location, options: Options, writer: Line) -> None:
        self.location = location
        self.options = options
        self.writer = writer
        self._turn = Turn()
        self._home = 0  # the first thread that used this session
        self._shared = False
        self._levels = 0
        self._task: object = None
        self._began = 0.0
        self._pinned: dict[Owner, list[Line]] = {}
        self._state = OPEN

    # --- whose turn it is -----------------------------------------------------------------------------------------

    def take_turn(self, verb: str, writes: bool = True, deadline: float | None = None) -> None:
        """Take the writing connection for the calling thread and task, waiting for the busy timeout."""
        if self._state:
            self._refuse()
        if writes and self.options.read_only:
            raise ReadOnlyDatabase(f'cannot {verb}; the database was opened for reading; open it with mode="rw"')
        if self._pinned and (lines := self._pinned.get(current_owner())):
            what = "a statement is running, and functions inside it" if lines[-1].nested else "snapshots"
            raise ReadOnlyDatabase(f"cannot {verb}; {what} only read; write before or after")
        if get_ident() != self._home:
            self._notice_thread()
        self._wait_for_turn(verb, deadline)
        if self._levels:
            try:
                self._require_mine(verb)
            except BaseException:
                self._turn.give()
                raise
        elif self.writer.connection.in_transaction:
            self._turn.give()
            raise TransactionBusy(f"cannot {verb}; another task of this event loop has a snapshot open; end it first")

    def give_turn(self) -> None:
        """Give back what `take_turn` took."""
        self._turn.give()

    def _notice_thread(self) -> None:
        me = get_ident()
        if not self._home:
            self._home = me
        elif self._home != me:
            self._shared = True

    def _require_mine(self, verb: str) -> None:
        if self._task is not current_task():
            raise TransactionBusy(
                f"cannot {verb}; another task of this event loop has a transaction open; "
                "do not await anything else inside a transaction, or serialise the tasks with a lock"
            )
        self._require_alive()

    def _require_alive(self) -> None:
        """Refuse to go on after SQLite undid the whole transaction: what follows would be committed on its own."""
        if self._levels and not self.writer.connection.in_transaction:
            raise NoTransaction(
                "cannot go on; the transaction was already rolled back (by an interrupt, a deadline or an error of the "
                "disk); leave its block and begin again"
            )

    def _wait_for_turn(self, verb: str, deadline: float | None) -> None:
        limit_s = self.options.busy_timeout_s
        if deadline is not None:
            limit_s = min(limit_s, deadline - time.monotonic())
        if self._turn.take(limit_s):
            return
        if deadline is not None and time.monotonic() > deadline:
            raise refusal.stopped(True)
        raise TransactionBusy(
            f"cannot {verb}; another thread kept its transaction open for {self.options.busy_timeout_s} s; "
            "make transactions shorter, or open with more busy_timeout_s"
        )

    # --- transactions ---------------------------------------------------------------------------------------------

    @property
    def levels(self) -> int:
        """How many transactions and savepoints are open, whoever began them."""
        return self._levels

    @property
    def in_transaction(self) -> bool:
        """True where the calling thread and task have a transaction open."""
        return self._levels > 0 and not self._state and self._turn.mine and self._task is current_task()

    def begin(self, deadline: float | None = None) -> None:
        """Begin a transaction, or a savepoint inside one."""
        self.take_turn("begin a transaction", deadline=deadline)
        before, self.writer.deadline = self.writer.deadline, earlier(self.writer.deadline, deadline)
        try:
            if self._levels:
                self.writer.connection.execute(f"savepoint ng_{self._levels}")
            else:
                self.writer.connection.execute("begin immediate")
                self._task, self._began = current_task(), time.monotonic()
            self._levels += 1
        except BaseException as error:
            if not self._levels and self.writer.connection.in_transaction:  # an interrupt right after BEGIN
                self.writer.connection.execute("rollback")
            self._turn.give()
            self.writer.refuse(error)
            raise
        finally:
            self.writer.deadline = before

    def commit(self) -> None:
        """End the innermost transaction or savepoint and keep its writes."""
        self._require_transaction("commit")
        connection = self.writer.connection
        if not connection.in_transaction:
            self._end()
            raise NoTransaction("cannot commit; the transaction was already rolled back")
        try:
            connection.execute(f"release ng_{self._levels - 1}" if self._levels > 1 else "commit")
        except BaseException as error:
            self.rollback()
            self.writer.refuse(error)
            raise
        self._end()

    def rollback(self) -> None:
        """End the innermost transaction or savepoint and undo its writes."""
        self._require_transaction("roll back")
        connection = self.writer.connection
        self.writer.undone += 1
        try:
            if connection.in_transaction:
                if self._levels > 1:
                    connection.execute(f"rollback to ng_{self._levels - 1}")
                    connection.execute(f"release ng_{self._levels - 1}")
                else:
                    connection.execute("rollback")
        finally:
            self._end()

    def _require_transaction(self, verb: str) -> None:
        if self._state:
            self._refuse()
        if not self.in_transaction:
            raise NoTransaction(f"cannot {verb}; no transaction is open in this thread or task")

    def _end(self) -> None:
        self._levels -= 1
        if self._levels == 0:
            self._task = None
            self.writer.close_streams()
            held_s = time.monotonic() - self._began
            if held_s > LONG_TRANSACTION_S:
                log.info("%s: a transaction held the write lock for %.1f s", self.location.path, held_s)
        self._turn.give()

    # --- one state for several reads ------------------------------------------------------------------------------

    @property
    def pinned(self) -> bool:
        """True where the reads of the calling thread and task go to a pinned line."""
        return bool(self._pinned) and current_owner() in self._pinned

    def pin(self, line: Line) -> None:
        """Let the reads of the calling thread and task go to `line` until `unpin`."""
        self._pinned.setdefault(current_owner(), []).append(line)

    def unpin(self) -> None:
        """Undo the last `pin` of the calling thread and task."""
        owner = current_owner()
        lines = self._pinned[owner]
        lines.pop()
        if not lines:
            del self._pinned[owner]

    # --- may it be used at all ------------------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """True after `close`."""
        return self._state != OPEN

    def require_open(self) -> None:
        """Raise unless this session can be used."""
        if self._state:
            self._refuse()

    def inherited(self) -> str:
        """Note that this is the copy in a forked child, and return the path of the file if it is open."""
        if self._state != OPEN:
            return ""
        self._state = INHERITED
        return self.location.path

    def _refuse(self) -> NoReturn:
        if self._state == INHERITED:
            raise WrongProcess(
                f"{self.location.path!r} was opened before this process was forked; open it in each process on its "
                'own, started with "spawn" or "forkserver"'
            )
        raise Closed(f"{self.location.path!r} is closed; open it again with neurograph.open")
