"""Rows of a NumPy array file, with the words in a text file beside it, one a line."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from ...errors import ImportFailed
from .rows import Rows
from .source import Source
from .text import MARK, blocks

if TYPE_CHECKING:
    import numpy as np

MAGIC = b"\x93NUMPY"
BLOCK = 1 << 20  # bytes read at once, and at least one row


class ArrayRows:
    """The rows of an array file, from its first byte.

    Parameters
    ----------
    source
        The array: two-dimensional, of float16, float32 or float64, row by row.
    words
        The words.

    Raises
    ------
    ImportFailed
        The array is of another kind.
    """

    name = "npy"
    expected: int

    def __init__(self, source: Source, words: Source) -> None:
        self._source, self._words = source, words
        shape, by_column, self._dtype = _header(source)
        name = source.path.name
        if self._dtype.kind != "f" or self._dtype.itemsize > 8:
            raise ImportFailed(
                f"{name}: must hold float16, float32 or float64, got {self._dtype}; convert it by astype"
            )
        if len(shape) != 2:
            raise ImportFailed(f"{name}: must have two dimensions, (words, numbers), got shape {shape}")
        self.expected, self.dimension = shape
        if by_column and min(shape) > 1:
            raise ImportFailed(
                f"{name}: must be stored row by row, got Fortran order; save numpy.ascontiguousarray of it"
            )

    def where(self, place: int) -> str:
        """Return what a person looks for."""
        return f"row {place}"

    def line(self, place: int) -> None:
        """Return None: there are no lines."""

    def __iter__(self) -> Iterator[Rows]:
        """Yield the rows, those of a block at a time."""
        import numpy as np

        size = self.dimension * self._dtype.itemsize
        at_once, words = max(BLOCK // size, 1), self._lines()
        for done in range(0, self.expected, at_once):
            wanted = min(at_once, self.expected - done)
            read = self._source.read(wanted * size)
            if len(read) < wanted * size:
                raise ImportFailed(
                    f"row {done + len(read) // size + 1}: the file ends, must have {self.expected} rows; fetch it again"
                )
            numbers = np.frombuffer(read, self._dtype).reshape(wanted, self.dimension)
            with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, which the reader refuses
                vectors = numbers.astype(np.float32)
            spelled = list(islice(words, wanted))
            if len(spelled) < wanted:
                raise self._uneven(f"got {done + len(spelled)}")
            yield Rows(spelled, vectors, list(range(done + 1, done + wanted + 1)), [])
        if any(word.strip() for word in words):
            raise self._uneven("got more")

    def _uneven(self, got: str) -> ImportFailed:
        name = self._words.path.name
        return ImportFailed(f"{name}: the list of words must have {self.expected} lines, one for each row, {got}")

    def _lines(self) -> Iterator[bytes]:
        if self._words.peek(len(MARK)) == MARK:
            self._words.read(len(MARK))
        for block in blocks(self._words, 1):
            yield from (line.removesuffix(b"\r") for line in block[:-1].split(b"\n"))


def _header(source: Source) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    from numpy.lib import format as npy

    try:
        version = npy.read_magic(source)  # type: ignore[arg-type]
        if version == (1, 0):
            return npy.read_array_header_1_0(source)  # type: ignore[arg-type]
        return npy.read_array_header_2_0(source)  # type: ignore[arg-type]
    except ValueError as error:
        raise ImportFailed(f"{source.path.name}: the array's header can't be read ({error}); save it again") from error
