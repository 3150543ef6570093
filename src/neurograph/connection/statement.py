"""A user's own SQL: one call, all of it or none of it, its rows fetched before it returns.

Invariants:

1. Nobody ends or begins a transaction by a word in SQL, wherever the word stands.
2. A statement that writes runs on the writing line with the turn; one that only reads never needs it.
3. Of several statements in one string all are kept or all undone, also inside the caller's transaction.
4. No cursor outlives the call, whatever is raised: an open one would keep its snapshot.
"""

from __future__ import annotations

import time

import apsw

from .. import log
from ..errors import InvalidValue, Misuse, ReadOnlyDatabase
from .bindings import plain_bindings, refused
from .result import Result
from .running import calls
from .scope import deadline_after, earlier
from .words import ALONE, TRANSACTION_WORDS, first_word, is_several

ONLY_READS = "stream must be given a statement that reads; use execute to write"
BINDING_ERRORS = (TypeError, OverflowError, UnicodeEncodeError, KeyError, apsw.BindingsError)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from .line import Line
    from .result import Row
    from .session import Bindings, Session


class _WritesError(Exception):
    """The statement must run on the writing line, and where it was tried it may only read."""


class _PrivateError(_WritesError):
    """The statement may read what only the writing line knows: a temporary table or an attached file."""


def execute(session: Session, sql: str, bindings: Bindings = None, timeout_s: float | None = None) -> Result:
    """Run `sql` and return its rows. Several statements are all kept or all undone."""
    word = first_word(checked_sql(sql))
    bindings = plain_bindings(bindings)
    started = time.monotonic()
    deadline = deadline_after(timeout_s)
    try:
        if is_several(sql):
            return _execute_several(session, sql, bindings, deadline)
        if word in ALONE and not (word == "pragma" and session.pinned):
            return _execute_alone(session, word, sql, bindings, deadline)
        line = session.enter(deadline)
        try:
            return _run(session, line, sql, bindings, deadline, may_write=session.may_write(line))
        except _WritesError as reason:
            writes = not isinstance(reason, _PrivateError)
        finally:
            session.leave(line)
        try:
            with session.write_turn("write", deadline, writes) as line:
                return _run(session, line, sql, bindings, deadline, may_write=writes)
        except _WritesError:  # to what only the writing line knows
            with session.write_turn("write", deadline) as line:
                return _run(session, line, sql, bindings, deadline, may_write=True)
    finally:
        notice_slow(session, sql, started)


def fetch(session: Session, sql: str, bindings: Bindings, timeout_s: float | None) -> Result:
    """Run `sql`, whose words were looked at, and return its rows; raise `Misuse` where it would write."""
    started = time.monotonic()
    deadline = deadline_after(timeout_s)
    several = is_several(sql)
    try:
        line = session.enter(deadline)
        try:
            return _run(session, line, sql, bindings, deadline, may_write=False, several=several)
        except _PrivateError:
            pass
        finally:
            session.leave(line)
        with session.write_turn("read", deadline, writes=False) as line:
            return _run(session, line, sql, bindings, deadline, may_write=False, several=several)
    except _WritesError:
        raise Misuse(ONLY_READS) from None
    finally:
        notice_slow(session, sql, started)


def _execute_alone(session: Session, word: str, sql: str, bindings: Bindings, deadline: float | None) -> Result:
    """Run a statement that belongs to the writing connection, where reads look for its effect."""
    read_only = session.options.read_only
    with session.write_turn(f"run {word}", deadline, writes=False) as line:
        try:
            result = _run(session, line, sql, bindings, deadline, may_write=not read_only)
        except _WritesError:
            raise ReadOnlyDatabase(f'cannot run {word}; the database was opened for reading; use mode="rw"') from None
    session.private |= word == "attach"
    return result


def _execute_several(session: Session, sql: str, bindings: Bindings, deadline: float | None) -> Result:
    """Run statements as reads of one state; as soon as one writes, run all of them again in a transaction."""
    try:
        with session.reading(_left(deadline)) as line:
            return _run(session, line, sql, bindings, deadline, may_write=False, several=True)
    except _WritesError:
        pass
    with session.transaction(deadline):
        return _run(session, session.writer, sql, bindings, deadline, may_write=True, several=True)


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def _run(
    session: Session,
    line: Line,
    sql: str,
    bindings: Bindings,
    deadline: float | None,
    *,
    may_write: bool,
    several: bool = False,
) -> Result:
    columns: tuple[str, ...] = ()
    rows: list[Row] = []
    bound = False

    def look(cursor: apsw.Cursor, statement: str, _: Any) -> bool:
        """Look at each statement before it runs, with its values bound."""
        nonlocal columns, bound
        bound = True
        word = refuse_words(statement, several)
        if not cursor.is_readonly and not cursor.is_explain:
            if not may_write:
                raise _WritesError
            session.private |= word == "create" and "temp" in statement[:40].lower()
        if described := cursor.get_description():
            columns = tuple([column[0] for column in described])
            rows.clear()
        return True

    cursor = line.connection.cursor()
    cursor.exec_trace = look
    before, line.deadline = line.deadline, earlier(line.deadline, deadline)
    try:
        cursor.execute(sql, bindings)
        if not several:
            return Result(cursor.fetchall(), columns)
        for row in cursor:  # of the last statement that has rows: `look` empties the list when the next one begins
            rows.append(row)  # noqa: PERF402
        return Result(rows, columns)
    except _WritesError:
        raise
    except BaseException as error:
        if not bound and isinstance(error, BINDING_ERRORS):
            raise refused(error, bindings) from error
        if session.private and isinstance(error, apsw.SQLError) and not may_write and line is not session.writer:
            raise _PrivateError from error
        line.refuse_read(error)
        raise
    finally:
        line.deadline = before
        cursor.close(True)


def execute_many(session: Session, sql: str, rows: Iterable[Any], timeout_s: float | None = None) -> None:
    """Run `sql` once for each of `rows`, in one transaction."""
    word = refuse_words(checked_sql(sql), several=True)
    if isinstance(rows, str | bytes | dict) or not hasattr(rows, "__iter__"):
        raise InvalidValue(f"rows must be an iterable of sequences or mappings, got {rows!r}")
    started = time.monotonic()
    deadline = deadline_after(timeout_s)
    bound: Any = None
    theirs: BaseException | None = None  # an error of the caller's own generator

    def checked() -> Iterator[Any]:
        nonlocal bound, theirs
        iterator = iter(rows)
        while True:
            try:
                bound = next(iterator)
            except StopIteration:
                return
            except BaseException as error:
                theirs = error
                raise
            if line.stopping or calls:  # SQLite forgets an interrupt that comes between two statements
                line.tick()
            yield plain_bindings(bound)

    def look(cursor: apsw.Cursor, statement: str, _: Any) -> bool:
        refuse_words(statement, several=True)
        return True

    with session.transaction(deadline):
        line = session.writer
        cursor = line.connection.cursor()
        if is_several(sql):
            cursor.exec_trace = look  # else the one word was looked at, and 0.3 µs a row are saved
        session.private |= word == "create"
        before, line.deadline = (line.busy, line.deadline), earlier(line.deadline, deadline)
        if not line.busy:
            line.busy, line.stopping = True, False
        try:
            cursor.executemany(sql, checked())
        except BINDING_ERRORS as error:
            if error is theirs:
                raise
            raise refused(error, bound) from error
        except BaseException as error:
            line.refuse(error)
            raise
        finally:
            line.busy, line.deadline = before
            cursor.close(True)
            notice_slow(session, sql, started)


def checked_sql(sql: str) -> str:
    """Return `sql`, or refuse what is no text."""
    if not isinstance(sql, str) or "\x00" in sql:
        raise InvalidValue(f"sql must be a string without NUL, got {sql!r}")
    try:
        sql.encode()
    except UnicodeEncodeError:
        raise InvalidValue(f"sql must be text that UTF-8 can hold, got {sql!r}") from None
    return sql


def refuse_words(statement: str, several: bool) -> str:
    """Return the first word of a statement, unless it controls transactions or must stand alone."""
    word = first_word(statement)
    if word in TRANSACTION_WORDS:
        raise Misuse(
            f"{word} must not be given as SQL; use `with db.transaction():`, or db.begin(), db.commit(), db.rollback()"
        )
    if several and word in ALONE:
        raise Misuse(f"{word} must be given alone, not among other statements; call execute once for it")
    return word


def notice_slow(session: Session, sql: str, started: float) -> None:
    """Log a call that took longer than the option `slow_query_s`."""
    limit_s = session.options.slow_query_s
    if limit_s is not None and (took_s := time.monotonic() - started) > limit_s:
        log.warning("%s: %.2f s for %s", session.location.path, took_s, " ".join(sql.split())[:500])
