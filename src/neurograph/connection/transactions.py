"""Transactions of one writing connection: whose turn it is, what is open, and what is pinned.

Invariants:

1. A transaction belongs to the thread and asyncio task that began it; it keeps the turn until it ends.
2. After SQLite undid a whole transaction by itself nothing runs in it: it would be committed on its own.
3. While a snapshot, a reading or a running statement is pinned to a thread and task, its writes are refused.
4. Every undo, of a transaction, a savepoint or a failed statement, is counted on its line.
"""

from __future__ import annotations

import time
from _thread import get_ident

import apsw

from .. import log
from ..errors import Closed, NoTransaction, ReadOnlyDatabase, TransactionBusy, WrongProcess
from . import refusal
from .news import board_of
from .scope import earlier
from .turn import Turn, current_owner, current_task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import NoReturn

    from .line import Line
    from .location import Location
    from .settings import Options
    from .turn import Owner

LONG_TRANSACTION_S = 1.0  # what other processes should not have to wait for
OPEN, CLOSED, INHERITED = range(3)


class Transactions:
    """What a session knows of its writing connection and of whom it belongs to at the moment."""

    def __init__(self, location: Location, options: Options, writer: Line) -> None:
        self.location = location
        self.options = options
        self.writer = writer
        self.board = board_of(location)
        self._turn = Turn()
        self._home = 0  # the first thread that used this session
        self._shared = False
        self._marks: list[int] = []  # of the turn, one for each transaction and savepoint that is open
        self._task: object = None
        self._began = 0.0
        self._news: set[Hashable] = set()  # what to tell once the outermost transaction is committed
        self._pinned: dict[Owner, list[Line]] = {}
        self._state = OPEN

    # --- whose turn it is -----------------------------------------------------------------------------------------

    def take_turn(self, verb: str, writes: bool = True, deadline: float | None = None, waits: bool = True) -> bool:
        """Take the writing connection for the calling thread and task, waiting for the busy timeout.

        Return False, without the turn, where another thread has it and `waits` is False.
        """
        if self._state:
            self._refuse()
        if writes and self.options.read_only:
            raise ReadOnlyDatabase(f'cannot {verb}; the database was opened for reading; open it with mode="rw"')
        if self._pinned and (lines := self._pinned.get(current_owner())):
            what = "a statement is running, and functions inside it" if lines[-1].nested else "snapshots"
            raise ReadOnlyDatabase(f"cannot {verb}; {what} only read; write before or after")
        if get_ident() != self._home:
            self._notice_thread()
        mark = self._turn.mark()
        try:
            if not waits and not self._turn.take(0):
                return False
            if waits:
                self._wait_for_turn(verb, deadline)
            if self._marks:
                self._require_mine(verb)
            elif self.writer.connection.in_transaction:
                raise TransactionBusy(
                    f"cannot {verb}; another task of this event loop has a snapshot open; end it first"
                )
        except BaseException:
            self._turn.settle(mark)
            raise
        return True

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
        if self._marks and not self.writer.connection.in_transaction:
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
        return len(self._marks)

    @property
    def in_transaction(self) -> bool:
        """True where the calling thread and task have a transaction open."""
        return bool(self._marks) and not self._state and self._turn.mine and self._task is current_task()

    def begin(self, deadline: float | None = None) -> None:
        """Begin a transaction, or a savepoint inside one."""
        mark, levels = self.mark()
        line = self.writer
        before, deadline = line.deadline, earlier(line.deadline, deadline)
        began = False
        try:
            self.take_turn("begin a transaction", deadline=deadline)
            line.deadline = deadline
            levels = len(self._marks)
            began = True
            line.connection.execute(f"savepoint ng_{levels}" if levels else "begin immediate")
            if not levels:
                self._task, self._began = current_task(), time.monotonic()
            self._marks.append(mark)
        except BaseException as error:
            if began:
                self._unwind(mark, levels)
            self._turn.settle(mark)
            line.refuse(error)
            raise
        finally:
            line.deadline = before

    def commit(self) -> None:
        """End the innermost transaction or savepoint and keep its writes."""
        mark, levels = self._innermost("commit")
        line = self.writer
        if not line.connection.in_transaction:
            self._unwind(mark, levels)
            raise NoTransaction("cannot commit; the transaction was already rolled back")
        try:
            line.connection.execute(f"release ng_{levels}" if levels else "commit")
            news = None if levels else self._news
            self._ended(mark, levels)
        except BaseException as error:
            self._unwind(mark, levels)
            line.refuse(error)
            raise
        if news:
            self.board.tell(news)

    def rollback(self) -> None:
        """End the innermost transaction or savepoint and undo its writes."""
        mark, levels = self._innermost("roll back")
        try:
            self._unwind(mark, levels)
        except BaseException:
            self._unwind(mark, levels)
            raise

    def mark(self) -> tuple[int, int]:
        """Return how the caller holds the writing connection, for `unwind`."""
        mark = self._turn.mark()
        return mark, len(self._marks) if mark else 0  # without the turn the levels are another thread's

    def unwind(self, mark: int, levels: int) -> None:
        """Undo what the caller began since `mark` and give it back; nothing to do is fine."""
        if self.in_transaction and len(self._marks) > levels:
            self._unwind(mark, levels)
        self._turn.settle(mark)

    def _innermost(self, verb: str) -> tuple[int, int]:
        self.require_open()
        if not self.in_transaction:
            raise NoTransaction(f"cannot {verb}; no transaction is open in this thread or task")
        return self._marks[-1], len(self._marks) - 1

    def _unwind(self, mark: int, levels: int) -> None:
        """Undo all but `levels` levels. Twice is as good as once, so it may be called again after an interrupt."""
        self.writer.undone += 1
        connection = self.writer.connection
        try:
            if connection.in_transaction and levels:
                connection.execute(f"rollback to ng_{levels}")
                connection.execute(f"release ng_{levels}")
            elif connection.in_transaction:
                connection.execute("rollback")
        except (apsw.SQLError, apsw.BusyError):
            pass  # released a moment before the interrupt; or rolled back and, empty, ended by the outer transaction
        finally:
            self._ended(mark, levels)

    def _ended(self, mark: int, levels: int) -> None:
        del self._marks[levels:]
        if not levels:
            self._task = None
            if self._news:
                self._news = set()
            self.writer.close_streams()
            held_s = time.monotonic() - self._began
            if held_s > LONG_TRANSACTION_S:
                log.info("%s: a transaction held the write lock for %.1f s", self.location.path, held_s)
        self._turn.settle(mark)

    # --- one state for several reads ------------------------------------------------------------------------------

    @property
    def pinned(self) -> bool:
        """True where the reads of the calling thread and task go to a pinned line."""
        return bool(self._pinned) and bool(self._pinned.get(current_owner()))

    def pins(self) -> tuple[Owner, int]:
        """Return who the caller is and how often pinned, for `unpin`."""
        owner = current_owner()
        return owner, len(self._pinned.get(owner, ()))

    def pin(self, owner: Owner, line: Line) -> None:
        """Let the reads of `owner` go to `line` until `unpin`."""
        self._pinned.setdefault(owner, []).append(line)

    def unpin(self, owner: Owner, count: int) -> None:
        """Undo all but `count` pins of `owner`."""
        lines = self._pinned.get(owner)
        if lines is not None:
            del lines[count:]
            if not lines:
                self._pinned.pop(owner, None)

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
