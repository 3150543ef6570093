"""The rows of one statement, already fetched."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import pandas
    import pyarrow

    Row = tuple[Any, ...]


class Result:
    """The rows of one statement, in order, with the names of their columns.

    All rows were fetched when `Database.execute` returned, so a result stays valid after later writes and after
    the database is closed. For more rows than memory holds, use `Database.stream`.

    Examples
    --------
    >>> import neurograph
    >>> with neurograph.open(":memory:") as db:
    ...     result = db.execute("select 1 as n, 'one' as name union all select 2, 'two'")
    >>> result.columns, len(result)
    (('n', 'name'), 2)
    >>> result.fetchone()
    (1, 'one')
    >>> result.fetchall()
    [(2, 'two')]
    >>> result.to_dicts()[0]
    {'n': 1, 'name': 'one'}
    >>> result.to_dataframe().shape, result.to_arrow().shape
    ((2, 2), (2, 2))
    """

    __slots__ = ("_next", "columns", "rows")

    def __init__(self, rows: list[Row], columns: tuple[str, ...]) -> None:
        self.rows = rows
        self.columns = columns
        self._next = 0

    @property
    def description(self) -> tuple[tuple[str, None, None, None, None, None, None], ...]:
        """The columns as PEP 249 describes them: seven entries each, of which the first is the name."""
        return tuple((name, None, None, None, None, None, None) for name in self.columns)

    def fetchone(self) -> Row | None:
        """Return the next row, or None after the last."""
        if self._next >= len(self.rows):
            return None
        self._next += 1
        return self.rows[self._next - 1]

    def fetchall(self) -> list[Row]:
        """Return the rows not yet fetched."""
        rows = self.rows[self._next :]
        self._next = len(self.rows)
        return rows

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return each row as a dict by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def to_dataframe(self) -> pandas.DataFrame:
        """Return the rows as a pandas DataFrame. Needs the extra ``frames``."""
        from ..errors import NotHere

        try:
            import pandas
        except ImportError as error:
            raise NotHere('pandas must be installed for a DataFrame; run pip install "neurograph[frames]"') from error
        return pandas.DataFrame(self.rows, columns=list(self.columns))

    def to_arrow(self) -> pyarrow.Table:
        """Return the rows as an Arrow table. Needs the extra ``parquet``."""
        from ..errors import NotHere

        try:
            import pyarrow
        except ImportError as error:
            raise NotHere('pyarrow must be installed for Arrow; run pip install "neurograph[parquet]"') from error
        columns = zip(*self.rows, strict=True) if self.rows else [()] * len(self.columns)
        return pyarrow.table([pyarrow.array(list(column)) for column in columns], names=list(self.columns))

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<Result {len(self.rows)} rows of {', '.join(self.columns) or 'no columns'}>"
