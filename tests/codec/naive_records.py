"""The records read byte by byte, each field at the offset and of the size that the originals' table gives it."""

from __future__ import annotations

import struct
from fractions import Fraction

X_SCALES = (100, 10_000, 1000, 10_000, 10_000, 10_000, 100, 10_000)
TEMPORAL_Z_SCALE = 1000


def unsigned(record: bytes, offset: int, size: int) -> int:
    return int.from_bytes(record[offset : offset + size], "little")


def signed(record: bytes, offset: int, size: int) -> int:
    return int.from_bytes(record[offset : offset + size], "little", signed=True)


def float32(record: bytes, offset: int) -> float:
    (value,) = struct.unpack("<f", record[offset : offset + 4])
    return value


def scale_of(level: int, axis: int) -> int:
    return TEMPORAL_Z_SCALE if (level, axis) == (6, 2) else X_SCALES[level]


def token(record: bytes) -> dict[str, object]:
    """Return the fields of a 64-byte token."""
    identity, flags = unsigned(record, 48, 4), unsigned(record, 52, 2)
    coordinates = []
    for level in range(8):
        raw = [signed(record, 6 * level + 2 * axis, 2) for axis in range(3)]
        point = tuple(value / scale_of(level, axis) for axis, value in enumerate(raw))
        coordinates.append(None if raw[0] == 127 else point)
    entity_type, in_flags = identity // 2**24 % 16, flags // 256 % 16
    return {
        "id": identity % 2**24,
        "entity_type": entity_type,
        "domain": identity // 2**28,
        "flags": flags - 256 * in_flags,
        "weight": float32(record, 54),
        "field_radius": record[58] / 100,
        "field_strength": record[59] / 255,
        "coordinates": tuple(coordinates),
        "created_ns": unsigned(record, 60, 4) * 10**9,
        "type_in_flags": None if in_flags == entity_type else in_flags,
    }


def connection(record: bytes) -> dict[str, object]:
    """Return the fields of a 64-byte connection."""
    last_s = unsigned(record, 28, 4)
    return {
        "source": unsigned(record, 0, 4),
        "target": unsigned(record, 4, 4),
        "type": record[8],
        "rigidity": record[9] / 255,
        "active_levels": record[10],
        "flags": record[11],
        "activation_count": unsigned(record, 12, 4),
        "pull": float32(record, 16),
        "preferred_distance": float32(record, 20),
        "created_ns": unsigned(record, 24, 4) * 10**9,
        "last_activation_ns": last_s * 10**9 if last_s else None,
        "mutability": record[32],
        "confidence": record[33] / 255,
        "evidence_count": unsigned(record, 34, 2),
        "modified_ns": unsigned(record, 36, 4) * 10**9,
        "learning_rate": record[40] / 255,
        "decay_rate": record[41] / 255,
        "origin": unsigned(record, 44, 4),
        "aim": tuple(signed(record, 48 + 2 * level, 2) / X_SCALES[level] for level in range(8)),
    }


def constitution(record: bytes) -> dict[str, object]:
    """Return the fields of the 384-byte constitution."""
    levels = ("physical", "sensory", "motor", "emotional", "cognitive", "social", "temporal", "abstract")
    flags, mask = unsigned(record, 32, 4), unsigned(record, 192, 8)
    fields: dict[str, object] = {
        "profile_id": unsigned(record, 24, 4),
        "profile_state": unsigned(record, 28, 4),
        "validation": flags & 1,
        "events": flags >> 1 & 1,
        "mutation": flags >> 2 & 1,
        "strict": flags >> 3 & 1,
        "created_ns": unsigned(record, 8, 8) * 10**9,
        "modified_ns": unsigned(record, 16, 8) * 10**9,
        "allowed_types": "".join("1" if mask >> bit & 1 else "0" for bit in range(64)) + "1" * 192,
        "min_field_radius": unsigned(record, 264, 2) / 100,
        "max_field_radius": unsigned(record, 266, 2) / 100,
        "min_field_strength": unsigned(record, 268, 2) / 255,
        "max_field_strength": unsigned(record, 270, 2) / 255,
        "evolution_flags": unsigned(record, 364, 4),
    }
    for place, level in enumerate(levels):
        fields[f"dimension_flags_{level}"] = record[72 + place]
        fields[f"scale_{level}"] = float32(record, 80 + 4 * place)
        fields[f"bucket_{level}"] = float32(record, 112 + 4 * place)
        fields[f"field_strength_limit_{level}"] = float32(record, 144 + 4 * place)
    for offset, name in ((200, "max_out_degree"), (204, "max_in_degree"), (208, "max_total_degree")):
        fields[name] = unsigned(record, offset, 4)
    for offset, name in (
        (212, "min_edge_weight"),
        (216, "max_edge_weight"),
        (256, "min_token_weight"),
        (260, "max_token_weight"),
        (288, "min_connection_weight"),
        (292, "max_connection_weight"),
        (296, "min_rigidity"),
        (300, "max_rigidity"),
        (304, "default_pull"),
        (308, "decay_rate"),
        (352, "mutation_rate"),
        (356, "crossover_rate"),
        (360, "selection_pressure"),
        (368, "trace_sample_rate"),
    ):
        fields[name] = float32(record, offset)
    return fields


def fnv1a_64(content: bytes) -> int:
    value = 14695981039346656037
    for byte in content:
        value = ((value ^ byte) * 1099511628211) % 2**64
    return value


def nearest_step(value: float, scale: int) -> int:
    """Return the step nearest to the product as float64 has it, ties to even, in exact arithmetic."""
    return round(Fraction(value * scale))
