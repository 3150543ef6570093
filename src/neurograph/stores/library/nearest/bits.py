"""One bit of every number of a library's vectors as derived arrays, for searches that may miss some of the nearest.

Invariants:

1. Where the library has partitions, slots lie by them, and bits are of what a vector has more than their center
   (`partitions.layout`); bits of what came or changed since are of the vector alone, and lie in no partition.
2. Arrays have a layout where this kind knows of partitions, and else none, for as long as it lives.
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

    from ..partitions.layout import Layout, Placing
    from .arrays import VectorArrays

MOVED_ROWS = 1 << 16  # at a time, where rows are laid out
NUMBERS = 8 + 8  # bytes of a slot besides its bits: two numbers and the id


class BitKind(VectorKind):
    """The kind behind approximate searches of one library: `VectorArrays` whose codes are bits."""

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self.name = f"{self.name}.bits"
        self._placing: Placing | None = None
        self._looked = False

    def read(self, connection: apsw.Connection, first: int, last: int) -> Columns:
        """Return ids and codes of the vectors in range; which partitions there are is read with the first of them."""
        from ..partitions.layout import read_placing

        if not self._looked:
            self._placing, self._looked = read_placing(connection, self._space, *self._centered(connection)), True
        return super().read(connection, first, last)

    def _make(self, count: int) -> Any:
        from ....kernels.knn_bits import make_bits

        return make_bits(count, self._space.dimension)

    def _columns(self, codes: Any, count: int) -> Any:
        from ....kernels.knn_bits import by_row

        return [_Words(by_row(codes.words, self._space.dimension)), codes.factor[:count], codes.offset[:count]]

    def _bits(self, columns: Columns, numbers: np.ndarray | None) -> Columns:
        """Return ids and bits of rows that were read, less the centers of partitions."""
        import numpy as np

        from ....kernels.knn_bits import make_bits, run_signs
        from ....kernels.knn_codes_kernel import Planes

        ids, (high, low, *rest) = columns[0], columns[1:]
        bits, slots, placing = make_bits(len(ids), self._space.dimension), np.arange(len(ids)), self._placing
        run_signs(
            Planes(high.ravel(), low.ravel(), *rest),
            self._space.dimension,
            slots,
            bits,
            slots,
            centers=None if placing is None else placing.centers,
            numbers=numbers,
            metric=self._space.metric,
        )
        words, *others = self._columns(bits, len(ids))
        return [ids, words[slots], *others]

    def gather(self, parts: Iterator[Columns], nonces: dict[int, int]) -> VectorArrays:
        """Make arrays of all rows, laid out by partitions where the library has them."""
        arrays = super().gather((self._bits(columns, self._numbers(columns[0])) for columns in parts), nonces)
        from ..partitions.layout import laid_out

        if self._placing is None:
            return arrays
        return self._moved(arrays, *laid_out(self._placing.of(arrays.ids[: arrays.used]), self._placing))

    def _numbers(self, ids: np.ndarray) -> np.ndarray | None:
        return None if self._placing is None else self._placing.of(ids)

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
        if layout is None or self._placing is None:
            return super().patch(arrays, chunks, self._bits(columns, None))
        slots, numbers = arrays.slots(columns[0]), self._placing.of(columns[0])
        nowhere = layout.of_slots(slots) < 0
        numbers[nowhere] = self._placing.count
        rows = self._bits(columns, numbers)
        held = self._columns(arrays.codes, len(arrays.ids))[0]
        changed = ~nowhere & ((held[slots] != rows[1]).any(axis=1) | np.isnan(arrays.codes.offset[slots]))
        if changed.any():
            numbers[changed] = self._placing.count
            rows = self._bits(columns, numbers)
            layout.move(slots[changed])
        arrays = super().patch(arrays, chunks, rows)
        return self._together(arrays) if layout.worn else arrays

    def _together(self, arrays: VectorArrays) -> VectorArrays:
        """Return arrays without empty slots, and those that moved where what is in no partition lies."""
        import numpy as np

        from ..partitions.layout import laid_out

        if arrays.layout is None or self._placing is None:
            return super()._together(arrays)
        left = np.flatnonzero(~np.isnan(arrays.codes.offset[: arrays.used]))
        left = left[np.argsort(arrays.ids[left], kind="stable")]
        numbers = arrays.layout.of_slots(left)
        layout, order = laid_out(np.where(numbers < 0, self._placing.count, numbers), self._placing)
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
