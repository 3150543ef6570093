"""What tokens radiate: influence, density, fields."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ...connection.line import Line
from ...errors import InvalidValue, UnknownName
from ...model.field import Field
from ..arguments import real, whole
from . import plain
from .arrays import GridArrays
from .base import GridPart, LevelLike, PointLike, level_name, most_tokens, point_of, points_of, radius_of

if TYPE_CHECKING:
    import numpy as np

FALLOFFS = ("linear", "quadratic", "gaussian")


class Influence(GridPart):
    """What is felt at a place, and where tokens form fields."""

    def influence(
        self,
        point: PointLike,
        *,
        level: LevelLike,
        radius: float = math.inf,
        falloff: str = "linear",
        weighted: bool = False,
        timeout_s: float | None = None,
    ) -> float:
        """Return what the fields that reach a point add up to.

        Parameters
        ----------
        point
            (x, y, z) in the units of the level.
        level
            Which level.
        radius
            Tokens farther away are left out.
        falloff
            ``"linear"``: strength · (1 - t); ``"quadratic"``: strength · (1 - t²); ``"gaussian"``: strength ·
            exp(-4.5 t²), a third of the field radius being sigma; t = distance / field radius, at most 1. A field
            radius of 0 reaches its own point only, with the whole strength.
        weighted
            Multiply each strength by the token's weight, a negative one counting as 0.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        float
            Added in order of id.

        Raises
        ------
        UnknownName, InvalidValue
            No such level or falloff; a number out of its range.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.tokens.create(coordinates={"physical": (0, 0, 0)}, field_radius=2.0)
        ...     db.grid.influence((1, 0, 0), level="physical")
        0.5
        """
        name, place, most = level_name(level), point_of(point), radius_of(radius)
        _check_falloff(falloff)

        def question(line: Line) -> float:
            return self._answer(
                line,
                name,
                lambda arrays: float(
                    arrays.index.influence(*place, most, falloff=falloff, weighted=weighted, tick=line.tick)
                ),
                lambda: plain.influence(line.connection, name, place, most, falloff, weighted),
            )

        return self._ask(name, question, timeout_s)

    def density(self, point: PointLike, radius: float, *, level: LevelLike, timeout_s: float | None = None) -> float:
        """Return how many tokens there are within a radius, by its volume.

        Parameters
        ----------
        point
            (x, y, z) in the units of the level.
        radius
            Above 0; a token at that distance counts.
        level
            Which level.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        float
            Tokens per unit of volume: count / (4/3 π r³).

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.tokens.create(coordinates={"physical": (0, 0, 0)})
        ...     round(db.grid.density((0, 0, 0), 1, level="physical"), 4)
        0.2387
        """
        name, place, (most, volume) = level_name(level), point_of(point), _sphere(radius)

        def question(line: Line) -> int:
            return self._answer(
                line,
                name,
                lambda arrays: int(arrays.index.count_many([place], most, tick=line.tick)[0]),
                lambda: plain.count(line.connection, name, place, most),
            )

        return self._ask(name, question, timeout_s) / volume

    def density_many(
        self, points: Any, radius: float, *, level: LevelLike, timeout_s: float | None = None
    ) -> np.ndarray:
        """Return `density` at many points: (m,) float64.

        Parameters
        ----------
        points
            (m, 3) in the units of the level.
        radius, level, timeout_s
            As for `density`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.tokens.create(coordinates={"physical": (0, 0, 0)})
        ...     db.grid.density_many([(0, 0, 0), (5, 0, 0)], 1, level="physical").round(4)
        array([0.2387, 0.    ])
        """
        import numpy as np

        name, places, (most, volume) = level_name(level), points_of(points), _sphere(radius)
        with self._session.reading(timeout_s) as line:

            def by_arrays(arrays: GridArrays) -> np.ndarray:
                return np.asarray(arrays.index.count_many(places, most, tick=line.tick))

            def by_rows() -> np.ndarray:
                counts = [plain.count(line.connection, name, tuple(place), most) for place in places.tolist()]
                return np.array(counts, np.int64)

            return self._answer(line, name, by_arrays, by_rows, searches=len(places)) / volume

    def influence_many(
        self,
        points: Any,
        *,
        level: LevelLike,
        radius: float = math.inf,
        falloff: str = "linear",
        weighted: bool = False,
        timeout_s: float | None = None,
    ) -> np.ndarray:
        """Return `influence` at many points: (m,) float64.

        Parameters
        ----------
        points
            (m, 3) in the units of the level.
        level, radius, falloff, weighted, timeout_s
            As for `influence`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.tokens.create(coordinates={"physical": (0, 0, 0)}, field_radius=2.0)
        ...     db.grid.influence_many([(0, 0, 0), (1, 0, 0)], level="physical")
        array([1. , 0.5])
        """
        import numpy as np

        name, places, most = level_name(level), points_of(points), radius_of(radius)
        _check_falloff(falloff)
        with self._session.reading(timeout_s) as line:

            def by_arrays(arrays: GridArrays) -> np.ndarray:
                found = arrays.index.influence_many(places, most, falloff=falloff, weighted=weighted, tick=line.tick)
                return np.asarray(found)

            def by_rows() -> np.ndarray:
                rows = (tuple(place) for place in places.tolist())
                return np.array(
                    [plain.influence(line.connection, name, place, most, falloff, weighted) for place in rows],
                    np.float64,
                )

            return self._answer(line, name, by_arrays, by_rows, searches=len(places))

    def fields(
        self,
        *,
        level: LevelLike,
        threshold: float = 0.5,
        min_nodes: int = 3,
        link: float | None = None,
        falloff: str = "linear",
        weighted: bool = False,
        timeout_s: float | None = None,
    ) -> list[Field]:
        """Find the fields of a level: connected regions where influence is at or above a threshold.

        Parameters
        ----------
        level
            Which level.
        threshold
            A token belongs to a field if the influence at its place, its own included, is at least this.
        min_nodes
            Smaller fields are left out; at least 1.
        link
            Tokens are linked at a distance of at most this; None: of less than the sum of their field radii.
        falloff, weighted, timeout_s
            As for `influence`.

        Returns
        -------
        list of Field
            By strength, the strongest first; then by the smallest id.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     for x in (0, 1, 2, 50):
        ...         _ = db.tokens.create(coordinates={"physical": (x, 0, 0)})
        ...     [field.ids for field in db.grid.fields(level="physical")]
        [(1, 2, 3)]
        """
        name, least = level_name(level), real(threshold, "threshold")
        nodes = whole(min_nodes, "min_nodes", 1)
        reach = None if link is None else real(link, "link", 0.0)
        _check_falloff(falloff)

        def question(line: Line) -> list[Field]:

            def by_arrays(arrays: GridArrays) -> list[Field]:
                found = arrays.index.fields(
                    least, nodes, link=reach, falloff=falloff, weighted=weighted, tick=line.tick
                )
                return [
                    Field(f.center, f.radius, f.strength, f.node_count, f.total_weight, tuple(f.ids.tolist()))
                    for f in found
                ]

            def by_rows() -> list[Field]:
                from .fields import find_fields

                return find_fields(line, name, least, nodes, reach, falloff, weighted)

            return self._answer(line, name, by_arrays, by_rows, searches=most_tokens(line.connection))

        return self._ask(name, question, timeout_s)


def _sphere(radius: float) -> tuple[float, float]:
    """Return a radius and the volume within it."""
    number = real(radius, "radius", 0.0)
    volume = 4.0 / 3.0 * math.pi * ((number * number) * number)
    if not volume > 0:
        raise InvalidValue(f"radius must be above 0, and its cube as well, got {radius!r}")
    return number, volume


def _check_falloff(falloff: str) -> None:
    if falloff not in FALLOFFS:
        raise UnknownName(f"falloff must be one of {', '.join(FALLOFFS)}, got {falloff!r}")
