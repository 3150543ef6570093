"""Many rows in one statement, without the triggers where that is safe. A part of the stores layer, not a store.

A row trigger costs more than the row (a token: 2.5 of 4.5 µs). A bulk call checks its arrays against the rules first,
writes the rows without triggers, then writes what they would have written by set statements.

Invariants:

1. Triggers are off for one `executemany` and on again when it ends, however it ends; the turn is held throughout.
2. They are left on where a trigger of the table is not ours or not as we made it: nobody else's rule is walked past.
3. No code of a user runs while they are off: the rows are lists of plain values by then.
4. All of it happens in one transaction or savepoint: an error leaves nothing behind.
5. A call that writes events is `one_event` of its type: the triggers would write one for each row, and don't run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import apsw

from .. import migrate
from ..connection.session import Session
from .event_triggers import is_event_trigger
from .text_objects import is_text_trigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TRIGGERS = """
    select name, sql from sqlite_schema where type = 'trigger' and lower(tbl_name) = :table
    union all
    select name, sql from sqlite_temp_schema where type = 'trigger' and lower(tbl_name) = :table"""


class Bulk:
    """What a bulk call may do with one table.

    Attributes
    ----------
    connection
        The writing connection, inside a transaction.
    fast
        True where every trigger of the table is ours, so that `run` may go without them.
    """

    __slots__ = ("connection", "fast")

    def __init__(self, connection: apsw.Connection, fast: bool) -> None:
        self.connection = connection
        self.fast = fast

    def run(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each of `rows`, plain lists of plain values; without triggers where `fast`.

        Switching makes SQLite prepare the connection's statements again, 0.1 ms each: call it with thousands of rows.
        """
        connection = self.connection
        if not self.fast:
            connection.cursor().executemany(sql, rows)
            return
        try:  # around both: Ctrl-C right after the first would leave the file without its Guardian
            connection.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
            connection.cursor().executemany(sql, rows)
        finally:
            connection.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 1)

    def mark(self, subject: str, chunks: Sequence[int]) -> None:
        """Draw new nonces for `chunks`, as the triggers do for each row."""
        self.connection.executemany(
            """insert into mark values (?, ?, random())
                   on conflict do update set nonce = excluded.nonce""",
            ((subject, chunk) for chunk in chunks),
        )


@contextmanager
def bulk(session: Session, table: str) -> Iterator[Bulk]:
    """Hold a transaction, or a savepoint inside the caller's, for a bulk call on `table`."""
    with session.transaction():
        connection = session.writer.connection
        yield Bulk(connection, _only_ours(connection, table))


def _only_ours(connection: apsw.Connection, table: str) -> bool:
    """Tell whether the triggers of `table` are ours, all of them and unchanged. Costs 20 µs."""
    rows: Any = connection.execute(_TRIGGERS, {"table": table}).fetchall()
    found, ours = dict(rows), _ours(table)
    if found == ours:
        return True
    more = found.keys() - ours.keys()
    return all(found.get(name) == sql for name, sql in ours.items()) and all(
        is_text_trigger(name, found[name]) or is_event_trigger(name, found[name]) for name in more
    )


@cache
def _ours(table: str) -> dict[str, str]:
    """Return name → SQL of the triggers that the schema makes for `table`."""
    connection = apsw.Connection(":memory:")
    for migration in migrate.migrations():
        connection.execute(migration.sql)
    rows: Any = connection.execute(_TRIGGERS, {"table": table}).fetchall()
    connection.close()
    return dict(rows)
