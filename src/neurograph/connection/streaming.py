"""Rows of a reading statement one by one, for results larger than memory.

Invariants:

1. The statement begins when `stream` is called, so a stream sees the state of that moment, whatever is written later.
2. A stream that is closed, dropped or read to its end leaves nothing behind; so does one whose transaction, snapshot
   or database ends first, and reading on from it says so.
"""

from __future__ import annotations

import apsw

from ..errors import Misuse
from .bindings import plain_bindings, refused
from .refusal import no_text
from .scope import deadline_after, earlier
from .statement import BINDING_ERRORS, ONLY_READS, checked_sql, fetch, refuse_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from .line import Line
    from .result import Row
    from .session import Bindings, Session


def stream(session: Session, sql: str, bindings: Bindings = None, timeout_s: float | None = None) -> Iterator[Row]:
    """Return an iterator over the rows of a reading statement."""
    refuse_words(checked_sql(sql), several=False)
    bindings = plain_bindings(bindings)
    deadline = deadline_after(timeout_s)
    found = session.line_for_stream()
    if found is None:
        return iter(fetch(session, sql, bindings, timeout_s).fetchall())
    rows = _rows(session, *found, sql, bindings, deadline)
    next(rows)  # up to its first stop; from now on closing or dropping the iterator gives the line back
    return rows


def _look(cursor: apsw.Cursor, statement: str, _: Any) -> bool:
    refuse_words(statement, several=True)
    if not cursor.is_readonly and not cursor.is_explain:
        raise Misuse(ONLY_READS)
    return True


def _rows(
    session: Session, line: Line, own: bool, sql: str, bindings: Bindings, deadline: float | None
) -> Iterator[Row]:
    cursor = line.connection.cursor()
    cursor.exec_trace = _look
    line.streams.add(cursor)
    try:
        _within(line, deadline, lambda: cursor.execute(sql, bindings))
        yield ()
        if deadline is None:
            yield from cursor
            return
        while (row := _within(line, deadline, lambda: next(cursor, None))) is not None:
            yield row
    except BINDING_ERRORS as error:
        raise refused(error, bindings) from error
    except UnicodeDecodeError as error:
        raise no_text(error) from error
    except apsw.CursorClosedError as error:
        session.require_open()
        raise Misuse(
            "a stream must be read before the transaction or snapshot it began in ends; it was closed with it"
        ) from error
    except apsw.Error as error:
        line.refuse(error)
        raise
    finally:
        line.streams.discard(cursor)
        cursor.close(True)
        if own:
            session.readers.give_back(line)


def _within(line: Line, deadline: float | None, step: Callable[[], Any]) -> Any:
    """Take one step under the deadline, which is not that of other calls on the line between two steps."""
    before, line.deadline = line.deadline, earlier(line.deadline, deadline)
    try:
        return step()
    except BaseException as error:
        line.refuse(error)
        raise
    finally:
        line.deadline = before
