from __future__ import annotations

import math
import struct

import naive_records
import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_strategies import float32, settled, uint32

from neurograph.codec.cdna384 import COLUMNS, FIELDS, FLAGS, RESERVED, checksum, decode, encode
from neurograph.errors import InvalidValue
from neurograph.model.levels import LEVELS

NAN, INF = math.nan, math.inf
DEFAULT: dict[str, float | str] = {
    "profile_id": 0,
    "profile_state": 5,
    "validation": 1,
    "events": 1,
    "mutation": 0,
    "strict": 0,
    "created_ns": 1_700_000_000_000_000_000,
    "modified_ns": 1_700_000_001_000_000_000,
    **{f"dimension_flags_{level}": 255 for level in LEVELS},
    **{f"scale_{level}": 1.0 for level in LEVELS},
    **{f"bucket_{level}": 10.0 for level in LEVELS},
    **{f"field_strength_limit_{level}": 1.0 for level in LEVELS},
    "allowed_types": "1" * 256,
    "max_out_degree": 1000,
    "max_in_degree": 1000,
    "max_total_degree": 2000,
    "min_edge_weight": 0.0,
    "max_edge_weight": 1.0,
    "min_token_weight": 0.0,
    "max_token_weight": 1.0,
    "min_field_radius": 0.0,
    "max_field_radius": 2.55,
    "min_field_strength": 0.0,
    "max_field_strength": 1.0,
    "min_connection_weight": 0.0,
    "max_connection_weight": 1.0,
    "min_rigidity": 0.0,
    "max_rigidity": 1.0,
    "default_pull": 0.5,
    "decay_rate": 0.01,
    "mutation_rate": 0.01,
    "crossover_rate": 0.1,
    "selection_pressure": 0.5,
    "evolution_flags": 0,
    "trace_sample_rate": 0.01,
}
KINDS = dict(FIELDS)


def changed(record: bytes, offset: int, content: bytes) -> bytes:
    """Return the record with other bytes at an offset and the checksum that belongs to them."""
    content = record[:offset] + content + record[offset + len(content) :]
    return content[:40] + naive_records.fnv1a_64(content[:40] + content[48:]).to_bytes(8, "little") + content[48:]


@st.composite
def constitutions(draw: st.DrawFn) -> dict[str, float | str]:
    """Draw a constitution whose values the record holds exactly."""
    values = {
        "byte": st.integers(0, 255),
        "uint32": uint32,
        "real": float32,
        "radius": st.integers(0, 255).map(lambda raw: raw / 100),
        "unit": st.integers(0, 255).map(lambda raw: raw / 255),
        "types": st.text("01", min_size=64, max_size=64).map(lambda first: first + "1" * 192),
    }
    second = st.integers(0, 9_223_372_036).map(lambda value: value * 10**9)
    return {
        "profile_id": draw(uint32),
        "profile_state": draw(uint32),
        **{name: draw(st.integers(0, 1)) for name in FLAGS},
        "created_ns": draw(second),
        "modified_ns": draw(second),
        **{name: draw(values[kind]) for name, kind in FIELDS},
    }


# ---------------------------------------------------------------------------------------------- both ways


@given(constitutions())
@settled
def test_every_field_is_written_at_its_place_and_read_back(fields: dict[str, float | str]) -> None:
    record = encode(fields)
    assert len(record) == 384
    assert naive_records.constitution(record) == fields
    assert decode(record) == fields
    assert encode(decode(record)) == record


def test_the_columns_are_all_named_once_and_decoding_keeps_their_order() -> None:
    assert len(set(COLUMNS)) == len(COLUMNS) == len(DEFAULT) == 63
    assert tuple(decode(encode(DEFAULT))) == COLUMNS


def test_the_header_is_that_of_the_originals() -> None:
    record = encode(DEFAULT)
    assert struct.unpack_from("<IHHQQIIII", record) == (0x434E4441, 2, 1, 1_700_000_000, 1_700_000_001, 0, 5, 3, 0)
    assert record[64:72] == bytes(range(8))
    assert record[72:80] == b"\xff" * 8
    assert record[192:200] == b"\xff" * 8
    assert struct.unpack_from("<HHHH", record, 264) == (0, 255, 0, 255)
    assert not any(any(record[start:end]) for start, end in RESERVED)


def test_the_checksum_covers_all_but_itself() -> None:
    record = encode(DEFAULT)
    found = int.from_bytes(record[40:48], "little")
    assert found == checksum(record) == naive_records.fnv1a_64(record[:40] + record[48:])
    assert checksum(record[:40] + bytes(8) + record[48:]) == found


@pytest.mark.parametrize("offset", [0, 39, 40, 47, 48, 100, 383])
def test_any_changed_byte_is_found_and_both_checksums_named(offset: int) -> None:
    record = bytearray(encode(DEFAULT))
    record[offset] ^= 0x10
    with pytest.raises(InvalidValue) as error:
        decode(bytes(record))
    if offset >= 4:
        stored = int.from_bytes(record[40:48], "little")
        assert f"checksum of the record must be {checksum(bytes(record)):#018x}, got {stored:#018x}" in str(error.value)


def test_reals_come_back_as_the_float32_of_the_record() -> None:
    assert decode(encode(DEFAULT))["decay_rate"] == 0.009999999776482582


def test_times_lose_what_is_below_a_second() -> None:
    fields = decode(encode(DEFAULT | {"created_ns": 1_999_999_999}))
    assert fields["created_ns"] == 1_000_000_000


def test_radius_and_strength_become_the_nearest_step() -> None:
    fields = decode(encode(DEFAULT | {"max_field_radius": 1.234, "max_field_strength": 0.5}))
    assert (fields["max_field_radius"], fields["max_field_strength"]) == (1.23, 128 / 255)


def test_the_first_64_types_are_a_mask_and_the_others_allowed() -> None:
    record = encode(DEFAULT | {"allowed_types": "10" * 32 + "1" * 192})
    assert record[192:200] == b"\x55" * 8
    assert decode(record)["allowed_types"] == "10" * 32 + "1" * 192


# ---------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("forbidden", [64, 80, 175, 255])
def test_a_forbidden_type_the_record_has_no_bit_for_is_refused(forbidden: int) -> None:
    types = "1" * forbidden + "0" + "1" * (255 - forbidden)
    with pytest.raises(
        InvalidValue, match=rf"^allowed_types must allow every type from 64 up, got 0 for type {forbidden}; "
    ):
        encode(DEFAULT | {"allowed_types": types})


@pytest.mark.parametrize("types", ["", "1" * 255, "1" * 257, "2" * 256, "1" * 100 + " " + "1" * 155, 2**64 - 1, None])
def test_allowed_types_are_256_characters_0_or_1(types: object) -> None:
    with pytest.raises(InvalidValue, match=r"^allowed_types must be a text of 256 characters 0 or 1, got "):
        encode(DEFAULT | {"allowed_types": types})


def test_a_missing_field_is_named() -> None:
    fields = {name: value for name, value in DEFAULT.items() if name not in {"strict", "decay_rate"}}
    with pytest.raises(InvalidValue, match=r"^fields must have every name of COLUMNS, got none for strict, decay_rate"):
        encode(fields)


def test_an_unknown_field_is_named() -> None:
    with pytest.raises(InvalidValue, match=r"^fields must have no names but those of COLUMNS, got max_pull, min_pull"):
        encode(DEFAULT | {"min_pull": -10.0, "max_pull": 10.0})


@pytest.mark.parametrize(
    ("name", "value", "limits"),
    [
        ("profile_id", 2**32, r"0\.\.4294967295"),
        ("profile_state", -1, r"0\.\.4294967295"),
        ("validation", 2, r"0\.\.1"),
        ("strict", -1, r"0\.\.1"),
        ("dimension_flags_social", 256, r"0\.\.255"),
        ("max_in_degree", 2**32, r"0\.\.4294967295"),
        ("evolution_flags", -1, r"0\.\.4294967295"),
        ("max_field_radius", 2.56, r"\[0\.0, 2\.55\]"),
        ("min_field_radius", -0.01, r"\[0\.0, 2\.55\]"),
        ("max_field_strength", 1.01, r"\[0\.0, 1\.0\]"),
        ("scale_motor", INF, r"\[-3\.4028234663852886e\+38, 3\.4028234663852886e\+38\]"),
        ("created_ns", -1, r"0\.\.9223372036999999999 nanoseconds"),
        ("modified_ns", 9_223_372_037 * 10**9, r"0\.\.9223372036999999999 nanoseconds"),
    ],
)
def test_a_value_the_record_can_t_hold_is_refused_by_name(name: str, value: float, limits: str) -> None:
    with pytest.raises(InvalidValue, match=rf"^{name} must be in {limits}, got "):
        encode(DEFAULT | {name: value})


@pytest.mark.parametrize("name", ["scale_physical", "max_field_radius", "min_field_strength", "default_pull"])
@pytest.mark.parametrize("value", [NAN, None, "1"])
def test_a_number_must_be_one(name: str, value: object) -> None:
    with pytest.raises(InvalidValue, match=rf"^{name} must be a number, got "):
        encode(DEFAULT | {name: value})


@pytest.mark.parametrize("name", ["profile_id", "events", "created_ns", "max_out_degree", "dimension_flags_motor"])
@pytest.mark.parametrize("value", [1.0, None, "1"])
def test_a_whole_number_must_be_one(name: str, value: object) -> None:
    with pytest.raises(InvalidValue, match=rf"^{name} must be an integer, got "):
        encode(DEFAULT | {name: value})


@pytest.mark.parametrize("size", [0, 383, 385])
def test_a_record_of_another_size_is_refused(size: int) -> None:
    for call in (decode, checksum):
        with pytest.raises(InvalidValue, match=rf"^record must have 384 bytes, got {size}"):
            call(bytes(size))


@pytest.mark.parametrize(
    ("offset", "content", "words"),
    [
        (0, b"NGDB", "magic of the record must be 0x434e4441, got 0x4244474e"),
        (4, b"\x03\0", r"version of the record must be 2\.1, got 3\.1"),
        (6, b"\0\0", r"version of the record must be 2\.1, got 2\.0"),
        (8, b"\xff" * 8, r"created_at of the record must be in 0\.\.9223372036, got "),
        (16, b"\xff" * 8, r"modified_at of the record must be in 0\.\.9223372036, got "),
        (32, b"\x10", r"flags of the record must be in 0\.\.15, got 16"),
        (64, b"\1\0", r"dimension ids of the record must be 0 to 7 in order, got \[1, 0, 2, 3, 4, 5, 6, 7\]"),
        (80, struct.pack("<f", NAN), "scale_physical of the record must be a finite number, got nan"),
        (368, struct.pack("<f", INF), "trace_sample_rate of the record must be a finite number, got inf"),
        (266, b"\0\1", r"max_field_radius of the record must be in 0\.\.255, got 256"),
        (268, b"\0\1", r"min_field_strength of the record must be in 0\.\.255, got 256"),
    ],
)
def test_a_record_that_is_not_of_this_layout_is_refused(offset: int, content: bytes, words: str) -> None:
    with pytest.raises(InvalidValue, match=f"^{words}"):
        decode(changed(encode(DEFAULT), offset, content))


@pytest.mark.parametrize("place", [place for start, end in RESERVED for place in (start, end - 1)])
def test_a_byte_in_a_reserved_place_is_refused(place: int) -> None:
    with pytest.raises(InvalidValue, match=r"^bytes \d+\.\.\d+ of the record must be 0, got "):
        decode(changed(encode(DEFAULT), place, b"\x01"))


def test_the_reserved_places_are_what_the_fields_leave() -> None:
    free = set().union(*(range(start, end) for start, end in RESERVED))
    untouched = set(range(384))
    first = encode(dict.fromkeys(COLUMNS, 0) | {"allowed_types": "0" * 64 + "1" * 192})
    for name in COLUMNS:
        kind = KINDS.get(name)
        value = {"types": "1" * 256, "radius": 2.55, "unit": 1.0, "real": -1.5, "uint32": 2**32 - 1}.get(kind, 1)
        other = encode(decode(first) | {name: 2**32 - 1 if name.startswith("profile") else value})
        untouched -= {place for place in range(384) if first[place] != other[place]}
    assert free <= untouched
