"""How the rows of arrays in memory are laid out by partitions, so that a search looks at few runs of them.

Invariants:

1. A layout says where to look, never what is found: whoever follows it may miss rows, which is measured
   (`nearest.calibration`), and finds none that is not there.
2. The slots of partition p are those from ``first[p]`` to before ``first[p + 1]``, but for those that are `moved`: a
   vector that changed is no longer in a partition. Each search looks at it, and at what lies behind the last partition.
3. Arrays lie by one partitioning for good; partitions that are made meanwhile count for arrays that are read anew.
"""

from __future__ import annotations

import apsw

from ....derived.kind import CHUNK_BITS, CHUNK_IDS
from ..base import Space
from .nearest import in_use
from .places import NOWHERE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from ....kernels.knn_parts import Centers, Parts

LEAST_ROWS = 256  # in a partition; with 86, as of WordNet's glosses, scans of all of them take twice as long
MOST_MOVED = 1 / 128  # of the rows; looking at each by itself then takes a million 1 ms; moving all together, 200


class Placing:
    """Which partition each item was in, in one state of the file, and the slots they are given.

    Attributes
    ----------
    layout
        Of those slots.
    ids
        (n,) int64: the id of each slot.
    """

    def __init__(self, partitioning: int, centers: Centers, chunks: np.ndarray, numbers: np.ndarray) -> None:
        import numpy as np

        count = len(centers.plus)
        numbers = np.minimum(numbers, min(count, NOWHERE)).astype(np.uint16)
        order = np.argsort(numbers, axis=None, kind="stable")  # by radix: 1M in 6 ms
        first = np.searchsorted(numbers.ravel()[order], np.arange(count + 1)).astype(np.int64)
        order = order[: first[-1]]
        self.layout = Layout(partitioning, centers, first, np.empty(0, np.int64))
        self.ids = (chunks[order >> CHUNK_BITS] << CHUNK_BITS) + (order & (CHUNK_IDS - 1))
        self._chunks = chunks
        self._slots = np.full(numbers.size, -1)
        self._slots[order] = np.arange(len(order))

    def slots(self, ids: np.ndarray) -> np.ndarray:
        """Return the slot of each id, (n,) int64; -1 for one that is in no partition."""
        import numpy as np

        found = np.full(len(ids), -1)
        if len(self._chunks):
            at = np.minimum(np.searchsorted(self._chunks, ids >> CHUNK_BITS), len(self._chunks) - 1)
            there = self._chunks[at] == ids >> CHUNK_BITS
            found[there] = self._slots[(at[there] << CHUNK_BITS) + (ids[there] & (CHUNK_IDS - 1))]
        return found


class Layout:
    """Where the rows of each partition lie.

    Attributes
    ----------
    partitioning
        The id of the partitioning.
    centers
        Of its partitions.
    first
        (p + 1,) int64: where each partition begins, and where the last one ends.
    moved
        (m,) int64, ascending: slots before the end of the last partition whose vector is another one now.
    """

    def __init__(self, partitioning: int, centers: Centers, first: np.ndarray, moved: np.ndarray) -> None:
        self.partitioning = partitioning
        self.centers = centers
        self.first = first
        self.moved = moved

    @property
    def count(self) -> int:
        """How many partitions there are."""
        return len(self.first) - 1

    @property
    def placed(self) -> int:
        """How many slots belong to partitions."""
        return int(self.first[-1])

    @property
    def worn(self) -> bool:
        """Tell that so many moved that rows should be laid out anew."""
        return len(self.moved) > MOST_MOVED * self.placed

    @property
    def parts(self) -> Parts:
        """What kernels are told."""
        from ....kernels.knn_parts import Parts

        return Parts(self.centers, self.first, self.moved)

    @property
    def nbytes(self) -> int:
        """The bytes of what it holds."""
        return self.centers.points.nbytes + self.centers.codes.nbytes + self.first.nbytes + self.moved.nbytes

    def copy(self) -> Layout:
        """Return a layout for arrays that are copied; what is moved in it stays its own."""
        return Layout(self.partitioning, self.centers, self.first, self.moved)

    def move(self, slots: np.ndarray) -> None:
        """Note slots whose vector changed."""
        import numpy as np

        self.moved = np.union1d(self.moved, slots[slots < self.placed])

    def of_slots(self, slots: np.ndarray) -> np.ndarray:
        """Return the partition of each slot, -1 for one in none; of -1, too."""
        import numpy as np

        number = np.searchsorted(self.first, slots, "right") - 1
        number[(slots >= self.placed) | np.isin(slots, self.moved)] = -1
        return number


def laid_out(numbers: np.ndarray, by: Layout) -> tuple[Layout, np.ndarray]:
    """Return a layout of rows in these partitions, and the order it wants them in: (n,) int64, places in `numbers`."""
    import numpy as np

    order = np.argsort(numbers, kind="stable")
    first = np.searchsorted(numbers[order], np.arange(len(by.centers.plus) + 1))
    return Layout(by.partitioning, by.centers, first.astype(np.int64), np.empty(0, np.int64)), order


def partitioning_of(connection: apsw.Connection, space: Space) -> int:
    """Return the id of the partitioning that arrays loaded now would lie by, 0 for none or one of small partitions."""
    try:
        using = in_use(connection, space)
        sql = """select items >= ?2 * (select count(*) from partition_center where partitioning_id = ?1)
                   from partitioning
                  where id = ?1"""
        rows: Any = using and connection.execute(sql, (using[0], LEAST_ROWS)).fetchall()
    except apsw.SQLError:
        return 0
    return using[0] if using and rows and rows[0][0] else 0


def read_placing(
    connection: apsw.Connection, space: Space, nonces: dict[int, int], mean: np.ndarray, turn: np.ndarray
) -> Placing | None:
    """Return the slots that items are given by their partitions, None where the library has none it can read, or small.

    Items of chunks that changed since they were placed are in none.

    Parameters
    ----------
    connection
        Inside the transaction that rows are read in.
    space
        The library.
    nonces
        Of its chunks, there.
    mean, turn
        What rows are quantised with.
    """
    import numpy as np

    from ....kernels.knn_parts import make_centers

    id = partitioning_of(connection, space)
    if not id:
        return None
    try:
        means = _means(connection, space, id)
        sql = "select chunk, nonce, numbers from partition_chunk where partitioning_id = ? and length(numbers) = ?"
        rows: Any = connection.execute(sql + " order by chunk", (id, 2 * CHUNK_IDS)).fetchall()
    except apsw.SQLError:
        return None
    if means is None:
        return None
    known = [(chunk, numbers) for chunk, nonce, numbers in rows if nonces.get(chunk) == nonce]
    chunks = np.fromiter((chunk for chunk, _ in known), np.int64, len(known))
    numbers = np.frombuffer(b"".join(blob for _, blob in known), "<u2").reshape(len(known), CHUNK_IDS)
    return Placing(id, make_centers(means, space.metric, mean=mean, turn=turn), chunks, numbers)


def _means(connection: apsw.Connection, space: Space, partitioning: int) -> np.ndarray | None:
    """Return what vectors of each partition are in the mean, None where the file holds none."""
    import numpy as np

    sql = "select number, centroid from partition_center where partitioning_id = ? order by number"
    rows: Any = connection.execute(sql, (partitioning,)).fetchall()
    if not 0 < len(rows) <= NOWHERE or any(n != i or len(b) != 4 * space.dimension for i, (n, b) in enumerate(rows)):
        return None
    means = np.frombuffer(b"".join(blob for _, blob in rows), "<f4").reshape(len(rows), -1).astype(np.float32)
    return means if np.isfinite(means).all() and np.abs(means).max() < 2.0**40 else None
