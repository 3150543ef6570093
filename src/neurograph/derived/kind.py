"""What a kind of derived arrays must offer to the mechanism."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

import apsw

if TYPE_CHECKING:
    import numpy as np

CHUNK_BITS = 9
CHUNK_IDS = 1 << CHUNK_BITS
"""Ids a chunk covers: one changed row makes at most so many rows be read again (512 tokens: 0.4 ms; measured)."""

Columns = list["np.ndarray"]
"""Rows as arrays of equal length; the first holds the ids the chunks are cut by, ascending."""

A = TypeVar("A")


class Kind(Protocol[A]):
    """One kind of derived arrays `A`, built from the rows of one table.

    `build(rows)` and any sequence of `patch` calls that ends at the same rows must give arrays that answer
    every question alike.
    """

    @property
    def name(self) -> str:
        """What the arrays are called in `derived_chunk`."""
        ...

    @property
    def subject(self) -> str:
        """The marks the arrays live by: 'token' or 'edge'."""
        ...

    @property
    def format(self) -> int:
        """The version of the packed form; chunks of another one are not loaded."""
        ...

    def read(self, connection: apsw.Connection, first: int, last: int) -> Columns:
        """Return the rows with ids from `first` to `last`, both included."""
        ...

    def valid(self, columns: Columns) -> bool:
        """Tell whether unpacked columns can be trusted: dtypes, order, finiteness. Kernels trust them blindly."""
        ...

    def build(self, columns: Columns) -> A:
        """Make arrays from all rows."""
        ...

    def patch(self, arrays: A, chunks: list[int], columns: Columns) -> A:
        """Replace all rows of `chunks` by `columns`, in place where that is cheaper; return the arrays."""
        ...

    def copy(self, arrays: A) -> A:
        """Return arrays that can be patched without changing `arrays`."""
        ...

    def nbytes(self, arrays: A) -> int:
        """Return what the arrays take, in bytes."""
        ...

    def estimate(self, connection: apsw.Connection, chunks: int) -> tuple[int, int]:
        """Return how many rows there are and how many bytes their arrays would take, roughly and at once."""
        ...
