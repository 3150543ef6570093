"""The contexts of a session: a transaction, a snapshot, several reads of one state, the turn to write.

Invariants:

1. Whatever happens inside, the line is given back as it was found: no transaction, no pin, no deadline left behind.
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


class Reading:
    """A context in which several reads see one state; its value is the line they run on."""

    __slots__ = ("_before", "_began", "_line", "_session", "_timeout_s")

    def __init__(self, session: Session, timeout_s: float | None = None) -> None:
        self._session = session
        self._timeout_s = timeout_s

    def __enter__(self) -> Line:
        deadline = deadline_after(self._timeout_s)
        self._line = line = self._session.enter(deadline)
        self._before = (line.busy, line.deadline)
        self._began = _hold(self._session, line)
        if not line.busy:
            line.busy, line.stopping = True, False
        line.deadline = earlier(line.deadline, deadline)
        return line

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        line = self._line
        try:
            if error is not None:
                line.refuse(error)
        finally:
            line.busy, line.deadline = self._before
            _let_go(self._session, line, self._began)


class Snapshot:
    """A context whose reads see one state, without the write lock; its value is None."""

    __slots__ = ("_began", "_line", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> None:
        session = self._session
        session.require_open()
        if session.in_transaction:
            raise TransactionOpen("cannot open a snapshot; a transaction is open, and its reads see one state already")
        line = session.enter()
        if line is session.writer and not line.holds_state and not session.location.in_memory:
            session.leave(line)  # on a line of its own, so that others can write meanwhile
            line = session.readers.borrow()
        self._line = line
        self._began = _hold(session, line)
        if self._began:  # BEGIN alone pins nothing
            line.connection.execute("select 1 from sqlite_schema limit 1").fetchall()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        _let_go(self._session, self._line, self._began)


def _hold(session: Session, line: Line) -> bool:
    """Let all reads of the caller see one state on `line`; False where they do already."""
    try:
        if line.holds_state:
            return False
        line.connection.execute("begin")
        session.pin(line)
        return True
    except BaseException as error:
        line.undo()
        session.leave(line)
        line.refuse(error)
        raise


def _let_go(session: Session, line: Line, began: bool) -> None:
    if began:
        session.unpin()
        line.undo()
    session.leave(line)


class Inside:
    """A context for code that a running statement calls; its value is None."""

    __slots__ = ("_line", "_session")

    def __init__(self, session: Session, line: Line) -> None:
        self._session = session
        self._line = line

    def __enter__(self) -> None:
        self._line.nested += 1
        self._session.pin(self._line)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._session.unpin()
        self._line.nested -= 1


class WriteTurn:
    """A context that holds the writing connection without a transaction; its value is the writing line."""

    __slots__ = ("_before", "_deadline", "_session", "_verb", "_writes")

    def __init__(self, session: Session, verb: str, deadline: float | None = None, writes: bool = True) -> None:
        self._session = session
        self._verb = verb
        self._deadline = deadline
        self._writes = writes

    def __enter__(self) -> Line:
        session = self._session
        session.take_turn(self._verb, self._writes, self._deadline)
        line = session.writer
        self._before = line.deadline
        line.deadline = earlier(line.deadline, self._deadline)
        return line

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        line = self._session.writer
        try:
            if error is not None:
                line.refuse(error)
        finally:
            line.deadline = self._before
            self._session.give_turn()


class Transaction:
    """A context whose writes happen all together or not at all; its value is None."""

    __slots__ = ("_deadline", "_level", "_session")

    def __init__(self, session: Session, deadline: float | None = None) -> None:
        self._session = session
        self._deadline = deadline

    def __enter__(self) -> None:
        self._session.begin(self._deadline)
        self._level = self._session.levels

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        session = self._session
        left_open = False
        while session.levels > self._level and session.in_transaction:
            session.rollback()  # a begin() inside the block without its end
            left_open = True
        ended = session.levels < self._level
        if error is None and not left_open:
            if ended:
                raise NoTransaction("cannot commit; the transaction was ended inside its block")
            session.commit()
            return
        if session.in_transaction and not ended:
            session.rollback()
        if error is None:
            raise TransactionOpen("cannot commit; a begin() inside the block was not ended, so everything was undone")
        session.writer.refuse(error)
