"""The contexts of a session: a transaction, a snapshot, several reads of one state, the turn to write.

Invariants:

1. Whatever happens inside, the line is given back as it was found: no transaction, no pin, no deadline left behind.
   Python protects every instruction of that from Ctrl-C but the first of `__exit__`; where it hits that one, the
   context restores when it is dropped, with the traceback.
2. An error of SQLite's leaves in our words once, through however many contexts it passes.
"""

from __future__ import annotations

import time

from ..errors import NoTransaction, TransactionOpen
from .settings import seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .line import Line
    from .session import Session


def deadline_after(timeout_s: float | None) -> float | None:
    """Return when a call must stop, by `time.monotonic`, or None."""
    return None if timeout_s is None else time.monotonic() + seconds(timeout_s, "timeout_s")


def earlier(one: float | None, other: float | None) -> float | None:
    """Return the earlier of two deadlines."""
    return other if one is None else one if other is None else min(one, other)


class Scope:
    """What a context found when it was entered, and how it puts that back.

    `restore` may run twice, and does where Ctrl-C hits it: each of its steps asks what is left to do.
    """

    __slots__ = ("_entered", "_line", "_mark", "_owner", "_pins", "_session", "_took", "_undo")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._line: Line | None = None
        self._undo = False
        self._entered = False

    def _enter(self) -> None:
        self._mark = self._session.mark()
        self._owner, self._pins = self._session.pins()
        self._took = True  # the turn; until it is known that the line is another one
        self._entered = True

    def _hold(self, line: Line) -> None:
        """Let all reads of the caller see one state on `line`, if they don't already."""
        self._line = line
        self._took = line is self._session.writer  # else the turn may be another task's by the time of the end
        if not line.holds_state:
            self._undo = True
            line.connection.execute("begin")
            self._session.pin(self._owner, line)

    def _restore(self) -> None:
        if not self._entered:
            return
        session, line = self._session, self._line
        session.unpin(self._owner, self._pins)
        if line is not None:
            if self._undo:
                line.undo()
            self._line = None
            if line is not session.writer and not session.pinned:
                session.readers.give_back(line)
        if self._took:
            session.unwind(*self._mark)
        self._entered = False

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if error is not None and self._line is not None:
                self._refuse(self._line, error)
            self._restore()
        except BaseException:
            self._restore()
            raise

    def _refuse(self, line: Line, error: BaseException) -> None:
        line.refuse(error)

    def __del__(self) -> None:
        if getattr(self, "_entered", False):
            self._restore()


class Reading(Scope):
    """A context in which several reads see one state; its value is the line they run on."""

    __slots__ = ("_before", "_timeout_s")

    def __init__(self, session: Session, timeout_s: float | None = None) -> None:
        super().__init__(session)
        self._timeout_s = timeout_s
        self._before: tuple[bool, float | None] | None = None

    def __enter__(self) -> Line:
        deadline = deadline_after(self._timeout_s)
        try:
            self._enter()
            line = self._session.enter(deadline)
            self._before = (line.busy, line.deadline)
            self._hold(line)
            if not line.busy:
                line.busy, line.stopping = True, False
            line.deadline = earlier(line.deadline, deadline)
            if deadline is not None:
                line.tick()
            return line
        except BaseException as error:
            self.__exit__(None, error, None)
            raise

    def _refuse(self, line: Line, error: BaseException) -> None:
        line.refuse_read(error)

    def _restore(self) -> None:
        if self._line is not None and self._before is not None:
            self._line.busy, self._line.deadline = self._before
        super()._restore()


class Snapshot(Scope):
    """A context whose reads see one state, without the write lock; its value is None."""

    __slots__ = ()

    def __enter__(self) -> None:
        session = self._session
        session.require_open()
        if session.in_transaction:
            raise TransactionOpen("cannot open a snapshot; a transaction is open, and its reads see one state already")
        try:
            self._enter()
            line = session.enter()
            if line is session.writer and not line.holds_state and not session.location.in_memory:
                session.leave(line)  # on a line of its own, so that others can write meanwhile
                line = session.readers.borrow()
            self._hold(line)
            if self._undo:  # BEGIN alone pins nothing
                line.connection.execute("select 1 from sqlite_schema limit 1").fetchall()
        except BaseException as error:
            self.__exit__(None, error, None)
            raise


class Inside:
    """A context for code that a running statement calls; its value is None. `_restore` may run twice, as `Scope`'s."""

    __slots__ = ("_entered", "_line", "_owner", "_pins", "_session")

    def __init__(self, session: Session, line: Line) -> None:
        self._session = session
        self._line = line
        self._entered = False

    def __enter__(self) -> None:
        self._owner, self._pins = self._session.pins()
        try:
            self._entered = True
            self._line.nested += 1
            self._session.pin(self._owner, self._line)
        except BaseException:
            self._restore()
            raise

    def _restore(self) -> None:
        if self._entered:
            self._entered = False
            self._line.nested -= 1
        self._session.unpin(self._owner, self._pins)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            self._restore()
        except BaseException:
            self._restore()
            raise

    def __del__(self) -> None:
        if getattr(self, "_entered", False):
            self._restore()


class WriteTurn:
    """A context that holds the writing connection without a transaction; its value is the writing line."""

    __slots__ = ("_before", "_deadline", "_mark", "_session", "_verb", "_writes")

    def __init__(self, session: Session, verb: str, deadline: float | None = None, writes: bool = True) -> None:
        self._session = session
        self._verb = verb
        self._deadline = deadline
        self._writes = writes

    def __enter__(self) -> Line:
        session = self._session
        line = session.writer
        self._mark = session.mark()
        self._before = line.deadline
        deadline = earlier(line.deadline, self._deadline)
        session.take_turn(self._verb, self._writes, self._deadline)
        line.deadline = deadline
        return line

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        line = self._session.writer
        try:
            if error is not None:
                line.refuse(error)
        finally:
            line.deadline = self._before
            self._session.unwind(*self._mark)


class Transaction:
    """A context whose writes happen all together or not at all; its value is None."""

    __slots__ = ("_deadline", "_entered", "_mark", "_session")

    def __init__(self, session: Session, deadline: float | None = None) -> None:
        self._session = session
        self._deadline = deadline
        self._entered = False

    def __enter__(self) -> None:
        self._mark = self._session.mark()
        self._session.begin(self._deadline)
        self._entered = True

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            self._end(error)
            self._entered = False
        except BaseException:
            self._session.unwind(*self._mark)
            self._entered = False
            raise

    def _end(self, error: BaseException | None) -> None:
        session = self._session
        levels = self._mark[1] + 1
        if error is not None:
            session.unwind(*self._mark)
            session.writer.refuse(error)
        elif session.levels > levels:
            session.unwind(*self._mark)
            raise TransactionOpen("cannot commit; a begin() inside the block was not ended, so everything was undone")
        elif session.levels < levels:
            raise NoTransaction("cannot commit; the transaction was ended inside its block")
        else:
            session.commit()

    def __del__(self) -> None:
        if getattr(self, "_entered", False):
            self._session.unwind(*self._mark)
