"""The vectors of a library as derived arrays: codes for the kernels, kept true chunk by chunk.

Invariants:

1. A slot belongs to one id for good. Its row is gone or has no finite numbers: the slot is empty, and no search returns
   it. So ids ascend with the slots, but for those that were put between others later.
2. Codes narrow down who is near; the float32 rows stay in the file and are read for the few that are left.
"""

from __future__ import annotations

from _thread import allocate_lock  # `threading` takes 0.6 ms to load
from collections.abc import Iterator
from weakref import WeakKeyDictionary

import apsw

from ....connection.line import Line
from ....derived.kind import CHUNK_BITS, Columns, Kind
from ..base import Space

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from ....kernels.knn_bits_kernel import Bits
    from ....kernels.knn_codes_kernel import Planes
    from ..partitions.layout import Layout
    from .points import Calibration

    Center = tuple[np.ndarray, np.ndarray]

SAMPLE_ROWS = 2048  # of which the mean is taken
MOST_EMPTY = 0.25  # of the slots; beyond, the others are moved together
GROWTH = 1.25
NUMBERS = 16 + 8  # bytes of a slot besides its codes: four numbers and the id


class VectorArrays:
    """Codes by slot, or their bits.

    Attributes
    ----------
    ids
        (capacity,) int64: of each slot, whether or not its row is there still.
    codes
        Of the vectors.
    used
        How many slots have an id.
    empty
        How many of them have no row.
    ascending
        Whether ids ascend with the slots.
    center
        The mean and the turn that codes were made with, see `knn_codes`.
    masks
        What conditions left of the slots, by line; true while the line's stamp is the same.
    changes
        How many rows came, went or changed since the arrays were first made.
    calibrated
        How many candidates reach which recall, see `calibration`, and what `changes` was when it was measured.
    layout
        How the slots lie by partitions, where they do.
    """

    def __init__(
        self, ids: np.ndarray, codes: Any, used: int, empty: int, ascending: bool, center: Center
    ) -> None:  # no dataclass: see `derived.mechanism`
        self.ids = ids
        self.codes = codes
        self.used = used
        self.empty = empty
        self.ascending = ascending
        self.center = center
        self.masks: WeakKeyDictionary[Line, Any] = WeakKeyDictionary()
        self.changes = 0
        self.calibrated: tuple[Calibration, int] | None = None
        self.layout: Layout | None = None
        self._order: np.ndarray | None = None

    @property
    def planes(self) -> Planes:
        """The codes, where they are whole."""
        return self.codes  # type: ignore[no-any-return]

    @property
    def bits(self) -> Bits:
        """The codes, where they are bits."""
        return self.codes  # type: ignore[no-any-return]

    def slots(self, ids: np.ndarray) -> np.ndarray:
        """Return the slot of each id, -1 where it has none."""
        import numpy as np

        known = self.ids[: self.used]
        if self.ascending and len(ids) and self.used:
            guessed = ids - known[0]  # where none was left out
            if guessed.min() >= 0 and guessed.max() < self.used and (known[guessed] == ids).all():
                return guessed  # type: ignore[no-any-return]
        if self.ascending:
            found = np.searchsorted(known, ids)
            at = found
        else:
            if self._order is None:
                self._order = np.argsort(known, kind="stable")
            at = np.searchsorted(known, ids, sorter=self._order)
            found = self._order[np.minimum(at, self.used - 1)] if self.used else at
        inside = np.minimum(found, max(self.used - 1, 0))
        there = (at < self.used) & (known[inside] == ids) if self.used else np.zeros(len(ids), np.bool_)
        return np.where(there, inside, -1)

    def order_with(self, ids: np.ndarray) -> np.ndarray | None:
        """Return the order of the slots when rows with these ids are put behind them, None where nobody asked for it.

        Of a million ids it takes 80 ms to find, so it's kept as long as new ones are behind all others.
        """
        import numpy as np

        order = self._order
        if order is None or not self.used or self.ids[order[-1]] >= ids[0]:
            return None
        return np.concatenate((order, np.arange(self.used, self.used + len(ids))))

    def changed(self, order: np.ndarray | None = None) -> None:
        """Forget what was made of the ids, or note their order."""
        self._order = order
        self.masks.clear()


class VectorKind(Kind["VectorArrays"]):
    """The kind behind the searches of one library."""

    subject = "embedding"
    format = 1

    def __init__(self, space: Space) -> None:
        self._space = space
        # All that codes depend on: after a rollback the same id may be that of another library.
        self.name = f"knn.{space.id}.{space.metric}.{space.dimension}"
        self.chunks = (space.first_id >> CHUNK_BITS, space.last_id >> CHUNK_BITS)
        self._center: Center | None = None
        self._choosing = allocate_lock()

    @property
    def _width(self) -> int:
        return (self._space.dimension + 1) // 2

    def read(self, connection: apsw.Connection, first: int, last: int) -> Columns:
        """Return ids, codes and numbers of the vectors in range."""
        ids, planes = self._coded(connection, first, last)
        return [ids, *VectorKind._columns(self, planes, len(ids))]

    def _coded(self, connection: apsw.Connection, first: int, last: int) -> tuple[np.ndarray, Planes]:
        """Return ids and codes of the vectors in range."""
        import numpy as np

        from ....kernels.knn_codes import make_planes, run_quantise

        sql = "select id, vector from embedding where id between ? and ? and length(vector) = ? order by id"
        size = 4 * self._space.dimension
        rows: Any = connection.execute(sql, (first, last, size)).fetchall()
        ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
        vectors = np.frombuffer(b"".join([row[1] for row in rows]), "<f4").reshape(len(rows), self._space.dimension)
        planes = make_planes(len(rows), self._space.dimension)
        mean, turn = self._centered(connection)
        run_quantise(planes, 0, vectors.astype(np.float32, copy=False), self._space.metric, mean=mean, turn=turn)
        return ids, planes

    def _centered(self, connection: apsw.Connection) -> Center:
        """Return what codes are made with, chosen when they are first asked for and kept as long as this kind.

        Any mean gives true answers; one near the vectors' makes codes finer. Where two threads ask first, in different
        states, all codes are made with that of one of them.
        """
        if self._center is None:
            with self._choosing:
                self._center = self._center or self._chosen(connection)
        return self._center

    def _chosen(self, connection: apsw.Connection) -> Center:
        import numpy as np

        from ....kernels.knn_codes import turn_for

        sql = "select vector from embedding where id between ? and ? and length(vector) = ? limit ?"
        size = 4 * self._space.dimension
        rows: Any = connection.execute(sql, (*self._space.ids, size, SAMPLE_ROWS)).fetchall()
        sample = np.frombuffer(b"".join([row[0] for row in rows]), "<f4").reshape(len(rows), -1 if rows else 1)
        sample = sample[np.isfinite(sample).all(axis=1)].astype(np.float64)
        if self._space.metric == "cosine":
            lengths = np.sqrt((sample * sample).sum(axis=1, keepdims=True))
            sample = sample[lengths[:, 0] > 0] / lengths[lengths[:, 0] > 0]
        mean = sample.mean(axis=0) if len(sample) else np.zeros(self._space.dimension)
        return mean, turn_for(self._space.dimension)

    def _make(self, count: int) -> Any:
        """Make places for codes, all empty."""
        from ....kernels.knn_codes import make_planes

        return make_planes(count, self._space.dimension)

    def _columns(self, codes: Any, count: int) -> Any:
        """Return views of codes whose first axis is the slot."""
        width = self._width
        planes = [plane[: count * width].reshape(count, width) for plane in codes[:2]]
        return [*planes, *(numbers[:count] for numbers in codes[2:])]

    def valid(self, columns: Columns) -> bool:
        """Tell that nothing that was loaded can be trusted: codes are made from the rows, 1.3 µs each, never saved."""
        return False

    def build(self, columns: Columns) -> VectorArrays:
        """Make arrays of all rows."""
        return self._gathered(iter([columns]), 0)

    def gather(self, connection: apsw.Connection, parts: Iterator[Columns], nonces: dict[int, int]) -> VectorArrays:
        """Make arrays of all rows, given chunk after chunk; nothing is held twice."""
        return self._gathered(parts, len(nonces) << CHUNK_BITS)

    def _gathered(self, parts: Iterator[Columns], count: int) -> VectorArrays:
        arrays: VectorArrays | None = None
        for columns in parts:
            arrays = self._append(arrays or self._empty(count), columns)
        assert arrays is not None  # there is one part at least
        return arrays

    def _empty(self, count: int) -> VectorArrays:
        import numpy as np

        codes = self._make(count)
        assert self._center is not None  # rows were read before they are put anywhere
        return VectorArrays(np.zeros(len(codes.offset), np.int64), codes, 0, 0, True, self._center)

    def _append(self, arrays: VectorArrays, columns: Columns) -> VectorArrays:
        """Put rows into slots behind the used ones."""
        count = len(columns[0])
        if not count:
            return arrays
        if arrays.used + count > len(arrays.ids):
            arrays = self._with_room(arrays, arrays.used + count)
        ids = columns[0]
        if arrays.used and ids[0] <= arrays.ids[arrays.used - 1]:
            arrays.ascending = False
        order = arrays.order_with(ids)
        to = slice(arrays.used, arrays.used + count)
        arrays.ids[to] = ids
        for held, column in zip(self._columns(arrays.codes, len(arrays.ids)), columns[1:], strict=True):
            held[to] = column
        arrays.used += count
        arrays.changed(order)
        return arrays

    def _with_room(self, arrays: VectorArrays, count: int) -> VectorArrays:
        """Return the same rows with more room."""
        larger = self._append(
            self._empty(max(count, int(GROWTH * arrays.used))), self._slots_of(arrays, slice(0, arrays.used))
        )
        larger.empty, larger.ascending = arrays.empty, arrays.ascending
        larger.changes, larger.calibrated, larger.layout = arrays.changes, arrays.calibrated, arrays.layout
        larger._order = arrays._order
        return larger

    def _slots_of(self, arrays: VectorArrays, which: Any) -> Columns:
        return [arrays.ids[which], *(column[which] for column in self._columns(arrays.codes, len(arrays.ids)))]

    def patch(self, arrays: VectorArrays, chunks: list[int], columns: Columns) -> VectorArrays:
        """Replace the rows of `chunks`. Costs what changed, 0.6 ms a chunk of 384 numbers."""
        import numpy as np

        from ....kernels.knn_codes import forget

        known = arrays.ids[: arrays.used]
        mine = np.flatnonzero(np.isin(known >> CHUNK_BITS, np.array(chunks, np.int64)))
        there = ~np.isnan(arrays.codes.offset[mine])
        arrays.empty -= int((~there).sum())
        slots = arrays.slots(columns[0])
        old = slots >= 0
        held, *numbers = self._columns(arrays.codes, len(arrays.ids))
        was, stays = ~np.isnan(arrays.codes.offset[slots[old]]), (held[slots[old]] == columns[1][old]).all(axis=1)
        arrays.changes += int(there.sum() + len(slots) - was.sum() - (was & stays).sum())
        forget(arrays.codes, mine)
        for kept, column in zip((held, *numbers), columns[1:], strict=True):
            kept[slots[old]] = column[old]
        arrays.empty += int(np.isnan(arrays.codes.offset[mine]).sum())
        arrays = self._append(arrays, [column[~old] for column in columns])
        return self._together(arrays) if arrays.empty > MOST_EMPTY * arrays.used else arrays

    def _together(self, arrays: VectorArrays) -> VectorArrays:
        """Return arrays without empty slots."""
        import numpy as np

        left = np.flatnonzero(~np.isnan(arrays.codes.offset[: arrays.used]))
        left = left[np.argsort(arrays.ids[left], kind="stable")]
        together = self._append(self._empty(len(left)), self._slots_of(arrays, left))
        together.changes, together.calibrated = arrays.changes, arrays.calibrated
        return together

    def copy(self, arrays: VectorArrays) -> VectorArrays:
        """Return arrays that can be patched without changing `arrays`."""
        return self._with_room(arrays, arrays.used)

    def nbytes(self, arrays: VectorArrays) -> int:
        """Return the bytes of all slots, the unused ones too."""
        return sum((column.nbytes for column in arrays.codes), arrays.ids.nbytes)  # type: ignore[no-any-return]

    def estimate(self, connection: apsw.Connection, chunks: int) -> tuple[int, int]:
        """Return 512 vectors a chunk."""
        rows = chunks << CHUNK_BITS
        return rows, rows * (2 * self._width + NUMBERS)
