"""One bit of every number of a library's vectors as derived arrays, for searches that may miss some of the nearest.

Invariants:

1. Where the library has partitions, slots lie by them, and bits are of what a vector has more than their center
   (`partitions.layout`); bits of what came or changed since are of the vector alone, and lie in no partition.
2. Arrays keep the layout, or none, that they were made with; only slots that changed leave their partitions.
"""

from __future__ import annotations

from collections.abc import Iterator

import apsw

from ....derived.kind import CHUNK_BITS, Columns
from ..base import Space
from .arrays import VectorKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from ....kernels.knn_parts import Centers
    from ..partitions.layout import Layout
    from .arrays import VectorArrays

MOVED_ROWS = 1 << 16  # at a time, where rows are laid out
NUMBERS = 8 + 8  # bytes of a slot besides its bits: two numbers and the id


class BitKind(VectorKind):
    """The kind behind approximate searches of one library: `VectorArrays` whose codes are bits."""

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self.name = f"{self.name}.bits"

    def _make(self, count: int) -> Any:
        from ....kernels.knn_bits import make_bits

        return make_bits(count, self._space.dimension)

    def _columns(self, codes: Any, count: int) -> Any:
        from ....kernels.knn_bits import by_row

        return [_Words(by_row(codes.words, self._space.dimension)), codes.factor[:count], codes.offset[:count]]

    def _bits(self, columns: Columns, centers: Centers | None = None, numbers: np.ndarray | None = None) -> Columns:
        """Return ids and bits of rows that were read, less the centers of their partitions."""
        import numpy as np

        from ....kernels.knn_bits import make_bits, run_signs
        from ....kernels.knn_codes_kernel import Planes

        ids, (high, low, *rest) = columns[0], columns[1:]
        bits, slots = make_bits(len(ids), self._space.dimension), np.arange(len(ids))
        run_signs(
            Planes(high.ravel(), low.ravel(), *rest),
            self._space.dimension,
            slots,
            bits,
            slots,
            centers=centers,
            numbers=numbers,
            metric=self._space.metric,
        )
        words, *others = self._columns(bits, len(ids))
        return [ids, words[slots], *others]

    def gather(self, connection: apsw.Connection, parts: Iterator[Columns], nonces: dict[int, int]) -> VectorArrays:
        """Make arrays of all rows, laid out by partitions where the library has them."""
        from ..partitions.layout import laid_out, read_placing

        placing = read_placing(connection, self._space, nonces, *self._centered(connection))
        if placing is None:
            return super().gather(connection, map(self._bits, parts), nonces)
        less = (self._bits(columns, placing.centers, placing.of(columns[0])) for columns in parts)
        arrays = super().gather(connection, less, nonces)
        return self._moved(arrays, *laid_out(placing.of(arrays.ids[: arrays.used]), placing))

    def _moved(self, arrays: VectorArrays, layout: Layout, order: np.ndarray) -> VectorArrays:
        """Return arrays with the slots of others in another order."""
        laid = self._empty(len(order))
        for begin in range(0, len(order), MOVED_ROWS):
            laid = self._append(laid, self._slots_of(arrays, order[begin : begin + MOVED_ROWS]))
        laid.layout, laid.ascending = layout, False
        laid.changes, laid.calibrated = arrays.changes, arrays.calibrated
        return laid

    def patch(self, arrays: VectorArrays, chunks: list[int], columns: Columns) -> VectorArrays:
        """Replace the rows of `chunks`."""
        import numpy as np

        layout = arrays.layout
        if layout is None:
            return super().patch(arrays, chunks, self._bits(columns))
        slots = arrays.slots(columns[0])
        numbers = layout.of_slots(slots)
        mine = np.flatnonzero(numbers >= 0)
        numbers[numbers < 0] = layout.count
        rows = self._bits(columns, layout.centers, numbers)
        changed = mine[self._differ(arrays, slots[mine], [column[mine] for column in rows[1:]])]
        if len(changed):
            numbers[changed] = layout.count
            rows = self._bits(columns, layout.centers, numbers)
            layout.move(slots[changed])
        arrays = super().patch(arrays, chunks, rows)
        return self._together(arrays) if arrays.layout and arrays.layout.worn else arrays

    def _differ(self, arrays: VectorArrays, slots: np.ndarray, rows: Columns) -> np.ndarray:
        """Tell which rows are other than those in their slots; of few numbers bits alone are often the same."""
        words, *numbers = self._columns(arrays.codes, len(arrays.ids))
        differ = (words[slots] != rows[0]).any(axis=1)
        for held, column in zip(numbers, rows[1:], strict=True):
            differ |= held[slots] != column  # NaN, where there is no row, differs from all
        return differ  # type: ignore[no-any-return]

    def _together(self, arrays: VectorArrays) -> VectorArrays:
        """Return arrays without empty slots, and those that moved where what is in no partition lies."""
        import numpy as np

        from ..partitions.layout import laid_out

        if arrays.layout is None:
            return super()._together(arrays)
        left = np.flatnonzero(~np.isnan(arrays.codes.offset[: arrays.used]))
        left = left[np.argsort(arrays.ids[left], kind="stable")]
        numbers = arrays.layout.of_slots(left)
        layout, order = laid_out(np.where(numbers < 0, arrays.layout.count, numbers), arrays.layout)
        return self._moved(arrays, layout, left[order])

    def copy(self, arrays: VectorArrays) -> VectorArrays:
        """Return arrays that can be patched without changing `arrays`."""
        copied = super().copy(arrays)
        copied.layout = arrays.layout and arrays.layout.copy()
        return copied

    def nbytes(self, arrays: VectorArrays) -> int:
        """Return the bytes of all slots, the unused ones too, and of the layout."""
        return super().nbytes(arrays) + (0 if arrays.layout is None else arrays.layout.nbytes)

    def estimate(self, connection: apsw.Connection, chunks: int) -> tuple[int, int]:
        """Return 512 vectors a chunk; they are held twice while they are laid out by partitions."""
        from ..partitions.nearest import in_use

        rows, words = chunks << CHUNK_BITS, -(-self._space.dimension // 64)
        times = 1 if in_use(connection, self._space) is None else 2
        return rows, times * rows * (8 * words + NUMBERS)


class _Words:
    """Words by slot, although they lie in groups."""

    def __init__(self, by_row: np.ndarray) -> None:
        self._by_row = by_row

    def __getitem__(self, slots: Any) -> np.ndarray:
        return self._by_row[_places(slots)]  # type: ignore[no-any-return]

    def __setitem__(self, slots: Any, words: np.ndarray) -> None:
        self._by_row[_places(slots)] = words


def _places(slots: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the group and the place within it of slots, given as array or slice."""
    import numpy as np

    at = np.arange(slots.start, slots.stop) if isinstance(slots, slice) else slots
    return at >> 4, at & 15
