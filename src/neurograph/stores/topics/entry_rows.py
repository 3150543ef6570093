"""Rows of entries, and what stands in the place of one that nobody can read: SQLite takes any bytes for a text.

Invariant: an entry whose text is not UTF-8, as a shell may write it, keeps nobody from those before and after it.
"""

from __future__ import annotations

from ...errors import InvalidValue
from ...model.topic import Entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NamedTuple

    import apsw
else:
    from ...model.typed import NamedTuple


class Unreadable(NamedTuple):
    """What stands for an entry with a text that is not UTF-8."""

    id: int
    error: str
    """What is wrong with it, in words."""


def entry_rows(
    connection: apsw.Connection, columns: str, source: str, values: Sequence[Any], after: int, most: int
) -> list[tuple[Any, ...]]:
    """Return rows of entries in order, with an `Unreadable` in the place of each that can't be read.

    `columns` begin with the entry's id. `source` is the SQL from ``from`` on, with ``e`` for the entry; after those for
    `values` its last marks are for the id `after` which they come and for how many at `most`; below 0: all.
    """
    sql = f"select {columns} {source}"
    try:
        return connection.execute(sql, (*values, after, most)).fetchall()
    except UnicodeDecodeError:
        pass  # again, row by row: fetchall doesn't say which it was
    rows: list[tuple[Any, ...]] = []
    while len(rows) != most:
        cursor = connection.execute(sql, (*values, after, most - len(rows)))
        try:
            for row in cursor:
                rows.append(row)  # noqa: PERF402 -- those before the error count
            break
        except UnicodeDecodeError as error:
            cursor.close(True)
            last = rows[-1][0] if rows else after
            after = connection.execute(f"select e.id {source}", (*values, last, 1)).fetchone()[0]  # type: ignore
            rows.append(
                Unreadable(
                    after,
                    f"a text of entry {after} must be UTF-8, got {error.object[:60]!r}; select cast(column as blob) to "
                    "read it, or go on after it",
                )
            )
    return rows


def entries(rows: Sequence[tuple[Any, ...]]) -> list[Entry]:
    """Return rows as records; refuse them where one can't be read."""
    for row in rows:
        if isinstance(row, Unreadable):
            raise InvalidValue(row.error)
    return [Entry(row) for row in rows]
