"""The rows of one answer of a table-valued function, kept as columns.

Arrays stay arrays: a million rows take 8 bytes a value and not the 32 of a Python object, and become Python values a
block at a time as they are read.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ..model.columns import Records

    Found = Records[Any] | Sequence[tuple[Any, ...]]
    Block = tuple[Sequence[Sequence[Any]], int, int]

BLOCK_ROWS = 1024
LIST_BYTES = 40  # a value in a list: its place and an int or float, about


class Answer:
    """Rows as columns of equal length.

    Attributes
    ----------
    size
        How many rows there are.
    nbytes
        What they take, roughly.
    """

    __slots__ = ("_arrays", "_columns", "nbytes", "size")

    def __init__(self, found: Found, width: int) -> None:
        self.size = len(found)
        if hasattr(found, "_columns"):  # records; their class is imported by the store that makes them
            self._columns: Sequence[Any] = found._columns[:width]
            self._arrays = any(hasattr(column, "tolist") for column in self._columns)
        else:
            self._columns = list(zip(*found, strict=True)) or ((),) * width
            self._arrays = False
        self.nbytes = LIST_BYTES * self.size * width
        if self._arrays:
            self.nbytes = sum(getattr(column, "nbytes", LIST_BYTES * self.size) for column in self._columns)

    def block(self, at: int) -> Block:
        """Return columns of Python values that hold row `at`, their first row, and the row behind their last."""
        if not self._arrays:
            return self._columns, 0, self.size
        first = at - at % BLOCK_ROWS
        last = min(first + BLOCK_ROWS, self.size)
        return [_values(column[first:last]) for column in self._columns], first, last


def _values(column: Any) -> Sequence[Any]:
    values: Sequence[Any] = column.tolist() if hasattr(column, "tolist") else column
    return values
