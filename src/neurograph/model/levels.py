"""The eight levels of the space: their names, axes, units, and what the 64-byte record makes of them.

1. A level's index is its place in `LEVELS`; the same order holds in every array, record and column list.
2. Coordinates are kept in the unit of their axis. A scale is the 64-byte record's steps per unit, no more.
3. A level is defined when all three of its axes are set.
"""

from __future__ import annotations

import operator

from ..errors import InvalidValue, UnknownName
from .names import unknown_name

# name, then for x, y, z: what it measures, unit ("1": a plain number), steps per unit, meaningful range
_TABLE = (
    (
        "physical",
        ("east", "m", 100, -327.67, 327.67),
        ("north", "m", 100, -327.67, 327.67),
        ("height", "m", 100, -327.67, 327.67),
    ),
    (
        "sensory",
        ("salience", "1", 10_000, 0.0, 1.0),
        ("valence", "1", 10_000, -1.0, 1.0),
        ("novelty", "1", 10_000, 0.0, 1.0),
    ),
    (
        "motor",
        ("linear speed", "m/s", 1000, -32.767, 32.767),
        ("acceleration", "m/s2", 1000, -32.767, 32.767),
        ("yaw rate", "rad/s", 1000, -32.767, 32.767),
    ),
    (
        "emotional",
        ("valence", "1", 10_000, -1.0, 1.0),
        ("arousal", "1", 10_000, -1.0, 1.0),
        ("dominance", "1", 10_000, -1.0, 1.0),
    ),
    (
        "cognitive",
        ("load", "1", 10_000, 0.0, 1.0),
        ("abstraction", "1", 10_000, 0.0, 1.0),
        ("certainty", "1", 10_000, 0.0, 1.0),
    ),
    (
        "social",
        ("closeness", "1", 10_000, -1.0, 1.0),
        ("status", "1", 10_000, -1.0, 1.0),
        ("group membership", "1", 10_000, -1.0, 1.0),
    ),
    (
        "temporal",
        ("offset", "s", 100, -327.67, 327.67),
        ("duration", "s", 100, 0.0, 327.67),
        ("frequency", "Hz", 1000, 0.0, 32.767),  # the originals disagree, 100 or 1000; `meta` says ours
    ),
    (
        "abstract",
        ("semantic nearness", "1", 10_000, -1.0, 1.0),
        ("causality", "1", 10_000, -1.0, 1.0),
        ("modality", "1", 10_000, -1.0, 1.0),
    ),
)

LEVELS: tuple[str, ...] = tuple(row[0] for row in _TABLE)
"""The names of the eight levels, L1 to L8; a name's place is the level's index."""

AXES: tuple[str, ...] = ("x", "y", "z")
"""The names of the three axes."""

AXIS_MEANINGS: tuple[tuple[str, ...], ...] = tuple(tuple(axis[0] for axis in row[1:]) for row in _TABLE)
"""What each axis measures, by level and axis."""

AXIS_UNITS: tuple[tuple[str, ...], ...] = tuple(tuple(axis[1] for axis in row[1:]) for row in _TABLE)
"""The unit of each axis, by level and axis; ``"1"`` for a plain number."""

AXIS_SCALES: tuple[tuple[int, ...], ...] = tuple(tuple(axis[2] for axis in row[1:]) for row in _TABLE)
"""The 64-byte record's steps per unit, by level and axis."""

AXIS_RANGES: tuple[tuple[tuple[float, float], ...], ...] = tuple(
    tuple((axis[3], axis[4]) for axis in row[1:]) for row in _TABLE
)
"""Least and greatest value that means something, by level and axis; advice, never a limit."""

COORDINATE_COLUMNS: tuple[str, ...] = tuple(f"{level}_{axis}" for level in LEVELS for axis in AXES)
"""The 24 columns of the table `token`, level-major: ``physical_x``, ``physical_y`` … ``abstract_z``."""

_INDEX = {level: index for index, level in enumerate(LEVELS)}
_INDEX |= {f"l{index + 1}": index for index in range(len(LEVELS))}
_INDEX |= {f"l{index + 1}_{level}": index for index, level in enumerate(LEVELS)}


def level_index(level: str | int) -> int:
    """Return the index of a level.

    Parameters
    ----------
    level
        A name (``"physical"``), a number as the originals write it (``"L1"``), both (``"l1_physical"``), in
        upper or lower case; or the index itself, 0 to 7.

    Returns
    -------
    int
        0 for ``physical`` to 7 for ``abstract``.

    Raises
    ------
    UnknownName
        If no level has that name or index.
    InvalidValue
        If `level` is neither a name nor an integer.

    Examples
    --------
    >>> level_index("emotional"), level_index("L4"), level_index("l4_emotional"), level_index(3)
    (3, 3, 3, 3)
    """
    if isinstance(level, str):
        index = _INDEX.get(level.lower())
        if index is None:
            raise unknown_name("level", level, LEVELS)
        return index
    try:
        if isinstance(level, bool):
            raise TypeError
        index = operator.index(level)
    except TypeError:
        raise InvalidValue(f"level must be a name or an index, got {level!r}; names are {', '.join(LEVELS)}") from None
    if not 0 <= index < len(LEVELS):
        raise UnknownName(f"level must be an index in 0..{len(LEVELS) - 1}, got {level!r}; L1 has index 0")
    return index


def level_columns(level: str | int) -> tuple[str, ...]:
    """Return the names of a level's three columns.

    Parameters
    ----------
    level
        As `level_index` takes it.

    Returns
    -------
    tuple of str
        The columns of x, y and z.

    Raises
    ------
    UnknownName
        If no level has that name or index.
    InvalidValue
        If `level` is neither a name nor an integer.

    Examples
    --------
    >>> level_columns("L4")
    ('emotional_x', 'emotional_y', 'emotional_z')
    """
    first = level_index(level) * len(AXES)
    return COORDINATE_COLUMNS[first : first + len(AXES)]
