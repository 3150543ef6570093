"""One bit of every number of a library's vectors as derived arrays, for searches that may miss some of the nearest.

Invariants:

1. Where slots lie by partitions, bits are of what a vector has more than its partition's center; bits of what is in no
   partition are of the vector alone.
"""

from __future__ import annotations

import apsw

from ....derived.kind import CHUNK_BITS, Columns
from ..base import Space
from .kind import VectorKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from ..partitions.layout import Layout
    from .arrays import VectorArrays

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

    def _held(self, rows: Columns, layout: Layout | None = None, slots: np.ndarray | None = None) -> Columns:
        """Return ids and bits of rows that were read, less the centers of their partitions."""
        import numpy as np

        from ....kernels.knn_bits import make_bits, run_signs
        from ....kernels.knn_codes_kernel import Planes

        ids, (high, low, *rest) = rows[0], rows[1:]
        bits, places = make_bits(len(ids), self._space.dimension), np.arange(len(ids))
        numbers = None if layout is None or slots is None else layout.of_slots(slots)
        run_signs(
            Planes(high.ravel(), low.ravel(), *rest),
            self._space.dimension,
            places,
            bits,
            places,
            centers=None if layout is None else layout.centers,
            numbers=None if layout is None or numbers is None else np.where(numbers < 0, layout.count, numbers),
            metric=self._space.metric,
        )
        words, *others = self._columns(bits, len(ids))
        return [ids, words[places], *others]

    def patch(self, arrays: VectorArrays, chunks: list[int], columns: Columns) -> VectorArrays:
        """Replace the rows of `chunks`."""
        import numpy as np

        layout = arrays.layout
        if layout is None:
            return super().patch(arrays, chunks, self._held(columns))
        slots = arrays.slots(columns[0])
        mine, rows = np.flatnonzero(slots >= 0), self._held(columns, layout, slots)
        changed = mine[self._differ(arrays, slots[mine], [column[mine] for column in rows[1:]])]
        if len(changed):
            layout.move(slots[changed])
            rows = self._held(columns, layout, slots)
        return super().patch(arrays, chunks, rows)

    def estimate(self, connection: apsw.Connection, chunks: int) -> tuple[int, int]:
        """Return 512 vectors a chunk."""
        rows, words = chunks << CHUNK_BITS, -(-self._space.dimension // 64)
        return rows, rows * (8 * words + NUMBERS)


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
