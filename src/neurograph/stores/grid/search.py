"""Who is near: nearest neighbors, ranges, boxes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...connection.line import Line
from ...errors import InvalidValue
from ...model.levels import LEVELS
from ...model.records import Neighbors
from ..arguments import TokenLike, existing_token_id, whole
from . import blocks, plain, space_blocks
from .arrays import GridArrays
from .base import GridPart, LevelLike, PointLike, Weights, level_name, point_of, points_of, radius_of, weights_of
from .plain import Places

if TYPE_CHECKING:
    import numpy as np

Where = PointLike | Mapping[str, PointLike]


class Search(GridPart):
    """Searches around a token or a place."""

    def neighbors(
        self,
        token: TokenLike,
        k: int = 10,
        *,
        level: LevelLike | None = None,
        weights: Weights = None,
        max_distance: float = math.inf,
        timeout_s: float | None = None,
    ) -> Neighbors:
        """Find the k tokens nearest to a token, itself left out.

        Parameters
        ----------
        token
            Whose neighbors.
        k
            At most so many, without a ceiling.
        level
            One level; None for the weighted distance over all levels both tokens define.
        weights
            Of the levels, where `level` is None: eight numbers of at least 0, or a mapping in which levels left out
            weigh nothing. None takes the constitution's scales.
        max_distance
            The farthest a neighbor may be.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        Neighbors
            (id, distance) in order of distance, then id. Empty for a token that does not define the level.

        Raises
        ------
        TokenNotFound, UnknownName, InvalidValue
            No such token or level; a number out of its range.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     for x in (0, 3, 4):
        ...         _ = db.tokens.create(coordinates={"physical": (x, 0, 0)})
        ...     db.grid.neighbors(1, k=1, level="physical")
        [Neighbor(id=2, distance=3.0)]

        Notes
        -----
        About 10 µs in 1M tokens of one level. Over several levels the distance is sqrt(Σ w·d²) / sqrt(Σ w).
        """
        count, most = whole(k, "k"), radius_of(max_distance, "max_distance")
        name = None if level is None else level_name(level)

        def question(line: Line) -> Neighbors:
            number = existing_token_id(line.connection, token)
            places = plain.place_of(line.connection, number)
            return self._near(line, places, name, weights, count, most, number)

        return self._ask(name, question, timeout_s)

    def nearest(
        self, where: Where, k: int = 10, *, level: LevelLike | None = None, weights: Weights = None,
        max_distance: float = math.inf,
        timeout_s: float | None = None,
    ) -> Neighbors:  # fmt: skip
        """Find the k tokens nearest to a place.

        Parameters
        ----------
        where
            (x, y, z) with a `level`, or a mapping from levels to points without one.
        k, level, weights, max_distance, timeout_s
            As for `neighbors`.

        Returns
        -------
        Neighbors
            As of `neighbors`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.tokens.create("calm", coordinates={"emotional": (0.5, -0.6, 0.0)})
        ...     _ = db.tokens.create("angry", coordinates={"emotional": (-0.5, 0.8, 0.4)})
        ...     db.grid.nearest((0.4, -0.5, 0.0), k=1, level="emotional").ids.tolist()
        [1]
        """
        count, most = whole(k, "k"), radius_of(max_distance, "max_distance")
        places, name = _places(where, level)

        def question(line: Line) -> Neighbors:
            return self._near(line, places, name, weights, count, most, 0)

        return self._ask(name, question, timeout_s)

    def in_range(
        self,
        where: Where,
        radius: float,
        *,
        level: LevelLike | None = None,
        weights: Weights = None,
        timeout_s: float | None = None,
    ) -> Neighbors:
        """Find every token within a radius of a place.

        Parameters
        ----------
        where, level, weights, timeout_s
            As for `nearest`.
        radius
            At least 0; a token at that distance is in.

        Returns
        -------
        Neighbors
            (id, distance) in order of distance, then id.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     for x in (0, 3, 4):
        ...         _ = db.tokens.create(coordinates={"physical": (x, 0, 0)})
        ...     db.grid.in_range((0, 0, 0), 3, level="physical")
        [Neighbor(id=1, distance=0.0), Neighbor(id=2, distance=3.0)]

        Notes
        -----
        About 10 µs for 50 hits in 1M tokens of one level.
        """
        most = radius_of(radius)
        places, name = _places(where, level)

        def question(line: Line) -> Neighbors:
            return self._near(line, places, name, weights, None, most, 0)

        return self._ask(name, question, timeout_s)

    def nearest_many(
        self,
        points: Any,
        k: int = 10,
        *,
        level: LevelLike,
        max_distance: float = math.inf,
        timeout_s: float | None = None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Find the k tokens nearest to each of many points of one level, in one call.

        Parameters
        ----------
        points
            (m, 3) float64, in the units of the level.
        k, level, max_distance, timeout_s
            As for `neighbors`.

        Returns
        -------
        tuple of (indptr, ids, distances)
            What is found for point i is ``indptr[i]:indptr[i + 1]`` of the others, ordered as `nearest` does.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     for x in (0, 3, 4):
        ...         _ = db.tokens.create(coordinates={"physical": (x, 0, 0)})
        ...     indptr, ids, _ = db.grid.nearest_many([[0, 0, 0], [9, 9, 9]], k=1, level="physical")
        ...     indptr.tolist(), ids.tolist()
        ([0, 1, 2], [1, 3])
        """
        return self._many(points, level, whole(k, "k"), radius_of(max_distance, "max_distance"), timeout_s)

    def in_range_many(
        self,
        points: Any,
        radius: float,
        *,
        level: LevelLike,
        timeout_s: float | None = None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Find every token within a radius of each of many points of one level, in one call.

        Parameters
        ----------
        points, level, timeout_s
            As for `nearest_many`.
        radius
            At least 0; a token at that distance is in.

        Returns
        -------
        tuple of (indptr, ids, distances)
            As of `nearest_many`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     for x in (0, 3, 4):
        ...         _ = db.tokens.create(coordinates={"physical": (x, 0, 0)})
        ...     db.grid.in_range_many([[3, 0, 0]], 1, level="physical")[1].tolist()
        [2, 3]
        """
        return self._many(points, level, None, radius_of(radius), timeout_s)

    def box(self, low: PointLike, high: PointLike, *, level: LevelLike, timeout_s: float | None = None) -> np.ndarray:
        """Return the ids of the tokens in a box of one level, its faces included, ascending, as int64.

        Parameters
        ----------
        low, high
            The corners with the least and the greatest x, y, z.
        level
            Which level.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     for x in (0, 3, 4):
        ...         _ = db.tokens.create(coordinates={"physical": (x, 0, 0)})
        ...     db.grid.box((1, 0, 0), (4, 0, 0), level="physical").tolist()
        [2, 3]
        """
        import numpy as np

        corners = point_of(low, "low"), point_of(high, "high")
        name = level_name(level)
        with self._session.reading(timeout_s) as line:
            found = self._answer(
                line,
                name,
                lambda arrays: arrays.index.box(*corners, tick=line.tick),
                lambda: plain.box(line.connection, name, *corners),
            )
        return np.asarray(found, np.int64)

    def _near(
        self, line: Line, places: Places, level: str | None, weights: Weights, k: int | None, radius: float, out: int
    ) -> Neighbors:
        """Return at most k (None: all) tokens within a radius, the one with the id `out` left out."""
        if level is not None:
            if weights is not None:
                raise InvalidValue("weights must be left out where one level is asked for")
            if level not in places:
                return Neighbors([], [])
            place, scales = {level: places[level]}, None
        else:
            scales = weights_of(line.connection, weights)
            place = {name: point for name, point in places.items() if scales[name] > 0}
            if not place:
                return Neighbors([], [])

        def by_arrays(arrays: GridArrays) -> Neighbors:
            wanted = None if k is None else k + (out > 0)
            ids, distances = _ask(arrays, place, level, scales, wanted, radius, line)
            if out:
                kept = ids != out
                ids, distances = ids[kept][:k], distances[kept][:k]
            return Neighbors(ids, distances)

        def by_rows() -> Neighbors:
            most = plain.EVERY if k is None else k
            return Neighbors(*plain.near(line.connection, place, scales, most, radius, out))

        def by_blocks() -> Neighbors | None:
            most = plain.EVERY if k is None else k
            if level is not None:
                found = blocks.near(line.connection, level, place[level], most, radius, out, line.tick)
            else:
                assert scales is not None
                found = space_blocks.near(line.connection, place, scales, most, radius, out, line.tick)
            return None if found is None else Neighbors(*found)

        return self._answer(line, level, by_arrays, by_rows, by_blocks)

    def _many(
        self, points: Any, level: LevelLike, k: int | None, radius: float, timeout_s: float | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        import numpy as np

        name = level_name(level)
        array = points_of(points)
        with self._session.reading(timeout_s) as line:

            def by_arrays(arrays: GridArrays) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
                if k is None:
                    return arrays.index.within_many(array, radius, tick=line.tick)  # type: ignore[no-any-return]
                return arrays.index.nearest_many(array, k, radius, tick=line.tick)  # type: ignore[no-any-return]

            def joined(found: list[plain.Found]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
                ids = [id for hits, _ in found for id in hits]
                distances = [distance for _, hits in found for distance in hits]
                indptr = np.cumsum([0, *(len(hits) for hits, _ in found)])
                return indptr, np.array(ids, np.int64), np.array(distances, np.float64)

            most, connection = plain.EVERY if k is None else k, line.connection
            places: list[Any] = [tuple(point) for point in array.tolist()]

            def by_rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
                return joined([plain.near(connection, {name: place}, None, most, radius) for place in places])

            def by_blocks() -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
                found = []
                for place in places:
                    hits = blocks.near(connection, name, place, most, radius, tick=line.tick)
                    if hits is None:
                        return None
                    found.append(hits)
                return joined(found)

            return self._answer(line, name, by_arrays, by_rows, by_blocks, len(places))


def _places(where: Where, level: LevelLike | None) -> tuple[dict[str, plain.Point], str | None]:
    """Return the place asked about by level, and the level where there is only one."""
    if isinstance(where, Mapping):
        if level is not None:
            raise InvalidValue("where must be a point (x, y, z) where one level is asked for, got a mapping")
        return {level_name(name): point_of(point, f"the place in {name}") for name, point in where.items()}, None
    if level is None:
        raise InvalidValue("where must map levels to points, or be a point with level=…, got a point alone")
    name = level_name(level)
    return {name: point_of(where, "where")}, name


def _ask(
    arrays: GridArrays, place: Places, level: str | None, scales: dict[str, float] | None, k: int | None,
    radius: float, line: Line,
) -> Any:  # fmt: skip
    """Ask an index."""
    if level is not None:
        x, y, z = place[level]
        if k is None:
            return arrays.index.within(x, y, z, radius, tick=line.tick)
        return arrays.index.nearest(x, y, z, k, radius, tick=line.tick)
    assert scales is not None
    coordinates = [place.get(name, (0.0, 0.0, 0.0)) for name in LEVELS]
    mask = sum(1 << at for at, name in enumerate(LEVELS) if name in place)
    weights = [scales[name] for name in LEVELS]
    if k is None:
        return arrays.index.within(coordinates, mask, radius, weights=weights, tick=line.tick)
    return arrays.index.nearest(coordinates, mask, k, radius, weights=weights, tick=line.tick)
