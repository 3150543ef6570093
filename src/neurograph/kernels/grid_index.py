"""Points in a space of one or more levels, searched exactly and open to small changes. No kernel lives here.

Invariants:

1. A token is in the main forest or in the overlay, never alive in both. The overlay is a forest of its own over
   what was added or moved since the last build, its rows in no order of space, rebuilt with each change: small.
2. An answer depends on the tokens alone, never on which of the two they are in.
3. An index is changed by `apply` only. Whoever shares it changes a `copy`: that copies a byte a token, and all
   other arrays are shared and never written.
4. Wrappers refuse NaN, infinities and wrong shapes; kernels trust them.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from types import ModuleType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurograph.errors import InvalidValue
from neurograph.kernels import grid_forest, grid_run, grid_search
from neurograph.kernels.grid_forest import FloatArray, IntArray, Tick
from neurograph.kernels.grid_run import Answers

BoolArray = NDArray[np.bool_]

OVERLAY = 4096  # tokens that make a rebuild worth its cost in a large index
SHARE = 0.05  # the same, as a share of the tokens


def ascending(ids: ArrayLike, name: str = "ids") -> IntArray:
    """Return ids as an array, or say why they can't be."""
    array = np.asarray(ids)
    if array.size == 0:
        array = np.zeros(0, np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InvalidValue(f"{name} must be a list of integers, got {array.dtype!r} {array.shape!r}")
    array = np.ascontiguousarray(array, np.int64)
    if np.any(array[1:] <= array[:-1]):
        raise InvalidValue(f"{name} must be ascending and distinct; sort them first")
    return array


def finite(values: ArrayLike, shape: tuple[int, ...], name: str, least: float = -np.inf) -> FloatArray:
    """Return numbers as a contiguous float64 array of that shape (-1: any length), or say why they can't be."""
    try:
        array = np.ascontiguousarray(values, np.float64)
    except (TypeError, ValueError):
        raise InvalidValue(f"{name} must be numbers, got {values!r}") from None
    if array.size == 0 and -1 in shape:
        array = array.reshape([0 if length == -1 else length for length in shape])
    if array.ndim != len(shape) or any(want not in (-1, have) for want, have in zip(shape, array.shape, strict=True)):
        raise InvalidValue(f"{name} must have the shape {shape!r}, got {array.shape!r}")
    with np.errstate(all="ignore"):
        sound = math.isfinite(array.sum())  # no array of flags; a point in 0.8 µs instead of 1.1
    if not sound or (array.size and array.min() < least):
        good = np.isfinite(array) & (array >= least)
        if good.all():  # finite numbers with an infinite sum
            return array
        limit = "finite" if least == -np.inf else f"finite and at least {least!r}"
        raise InvalidValue(f"{name} must be {limit}, got {float(array[~good][0])!r}")
    return array


def radii_for(queries: int, radius: ArrayLike) -> FloatArray:
    """Return one radius a query: not negative, perhaps infinite."""
    array = np.asarray(radius, np.float64)
    if array.ndim and array.shape != (queries,):
        raise InvalidValue(f"radius must be one number or one a query ({queries}), got {array.shape!r}")
    if not np.all(array >= 0.0):
        raise InvalidValue(f"radius must be a number of at least 0, got {float(array[~(array >= 0.0)].flat[0])!r}")
    return np.broadcast_to(array, (queries,))


def counted(k: int) -> int:
    """Return k, or say why it can't be."""
    if not isinstance(k, int | np.integer) or k < 0:
        raise InvalidValue(f"k must be an integer of at least 0, got {k!r}")
    return int(k)


class PointIndex:
    """What an index of one level and one of several have in common.

    Attributes
    ----------
    levels, leaf
        How many levels a row has, how many points a leaf.
    kernels
        What searches.
    """

    levels = 1
    leaf = 32
    kernels: ModuleType = grid_search

    def __init__(self, weights: FloatArray) -> None:
        self._weights = weights
        self._forest, slots = grid_forest.plant(*self._nothing(), weights, self.leaf)
        self._by_id: IntArray | None = slots  # the slots of all tokens by ascending id, the dead included
        # (kinds, tokens) in that order; one a kind in order of slots where rows were laid: see `_values_at`
        self._values: FloatArray | tuple[FloatArray, ...] = np.empty((0, 0))
        self._laid = False
        self._planted = self._dead = 0
        self._recent_ids, self._recent_patterns, self._recent_rows = self._nothing()
        self._recent_values: FloatArray = np.empty((0, 0))
        self._overlay, self._recent_slots = self._forest, slots
        self._bring()

    def _nothing(self) -> tuple[IntArray, IntArray, FloatArray]:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.empty((0, 3 * self.levels))

    def _plant(
        self, ids: IntArray, patterns: IntArray | None, rows: FloatArray, values: FloatArray, tick: Tick | None
    ) -> None:
        """Build the main forest; values are (kinds, n)."""
        self._forest, slots = grid_forest.plant(ids, patterns, rows, self._weights, self.leaf, tick=tick)
        self._by_id, self._planted, self._dead, self._laid = slots, len(slots), 0, False
        self._values = values if patterns is None else values[:, patterns != 0]
        self._recall(*self._nothing(), values[:, :0])

    def _lay(
        self,
        ids: IntArray,
        sizes: Sequence[tuple[int, int]],
        parts: Sequence[Sequence[FloatArray]],
        values: Sequence[FloatArray],
    ) -> None:
        """Take over rows in order of space (as `grid_forest.lay` takes them) with values in that order."""
        self._forest = grid_forest.lay(ids, sizes, parts, self.leaf)
        self._by_id, self._planted, self._laid = None, len(ids), True
        self._dead = len(ids) - int(np.count_nonzero(ids))
        self._values = tuple(values)  # of one level, hence one group: a row is a slot
        self._recall(*self._nothing(), np.empty((len(values), 0)))

    @property
    def _slots(self) -> IntArray:
        """The slots of all tokens by ascending id, the dead included; sorted when they are first asked for."""
        if self._by_id is None:
            ids = self._forest[3]
            kept, most = np.flatnonzero(ids > 0), int(ids.max(initial=0))
            if most <= 8 * len(kept):  # a table of all ids: 1M in 5 ms, sorted in 140
                table = np.full(most + 1, -1)
                table[ids[kept]] = kept
                kept = table[table >= 0]
            else:
                kept = kept[np.argsort(ids[kept])]
            self._by_id = np.concatenate([np.flatnonzero(ids == 0), kept])
        return self._by_id

    def _values_at(self, chosen: Any) -> FloatArray:
        """Return the values of some tokens, by their places in `_slots`."""
        places, n = self._slots[chosen] if self._laid else chosen, len(self._slots[chosen])
        return np.stack([value[places] for value in self._values]) if len(self._values) else np.empty((0, n))

    def _recall(self, ids: IntArray, patterns: IntArray, rows: FloatArray, values: FloatArray) -> None:
        """Make the overlay hold these tokens."""
        self._recent_ids, self._recent_patterns, self._recent_rows = ids, patterns, rows
        self._recent_values = values
        planted = grid_forest.plant(ids, patterns, rows, self._weights, self.leaf, ordered=False)
        self._overlay, self._recent_slots = planted
        self._bring()

    def _bring(self) -> None:
        """Make ready what kernels take."""
        arrays = 5 if self.levels == 1 else 6
        self._parts: tuple[Any, Any] = (self._forest[:arrays], self._overlay[:arrays])

    def __len__(self) -> int:
        return self._planted - self._dead + len(self._recent_ids)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} tokens, {len(self._recent_ids)} recent)"

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        recent = (self._recent_ids, self._recent_patterns, self._recent_rows, self._recent_values)
        arrays = (*self._forest, *self._values, *self._overlay, self._recent_slots, *recent)
        return 8 * self._planted + sum(int(array.nbytes) for array in arrays)

    @property
    def wants_rebuild(self) -> bool:
        """Whether searches would gain more from `rebuild` than it costs, were many to follow."""
        recent = len(self._recent_ids)
        return recent > OVERLAY or recent > 64 + SHARE * self._planted or self._dead > 64 + self._planted // 2

    def copy(self) -> Self:
        """Return an index that can be changed without changing this one.

        Returns
        -------
        PointIndex
            Shares all arrays but one byte a token: 30 µs for 1M.
        """
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        points, boxes, frame, ids, alive, codes = self._forest
        other._forest = (points, boxes, frame, ids, alive.copy(), codes)
        other._bring()
        return other

    def _apply(
        self, removed: IntArray, ids: IntArray, patterns: IntArray, rows: FloatArray, values: FloatArray
    ) -> None:
        """Take tokens out, then put some in (or put them elsewhere)."""
        gone = np.unique(np.concatenate([removed, ids]))
        slots = grid_forest.find(self._forest, self._slots, gone)
        self._forest[4][slots] = 0
        self._dead += len(slots)
        old, new = ~np.isin(self._recent_ids, gone), patterns != 0
        merged = np.concatenate([self._recent_ids[old], ids[new]])
        order = np.argsort(merged, kind="stable")
        self._recall(
            merged[order],
            np.concatenate([self._recent_patterns[old], patterns[new]])[order],
            np.concatenate([self._recent_rows[old], rows[new]])[order],
            np.concatenate([self._recent_values[:, old], values[:, new]], axis=1)[:, order],
        )

    def _everything(self) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
        """Return ids, patterns, rows and values of all tokens, by ascending id."""
        return self._with_recent(np.arange(self._planted), np.ones(len(self._recent_ids), np.bool_))

    def between(self, firsts: IntArray, lasts: IntArray) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
        """Return the tokens with ids in some ranges.

        Parameters
        ----------
        firsts, lasts
            (m,) int64: the least and the greatest id of each range; ascending, none reaching into the next.

        Returns
        -------
        tuple of (ids, patterns, rows, values)
            By ascending id; rows (n, 3 * levels), NaN where a level is not defined; values (kinds, n).
        """
        ids, slots = self._forest[3], self._slots
        if len(firsts) < 64:  # 40 steps each, 20 µs; all ids in order are 5 ms of 1M tokens
            key = ids.__getitem__
            lows = [bisect_left(slots, first, key=key) for first in firsts.tolist()]
            highs = [bisect_right(slots, last, key=key) for last in lasts.tolist()]
        else:
            lows = np.searchsorted(ids[slots], firsts).tolist()
            highs = np.searchsorted(ids[slots], lasts, side="right").tolist()
        chosen = [np.arange(low, high) for low, high in zip(lows, highs, strict=True)]
        place = np.searchsorted(firsts, self._recent_ids, side="right") - 1
        recent = (place >= 0) & (self._recent_ids <= np.append(lasts, 0)[place])
        return self._with_recent(np.concatenate([np.zeros(0, np.int64), *chosen]), recent)

    def _with_recent(self, chosen: IntArray, recent: BoolArray) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
        """Return those alive of some tokens in `_slots`, and some recent ones."""
        chosen = chosen[self._forest[4][self._slots[chosen]] != 0]
        slots = self._slots[chosen]
        patterns, rows = grid_forest.rows_of(self._forest, slots, self.levels)
        ids = np.concatenate([self._forest[3][slots], self._recent_ids[recent]])
        order = np.argsort(ids, kind="stable")
        values = np.concatenate([self._values_at(chosen), self._recent_values[:, recent]], axis=1)
        patterns = np.concatenate([patterns, self._recent_patterns[recent]])
        return ids[order], patterns[order], np.concatenate([rows, self._recent_rows[recent]])[order], values[:, order]

    def rebuild(self, tick: Tick | None = None) -> Self:
        """Return an index of the same tokens that is as fast as a new one.

        Parameters
        ----------
        tick
            Called between slices; what it raises ends the call.

        Returns
        -------
        PointIndex
            Shares nothing that changes with this one. The cost is that of a build.
        """
        other = self.copy()
        other._plant(*self._everything(), tick)
        return other

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to save; `from_arrays` makes an index of them without a rebuild.

        Returns
        -------
        dict of str to array
            Contiguous; shared with the index, so not to be changed.
        """
        if self._laid and not self._forest[3].all():  # rows that are no tokens, and have no ids to be told apart by
            return self.rebuild().to_arrays()
        arrays = grid_forest.to_arrays(self._forest, self._slots)
        arrays |= {"weights": self._weights, "values": np.ascontiguousarray(self._values_at(slice(None)))}
        arrays |= {"recent_ids": self._recent_ids, "recent_patterns": self._recent_patterns}
        recent_values = np.ascontiguousarray(self._recent_values)
        return arrays | {"recent_rows": self._recent_rows, "recent_values": recent_values}

    def _load(self, arrays: dict[str, NDArray[Any]], kinds: int) -> None:
        """Take over what `to_arrays` returned."""
        typed = grid_forest.typed
        self._weights = typed(arrays, "weights", np.float64, (self.levels,))
        self._forest, slots = grid_forest.from_arrays(arrays, self.levels, self.leaf)
        self._by_id, self._planted, self._laid = slots, len(slots), False
        self._values = typed(arrays, "values", np.float64, (kinds, len(slots)))
        self._dead = len(slots) - int(np.count_nonzero(self._forest[4][slots]))
        ids = ascending(typed(arrays, "recent_ids", np.int64, (-1,)), "recent_ids")
        patterns = typed(arrays, "recent_patterns", np.int64, (len(ids),))
        if len(ids) and not (patterns.min() > 0 and patterns.max() < 1 << self.levels):
            raise InvalidValue(f"recent_patterns must be patterns of {self.levels} levels; drop the saved arrays")
        rows = typed(arrays, "recent_rows", np.float64, (len(ids), 3 * self.levels))
        self._recall(ids, patterns, rows, typed(arrays, "recent_values", np.float64, (kinds, len(ids))))

    def _answer(self, queries: FloatArray, k: int | None, tick: Tick | None) -> Answers:
        """Answer queries (as `grid_run.within` takes them), all hits or the k nearest of each."""
        scratch = grid_run.take()
        try:
            return self._ask(queries, k, scratch, tick)
        finally:
            grid_run.give(scratch)

    def _ask(self, queries: FloatArray, k: int | None, scratch: grid_run.Scratch, tick: Tick | None) -> Answers:
        kernels, parts, limit = self.kernels, self._parts, len(self) if k is None else min(k, len(self))
        if k is not None and limit <= grid_run.LARGE:
            answers = grid_run.room(len(queries), len(queries) * limit)
            if limit:
                answers = grid_run.nearest(kernels, parts, queries, limit, answers, scratch, tick)
        elif k is not None and len(queries) > 1:  # one by one, or the memory of all hits of all queries is needed
            rows = [queries[i : i + 1] for i in range(len(queries))]
            return grid_run.joined([self._ask(row, k, scratch, tick) for row in rows])
        else:
            answers = grid_run.room(len(queries), 64 * len(queries) + grid_run.ROOM)
            answers = grid_run.within(kernels, parts, queries, answers, scratch, tick)
            if k is not None:
                answers = grid_run.first(answers, k)
        hits = answers[0][-1]
        return answers[0], answers[1][:hits], answers[2][:hits]
