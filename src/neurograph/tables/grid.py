"""Table-valued functions over space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .function import Argument, Function

if TYPE_CHECKING:
    from ..database import Database

_POINT = (Argument("x"), Argument("y"), Argument("z"))
_FOUND = (("id", "integer"), ("distance", "real"))


def _near(db: Database, token: int | str, k: int, level: str | None) -> Sequence[Any]:
    return list(db.grid.neighbors(token, k, level=level))


def _in_range(db: Database, level: str, x: float, y: float, z: float, radius: float) -> Sequence[Any]:
    return list(db.grid.in_range((x, y, z), radius, level=level))


def _density(db: Database, level: str, x: float, y: float, z: float, radius: float) -> Sequence[Any]:
    return [(db.grid.density((x, y, z), radius, level=level),)]


def _influence(db: Database, level: str, x: float, y: float, z: float, radius: float, falloff: str) -> Sequence[Any]:
    return [(db.grid.influence((x, y, z), level=level, radius=radius, falloff=falloff),)]


GRID_FUNCTIONS = (
    Function(
        "ng_near",
        _FOUND,
        (Argument("token"), Argument("k", 10), Argument("level", None)),
        _near,
        rows=10,
        order=("distance", "id"),
    ),
    Function(
        "ng_in_range",
        _FOUND,
        (Argument("level"), *_POINT, Argument("radius")),
        _in_range,
        rows=50,
        order=("distance", "id"),
    ),
    Function("ng_density", (("value", "real"),), (Argument("level"), *_POINT, Argument("radius")), _density, rows=1),
    Function(
        "ng_influence",
        (("value", "real"),),
        (Argument("level"), *_POINT, Argument("radius", float("inf")), Argument("falloff", "linear")),
        _influence,
        rows=1,
    ),
)
