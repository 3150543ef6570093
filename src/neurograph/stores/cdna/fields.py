"""A constitution's fields as users write them, checked and turned into columns.

1. A name that is no field raises at once; a value that is refused is an error in words, so that all are told together.
2. What is refused here is what the CHECKs of the schema refuse, no more and no less.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import InvalidValue, UnknownName
from ...model.constitution import (
    CREATIVE_TEMPORAL_SCALE,
    FIELDS,
    FLAGS,
    PAIRS,
    PROFILES,
    RANGES,
    SCALE_LIMITS,
    TYPE_TEXT_LENGTH,
    WHOLE,
    Value,
)
from ...model.levels import LEVELS, level_index
from ...model.names import unknown_name
from ...model.vocabulary import CONNECTION_TYPE_CODES, CONNECTION_TYPES
from ..arguments import real, whole

GROUPS = {
    "scales": "scale",
    "buckets": "bucket",
    "field_strength_limits": "field_strength_limit",
    "dimension_flags": "dimension_flags",
}
"""Arguments that set a field of several levels: eight values in the order of the levels, or level → value."""

CAUTION, DANGER = 0.5, 0.75
"""Shares of a scale's limit beyond which it is warned of."""


@dataclass(frozen=True, slots=True)
class Checked:
    """Fields after checking: all of them, the names of those that were given, and what is wrong with them."""

    fields: dict[str, Value]
    given: tuple[str, ...]
    errors: tuple[str, ...]

    def sound(self) -> dict[str, Value]:
        """Return the fields, or raise what is wrong with them."""
        if self.errors:
            raise InvalidValue("; ".join(self.errors))
        return self.fields


def checked(base: Mapping[str, Value], given: Mapping[str, Any]) -> Checked:
    """Return the fields of `base` with those in `given` laid over them, each checked, then all together."""
    errors: list[str] = []
    fields = dict(base)
    columns = _columns(given, errors)
    for name, value in columns.items():
        try:
            fields[name] = _value(name, value)
        except InvalidValue as error:
            errors.append(str(error))
    for low, high in PAIRS:
        if fields[low] > fields[high]:  # type: ignore[operator]
            errors.append(f"{low} must be at most {high}, got {fields[low]!r} and {fields[high]!r}")
    temporal = float(fields["scale_temporal"])
    if temporal > SCALE_LIMITS["temporal"] and fields["profile_id"] != PROFILES["creative"]:
        limit = SCALE_LIMITS["temporal"]
        errors.append(f"scale_temporal must be in [0, {limit:g}] unless the profile is 'creative', got {temporal!r}")
    return Checked(fields, tuple(columns), tuple(errors))


def warnings_of(fields: Mapping[str, Value], names: Iterable[str]) -> tuple[str, ...]:
    """Return what is unwise about the scales among `names`."""
    found = []
    for name in names:
        level = name.removeprefix("scale_")
        if level in SCALE_LIMITS and name != level:
            value, limit = float(fields[name]), SCALE_LIMITS[level]
            grade = "danger" if value > DANGER * limit else "caution" if value > CAUTION * limit else None
            if grade:
                share = DANGER if grade == "danger" else CAUTION
                found.append(f"{grade}: {name} is {value:g}, over {share:.0%} of its limit {limit:g}")
    return tuple(found)


def _columns(given: Mapping[str, Any], errors: list[str]) -> dict[str, Any]:
    """Return column → value as given, groups taken apart."""
    columns: dict[str, Any] = {}
    for name, value in given.items():
        try:
            if name in GROUPS:
                found = _by_level(name, value)
            elif name == "flags":
                found = _flags(value)
            elif name == "allowed_types":
                found = {name: _allowed_types(value)}
            elif name in FIELDS:
                found = {name: value}
            else:
                raise unknown_name("field", name, (*FIELDS, *GROUPS, "flags"))
        except InvalidValue as error:
            errors.append(str(error))
            continue
        errors += [f"{column} must be given once, got it in {name!r} too" for column in found if column in columns]
        columns |= found
    return columns


def _value(name: str, value: Any) -> Value:
    """Return the value of one column as SQLite will hold it."""
    if name == "allowed_types":
        return str(value)
    if name in FLAGS:
        if not isinstance(value, bool | int) or value not in (0, 1):
            raise InvalidValue(f"{name} must be True or False, got {value!r}")
        return bool(value)
    low, high = RANGES[name]
    if name in WHOLE:
        return whole(value, name, int(low), int(high))
    if name == "scale_temporal":
        high = CREATIVE_TEMPORAL_SCALE if value == CREATIVE_TEMPORAL_SCALE else high
    return real(value, name, low, high) + 0.0  # SQLite keeps no negative zero


def _by_level(name: str, values: Any) -> dict[str, Any]:
    if isinstance(values, Mapping):
        return {f"{GROUPS[name]}_{LEVELS[level_index(level)]}": value for level, value in values.items()}
    try:
        if isinstance(values, str | bytes):
            raise TypeError
        listed = list(values)
    except TypeError:
        raise InvalidValue(f"{name} must be eight values or a mapping of levels, got {values!r}") from None
    if len(listed) != len(LEVELS):
        raise InvalidValue(f"{name} must have a value for each of the eight levels, got {len(listed)}")
    return {f"{GROUPS[name]}_{level}": value for level, value in zip(LEVELS, listed, strict=True)}


def _flags(value: Any) -> dict[str, bool]:
    """Return all four flags: those named, or those whose bit is set, are on."""
    if isinstance(value, int) and not isinstance(value, bool):
        bits = whole(value, "flags", 0, (1 << len(FLAGS)) - 1)
        return {name: bool(bits >> place & 1) for place, name in enumerate(FLAGS)}
    if isinstance(value, str | bytes | bool) or not isinstance(value, Iterable):
        raise InvalidValue(f"flags must be a set of names or four bits, got {value!r}")
    names = set(value)
    for name in names - set(FLAGS):
        raise unknown_name("flag", name, FLAGS)
    return {name: name in names for name in FLAGS}


def _allowed_types(value: Any) -> str:
    """Return the text for a set of names or codes; codes that no type has stay allowed, as the 384-byte record asks."""
    if isinstance(value, str) and len(value) == TYPE_TEXT_LENGTH and not value.strip("01"):
        return value
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise InvalidValue(
            f"allowed_types must be a set of names and codes, or {TYPE_TEXT_LENGTH} characters 0 or 1, got {value!r}"
        )
    codes = {reserved_type(name) for name in value}
    return "".join("1" if code in codes or code >= len(CONNECTION_TYPES) else "0" for code in range(TYPE_TEXT_LENGTH))


def reserved_type(name: Any) -> int:
    """Return the code of a connection type below 256, given as name or code."""
    if isinstance(name, str):
        code = CONNECTION_TYPE_CODES.get(name)
        if code is None:
            error = unknown_name("connection type", name, CONNECTION_TYPES)
            raise UnknownName(f"{error}; types of your own are switched by allow_type and forbid_type")
        return code
    try:
        if isinstance(name, bool):
            raise TypeError
        code = operator.index(name)
    except TypeError:
        raise InvalidValue(f"a connection type must be a name or a code, got {name!r}") from None
    if not 0 <= code < TYPE_TEXT_LENGTH:
        raise InvalidValue(f"codes of allowed_types must be in [0, 255], got {code}; use allow_type for your own")
    return code
