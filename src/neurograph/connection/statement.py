"""A user's own SQL: one call, all of it or none of it, its rows fetched before it returns."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from typing import Any

import apsw

from ..errors import InvalidValue, Misuse
from . import refusal
from .line import Line
from .result import Result, Row
from .session import Bindings, Session

FIRST_WORD = re.compile(r"(?:\s|;|--[^\n]*(?:\n|$)|/\*.*?\*/)*([a-zA-Z]*)", re.DOTALL)
TRANSACTION_WORDS = frozenset({"begin", "commit", "end", "rollback", "savepoint", "release"})
ALONE = frozenset(
    {"vacuum", "pragma", "attach", "detach"}
)  # can't run, or mean something else, inside a transaction


class _Writes(Exception):
    """The statement writes, and the line it ran on only reads."""


def execute(session: Session, sql: str, bindings: Bindings = None, timeout_s: float | None = None) -> Result:
    """Run `sql` and return its rows. Several statements are all kept or all undone."""
    line = session.enter()
    try:
        try:
            return _run(session, line, sql, bindings, timeout_s)
        finally:
            session.leave(line)
    except _Writes:
        session._take_turn("write")
        try:
            return _run(session, session.writer, sql, bindings, timeout_s)
        finally:
            session._turn.give()


def _run(session: Session, line: Line, sql: str, bindings: Bindings, timeout_s: float | None) -> Result:
    connection = line.connection
    columns: tuple[str, ...] = ()
    began = False
    several = ";" in sql.rstrip("; \t\r\n")

    def look(cursor: apsw.Cursor, statement: str, _: Any) -> bool:
        nonlocal columns, began
        word = FIRST_WORD.match(statement)[1].lower()  # type: ignore[index]
        if word in TRANSACTION_WORDS:
            raise Misuse(
                f"{word} must not be given as SQL; use `with db.transaction():`, or db.begin(), db.commit() and "
                "db.rollback()"
            )
        if not cursor.is_readonly and line is not session.writer:
            raise _Writes
        if several and not cursor.is_readonly and word not in ALONE and not connection.in_transaction:
            connection.execute("begin immediate")
            began = True
        described = cursor.get_description()
        columns = tuple(column[0] for column in described)
        return True

    cursor = connection.cursor()
    cursor.exec_trace = look
    line.deadline = None if timeout_s is None else time.monotonic() + timeout_s
    try:
        rows: list[Row] = cursor.execute(sql, bindings).fetchall()
        if began:
            connection.execute("commit")
        return Result(rows, columns)
    except BaseException as error:
        if began and connection.in_transaction:
            connection.execute("rollback")
        line.undone += 1
        if isinstance(error, apsw.BusyError):
            raise refusal.busy("write", session.options.busy_timeout_s) from error
        if isinstance(error, apsw.Error):
            raise line.failed(error) from error
        raise
    finally:
        line.deadline = None


def execute_many(session: Session, sql: str, rows: Iterable[Any]) -> None:
    """Run `sql` once for each of `rows`, in one transaction."""
    with session.transaction():
        cursor = session.writer.connection.cursor()
        try:
            cursor.executemany(sql, rows)
        except TypeError as error:
            raise InvalidValue(f"rows must be sequences or mappings of values, got {error}") from error


def stream(
    session: Session, sql: str, bindings: Bindings = None, timeout_s: float | None = None
) -> Iterator[Row]:
    """Yield the rows of a reading statement from a connection of its own, which sees one state throughout.

    Inside the caller's transaction the rows come from that transaction, own writes included.
    """
    own = session.in_transaction
    line = session.writer if own else session.borrow()
    deadline = None if timeout_s is None else time.monotonic() + timeout_s

    def look(cursor: apsw.Cursor, statement: str, _: Any) -> bool:
        if not cursor.is_readonly:
            raise Misuse("stream must be given a statement that reads; use execute to write")
        return True

    try:
        cursor = line.connection.cursor()
        cursor.exec_trace = look
        line.deadline = deadline
        try:
            yield from cursor.execute(sql, bindings)
        except apsw.Error as error:
            raise line.failed(error) from error
        finally:
            line.deadline = None
            cursor.close(True)
    finally:
        if not own:
            session.give_back(line)
