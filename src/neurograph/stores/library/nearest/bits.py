"""One bit of every number of a library's vectors as derived arrays, for searches that may miss some of the nearest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import apsw

from ....derived.kind import CHUNK_BITS, Columns
from ..base import Space
from ..partitions.layout import read_layout
from ..partitions.nearest import in_use
from .arrays import VectorKind

if TYPE_CHECKING:
    import numpy as np

    from ..partitions.layout import Layout
    from .arrays import VectorArrays

LAID_ROWS = 1 << 16  # copied at a time
NUMBERS = 8 + 8  # bytes of a slot besides its bits: two numbers and the id


class BitKind(VectorKind):
    """The kind behind approximate searches of one library: `VectorArrays` whose codes are bits."""

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self.name = f"{self.name}.bits"

    def read(self, connection: apsw.Connection, first: int, last: int) -> Columns:
        """Return ids, bits and numbers of the vectors in range."""
        import numpy as np

        from ....kernels.knn_bits import make_bits, run_signs

        ids, planes = self._coded(connection, first, last)
        bits, slots = make_bits(len(ids), self._space.dimension), np.arange(len(ids))
        run_signs(planes, self._space.dimension, slots, bits, slots)
        words, *numbers = self._columns(bits, len(ids))
        return [ids, words[slots], *numbers]

    def _make(self, count: int) -> Any:
        from ....kernels.knn_bits import make_bits

        return make_bits(count, self._space.dimension)

    def _columns(self, codes: Any, count: int) -> Any:
        from ....kernels.knn_bits import by_row

        return [_Words(by_row(codes.words, self._space.dimension)), codes.factor[:count], codes.offset[:count]]

    def gather(self, connection: apsw.Connection, parts: Iterator[Columns], nonces: dict[int, int]) -> VectorArrays:
        """Make arrays of all rows, laid out by partitions where the library has them."""
        arrays = super().gather(connection, parts, nonces)
        found = read_layout(connection, self._space, nonces, arrays.ids[: arrays.used])
        return arrays if found is None else self._laid(arrays, *found)

    def _laid(self, arrays: VectorArrays, layout: Layout, order: np.ndarray) -> VectorArrays:
        laid = self._empty(len(order))
        for begin in range(0, len(order), LAID_ROWS):
            laid = self._append(laid, self._slots_of(arrays, order[begin : begin + LAID_ROWS]))
        laid.layout, laid.ascending = layout, bool((order[1:] > order[:-1]).all())
        return laid

    def estimate(self, connection: apsw.Connection, chunks: int) -> tuple[int, int]:
        """Return 512 vectors a chunk; they are held twice while they are laid out by partitions."""
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
