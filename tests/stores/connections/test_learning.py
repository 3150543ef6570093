"""Activation, confidence and decay equal the plain formulas: one at a time, in batches, whenever they are called."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest

import neurograph
from naive_learning import HOUR_NS, Learner
from neurograph.errors import ConnectionNotFound, ImmutableConnection, InvalidValue
from neurograph.model.connection import Connection

T0 = 1_700_000_000 * 10**9


def some_connections(db: neurograph.Database, rng: random.Random, n: int) -> dict[int, Learner]:
    """Create n connections of all classes and return what they should know of themselves, by id."""
    ids = db.tokens.create_many(count=n + 1).tolist()
    learners = {}
    for source, target in pairwise(ids):
        learner = Learner(
            mutability=rng.randrange(3), confidence=rng.random(), rigidity=rng.choice((0.0, 0.5, 0.998, 1.0)),
            learning_rate=rng.choice((0.125, 1.0, rng.random())), decay_rate=rng.choice((0.0, 0.0625, 1.0)),
            modified_ns=T0,
        )  # fmt: skip
        made = db.connections.create(
            source, target, mutability=learner.mutability, confidence=learner.confidence, rigidity=learner.rigidity,
            learning_rate=learner.learning_rate, decay_rate=learner.decay_rate, now_ns=T0,
        )  # fmt: skip
        learner.confidence = made.confidence  # an immutable one is certain
        learners[made.id] = learner
    return learners


def read(connection: Connection) -> Learner:
    row = connection._row
    return Learner(
        mutability=row[12], confidence=row[13], rigidity=row[5], learning_rate=row[15], decay_rate=row[16],
        modified_ns=row[19], flags=row[9], activations=row[10], evidence=row[14], last_activation_ns=row[11],
    )  # fmt: skip


def assert_same(db: neurograph.Database, learners: dict[int, Learner], exact: bool = True) -> None:
    for id, learner in learners.items():
        found = read(db.connections.get(id))
        if not exact:  # a power in one step rounds once, step by step it rounds each time
            assert found.confidence == pytest.approx(learner.confidence, rel=1e-13, abs=0)
            found.confidence = learner.confidence
        assert found == learner, id


@pytest.mark.parametrize("seed", range(4))
def test_random_learning_equals_the_plain_formulas(db, seed):
    rng = random.Random(seed)
    learners = some_connections(db, rng, 12)
    teachable = [id for id, learner in learners.items() if learner.mutability != 0]
    now = T0
    for _ in range(60):
        now += rng.choice((1, HOUR_NS // 2, HOUR_NS, HOUR_NS + 1, 5 * HOUR_NS))
        what = rng.randrange(4)
        chosen = rng.choices(list(learners), k=rng.randrange(5))
        if what == 0:
            n = rng.choice((1, 1, 3))
            counts = db.connections.activate(chosen, n, now_ns=now)
            expected = []
            for id in chosen:
                learners[id].activate(n, now)
                expected.append(learners[id].activations)
            assert counts.tolist() == expected
        elif what == 1 and teachable:
            chosen = rng.choices(teachable, k=rng.randrange(5))
            truths = [rng.random() < 0.6 for _ in chosen]
            found = db.connections.update_confidence(np.array(chosen, np.int64), np.array(truths, bool), now_ns=now)
            expected = []
            for id, truth in zip(chosen, truths, strict=True):
                learners[id].learn(truth, now)
                expected.append(learners[id].confidence)
            assert found.tolist() == expected
        elif what == 2:
            assert db.connections.decay(now_ns=now) == sum(learner.decay(now) for learner in learners.values())
        else:
            count = db.connections.decay(chosen, now_ns=now)
            assert count == sum(learners[id].decay(now) for id in set(chosen))
        assert_same(db, learners, exact=False)
        for id, learner in learners.items():
            learner.confidence = db.connections.get(id).confidence


def test_one_connection_gives_one_number(db):
    some_connections(db, random.Random(1), 3)
    made = db.connections.create(1, 3, type="fears")
    assert db.connections.activate(made) == 1
    assert type(db.connections.activate(made.id, 5)) is int
    assert db.connections.update_confidence(made, True) == 0.625
    assert type(db.connections.update_confidence(np.int64(made.id), np.bool_(False))) is float
    assert db.connections.activate([made]).dtype == np.int64
    assert db.connections.update_confidence(np.array([made.id]), False).dtype == np.float64


def test_many_of_nothing_is_nothing(db):
    for none in ([], np.empty(0, np.int64)):
        assert db.connections.activate(none).tolist() == []
        assert db.connections.update_confidence(none, True).tolist() == []
        assert db.connections.decay(none) == 0
        assert db.connections.force(none, level="social").tolist() == []
        assert db.connections.get_many(none) == []


@pytest.fixture
def pair(db: neurograph.Database) -> neurograph.Database:
    db.tokens.create("cat")
    db.tokens.create("dog")
    return db


def test_an_activation_reinforces_what_is_learnable_and_nothing_else(pair):
    for key, mutability in enumerate(("immutable", "learnable", "hypothesis")):
        made = pair.connections.create("cat", "dog", key=str(key), mutability=mutability, rigidity=0.5, now_ns=T0)
        pair.connections.activate(made, now_ns=T0 + 7)
        after = pair.connections.get(made)
        assert after.active
        assert after.last_activation_ns == T0 + 7
        assert after.rigidity == (0.5 + 1 / 255 if mutability == "learnable" else 0.5)
        assert bool(after.flags & 0x20) == (mutability == "learnable")
        assert after.modified_ns == T0  # being used is not being changed


def test_rigidity_stops_at_the_constitutions_limit(pair):
    made = pair.connections.create("cat", "dog", rigidity=0.5)
    pair.cdna.update(max_rigidity=0.502)
    pair.connections.activate(made, 3)
    assert pair.connections.get(made).rigidity == 0.502
    pair.cdna.update(max_rigidity=0.25)
    pair.connections.activate(made)  # beyond the limit it stays where it is
    assert pair.connections.get(made).rigidity == 0.502
    pair.cdna.update(validation=False)
    pair.connections.activate(made, 1000)
    assert pair.connections.get(made).rigidity == 1.0


def test_counters_are_saturated_not_wrapped(pair):
    made = pair.connections.create("cat", "dog")
    most = 2**63 - 1
    pair.execute("update connection set activation_count = ?, evidence_count = ?", (most - 1, most))
    assert pair.connections.activate(made, 5) == most
    pair.connections.update_confidence(made, True)
    assert pair.connections.get(made).evidence_count == most


def test_what_is_immutable_learns_nothing(pair):
    made = pair.connections.create("cat", "dog", type="antonym")
    other = pair.connections.create("cat", "dog")
    for call in (made, [other, made], [made, 99]):
        with pytest.raises(ImmutableConnection, match="connection 1 is immutable"):
            pair.connections.update_confidence(call, True)
    assert pair.connections.get(other) == other


@pytest.mark.parametrize("method", ["activate", "update_confidence", "decay", "force", "potential", "get_many"])
def test_a_missing_connection_is_named_and_none_is_changed(pair, method):
    made = pair.connections.create("cat", "dog", mutability="hypothesis", now_ns=0)
    more = {"update_confidence": (True,)}.get(method, ())
    keywords = {"force": {"distance": 1.0}, "potential": {"distance": 1.0}}.get(method, {})
    with pytest.raises(ConnectionNotFound, match="no connection has the id 7"):
        getattr(pair.connections, method)([made, 7], *more, **keywords)
    assert pair.connections.get(made) == made


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.activate("1"), "connections must be records or ids, got '1'"),
        (lambda c: c.activate(1.0), "connections must be records or ids, got 1.0"),
        (lambda c: c.activate(True), "connection must be"),
        (lambda c: c.activate([0]), "connection must have an id between 1"),
        (lambda c: c.activate(np.array([1.0])), "connections must be whole numbers, got dtype float64"),
        (lambda c: c.activate(np.array([[1]])), "connections must be one-dimensional"),
        (lambda c: c.activate(1, 0), "n must be in"),
        (lambda c: c.activate(1, 1.5), "n must be a whole number"),
        (lambda c: c.activate(1, now_ns="now"), "now_ns must be a whole number"),
        (lambda c: c.update_confidence(1, 1), "success must be True or False, got 1"),
        (lambda c: c.update_confidence(1, [True]), "success must be True or False"),
        (lambda c: c.update_confidence([1], [True, False]), "success must be one truth value or 1, got 2"),
        (lambda c: c.update_confidence([1], ["yes"]), "success must be True or False, got 'yes'"),
        (lambda c: c.decay(now_ns=-5), "now_ns must be in"),
        (lambda c: c.force(1, distance=-1.0), "distance must be in"),
        (lambda c: c.force(1, distance=float("nan")), "distance must be finite"),
        (lambda c: c.force(1, distance=[1.0]), "distance must be a number"),
        (lambda c: c.force([1], distance=[1.0, 2.0]), "distance must be one number or 1, got 2"),
        (lambda c: c.force(1, distance=1.0, level="social"), "distance must not be given together"),
        (lambda c: c.force(1, level=1.5), "level must be a name"),
        (lambda c: c.force(1, weights=[1.0]), "weights must map levels"),
        (lambda c: c.force(1, weights={"social": -1.0}), "weight of social must be in"),
    ],
)
def test_bad_input_is_named(pair, call, message):
    made = pair.connections.create("cat", "dog")
    with pytest.raises(InvalidValue, match=message):
        call(pair.connections)
    assert pair.connections.get(made) == made


@pytest.mark.parametrize(
    ("elapsed_ns", "hours"), [(HOUR_NS, 0), (HOUR_NS + 1, 1), (2 * HOUR_NS, 1), (9 * HOUR_NS + 1, 9)]
)
def test_a_hypothesis_loses_its_share_for_each_hour_that_is_over(pair, elapsed_ns, hours):
    made = pair.connections.create("cat", "dog", mutability="hypothesis", confidence=1.0, decay_rate=0.25, now_ns=T0)
    assert pair.connections.decay(now_ns=T0 + elapsed_ns) == (hours > 0)
    after = pair.connections.get(made)
    assert after.confidence == 0.75**hours
    assert after.modified_ns == T0 + hours * HOUR_NS
    assert bool(after.flags & 0x40) == (hours > 0)


@pytest.mark.parametrize("seed", range(3))
def test_decay_depends_on_the_time_that_passed_and_not_on_the_calls(pair, seed):
    rng = random.Random(seed)
    often, seldom = (
        pair.connections.create(
            "cat", "dog", key=key, mutability="hypothesis", confidence=0.9, decay_rate=0.1, now_ns=T0
        )
        for key in ("often", "seldom")
    )
    end = T0 + 30 * HOUR_NS
    for now in sorted(rng.randrange(T0, end) for _ in range(200)):
        pair.connections.decay(often, now_ns=now)
        pair.connections.decay(often, now_ns=now - HOUR_NS)  # a clock that went back takes nothing
    pair.connections.decay(now_ns=end)
    a, b = pair.connections.get(often), pair.connections.get(seldom)
    assert a.modified_ns == b.modified_ns
    assert a.confidence == pytest.approx(b.confidence, rel=1e-14, abs=0)


def test_evidence_starts_the_hour_anew(pair):
    made = pair.connections.create("cat", "dog", mutability="hypothesis", decay_rate=0.5, now_ns=T0)
    pair.connections.update_confidence(made, True, now_ns=T0 + HOUR_NS)
    assert pair.connections.decay(now_ns=T0 + 2 * HOUR_NS) == 0
    assert pair.connections.decay(now_ns=T0 + 2 * HOUR_NS + 1) == 1


def test_a_hypothesis_that_fades_is_active_no_more(pair):
    made = pair.connections.create("cat", "dog", mutability="hypothesis", confidence=0.25, decay_rate=0.5, now_ns=T0)
    pair.connections.activate(made)
    pair.connections.decay(now_ns=T0 + HOUR_NS + 1)
    assert pair.connections.get(made).active
    pair.connections.decay(now_ns=T0 + 2 * HOUR_NS + 1)
    after = pair.connections.get(made)
    assert after.confidence < 25 / 255
    assert not after.active
    assert pair.connections.list(active=False) == [after]


def test_only_hypotheses_decay(pair):
    for key, mutability in enumerate(("immutable", "learnable")):
        pair.connections.create("cat", "dog", key=str(key), mutability=mutability, now_ns=0)
    before = pair.connections.list()
    assert pair.connections.decay() == 0
    assert pair.connections.list() == before


def test_nothing_is_marked_as_reinforced_and_as_decaying(pair):
    made = pair.connections.create("cat", "dog", mutability="hypothesis", now_ns=0)
    pair.connections.decay(made)
    pair.connections.update(made, mutability="learnable", now_ns=0)
    pair.connections.activate(made)
    assert pair.connections.get(made).flags & 0x60 == 0x20
    pair.connections.update(made, mutability="hypothesis", now_ns=0)
    pair.connections.decay(made, now_ns=2**62)
    assert pair.connections.get(made).flags & 0x60 == 0x40


def test_learning_draws_no_new_nonce_for_the_arrays_of_the_graph(pair):
    made = pair.connections.create("cat", "dog", mutability="hypothesis", now_ns=0)
    before = pair.execute("select * from mark").fetchall()
    pair.connections.activate(made)
    pair.connections.update_confidence(made, True, now_ns=1)
    pair.connections.decay()
    pair.connections.update(made, pull=2.0)
    assert pair.execute("select * from mark").fetchall() == before
