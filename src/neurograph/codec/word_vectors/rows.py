"""What the formats hand to the reader: rows as they stand in the file, and places that hold none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_DIMENSIONS = 8192  # a library takes no more, and a damaged header must not ask for all memory
REMEDY = 'pass malformed="skip" to leave such out'

TextParser = Callable[[bytes, int], "tuple[NDArray[np.int64], NDArray[np.float32]]"]
"""Reads plain lines as `kernels.text_rows.run_text_rows` does, which is one; lines it leaves are read here."""


class Skipped(NamedTuple):
    """A place of the file that gave no word, and why."""

    place: int
    """The line, from 1; the word, from 1, in binary files and arrays."""
    reason: str
    """What was wrong there, with the place."""


class Problem(NamedTuple):
    """A place without a row that can be taken."""

    place: int
    message: str
    forgiven: bool = False
    """True where it never refuses the file."""


class Rows(NamedTuple):
    """Consecutive rows of a file."""

    words: list[bytes]
    vectors: NDArray[np.float32]
    """(n, dimension)."""
    places: list[int]
    """Ascending: the place of each row."""
    problems: list[Problem]
    """Places between them without a row."""


class Format(Protocol):
    """One format: what its head says, and its rows."""

    @property
    def name(self) -> str:
        """What the format is called."""

    @property
    def dimension(self) -> int:
        """How many numbers a row has."""

    @property
    def expected(self) -> int | None:
        """How many rows its head says it has, None where it says nothing."""

    def __iter__(self) -> Iterator[Rows]:
        """Yield the rows of the file, some at a time."""

    def where(self, place: int) -> str:
        """Return what a person looks for: ``"line 7"``."""

    def line(self, place: int) -> int | None:
        """Return the number of the line, or None where the format has none."""
