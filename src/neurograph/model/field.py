"""The records of space: a field, and what a level holds."""

from __future__ import annotations

from typing import NamedTuple


class Field(NamedTuple):
    """A connected region of a level where tokens influence one another."""

    center: tuple[float, float, float]
    """The mean of the tokens' places, by weight."""
    radius: float
    """Distance from the center to the farthest token."""
    strength: float
    """The mean of the influences at its tokens."""
    node_count: int
    """How many tokens."""
    total_weight: float
    """The sum of their weights."""
    ids: tuple[int, ...]
    """The tokens, ascending."""


class LevelInfo(NamedTuple):
    """What a level holds."""

    level: str
    """Name of the level."""
    token_count: int
    """How many tokens define it."""
    low: tuple[float, float, float] | None
    """The least x, y and z; None where there is no token."""
    high: tuple[float, float, float] | None
    """The greatest x, y and z."""
    scale: float
    """The level's weight in distances over several, from the constitution."""
    bucket: float
    """The constitution's hint of a cell size; it never changes an answer."""
