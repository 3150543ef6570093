"""The originals' constitution (CDNA 2.1) in 384 bytes, both ways, from and to the columns of the table `cdna`.

1. Encoding what was decoded gives the same bytes: `decode` refuses what `encode` would not write, down to a byte
   in a reserved place.
2. The checksum is FNV-1a (64 bits) over all bytes but its own eight.
3. Reals are 32-bit floats in the record: `decode` gives the float32 value exactly, so 0.01 reads as
   0.009999999776482582. Field radii are steps of 0.01 and field strengths steps of 1/255, as in token records.
4. The record has no place for the limits of pull, and only for the first 64 connection types: encoding is refused
   unless all others are allowed, and decoding allows them.
5. This is layout. Whether the limits make sense together is the constitution's own check.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from ..errors import InvalidValue
from ..model.levels import LEVELS
from .edge_id import fnv1a_64
from .fields import (
    NANOSECONDS,
    UINT8,
    UINT32,
    UNIT_STEPS,
    finite,
    float32,
    record_of,
    seconds,
    steps,
    whole,
)
from .token64 import RADIUS_STEPS

RECORD_BYTES = 384
MAGIC = 0x434E4441
VERSION = (2, 1)
CHECKSUM_AT = slice(40, 48)
RECORD_TYPES = 64
"""Connection types the record has a bit for."""
ALL_TYPES = 256
GREATEST_S = (2**63 - 1) // NANOSECONDS
"""The last second whose nanoseconds fit an int64."""

RESERVED = ((36, 40), (48, 64), (176, 192), (220, 256), (272, 288), (312, 352), (372, 384))
FLAGS = ("validation", "events", "mutation", "strict")
"""The columns of the record's flags, bit 0 first."""

# Header 64, grid 128, topology 64, token 32, connection 64, evolution 32 bytes.
_LAYOUT = struct.Struct("<IHHQQIII4xQ16x 8B8B8f8f8f16x QIIIff36x ffHHHH16x fffff f40x fffIf12x")

_REMEDY = "; the record holds no other"

FIELDS: tuple[tuple[str, str], ...] = (
    *((f"dimension_flags_{level}", "byte") for level in LEVELS),
    *((f"scale_{level}", "real") for level in LEVELS),
    *((f"bucket_{level}", "real") for level in LEVELS),
    *((f"field_strength_limit_{level}", "real") for level in LEVELS),
    ("allowed_types", "types"),
    ("max_out_degree", "uint32"),
    ("max_in_degree", "uint32"),
    ("max_total_degree", "uint32"),
    ("min_edge_weight", "real"),
    ("max_edge_weight", "real"),
    ("min_token_weight", "real"),
    ("max_token_weight", "real"),
    ("min_field_radius", "radius"),
    ("max_field_radius", "radius"),
    ("min_field_strength", "unit"),
    ("max_field_strength", "unit"),
    ("min_connection_weight", "real"),
    ("max_connection_weight", "real"),
    ("min_rigidity", "real"),
    ("max_rigidity", "real"),
    ("default_pull", "real"),
    ("decay_rate", "real"),
    ("mutation_rate", "real"),
    ("crossover_rate", "real"),
    ("selection_pressure", "real"),
    ("evolution_flags", "uint32"),
    ("trace_sample_rate", "real"),
)
"""Name and kind of the fields after the record's header and dimension ids, in the record's order."""

COLUMNS: tuple[str, ...] = (
    "profile_id",
    "profile_state",
    *FLAGS,
    "created_ns",
    "modified_ns",
    *(name for name, _ in FIELDS),
)
"""The keys that `encode` wants and `decode` gives, in this order."""


def checksum(record: bytes) -> int:
    """Return the checksum that belongs into a record.

    Parameters
    ----------
    record
        384 bytes; the eight at 40 don't matter.

    Returns
    -------
    int
        0 to 2**64 - 1.

    Raises
    ------
    InvalidValue
        If there are not 384 bytes.

    Examples
    --------
    >>> hex(checksum(bytes(384)))
    '0x8eed0e9e13893e85'
    """
    content = record_of(record, RECORD_BYTES)
    return fnv1a_64(content[: CHECKSUM_AT.start] + content[CHECKSUM_AT.stop :])


def encode(fields: Mapping[str, float | str]) -> bytes:
    """Write a constitution as 384 bytes.

    Parameters
    ----------
    fields
        A value for each name of `COLUMNS`, in the units of the table `cdna`; no other key. Flags are 0 or 1, times
        nanoseconds since 1970 (whole seconds in the record, rounded down), `allowed_types` is 256 characters 0 or 1.

    Returns
    -------
    bytes
        384 of them, the checksum included.

    Raises
    ------
    InvalidValue
        If a key is missing or unknown, or a value does not fit; the message names it.

    Notes
    -----
    75 µs, half of it the checksum.
    """
    missing = [name for name in COLUMNS if name not in fields]
    if missing:
        raise InvalidValue(f"fields must have every name of COLUMNS, got none for {', '.join(missing)}")
    unknown = sorted(fields.keys() - set(COLUMNS))
    if unknown:
        raise InvalidValue(f"fields must have no names but those of COLUMNS, got {', '.join(unknown)}")
    record = bytearray(
        _LAYOUT.pack(
            MAGIC,
            *VERSION,
            _time("created_ns", fields),
            _time("modified_ns", fields),
            whole("profile_id", fields["profile_id"], 0, UINT32, remedy=_REMEDY),
            whole("profile_state", fields["profile_state"], 0, UINT32, remedy=_REMEDY),
            sum(whole(name, fields[name], 0, 1) << bit for bit, name in enumerate(FLAGS)),
            0,
            *range(len(LEVELS)),
            *(_encode_field(name, kind, fields[name]) for name, kind in FIELDS),
        )
    )
    record[CHECKSUM_AT] = checksum(bytes(record)).to_bytes(8, "little")
    return bytes(record)


def _time(name: str, fields: Mapping[str, float | str]) -> int:
    return seconds(name, fields[name], greatest=GREATEST_S, remedy="")


def _encode_field(name: str, kind: str, value: float | str) -> float:
    """Return what the record holds for a value."""
    if kind == "byte":
        return whole(name, value, 0, UINT8, remedy=_REMEDY)
    if kind == "uint32":
        return whole(name, value, 0, UINT32, remedy=_REMEDY)
    if kind == "radius":
        return steps(name, value, RADIUS_STEPS, 0, UINT8, remedy=_REMEDY)
    if kind == "unit":
        return steps(name, value, UNIT_STEPS, 0, UINT8, remedy=_REMEDY)
    if kind == "types":
        return _encode_types(name, value)
    return float32(name, value, remedy=_REMEDY)


def _encode_types(name: str, value: float | str) -> int:
    """Return the mask of the first 64 types."""
    if not isinstance(value, str) or len(value) != ALL_TYPES or value.strip("01"):
        raise InvalidValue(f"{name} must be a text of {ALL_TYPES} characters 0 or 1, got {value!r}")
    forbidden = value.find("0", RECORD_TYPES)
    if forbidden >= 0:
        raise InvalidValue(
            f"{name} must allow every type from {RECORD_TYPES} up, got 0 for type {forbidden}; "
            f"the record holds the first {RECORD_TYPES} only"
        )
    return int(value[RECORD_TYPES - 1 :: -1], 2)


def decode(record: bytes) -> dict[str, int | float | str]:
    """Read a constitution from its 384 bytes.

    Parameters
    ----------
    record
        384 bytes.

    Returns
    -------
    dict
        A value for each name of `COLUMNS`, in that order and in the units of the table `cdna`.

    Raises
    ------
    InvalidValue
        If there are not 384 bytes, magic, version or checksum are wrong, a number is not finite or out of range, or
        something stands where the layout has nothing.

    Notes
    -----
    37 µs, most of it the checksum.
    """
    content = record_of(record, RECORD_BYTES)
    magic, major, minor, created_s, modified_s, profile_id, profile_state, flags, found, *raw = _LAYOUT.unpack(content)
    if magic != MAGIC:
        raise InvalidValue(f"magic of the record must be {MAGIC:#010x}, got {magic:#010x}")
    if (major, minor) != VERSION:
        raise InvalidValue(f"version of the record must be {VERSION[0]}.{VERSION[1]}, got {major}.{minor}")
    if found != checksum(content):
        raise InvalidValue(
            f"checksum of the record must be {checksum(content):#018x}, got {found:#018x}; the record is damaged"
        )
    for start, end in RESERVED:
        if any(content[start:end]):
            raise InvalidValue(f"bytes {start}..{end - 1} of the record must be 0, got {content[start:end].hex()}")
    dimensions, values = raw[: len(LEVELS)], raw[len(LEVELS) :]
    if dimensions != list(range(len(LEVELS))):
        raise InvalidValue(f"dimension ids of the record must be 0 to 7 in order, got {dimensions}")
    whole("flags of the record", flags, 0, (1 << len(FLAGS)) - 1)
    return {
        "profile_id": profile_id,
        "profile_state": profile_state,
        **{name: flags >> bit & 1 for bit, name in enumerate(FLAGS)},
        "created_ns": whole("created_at of the record", created_s, 0, GREATEST_S) * NANOSECONDS,
        "modified_ns": whole("modified_at of the record", modified_s, 0, GREATEST_S) * NANOSECONDS,
        **{name: _decode_field(name, kind, value) for (name, kind), value in zip(FIELDS, values, strict=True)},
    }


def _decode_field(name: str, kind: str, raw: float) -> int | float | str:
    """Return the value that the record's number stands for."""
    if kind == "real":
        return finite(f"{name} of the record", raw)
    if kind == "radius":
        return whole(f"{name} of the record", raw, 0, UINT8) / RADIUS_STEPS
    if kind == "unit":
        return whole(f"{name} of the record", raw, 0, UINT8) / UNIT_STEPS
    if kind == "types":
        return f"{raw:064b}"[::-1] + "1" * (ALL_TYPES - RECORD_TYPES)
    return raw
