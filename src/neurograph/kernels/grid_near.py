"""The tokens of one level: build, change, save, radius and nearest. No kernel lives here.

The distance is ``sqrt((dx*dx + dy*dy) + dz*dz)``, each operation rounded to float64: what SQL computes, to the bit.
Whatever the units, clusters, duplicates and magnitudes; an infinite distance (coordinates whose squares overflow)
is within no finite radius, and last among the nearest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from math import isfinite
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurograph.errors import InvalidValue
from neurograph.kernels import grid_run, grid_search
from neurograph.kernels.grid_forest import FloatArray, IntArray, Tick
from neurograph.kernels.grid_index import PointIndex, ascending, counted, finite, radii_for
from neurograph.kernels.grid_run import Answers
from neurograph.kernels.grid_search import BEFORE, HITS

ONE = np.ones(1)


class NearIndex(PointIndex):
    """An exact index of the tokens that define one level, without what they radiate: see `LevelIndex`.

    Examples
    --------
    >>> index = NearIndex.build([1, 2, 5], [0.0, 3.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 1.0])
    >>> ids, distances = index.nearest(0.0, 0.0, 0.0, k=2)
    >>> ids.tolist(), distances.tolist()
    ([1, 5], [0.0, 1.0])
    >>> index.within(0.0, 0.0, 0.0, 5.0)[0].tolist()
    [1, 5, 2]
    >>> index.apply(removed=[1], ids=[7], x=[0.5], y=[0.0], z=[0.0])
    >>> index.nearest(0.0, 0.0, 0.0, k=1)[0].tolist()
    [7]

    Notes
    -----
    Memory: 41 bytes a token for searches, 32 more for influence. 1M tokens are built in 0.2 s.
    """

    @classmethod
    def build(
        cls,
        ids: ArrayLike,
        x: ArrayLike,
        y: ArrayLike,
        z: ArrayLike,
        radius: ArrayLike | None = None,
        strength: ArrayLike | None = None,
        weight: ArrayLike | None = None,
        *,
        tick: Tick | None = None,
    ) -> Self:
        """Build an index.

        Parameters
        ----------
        ids
            (n,) int64, ascending and distinct.
        x, y, z
            (n,) float64, finite, in the units of the level.
        radius, strength, weight
            (n,) float64, finite: field radius (at least 0), field strength, weight (at least 0). 0, 0 and 1 unless
            given.
        tick
            Called between slices; what it raises ends the call.

        Returns
        -------
        NearIndex

        Raises
        ------
        InvalidValue
            If an array has another length, type or value.

        Notes
        -----
        O(n log n): 0.2 s for 1M.
        """
        index = cls(ONE)
        ids, rows, values = tokens_of(ids, x, y, z, radius, strength, weight)
        index._plant(ids, None, rows, values, tick)
        return index

    @classmethod
    def lay(cls, ids: IntArray, columns: Sequence[FloatArray]) -> Self:
        """Make an index of tokens that are in order of space already.

        Parameters
        ----------
        ids
            (n,) int64, distinct; 0 for a row that is no token any more.
        columns
            Six of (n,) float64, finite, in the same order: x, y, z, radius, strength, weight, as `build` takes them.

        Returns
        -------
        NearIndex
            Shares radius, strength and weight with the arrays given, and never writes them.

        Notes
        -----
        O(n), without a kernel: 1M in 0.03 s. The order decides how fast answers are, not what they are.
        """
        index = cls(ONE)
        index._lay(ids, [(1, len(ids))] if len(ids) else [], [columns[:3]] if len(ids) else [], columns[3:])
        return index

    def apply(
        self,
        removed: ArrayLike = (),
        ids: ArrayLike = (),
        x: ArrayLike = (),
        y: ArrayLike = (),
        z: ArrayLike = (),
        radius: ArrayLike | None = None,
        strength: ArrayLike | None = None,
        weight: ArrayLike | None = None,
    ) -> None:
        """Take tokens out, and put tokens in or elsewhere.

        Parameters
        ----------
        removed
            Ascending ids; those that are not in are passed over.
        ids, x, y, z, radius, strength, weight
            As `build` takes them. A token that is in moves, with all its values.

        Raises
        ------
        InvalidValue
            If an array has another length, type or value; nothing is changed then.

        Notes
        -----
        0.2 ms and 0.1 µs a token that was changed since the build. See `wants_rebuild`, and `copy` to keep the old.
        """
        gone = ascending(removed, "removed")
        ids, rows, values = tokens_of(ids, x, y, z, radius, strength, weight)
        self._apply(gone, ids, np.ones(len(ids), np.int64), rows, values)

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """Make an index of saved arrays.

        Parameters
        ----------
        arrays
            What `to_arrays` returned. Those that can't be written to are copied, the others shared.

        Returns
        -------
        NearIndex

        Raises
        ------
        InvalidValue
            If arrays are missing or don't fit each other.

        Notes
        -----
        10 ms for 1M tokens: nothing is sorted, only checked.
        """
        index = cls(ONE)
        index._load(arrays, 3)
        return index

    def _place(self, scratch: grid_run.Scratch, x: float, y: float, z: float, radius: float) -> None:
        """Write one query, or say what is wrong with it."""
        numbers = scratch.numbers
        try:
            numbers[0], numbers[1], numbers[2], numbers[3] = x, y, z, radius
        except TypeError:
            raise InvalidValue(f"x, y, z and radius must be numbers, got {(x, y, z, radius)!r}") from None
        if not (isfinite(numbers[0] + numbers[1] + numbers[2]) and numbers[3] >= 0.0):
            finite((x, y, z), (3,), "x, y, z")
            radii_for(1, radius)

    def _many(self, points: ArrayLike, radius: ArrayLike, k: int | None, tick: Tick | None) -> Answers:
        """Answer a batch."""
        points = finite(points, (-1, 3), "points")
        queries = np.column_stack([points, radii_for(len(points), radius)])
        return self._answer(queries, k, tick)

    def within(
        self, x: float, y: float, z: float, radius: float, *, tick: Tick | None = None
    ) -> tuple[IntArray, FloatArray]:
        """Find every token within a radius.

        Parameters
        ----------
        x, y, z
            The point.
        radius
            At least 0, perhaps infinite; a token at that distance is in.
        tick
            Called between slices; what it raises ends the call.

        Returns
        -------
        tuple of (ids, distances)
            By distance, then id.

        Raises
        ------
        InvalidValue
            If a number is NaN, infinite, or negative where it can't be.

        Notes
        -----
        O(log n + hits): 6 µs for 50 hits in 1M.
        """
        scratch = grid_run.take()
        try:
            self._place(scratch, x, y, z, radius)
            _, ids, distances = grid_run.within(grid_search, self._parts, scratch.point, scratch.answers, scratch, tick)
            hits = scratch.state[HITS]
            return ids[:hits].copy(), distances[:hits].copy()
        finally:
            grid_run.give(scratch)

    def within_many(
        self, points: ArrayLike, radius: ArrayLike, *, tick: Tick | None = None
    ) -> tuple[IntArray, IntArray, FloatArray]:
        """Find every token within a radius of each point.

        Parameters
        ----------
        points
            (m, 3) float64.
        radius
            One number, or (m,).
        tick
            Called between slices; what it raises ends the call.

        Returns
        -------
        tuple of (indptr, ids, distances)
            The hits of point i are ``indptr[i]:indptr[i + 1]``, as `within` orders them.

        Raises
        ------
        InvalidValue
            If a number is NaN, infinite, or negative where it can't be.
        """
        return self._many(points, radius, None, tick)

    def nearest(
        self, x: float, y: float, z: float, k: int = 10, radius: float = math.inf, *, tick: Tick | None = None
    ) -> tuple[IntArray, FloatArray]:
        """Find the k nearest tokens.

        Parameters
        ----------
        x, y, z
            The point.
        k
            At least 0, without a ceiling. For a token's own neighbours ask for one more and leave it out.
        radius
            The farthest they may be.
        tick
            Called between slices; what it raises ends the call.

        Returns
        -------
        tuple of (ids, distances)
            By distance, then id: of those equally far the least ids.

        Raises
        ------
        InvalidValue
            If a number is NaN, infinite, or negative where it can't be.

        Notes
        -----
        O(log n + k log k): 5 µs for 10 in 1M.
        """
        if type(k) is not int or k < 0:
            k = counted(k)
        scratch = grid_run.take()
        try:
            self._place(scratch, x, y, z, radius)
            if k > len(self):
                k = len(self)
            if not 0 < k <= grid_run.ROOM:
                return self._ask(scratch.point, k, scratch, tick)[1:]
            answers = scratch.answers[0], np.empty(k, np.int64), np.empty(k)
            grid_run.nearest(grid_search, self._parts, scratch.point, k, answers, scratch, tick)
            hits = scratch.state[BEFORE]
            return (answers[1], answers[2]) if hits == k else (answers[1][:hits], answers[2][:hits])
        finally:
            grid_run.give(scratch)

    def nearest_many(
        self, points: ArrayLike, k: int = 10, radius: ArrayLike = math.inf, *, tick: Tick | None = None
    ) -> tuple[IntArray, IntArray, FloatArray]:
        """Find the k nearest tokens of each point; as `within_many` and `nearest`."""
        return self._many(points, radius, counted(k), tick)


def tokens_of(
    ids: ArrayLike,
    x: ArrayLike,
    y: ArrayLike,
    z: ArrayLike,
    radius: ArrayLike | None,
    strength: ArrayLike | None,
    weight: ArrayLike | None,
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return ids, rows (n, 3) and values (3, n) of tokens, or say what is wrong with them."""
    ids = ascending(ids)
    n = len(ids)
    rows, values = np.empty((n, 3)), np.zeros((3, n))
    for axis, (name, column) in enumerate((("x", x), ("y", y), ("z", z))):
        rows[:, axis] = finite(column, (n,), name)
    values[2] = 1.0
    for kind, (name, given, least) in enumerate(
        (("radius", radius, 0.0), ("strength", strength, -math.inf), ("weight", weight, 0.0))
    ):
        if given is not None:
            values[kind] = finite(given, (n,), name, least)
    return ids, rows, values
