"""Group commit: what threads write while another one writes shares the next commit, and its sync to the disk.

A write that finds the turn taken stands in line here. The first in line waits for the turn; once it has it, it runs all
that stand there in one transaction, in the order they came, and wakes their threads.

Invariants:

1. Only single statements are grouped that would each be a transaction of its own. One that is refused undoes itself
   alone, as SQLite promises of a statement, and its thread alone hears of it.
2. No thread hears of success before the commit.
3. Where the transaction as a whole is undone, each thread runs its statement again by itself, and hears what becomes
   of it.
4. A thread that gives up, by its time limit or Ctrl-C, leaves the line, unless its write is being done already; the one
   behind it then waits for the turn.
5. Wherever Ctrl-C hits a thread, the others hear what became of their writes: who stands looks, too, and does not only
   wait to be woken.
"""

from __future__ import annotations

import time
from _thread import allocate_lock  # `threading` takes 0.6 ms to load

import apsw

from ..errors import Interrupted, TransactionBusy
from . import refusal
from .running import Deaf, Idle, heard
from .turn import WAKE_S

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .session import Session


class Batch:
    """Writes that share a transaction: `done` once that is committed, `over` once nothing more becomes of it."""

    __slots__ = ("done", "over")

    def __init__(self) -> None:
        self.done = self.over = False


class Write:
    """One statement that stands in line."""

    __slots__ = ("answer", "batch", "bindings", "error", "gate", "leads", "result", "sql")

    def __init__(self, sql: str, bindings: Any, answer: Callable[[apsw.Connection, apsw.Cursor], Any]) -> None:
        self.sql = sql
        self.bindings = bindings
        self.answer = answer
        self.leads = False  # its thread waits for the turn
        self.batch: Batch | None = None  # once somebody has taken it out of the line
        self.result: Any = None
        self.error: Exception | None = None
        self.gate = allocate_lock()  # its thread waits here
        self.gate.acquire()

    @property
    def over(self) -> bool:
        """True where somebody has taken it out of the line, and nothing more becomes of it there."""
        return self.batch is not None and self.batch.over

    def wake(self) -> None:
        """Let its thread look."""
        try:  # noqa: SIM105 - contextlib is not loaded on the way to `open`
            self.gate.release()
        except RuntimeError:
            pass  # it has been woken already

    def run(self, connection: apsw.Connection) -> Any:
        """Run the statement, and return what its thread wants to know."""
        cursor = connection.execute(self.sql, self.bindings)
        try:
            return self.answer(connection, cursor)
        except BaseException:
            cursor.close(True)  # a traceback may keep it; half-read, it would keep later writes from being committed
            raise


class Group:
    """The writes of one session that stand in line."""

    __slots__ = ("_line", "_lock", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._line: list[Write] = []
        self._lock = allocate_lock()

    def run(self, write: Write) -> Any:
        """Run a statement together with those of other threads, and return its answer."""
        try:
            with self._lock:
                self._line.append(write)
                write.leads = self._line[0] is write
            if not write.leads:
                self._stand(write)
            if write.leads:
                self._lead()
        except BaseException as error:
            if self._leave(write):
                raise
            while not write.over:  # somebody has taken it, and does it at this moment
                write.gate.acquire(timeout=WAKE_S)
            if not isinstance(error, TransactionBusy | Interrupted):
                raise
        assert write.batch is not None
        if not write.batch.done:
            return self._alone(write)
        if write.error is not None:
            raise write.error
        return write.result

    def _stand(self, write: Write) -> None:
        """Wait until the write is done, or its thread is to lead."""
        limit_s = self._session.options.busy_timeout_s
        end = time.monotonic() + limit_s
        with Idle(for_ever=False):
            while not (write.leads or write.over):
                if write.gate.acquire(timeout=WAKE_S):
                    continue
                if heard():
                    raise refusal.stopped(False)
                if time.monotonic() > end:
                    raise TransactionBusy(
                        f"cannot write; other threads kept the database busy for {limit_s} s; make transactions "
                        "shorter, or open with more busy_timeout_s"
                    )

    def _leave(self, write: Write) -> bool:
        """Leave the line, or return False where somebody has taken the write. Whoever is first then leads."""
        with self._lock:
            self._line = [other for other in self._line if other is not write and other.batch is None]
            if self._line and not self._line[0].leads:
                self._line[0].leads = True
                self._line[0].wake()
            return write.batch is None

    def _lead(self) -> None:
        """Wait for the turn, and run all that stand in line by then."""
        session = self._session
        mark = session.mark()
        batch = Batch()
        taken: list[Write] = []
        try:
            session.take_turn("write")
            with self._lock:
                for write in self._line:
                    write.batch = batch
                    taken.append(write)
                self._line = []
            with Deaf():
                self._commit(batch, taken)
        finally:
            batch.over = True
            try:
                session.unwind(*mark)
            except BaseException:
                session.unwind(*mark)
                raise
            for write in taken:
                write.wake()

    def _commit(self, batch: Batch, taken: list[Write]) -> None:
        """Run writes in one transaction, each with its own answer or error."""
        line = self._session.writer
        connection = line.connection
        ran = False
        try:
            try:
                connection.execute("begin immediate")
            except apsw.Error as error:  # another process is writing, or the disk fails: for all of them
                for write in taken:
                    write.error = self._said(error)
                batch.done = True
                return
            for write in taken:
                try:
                    write.result = write.run(connection)
                except Exception as error:
                    if not connection.in_transaction:
                        raise
                    write.error = self._said(error)
            ran = True
            connection.execute("commit")
            batch.done = True
        except BaseException as error:
            line.undone += 1
            known = isinstance(error, Exception)
            batch.done = ran and not known and not connection.in_transaction  # Ctrl-C a moment after the commit
            if connection.in_transaction:
                connection.execute("rollback")
            if not batch.done:
                for write in taken:
                    write.result = write.error = None
            if not known:
                raise

    def _alone(self, write: Write) -> Any:
        """Run a statement in a transaction of its own."""
        session = self._session
        session.take_turn("write")
        try:
            return write.run(session.writer.connection)
        except BaseException as error:
            session.writer.refuse_read(error)
            raise
        finally:
            session.give_turn()

    def _said(self, error: Exception) -> Exception:
        """Return an error in our words."""
        try:
            self._session.writer.refuse_read(error)
        except Exception as said:
            return said
        return error
