"""One level of the space: what `NearIndex` finds, and boxes, density, influence, fields. No kernel lives here.

Influence and fields are defined in `grid_influence` and `grid_fields`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from neurograph.errors import InvalidValue, UnknownName
from neurograph.kernels import grid_build, grid_influence, grid_region, grid_run
from neurograph.kernels.grid_fields import Field, find_fields
from neurograph.kernels.grid_forest import FAN, FloatArray, IntArray, Tick
from neurograph.kernels.grid_index import finite, radii_for
from neurograph.kernels.grid_near import NearIndex

if TYPE_CHECKING:
    from neurograph.kernels.grid_influence import Part

FALLOFFS = {"linear": grid_influence.LINEAR, "quadratic": grid_influence.QUADRATIC, "gaussian": grid_influence.GAUSSIAN}

_START: Any = np.array([0, -1, 0, grid_run.SLICE, 0, 0, 0, 0], np.int64).data


def sphere_volumes(radii: FloatArray) -> FloatArray:
    """Return the volumes of spheres, ``4/3 * pi * ((r * r) * r)``, or say which radius has none."""
    with np.errstate(over="ignore", under="ignore"):
        volumes = 4.0 / 3.0 * math.pi * ((radii * radii) * radii)
    if not np.all(volumes > 0.0):
        least = float(radii[~(volumes > 0.0)][0])
        raise InvalidValue(f"radius must be above 0, and its cube as well, got {least!r}; take one above 1e-100")
    return volumes


class LevelIndex(NearIndex):
    """An exact index of the tokens that define one level, and of what they radiate.

    Examples
    --------
    >>> index = LevelIndex.build([1, 2], [0.0, 2.0], [0.0, 0.0], [0.0, 0.0], radius=[4.0, 1.0], strength=[1.0, 0.5])
    >>> index.influence(1.0, 0.0, 0.0)
    0.75
    >>> index.box([-1.0, -1.0, -1.0], [2.0, 1.0, 1.0]).tolist()
    [1, 2]
    >>> round(index.density(0.0, 0.0, 0.0, 2.0), 6)
    0.059683
    >>> [field.ids.tolist() for field in index.fields(min_nodes=2)]
    [[1, 2]]
    """

    def _plant(self, *args: Any) -> None:
        self._radiance: dict[tuple[bool, bool], tuple[FloatArray, FloatArray, FloatArray]] = {}
        super()._plant(*args)

    def _recall(self, *args: Any) -> None:
        kept = getattr(self, "_radiance", {}).items()
        self._radiance = {key: value for key, value in kept if not key[0]}
        super()._recall(*args)

    def _part(self, recent: bool, weighted: bool) -> Part:
        """Return one forest with the values its tokens radiate with; what is computed is kept."""
        part = self._parts[recent]
        if (recent, weighted) not in self._radiance:
            radii, force = np.zeros(len(part[3])), np.zeros(len(part[3]))
            slots: Any = self._recent_slots
            values: Any = self._recent_values
            if not recent:
                slots, values = slice(self._planted) if self._laid else self._slots, self._values
            radii[slots], force[slots] = values[0], values[1] * values[2] if weighted else values[1]
            reach = np.full((int(part[2][1]), FAN), -1.0)
            grid_build.reaches(radii, part[2], reach, self.leaf)
            self._radiance[recent, weighted] = radii, force, reach
        radii, force, reach = self._radiance[recent, weighted]
        return part, radii, force, reach

    def box(self, low: ArrayLike, high: ArrayLike, *, tick: Tick | None = None) -> IntArray:
        """Find every token in a box, its faces included.

        Parameters
        ----------
        low, high
            (3,) float64: the corners with the least and the greatest x, y, z; infinite where there is no face. A
            box whose low is above its high is empty.
        tick
            Called between slices; what it raises ends the call.

        Returns
        -------
        ids
            Ascending.

        Raises
        ------
        InvalidValue
            If a corner is NaN or no point.

        Notes
        -----
        O(log n + hits).
        """
        return self.box_many(np.reshape(low, (1, -1)), np.reshape(high, (1, -1)), tick=tick)[1]

    def box_many(self, lows: ArrayLike, highs: ArrayLike, *, tick: Tick | None = None) -> tuple[IntArray, IntArray]:
        """Find every token in each of some boxes.

        Parameters
        ----------
        lows, highs
            (m, 3) float64, as `box` takes them.
        tick
            Called between slices; what it raises ends the call.

        Returns
        -------
        tuple of (indptr, ids)
            What is in box i is ``ids[indptr[i]:indptr[i + 1]]``, ascending.

        Raises
        ------
        InvalidValue
            If a corner is NaN or no point, or there are not as many lows as highs.
        """
        corners = np.column_stack([corners_of(lows, "low"), corners_of(highs, "high")])
        parts = [self._boxed(forest, corners, tick) for forest in self._parts]
        counts = sum(np.diff(indptr) for indptr, _ in parts)
        query = np.concatenate([np.repeat(np.arange(len(corners)), np.diff(indptr)) for indptr, _ in parts])
        ids = np.concatenate([ids for _, ids in parts])
        return np.concatenate([[0], np.cumsum(counts)]), ids[np.lexsort((ids, query))]

    @staticmethod
    def _boxed(forest: tuple[Any, ...], corners: FloatArray, tick: Tick | None) -> tuple[IntArray, IntArray]:
        """Return what is in each box, in no order."""
        scratch = grid_run.take()
        try:
            state, indptr, ids = scratch.state, np.zeros(len(corners) + 1, np.int64), np.empty(grid_run.ROOM, np.int64)
            state[:8] = _START
            while True:
                grid_region.box(forest, corners, indptr, ids, scratch.ints)
                if state[grid_region.STATUS] == grid_region.DONE:
                    return indptr, ids[: indptr[-1]]
                if state[grid_region.STATUS] == grid_region.FULL:
                    ids = np.concatenate([ids, np.empty(len(ids), np.int64)])
                state[grid_region.BUDGET] = grid_run.SLICE
                if tick is not None:
                    tick()
        finally:
            grid_run.give(scratch)

    def count_many(self, points: ArrayLike, radius: ArrayLike, *, tick: Tick | None = None) -> IntArray:
        """Count the tokens within a radius of each point.

        Parameters
        ----------
        points
            (m, 3) float64.
        radius
            One number, or (m,): at least 0, perhaps infinite.
        tick
            Called between slices; what it raises ends the call.

        Returns
        -------
        counts
            (m,) int64.

        Raises
        ------
        InvalidValue
            If a number is NaN, infinite, or negative where it can't be.

        Notes
        -----
        O(log n + hits) each, without the memory that answers need.
        """
        points = finite(points, (-1, 3), "points")
        queries = np.column_stack([points, radii_for(len(points), radius)])
        counts, scratch = np.zeros(len(points), np.int64), grid_run.take()
        try:
            state, sums = scratch.state, np.empty(self.leaf)
            for forest in self._parts:
                state[:8] = _START
                while True:
                    grid_region.count(forest, queries, counts, scratch.ints, sums)
                    if state[grid_region.STATUS] == grid_region.DONE:
                        break
                    state[grid_region.BUDGET] = grid_run.SLICE
                    if tick is not None:
                        tick()
        finally:
            grid_run.give(scratch)
        return counts

    def density(self, x: float, y: float, z: float, radius: float, *, tick: Tick | None = None) -> float:
        """Return how many tokens there are within a radius, by its volume.

        Parameters
        ----------
        x, y, z
            The point.
        radius
            Above 0; a token at that distance counts.
        tick
            Called between slices; what it raises ends the call.

        Returns
        -------
        float
            Tokens per unit of volume: count / (4/3 π r³).

        Raises
        ------
        InvalidValue
            If a number is NaN or infinite, or the radius not above 0.
        """
        return float(self.density_many([(x, y, z)], radius, tick=tick)[0])

    def density_many(self, points: ArrayLike, radius: ArrayLike, *, tick: Tick | None = None) -> FloatArray:
        """Return the density around each point.

        Parameters
        ----------
        points
            (m, 3) float64.
        radius
            One number, or (m,): above 0.
        tick
            Called between slices; what it raises ends the call.

        Returns
        -------
        densities
            (m,) float64.

        Raises
        ------
        InvalidValue
            If a number is NaN or infinite, or a radius not above 0.
        """
        counts = self.count_many(points, radius, tick=tick)
        return counts / sphere_volumes(radii_for(len(counts), radius))

    def influence(
        self,
        x: float,
        y: float,
        z: float,
        radius: float = math.inf,
        *,
        falloff: str = "linear",
        weighted: bool = False,
        tick: Tick | None = None,
    ) -> float:
        """Return the influence at a point: what the fields that reach it add up to.

        Parameters
        ----------
        x, y, z
            The point.
        radius
            Tokens farther away are left out.
        falloff
            ``"linear"``: strength · (1 - t); ``"quadratic"``: strength · (1 - t²); ``"gaussian"``: strength ·
            exp(-4.5 t²), a third of the field radius being sigma; t = distance / field radius, at most 1. A field
            radius of 0 reaches its own point only, with the whole strength.
        weighted
            Multiply each strength by the token's weight.
        tick
            Called between slices; what it raises ends the call.

        Returns
        -------
        float
            Summed in ascending order of id.

        Raises
        ------
        InvalidValue
            If a number is NaN, infinite, or negative where it can't be.
        UnknownName
            If no falloff has that name.

        Notes
        -----
        O(log n + fields that reach the point), however far a few others reach.
        """
        return float(self.influence_many([(x, y, z)], radius, falloff=falloff, weighted=weighted, tick=tick)[0])

    def influence_many(
        self,
        points: ArrayLike,
        radius: ArrayLike = math.inf,
        *,
        falloff: str = "linear",
        weighted: bool = False,
        tick: Tick | None = None,
    ) -> FloatArray:
        """Return the influence at each point.

        Parameters
        ----------
        points
            (m, 3) float64.
        radius, falloff, weighted, tick
            As `influence` takes them; the radius may be (m,).

        Returns
        -------
        influences
            (m,) float64.

        Raises
        ------
        InvalidValue
            If a number is NaN, infinite, or negative where it can't be.
        UnknownName
            If no falloff has that name.
        """
        if falloff not in FALLOFFS:
            raise UnknownName(f"falloff must be one of {', '.join(FALLOFFS)}, got {falloff!r}")
        points = finite(points, (-1, 3), "points")
        queries = np.column_stack([points, radii_for(len(points), radius)])
        parts = self._part(False, weighted), self._part(True, weighted)
        return grid_run.influence(parts, queries, FALLOFFS[falloff], tick)

    def fields(
        self,
        threshold: float = 0.5,
        min_nodes: int = 3,
        *,
        link: float | None = None,
        falloff: str = "linear",
        weighted: bool = False,
        tick: Tick | None = None,
    ) -> list[Field]:
        """Find the fields: connected regions where influence is at or above a threshold.

        Parameters
        ----------
        threshold
            A token is a node of a field if the influence at its place, its own included, is at least this.
        min_nodes
            Smaller fields are left out; at least 1.
        link
            Nodes are linked at a distance of at most this. None: of less than the sum of their field radii.
        falloff, weighted
            As `influence` takes them.
        tick
            Called between slices; what it raises ends the call.

        Returns
        -------
        list of Field
            By strength, the strongest first; then by the least id.

        Raises
        ------
        InvalidValue
            If a number is out of its range.
        UnknownName
            If no falloff has that name.

        Notes
        -----
        One `influence_many` over all tokens, then O(nodes log nodes) for fields of any density.
        """
        if not math.isfinite(threshold) or min_nodes < 1 or (link is not None and not 0.0 <= link < math.inf):
            rule = "threshold must be finite, min_nodes at least 1, link finite and at least 0"
            raise InvalidValue(f"{rule}, got {(threshold, min_nodes, link)!r}")
        ids, _, rows, values = self._everything()
        influence = self.influence_many(rows, falloff=falloff, weighted=weighted, tick=tick)
        node = influence >= threshold
        return find_fields(ids[node], rows[node], values[:, node], influence[node], (min_nodes, link), tick)


def corners_of(corners: ArrayLike, name: str) -> FloatArray:
    """Return corners of boxes as (m, 3), or say why they can't be."""
    array = np.ascontiguousarray(corners, np.float64)
    if array.ndim != 2 or array.shape[1] != 3 or np.isnan(array).any():
        raise InvalidValue(f"{name} must be corners (x, y, z) without NaN, got {corners!r}")
    return array
