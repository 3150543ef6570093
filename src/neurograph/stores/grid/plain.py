"""Questions of space over rows alone: what answers without kernels, and where arrays don't repay themselves.

Every function gives the answer its kernel gives: the same ids in the same order, the same floats. A distance is
``sqrt((dx*dx + dy*dy) + dz*dz)`` in that order, each step rounded on its own; over several levels it is
``sqrt(t1 + t2 + …) / sqrt(w1 + w2 + …)`` with ``t = ((dx*dx + dy*dy) + dz*dz) * w`` over the levels both define, in
order. SQLite's arithmetic rounds alike, so the rows can be compared, ordered and cut in SQL.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import apsw

from ...model.levels import LEVELS

Point = tuple[float, float, float]
Places = Mapping[str, Point]
Found = tuple[list[int], list[float]]

EVERY = 1 << 62


def _square(level: str) -> str:
    """Return the SQL of a squared distance in one level from :<level>_x, :<level>_y, :<level>_z."""
    x, y, z = (f"({level}_{axis} - :{level}_{axis})" for axis in "xyz")
    return f"(({x} * {x} + {y} * {y}) + {z} * {z})"


def _bindings(places: Places) -> dict[str, Any]:
    return {
        f"{level}_{axis}": value for level, point in places.items() for axis, value in zip("xyz", point, strict=True)
    }


def _distance(places: Places, weights: Mapping[str, float] | None) -> tuple[str, str]:
    """Return the SQL of the distance from a place, and the condition under which there is one."""
    if weights is None:
        ((level, _),) = places.items()
        return f"sqrt({_square(level)})", f"{level}_x is not null"
    levels = [level for level in LEVELS if level in places and weights[level] > 0]
    terms = [f"iif({level}_x is null, 0.0, {_square(level)} * :weight_{level})" for level in levels]
    norms = [f"iif({level}_x is null, 0.0, :weight_{level})" for level in levels]
    defined = " or ".join(f"{level}_x is not null" for level in levels) or "false"
    return f"sqrt({_sum(terms)}) / sqrt({_sum(norms)})", f"({defined})"


def _sum(terms: Sequence[str]) -> str:
    """Return the SQL of a sum from left to right; a 0.0 in front changes no bit."""
    return "(" + " + ".join(["0.0", *terms]) + ")"


def near(
    connection: apsw.Connection,
    places: Places,
    weights: Mapping[str, float] | None,
    k: int,
    radius: float,
    leave_out: int = 0,
    among: tuple[int, int] | None = None,
) -> Found:
    """Return ids and distances of at most `k` tokens within `radius`, in order of distance, then id.

    Parameters
    ----------
    places
        Where from, by level: one level where `weights` is None, else those that count.
    weights
        Of the levels.
    leave_out
        An id that is left out; 0 for none.
    among
        The least and the greatest id to look at; None for all.
    """
    distance, defined = _distance(places, weights)
    values = _bindings(places) | {"k": min(k, EVERY), "radius": radius, "leave_out": leave_out}
    some = ""
    if among is not None:
        some = "and id between :first and :last"
        values |= {"first": among[0], "last": among[1]}
    values |= {f"weight_{level}": weight for level, weight in (weights or {}).items()}
    rows: Any = connection.execute(
        f"""select id, distance
              from (select id, {distance} as distance
                      from token
                     where {defined} and id <> :leave_out {some})
             where distance <= :radius
             order by distance, id
             limit :k""",
        values,
    ).fetchall()
    return [id for id, _ in rows], [distance for _, distance in rows]


def box(connection: apsw.Connection, level: str, low: Point, high: Point) -> list[int]:
    """Return the ids of the tokens between two corners, both included, ascending."""
    conditions = " and ".join(f"{level}_{axis} between ? and ?" for axis in "xyz")
    corners = [corner for pair in zip(low, high, strict=True) for corner in pair]
    rows: Any = connection.execute(f"select id from token where {conditions} order by id", corners).fetchall()
    return [id for (id,) in rows]


def falloff(name: str, distance: float, radius: float) -> float:
    """Return what is left of a force at a distance within the field's radius."""
    t = distance / radius if radius > 0.0 else 0.0
    if name == "linear":
        return 1.0 - t
    if name == "quadratic":
        return 1.0 - t * t
    return math.exp(-4.5 * (t * t))


def influence(connection: apsw.Connection, level: str, point: Point, radius: float, kind: str, weighted: bool) -> float:
    """Return the sum of what tokens within `radius` radiate at a point, added in order of id."""
    distance, defined = _distance({level: point}, None)
    rows: Any = connection.execute(
        f"""select distance, field_radius, field_strength, weight
              from (select id, {distance} as distance, field_radius, field_strength, weight from token where {defined})
             where distance <= :radius and distance <= field_radius
             order by id""",
        _bindings({level: point}) | {"radius": radius},
    )
    total = 0.0
    try:
        for d, reach, strength, weight in rows:
            force = strength * max(weight, 0.0) if weighted else strength
            total += force * falloff(kind, d, reach)
    finally:  # the traceback of Ctrl-C would keep the cursor, and with it the snapshot
        rows.close(True)
    return total


def count(connection: apsw.Connection, level: str, point: Point, radius: float) -> int:
    """Return how many tokens are within `radius` of a point."""
    distance, defined = _distance({level: point}, None)
    rows: Any = connection.execute(
        f"select count(*) from token where {defined} and {distance} <= :radius",
        _bindings({level: point}) | {"radius": radius},
    ).fetchall()
    return rows[0][0]  # type: ignore[no-any-return]


def place_of(connection: apsw.Connection, token: int) -> dict[str, Point]:
    """Return the place of a token in the levels it defines."""
    columns = ", ".join(f"{level}_{axis}" for level in LEVELS for axis in "xyz")
    row: Any = connection.execute(f"select {columns} from token where id = ?", (token,)).fetchone()
    return {level: row[3 * at : 3 * at + 3] for at, level in enumerate(LEVELS) if row[3 * at] is not None}


def distance(here: Places, there: Places, weights: Mapping[str, float] | None) -> float | None:
    """Return the distance between two places over the levels both define, or None where there is none."""
    total = norm = 0.0
    for level in LEVELS:
        if level not in here or level not in there or (weights is not None and not weights[level] > 0):
            continue
        dx, dy, dz = (b - a for a, b in zip(here[level], there[level], strict=True))
        square = (dx * dx + dy * dy) + dz * dz
        if weights is None:
            return math.sqrt(square)
        total += square * weights[level]
        norm += weights[level]
    return math.sqrt(total) / math.sqrt(norm) if norm else None
