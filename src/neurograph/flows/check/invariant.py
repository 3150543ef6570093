"""What an invariant and a violation are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import apsw

from ...stores.named import is_utf8


class Violation(NamedTuple):
    """One thing that is wrong in a file."""

    invariant: str
    """The stable name of the invariant, such as ``degree.outgoing``."""
    row: str
    """Which row or object."""
    message: str
    """What must be, and the remedy."""


Search = Callable[[apsw.Connection], Iterable[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Invariant:
    """Something that is true of every sound file.

    Attributes
    ----------
    name
        Stable; the part before the dot is the table.
    rows
        A query that finds the rows for which it is not true, or a function that does; columns say which row.
    message
        What must be, and the remedy.
    """

    name: str
    rows: str | Search
    message: str

    def violations(self, connection: apsw.Connection, limit: int) -> list[Violation]:
        """Return at most `limit` violations."""
        found: Iterable[Any]
        if isinstance(self.rows, str):
            found = connection.execute(f"select * from ({self.rows}) limit ?", (limit,)).fetchall()
        else:
            found = list(self.rows(connection))[:limit]
        return [Violation(self.name, ", ".join(map(str, row)), self.message) for row in found]


def with_blobs(sql: str) -> Search:
    """Return the search that runs a query whose names are blobs: one that is not UTF-8 must not hide what is wrong."""

    def found(connection: apsw.Connection) -> Iterable[tuple[Any, ...]]:
        for row in connection.execute(sql):
            yield tuple(value.decode(errors="replace") if isinstance(value, bytes) else value for value in row)

    return found


def not_utf8(
    table: str, columns: Iterable[str], connection: apsw.Connection, key: str = "id"
) -> Iterable[tuple[Any, str]]:
    """Yield the id and the name of each column whose text is not UTF-8, which SQLite lets a shell write."""
    for name in columns:
        sql = f"select {key}, cast({name} as blob) from {table} where typeof({name}) = 'text'"
        for id, text in connection.execute(sql):  # a name for the cursor would keep it, half-read, with the error
            if not is_utf8(text):
                yield id, name
