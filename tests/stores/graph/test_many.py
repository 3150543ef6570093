"""Bulk equals row by row, table for table."""

from __future__ import annotations

import numpy as np
import pytest
from graph_minds import TABLES
from hypothesis import given, settings
from hypothesis import strategies as st

import neurograph
from effort import examples
from neurograph.errors import Conflict, InvalidValue, NeurographError, RuleViolated, TokenNotFound, UnknownName

TOKENS = 1100  # three chunks


def empty_mind() -> neurograph.Database:
    db = neurograph.open(":memory:")
    db.executemany("insert into token (id, label) values (?, ?)", [(n, f"t{n}") for n in range(1, TOKENS + 1)])
    return db


def contents(db: neurograph.Database) -> dict[str, list]:
    return {table: db.execute(sql).fetchall() for table, sql in TABLES.items()}


@st.composite
def edges(draw):
    """Columns of edges: few or many, from a handful of tokens or all, with loops and bidirectional ones."""
    n = draw(st.integers(0, 40)) + draw(st.sampled_from([0, 0, 600]))
    most = draw(st.sampled_from([3, TOKENS]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    source, target = rng.integers(1, most + 1, n), rng.integers(1, most + 1, n)
    kind = rng.choice([1, 2, 80], n)
    key = [str(k) for k in rng.permutation(n)] if draw(st.booleans()) else [str(k) for k in rng.integers(0, 3, n)]
    weight = rng.choice([0.0, 0.25, 1.0], n)
    both = rng.random(n) < draw(st.sampled_from([0.0, 0.2]))
    return source, target, kind, key, weight, both


@settings(max_examples=examples(60), deadline=None)
@given(first=edges(), second=edges())
def test_bulk_equals_row_by_row(first, second):
    with empty_mind() as bulk, empty_mind() as rows:
        for source, target, kind, key, weight, both in (first, second):
            outcomes = []
            for db, fewest in ((bulk, 1), (rows, 10**9)):
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr("neurograph.stores.graph.many.FEWEST_ROWS", fewest)
                    try:
                        db.graph.create_many(source, target, type=kind, key=key, weight=weight, bidirectional=both)
                        outcomes.append(None)
                    except NeurographError as error:
                        outcomes.append(type(error))
            # Rows that break several rules are refused either way; which rule is met first is not promised.
            assert (outcomes[0] is None) == (outcomes[1] is None)
            assert contents(bulk) == contents(rows)
        assert bulk.check() == rows.check() == []


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"target": [1, 2]}, InvalidValue, "target must be as long as source, which has 600, got 2"),
        ({"target": np.full(600, 9999)}, TokenNotFound, "target must be tokens, got the id 9999 at index 0"),
        ({"source": np.zeros(600, np.int64)}, InvalidValue, "at least 1"),
        ({"source": np.full(600, 1.5)}, InvalidValue, "whole numbers"),
        ({"source": np.ones((600, 1), np.int64)}, InvalidValue, "one-dimensional"),
        ({"weight": np.full(600, np.nan)}, InvalidValue, "weight must be finite"),
        ({"weight": np.full(600, np.inf)}, InvalidValue, "weight must be finite"),
        ({"weight": 1.5}, RuleViolated, r"within the constitution's limits.*got 1.5 at index 0"),
        ({"weight": "heavy"}, InvalidValue, "weight must be numbers"),
        ({"weight": np.ones(3)}, InvalidValue, r"shape \(600,\)"),
        ({"bidirectional": 2}, InvalidValue, "bidirectional must be True or False"),
        ({"type": "hypernim"}, UnknownName, "hypernim"),
        ({"type": [1]}, InvalidValue, "type must be as long"),
        ({"key": ["a"]}, InvalidValue, "key must be as long"),
        ({"key": "a\x00b"}, InvalidValue, "without NUL"),
        ({"properties": [{}]}, InvalidValue, "properties must be as long"),
        ({"on_conflict": "explode"}, InvalidValue, "on_conflict must be one of"),
        ({"source": np.ones(600, np.int64), "target": np.ones(600, np.int64)}, Conflict, "given twice"),
    ],
)
def test_bad_columns_are_named_and_change_nothing(change, error, message):
    with empty_mind() as db:
        before = contents(db)
        arguments = {"source": np.arange(1, 601), "target": np.arange(2, 602), **change}
        with pytest.raises(error, match=message):
            db.graph.create_many(**arguments)
        assert contents(db) == before


def test_a_degree_beyond_the_limit_refuses_the_whole_call():
    with empty_mind() as db:
        db.execute("update cdna_current set max_in_degree = 599")
        with pytest.raises(RuleViolated, match=r"max_in_degree is 599.*got 600 at the token 1"):
            db.graph.create_many(np.arange(2, 602), np.ones(600, np.int64))
        assert db.graph.count() == 0


def test_labels_stand_for_tokens():
    with empty_mind() as db:
        db.graph.create_many(["t1", "t2"], ["t2", "t3"])
        assert db.graph.neighbors("t1").tolist() == [2]
        with pytest.raises(TokenNotFound, match="t9999"):
            db.graph.create_many(["t1"], ["t9999"])


def test_conflict_policies():
    with empty_mind() as db:
        assert db.graph.create_many([1, 2], [2, 3], weight=[0.25, 0.5]) == 2
        with pytest.raises(Conflict, match="1 → 2 of type 'associated_with'"):
            db.graph.create_many([1], [2])
        assert db.graph.create_many([1, 3], [2, 4], on_conflict="ignore") == 1
        assert db.graph.get(1, 2).weight == 0.25
        assert db.graph.create_many([1, 4], [2, 5], weight=0.75, on_conflict="update") == 2
        assert db.graph.get(1, 2).weight == 0.75


def test_a_users_trigger_sees_every_row():
    with empty_mind() as db:
        db.execute("create table seen (source integer) strict")
        db.execute("create trigger mine after insert on edge begin insert into seen values (new.source); end")
        db.graph.create_many(np.arange(1, 1001), np.arange(2, 1002))
        assert db.execute("select count(*) from seen").fetchone() == (1000,)
        assert db.execute("select sum(outgoing) from degree").fetchone() == (1000,)


def test_triggers_are_on_again_after_a_refused_call():
    with empty_mind() as db:
        with pytest.raises(Conflict):
            db.graph.create_many(np.ones(600, np.int64), np.ones(600, np.int64))
        with pytest.raises(RuleViolated):
            db.execute("insert into edge (source, target) values (1, 99999)")


@pytest.mark.parametrize("old_both", [False, True])
@pytest.mark.parametrize("new_both", [False, True])
@pytest.mark.parametrize("others", [0, 50])
def test_a_reverse_is_found_whether_few_or_many_edges_go_both_ways(
    monkeypatch: pytest.MonkeyPatch, others: int, new_both: bool, old_both: bool
) -> None:
    monkeypatch.setattr("neurograph.stores.graph.many.FEWEST_ROWS", 1)
    with neurograph.open(":memory:") as db:
        ids = db.tokens.create_many(count=60)
        db.graph.create(1, 2, bidirectional=old_both)
        db.graph.create_many(ids[5 : 5 + others], ids[6 : 6 + others], bidirectional=True)
        given = {"source": [3, 4, 2], "target": [3, 1, 1], "bidirectional": [True, False, new_both]}
        before = contents(db)
        if old_both or new_both:
            with pytest.raises(RuleViolated, match="a bidirectional edge and its reverse can't coexist") as caught:
                db.graph.create_many(**given)
            assert caught.value.rule == "edge.bidirectional"
            assert contents(db) == before
        else:
            assert db.graph.create_many(**given) == 3
        assert db.graph.create_many([2], [1], type="before", bidirectional=True) == 1
        assert db.graph.create_many([2], [1], key="other", bidirectional=True) == 1
        assert db.check() == []
