"""Records and their values, drawn by hypothesis. Every test with them is settled: same cases at every run."""

from __future__ import annotations

import struct
from typing import Any

import naive_records
from hypothesis import settings
from hypothesis import strategies as st

from neurograph.codec.connection64 import ConnectionRecord
from neurograph.codec.token64 import TokenRecord
from neurograph.model.levels import AXIS_SCALES

settled = settings(deadline=None, derandomize=True, database=None, max_examples=100)

int16 = st.one_of(st.sampled_from([-32768, -127, -1, 0, 1, 126, 127, 128, 32767]), st.integers(-32768, 32767))
uint32 = st.one_of(st.sampled_from([0, 1, 2**32 - 1]), st.integers(0, 2**32 - 1))
byte = st.integers(0, 255)
float32 = st.floats(width=32, allow_nan=False, allow_infinity=False)
unit = st.floats(0, 1)
time_ns = st.integers(0, 2**32 * 10**9 - 1)


@st.composite
def token_bytes(draw: st.DrawFn) -> bytes:
    """Draw a record that an original could have written, undefined levels filled with 127."""
    raw: list[int] = []
    for _ in range(8):
        point = draw(st.tuples(int16, int16, int16))
        raw += [127] * 3 if point[0] == 127 else point
    identity = draw(uint32.filter(bool))
    flags = draw(st.integers(0, 0xFFFF))
    return struct.pack("<24hIHfBBI", *raw, identity, flags, draw(float32), draw(byte), draw(byte), draw(uint32))


@st.composite
def points(draw: st.DrawFn, level: int) -> tuple[float, ...] | None:
    if draw(st.booleans()):
        return None
    scales = AXIS_SCALES[level]
    axes = [draw(st.floats(-32768 / scale, 32767 / scale)) for scale in scales]
    if naive_records.nearest_step(axes[0], scales[0]) == 127:
        axes[0] = 0.0
    return tuple(axes)


@st.composite
def tokens(draw: st.DrawFn) -> TokenRecord:
    """Draw a token whose values the record can hold."""
    return TokenRecord(
        id=draw(st.integers(1, 0xFFFFFF)),
        entity_type=draw(st.integers(0, 15)),
        domain=draw(st.integers(0, 15)),
        flags=draw(st.integers(0, 0xFFFF)) & ~0x0F00,
        weight=draw(st.floats(-1e38, 1e38)),
        field_radius=draw(st.floats(0, 2.55)),
        field_strength=draw(unit),
        coordinates=tuple(draw(points(level)) for level in range(8)),
        created_ns=draw(time_ns),
    )


@st.composite
def connection_bytes(draw: st.DrawFn) -> bytes:
    """Draw a record that an original could have written."""
    first, second = sorted(draw(st.lists(uint32.filter(bool), min_size=2, max_size=2, unique=True)))
    return struct.pack(
        "<IIBBBBIffIIBBHIBBHI8h",
        first,
        second,
        draw(st.integers(0, 0xAF)),
        draw(byte),
        draw(byte),
        draw(byte),
        draw(uint32),
        draw(float32),
        draw(float32),
        draw(uint32),
        draw(uint32),
        draw(st.integers(0, 2)),
        draw(byte),
        draw(st.integers(0, 0xFFFF)),
        draw(uint32),
        draw(byte),
        draw(byte),
        0,
        draw(uint32),
        *draw(st.tuples(*[int16] * 8)),
    )


@st.composite
def connections(draw: st.DrawFn) -> ConnectionRecord:
    """Draw a connection whose values the record can hold."""
    source, target = draw(st.lists(st.integers(1, 2**32 - 1), min_size=2, max_size=2, unique=True))
    return ConnectionRecord(
        source=source,
        target=target,
        type=draw(st.integers(0, 0xAF)),
        rigidity=draw(unit),
        active_levels=draw(byte),
        flags=draw(byte),
        activation_count=draw(uint32),
        pull=draw(st.floats(-10, 10)),
        preferred_distance=draw(st.floats(0.01, 100)),
        created_ns=draw(time_ns),
        last_activation_ns=draw(st.one_of(st.none(), st.integers(10**9, 2**32 * 10**9 - 1))),
        mutability=draw(st.integers(0, 2)),
        confidence=draw(unit),
        evidence_count=draw(st.integers(0, 0xFFFF)),
        modified_ns=draw(time_ns),
        learning_rate=draw(unit),
        decay_rate=draw(unit),
        origin=draw(uint32),
        aim=tuple(draw(st.floats(-32768 / scales[0], 32767 / scales[0])) for scales in AXIS_SCALES),
    )


def token_columns(records: list[TokenRecord]) -> dict[str, Any]:
    """Return the columns of token records, as lists; NaN where a level is undefined."""
    columns = {name: [getattr(record, name) for record in records] for name in TokenRecord._fields}
    nan = (float("nan"),) * 3
    columns["coordinates"] = [[point or nan for point in record.coordinates] for record in records]
    columns["type_in_flags"] = [
        record.entity_type if record.type_in_flags is None else record.type_in_flags for record in records
    ]
    return columns


def connection_columns(records: list[ConnectionRecord]) -> dict[str, Any]:
    """Return the columns of connection records, as lists; 0 where there was no activation."""
    columns = {name: [getattr(record, name) for record in records] for name in ConnectionRecord._fields}
    columns["last_activation_ns"] = [record.last_activation_ns or 0 for record in records]
    return columns
