from __future__ import annotations

import math
import struct

import naive_records
import pytest
from hypothesis import given
from record_strategies import connection_bytes, connections, settled

from neurograph.codec.connection64 import AIM_SCALES, ConnectionRecord, decode, encode
from neurograph.errors import IdNotRepresentable, InvalidValue
from neurograph.model.levels import LEVELS
from neurograph.model.vocabulary import CONNECTION_TYPE_CODES

NAN, INF = math.nan, math.inf
PLAIN = ConnectionRecord(4, 9, CONNECTION_TYPE_CODES["cause"])
FLOAT32_MAX = 3.4028234663852886e38


def with_bytes(record: bytes, offset: int, content: bytes) -> bytes:
    return record[:offset] + content + record[offset + len(content) :]


# ---------------------------------------------------------------------------------------------- both ways


@given(connection_bytes())
@settled
def test_decoding_reads_each_field_at_its_place(record: bytes) -> None:
    assert decode(record)._asdict() == naive_records.connection(record)


@given(connection_bytes())
@settled
def test_encoding_what_was_decoded_gives_the_same_bytes(record: bytes) -> None:
    assert encode(decode(record)) == (record, False)
    assert encode(decode(record, swapped=True)) == (record, True)
    assert encode(decode(record), clip=True) == (record, False)


@given(connections())
@settled
def test_decoding_what_was_encoded_moves_no_value_by_more_than_half_a_step(connection: ConnectionRecord) -> None:
    record, swapped = encode(connection)
    back = decode(record, swapped=swapped)
    for name in ("source", "target", "type", "active_levels", "flags", "activation_count", "mutability"):
        assert getattr(back, name) == getattr(connection, name)
    assert (back.evidence_count, back.origin) == (connection.evidence_count, connection.origin)
    for name in ("rigidity", "confidence", "learning_rate", "decay_rate"):
        assert abs(getattr(back, name) - getattr(connection, name)) <= 0.5000001 / 255
    for name in ("pull", "preferred_distance"):
        assert getattr(back, name) == struct.unpack("<f", struct.pack("<f", getattr(connection, name)))[0]
    for name in ("created_ns", "last_activation_ns", "modified_ns"):
        before = getattr(connection, name)
        assert getattr(back, name) == (None if before is None else before - before % 10**9)
    for before, after, scale in zip(connection.aim, back.aim, AIM_SCALES, strict=True):
        assert abs(after - before) <= 0.5000001 / scale


def test_the_record_of_a_known_connection_is_known() -> None:
    connection = PLAIN._replace(
        flags=0x05, active_levels=0x81, rigidity=1.0, evidence_count=3, origin=1, aim=(1.0,) * 8, modified_ns=10**9
    )
    record, swapped = encode(connection)
    assert not swapped
    assert record.hex(" ", -4) == (
        "04000000 09000000 10ff8105 00000000 0000003f 0000803f 00000000 00000000 "
        "01800300 01000000 20100000 01000000 64001027 e8031027 10271027 64001027"
    )


# ---------------------------------------------------------------------------------------------- direction


def test_the_smaller_id_comes_first_and_the_caller_is_told() -> None:
    there, turned = encode(PLAIN)
    back, turned_back = encode(PLAIN._replace(source=9, target=4))
    assert there == back
    assert (turned, turned_back) == (False, True)
    assert decode(back).source == 4
    assert decode(back, swapped=True).source == 9


def test_ids_out_of_order_are_read_as_they_stand() -> None:
    record = struct.pack("<II", 9, 4) + encode(PLAIN)[0][8:]
    assert (decode(record).source, decode(record).target) == (9, 4)
    assert encode(decode(record)) == (encode(PLAIN)[0], True)


def test_padding_is_not_read() -> None:
    record = encode(PLAIN)[0]
    assert decode(with_bytes(record, 42, b"\xff\xff")) == decode(record)


# ---------------------------------------------------------------------------------------------- limits


@pytest.mark.parametrize("end", ["source", "target"])
@pytest.mark.parametrize("value", [0, -1, 2**32])
def test_an_id_that_does_not_fit_32_bits_is_refused(end: str, value: int) -> None:
    with pytest.raises(IdNotRepresentable, match=rf"^{end} of connection .* must be in 1\.\.4294967295, got {value};"):
        encode(PLAIN._replace(**{end: value}), clip=True)


def test_a_connection_of_a_token_with_itself_is_refused() -> None:
    with pytest.raises(InvalidValue, match=r"^target of connection 4 to 4 must differ from the source, got 4"):
        encode(PLAIN._replace(target=4))


@pytest.mark.parametrize(
    ("field", "value", "greatest"),
    [
        ("type", 176, 175),
        ("type", 300, 175),
        ("active_levels", 256, 255),
        ("flags", -1, 255),
        ("mutability", 3, 2),
        ("origin", 2**32, 2**32 - 1),
    ],
)
def test_a_code_out_of_range_is_refused_clipped_or_not(field: str, value: int, greatest: int) -> None:
    for clip in (False, True):
        words = rf"^{field} of connection 4 to 9 must be in 0\.\.{greatest}, got {value}; the record holds no other"
        with pytest.raises(InvalidValue, match=words):
            encode(PLAIN._replace(**{field: value}), clip=clip)


@pytest.mark.parametrize(
    ("field", "value", "clipped"),
    [
        ("rigidity", 1.01, 1.0),
        ("confidence", -0.1, 0.0),
        ("learning_rate", INF, 1.0),
        ("decay_rate", -INF, 0.0),
        ("activation_count", 2**32, 2**32 - 1),
        ("activation_count", -1, 0),
        ("evidence_count", 70_000, 65_535),
        ("pull", INF, FLOAT32_MAX),
        ("preferred_distance", -1e39, -FLOAT32_MAX),
        ("created_ns", 2**63 - 1, (2**32 - 1) * 10**9),
        ("last_activation_ns", -1, None),
        ("modified_ns", -1, 0),
    ],
)
def test_a_value_out_of_range_is_refused_by_name_and_clipped_to_the_limit(
    field: str, value: float, clipped: float | None
) -> None:
    connection = PLAIN._replace(**{field: value})
    with pytest.raises(InvalidValue, match=rf"^{field} of connection 4 to 9 must be in .*; pass clip=True"):
        encode(connection)
    assert getattr(decode(encode(connection, clip=True)[0]), field) == clipped


def test_an_aim_out_of_range_is_named_by_its_level() -> None:
    aim = (0.0,) * 7 + (3.3,)
    with pytest.raises(
        InvalidValue, match=r"^aim of connection 4 to 9 in abstract must be in \[-3\.2768, 3\.2767\], got 3\.3; "
    ):
        encode(PLAIN._replace(aim=aim))
    assert decode(encode(PLAIN._replace(aim=aim), clip=True)[0]).aim == (0.0,) * 7 + (3.2767,)


@pytest.mark.parametrize("level", range(8))
def test_127_is_a_value_of_an_aim(level: int) -> None:
    aim = [0.0] * 8
    aim[level] = 127 / AIM_SCALES[level]
    assert decode(encode(PLAIN._replace(aim=tuple(aim)))[0]).aim == tuple(aim), LEVELS[level]


@pytest.mark.parametrize("aim", [(), (0.0,) * 7, (0.0,) * 9])
def test_an_aim_has_eight_values(aim: tuple[float, ...]) -> None:
    with pytest.raises(InvalidValue, match=r"^aim of connection 4 to 9 must be 8 values, got "):
        encode(PLAIN._replace(aim=aim))


@pytest.mark.parametrize("field", ["rigidity", "pull", "preferred_distance", "confidence"])
@pytest.mark.parametrize("value", [NAN, None, "1"])
def test_a_number_must_be_one(field: str, value: object) -> None:
    with pytest.raises(InvalidValue, match=rf"^{field} of connection 4 to 9 must be a number, got "):
        encode(PLAIN._replace(**{field: value}), clip=True)


@pytest.mark.parametrize("field", ["source", "type", "flags", "evidence_count", "created_ns", "last_activation_ns"])
@pytest.mark.parametrize("value", [0.5, "1"])
def test_a_whole_number_must_be_one(field: str, value: object) -> None:
    with pytest.raises(InvalidValue, match=rf"^{field} of connection .* must be an integer, got "):
        encode(PLAIN._replace(**{field: value}), clip=True)


# ---------------------------------------------------------------------------------------------- damaged records


@pytest.mark.parametrize("size", [0, 32, 63, 65])
def test_a_record_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(InvalidValue, match=rf"^record must have 64 bytes, got {size}"):
        decode(bytes(size))


@pytest.mark.parametrize(
    ("offset", "content", "words"),
    [
        (0, bytes(4), "ids of record must not be 0, got 0 and 9"),
        (4, bytes(4), "ids of record must not be 0, got 4 and 0"),
        (4, b"\4\0\0\0", "ids of record must differ, got 4 twice"),
        (8, b"\xb0", r"type of record must be in 0\.\.175, got 176; the record is damaged"),
        (32, b"\x03", r"mutability of record must be in 0\.\.2, got 3; the record is damaged"),
        (16, struct.pack("<f", NAN), "pull of record must be a finite number, got nan"),
        (20, struct.pack("<f", -INF), "preferred_distance of record must be a finite number, got -inf"),
    ],
)
def test_a_damaged_record_is_refused(offset: int, content: bytes, words: str) -> None:
    with pytest.raises(InvalidValue, match=f"^{words}"):
        decode(with_bytes(encode(PLAIN)[0], offset, content))
