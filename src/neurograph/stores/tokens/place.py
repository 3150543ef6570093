"""Coordinates as users write them, turned into the 24 columns of a token's row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ...errors import InvalidValue
from ...model.levels import AXES, LEVELS, level_index

Coordinates = Mapping[str, Sequence[float] | None]


def axis_values(coordinates: Coordinates) -> dict[str, float | None]:
    """Return a value for each of the three columns of every level named; None undefines the level."""
    if not isinstance(coordinates, Mapping):
        raise InvalidValue(f"coordinates must map names of levels to (x, y, z), got {coordinates!r}")
    values: dict[str, float | None] = {}
    for name, point in coordinates.items():
        level = LEVELS[level_index(name)]
        for axis, value in zip(AXES, _point(level, point), strict=True):
            values[f"{level}_{axis}"] = value
    return values


def _point(level: str, point: Sequence[float] | None) -> tuple[float, float, float] | tuple[None, None, None]:
    if point is None:
        return None, None, None
    try:
        x, y, z = (float(axis) for axis in point)
    except (TypeError, ValueError):
        raise InvalidValue(f"{level} must be three numbers (x, y, z) or None, got {point!r}") from None
    if not (math.isfinite(x) and math.isfinite(y) and math.isfinite(z)):
        raise InvalidValue(
            f"{level} must be three finite numbers, got {point!r}; None leaves the level undefined"
        )
    return x, y, z
