from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_strategies import settled, token_bytes, token_columns, tokens

from neurograph.codec import columns as column
from neurograph.codec.token64 import TokenRecord, decode, encode
from neurograph.codec.token64_arrays import TokenColumns, decode_many, encode_many
from neurograph.errors import IdNotRepresentable, InvalidValue

PLAIN = TokenRecord(7, 5, 2, 0x8001, 0.5, 1.0, 1.0, (None,) * 7 + ((0.1, 0.2, 0.3),), 1_700_000_000_000_000_000)


def columns_of(*records: TokenRecord) -> TokenColumns:
    lists = token_columns(list(records))
    shapes = {"coordinates": (len(records), 8, 3)}
    reals = {"weight", "field_radius", "field_strength", "coordinates"}
    return TokenColumns(
        **{
            name: np.array(values, dtype=np.float64 if name in reals else np.int64).reshape(shapes.get(name, -1))
            for name, values in lists.items()
        }
    )


def plain(n: int) -> TokenColumns:
    return columns_of(*[PLAIN._replace(id=number + 1) for number in range(n)])


# ---------------------------------------------------------------------------------------------- arrays equal singles


@given(st.lists(tokens(), max_size=5))
@settled
def test_arrays_are_written_like_single_tokens(records: list[TokenRecord]) -> None:
    content, legacy_ids = encode_many(columns_of(*records))
    assert content.shape == (len(records), 64)
    assert content.dtype == np.uint8
    assert content.tobytes() == b"".join(map(encode, records))
    assert legacy_ids.tolist() == [record.legacy_id for record in records]


@given(st.lists(token_bytes(), max_size=5))
@settled
def test_arrays_are_read_like_single_records(records: list[bytes]) -> None:
    found = decode_many(b"".join(records))
    expected = columns_of(*map(decode, records))
    for name, values in found._asdict().items():
        np.testing.assert_array_equal(values, getattr(expected, name), err_msg=name, strict=True)
    assert found.legacy_id.tolist() == [decode(record).legacy_id for record in records]


@given(st.lists(token_bytes(), max_size=5))
@settled
def test_encoding_what_was_decoded_gives_the_same_bytes(records: list[bytes]) -> None:
    assert encode_many(decode_many(b"".join(records)))[0].tobytes() == b"".join(records)


wild = st.one_of(
    st.sampled_from([np.nan, np.inf, -np.inf, 1.27, 0.127, 0.0127, 1.2749, 327.675, 1e308]), st.floats(-400, 400)
)


@given(st.lists(st.lists(wild, min_size=24, max_size=24), min_size=1, max_size=3), st.booleans(), st.data())
@settled
def test_arrays_are_refused_and_clipped_like_single_tokens(
    places: list[list[float]], clip: bool, data: st.DataObject
) -> None:
    records = [
        PLAIN._replace(
            id=data.draw(st.sampled_from([1, 2**24 - 1, 2**24, -1])),
            flags=data.draw(st.sampled_from([0, 1, 0x0100, 0x10000, -1])),
            entity_type=data.draw(st.sampled_from([0, 15, 16])),
            domain=data.draw(st.sampled_from([0, 15, -1])),
            type_in_flags=data.draw(st.sampled_from([0, 15, 16])),
            weight=data.draw(wild),
            field_radius=data.draw(wild),
            field_strength=data.draw(wild),
            created_ns=data.draw(st.sampled_from([0, -1, 2**32 * 10**9 - 1, 2**32 * 10**9, 2**63 - 1])),
            coordinates=tuple(map(tuple, np.reshape(place, (8, 3)).tolist())),
        )
        for place in places
    ]
    assert outcome(lambda: encode_many(columns_of(*records), clip=clip)[0].tobytes()) == outcome(
        lambda: b"".join([encode(record, clip=clip) for record in records])
    )


def outcome(call: object) -> object:
    """Return what a call returns, or the class and words of its refusal."""
    try:
        return call()
    except InvalidValue as error:
        return type(error), str(error)


@pytest.mark.parametrize("clip", [False, True])
def test_clipping_changes_nothing_that_fits(clip: bool) -> None:
    assert encode_many(plain(3), clip=clip)[0].tobytes() == encode_many(plain(3))[0].tobytes()


def test_values_beyond_float64_products_are_clipped_without_a_warning() -> None:
    extreme = columns_of(PLAIN._replace(coordinates=((1e308, -1e308, np.inf),) * 8))
    assert encode_many(extreme, clip=True)[0][0, :6].tobytes() == b"\xff\x7f\x00\x80\xff\x7f"


def test_the_first_bad_token_is_named_in_any_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column, "BLOCK_ROWS", 4)
    good = plain(11)
    assert encode_many(good)[0].tobytes() == b"".join(encode(PLAIN._replace(id=number + 1)) for number in range(11))
    good.weight[[6, 9]] = np.nan
    with pytest.raises(InvalidValue, match=r"^weight of token 7 must be a number, got nan"):
        encode_many(good)


def test_columns_are_not_modified() -> None:
    records = columns_of(PLAIN._replace(coordinates=((1.27, 900.0, np.nan),) * 8, weight=np.inf, created_ns=-5))
    before = [values.copy() for values in records]
    encode_many(records, clip=True, ids="remap")
    for values, copy in zip(records, before, strict=True):
        np.testing.assert_array_equal(values, copy)


# ---------------------------------------------------------------------------------------------- ids


def test_remapping_numbers_the_tokens_in_their_order() -> None:
    big = plain(3)._replace(id=np.array([2**40, 5, 2**62]))
    with pytest.raises(IdNotRepresentable, match=rf'^id of token {2**40} must be in .*; pass ids="remap"'):
        encode_many(big)
    records, legacy_ids = encode_many(big, ids="remap")
    assert decode_many(records).id.tolist() == [1, 2, 3]
    assert legacy_ids.tolist() == [0x25000001, 0x25000002, 0x25000003]


def test_a_refused_token_is_named_by_its_own_id_when_remapped() -> None:
    big = plain(2)._replace(id=np.array([5, 2**40]), weight=np.array([0.5, np.nan]))
    with pytest.raises(InvalidValue, match=rf"^weight of token {2**40} must be "):
        encode_many(big, ids="remap")


def test_more_tokens_than_ids_are_refused() -> None:
    n = 2**24
    one = np.broadcast_to(np.int64(1), n)
    real = np.broadcast_to(0.5, n)
    many = TokenColumns(one, one, one, one, real, real, real, np.broadcast_to(0.0, (n, 8, 3)), one)
    with pytest.raises(IdNotRepresentable, match=rf"^tokens must be at most {n - 1}, got {n}"):
        encode_many(many, ids="remap")


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(InvalidValue, match=r"^ids must be 'exact' or 'remap', got 'hash'"):
        encode_many(plain(1), ids="hash")


def test_without_types_in_the_flags_they_are_the_entity_types() -> None:
    assert encode_many(plain(2)._replace(type_in_flags=None))[0].tobytes() == encode_many(plain(2))[0].tobytes()


# ---------------------------------------------------------------------------------------------- shapes and kinds


def test_nothing_gives_no_records() -> None:
    records, legacy_ids = encode_many(TokenColumns(*[[]] * 7, np.empty((0, 8, 3)), []))
    assert records.shape == (0, 64)
    assert legacy_ids.tolist() == []
    assert decode_many(b"").coordinates.shape == (0, 8, 3)
    assert len(decode_many(records).id) == 0


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("id", 5, r"id must be an array of shape \(n,\), got \(\)"),
        ("id", [[1], [2, 3]], r"id must be an array of shape \(n,\), got rows of different lengths"),
        ("id", [1.0, 2.0], r"id must be an array of int64, got float64"),
        ("id", [True, False], r"id must be an array of int64, got bool"),
        ("id", np.array([1, 2**63], dtype=np.uint64), rf"id must fit int64, got {2**63}"),
        ("id", [1, 2**70], r"id must be an array of int64, got object"),
        ("flags", [1], r"flags must have shape \(2,\), got \(1,\)"),
        ("weight", ["a", "b"], r"weight must be an array of float64, got <U1"),
        ("weight", [1j, 0], r"weight must be an array of float64, got complex128"),
        ("weight", [[1.0], [1.0, 2.0]], r"weight must be an array of shape \(2,\), got rows of different lengths"),
        ("coordinates", np.zeros((2, 24)), r"coordinates must have shape \(2, 8, 3\), got \(2, 24\)"),
        ("coordinates", np.zeros((2, 8, 3), dtype=bool), r"coordinates must be an array of float64, got bool"),
        ("type_in_flags", [0.5, 1], r"type_in_flags must be an array of int64, got float64"),
    ],
)
def test_a_column_of_the_wrong_shape_or_kind_is_refused(name: str, values: object, words: str) -> None:
    with pytest.raises(InvalidValue, match=f"^{words}"):
        encode_many(plain(2)._replace(**{name: values}))


def test_other_kinds_of_numbers_are_taken() -> None:
    single = plain(2)._replace(
        id=np.array([1, 2], dtype=np.uint8),
        weight=np.array([0.5, 0.5], dtype=np.float32),
        field_radius=[1, 1],
        created_ns=np.array([PLAIN.created_ns] * 2, dtype=np.uint64),
        coordinates=np.asfortranarray(plain(2).coordinates),
    )
    assert encode_many(single)[0].tobytes() == encode_many(plain(2))[0].tobytes()


@pytest.mark.parametrize(
    ("records", "words"),
    [
        (bytes(65), "records must be a multiple of 64 bytes, got 65"),
        (np.zeros((2, 63), dtype=np.uint8), r"records must be bytes or \(n, 64\) uint8, got \(2, 63\) uint8"),
        (np.zeros((2, 64), dtype=np.int8), r"records must be bytes or \(n, 64\) uint8, got \(2, 64\) int8"),
        (np.zeros(64, dtype=np.uint8), r"records must be bytes or \(n, 64\) uint8, got \(64,\) uint8"),
        (bytes(64), "id of record 0 must not be 0"),
        (encode(PLAIN) + encode(PLAIN)[:54] + b"\0\0\xc0\x7f" + bytes(6), "weight of record 1 must be a finite number"),
    ],
)
def test_records_that_are_none_are_refused(records: object, words: str) -> None:
    with pytest.raises(InvalidValue, match=f"^{words}"):
        decode_many(records)


def test_records_are_read_from_any_layout() -> None:
    records = encode_many(plain(4))[0]
    expected = decode_many(records.tobytes())
    for form in (records, np.asfortranarray(records), bytearray(records.tobytes()), memoryview(records.tobytes())):
        for name, values in decode_many(form)._asdict().items():
            np.testing.assert_array_equal(values, getattr(expected, name))
    assert decode_many(records[::2]).id.tolist() == [1, 3]
