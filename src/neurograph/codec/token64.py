"""The originals' token in 64 bytes, both ways.

Layout, little-endian, without padding: 24 coordinates (int16, level-major), id (uint32), flags (uint16),
weight (float32), field radius and strength (a byte each), time (uint32, seconds since 1970).

1. A coordinate is kept in steps of its axis (`model.levels.AXIS_SCALES`), to the nearest step, ties to even.
2. A level is undefined when its x is the raw value 127; all three axes are then written as 127. In y and z of
   a defined level 127 is a value like any other.
3. An x that would become 127 in a defined level is refused, or moved to the nearer of 126 and 128, in a tie
   to 126.
4. The id is composed of domain (4 bits), entity type (4 bits) and the token's id (24 bits); bits 8 to 11 of
   the flags hold an entity type too, and nothing in the originals makes the two agree.
5. Encoding what was decoded gives the same bytes, unless an undefined level held other values in y or z.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import IdNotRepresentable, InvalidValue
from ..model.levels import AXES, AXIS_SCALES, LEVELS
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
    number,
    record_of,
    seconds,
    steps,
    unit_byte,
    whole,
)

RECORD_BYTES = 64
UNDEFINED = 127
"""The raw x of a level that is not defined."""
RADIUS_STEPS = 100
GREATEST_LOCAL_ID = 0xFF_FFFF
GREATEST_NIBBLE = 0xF
TYPE_BITS = 0x0F00

_LAYOUT = struct.Struct("<24hIHfBBI")

Point = Sequence[float] | None
"""x, y and z in the units of the level, or None where the level is undefined."""


class TokenRecord(NamedTuple):
    """What one 64-byte record says, in the words and units of the table `token`."""

    id: int
    """The part of the id that is the token's own, 0 to 16,777,215."""
    entity_type: int
    """0 to 15, as the id says."""
    domain: int
    """0 to 15."""
    flags: int
    """16 bits, of which 8 to 11 are 0."""
    weight: float
    field_radius: float
    """0 to 2.55 in steps of 0.01."""
    field_strength: float
    """0 to 1 in steps of 1/255."""
    coordinates: tuple[Point, ...]
    """Eight points, or None for an undefined level."""
    created_ns: int
    """Nanoseconds since 1970, whole seconds in the record."""
    type_in_flags: int | None = None
    """The entity type in the flags where it differs from the one in the id, else None."""

    @property
    def legacy_id(self) -> int:
        """The 32-bit id of the record."""
        return compose_id(self.id, self.entity_type, self.domain)


def compose_id(token_id: int, entity_type: int, domain: int) -> int:
    """Compose the originals' 32-bit id.

    Parameters
    ----------
    token_id
        0..16,777,215.
    entity_type, domain
        0..15.

    Returns
    -------
    int
        ``domain << 28 | entity_type << 24 | token_id``, never 0.

    Raises
    ------
    IdNotRepresentable
        If `token_id` does not fit 24 bits, or all three are 0, which means "no token".
    InvalidValue
        If `entity_type` or `domain` is a user's own, or something is no integer.

    Examples
    --------
    >>> hex(compose_id(1, 5, 2))
    '0x25000001'
    """
    return _compose_id(f"token {token_id!r}", token_id, entity_type, domain)


def _compose_id(which: str, token_id: object, entity_type: object, domain: object) -> int:
    kind = whole(f"entity_type of {which}", entity_type, 0, GREATEST_NIBBLE, remedy="; the record holds no other")
    area = whole(f"domain of {which}", domain, 0, GREATEST_NIBBLE, remedy="; the record holds no other")
    local = integer(f"id of {which}", token_id)
    if not 0 <= local <= GREATEST_LOCAL_ID:
        raise IdNotRepresentable(
            f'id of {which} must be in 0..{GREATEST_LOCAL_ID}, got {local!r}; pass ids="remap" to number anew'
        )
    composite = area << 28 | kind << 24 | local
    if composite == 0:
        raise IdNotRepresentable(f"id of {which} must not be 0 with entity type and domain 0: that is no token")
    return composite


def split_id(legacy_id: int) -> tuple[int, int, int]:
    """Split the originals' 32-bit id.

    Parameters
    ----------
    legacy_id
        1 to 2**32 - 1.

    Returns
    -------
    tuple of int
        The token's own id, entity type, domain.

    Raises
    ------
    InvalidValue
        If it is 0 (no token) or does not fit 32 bits.

    Examples
    --------
    >>> split_id(0x25000001)
    (1, 5, 2)
    """
    value = whole("legacy_id", legacy_id, 1, UINT32)
    return value & GREATEST_LOCAL_ID, value >> 24 & GREATEST_NIBBLE, value >> 28


def encode(token: TokenRecord, *, clip: bool = False) -> bytes:
    """Write one token as 64 bytes.

    Parameters
    ----------
    token
        Values in the units of the table; see `TokenRecord`. A point of three NaN is an undefined level too.
    clip
        Store the nearest value the record holds instead of refusing: for coordinates, weight, radius,
        strength and time. A level with NaN in one or two axes becomes undefined. Ids and flags stay exact.

    Returns
    -------
    bytes
        64 of them.

    Raises
    ------
    IdNotRepresentable
        If the id does not fit 24 bits.
    InvalidValue
        If another value does not fit; the message names token, level, axis, value and limit.

    Examples
    --------
    >>> place = (None,) * 3 + ((0.6, 0.2, 0.1),) + (None,) * 4
    >>> record = encode(TokenRecord(7, 5, 0, 1, 0.5, 1.0, 1.0, place, 1_700_000_000_000_000_000))
    >>> len(record), decode(record).coordinates[3]
    (64, (0.6, 0.2, 0.1))
    """
    return encode_named(f"token {token.id!r}", token, clip)


def encode_named(which: str, token: TokenRecord, clip: bool) -> bytes:
    """Write one token, called `which` in messages."""
    composite = _compose_id(which, token.id, token.entity_type, token.domain)
    flags = whole(f"flags of {which}", token.flags, 0, UINT16)
    if flags & TYPE_BITS:
        raise InvalidValue(
            f"flags of {which} must have bits 8 to 11 clear, got {flags:#06x}; they are the entity type's"
        )
    kind = token.entity_type
    if token.type_in_flags is not None:
        kind = whole(f"type_in_flags of {which}", token.type_in_flags, 0, GREATEST_NIBBLE)
    if len(token.coordinates) != len(LEVELS):
        raise InvalidValue(f"coordinates of {which} must be {len(LEVELS)} points, got {len(token.coordinates)}")
    raw: list[int] = []
    for level, point in enumerate(token.coordinates):
        raw += _encode_point(which, level, point, clip)
    return _LAYOUT.pack(
        *raw,
        composite,
        flags | kind << 8,
        float32(f"weight of {which}", token.weight, clip=clip),
        steps(f"field_radius of {which}", token.field_radius, RADIUS_STEPS, 0, UINT8, clip=clip),
        unit_byte(f"field_strength of {which}", token.field_strength, clip=clip),
        seconds(f"created_ns of {which}", token.created_ns, clip=clip),
    )


def _encode_point(which: str, level: int, point: Point, clip: bool) -> tuple[int, int, int]:
    undefined = (UNDEFINED, UNDEFINED, UNDEFINED)
    if point is None:
        return undefined
    if len(point) != len(AXES):
        raise InvalidValue(f"{LEVELS[level]} of {which} must have 3 axes, got {len(point)}")
    names = [f"{LEVELS[level]} {axis} of {which}" for axis in AXES]
    unset = [isinstance(value, float) and math.isnan(value) for value in point]
    if all(unset) or (any(unset) and clip):
        return undefined
    if any(unset):
        raise InvalidValue(f"{names[unset.index(True)]} must be set, got nan; a level is defined by all three axes")
    scales = AXIS_SCALES[level]
    x, y, z = (
        steps(name, value, scale, *INT16, clip=clip) for name, value, scale in zip(names, point, scales, strict=True)
    )
    if x == UNDEFINED:
        if not clip:
            raise InvalidValue(
                f"{names[0]} must not be nearest to {UNDEFINED / scales[0]!r}, got {point[0]!r}; "
                f"the record reads that as undefined{CLIP}"
            )
        x = UNDEFINED + (1 if number(names[0], point[0]) * scales[0] > UNDEFINED else -1)
    return x, y, z


def decode(record: bytes) -> TokenRecord:
    """Read one token from its 64 bytes.

    Parameters
    ----------
    record
        64 bytes.

    Returns
    -------
    TokenRecord
        Values in the units of the table. The weight is the float32 of the record, exactly.

    Raises
    ------
    InvalidValue
        If there are not 64 bytes, the id is 0, or the weight is not finite.

    Examples
    --------
    >>> decode(bytes(48) + bytes.fromhex("01000001 0100 0000003f ff ff 00f15365")).legacy_id
    16777217
    """
    return decode_named("record", record_of(record, RECORD_BYTES))


def decode_named(which: str, record: bytes) -> TokenRecord:
    """Read one token from a record called `which` in messages."""
    *raw, composite, flags, weight, radius, strength, time_s = _LAYOUT.unpack(record)
    if composite == 0:
        raise InvalidValue(f"id of {which} must not be 0: that is no token")
    local, kind, domain = split_id(composite)
    in_flags = (flags & TYPE_BITS) >> 8
    return TokenRecord(
        id=local,
        entity_type=kind,
        domain=domain,
        flags=flags & ~TYPE_BITS,
        weight=finite(f"weight of {which}", weight),
        field_radius=radius / RADIUS_STEPS,
        field_strength=strength / UNIT_STEPS,
        coordinates=tuple(
            None
            if raw[3 * level] == UNDEFINED
            else tuple(raw[3 * level + axis] / scale for axis, scale in enumerate(scales))
            for level, scales in enumerate(AXIS_SCALES)
        ),
        created_ns=time_s * NANOSECONDS,
        type_in_flags=None if in_flags == kind else in_flags,
    )
