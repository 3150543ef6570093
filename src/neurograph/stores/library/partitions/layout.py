"""How the rows of arrays in memory are laid out by partitions, so that a search looks at few runs of them.

Invariants:

1. A layout says where to look, never what is found: whoever follows it may miss rows, which is measured
   (`nearest.calibration`), and finds none that is not there.
2. The slots of partition p are those from ``first[p]`` to before ``first[p + 1]``. What lies behind the last of them,
   and `moved` (slots whose vector changed since), is looked at by every search.
3. A layout belongs to its arrays for as long as they live: partitions that are made meanwhile count for those that are
   loaded after them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apsw

from ....derived.kind import CHUNK_BITS, CHUNK_IDS
from ..base import Space
from .codes import unit
from .nearest import in_use
from .places import NOWHERE

if TYPE_CHECKING:
    import numpy as np

MOST_MOVED = 1 / 128  # of the rows; beyond, looking at each of them takes as long as a scan of all


class Layout:
    """Where the rows of each partition lie.

    Attributes
    ----------
    partitioning
        The id of the partitioning.
    points
        (p, d) float32: what queries are compared with; of length 1 under cosine.
    first
        (p + 1,) int64: where each partition begins, and where the last one ends.
    moved
        (m,) int64, ascending: slots before the end of the last partition whose vector is another one now.
    """

    def __init__(
        self, partitioning: int, metric: str, points: np.ndarray, first: np.ndarray, moved: np.ndarray
    ) -> None:
        self.partitioning = partitioning
        self.points = points
        self.first = first
        self.moved = moved
        self._metric = metric
        self._half_squares = 0.5 * (points * points).sum(axis=1) if metric == "l2" else None

    @property
    def placed(self) -> int:
        """How many slots belong to partitions."""
        return int(self.first[-1])

    @property
    def serves(self) -> bool:
        """Tell whether following the layout is worth it still."""
        return len(self.moved) <= MOST_MOVED * self.placed

    @property
    def nbytes(self) -> int:
        """The bytes of what it holds."""
        return self.points.nbytes + self.first.nbytes + self.moved.nbytes

    def copy(self) -> Layout:
        """Return a layout for arrays that are copied; what is moved in it stays its own."""
        return Layout(self.partitioning, self._metric, self.points, self.first, self.moved)

    def move(self, slots: np.ndarray) -> None:
        """Note slots whose vector changed."""
        import numpy as np

        self.moved = np.union1d(self.moved, slots[slots < self.placed])

    def nearness(self, queries: np.ndarray) -> np.ndarray:
        """Return (m, p) float32: how near each partition is to each query; the greater, the nearer."""
        import numpy as np

        from ....kernels.vectors_sums import dot_rows

        near = np.empty((len(queries), len(self.points)), np.float32)
        for query, row in zip(queries.astype(np.float64), near, strict=True):  # numpy may wake threads: 0.1 to 10 ms
            dot_rows(self.points, query, False, row, 0, len(row))
        return near if self._half_squares is None else near - self._half_squares

    def of_slots(self, slots: np.ndarray) -> np.ndarray:
        """Return the partition of each slot, -1 for what every search looks at."""
        import numpy as np

        number = np.searchsorted(self.first, slots, "right") - 1
        number[(slots >= self.placed) | np.isin(slots, self.moved)] = -1
        return number

    def runs(self, query: np.ndarray, partitions: int, used: int) -> np.ndarray:
        """Return the runs of slots that a search looks at, (r, 2) int64, ascending.

        Parameters
        ----------
        query
            (d,) float32.
        partitions
            So many of the nearest.
        used
            How many slots there are.
        """
        import numpy as np

        (near,) = self.nearness(query[None])
        chosen = np.ones(len(near), np.bool_)
        if partitions < len(near):
            chosen[np.argpartition(near, len(near) - partitions)[: len(near) - partitions]] = False
        runs = [np.stack((self.first[:-1][chosen], self.first[1:][chosen]), axis=1)]
        if len(self.moved):
            alone = self.moved[~chosen[np.searchsorted(self.first, self.moved, "right") - 1]]
            runs.append(np.stack((alone, alone + 1), axis=1))
        return np.concatenate((*runs, [[self.placed, used]]))


def read_layout(
    connection: apsw.Connection, space: Space, nonces: dict[int, int], ids: np.ndarray
) -> tuple[Layout, np.ndarray] | None:
    """Return a layout by the partitions that are in use, and in which order it wants rows; None without partitions.

    Parameters
    ----------
    connection
        Inside the transaction that the rows were read in.
    space
        The library.
    nonces
        Of its chunks.
    ids
        (n,) int64: of the rows, ascending.

    Returns
    -------
    tuple of Layout and numpy.ndarray, or None
        The order is (n,) int64: places in `ids`. Rows of chunks that changed since they were placed come last.
    """
    import numpy as np

    try:
        using = in_use(connection, space)
        points = None if using is None else _points(connection, space, using[0])
    except apsw.SQLError:
        return None
    if using is None or points is None:
        return None
    number = _numbers(connection, using[0], nonces, ids)
    number[number >= len(points)] = len(points)
    order = np.argsort(number, kind="stable")
    first = np.searchsorted(number[order], np.arange(len(points) + 1))
    return Layout(using[0], space.metric, points, first.astype(np.int64), np.empty(0, np.int64)), order


def _points(connection: apsw.Connection, space: Space, partitioning: int) -> np.ndarray | None:
    """Return what queries are compared with, None where the file holds no centroids."""
    import numpy as np

    sql = "select number, centroid from partition_center where partitioning_id = ? order by number"
    rows: Any = connection.execute(sql, (partitioning,)).fetchall()
    if not rows or any(n != i or len(blob) != 4 * space.dimension for i, (n, blob) in enumerate(rows)):
        return None
    means = np.frombuffer(b"".join(blob for _, blob in rows), "<f4").reshape(len(rows), -1).astype(np.float32)
    return unit(means, space.metric) if np.isfinite(means).all() else None


def _numbers(connection: apsw.Connection, partitioning: int, nonces: dict[int, int], ids: np.ndarray) -> np.ndarray:
    """Return the partition of each id, (n,) int64, NOWHERE for one whose chunk changed since."""
    import numpy as np

    sql = "select chunk, nonce, numbers from partition_chunk where partitioning_id = ? and length(numbers) = ?"
    rows: Any = connection.execute(sql + " order by chunk", (partitioning, 2 * CHUNK_IDS)).fetchall()
    known = [(chunk, numbers) for chunk, nonce, numbers in rows if nonces.get(chunk) == nonce]
    found = np.full(len(ids), NOWHERE, np.int64)
    if known:
        chunks = np.fromiter((chunk for chunk, _ in known), np.int64, len(known))
        numbers = np.frombuffer(b"".join(blob for _, blob in known), "<u2").reshape(len(known), CHUNK_IDS)
        at = np.minimum(np.searchsorted(chunks, ids >> CHUNK_BITS), len(chunks) - 1)
        there = chunks[at] == ids >> CHUNK_BITS
        found[there] = numbers[at[there], ids[there] & (CHUNK_IDS - 1)]
    return found
