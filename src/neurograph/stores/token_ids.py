"""The ids of all tokens as one sorted array: the smallest kind of derived arrays. A part of the layer, not a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

from ..derived.kind import CHUNK_BITS, CHUNK_IDS, Columns, Kind, Tick

if TYPE_CHECKING:
    import numpy as np


class TokenIds(Kind["np.ndarray"]):
    """The kind whose arrays are the ids of all tokens, ascending, int64."""

    name = "token.id"
    subject = "token"
    format = 1

    def read(self, connection: apsw.Connection, first: int, last: int) -> Columns:
        """Return the ids from `first` to `last`."""
        import numpy as np

        rows = connection.execute("select id from token where id between ? and ? order by id", (first, last)).fetchall()
        return [np.array(rows, np.int64).reshape(-1)]

    def valid(self, columns: Columns) -> bool:
        """Tell whether the ids are strictly ascending."""
        (ids,) = columns
        return ids.dtype.str == "<i8" and bool((ids[1:] > ids[:-1]).all())

    def build(self, columns: Columns) -> np.ndarray:
        """Return the ids."""
        return columns[0]

    def patch(self, arrays: np.ndarray, chunks: list[int], columns: Columns) -> np.ndarray:
        """Return the ids with those of `chunks` replaced. Costs one pass over all ids (1M: about 1 ms)."""
        import numpy as np

        first = np.array(chunks, np.int64) << CHUNK_BITS
        gone = np.zeros(len(arrays) + 1, np.int64)
        np.add.at(gone, np.searchsorted(arrays, first), 1)
        np.add.at(gone, np.searchsorted(arrays, first + (CHUNK_IDS - 1), "right"), -1)  # the next one's may overflow
        kept = arrays[np.cumsum(gone)[:-1] == 0]
        return np.insert(kept, np.searchsorted(kept, columns[0]), columns[0])

    def copy(self, arrays: np.ndarray, tick: Tick) -> np.ndarray:
        """Return the same array: it is never changed in place."""
        return arrays

    def nbytes(self, arrays: np.ndarray) -> int:
        """Return the array's bytes."""
        return arrays.nbytes

    def estimate(self, connection: apsw.Connection, chunks: int) -> tuple[int, int]:
        """Return 512 ids a chunk."""
        return chunks << CHUNK_BITS, chunks << (CHUNK_BITS + 3)


TOKEN_IDS = TokenIds()
