from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_strategies import connection_bytes, connection_columns, connections, settled

from neurograph.codec import columns as column
from neurograph.codec.connection64 import ConnectionRecord, decode, encode
from neurograph.codec.connection64_arrays import ConnectionColumns, decode_many, encode_many
from neurograph.errors import IdNotRepresentable, InvalidValue

PLAIN = ConnectionRecord(4, 9, 0x10)
REALS = {"rigidity", "pull", "preferred_distance", "confidence", "learning_rate", "decay_rate", "aim"}


def columns_of(*records: ConnectionRecord) -> ConnectionColumns:
    return ConnectionColumns(
        **{
            name: np.array(values, dtype=np.float64 if name in REALS else np.int64).reshape(
                (len(records), 8) if name == "aim" else -1
            )
            for name, values in connection_columns(list(records)).items()
        }
    )


def plain(n: int) -> ConnectionColumns:
    return columns_of(*[PLAIN._replace(target=number + 5) for number in range(n)])


# ---------------------------------------------------------------------------------------------- arrays equal singles


@given(st.lists(connections(), max_size=5))
@settled
def test_arrays_are_written_like_single_connections(records: list[ConnectionRecord]) -> None:
    content, swapped = encode_many(columns_of(*records))
    assert content.shape == (len(records), 64)
    assert content.dtype == np.uint8
    assert [(row.tobytes(), turned) for row, turned in zip(content, swapped.tolist(), strict=True)] == list(
        map(encode, records)
    )


@given(st.lists(st.tuples(connection_bytes(), st.booleans()), max_size=5))
@settled
def test_arrays_are_read_like_single_records(records: list[tuple[bytes, bool]]) -> None:
    content = b"".join(record for record, _ in records)
    swapped = np.array([turned for _, turned in records], dtype=bool)
    found = decode_many(content, swapped=swapped)
    expected = columns_of(*[decode(record, swapped=turned) for record, turned in records])
    for name, values in found._asdict().items():
        np.testing.assert_array_equal(values, getattr(expected, name), err_msg=name, strict=True)
    again, turned = encode_many(found)
    assert again.tobytes() == content
    assert turned.tolist() == swapped.tolist()


odd = st.sampled_from([np.nan, np.inf, -np.inf, -0.01, 0.0, 0.5, 1.0, 1.01, 327.675, 1e308])


@given(st.lists(st.tuples(odd, odd, odd, odd), min_size=1, max_size=3), st.booleans(), st.data())
@settled
def test_arrays_are_refused_and_clipped_like_single_connections(
    reals: list[tuple[float, ...]], clip: bool, data: st.DataObject
) -> None:
    time = st.sampled_from([0, -1, 2**32 * 10**9 - 1, 2**32 * 10**9, 2**63 - 1])
    records = [
        ConnectionRecord(
            source=data.draw(st.sampled_from([1, 2**32 - 1, 0])),
            target=data.draw(st.sampled_from([2, 2**32 - 1, 2**32])),
            type=data.draw(st.sampled_from([0, 175, 176])),
            rigidity=rigidity,
            active_levels=data.draw(st.sampled_from([255, 256])),
            activation_count=data.draw(st.sampled_from([0, 2**32, -1])),
            pull=pull,
            preferred_distance=distance,
            created_ns=data.draw(time),
            last_activation_ns=data.draw(time),
            mutability=data.draw(st.sampled_from([2, 3])),
            evidence_count=data.draw(st.sampled_from([0, 65535, 65536])),
            aim=(aim,) * 8,
        )
        for rigidity, pull, distance, aim in reals
    ]
    assert outcome(lambda: [*map(bytes, encode_many(columns_of(*records), clip=clip)[0])]) == outcome(
        lambda: [encode(record, clip=clip)[0] for record in records]
    )


def outcome(call: object) -> object:
    """Return what a call returns, or the class and words of its refusal."""
    try:
        return call()
    except InvalidValue as error:
        return type(error), str(error)


def test_clipping_reaches_every_kind_of_field() -> None:
    wild = PLAIN._replace(
        rigidity=2.0, pull=np.inf, activation_count=-1, evidence_count=10**6, created_ns=-1, aim=(1e308,) * 8
    )
    assert encode_many(columns_of(wild), clip=True)[0].tobytes() == encode(wild, clip=True)[0]


def test_the_first_bad_connection_is_named_in_any_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column, "BLOCK_ROWS", 4)
    good = plain(11)
    assert [*map(bytes, encode_many(good)[0])] == [encode(PLAIN._replace(target=number + 5))[0] for number in range(11)]
    good.type[[6, 9]] = 300
    with pytest.raises(InvalidValue, match=r"^type of connection 4 to 11 must be in 0\.\.175, got 300"):
        encode_many(good)


def test_an_id_that_does_not_fit_is_refused() -> None:
    with pytest.raises(IdNotRepresentable, match=r"^target of connection 4 to 4294967296 must be in "):
        encode_many(plain(2)._replace(target=np.array([5, 2**32])))


def test_columns_are_not_modified() -> None:
    columns = columns_of(PLAIN._replace(rigidity=2.0, aim=(1e9,) * 8, activation_count=-1, created_ns=-1))
    before = [values.copy() for values in columns]
    encode_many(columns, clip=True)
    for values, copy in zip(columns, before, strict=True):
        np.testing.assert_array_equal(values, copy)


# ---------------------------------------------------------------------------------------------- shapes and kinds


def test_nothing_gives_no_records() -> None:
    records, swapped = encode_many(ConnectionColumns(*[[]] * 18, np.empty((0, 8))))
    assert records.shape == (0, 64)
    assert swapped.tolist() == []
    assert decode_many(b"").aim.shape == (0, 8)


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("source", [1.0, 2.0], "source must be an array of int64, got float64"),
        ("source", 4, r"source must be an array of shape \(n,\), got \(\)"),
        ("rigidity", [0.5], r"rigidity must have shape \(2,\), got \(1,\)"),
        ("rigidity", [None, 0.5], "rigidity must be an array of float64, got object"),
        ("last_activation_ns", [None, 1], "last_activation_ns must be an array of int64, got object"),
        ("aim", np.zeros((2, 7)), r"aim must have shape \(2, 8\), got \(2, 7\)"),
    ],
)
def test_a_column_of_the_wrong_shape_or_kind_is_refused(name: str, values: object, words: str) -> None:
    with pytest.raises(InvalidValue, match=f"^{words}"):
        encode_many(plain(2)._replace(**{name: values}))


@pytest.mark.parametrize(
    ("offset", "content", "words"),
    [
        (0, bytes(4), "ids of record 1 must not be 0, got 0 and 6"),
        (4, bytes(4), "ids of record 1 must not be 0, got 4 and 0"),
        (4, b"\4\0\0\0", "ids of record 1 must differ, got 4 twice"),
        (8, b"\xb0", "type of record 1 must be in "),
        (32, b"\x03", "mutability of record 1 must be in "),
        (16, b"\0\0\xc0\x7f", "pull of record 1 must be a finite number, got nan"),
        (20, b"\0\0\x80\xff", "preferred_distance of record 1 must be a finite number, got -inf"),
    ],
)
def test_a_damaged_record_is_named_by_its_place(offset: int, content: bytes, words: str) -> None:
    records = bytearray(encode_many(plain(3))[0].tobytes())
    records[64 + offset : 64 + offset + len(content)] = content
    with pytest.raises(InvalidValue, match=f"^{words}"):
        decode_many(bytes(records))


@pytest.mark.parametrize("swapped", [[True], [[True], [False]], [0, 1], None])
def test_the_swapped_flags_are_one_bool_a_record(swapped: object) -> None:
    records = encode_many(plain(2))[0]
    if swapped is None:
        assert decode_many(records).source.tolist() == [4, 4]
    else:
        with pytest.raises(InvalidValue, match=r"^swapped must "):
            decode_many(records, swapped=swapped)
