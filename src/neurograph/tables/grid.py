"""Table-valued functions over space."""

from __future__ import annotations

from .function import NAME, NUMBER, TEXT, TOKEN, WHOLE, Argument, Function

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..database import Database
    from .answer import Found

_POINT = (Argument("x", NUMBER), Argument("y", NUMBER), Argument("z", NUMBER))
_FOUND = (("id", "integer"), ("distance", "real"))


def _near(db: Database, token: int | str, k: int, level: str | int | None) -> Found:
    return db.grid.neighbors(token, k, level=level)


def _in_range(db: Database, level: str | int, x: float, y: float, z: float, radius: float) -> Found:
    return db.grid.in_range((x, y, z), radius, level=level)


def _density(db: Database, level: str | int, x: float, y: float, z: float, radius: float) -> Found:
    return [(db.grid.density((x, y, z), radius, level=level),)]


def _influence(db: Database, level: str | int, x: float, y: float, z: float, radius: float, falloff: str) -> Found:
    return [(db.grid.influence((x, y, z), level=level, radius=radius, falloff=falloff),)]


GRID_FUNCTIONS = (
    Function(
        "ng_near",
        _FOUND,
        (Argument("token", TOKEN), Argument("k", WHOLE, 10), Argument("level", NAME, None)),
        _near,
        rows=10,
        order=("distance", "id"),
    ),
    Function(
        "ng_in_range",
        _FOUND,
        (Argument("level", NAME), *_POINT, Argument("radius", NUMBER)),
        _in_range,
        rows=50,
        order=("distance", "id"),
    ),
    Function(
        "ng_density",
        (("value", "real"),),
        (Argument("level", NAME), *_POINT, Argument("radius", NUMBER)),
        _density,
        rows=1,
    ),
    Function(
        "ng_influence",
        (("value", "real"),),
        (
            Argument("level", NAME),
            *_POINT,
            Argument("radius", NUMBER, float("inf")),
            Argument("falloff", TEXT, "linear"),
        ),
        _influence,
        rows=1,
    ),
)
