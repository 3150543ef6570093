"""The writing connection, lent to a shell that begins, commits and rolls back by itself.

Invariants:

1. As long as it is lent, no other thread writes, and arrays are looked over before each statement: a shell's rollback
   leaves no other trace.
2. What the shell leaves open is rolled back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import apsw

from ..errors import TransactionOpen
from .session import Session

_TRACE = "neurograph.lent"


@contextmanager
def lend(session: Session) -> Iterator[apsw.Connection]:
    """Lend the connection for the length of a ``with`` block; its value is the apsw connection.

    Parameters
    ----------
    session
        Of an open file. One opened with ``mode="r"`` lends a connection that only reads.

    Yields
    ------
    apsw.Connection
        With the functions of this package, and with SQLite's own rules about transactions.

    Raises
    ------
    TransactionOpen
        The caller has a transaction open.
    TransactionBusy
        Another thread writes, for longer than the busy timeout.

    Examples
    --------
    >>> import neurograph
    >>> with neurograph.open(":memory:") as db, lend(db._session) as connection:
    ...     _ = connection.execute("begin; insert into token (label) values ('cat'); rollback")
    ...     connection.execute("select count(*) from token").fetchall()
    [(0,)]
    """
    if session.in_transaction:
        raise TransactionOpen("cannot lend the connection; a transaction is open; end it first")
    line, mark = session.writer, session.mark()

    def before_each_statement(event: dict[str, Any]) -> None:
        line.undone += not event["trigger"]

    try:
        session.take_turn("lend the connection", writes=False)
        line.connection.trace_v2(apsw.SQLITE_TRACE_STMT, before_each_statement, id=_TRACE)
        yield line.connection
    finally:
        try:
            if session.mark() != mark:  # else the turn was not had, and the connection is in another thread's hands
                line.undone += 1
                line.connection.trace_v2(0, None, id=_TRACE)
                line.undo()
        finally:
            session.unwind(*mark)
