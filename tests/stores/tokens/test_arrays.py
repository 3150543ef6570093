"""Tokens as arrays: places, labels and ids, and the original system's records."""

from __future__ import annotations

import numpy as np
import pytest

import neurograph
from neurograph.codec import token64
from neurograph.errors import Conflict, IdNotRepresentable, InvalidValue, RuleViolated
from neurograph.model.levels import LEVELS

RNG_SEED = 5


@pytest.fixture
def placed(db: neurograph.Database) -> neurograph.Database:
    """Return a database with tokens in many chunks, each in some of the levels."""
    rng = np.random.default_rng(RNG_SEED)
    places = rng.normal(size=(20_000, 8, 3))
    places[rng.random((20_000, 8)) < 0.5] = np.nan
    db.tokens.create_many([f"w{n}" if n % 2 else None for n in range(1, 20_001)], coordinates=places)
    db.tokens.delete_many([5, 17_000])
    return db


def test_places_come_as_they_were_given(placed: neurograph.Database) -> None:
    rng = np.random.default_rng(RNG_SEED)
    places = rng.normal(size=(20_000, 8, 3))
    places[rng.random((20_000, 8)) < 0.5] = np.nan
    there = np.delete(np.arange(20_000), [4, 16_999])
    ids, read = placed.tokens.coordinates()
    assert (ids.dtype, read.dtype, read.shape) == (np.int64, np.float64, (19_998, 8, 3))
    assert np.array_equal(ids, there + 1)
    assert np.array_equal(read, places[there], equal_nan=True)
    for index, level in enumerate(LEVELS):
        assert np.array_equal(placed.tokens.coordinates(level)[1], places[there, index], equal_nan=True)
    wanted = rng.permutation(there)[:9000] + 1
    ids, read = placed.tokens.coordinates("motor", wanted)
    assert np.array_equal(ids, wanted)
    assert np.array_equal(read, places[wanted - 1, 2], equal_nan=True)
    ids, read = placed.tokens.coordinates(2, ["w3", 2, placed.tokens.get(1)])
    assert ids.tolist() == [3, 2, 1]
    assert np.array_equal(read, places[[2, 1, 0], 2], equal_nan=True)
    for empty in ([], np.empty(0, np.int64)):
        assert [array.shape for array in placed.tokens.coordinates(tokens=empty)] == [(0,), (0, 8, 3)]


def test_an_empty_file_has_empty_arrays(db: neurograph.Database) -> None:
    assert [array.shape for array in db.tokens.coordinates()] == [(0,), (0, 8, 3)]
    assert [array.shape for array in db.tokens.coordinates("social")] == [(0,), (0, 3)]
    assert db.tokens.create_many([]).shape == db.tokens.create_many(count=0).shape == (0,)
    assert db.tokens.create_many(count=0).dtype == np.int64
    assert db.tokens.delete_many([]) == 0
    db.tokens.set_coordinates([], np.empty((0, 3)), "social")
    records, legacy_ids = db.tokens.to_bytes_many()
    assert (records.shape, legacy_ids.shape) == ((0, 64), (0,))
    assert db.tokens.from_bytes_many(b"").shape == (0,)


def test_arrays_given_are_not_modified(db: neurograph.Database) -> None:
    places, weight = np.ones((100, 3)), np.full(100, 0.25)
    places.flags.writeable = weight.flags.writeable = False
    ids = db.tokens.create_many(coordinates={"social": places}, weight=weight)
    db.tokens.set_coordinates(ids, places[::-1], "motor")
    assert db.tokens.coordinates("motor")[1].tolist() == [[1.0] * 3] * 100


def test_labels_and_ids_lead_to_each_other(placed: neurograph.Database) -> None:
    ids = np.array([19_999, 1, 1, 7_777])
    labels = placed.tokens.ids_to_labels(ids)
    assert labels == ["w19999", "w1", "w1", "w7777"]
    assert placed.tokens.labels_to_ids(labels).tolist() == ids.tolist()
    assert placed.tokens.labels_to_ids(np.array(labels)).tolist() == ids.tolist()
    assert placed.tokens.labels_to_ids(["nobody", "w3", "\ud800"], missing="zero").tolist() == [0, 3, 0]
    assert placed.tokens.ids_to_labels([2, 3]) == [None, "w3"]
    every = [token.id for token in placed.tokens if token.label]
    assert placed.tokens.labels_to_ids(placed.tokens.ids_to_labels(every)).tolist() == every
    assert (placed.tokens.label_to_id("w3"), placed.tokens.id_to_label(3), placed.tokens.id_to_label(2)) == (
        3,
        "w3",
        None,
    )


# --- 64-byte records --------------------------------------------------------------------------------------------------


def some_tokens(db: neurograph.Database, n: int) -> np.ndarray:
    """Create tokens whose values the record holds exactly."""
    rng = np.random.default_rng(3)
    places = rng.integers(-126, 126, (n, 8, 3)) / np.array([token64.AXIS_SCALES])
    places[rng.random((n, 8)) < 0.4] = np.nan
    return db.tokens.create_many(
        entity_type=rng.integers(0, 16, n),
        domain=rng.integers(0, 16, n),
        flags=rng.integers(0, 16, n) * 0x1000 + 3,
        weight=rng.integers(0, 65, n) / 64,
        field_radius=rng.integers(0, 256, n) / 100,
        field_strength=rng.integers(0, 256, n) / 255,
        coordinates=places,
    )


FACTS = "entity_type, domain, flags, weight, field_radius, field_strength, created_ns / 1000000000"


def test_records_make_the_same_tokens_again(db: neurograph.Database) -> None:
    some_tokens(db, 700)
    records, legacy_ids = db.tokens.to_bytes_many()
    assert (records.dtype, records.shape) == (np.uint8, (700, 64))
    with neurograph.open(":memory:") as other:
        ids = other.tokens.from_bytes_many(records.tobytes(), [f"w{n}" for n in range(700)])
        assert ids.tolist() == [*range(1, 701)]
        query = f"select {FACTS} from token order by id"
        assert other.execute(query).fetchall() == db.execute(query).fetchall()
        assert np.array_equal(other.tokens.coordinates()[1], db.tokens.coordinates()[1], equal_nan=True)
        assert other.execute("select legacy_id from token order by id").fetchall() == [
            (id,) for id in legacy_ids.tolist()
        ]
        assert np.array_equal(other.tokens.to_bytes_many()[0], records)
        assert other.execute("select count(*) from token where created_ns = modified_ns").fetchone() == (700,)
        assert other.check() == []


def test_one_record_is_the_row_of_many(db: neurograph.Database) -> None:
    some_tokens(db, 50)
    records, _ = db.tokens.to_bytes_many()
    assert [db.tokens.to_bytes(id) for id in range(1, 51)] == [record.tobytes() for record in records]
    copy = db.tokens.from_bytes(records[7].tobytes(), "copy")
    original = db.tokens.get(8)
    assert (copy.id, copy.label, copy.coordinates, copy.weight) == (51, "copy", original.coordinates, original.weight)
    assert copy.legacy_id is not None
    assert copy.legacy_id & 0xFFFFFF == original.id


def test_kept_ids_are_those_of_the_record(db: neurograph.Database) -> None:
    db.tokens.create_many(count=200)
    records, _ = db.tokens.to_bytes_many([150, 3, 77, *range(100, 140)])
    with neurograph.open(":memory:") as other:
        assert other.tokens.from_bytes_many(records, ids="keep").tolist() == [150, 3, 77, *range(100, 140)]
        assert [token.id for token in other.tokens.list(3)] == [3, 77, 100]
        assert other.tokens.create().id == 151
        with pytest.raises(Conflict, match="id must be unique, got 3 at index 0, which a token has; pass ids='remap'"):
            other.tokens.from_bytes_many(records[1:], ids="keep")
        twice = np.concatenate([records[:1], records[:1]])
        other.tokens.delete(150)
        with pytest.raises(Conflict, match="got 150 at index 0 and at index 1"):
            other.tokens.from_bytes_many(twice, ids="keep")
        assert other.tokens.count() == 43
        assert other.check() == []


def test_ids_beyond_24_bits_are_refused_or_numbered_anew(db: neurograph.Database) -> None:
    db.execute("insert into token (id) values (16777216), (2)")
    for call in (db.tokens.to_bytes_many, lambda: db.tokens.to_bytes(16_777_216)):
        with pytest.raises(IdNotRepresentable, match="16777216"):
            call()
    records, legacy_ids = db.tokens.to_bytes_many(ids="remap")
    assert legacy_ids.tolist() == [1, 2]
    assert [token64.decode(record.tobytes()).id for record in records] == [1, 2]
    foreign = bytes(48) + (0x05000000).to_bytes(4, "little") + bytes(12)
    with pytest.raises(IdNotRepresentable, match="id of record 0 must be at least 1"):
        db.tokens.from_bytes_many(foreign, ids="keep")
    assert hex(db.tokens.from_bytes(foreign).legacy_id or 0) == "0x5000000"


def test_values_that_do_not_fit_are_refused_or_clipped(db: neurograph.Database) -> None:
    db.tokens.create("far", coordinates={"physical": (1000, 0, 0)})
    db.tokens.create("fine", weight=0.1)
    with pytest.raises(InvalidValue, match="physical x of token 1"):
        db.tokens.to_bytes("far")
    with pytest.raises(InvalidValue, match="physical x of token 1"):
        db.tokens.to_bytes_many()
    assert token64.decode(db.tokens.to_bytes("far", clip=True)).coordinates[0] == (327.67, 0.0, 0.0)
    assert db.tokens.to_bytes_many(clip=True)[0][0].tobytes() == db.tokens.to_bytes("far", clip=True)


def test_the_constitution_holds_for_records_too(db: neurograph.Database) -> None:
    heavy = token64.encode(token64.TokenRecord(1, 0, 0, 1, 100.0, 1.0, 1.0, (None,) * 8, 0))
    with pytest.raises(RuleViolated, match=r"got 100\.0 at index 0"):
        db.tokens.from_bytes(heavy)
    assert db.tokens.count() == 0


def test_the_type_in_the_id_counts_where_a_record_says_two(db: neurograph.Database) -> None:
    record = token64.encode(token64.TokenRecord(9, 5, 0, 1, 0.5, 1.0, 1.0, (None,) * 8, 0, type_in_flags=2))
    token = db.tokens.from_bytes(record)
    assert (token.entity_type, token.flags) == ("concept", 1)
    assert token64.decode(db.tokens.to_bytes(token)).type_in_flags is None


def test_a_place_as_create_many_reads_it_serves_for_one(db: neurograph.Database) -> None:
    places = np.full((8, 3), np.nan)
    places[3] = (0.5, -0.25, 0.0)
    token = db.tokens.create(coordinates=places)
    assert token.coordinates == {"emotional": (0.5, -0.25, 0.0)}
    places[3] = np.nan
    assert db.tokens.update(token, coordinates=places).coordinates == {}
    places[0, 0] = 1.0
    with pytest.raises(InvalidValue, match="physical must be three finite numbers"):
        db.tokens.create(coordinates=places)
    with pytest.raises(InvalidValue, match="coordinates must map names of levels"):
        db.tokens.create(coordinates=places[:7])


def test_labels_are_found_by_records_too(db: neurograph.Database) -> None:
    db.tokens.create_many(["ant", None, "cat"])
    assert db.tokens.ids_to_labels(db.tokens.list()) == ["ant", None, "cat"]
    assert db.tokens.ids_to_labels(np.array([3, 1], object)) == ["cat", "ant"]


def test_one_string_is_no_sequence_of_labels(db: neurograph.Database) -> None:
    with pytest.raises(InvalidValue, match="labels must be a sequence with one entry for each token, got 'cat'"):
        db.tokens.create_many("cat")
