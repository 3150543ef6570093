from __future__ import annotations

import math
import re
import struct
import subprocess
import sys

import naive_records
import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_strategies import settled, token_bytes, tokens

from neurograph.codec.token64 import TokenRecord, compose_id, decode, encode, split_id
from neurograph.errors import IdNotRepresentable, InvalidValue
from neurograph.model.levels import AXES, AXIS_SCALES, LEVELS

NAN, INF = math.nan, math.inf
PLAIN = TokenRecord(7, 5, 2, 0x8001, 0.5, 1.0, 1.0, (None,) * 8, 1_700_000_000_999_999_999)


def at(level: str, *point: float) -> TokenRecord:
    """Return a token with one defined level."""
    coordinates = [None] * 8
    coordinates[LEVELS.index(level)] = point
    return PLAIN._replace(coordinates=tuple(coordinates))


def raw_at(record: bytes, level: str) -> tuple[int, ...]:
    return struct.unpack_from("<3h", record, 6 * LEVELS.index(level))


# ---------------------------------------------------------------------------------------------- both ways


@given(token_bytes())
@settled
def test_decoding_reads_each_field_at_its_place(record: bytes) -> None:
    assert decode(record)._asdict() == naive_records.token(record)


@given(token_bytes())
@settled
def test_encoding_what_was_decoded_gives_the_same_bytes(record: bytes) -> None:
    assert encode(decode(record)) == record
    assert encode(decode(record), clip=True) == record


@given(tokens())
@settled
def test_decoding_what_was_encoded_moves_no_value_by_more_than_half_a_step(token: TokenRecord) -> None:
    back = decode(encode(token))
    exact = ("id", "entity_type", "domain", "flags", "type_in_flags", "legacy_id")
    assert [getattr(back, name) for name in exact] == [getattr(token, name) for name in exact]
    assert back.created_ns == token.created_ns - token.created_ns % 10**9
    assert back.weight == struct.unpack("<f", struct.pack("<f", token.weight))[0]
    assert abs(back.field_radius - token.field_radius) <= 0.5000001 / 100
    assert abs(back.field_strength - token.field_strength) <= 0.5000001 / 255
    for level, (before, after) in enumerate(zip(token.coordinates, back.coordinates, strict=True)):
        assert (before is None) == (after is None)
        for axis in range(3 if before else 0):
            assert abs(after[axis] - before[axis]) <= 0.5000001 / AXIS_SCALES[level][axis]


@given(tokens())
@settled
def test_a_value_becomes_the_nearest_step(token: TokenRecord) -> None:
    record = encode(token)
    for level, point in enumerate(token.coordinates):
        expected = [127] * 3
        if point is not None:
            expected = [naive_records.nearest_step(*pair) for pair in zip(point, AXIS_SCALES[level], strict=True)]
        assert list(raw_at(record, LEVELS[level])) == expected


def test_the_record_of_a_known_token_is_known() -> None:
    token = at("temporal", -1.5, 2.25, 0.5)._replace(weight=0.25, field_radius=2.55, field_strength=0.5)
    assert encode(token).hex(" ", -4) == " ".join(
        ["7f007f00"] * 9 + ["6affe100", "f4017f00", "7f007f00", "07000025", "01850000", "803eff80", "00f15365"]
    )


@pytest.mark.parametrize("cents", [29, 53, 57, 58, 113, 115, 999, -29, -999])
def test_two_decimals_come_back_exactly_where_truncation_lost_one(cents: int) -> None:
    record = encode(at("physical", cents / 100, 0.0, 0.0))
    assert raw_at(record, "physical")[0] == cents
    assert decode(record).coordinates[0] == (cents / 100, 0.0, 0.0)


@pytest.mark.parametrize(("value", "step"), [(0.125, 12), (0.375, 38), (-0.125, -12), (-0.375, -38), (-0.0, 0)])
def test_ties_go_to_the_even_step(value: float, step: int) -> None:
    assert raw_at(encode(at("physical", 0.0, value, 0.0)), "physical")[1] == step


def test_temporal_frequency_has_a_scale_of_its_own() -> None:
    assert raw_at(encode(at("temporal", 1.0, 1.0, 1.0)), "temporal") == (100, 100, 1000)


@pytest.mark.parametrize("level", range(8))
def test_the_whole_range_of_each_axis_is_held(level: int) -> None:
    for step in (-32768, 32767):
        point = tuple(step / scale for scale in AXIS_SCALES[level])
        assert raw_at(encode(at(LEVELS[level], *point)), LEVELS[level]) == (step,) * 3


def test_reading_and_writing_one_record_needs_no_numpy() -> None:
    program = (
        "import sys; from neurograph.codec.token64 import *; "
        "decode(encode(TokenRecord(1, 0, 0, 1, 0.5, 1.0, 1.0, (None,) * 8, 0))); print('numpy' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


# ---------------------------------------------------------------------------------------------- undefined levels


def test_raw_127_in_x_reads_as_an_undefined_level() -> None:
    record = bytearray(encode(at("physical", 1.0, 2.0, 3.0)))
    record[0:2] = (127).to_bytes(2, "little")
    assert decode(bytes(record)).coordinates[0] is None


def test_an_undefined_level_is_written_as_127_in_all_axes() -> None:
    assert encode(PLAIN)[:48] == b"\x7f\x00" * 24
    assert encode(at("motor", NAN, NAN, NAN)) == encode(PLAIN)


def test_127_is_a_value_in_y_and_z() -> None:
    record = encode(at("physical", 1.0, 1.27, 1.27))
    assert raw_at(record, "physical") == (100, 127, 127)
    assert decode(record).coordinates[0] == (1.0, 1.27, 1.27)


@pytest.mark.parametrize("x", [1.27, 1.2651, 1.2749])
def test_an_x_that_would_read_as_undefined_is_refused(x: float) -> None:
    with pytest.raises(
        InvalidValue, match=rf"^physical x of token 7 must not be nearest to 1\.27, got {x}; .* pass clip=True"
    ):
        encode(at("physical", x, 0.0, 0.0))


@pytest.mark.parametrize(("x", "step"), [(1.27, 126), (1.2651, 126), (1.2701, 128), (1.2749, 128)])
def test_clipped_such_an_x_moves_to_the_nearer_step_and_in_a_tie_to_126(x: float, step: int) -> None:
    assert raw_at(encode(at("physical", x, 0.0, 0.0), clip=True), "physical") == (step, 0, 0)


@pytest.mark.parametrize("point", [(NAN, 0.0, 0.0), (0.0, NAN, 0.0), (0.0, 0.0, NAN), (NAN, 1.0, NAN)])
def test_a_level_with_some_axes_only_is_refused_and_clipped_undefined(point: tuple[float, ...]) -> None:
    axis = AXES[next(index for index, value in enumerate(point) if value != value)]
    with pytest.raises(InvalidValue, match=rf"^social {axis} of token 7 must be set, got nan; "):
        encode(at("social", *point))
    assert encode(at("social", *point), clip=True) == encode(PLAIN)


# ---------------------------------------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("level", "axis", "value", "limits", "step"),
    [
        ("physical", 0, 327.68, r"\[-327\.68, 327\.67\]", 32767),
        ("physical", 2, -327.69, r"\[-327\.68, 327\.67\]", -32768),
        ("sensory", 1, 3.2768, r"\[-3\.2768, 3\.2767\]", 32767),
        ("motor", 1, 1e300, r"\[-32\.768, 32\.767\]", 32767),
        ("temporal", 1, 400.0, r"\[-327\.68, 327\.67\]", 32767),
        ("temporal", 2, 33.0, r"\[-32\.768, 32\.767\]", 32767),
        ("abstract", 0, INF, r"\[-3\.2768, 3\.2767\]", 32767),
        ("abstract", 2, -INF, r"\[-3\.2768, 3\.2767\]", -32768),
    ],
)
def test_a_coordinate_out_of_range_is_refused_by_name_and_clipped_to_the_limit(
    level: str, axis: int, value: float, limits: str, step: int
) -> None:
    point = [0.0, 0.0, 0.0]
    point[axis] = value
    with pytest.raises(InvalidValue, match=rf"^{level} {AXES[axis]} of token 7 must be in {limits}, got ") as error:
        encode(at(level, *point))
    assert repr(value) in str(error.value)
    assert "pass clip=True" in str(error.value)
    assert raw_at(encode(at(level, *point), clip=True), level)[axis] == step


def test_a_value_is_in_range_when_its_nearest_step_is() -> None:
    assert raw_at(encode(at("physical", 0.0, 327.6749, -327.685)), "physical") == (0, 32767, -32768)
    with pytest.raises(InvalidValue, match="physical y"):
        encode(at("physical", 0.0, 327.6751, 0.0))


@pytest.mark.parametrize(
    ("field", "value", "clipped"),
    [
        ("weight", INF, 3.4028234663852886e38),
        ("weight", -1e300, -3.4028234663852886e38),
        ("field_radius", 2.56, 2.55),
        ("field_radius", -0.01, 0.0),
        ("field_radius", INF, 2.55),
        ("field_strength", 1.01, 1.0),
        ("field_strength", -1.0, 0.0),
        ("created_ns", -1, 0),
        ("created_ns", 2**32 * 10**9, (2**32 - 1) * 10**9),
    ],
)
def test_a_field_out_of_range_is_refused_by_name_and_clipped_to_the_limit(
    field: str, value: float, clipped: float
) -> None:
    token = PLAIN._replace(**{field: value})
    with pytest.raises(
        InvalidValue, match=rf"^{field} of token 7 must be in .*, got {re.escape(repr(value))}; pass clip=True"
    ):
        encode(token)
    assert getattr(decode(encode(token, clip=True)), field) == clipped


@pytest.mark.parametrize("field", ["weight", "field_radius", "field_strength"])
@pytest.mark.parametrize("clip", [False, True])
def test_a_number_must_be_one_whether_clipped_or_not(field: str, clip: bool) -> None:
    for value in (NAN, None, "1", b"1", 1j, 10**400):
        with pytest.raises(InvalidValue, match=rf"^{field} of token 7 must be a number, got "):
            encode(PLAIN._replace(**{field: value}), clip=clip)


@pytest.mark.parametrize("field", ["id", "entity_type", "domain", "flags", "type_in_flags", "created_ns"])
@pytest.mark.parametrize("value", [1.0, "1", NAN])
def test_a_whole_number_must_be_one(field: str, value: object) -> None:
    with pytest.raises(InvalidValue, match=rf"^{field} of token .* must be an integer, got "):
        encode(PLAIN._replace(**{field: value}), clip=True)


@pytest.mark.parametrize("field", ["entity_type", "domain", "type_in_flags"])
@pytest.mark.parametrize("value", [-1, 16, 256])
def test_a_users_own_type_or_domain_is_refused(field: str, value: int) -> None:
    with pytest.raises(InvalidValue, match=rf"^{field} of token 7 must be in 0\.\.15, got {value}"):
        encode(PLAIN._replace(**{field: value}), clip=True)


def test_flags_leave_the_bits_of_the_type_clear() -> None:
    with pytest.raises(InvalidValue, match=r"^flags of token 7 must have bits 8 to 11 clear, got 0x0101; "):
        encode(PLAIN._replace(flags=0x0101))
    with pytest.raises(InvalidValue, match=r"^flags of token 7 must be in 0\.\.65535, got 65536"):
        encode(PLAIN._replace(flags=0x10000))


@pytest.mark.parametrize("coordinates", [(), (None,) * 7, (None,) * 9])
def test_coordinates_are_eight_points(coordinates: tuple[None, ...]) -> None:
    with pytest.raises(InvalidValue, match=r"^coordinates of token 7 must be 8 points, got "):
        encode(PLAIN._replace(coordinates=coordinates))


@pytest.mark.parametrize("point", [(), (1.0,), (1.0,) * 4])
def test_a_point_has_three_axes(point: tuple[float, ...]) -> None:
    with pytest.raises(InvalidValue, match=r"^emotional of token 7 must have 3 axes, got "):
        encode(at("emotional", *point))


def test_a_point_is_made_of_numbers() -> None:
    with pytest.raises(InvalidValue, match=r"^emotional y of token 7 must be a number, got 'a'"):
        encode(at("emotional", 1.0, "a", 0.0))


# ---------------------------------------------------------------------------------------------- ids


@given(st.integers(1, 2**32 - 1))
@settled
def test_an_id_is_split_and_composed_again(legacy_id: int) -> None:
    assert compose_id(*split_id(legacy_id)) == legacy_id


def test_an_id_is_domain_then_type_then_the_tokens_own() -> None:
    assert compose_id(1, 1, 0) == 0x01000001
    assert split_id(0xF5ABCDEF) == (0xABCDEF, 5, 15)
    assert PLAIN.legacy_id == 0x25000007


@pytest.mark.parametrize("token_id", [-1, 2**24, 2**63 - 1])
def test_an_id_that_does_not_fit_names_the_remedy(token_id: int) -> None:
    with pytest.raises(IdNotRepresentable, match=rf'^id of token {token_id} must be in .*; pass ids="remap"'):
        encode(PLAIN._replace(id=token_id), clip=True)


def test_the_id_that_means_no_token_is_neither_written_nor_read() -> None:
    with pytest.raises(IdNotRepresentable, match=r"^id of token 0 must not be 0 "):
        encode(PLAIN._replace(id=0, entity_type=0, domain=0))
    assert decode(encode(PLAIN._replace(id=0))).id == 0
    with pytest.raises(InvalidValue, match=r"^id of record must not be 0"):
        decode(bytes(64))


@pytest.mark.parametrize("legacy_id", [0, -1, 2**32, 1.0])
def test_only_a_32_bit_id_is_split(legacy_id: int) -> None:
    with pytest.raises(InvalidValue, match=r"^legacy_id must be "):
        split_id(legacy_id)


def test_a_type_in_the_flags_that_disagrees_is_kept() -> None:
    record = bytearray(encode(PLAIN))
    record[53] = record[53] & 0xF0 | 9
    token = decode(bytes(record))
    assert (token.entity_type, token.type_in_flags, token.flags) == (5, 9, 0x8001)
    assert encode(token) == bytes(record)


# ---------------------------------------------------------------------------------------------- damaged records


@pytest.mark.parametrize("size", [0, 63, 65, 128])
def test_a_record_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(InvalidValue, match=rf"^record must have 64 bytes, got {size}"):
        decode(bytes(size))


@pytest.mark.parametrize("record", [None, "x" * 64, 64])
def test_a_record_is_bytes(record: object) -> None:
    with pytest.raises(InvalidValue, match=r"^record must be bytes, got "):
        decode(record)


@pytest.mark.parametrize("weight", [NAN, INF, -INF])
def test_a_weight_that_is_not_finite_is_refused(weight: float) -> None:
    record = encode(PLAIN)
    with pytest.raises(InvalidValue, match=r"^weight of record must be a finite number, got "):
        decode(record[:54] + struct.pack("<f", weight) + record[58:])


def test_a_record_is_read_from_any_buffer() -> None:
    record = encode(PLAIN)
    assert decode(bytearray(record)) == decode(memoryview(record)) == decode(record)
