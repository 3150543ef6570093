"""One connection at a time: made with its edge, found, changed, moved, deleted."""

from __future__ import annotations

import math
from typing import Any

import pytest

import neurograph
from neurograph.errors import (
    Conflict,
    ConnectionNotFound,
    InvalidValue,
    RuleViolated,
    TokenNotFound,
    UnknownName,
)
from neurograph.model.vocabulary import CONNECTION_FAMILIES

HOUR_NS = 3_600 * 10**9


LABELS = ("cat", "dog", "bone", "tree")


@pytest.fixture
def mind(db: neurograph.Database) -> neurograph.Database:
    for label in LABELS:
        db.tokens.create(label)
    return db


@pytest.fixture(scope="module")
def shared_db(shared_db: neurograph.Database) -> neurograph.Database:
    for label in LABELS:
        shared_db.tokens.create(label)
    shared_db.connections.create("bone", "tree")
    shared_db.connections.create("cat", "dog", type="fears")
    return shared_db


def everything(db: neurograph.Database) -> list[list[Any]]:
    tables = ("token", "edge", "connection", "degree", "sqlite_sequence")
    return [db.execute(f"select * from {table} order by 1, 2").fetchall() for table in tables]


def test_a_connection_has_the_defaults_of_its_columns_unless_told(mind):
    made = mind.connections.create("cat", "dog", now_ns=5)
    mind.execute("insert into connection (source, target, created_ns, modified_ns) values (1, 3, 5, 5)")
    by_sql = mind.connections.get("cat", "bone")
    assert made._row[4:] == by_sql._row[4:]
    assert (made.type, made.key, made.weight, made.bidirectional) == ("associated_with", "", 1.0, False)
    assert (made.rigidity, made.pull, made.preferred_distance) == (0.5, 0.5, 1.0)
    assert (made.active_levels, made.flags, made.active) == ((), 0, False)
    assert (made.activation_count, made.last_activation_ns) == (0, None)
    assert (made.mutability, made.confidence, made.evidence_count) == ("learnable", 0.5, 0)
    assert (made.learning_rate, made.decay_rate, made.origin, made.aim) == (0.125, 0.0625, 0, {})
    assert (made.created_ns, made.modified_ns, made.properties) == (5, 5, {})


def test_what_is_given_is_what_is_stored(mind):
    made = mind.connections.create(
        "cat", 2, type="fears", key="at night", weight=0.25, bidirectional=True, rigidity=0.75, pull=-3.0,
        preferred_distance=2.5, active_levels=("emotional", "L6"), flags=("active", "user"), mutability="hypothesis",
        confidence=0.375, learning_rate=1.0, decay_rate=0.0, origin=9, aim={"emotional": -0.5, "motor": 2.0},
        properties={"since": 2024}, now_ns=77,
    )  # fmt: skip
    assert made == mind.connections.get(made) == mind.connections.get(1, 2, type="fears", key="at night")
    assert (made.source, made.target, made.type, made.key) == (1, 2, "fears", "at night")
    assert (made.weight, made.bidirectional, made.properties) == (0.25, True, {"since": 2024})
    assert (made.rigidity, made.pull, made.preferred_distance) == (0.75, -3.0, 2.5)
    assert made.active_levels == ("emotional", "social")
    assert (made.flags, made.active) == (0x01 | 0x80 | 0x04, True)
    assert (made.mutability, made.confidence) == ("hypothesis", 0.375)
    assert (made.learning_rate, made.decay_rate, made.origin) == (1.0, 0.0, 9)
    assert made.aim == {"motor": 2.0, "emotional": -0.5}
    edge = mind.graph.get("cat", "dog", type="fears", key="at night")
    assert (edge.weight, edge.bidirectional, edge.properties) == (0.25, True, {"since": 2024})


@pytest.mark.parametrize(("family", "mutability", "members"), CONNECTION_FAMILIES)
def test_a_type_brings_its_mutability(mind, family, mutability, members):
    made = mind.connections.create("cat", "dog", type=members[-1], confidence=0.25)
    assert made.mutability == ("immutable", "learnable")[mutability]
    assert made.confidence == (1.0, 0.25)[mutability]
    mind.execute("insert into connection (source, target, type, confidence) values (2, 1, ?, 0.25)", [made._row[2]])
    assert mind.connections.get(2, 1, type=members[-1])._row[12:14] == made._row[12:14]


def test_a_users_own_type_brings_its_mutability(mind):
    mind.connection_types.create("guesses", mutability="hypothesis")
    made = mind.connections.create("cat", "dog", type="guesses")
    assert (made.type, made.mutability) == ("guesses", "hypothesis")
    assert mind.connections.list(types="guesses") == [made]


def test_the_pull_is_the_constitutions_unless_given(mind):
    mind.cdna.update(default_pull=1.5)
    assert mind.connections.create("cat", "dog").pull == 1.5
    assert mind.connections.create("dog", "cat", pull=0.0).pull == 0.0


def test_an_edge_that_exists_keeps_what_is_not_given(mind):
    mind.graph.create("cat", "dog", weight=0.25, bidirectional=True, properties={"a": 1})
    made = mind.connections.create("cat", "dog")
    assert (made.weight, made.bidirectional, made.properties) == (0.25, True, {"a": 1})
    mind.connections.delete(made, keep_edge=True)
    made = mind.connections.create("cat", "dog", weight=0.5)
    assert (made.weight, made.bidirectional, made.properties) == (0.5, True, {"a": 1})
    mind.connections.delete(made, keep_edge=True)
    made = mind.connections.create("cat", "dog", bidirectional=False, properties={"b": 2})
    assert (made.weight, made.bidirectional, made.flags, made.properties) == (0.5, False, 0, {"b": 2})
    assert mind.graph.count() == 1


def test_the_flag_of_direction_and_the_edge_say_the_same(mind):
    made = mind.connections.create("cat", "dog", flags="bidirectional")
    assert mind.graph.get("cat", "dog").bidirectional
    assert not mind.connections.update(made, bidirectional=False).bidirectional
    assert not mind.graph.get("cat", "dog").bidirectional
    mind.graph.update("cat", "dog", bidirectional=True)
    assert mind.connections.get(made).bidirectional
    assert not mind.connections.update(made, flags=("active",)).bidirectional
    assert not mind.graph.get("cat", "dog").bidirectional
    assert mind.connections.update(made, flags=0, bidirectional=True).flags == 4


def test_an_edge_has_one_connection(mind):
    mind.connections.create("cat", "dog", type="fears")
    before = everything(mind)
    with pytest.raises(Conflict, match="a connection 1 → 2 of type 'fears' and key '' exists already"):
        mind.connections.create("cat", "dog", type="fears", weight=0.125, properties={"a": 1})
    assert everything(mind) == before


BAD = [
    ({"source": 99}, TokenNotFound, "source must be a token, got the id 99"),
    ({"target": 99}, TokenNotFound, "target must be a token, got the id 99"),
    ({"source": "catt"}, TokenNotFound, "'catt'; the closest are 'cat'"),
    ({"source": 0}, InvalidValue, "between 1 and 2"),
    ({"source": None}, InvalidValue, "token must be a record, an id or a label, got None"),
    ({"target": "cat"}, InvalidValue, "target must differ from source, got the token 1 twice; an edge can be a loop"),
    ({"type": "feers"}, UnknownName, r"'feers'; the closest are 'fears'.*; db.connection_types.create"),
    ({"type": 255}, UnknownName, "255"),
    ({"type": True}, InvalidValue, "True"),
    ({"key": None}, InvalidValue, "key must be text"),
    ({"key": "a\0b"}, InvalidValue, "without NUL"),
    ({"key": "\ud800"}, InvalidValue, "UTF-8"),
    ({"weight": math.nan}, InvalidValue, "weight must be finite, got nan"),
    ({"weight": "1"}, InvalidValue, "weight must be a number, got '1'"),
    ({"weight": 1.5}, RuleViolated, r"weight must be within the constitution's limits.* got 1.5"),
    ({"bidirectional": 2}, InvalidValue, "bidirectional must be True or False"),
    ({"rigidity": -0.1}, InvalidValue, r"rigidity must be in \[0, 1\], got -0.1"),
    ({"rigidity": math.inf}, InvalidValue, "rigidity must be finite"),
    ({"pull": math.inf}, InvalidValue, "pull must be finite"),
    ({"pull": 10.5}, RuleViolated, r"pull must be within the constitution's limits \(\[-10.0, 10.0\].* got 10.5"),
    ({"preferred_distance": 0.001}, InvalidValue, r"preferred_distance must be in \[0.01, 100\], got 0.001"),
    ({"active_levels": "fysical"}, UnknownName, "'physical'"),
    ({"active_levels": 256}, InvalidValue, r"active_levels must be in \[0, 255\], got 256"),
    ({"flags": "activ"}, UnknownName, "'active'"),
    ({"flags": -1}, InvalidValue, "flags must be in"),
    ({"flags": 4, "bidirectional": False}, InvalidValue, "bidirectional must not be False"),
    ({"mutability": "imutable"}, UnknownName, "'immutable'"),
    ({"mutability": 3}, InvalidValue, r"mutability must be in \[0, 2\], got 3"),
    ({"confidence": 1.01}, InvalidValue, r"confidence must be in \[0, 1\], got 1.01"),
    ({"learning_rate": "fast"}, InvalidValue, "learning_rate must be a number"),
    ({"decay_rate": 2}, InvalidValue, "decay_rate must be in"),
    ({"origin": -1}, InvalidValue, "origin must be in"),
    ({"origin": 1.0}, InvalidValue, "origin must be a whole number"),
    ({"aim": {"fysical": 1}}, UnknownName, "'physical'"),
    ({"aim": {"physical": math.nan}}, InvalidValue, "aim in physical must be finite"),
    ({"aim": (1, 2, 3)}, InvalidValue, "aim must be 8 numbers or a mapping"),
    ({"properties": [1]}, InvalidValue, "properties must map strings"),
    ({"now_ns": -1}, InvalidValue, "now_ns must be in"),
]


@pytest.mark.parametrize(("change", "error", "message"), BAD, ids=[str(bad[0]) for bad in BAD])
def test_bad_input_is_named_and_nothing_is_created(unchanged, change, error, message):
    arguments = {"source": "cat", "target": "dog", **change}
    with pytest.raises(error, match=message):
        unchanged.connections.create(arguments.pop("source"), arguments.pop("target"), **arguments)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [(change, error, message) for change, error, message in BAD if None not in change.values()],
    ids=[str(bad[0]) for bad in BAD if None not in bad[0].values()],
)
def test_bad_input_is_named_and_nothing_is_changed(unchanged, change, error, message):
    made = unchanged.connections.get("cat", "dog", type="fears")
    with pytest.raises(error, match=message):
        unchanged.connections.update(made, **{"pull": 1.0, **change})


def test_a_type_the_constitution_forbids_is_refused_for_edges_and_for_connections(mind):
    mind.graph.create("cat", "dog", type="hates")
    mind.cdna.forbid_type("hates")
    with pytest.raises(
        RuleViolated, match=r"type must be one the constitution allows \(.*allow_type\), got 'hates'"
    ) as caught:
        mind.connections.create("cat", "dog", type="hates")
    assert caught.value.rule == "connection.type"
    with pytest.raises(
        RuleViolated, match=r"type must be one the constitution allows \(.*allow_type\), got 'hates'"
    ) as caught:
        mind.connections.create("dog", "cat", type="hates")
    assert caught.value.rule == "edge.type"
    mind.cdna.allow_type("hates")


def test_what_does_not_exist_is_not_found(mind):
    mind.connections.create("cat", "dog", bidirectional=True)
    connections = mind.connections
    for missing in (
        lambda: connections.get(2),
        lambda: connections.get("dog", "cat"),
        lambda: connections.get("cat", "dog", type="fears"),
        lambda: connections.get("cat", "dog", key="x"),
        lambda: connections.update(2, pull=1.0),
        lambda: connections.update(2),
        lambda: connections.delete(2),
        lambda: connections.delete(2, keep_edge=True),
    ):
        with pytest.raises(ConnectionNotFound, match="no connection"):
            missing()
    with pytest.raises(TokenNotFound):
        mind.connections.get("kat", "dog")
    for wrong in ("1", 0, -1, 2**63, True, None, 1.0):
        with pytest.raises(InvalidValue):
            mind.connections.get(wrong)


@pytest.mark.parametrize(
    ("change", "column", "value"),
    [
        ({"weight": 0.25}, "weight", 0.25),
        ({"rigidity": 0.25}, "rigidity", 0.25),
        ({"pull": 0}, "pull", 0.0),
        ({"preferred_distance": 100}, "preferred_distance", 100.0),
        ({"active_levels": "abstract"}, "active_levels", ("abstract",)),
        ({"active_levels": ()}, "active_levels", ()),
        ({"flags": ("persistent",)}, "flags", 2),
        ({"mutability": "immutable"}, "mutability", "immutable"),
        ({"mutability": 2}, "mutability", "hypothesis"),
        ({"confidence": 0.0}, "confidence", 0.0),
        ({"learning_rate": 0.5}, "learning_rate", 0.5),
        ({"decay_rate": 0.5}, "decay_rate", 0.5),
        ({"origin": 3}, "origin", 3),
        ({"aim": {"social": 1}}, "aim", {"social": 1.0}),
        ({"properties": {"x": [1]}}, "properties", {"x": [1]}),
        ({"properties": {}}, "properties", {}),
        ({"key": "k"}, "key", "k"),
        ({"source": "tree"}, "source", 4),
        ({"target": "tree"}, "target", 4),
        ({"type": "likes"}, "type", "likes"),
        ({"bidirectional": True}, "bidirectional", True),
    ],
    ids=str,
)
def test_an_update_changes_what_is_given_and_the_time(mind, change, column, value):
    made = mind.connections.create("cat", "dog", type="fears", properties={"old": 1}, now_ns=10)
    changed = mind.connections.update(made, now_ns=20, **change)
    assert changed == mind.connections.get(made.id)
    assert getattr(changed, column) == value
    assert (changed.created_ns, changed.modified_ns) == (10, 20)
    names = "source target type key weight rigidity pull preferred_distance mutability active_levels confidence aim"
    kept = [*names.split(), "learning_rate", "decay_rate", "origin", "properties"]
    if change == {"mutability": "immutable"}:
        kept.remove("confidence")
    same = {name: getattr(made, name) for name in kept if name not in change}
    assert {name: getattr(changed, name) for name in same} == same


def test_an_update_of_nothing_changes_nothing(mind):
    made = mind.connections.create("cat", "dog")
    before = everything(mind)
    assert mind.connections.update(made) == made
    assert mind.connections.update(made, type="associated_with", source="cat", key="") == made
    assert everything(mind) == before


def test_times_only_go_forward(mind):
    made = mind.connections.create("cat", "dog", now_ns=100)
    assert mind.connections.update(made, pull=1.0, now_ns=50).modified_ns == 101
    mind.execute("update connection set pull = 2.0")
    assert mind.connections.get(made).modified_ns > 1_700_000_000 * 10**9


def test_a_new_type_moves_the_edge_and_brings_its_mutability(mind):
    made = mind.connections.create("cat", "dog", type="fears", weight=0.5, confidence=0.25, properties={"a": 1})
    changed = mind.connections.update(made, type="antonym")
    assert (changed.type, changed.mutability, changed.confidence) == ("antonym", "immutable", 1.0)
    assert [(e.type, e.weight, e.properties) for e in mind.graph.list()] == [("antonym", 0.5, {"a": 1})]
    assert mind.connections.update(made, type="likes").mutability == "learnable"
    changed = mind.connections.update(made, type="antonym", mutability="learnable", confidence=0.125)
    assert (changed.mutability, changed.confidence) == ("learnable", 0.125)


def test_a_connection_moves_with_its_edges_counters(mind):
    made = mind.connections.create("cat", "dog", bidirectional=True)
    mind.connections.update(made, source="bone", target="tree", key="k", bidirectional=False)
    degrees = mind.execute("select * from degree order by token_id").fetchall()
    assert degrees == [(3, 1, 0, 1), (4, 0, 1, 1)]


@pytest.mark.parametrize("with_connection", [False, True])
def test_a_connection_does_not_move_onto_another_edge(mind, with_connection):
    made = mind.connections.create("cat", "dog")
    create = mind.connections.create if with_connection else mind.graph.create
    create("cat", "bone")
    before = everything(mind)
    with pytest.raises(Conflict, match="an edge 1 → 3 of type 'associated_with' and key '' exists already"):
        mind.connections.update(made, target="bone", pull=2.0)
    assert everything(mind) == before


def test_the_new_place_is_judged_with_the_new_direction(mind):
    made = mind.connections.create("cat", "dog", bidirectional=True)
    mind.graph.create("tree", "bone")
    moved = mind.connections.update(made, source="bone", target="tree", bidirectional=False)
    assert (moved.source, moved.target, moved.bidirectional) == (3, 4, False)
    with pytest.raises(RuleViolated, match="can't coexist"):
        mind.connections.update(made, bidirectional=True)


def test_what_is_immutable_is_certain(mind):
    made = mind.connections.create("cat", "dog", type="antonym", confidence=0.5)
    assert made.confidence == 1.0
    with pytest.raises(InvalidValue, match=r"confidence of an immutable connection must be 1, got 0.5"):
        mind.connections.update(made, confidence=0.5)
    with pytest.raises(RuleViolated, match="the confidence of an immutable connection must be 1"):
        mind.execute("update connection set confidence = 0.5")
    assert mind.connections.update(made, confidence=1.0, pull=3.0).pull == 3.0  # immutable, not read-only
    loose = mind.connections.update(made, mutability="learnable", confidence=0.5)
    assert (loose.mutability, loose.confidence) == ("learnable", 0.5)
    assert mind.connections.update(made, mutability="immutable").confidence == 1.0


def test_deleting_takes_the_edge_unless_it_is_kept(mind):
    first, second = mind.connections.create("cat", "dog"), mind.connections.create("dog", "cat")
    mind.connections.delete(first)
    assert [(edge.source, edge.target) for edge in mind.graph.list()] == [(2, 1)]
    mind.connections.delete(second.id, keep_edge=True)
    assert (mind.connections.count(), mind.graph.count()) == (0, 1)
    assert mind.connections.create("cat", "dog").id == 3  # an id is never given twice


def test_a_connection_goes_with_its_edge_and_its_token(mind):
    mind.connections.create("cat", "dog")
    mind.connections.create("dog", "bone")
    mind.connections.create("bone", "tree")
    mind.graph.delete("cat", "dog")
    assert [c.id for c in mind.connections.list()] == [2, 3]
    mind.tokens.delete("bone")
    assert mind.connections.list() == []


def test_a_rollback_takes_connection_and_edge_back(mind):
    mind.begin()
    mind.connections.create("cat", "dog")
    mind.rollback()
    assert (mind.connections.count(), mind.graph.count()) == (0, 0)


def test_a_refusal_inside_a_transaction_leaves_the_rest_of_it(mind):
    with mind.transaction():
        mind.connections.create("cat", "dog")
        with pytest.raises(RuleViolated):
            mind.connections.create("dog", "bone", weight=0.5, pull=99.0)
    assert [(edge.source, edge.target) for edge in mind.graph.list()] == [(1, 2)]


@pytest.mark.parametrize(
    ("limits", "values", "message"),
    [
        ({"max_pull": 1.0}, {"pull": 1.5}, r"pull .*\[-10.0, 1.0\].* got 1.5"),
        ({"min_rigidity": 0.75}, {}, r"rigidity .*\[0.75, 1.0\].* got 0.5"),
        ({"max_connection_weight": 0.5}, {}, r"weight .*\[0.0, 0.5\].* got 1.0"),
        ({"min_connection_weight": 0.5}, {"weight": 0.25}, r"weight .*\[0.5, 1.0\].* got 0.25"),
    ],
)
def test_the_constitutions_limits_hold_and_are_named(mind, limits, values, message):
    mind.cdna.update(**limits)
    with pytest.raises(RuleViolated, match=message):
        mind.connections.create("cat", "dog", **values)
    assert mind.graph.count() == 0


def test_a_value_beyond_a_narrowed_limit_may_move_towards_it(mind):
    made = mind.connections.create("cat", "dog", pull=8.0, rigidity=0.875, weight=1.0)
    mind.cdna.update(max_pull=2.0, max_rigidity=0.5, max_connection_weight=0.5)
    assert mind.connections.update(made, pull=7.0, rigidity=0.75, weight=0.75).pull == 7.0
    for beyond in ({"pull": 7.5}, {"rigidity": 0.8}, {"weight": 0.8}):
        with pytest.raises(RuleViolated):
            mind.connections.update(made, **beyond)
    mind.connections.update(made, pull=2.0, rigidity=0.5, weight=0.5)


def test_reading_works_in_a_snapshot_and_writing_does_not(mind):
    made = mind.connections.create("cat", "dog")
    with mind.snapshot():
        assert mind.connections.get(made) == made
        with pytest.raises(neurograph.NeurographError, match="snapshot"):
            mind.connections.update(made, pull=1.0)
