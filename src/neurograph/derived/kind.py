"""What a kind of derived arrays must offer to the mechanism."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import apsw

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Generic, TypeVar

    import numpy as np
else:
    from ..model.typed import Generic, TypeVar

CHUNK_BITS = 9
CHUNK_IDS = 1 << CHUNK_BITS
"""Ids a chunk covers: one changed row makes at most so many rows be read again (512 tokens: 0.4 ms; measured)."""

Columns = list["np.ndarray"]
"""Rows as arrays of equal length; the first holds the ids the chunks are cut by, ascending."""

Tick = Callable[[], None]
"""What long work calls between its slices; what it raises ends it."""

EVERY_CHUNK = (-(1 << 54), (1 << 54) - 1)
"""The first and the last chunk there can be."""

REBUILD_SHARE = 0.5

A = TypeVar("A")


class Kind(ABC, Generic[A]):
    """One kind of derived arrays `A`, built from the rows of one table.

    `build(rows)` and any sequence of `patch` calls that ends at the same rows must give arrays that answer
    every question alike.

    Attributes
    ----------
    name
        What the arrays are called in `derived_chunk`.
    subject
        The marks the arrays live by: 'token', 'edge' or 'embedding'.
    format
        The version of the packed form; chunks of another one are not loaded.
    chunks
        The first and the last chunk of the subject that the arrays are about.
    """

    name: str
    subject: str
    format: int
    chunks: tuple[int, int] = EVERY_CHUNK

    @abstractmethod
    def read(self, connection: apsw.Connection, first: int, last: int) -> Columns:
        """Return the rows with ids from `first` to `last`, both included."""

    @abstractmethod
    def valid(self, columns: Columns) -> bool:
        """Tell whether unpacked columns can be trusted: dtypes, order, finiteness. Kernels trust them blindly."""

    def load(self, connection: apsw.Connection, nonces: dict[int, int]) -> dict[int, Columns]:
        """Return rows saved otherwise than chunk by chunk, by chunk; a kind that saves so says it."""
        return {}

    @abstractmethod
    def build(self, columns: Columns) -> A:
        """Make arrays from all rows."""

    def gather(self, connection: apsw.Connection, parts: Iterator[Columns], nonces: dict[int, int]) -> A:
        """Make arrays from all rows, given chunk after chunk; for kinds that are too large to be held twice."""
        return self.build(joined([*parts]))

    @abstractmethod
    def patch(self, arrays: A, chunks: list[int], columns: Columns) -> A:
        """Replace all rows of `chunks` by `columns`, in place where that is cheaper; return the arrays."""

    def outdated(self, connection: apsw.Connection, arrays: A, share: float) -> bool:
        """Tell whether arrays, a share of whose chunks changed, should be built anew: beyond half that is cheaper."""
        return share > REBUILD_SHARE

    @abstractmethod
    def copy(self, arrays: A, tick: Tick) -> A:
        """Return arrays that can be patched without changing `arrays`; what `tick` raises ends it."""

    def sparse(self, arrays: A) -> bool:
        """Tell whether patches left so much room unused that `together` pays."""
        return False

    def together(self, arrays: A, tick: Tick) -> A:
        """Return the same rows in no more room than they need; `arrays` stay as they are, should `tick` raise."""
        return arrays

    @abstractmethod
    def nbytes(self, arrays: A) -> int:
        """Return what the arrays take, in bytes."""

    @abstractmethod
    def estimate(self, connection: apsw.Connection, chunks: int) -> tuple[int, int]:
        """Return how many rows there are and how many bytes their arrays would take, roughly and at once."""


def joined(parts: list[Columns]) -> Columns:
    """Return the rows of all parts, at least one, as writeable columns."""
    import numpy as np

    if len(parts) == 1:  # a saved chunk is read-only, which numba would compile every kernel for anew
        return [column if column.flags.writeable else column.copy() for column in parts[0]]
    return [np.concatenate(columns) for columns in zip(*parts, strict=True)]
