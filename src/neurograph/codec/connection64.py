"""The originals' connection in 64 bytes, both ways.

1. The record keeps the smaller id first and so can't say in which direction a connection runs. `encode` says
   whether it swapped the two, and `decode` swaps them back when told; the record alone does not know.
2. Source and target are 32-bit ids as token records hold them (`token64.compose_id`), and differ.
3. Rates, rigidity and confidence are bytes of 255 steps; pull and distance are 32-bit floats, times seconds.
4. What a connection aims at is the first axis of each level, in that axis's steps; 127 is a value there.
5. The record holds neither the edge's weight nor its key. Encoding what was decoded gives the same bytes, but
   for two bytes of padding and for ids that were not in order.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from ..errors import IdNotRepresentable, InvalidValue
from ..model.levels import AXIS_SCALES, LEVELS
from ..model.vocabulary import CONNECTION_TYPES, HYPOTHESIS
from .fields import (
    CLIP,
    INT16,
    NANOSECONDS,
    UINT8,
    UINT16,
    UINT32,
    UNIT_STEPS,
    finite,
    float32,
    integer,
    record_of,
    seconds,
    steps,
    unit_byte,
    whole,
)

RECORD_BYTES = 64
AIM_SCALES = tuple(scales[0] for scales in AXIS_SCALES)
"""Steps per unit of the first axis of each level."""

_LAYOUT = struct.Struct("<IIBBBBIffIIBBHIBB2xI8h")

FIELDS: tuple[tuple[str, str, int], ...] = (
    ("type", "code", len(CONNECTION_TYPES) - 1),
    ("rigidity", "unit", UINT8),
    ("active_levels", "code", UINT8),
    ("flags", "code", UINT8),
    ("activation_count", "count", UINT32),
    ("pull", "real", 0),
    ("preferred_distance", "real", 0),
    ("created_ns", "time", UINT32),
    ("last_activation_ns", "moment", UINT32),
    ("mutability", "code", HYPOTHESIS),
    ("confidence", "unit", UINT8),
    ("evidence_count", "count", UINT16),
    ("modified_ns", "time", UINT32),
    ("learning_rate", "unit", UINT8),
    ("decay_rate", "unit", UINT8),
    ("origin", "code", UINT32),
)
"""Name, kind and greatest raw value of the fields between the ids and the aim, in the record's order."""


class ConnectionRecord(NamedTuple):
    """What one 64-byte record says, in the words and units of the table `connection`."""

    source: int
    """1 to 2**32 - 1, a 32-bit id as token records hold it."""
    target: int
    """1 to 2**32 - 1, not the source."""
    type: int
    """0 to 175; the record holds no type of a user's own."""
    rigidity: float = 0.5
    """0 to 1 in steps of 1/255, as are `confidence`, `learning_rate` and `decay_rate`."""
    active_levels: int = 0
    """Bit n set: level n takes part."""
    flags: int = 0
    """8 bits, named in `model.vocabulary.CONNECTION_FLAGS`."""
    activation_count: int = 0
    """0 to 2**32 - 1."""
    pull: float = 0.5
    preferred_distance: float = 1.0
    created_ns: int = 0
    """Nanoseconds since 1970, whole seconds in the record, as are the other times."""
    last_activation_ns: int | None = None
    """None, and 0 in the record: never."""
    mutability: int = 1
    """0 immutable, 1 learnable, 2 hypothesis."""
    confidence: float = 0.5
    evidence_count: int = 0
    """0 to 65,535."""
    modified_ns: int = 0
    learning_rate: float = 0.125
    decay_rate: float = 0.0625
    origin: int = 0
    """0: by hand, else the number of the proposal."""
    aim: tuple[float, ...] = (0.0,) * len(LEVELS)
    """Eight values, by level, in the units of its first axis."""


def encode(connection: ConnectionRecord, *, clip: bool = False) -> tuple[bytes, bool]:
    """Write one connection as 64 bytes.

    Parameters
    ----------
    connection
        Values in the units of the table; see `ConnectionRecord`.
    clip
        Store the nearest value the record holds instead of refusing: for counters, reals and times. Ids,
        codes and flags stay exact.

    Returns
    -------
    record : bytes
        64 of them.
    swapped : bool
        True: the record's first id is the target.

    Raises
    ------
    IdNotRepresentable
        If an id is 0 or does not fit 32 bits.
    InvalidValue
        If source and target are the same, or another value does not fit; the message names it.

    Examples
    --------
    >>> record, swapped = encode(ConnectionRecord(9, 4, 0x10, rigidity=0.5, confidence=0.5))
    >>> swapped, decode(record).source, decode(record, swapped=swapped).source
    (True, 4, 9)
    """
    return encode_named(f"connection {connection.source!r} to {connection.target!r}", connection, clip)


def encode_named(which: str, connection: ConnectionRecord, clip: bool) -> tuple[bytes, bool]:
    """Write one connection, called `which` in messages."""
    source = _end(f"source of {which}", connection.source)
    target = _end(f"target of {which}", connection.target)
    if source == target:
        raise InvalidValue(f"target of {which} must differ from the source, got {target!r}")
    if len(connection.aim) != len(LEVELS):
        raise InvalidValue(f"aim of {which} must be {len(LEVELS)} values, got {len(connection.aim)}")
    between = [
        _encode_field(f"{name} of {which}", kind, limit, getattr(connection, name), clip)
        for name, kind, limit in FIELDS
    ]
    aim = [
        steps(f"aim of {which} in {level}", value, scale, *INT16, clip=clip)
        for level, value, scale in zip(LEVELS, connection.aim, AIM_SCALES, strict=True)
    ]
    return _LAYOUT.pack(min(source, target), max(source, target), *between, *aim), source > target


def _end(name: str, value: object) -> int:
    end = integer(name, value)
    if not 1 <= end <= UINT32:
        raise IdNotRepresentable(f"{name} must be in 1..{UINT32}, got {end!r}; give ids of token records")
    return end


def _encode_field(name: str, kind: str, limit: int, value: object, clip: bool) -> float:
    """Return what the record holds for a value."""
    if kind == "code":
        return whole(name, value, 0, limit, remedy="; the record holds no other")
    if kind == "count":
        return whole(name, value, 0, limit, clip=clip, remedy=CLIP)
    if kind == "unit":
        return unit_byte(name, value, clip=clip)
    if kind == "real":
        return float32(name, value, clip=clip)
    if kind == "moment" and value is None:
        return 0
    return seconds(name, value, clip=clip)


def decode(record: bytes, *, swapped: bool = False) -> ConnectionRecord:
    """Read one connection from its 64 bytes.

    Parameters
    ----------
    record
        64 bytes.
    swapped
        True: the first id is the target, as `encode` said.

    Returns
    -------
    ConnectionRecord
        Values in the units of the table. Pull and distance are the float32 values of the record, exactly: a
        distance written as 0.01 reads as 0.009999999776482582.

    Raises
    ------
    InvalidValue
        If there are not 64 bytes, an id is 0, both are the same, a type or mutability is unknown, or a number
        is not finite.

    Examples
    --------
    >>> record = bytes.fromhex("01000000 02000000 50800000") + bytes(52)
    >>> decode(record).type, decode(record).last_activation_ns
    (80, None)
    """
    return decode_named("record", record_of(record, RECORD_BYTES), swapped)


def decode_named(which: str, record: bytes, swapped: bool) -> ConnectionRecord:
    """Read one connection from a record called `which` in messages."""
    first, second, *raw = _LAYOUT.unpack(record)
    if first == 0 or second == 0:
        raise InvalidValue(f"ids of {which} must not be 0, got {first} and {second}: that is no token")
    if first == second:
        raise InvalidValue(f"ids of {which} must differ, got {first} twice")
    fields = {
        name: _decode_field(f"{name} of {which}", kind, limit, value)
        for (name, kind, limit), value in zip(FIELDS, raw, strict=False)
    }
    return ConnectionRecord(
        source=second if swapped else first,
        target=first if swapped else second,
        **fields,
        aim=tuple(value / scale for value, scale in zip(raw[len(FIELDS) :], AIM_SCALES, strict=True)),
    )


def _decode_field(name: str, kind: str, limit: int, raw: float) -> Any:
    """Return the value that the record's number stands for."""
    if kind == "code":
        return whole(name, raw, 0, limit, remedy="; the record is damaged, or of another version")
    if kind == "unit":
        return raw / UNIT_STEPS
    if kind == "real":
        return finite(name, raw)
    if kind == "moment" and raw == 0:
        return None
    return raw if kind == "count" else raw * NANOSECONDS
