"""The vectors of a library in memory: codes by slot, and which slot is whose.

Invariants:

1. A slot belongs to one id for good. Its row is gone or has no finite numbers: the slot is empty, and no search returns
   it. Ids ascend with the slots, but for those that were put between others later, and where slots lie by partitions.
2. Codes narrow down who is near; the float32 rows stay in the file and are read for the few that are left.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

from ....connection.line import Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from ....kernels.knn_bits_kernel import Bits
    from ....kernels.knn_codes_kernel import Planes
    from ..partitions.layout import Layout
    from .points import Calibration

    Center = tuple[np.ndarray, np.ndarray]


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
            if len(ids) and self.used:
                guessed = ids - known[self._order[0]]
                if guessed.min() >= 0 and guessed.max() < self.used:
                    guessed = self._order[guessed]
                    if (known[guessed] == ids).all():
                        return guessed  # type: ignore[no-any-return]
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
