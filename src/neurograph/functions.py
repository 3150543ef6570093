"""Scalar SQL functions on values, registered on every connection before its first statement.

1. They are deterministic and innocuous: the result follows from the arguments alone, so they may stand in an index or a
   view of yours. Ours use none: every table, view and trigger of the file works without this package.
2. NULL in, NULL out, as SQL has it: a distance to a level that is not defined is NULL.
3. What computes is the function that Python has: one source of truth, imported at the first call.

Those that read rows by id are in `tables/rows.py`.
"""

from __future__ import annotations

import math
from functools import partial

import apsw

from .errors import InvalidValue, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class ValueFunction:
    """What a function is called, takes and computes with."""

    __slots__ = ("arguments", "compute", "name")

    def __init__(self, name: str, arguments: tuple[str, ...], compute: Callable[..., Any]) -> None:
        self.name = name
        self.arguments = arguments
        self.compute = compute


def _compose_id(id: int, entity_type: int, domain: int) -> int:
    from .codec.token64 import compose_id

    return compose_id(id, entity_type, domain)


def _edge_id(source: int, target: int, type: int) -> int:
    from .codec.edge_id import edge_id

    return _signed(edge_id(source, target, type))


def _force(distance: Any, preferred_distance: Any, rigidity: Any, pull: Any, confidence: Any) -> float:
    from .model.connection import force

    names = ("distance", "preferred_distance", "rigidity", "pull", "confidence")
    values = (distance, preferred_distance, rigidity, pull, confidence)
    return force(*(_number(name, value) for name, value in zip(names, values, strict=True)))


def _level(name: str | int) -> int:
    from .model.levels import level_index

    return level_index(name)


def _point_distance(*values: Any) -> float:
    """Return the distance of two points in a level, rounded as the grid rounds it."""
    x1, y1, z1, x2, y2, z2 = (_number(name, value) for name, value in zip(_POINTS, values, strict=True))
    dx, dy, dz = x2 - x1, y2 - y1, z2 - z1
    return math.sqrt((dx * dx + dy * dy) + dz * dz)


def _word_id(word: str) -> int:
    from .codec.edge_id import word_id

    if not isinstance(word, str):
        raise InvalidValue(f"word must be a text, got {word!r}")
    return word_id(word)


_POINTS = ("x1", "y1", "z1", "x2", "y2", "z2")

VALUE_FUNCTIONS = (
    ValueFunction("ng_compose_id", ("id", "entity_type", "domain"), _compose_id),
    ValueFunction("ng_edge_id", ("source", "target", "type"), _edge_id),
    ValueFunction("ng_force", ("distance", "preferred_distance", "rigidity", "pull", "confidence"), _force),
    ValueFunction("ng_level", ("level",), _level),
    ValueFunction("ng_point_distance", _POINTS, _point_distance),
    ValueFunction("ng_word_id", ("word",), _word_id),
)
"""Every scalar function on values, in the order of the manual."""


def register(connection: apsw.Connection) -> None:
    """Register the scalar functions on `connection`."""
    for function in VALUE_FUNCTIONS:
        connection.create_scalar_function(
            function.name,
            partial(_call, function),
            len(function.arguments),
            deterministic=True,
            flags=apsw.SQLITE_INNOCUOUS,
        )


def _call(function: ValueFunction, *values: Any) -> Any:
    if None in values:
        return None
    try:
        return function.compute(*values)
    except (InvalidValue, NotFound) as error:
        raise type(error)(f"{function.name}: {error}") from error


def _number(name: str, value: Any) -> float:
    if not isinstance(value, int | float):
        raise InvalidValue(f"{name} must be a number, got {value!r}")
    return float(value)


def _signed(value: int) -> int:
    """Return 64 bits as SQLite's signed integer."""
    return value - (1 << 64) if value >> 63 else value
