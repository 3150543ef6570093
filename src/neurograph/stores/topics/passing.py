"""What a subscription, or a reader, finds in the log after an id: by pattern and condition, in windows.

Invariant: a window is at most WINDOW entries of the log, or of the topic where the pattern names one. So a statement
takes milliseconds at most, however few entries match, and whoever passes over many can be stopped between two.
"""

from __future__ import annotations

from .base import ENTRY
from .condition import condition_sql
from .entry_rows import entry_rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import apsw

    from ...connection.line import Line

WINDOW = 4096  # entries: 8 ms where a condition reads JSON
_ROWS = "topic_entry where {of} id > ?"
_OF_TOPIC = "topic_id = (select id from topic where name = ?) and"


class Asked:
    """What is asked of the log: the entries whose topic a pattern names, and that a condition lets pass."""

    __slots__ = ("_bindings", "_exact", "_sql", "plain")

    def __init__(self, pattern: str, condition: str | None) -> None:
        self._exact = None if pattern.endswith("*") else pattern
        asked, values = ("1", []) if condition is None else condition_sql(condition)
        if self._exact is not None:
            asked = f"e.topic_id = (select id from topic where name = ?) and {asked}"
            values = [pattern, *values]
        elif pattern != "*":
            asked = f"substr(t.name, 1, ?) = ? and {asked}"
            values = [len(pattern) - 1, pattern[:-1], *values]
        self._sql = f"from topic_entry as e cross join topic as t on t.id = e.topic_id where {asked}"
        self._bindings = values
        self.plain = condition is None and (pattern == "*" or self._exact is not None)
        """True where every entry that is looked at matches, so that nothing needs windows."""

    def rows(self, connection: apsw.Connection, after: int, until: int | None, most: int) -> list[tuple[Any, ...]]:
        """Return what `entry_rows` does of at most so many entries above `after`; None: to the end of the log."""
        end, last = ("", ()) if until is None else ("and e.id <= ?", (until,))
        source = f"{self._sql} {end} and e.id > ? order by e.id limit ?"
        return entry_rows(connection, ENTRY, source, (*self._bindings, *last), after, most)

    def window(self, connection: apsw.Connection, after: int, size: int) -> int | None:
        """Return the id that ends the next window above `after`; None: there is nothing above it."""
        of, first = ("", ()) if self._exact is None else (_OF_TOPIC, (self._exact,))
        rows = f"select id from {_ROWS.format(of=of)} order by id limit ?"
        found = connection.execute(f"select max(id) from ({rows})", (*first, after, size)).fetchone()
        return found[0]  # type: ignore[index,no-any-return]

    def find(self, line: Line, after: int, most: int) -> tuple[list[tuple[Any, ...]], int]:
        """Return the first of `rows` above `after`, and the id up to which all was looked at."""
        rows: list[tuple[Any, ...]] = []
        while True:
            found, end = self.some(line.connection, after, most - len(rows))
            rows += found
            if len(rows) == most or end == after:
                return rows, end
            after = end
            line.tick()

    def some(self, connection: apsw.Connection, after: int, most: int) -> tuple[list[tuple[Any, ...]], int]:
        """Return as `find` does, but of one window, or of as many entries as are asked for."""
        if self.plain:
            rows = self.rows(connection, after, None, most)
            return rows, rows[-1][0] if rows else after
        rows, left, size = [], max(WINDOW, most), max(64, 2 * most)  # a look at all of it would take 0.1 ms
        while left > 0 and (end := self.window(connection, after, min(size, left))) is not None:
            rows += self.rows(connection, after, end, most - len(rows))
            after = end
            if len(rows) == most:
                return rows, rows[-1][0]
            left -= size
            size = WINDOW
        return rows, after

    def count(self, line: Line, after: int) -> int:
        """Return how many entries there are above `after`."""
        count = 0
        while (end := self.window(line.connection, after, WINDOW)) is not None:
            sql = f"select count(*) {self._sql} and e.id > ? and e.id <= ?"
            count += line.connection.execute(sql, (*self._bindings, after, end)).fetchone()[0]  # type: ignore
            after = end
            line.tick()
        return count


def first_at(connection: apsw.Connection, at_ns: int) -> int | None:
    """Return the id of the first entry published at that time or later, None where there is none.

    By halving the log, as entries are published in the order of time; where a clock was set back, of the several
    places that separate earlier from later one is found.
    """
    ends = "select (select min(id) from topic_entry), (select max(id) from topic_entry)"  # in one they take a scan
    low, high = connection.execute(ends).fetchone()  # type: ignore[misc]
    if low is None:
        return None
    sql = "select id, published_ns from topic_entry where id >= ? order by id limit 1"
    found = None
    while low <= high:
        middle = (low + high) // 2
        number, published_ns = connection.execute(sql, (middle,)).fetchone()  # type: ignore[misc]
        if published_ns >= at_ns:
            found, high = number, middle - 1
        else:
            low = number + 1
    return found
