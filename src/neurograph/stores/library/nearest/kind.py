"""The vectors of a library as derived arrays: codes for the kernels, kept true chunk by chunk.

Invariants:

1. Where the library has partitions, slots lie by them (`partitions.layout`). Arrays keep the layout, or none, that they
   were made with; only slots whose vector changed leave their partitions.
2. Rows are held once while they are read: which slot is whose is known before.
"""

from __future__ import annotations

from _thread import allocate_lock  # `threading` takes 0.6 ms to load
from collections.abc import Iterator

import apsw

from ....derived.kind import CHUNK_BITS, Columns, Kind, Tick
from ..base import Space
from .arrays import VectorArrays

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from ....kernels.knn_codes_kernel import Planes
    from ..partitions.layout import Layout
    from .arrays import Center

SAMPLE_ROWS = 2048  # of which the mean is taken
MOST_EMPTY = 0.25  # of the slots; beyond, the others are moved together
MOVED_ROWS = 1 << 16  # at a time, where slots are laid out anew
GROWTH = 1.25
NUMBERS = 16 + 8  # bytes of a slot besides its codes: four numbers and the id


class VectorKind(Kind[VectorArrays]):
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
        """Make arrays of all rows, given chunk after chunk, by partitions where the library has them."""
        import numpy as np

        from ..partitions.layout import read_placing

        placing = read_placing(connection, self._space, nonces, *self._centered(connection))
        count = len(nonces) << CHUNK_BITS
        if placing is None:
            return self._gathered(map(self._held, parts), count)
        arrays, placed = self._empty(max(count, len(placing.ids))), len(placing.ids)
        arrays.ids[:placed] = placing.ids
        arrays.used, arrays.ascending, arrays.layout = placed, False, placing.layout
        columns = self._columns(arrays.codes, len(arrays.ids))
        for part in parts:
            slots = placing.slots(part[0])
            rows, inside = self._held(part, placing.layout, slots), slots >= 0
            for column, values in zip(columns, rows[1:], strict=True):
                column[slots[inside]] = values[inside]
            arrays = self._append(arrays, [values[~inside] for values in rows])
        arrays.empty = int(np.isnan(arrays.codes.offset[:placed]).sum())
        return arrays

    def _held(self, rows: Columns, layout: Layout | None = None, slots: np.ndarray | None = None) -> Columns:
        """Return what is held of rows that were read, for slots in a layout or behind all of it (-1)."""
        return rows

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

    def _with_room(self, arrays: VectorArrays, count: int, tick: Tick | None = None) -> VectorArrays:
        """Return the same rows with more room."""
        larger = self._empty(max(count, int(GROWTH * arrays.used)))
        for begin in range(0, arrays.used, MOVED_ROWS):
            some = slice(begin, min(begin + MOVED_ROWS, arrays.used))
            larger = self._append(larger, self._slots_of(arrays, some))
            if tick is not None:
                tick()
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

        known, layout = arrays.ids[: arrays.used], arrays.layout
        mine = np.flatnonzero(np.isin(known >> CHUNK_BITS, np.array(chunks, np.int64)))
        there = ~np.isnan(arrays.codes.offset[mine])
        arrays.empty -= int((~there).sum())
        slots = arrays.slots(columns[0])
        old = slots >= 0
        was = ~np.isnan(arrays.codes.offset[slots[old]])
        differ = self._differ(arrays, slots[old], [column[old] for column in columns[1:]])
        arrays.changes += int(there.sum() + len(slots) - was.sum() - (was & ~differ).sum())
        if layout is not None and differ.any():
            layout.move(slots[old][differ])
        forget(arrays.codes, mine)
        for held, column in zip(self._columns(arrays.codes, len(arrays.ids)), columns[1:], strict=True):
            held[slots[old]] = column[old]
        arrays.empty += int(np.isnan(arrays.codes.offset[mine]).sum())
        return self._append(arrays, [column[~old] for column in columns])

    def outdated(self, connection: apsw.Connection, arrays: VectorArrays, share: float) -> bool:
        """Tell whether arrays should rather be built anew.

        Arrays that lie by partitions are patched, which tells the vectors that changed: read anew, all of a changed
        chunk would be in no partition. Unless the library has other partitions by now.
        """
        from ..partitions.layout import partitioning_of

        if not super().outdated(connection, arrays, share):
            return False
        return arrays.layout is None or arrays.layout.partitioning != partitioning_of(connection, self._space)

    def _differ(self, arrays: VectorArrays, slots: np.ndarray, rows: Columns) -> np.ndarray:
        """Tell which rows are other than those in their slots."""
        codes, *numbers = self._columns(arrays.codes, len(arrays.ids))
        differ = (codes[slots] != rows[0]).any(axis=1)
        for held, column in zip(numbers, rows[1:], strict=True):
            other = held[slots] != column  # NaN, where there is no row, differs from all
            differ |= other if other.ndim == 1 else other.any(axis=1)
        return differ  # type: ignore[no-any-return]

    def sparse(self, arrays: VectorArrays) -> bool:
        """Tell whether many slots are empty, or many rows left their partitions."""
        layout = arrays.layout
        return arrays.empty > MOST_EMPTY * arrays.used or (layout is not None and layout.worn)

    def together(self, arrays: VectorArrays, tick: Tick) -> VectorArrays:
        """Return arrays without empty slots, and those that moved where what is in no partition lies."""
        import numpy as np

        from ..partitions.layout import laid_out

        left = np.flatnonzero(~np.isnan(arrays.codes.offset[: arrays.used]))
        left = left[np.argsort(arrays.ids[left], kind="stable")]  # of a million the longest slice: 0.18 s
        tick()
        layout = arrays.layout
        if layout is not None:
            numbers = layout.of_slots(left)
            tick()
            layout, order = laid_out(np.where(numbers < 0, layout.count, numbers), layout)
            left = left[order]
        together = self._empty(len(left))
        for begin in range(0, len(left), MOVED_ROWS):
            together = self._append(together, self._slots_of(arrays, left[begin : begin + MOVED_ROWS]))
            tick()
        together.changes, together.calibrated, together.layout = arrays.changes, arrays.calibrated, layout
        together.ascending = layout is None
        return together

    def copy(self, arrays: VectorArrays, tick: Tick) -> VectorArrays:
        """Return arrays that can be patched without changing `arrays`; of a million vectors of 384 in 0.1 to 1 s."""
        copied = self._with_room(arrays, arrays.used, tick)
        copied.layout = arrays.layout and arrays.layout.copy()
        return copied

    def nbytes(self, arrays: VectorArrays) -> int:
        """Return the bytes of all slots, the unused ones too, and of the layout."""
        layout = 0 if arrays.layout is None else arrays.layout.nbytes
        return sum((column.nbytes for column in arrays.codes), arrays.ids.nbytes + layout)  # type: ignore[no-any-return]

    def estimate(self, connection: apsw.Connection, chunks: int) -> tuple[int, int]:
        """Return 512 vectors a chunk."""
        rows = chunks << CHUNK_BITS
        return rows, rows * (2 * self._width + NUMBERS)
