"""The force that connections exert along themselves, and its potential, at given distances or at those of their ends.

Distances are computed by SQLite as the grid computes them: ``sqrt((dx*dx + dy*dy) + dz*dz)`` in one level, over several
``sqrt(t1 + t2 + …) / sqrt(w1 + w2 + …)`` in order of the levels that both ends define.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, overload

import apsw

from ...errors import InvalidValue
from ...model import connection as model
from ...model.levels import LEVELS, level_index
from ..arguments import real
from .base import ConnectionLike, ConnectionPart, connection_ids

if TYPE_CHECKING:
    import numpy as np

    from .base import Ids

LevelLike = str | int
Many = Iterable[ConnectionLike]
Weights = Mapping[str, float] | None
Row = tuple[float, float, float, float, float | None]  # preferred distance, rigidity, pull, confidence, distance


class ForcefulConnections(ConnectionPart):
    """The forces of connections."""

    @overload
    def force(
        self,
        connections: ConnectionLike,
        *,
        distance: float | None = None,
        level: LevelLike | Iterable[LevelLike] | None = None,
        weights: Weights = None,
    ) -> float: ...
    @overload
    def force(
        self,
        connections: Many | np.ndarray,
        *,
        distance: Any = None,
        level: LevelLike | Iterable[LevelLike] | None = None,
        weights: Weights = None,
    ) -> np.ndarray: ...
    def force(
        self,
        connections: ConnectionLike | Many | np.ndarray,
        *,
        distance: Any = None,
        level: LevelLike | Iterable[LevelLike] | None = None,
        weights: Weights = None,
    ) -> float | np.ndarray:
        """Return the signed force along connections, at a distance or at the one between their ends.

        Parameters
        ----------
        connections
            A `Connection` or an id, or a sequence or array of them.
        distance
            How far apart the ends are, at least 0; or n distances. None measures it.
        level
            Where to measure: one level, or several at once. None: in the connection's active levels.
        weights
            Of the levels, where there are several: a mapping in which levels left out weigh nothing. None takes the
            constitution's scales.

        Returns
        -------
        float or numpy.ndarray
            One number for one connection, else (n,) float64 in the order given. Positive pushes the ends apart,
            negative draws them together. NaN where there is no distance: the ends share none of the levels.

        Raises
        ------
        ConnectionNotFound, UnknownName
            No such connection or level.
        InvalidValue
            A distance below 0, not n of them, or `distance` and `level` at once.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     for x in (0.0, 3.0):
        ...         _ = db.tokens.create(coordinates={"physical": (x, 0.0, 0.0)})
        ...     rope = db.connections.create(1, 2, rigidity=0.5, pull=0.5, preferred_distance=1.0)
        ...     db.connections.force(rope, level="physical"), db.connections.force([rope, 1], distance=[1.0, 0.0])
        (-0.25, array([0.   , 0.125]))

        Notes
        -----
        (preferred distance - distance) · rigidity · pull · confidence, which is 1 for what is immutable. One statement,
        1 to 2 µs a connection.
        """

        def law(row: Row) -> float:
            preferred, rigidity, pull, confidence, apart = row
            return math.nan if apart is None else model.force(apart, preferred, rigidity, pull, confidence)

        return self._along(law, connections, distance, level, weights)

    @overload
    def potential(
        self,
        connections: ConnectionLike,
        *,
        distance: float | None = None,
        level: LevelLike | Iterable[LevelLike] | None = None,
        weights: Weights = None,
    ) -> float: ...
    @overload
    def potential(
        self,
        connections: Many | np.ndarray,
        *,
        distance: Any = None,
        level: LevelLike | Iterable[LevelLike] | None = None,
        weights: Weights = None,
    ) -> np.ndarray: ...
    def potential(
        self,
        connections: ConnectionLike | Many | np.ndarray,
        *,
        distance: Any = None,
        level: LevelLike | Iterable[LevelLike] | None = None,
        weights: Weights = None,
    ) -> float | np.ndarray:
        """Return the potential of connections, at a distance or at the one between their ends.

        Parameters as for `force`.

        Returns
        -------
        float or numpy.ndarray
            One number for one connection, else (n,) float64 in the order given; NaN where there is no distance.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog = db.tokens.create("cat"), db.tokens.create("dog")
        ...     db.connections.potential(db.connections.create(cat, dog), distance=3.0)
        0.5

        Notes
        -----
        ½ · rigidity · pull · (distance - preferred distance)².
        """

        def law(row: Row) -> float:
            preferred, rigidity, pull, _, apart = row
            return math.nan if apart is None else model.potential(apart, preferred, rigidity, pull)

        return self._along(law, connections, distance, level, weights)

    def _along(
        self,
        law: Callable[[Row], float],
        connections: ConnectionLike | Many | np.ndarray,
        distance: Any,
        level: LevelLike | Iterable[LevelLike] | None,
        weights: Weights,
    ) -> float | np.ndarray:
        ids, single = connection_ids(connections)
        if distance is not None:
            if level is not None or weights is not None:
                raise InvalidValue("distance must not be given together with level or weights; one of them says it")
            rows = self._rows(ids, None, None, distances=_distances(distance, len(ids), single))
        else:
            rows = self._rows(ids, level, weights)
        if single:
            return law(rows[0])
        import numpy as np

        return np.array([law(row) for row in rows], np.float64)

    def _rows(
        self,
        ids: Ids,
        level: LevelLike | Iterable[LevelLike] | None,
        weights: Weights,
        distances: list[float] | None = None,
    ) -> list[Row]:
        """Return what the laws need, in the order of `ids`."""
        if not ids:
            return []
        bindings: dict[str, Any] = {"ids": apsw.carray(ids)}
        ends, apart = "", "null"
        with self._session.reading() as line:
            if distances is None:
                ends = "join token as a on a.id = c.source join token as b on b.id = c.target"
                apart, levels = _measured(level)
                if levels:
                    bindings |= _weights(line.connection, weights, levels)
            found: Any = line.connection.execute(
                f"""select c.id, c.preferred_distance, c.rigidity, c.pull, c.confidence, {apart}
                      from connection as c {ends}
                     where c.id in (select value from carray(:ids))""",
                bindings,
            ).fetchall()
            known: dict[int, Row] = {id: tuple(rest) for id, *rest in found}
        if len(known) < len(ids) and not all(id in known for id in ids):
            raise self._missing(ids)
        if distances is None:
            return [known[id] for id in ids]
        return [(*known[id][:4], apart) for id, apart in zip(ids, distances, strict=True)]


def _square(level: str) -> str:
    """Return the SQL of the squared distance of `a` and `b` in one level; NULL where one does not define it."""
    x, y, z = (f"(a.{level}_{axis} - b.{level}_{axis})" for axis in "xyz")
    return f"(({x} * {x} + {y} * {y}) + {z} * {z})"


def _measured(level: LevelLike | Iterable[LevelLike] | None) -> tuple[str, tuple[str, ...]]:
    """Return the SQL of a distance, NULL where there is none, and the levels whose weights it needs."""
    if isinstance(level, str) or hasattr(level, "__index__"):
        return f"sqrt({_square(LEVELS[level_index(level)])})", ()  # type: ignore[arg-type]
    if level is None:
        chosen = LEVELS
    elif isinstance(level, Iterable):
        indices = {level_index(name) for name in level}
        chosen = tuple(name for index, name in enumerate(LEVELS) if index in indices)
    else:
        raise InvalidValue(f"level must be a name, several names or None, got {level!r}")
    terms, norms = ["0.0"], ["0.0"]
    for name in chosen:
        absent = f"a.{name}_x is null or b.{name}_x is null or :weight_{name} = 0.0"
        if level is None:
            absent += f" or (c.active_levels & {1 << level_index(name)}) = 0"
        terms.append(f"iif({absent}, 0.0, {_square(name)} * :weight_{name})")
        norms.append(f"iif({absent}, 0.0, :weight_{name})")
    return f"sqrt({' + '.join(terms)}) / nullif(sqrt({' + '.join(norms)}), 0.0)", chosen


def _weights(connection: apsw.Connection, weights: Weights, levels: tuple[str, ...]) -> dict[str, float]:
    """Return the weight of each level by the name of its parameter."""
    if weights is None:
        row: Any = connection.execute(
            f"select {', '.join(f'scale_{level}' for level in levels)} from cdna_current"
        ).fetchone()
        return {f"weight_{level}": weight for level, weight in zip(levels, row, strict=True)}
    if not isinstance(weights, Mapping):
        raise InvalidValue(f"weights must map levels to numbers, got {weights!r}")
    given = {LEVELS[level_index(name)]: real(value, f"weight of {name}", 0.0) for name, value in weights.items()}
    return {f"weight_{level}": given.get(level, 0.0) for level in levels}


def _distances(distance: Any, n: int, single: bool) -> list[float]:
    """Return a distance for each of n connections."""
    values = distance.tolist() if hasattr(distance, "tolist") else distance
    if single or isinstance(values, str | bytes) or not isinstance(values, Iterable):
        return [real(values, "distance", 0.0)] * n
    distances = [real(value, "distance", 0.0) for value in values]
    if len(distances) != n:
        raise InvalidValue(f"distance must be one number or {n}, got {len(distances)}")
    return distances
