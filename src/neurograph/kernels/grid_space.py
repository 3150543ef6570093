"""The tokens of all eight levels, searched over several weighted levels at once. No kernel lives here.

The distance of two tokens is ``sqrt(Σ w·d²) / sqrt(Σ w)`` over the levels that both define and that weigh more than
0, levels ascending, each ``((dx*dx + dy*dy) + dz*dz) * w``, each operation rounded to float64. Tokens without such a
level are no neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neurograph.errors import InvalidValue
from neurograph.kernels import grid_run, grid_weighted
from neurograph.kernels.grid_forest import FloatArray, IntArray, Tick
from neurograph.kernels.grid_index import PointIndex, ascending, counted, radii_for
from neurograph.kernels.grid_run import Answers

LEVELS = 8
COLUMNS = 3 * LEVELS
EVERY_LEVEL = np.ones(LEVELS)


def weights_of(weights: ArrayLike | None) -> FloatArray:
    """Return the weights of the levels, 1 unless given, or say why they can't be."""
    if weights is None:
        return EVERY_LEVEL
    array = np.array(weights, np.float64)
    values = array.tolist()
    if array.shape != (LEVELS,) or not min(values) >= 0.0 or not math.isfinite(sum(values)):
        raise InvalidValue(f"weights must be {LEVELS} finite numbers of at least 0, their sum finite, got {weights!r}")
    return array


def masks_of(masks: ArrayLike, n: int) -> IntArray:
    """Return presence masks as int64, or say why they can't be."""
    array = np.asarray(masks)
    if array.size == 0:
        array = np.zeros(array.shape, np.int64)
    if array.shape != (n,) or array.dtype.kind not in "iu":
        raise InvalidValue(f"masks must be {n} integers, got {array.dtype!r} {array.shape!r}")
    if n and not (array.min() >= 0 and array.max() < 1 << LEVELS):
        raise InvalidValue(f"masks must be in 0..{(1 << LEVELS) - 1}, got {int(array.min())} to {int(array.max())}")
    return array.astype(np.int64)


def rows_for(coordinates: ArrayLike, masks: IntArray) -> FloatArray:
    """Return coordinates as (n, 24), finite where the masks say they are, or say why they can't be."""
    array = np.ascontiguousarray(coordinates, np.float64)
    if array.shape not in ((len(masks), COLUMNS), (len(masks), LEVELS, 3)) and array.size + len(masks):
        raise InvalidValue(f"coordinates must have the shape {(len(masks), LEVELS, 3)!r}, got {array.shape!r}")
    array = array.reshape(len(masks), COLUMNS)
    bad = ~np.isfinite(array)
    if bad.any():
        bad &= np.repeat(masks[:, None] >> np.arange(LEVELS) & 1, 3, axis=1).astype(bool)
    if bad.any():
        row, column = np.argwhere(bad)[0].tolist()
        got = float(array[row, column])
        raise InvalidValue(f"coordinates must be finite where defined, got {got!r} in level {column // 3} of row {row}")
    return array


class SpaceIndex(PointIndex):
    """An exact index of tokens over all levels, whatever each of them defines.

    Examples
    --------
    >>> coordinates = np.full((3, 8, 3), np.nan)
    >>> coordinates[:, 0] = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [9.0, 0.0, 0.0]]
    >>> coordinates[2, 3] = [0.5, 0.5, 0.5]
    >>> index = SpaceIndex.build([1, 2, 3], coordinates, [1, 1, 1 | 1 << 3])
    >>> ids, distances = index.nearest(coordinates[2], 1 | 1 << 3, k=2)
    >>> ids.tolist(), distances.tolist()
    ([3, 2], [0.0, 8.0])
    >>> index.within(coordinates[0], 1, 1.0)[0].tolist()
    [1, 2]

    Notes
    -----
    Memory: 24 bytes a level that a token defines, 30 % more for boxes, and 17 a token. Whole groups of tokens that
    define the same levels are searched with one bound each, so a bound is never a guess about presence.
    """

    levels = LEVELS
    leaf = 128
    kernels = grid_weighted

    @classmethod
    def build(
        cls,
        ids: ArrayLike,
        coordinates: ArrayLike,
        masks: ArrayLike,
        weights: ArrayLike | None = None,
        *,
        tick: Tick | None = None,
    ) -> Self:
        """Build an index.

        Parameters
        ----------
        ids
            (n,) int64, ascending and distinct.
        coordinates
            (n, 8, 3) or (n, 24) float64, level-major, finite where defined; elsewhere anything, NaN as well.
        masks
            (n,) integers in 0..255: bit L is set where level L is defined. Tokens without any are left out.
        weights
            (8,) float64: what the levels will mostly be weighted with, 1 unless given. Only speed depends on it.
        tick
            Called between slices; what it raises ends the call.

        Returns
        -------
        SpaceIndex

        Raises
        ------
        InvalidValue
            If an array has another length, type or value.

        Notes
        -----
        O(n log n): 0.6 s for 1M with all levels defined.
        """
        index = cls(weights_of(weights))
        ids = ascending(ids)
        patterns = masks_of(masks, len(ids))
        index._plant(ids, patterns, rows_for(coordinates, patterns), np.empty((0, len(ids))), tick)
        return index

    @classmethod
    def lay(cls, ids: IntArray, sizes: Sequence[tuple[int, int]], parts: Sequence[Sequence[FloatArray]]) -> Self:
        """Make an index of tokens that are in order of space already.

        Parameters
        ----------
        ids
            (n,) int64, distinct, group after group; 0 for a row that is no token any more.
        sizes
            Levels defined (bit L for level L) and number of rows of each group, no levels twice.
        parts
            The columns of each group, three a level it defines: float64, finite, in the same order.

        Returns
        -------
        SpaceIndex
            Shares nothing with the arrays given.

        Notes
        -----
        O(n): 1M with all levels defined in 0.2 s. The order decides how fast answers are, not what they are.
        """
        index = cls(EVERY_LEVEL)
        index._lay(ids, sizes, parts, [])
        return index

    def apply(
        self,
        removed: ArrayLike = (),
        ids: ArrayLike = (),
        coordinates: ArrayLike = (),
        masks: ArrayLike = (),
    ) -> None:
        """Take tokens out, and put tokens in or elsewhere.

        Parameters
        ----------
        removed
            Ascending ids; those that are not in are passed over.
        ids, coordinates, masks
            As `build` takes them. A token that is in moves in all levels; with mask 0 it is taken out.

        Raises
        ------
        InvalidValue
            If an array has another length, type or value; nothing is changed then.

        Notes
        -----
        0.3 ms and 1 µs a token that was changed since the build. See `wants_rebuild`, and `copy` to keep the old.
        """
        gone, ids = ascending(removed, "removed"), ascending(ids)
        patterns = masks_of(masks, len(ids))
        self._apply(gone, ids, patterns, rows_for(coordinates, patterns), np.empty((0, len(ids))))

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """Make an index of saved arrays.

        Parameters
        ----------
        arrays
            What `to_arrays` returned. Those that can't be written to are copied, the others shared.

        Returns
        -------
        SpaceIndex

        Raises
        ------
        InvalidValue
            If arrays are missing or don't fit each other.
        """
        index = cls(EVERY_LEVEL)
        index._load(arrays, 0)
        return index

    def _single(
        self,
        coordinates: ArrayLike,
        mask: int,
        radius: float,
        k: int | None,
        weights: ArrayLike | None,
        tick: Tick | None,
    ) -> Answers:
        """Answer one query."""
        scratch = grid_run.take()
        try:
            place = scratch.place
            row, given = place[0], np.asarray(coordinates, np.float64)
            if type(mask) is not int or not 0 <= mask < 1 << LEVELS or given.size != COLUMNS or not radius >= 0.0:
                mask = int(masks_of([mask], 1)[0])
                radii_for(1, radius)
                rows_for(given.reshape(1, -1), np.array([mask]))
            row[:COLUMNS] = given.reshape(COLUMNS)
            row[COLUMNS : COLUMNS + LEVELS] = EVERY_LEVEL if weights is None else weights_of(weights)
            row[COLUMNS + LEVELS], row[COLUMNS + LEVELS + 1] = mask, radius
            if not np.isfinite(row[:COLUMNS]).all():
                rows_for(given.reshape(1, -1), np.array([mask]))
            return self._ask(place, k, scratch, tick)
        finally:
            grid_run.give(scratch)

    def within(
        self,
        coordinates: ArrayLike,
        mask: int,
        radius: float,
        *,
        weights: ArrayLike | None = None,
        tick: Tick | None = None,
    ) -> tuple[IntArray, FloatArray]:
        """Find every token within a radius.

        Parameters
        ----------
        coordinates
            (8, 3) or (24,) float64; only those of levels in `mask` are read.
        mask
            The levels the query defines, in 0..255.
        radius
            At least 0, perhaps infinite; a token at that distance is in.
        weights
            (8,) float64 of at least 0, the weight of each level; 1 unless given.
        tick
            Called between slices; what it raises ends the call.

        Returns
        -------
        tuple of (ids, distances)
            By distance, then id.

        Raises
        ------
        InvalidValue
            If an argument has another shape or value.
        """
        return self._single(coordinates, mask, radius, None, weights, tick)[1:]

    def nearest(
        self,
        coordinates: ArrayLike,
        mask: int,
        k: int = 10,
        radius: float = math.inf,
        *,
        weights: ArrayLike | None = None,
        tick: Tick | None = None,
    ) -> tuple[IntArray, FloatArray]:
        """Find the k nearest tokens.

        Parameters
        ----------
        coordinates, mask, weights, tick
            As `within` takes them.
        k
            At least 0, without a ceiling.
        radius
            The farthest they may be.

        Returns
        -------
        tuple of (ids, distances)
            By distance, then id: of those equally far the least ids.

        Raises
        ------
        InvalidValue
            If an argument has another shape or value.

        Notes
        -----
        What it costs follows the structure of the tokens: see `docs/benchmarks.md`. Points that fill all 24
        dimensions evenly are nearly all looked at.
        """
        return self._single(coordinates, mask, radius, counted(k), weights, tick)[1:]

    def within_many(
        self,
        coordinates: ArrayLike,
        masks: ArrayLike,
        radius: ArrayLike,
        *,
        weights: ArrayLike | None = None,
        tick: Tick | None = None,
    ) -> Answers:
        """Find every token within a radius of each query.

        Parameters
        ----------
        coordinates
            (m, 8, 3) or (m, 24) float64.
        masks
            (m,) integers in 0..255.
        radius
            One number, or (m,).
        weights, tick
            As `within` takes them.

        Returns
        -------
        tuple of (indptr, ids, distances)
            The hits of query i are ``indptr[i]:indptr[i + 1]``.

        Raises
        ------
        InvalidValue
            If an argument has another shape or value.
        """
        return self._many(coordinates, masks, radius, None, weights, tick)

    def nearest_many(
        self,
        coordinates: ArrayLike,
        masks: ArrayLike,
        k: int = 10,
        radius: ArrayLike = math.inf,
        *,
        weights: ArrayLike | None = None,
        tick: Tick | None = None,
    ) -> Answers:
        """Find the k nearest tokens of each query; as `within_many` and `nearest`."""
        return self._many(coordinates, masks, radius, counted(k), weights, tick)

    def _many(
        self,
        coordinates: ArrayLike,
        masks: ArrayLike,
        radius: ArrayLike,
        k: int | None,
        weights: ArrayLike | None,
        tick: Tick | None,
    ) -> Answers:
        """Answer a batch."""
        masks = masks_of(masks, np.size(masks))
        queries = np.empty((len(masks), COLUMNS + LEVELS + 2))
        queries[:, :COLUMNS], queries[:, COLUMNS : COLUMNS + LEVELS] = rows_for(coordinates, masks), weights_of(weights)
        queries[:, COLUMNS + LEVELS], queries[:, COLUMNS + LEVELS + 1] = masks, radii_for(len(masks), radius)
        return self._answer(queries, k, tick)
