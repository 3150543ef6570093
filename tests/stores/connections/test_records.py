"""Connections as 64-byte records: both ways, with their direction, between files."""

from __future__ import annotations

import random

import numpy as np
import pytest

import neurograph
from neurograph.codec.connection64 import decode
from neurograph.errors import (
    Conflict,
    ConnectionNotFound,
    IdNotRepresentable,
    InvalidValue,
    RuleViolated,
    TokenNotFound,
)

SAME = (
    "type",
    "flags",
    "active_levels",
    "activation_count",
    "mutability",
    "evidence_count",
    "origin",
    "bidirectional",
    "pull",
    "preferred_distance",
)
ROUNDED = ("rigidity", "confidence", "learning_rate", "decay_rate")
SECOND = 10**9


def filled(db: neurograph.Database, seed: int = 1) -> neurograph.Database:
    """Fill a database with tokens of several types and domains, and random connections that a record holds exactly."""
    rng = random.Random(seed)
    for n in range(8):
        db.tokens.create(f"t{n}", entity_type=n % 3, domain=n % 2)
    for n in range(20):
        source, target = rng.sample(range(1, 9), 2)
        made = db.connections.create(
            source, target, type=rng.choice(("fears", "antonym", "alternates")), key=str(n), rigidity=rng.random(),
            pull=rng.choice((-1.5, 0.25)), preferred_distance=rng.choice((0.01, 1.5, 100.0)),
            flags=rng.randrange(256) & ~4, active_levels=rng.randrange(256), confidence=rng.random(),
            origin=rng.randrange(9), aim={"physical": 1.27, "social": -0.5}, bidirectional=rng.random() < 0.3,
            now_ns=(1_700_000_000 + n) * SECOND,
        )  # fmt: skip
        if n % 2:
            db.connections.activate(made, n, now_ns=(1_700_000_100 + n) * SECOND)
    return db


def assert_same(one: neurograph.model.connection.Connection, other: neurograph.model.connection.Connection) -> None:
    for name in SAME:
        assert getattr(one, name) == getattr(other, name), name
    for name in ROUNDED:
        assert abs(getattr(one, name) - getattr(other, name)) <= 0.5 / 255, name
    for name in ("created_ns", "modified_ns"):
        assert getattr(one, name) // SECOND == getattr(other, name) // SECOND
    assert (one.last_activation_ns or 0) // SECOND == (other.last_activation_ns or 0) // SECOND
    assert other.aim == {"physical": 1.27, "social": -0.5}


def test_a_record_and_its_direction_bring_a_connection_back(db):
    filled(db)
    for connection in db.connections.list():
        record, swapped = db.connections.to_bytes(connection)
        assert len(record) == 64
        assert swapped == (decode(record).source != decode(record, swapped=swapped).source)
        copy = db.connections.from_bytes(record, swapped=swapped, key="copy of " + connection.key, weight=0.5)
        assert (copy.source, copy.target, copy.weight) == (connection.source, connection.target, 0.5)
        assert_same(connection, copy)
        assert db.connections.to_bytes(copy) == (record, swapped)


@pytest.mark.parametrize("ids", ["exact", "remap"])
def test_tokens_and_connections_move_to_another_file(db, ids, tmp_path):
    filled(db)
    chosen = [token.id for token in db.tokens.list()][::-1]
    token_records, legacy_ids = db.tokens.to_bytes_many(chosen, ids=ids)
    mapping = (np.array(chosen), legacy_ids)
    records, swapped = db.connections.to_bytes_many(tokens=mapping)
    assert records.shape == (20, 64)
    for explicit in (False, True):
        with neurograph.open(tmp_path / f"{explicit}.ngdb") as other:
            other.tokens.create_many(count=50)
            new = other.tokens.from_bytes_many(token_records)
            far = np.array([int(np.flatnonzero(mapping[0] == id)[0]) for id in chosen])
            theirs = (new, legacy_ids) if explicit else None
            for n in range(20):  # each with its key, which the record does not hold
                (made,) = other.connections.from_bytes_many(
                    records[n : n + 1], swapped=swapped[n : n + 1], tokens=theirs, key=str(n)
                )
                before, after = db.connections.list()[n], other.connections.get(made)
                assert_same(before, after)
                back = dict(zip(new.tolist(), mapping[0][far].tolist(), strict=True))
                assert (back[after.source], back[after.target]) == (before.source, before.target)
            assert other.check() == []


def test_many_are_the_same_bytes_as_one_by_one(db):
    filled(db)
    chosen = [3, 1, 3, 20]
    records, swapped = db.connections.to_bytes_many(np.array(chosen))
    assert [(record.tobytes(), turned) for record, turned in zip(records, swapped.tolist(), strict=True)] == [
        db.connections.to_bytes(id) for id in chosen
    ]
    assert db.connections.to_bytes_many([])[0].shape == (0, 64)
    assert db.connections.from_bytes_many(b"").tolist() == []


def test_without_its_direction_a_record_runs_from_the_smaller_id(db):
    db.tokens.create_many(count=2, entity_type="concept")
    record, swapped = db.connections.to_bytes(db.connections.create(2, 1))
    assert swapped
    assert (db.connections.from_bytes(record).source, db.connections.from_bytes(record, key="x").target) == (1, 2)


def test_a_distance_of_a_hundredth_comes_back(db):
    db.tokens.create_many(count=2, entity_type="concept")
    record, _ = db.connections.to_bytes(db.connections.create(1, 2, preferred_distance=0.01))
    assert db.connections.from_bytes(record, key="x").preferred_distance == 0.01


def test_what_is_immutable_comes_back_certain(db):
    db.tokens.create_many(count=2, entity_type="concept")
    record, _ = db.connections.to_bytes(db.connections.create(1, 2, type="antonym"))
    damaged = record[:33] + b"\x10" + record[34:]
    assert db.connections.from_bytes(damaged, key="x").confidence == 1.0


def test_what_a_record_cannot_hold_is_refused_or_clipped(db):
    db.connection_types.create("mine")
    db.tokens.create_many(count=2, entity_type="concept")
    made = db.connections.create(1, 2, now_ns=0)
    db.execute("update connection set evidence_count = 70000, created_ns = -1")
    with pytest.raises(InvalidValue, match="created_ns of connection"):
        db.connections.to_bytes(made)
    record, _ = db.connections.to_bytes(made, clip=True)
    assert decode(record).evidence_count == 65_535
    with pytest.raises(InvalidValue, match=r"type of connection .* must be in 0..175, got 256"):
        db.connections.to_bytes(db.connections.create(1, 2, type="mine"), clip=True)
    with pytest.raises(ConnectionNotFound):
        db.connections.to_bytes(99)
    db.entity_types.create("robot")
    robot = db.tokens.create(entity_type="robot")
    with pytest.raises(InvalidValue, match=r"entity_type of token 3 must be in 0..15, got 256"):
        db.connections.to_bytes(db.connections.create(robot, 1))
    db.execute("insert into token (id) values (?)", [1 << 24])
    with pytest.raises(IdNotRepresentable, match="16777216"):
        db.connections.to_bytes(db.connections.create(1 << 24, 1))


def test_bad_records_create_nothing(db):
    db.tokens.create_many(count=2, entity_type="concept")
    record, _ = db.connections.to_bytes(db.connections.create(1, 2))
    stranger = record[:4] + b"\x07\x00\x00\x05" + record[8:]
    strong = record[:16] + np.float32(99).tobytes() + record[20:]
    far = record[:20] + np.float32(1000).tobytes() + record[24:]
    before = db.execute("select * from connection").fetchall()
    for bad, error, message in (
        (record[:-1], InvalidValue, "64"),
        (b"\0" * 64, InvalidValue, "ids of record"),
        (record, Conflict, "exists already"),
        (stranger, TokenNotFound, "no token has the record's id 0x05000007"),
        (strong, RuleViolated, r"pull .* got 99.0 at index 0"),
        (far, InvalidValue, "preferred_distance must be in"),
    ):
        with pytest.raises(error, match=message):
            db.connections.from_bytes(bad, key="" if bad is record else "k")
        with pytest.raises((error, Conflict)):  # both run between the same tokens
            db.connections.from_bytes_many(record + bad, key="k")
    with pytest.raises(InvalidValue, match="swapped"):
        db.connections.from_bytes_many(record, swapped=np.array([True, False]))
    assert db.execute("select * from connection").fetchall() == before


def test_the_map_of_tokens_must_be_whole_and_clear(db):
    db.tokens.create_many(count=2, entity_type="concept")
    made = db.connections.create(1, 2)
    record, _ = db.connections.to_bytes(made)
    for tokens, error, message in (
        ((np.array([1]), np.array([7])), TokenNotFound, "tokens must name every end, got none for the token's id 2"),
        ((np.array([1]), np.array([7, 8])), InvalidValue, "two arrays of one length"),
        ({1: 7}, InvalidValue, "tokens must be two arrays"),
    ):
        with pytest.raises(error, match=message):
            db.connections.to_bytes(made, tokens=tokens)
    with pytest.raises(TokenNotFound, match="record's id"):
        db.connections.from_bytes(record, tokens=(np.array([1]), np.array([7])))
    twice = db.tokens.to_bytes(1)
    db.tokens.from_bytes_many(twice + twice)
    with pytest.raises(InvalidValue, match="tokens must say which token has the id 0x05000001: 2 were imported"):
        db.connections.from_bytes(record, key="x")
