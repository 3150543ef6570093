"""A connection's values as users write them, turned into the columns of its row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ...errors import InvalidValue
from ...model.connection import AIM_COLUMNS
from ...model.levels import LEVELS, level_index
from ...model.names import unknown_name
from ...model.vocabulary import CONNECTION_FLAGS, MUTABILITIES
from ..arguments import real, truth, whole

Levels = int | str | Iterable[str | int]
Flags = int | str | Iterable[str]
Aim = Mapping[str, float] | Sequence[float]

BIDIRECTIONAL = CONNECTION_FLAGS["bidirectional"]


def level_mask(levels: Levels) -> int:
    """Return eight bits, one a level, of names of levels, or of a mask as it is."""
    if isinstance(levels, str):
        levels = (levels,)
    if isinstance(levels, Iterable):
        mask = 0
        for level in levels:
            mask |= 1 << level_index(level)
        return mask
    return whole(levels, "active_levels", 0, 0xFF)


def flag_bits(flags: Flags) -> int:
    """Return eight bits of names of flags, or of a number as it is."""
    if isinstance(flags, str):
        flags = (flags,)
    if isinstance(flags, Iterable):
        bits = 0
        for name in flags:
            if name not in CONNECTION_FLAGS:
                raise unknown_name("flag", name, CONNECTION_FLAGS)
            bits |= CONNECTION_FLAGS[name]
        return bits
    return whole(flags, "flags", 0, 0xFF)


def mutability_code(mutability: str | int) -> int:
    """Return 0 (immutable), 1 (learnable) or 2 (hypothesis)."""
    if isinstance(mutability, str):
        if mutability not in MUTABILITIES:
            raise unknown_name("mutability", mutability, MUTABILITIES)
        return MUTABILITIES.index(mutability)
    return whole(mutability, "mutability", 0, len(MUTABILITIES) - 1)


def aim_values(aim: Aim) -> tuple[float, ...]:
    """Return a value for each level: of eight numbers, or of a mapping from levels, 0 for those left out."""
    if isinstance(aim, Mapping):
        values = [0.0] * len(LEVELS)
        for level, value in aim.items():
            values[level_index(level)] = real(value, f"aim in {level}")
        return tuple(values)
    if isinstance(aim, str | bytes) or not hasattr(aim, "__len__") or len(aim) != len(LEVELS):
        raise InvalidValue(f"aim must be {len(LEVELS)} numbers or a mapping from levels, got {aim!r}")
    return tuple(real(value, f"aim in {level}") for level, value in zip(LEVELS, aim, strict=True))


REALS: dict[str, tuple[float, float]] = {
    "rigidity": (0.0, 1.0),
    "pull": (-float("inf"), float("inf")),
    "preferred_distance": (0.01, 100.0),
    "confidence": (0.0, 1.0),
    "learning_rate": (0.0, 1.0),
    "decay_rate": (0.0, 1.0),
}
"""The range of each real column; the constitution may narrow two of them."""

_OTHERS: dict[str, Callable[[Any], int]] = {
    "active_levels": level_mask,
    "flags": flag_bits,
    "mutability": mutability_code,
    "origin": lambda origin: whole(origin, "origin"),
}


def column_values(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a value for each column of what was given; None was not given."""
    values: dict[str, Any] = {}
    for name, value in given.items():
        if value is None:
            continue
        if name == "aim":
            values.update(zip(AIM_COLUMNS, aim_values(value), strict=True))
        elif name in REALS:
            values[name] = real(value, name, *REALS[name])
        else:
            values[name] = _OTHERS[name](value)
    return values


def with_direction(values: dict[str, Any], bidirectional: bool | None) -> bool | None:
    """Make flags and direction say the same; return the direction that was asked for, if any."""
    if bidirectional is not None:
        both = truth(bidirectional, "bidirectional")
        if "flags" in values:
            if values["flags"] & BIDIRECTIONAL and not both:
                raise InvalidValue("bidirectional must not be False where the flags have its bit set")
            values["flags"] |= BIDIRECTIONAL * both
        return both
    return True if values.get("flags", 0) & BIDIRECTIONAL else None
