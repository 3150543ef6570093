"""One query over everything gives what its legs give, fused by the formulas, on one state, and says why."""

from __future__ import annotations

import json
import math
import pickle
import random
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive_query
import neurograph
from neurograph import Database, QueryHit, QueryResult, errors
from neurograph.flows.query.fusion import Candidate, Ranking, fused, parts, shares
from neurograph.flows.query.question import WEIGHTS

QUERY = [1.0, 0.3]
ROOT = Path(__file__).parents[2]


def fill(db: Database, seed: int = 1, tokens: int = 30, items: int = 50) -> None:
    """Create tokens with places and edges, and two libraries, most of whose items belong to a token."""
    draw = random.Random(seed)
    with db.transaction():
        for at in range(tokens):
            place = tuple(draw.uniform(-1, 1) for _ in range(3))
            db.tokens.create(f"t{at}", coordinates={"physical": place} if at % 3 else {}, weight=draw.random())
        for at in range(3 * tokens):
            source, target = draw.randint(1, tokens), draw.randint(1, tokens)
            db.graph.create(source, target, key=str(at), weight=draw.random(), bidirectional=False)
        for name in ("one", "two"):
            library = db.library.create(name, dimension=2)
            library.add(
                [[draw.gauss(0, 1), draw.gauss(0, 1)] for _ in range(items)],
                keys=[f"{name}{at}" for at in range(items)],
                texts=[f"text {at}" if at % 2 else None for at in range(items)],
                tokens=[draw.randint(1, tokens) if at % 4 else None for at in range(items)],
                metadata=[{"n": at} for at in range(items)],
            )


@pytest.fixture(scope="module")
def mind() -> Iterator[Database]:
    with neurograph.open(":memory:") as db:
        fill(db)
        yield db
        assert db.check() == []


def entities(db: Database, name: str, k: int) -> list[tuple[tuple[str, int], float]]:
    """Return what a library's hits stand for, each once, with its figure."""
    found: dict[tuple[str, int], float] = {}
    for hit in db.library.get(name).search(QUERY, k):
        token = db.library.get(name).get(hit.id).token_id
        found.setdefault(("item", hit.id) if token is None else ("token", token), hit.distance)
    return list(found.items())


def naive(db: Database, fusion: str, weights: dict[str, float], k: int, seeds: int, depth: int) -> list[Any]:
    """Return (kind, id, score), best first, by the slow version of every step."""
    figures = {name: [(e, -d) for e, d in entities(db, name, k)] for name in ("one", "two")}
    figures["space"] = [(("token", id), -d) for id, d in db.grid.nearest((0, 0, 0), k, level="physical")]
    used = {"one": weights["vector"], "two": weights["vector"], "space": weights["space"], "graph": weights["graph"]}

    def fuse() -> list[Any]:
        if fusion == "weighted":
            return naive_query.weighted(figures, used)
        return naive_query.reciprocal({leg: [e for e, _ in found] for leg, found in figures.items()}, used)

    start = [id for (kind, id), _ in fuse() if kind == "token"][:seeds]
    links = [(e.source, e.target, e.weight) for e in db.graph.list(limit=None)]
    energy = naive_query.activation(start, links, 1 - 0.8, depth)
    best = sorted(energy.items(), key=lambda one: (-one[1], one[0]))[:k]
    figures["graph"] = [(("token", id), amount) for id, amount in best]
    return fuse()


@pytest.mark.parametrize("fusion", ["rrf", "weighted"])
@pytest.mark.parametrize(("seeds", "depth"), [(5, 1), (3, 3), (1, 0)])
def test_the_answer_is_that_of_the_slow_version(mind, fusion, seeds, depth):
    weights = {"vector": 1.0, "text": 1.0, "graph": 0.7, "space": 0.4}
    found = mind.query(
        QUERY, 60, near=("physical", (0, 0, 0)), fusion=fusion, weights=weights, candidates=60, seeds=seeds, depth=depth
    )
    truth = naive(mind, fusion, weights, 60, seeds, depth)[:60]
    assert len(found) == len(truth) > 30
    assert [hit.score for hit in found] == pytest.approx([score for _, score in truth])
    scores = dict(truth)
    assert {(hit.kind, hit.id): hit.score for hit in found} == pytest.approx(scores)


def test_every_hit_says_what_each_leg_found_and_the_shares_add_up_to_one(mind):
    for fusion in ("rrf", "weighted"):
        for hit in mind.query(QUERY, 60, near="t1", fusion=fusion):
            assert math.isclose(sum(leg.share for leg in hit.legs), 1.0)
            assert hit.legs == tuple(
                sorted(hit.legs, key=lambda leg: ("vector graph space".index(leg.leg), leg.library))
            )
            for leg in hit.legs:
                assert leg.rank >= 1
                if leg.leg == "vector":
                    near = dict(entities(mind, leg.library, 120))
                    assert leg.score == near[hit.kind, hit.id]
                if fusion == "rrf":
                    assert leg.share * hit.score == pytest.approx(WEIGHTS[leg.leg] / (5 + leg.rank))
            for id in hit.items:
                item = next(one.get(id) for one in mind.library if id in one)
                assert (item.token_id, item.id)[hit.kind == "item"] == hit.id


def test_the_order_in_which_legs_and_libraries_are_named_changes_nothing(mind):
    names = ["vector", "graph", "space"]
    first = mind.query(QUERY, 40, legs=names, library=["one", "two"], near="t4")
    for seed in range(4):
        random.Random(seed).shuffle(names)
        again = mind.query(QUERY, 40, legs=names, library=[mind.library.get("two"), "one"], near="t4")
        assert again == first
        assert again.legs == first.legs


def test_hits_are_in_order_of_score_then_kind_then_id_and_are_the_first_of_a_longer_answer(mind):
    found = mind.query(QUERY, 60, candidates=60)
    assert [*found] == sorted(found, key=lambda hit: (-hit.score, hit.kind, hit.id))
    assert mind.query(QUERY, 7, candidates=60) == found[:7]
    assert len({(hit.kind, hit.id) for hit in found}) == len(found)
    assert mind.query(QUERY, 0) == []


def test_several_items_of_a_token_are_one_hit_with_all_of_them():
    with neurograph.open(":memory:") as db:
        cat = db.tokens.create("cat")
        pets = db.library.create("pets", dimension=2)
        ids = pets.add([[1, 0], [0.9, 0.1], [0, 1]], texts=[None, "purrs", "x"], tokens=[cat, cat, None])
        first, second = db.query([1, 0], legs="vector")
        assert (first.kind, first.id, first.label, first.text) == ("token", cat.id, "cat", "purrs")
        assert first.items == tuple(ids[:2].tolist())
        assert (second.kind, second.id, second.items) == ("item", ids[2], (ids[2],))
        assert [leg.rank for hit in (first, second) for leg in hit.legs] == [1, 2]


def test_the_graph_leads_to_tokens_that_no_vector_leads_to_and_tells_the_way():
    with neurograph.open(":memory:") as db:
        a, b, c = (db.tokens.create(label) for label in "abc")
        db.graph.create(a, b, weight=0.5), db.graph.create(b, c, weight=1.0)
        db.library.create("v", dimension=1).add([[1]], tokens=[a])
        found = db.query([1], depth=2, decay=0.5)
        assert [(hit.label, hit.legs[-1].score, hit.legs[-1].path) for hit in found] == [
            ("a", 1.0, (1,)), ("b", 0.25, (1, 2)), ("c", 0.125, (1, 2, 3)),
        ]  # fmt: skip
        assert [hit.label for hit in db.query([1], depth=1)] == ["a", "b"]
        walk = {score.id: score.score for score in db.graph.pagerank(damping=0.2, personalization={a: 1.0})}
        ranked = db.query([1], graph="pagerank", fusion="weighted", legs=["vector", "graph"])
        assert {hit.id: hit.legs[-1].score for hit in ranked} == pytest.approx(walk)


def test_a_condition_applies_to_all_legs_before_k(mind):
    condition = ("json_extract(metadata, '$.n') % 5 = ?", [0])
    found = mind.query(QUERY, 9, where=condition, near="t4", candidates=9)
    ids = {id for library in mind.library for id in (item.id for item in library.list(None, where=condition))}
    tokens = {item.token_id for library in mind.library for item in library.list(None) if item.id in ids}
    assert len(found) == 9
    for hit in found:
        assert set(hit.items) <= ids
        assert hit.id in (ids if hit.kind == "item" else tokens)


def test_a_condition_on_tokens_alone_speaks_of_tokens_without_items_too():
    with neurograph.open(":memory:") as db:
        for at in range(40):
            db.tokens.create(f"t{at}", coordinates={"physical": (at, 0, 0)}, weight=at / 40)
        db.library.create("v", dimension=1).add([[1], [2]], tokens=["t3", "t30"])
        near = ("physical", (0, 0, 0))
        found = db.query(near=near, k=3, where="token.weight >= 0.5", candidates=3)
        assert [hit.label for hit in found] == ["t20", "t21", "t22"]
        assert [hit.label for hit in db.query(near=near, k=2, where="item.id is not null", legs="space")] == [
            "t3",
            "t30",
        ]
        assert len(db.query(near=near, where="item.id is null", k=40, legs="space")) == 38
        assert db.query(near=near, where="token.weight > 5", k=2) == []


def test_the_space_leg_measures_from_a_place_or_a_token_of_a_level_or_all(mind):
    for near, truth in (
        (("physical", (0, 0, 0)), mind.grid.nearest((0, 0, 0), 20, level="physical")),
        (("L1", [0, 0, 0]), mind.grid.nearest((0, 0, 0), 20, level="physical")),
        ((0, "t4"), mind.grid.neighbors("t4", 20, level="physical")),
        (mind.tokens.get("t4"), mind.grid.neighbors("t4", 20)),
        (5, mind.grid.neighbors(5, 20)),
    ):
        found = mind.query(near=near, k=20, legs="space")
        assert [(hit.id, hit.legs[0].score) for hit in found] == [tuple(one) for one in truth]


def test_what_takes_part_is_found_out_and_told(mind):
    found = mind.query(QUERY)
    assert [(leg.leg, leg.library) for leg in found.legs] == [("vector", "one"), ("vector", "two"), ("graph", None)]
    assert found.left_out.keys() == {"text", "space"}
    assert found.took_ms > 0
    only = mind.query(QUERY, library="one", legs="vector")
    assert [(leg.leg, leg.library, leg.weight) for leg in only.legs] == [("vector", "one", 1.0)]
    assert only.left_out == {}
    with neurograph.open(":memory:") as db:
        db.library.create("v", dimension=1).add([[1]], keys=["a"])
        assert "no hit belongs to a token" in db.query([1]).left_out["graph"]
        assert [hit.label for hit in db.query([1])] == ["a"]
        with pytest.raises(errors.NotHere, match="token"):
            db.query([1], legs=["vector", "graph"])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, errors.InvalidValue, "a query must be given a text, a vector or near"),
        ({"query": " "}, errors.InvalidValue, "text must be text"),
        ({"query": "\ud800"}, errors.InvalidValue, "text must be text"),
        ({"text": 5}, errors.InvalidValue, "text must be text"),
        ({"query": "a", "text": "b"}, errors.InvalidValue, "text must be given once"),
        ({"query": [1, 2], "vector": [1, 2]}, errors.InvalidValue, "vector must be given once"),
        ({"query": [1, 2, 3]}, errors.InvalidValue, "as many numbers as a library has dimensions, got 3"),
        ({"query": [1, 2, 3], "library": "one"}, errors.InvalidValue, "vector must have"),
        ({"query": [1, math.nan]}, errors.InvalidValue, "finite"),
        ({"query": 5}, errors.InvalidValue, "vector must be one vector"),
        ({"query": "words"}, errors.NotHere, "no leg can answer: vector: .*encoder.*; text: .*index"),
        ({"query": "words", "library": "one"}, errors.NotHere, "no leg can answer"),
        ({"query": [1, 2], "legs": ["text"]}, errors.NotHere, "'text' must be one that can answer"),
        ({"query": [1, 2], "legs": ["vector", "space"]}, errors.NotHere, "'space' must be .*near="),
        ({"query": [1, 2], "legs": ["graph"]}, errors.NotHere, "'graph' must be .*other leg"),
        ({"query": [1, 2], "legs": []}, errors.InvalidValue, "legs must be some of"),
        ({"query": [1, 2], "legs": ["smell"]}, errors.InvalidValue, "legs must be some of"),
        ({"query": [1, 2], "legs": 5}, errors.InvalidValue, "legs must be some of"),
        ({"query": [1, 2], "weights": {"smell": 1}}, errors.InvalidValue, "weights must map"),
        ({"query": [1, 2], "weights": [1, 2]}, errors.InvalidValue, "weights must map"),
        ({"query": [1, 2], "weights": {"text": -1}}, errors.InvalidValue, r"weights\['text'\] must be in"),
        ({"query": [1, 2], "fusion": "borda"}, errors.InvalidValue, "fusion must be one of rrf, weighted"),
        ({"query": [1, 2], "graph": "bfs"}, errors.InvalidValue, "graph must be one of"),
        ({"query": [1, 2], "k": -1}, errors.InvalidValue, "k must be in"),
        ({"query": [1, 2], "k": True}, errors.InvalidValue, "k must be a whole number"),
        ({"query": [1, 2], "k": 9, "candidates": 3}, errors.InvalidValue, "candidates must be in"),
        ({"query": [1, 2], "seeds": 0}, errors.InvalidValue, "seeds must be in"),
        ({"query": [1, 2], "depth": 101}, errors.InvalidValue, "depth must be in"),
        ({"query": [1, 2], "decay": 0}, errors.InvalidValue, "decay must be above 0"),
        ({"query": [1, 2], "decay": 2}, errors.InvalidValue, "decay must be in"),
        ({"query": [1, 2], "standing": 2}, errors.InvalidValue, "standing must be in"),
        ({"query": [1, 2], "timeout_s": -1}, errors.InvalidValue, "timeout_s must be"),
        ({"query": [1, 2], "where": "id = 1; drop table item"}, errors.InvalidValue, "where must be"),
        ({"query": [1, 2], "library": "none"}, errors.LibraryNotFound, "none"),
        ({"query": [1, 2], "library": []}, errors.InvalidValue, "library must name at least one"),
        ({"query": [1, 2], "library": 5}, errors.InvalidValue, "library must be a name"),
        ({"query": [1, 2], "library": [5]}, errors.InvalidValue, "library must be a name"),
        ({"near": "nobody"}, errors.TokenNotFound, "nobody"),
        ({"near": 10**9}, errors.TokenNotFound, "no token"),
        ({"near": ("smell", (0, 0, 0))}, errors.UnknownName, "smell"),
        ({"near": ("physical", (0, 0))}, errors.InvalidValue, r"near must be at three numbers, got \(0, 0\)"),
        ({"near": ("physical", {0, 1, 2})}, errors.InvalidValue, "near must be at three numbers"),
        ({"near": ("physical", (0, math.nan, 0))}, errors.InvalidValue, r"near\[1\]\[1\] must be finite, got nan"),
        ({"near": ("physical", (0, 0, "0"))}, errors.InvalidValue, r"near\[1\]\[2\] must be a number, got '0'"),
        ({"near": "t1", "legs": "space", "where": "label = 'cat'"}, errors.InvalidValue, "no such column: label"),
        ({"near": "t1", "legs": "space", "where": "given.value > 0"}, errors.InvalidValue, "no such column: given"),
        ({"near": (0, 0, 0)}, errors.InvalidValue, "near must be"),
        ({"near": True}, errors.InvalidValue, "near must be"),
        ({"query": [1, 2], "fusion": np.zeros(2)}, errors.InvalidValue, "fusion must be one of"),
    ],
)
def test_what_can_not_be_asked_is_refused_with_the_rule_and_the_value(mind, arguments, error, message):
    with pytest.raises(error, match=message):
        mind.query(**arguments)


def test_a_library_of_another_database_is_refused(mind):
    with neurograph.open(":memory:") as other:
        foreign = other.library.create("one", dimension=2)
        with pytest.raises(errors.InvalidValue, match="of this database"):
            mind.query(QUERY, library=foreign)


def test_one_of_several_models_of_the_same_dimension_must_be_named():
    with neurograph.open(":memory:") as db:
        for model in ("small", "large"):
            db.library.create(model, dimension=1, model=model).add([[1]], model=model)
        with pytest.raises(errors.InvalidValue, match="library must be given: 'large', 'small'"):
            db.query([1])
        assert len(db.query([1], library="small")) == 1
        assert len(db.query([1], library=["small", "large"])) == 2


def test_it_stops_at_its_deadline(mind):
    with pytest.raises(errors.DeadlineExceeded):
        mind.query(QUERY, timeout_s=0)


def test_a_snapshot_keeps_its_answer_and_a_transaction_sees_its_own_rows(tmp_path):
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        fill(db, tokens=8, items=10)
        before = db.query(QUERY)
        with db.reader() as reader:
            with reader.snapshot():
                assert reader.query(QUERY) == before
                with db.transaction():
                    db.library.get("one").add([QUERY], keys=["new"])
                    assert db.query(QUERY, library="one", legs="vector")[0].label == "new"
                assert reader.query(QUERY) == before
            assert reader.query(QUERY, library="one", legs="vector")[0].label == "new"
        after = db.query(QUERY)
        db.begin()
        db.library.drop("two")
        assert {leg.library for leg in db.query(QUERY).legs} == {"one", None}
        db.rollback()
        assert db.query(QUERY) == after


def test_a_text_is_made_a_vector_before_and_never_inside_a_transaction():
    encoder = neurograph.EmbeddingEngine.default()
    with neurograph.open(":memory:") as db:
        notes = db.library.create("notes", model=encoder)
        notes.add(texts=["a cat asleep", "stocks fell", "rain"], keys=["cat", "money", "weather"])
        found = db.query("kitten", k=2)
        assert found[0].label == "cat"
        assert found.asked.text == "kitten"
        assert found == db.query(encoder.embed_query("kitten"), k=2)
        assert db.execute("select id from ng_hybrid('kitten', 1)").fetchall() == [(found[0].id,)]
        with db.transaction():
            with pytest.raises(errors.Misuse, match="inside a transaction"):
                db.query("kitten")
            with pytest.raises(errors.Misuse, match="inside a transaction"):
                db.execute("select id from ng_hybrid('kitten')")
            assert db.query(text="kitten", vector=encoder.embed_query("kitten"))[0].label == "cat"
        db.execute("create table mine (id integer)")
        with pytest.raises(errors.Misuse, match="inside a transaction"):
            db.execute("insert into mine select id from ng_hybrid('kitten')")


def test_words_are_a_leg_wherever_a_library_has_an_index_of_them():
    with neurograph.open(":memory:") as db:
        cat = db.tokens.create("cat")
        first = db.library.create("a", dimension=2, text_index=True)
        first.add(texts=["a small cat", "a small dog", "a cat, a small cat"], tokens=[None, None, cat])
        db.library.create("b", dimension=2, text_index=True).add(texts=["cat food"], keys=["food"])
        db.library.create("c", dimension=2).add([[1, 0]], keys=["bare"])
        found = db.query("small cat", candidates=20)
        assert [(leg.leg, leg.library, leg.found) for leg in found.legs] == [
            ("text", "a", 3), ("text", "b", 1), ("graph", None, 1),
        ]  # fmt: skip
        assert "encoder" in found.left_out["vector"]
        matches = first.match("small cat")
        scores = {match.id: match.score for match in matches}
        for hit in found:
            for leg in hit.legs:
                if (leg.leg, leg.library) == ("text", "a"):
                    assert leg.score == scores[hit.items[0]]
                    assert matches.ids.tolist().index(hit.items[0]) == leg.rank - 1
        assert db.query("small cat", where="token_id is null", legs="text", library="a").filter(kind="token") == []
        assert db.query("no such words", legs="text") == []
        both = db.query(text="cat", vector=[1, 0], weights={"vector": 9})
        assert both[0].label == "bare"
        assert {leg.leg for leg in both.legs} == {"vector", "text", "graph"}
        assert both.asked.text == "cat"
        assert len(both.asked.sha256) == 64


def test_a_text_that_is_kept_is_asked_inside_a_transaction_and_without_its_encoder(tmp_path, monkeypatch):
    encoder = neurograph.EmbeddingEngine.default()
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path) as db:
        notes = db.library.create("notes", model=encoder, text_index=True)
        notes.add(texts=["a cat asleep", "stocks fell"], keys=["cat", "money"])
        notes.embed(["kitten"], "query")
        before = db.query("kitten")
        with db.transaction():
            assert db.query("kitten") == before
    monkeypatch.setattr("neurograph.stores.library.texts.encoders._default_if", lambda made_by: None)
    with neurograph.open(path) as db:
        assert db.query("kitten") == before
        found = db.query("cat")
        assert [leg.leg for leg in found.legs] == ["text"]
        assert "must have its encoder" in found.left_out["vector"]
        with pytest.raises(errors.NotHere, match="'vector' must be one that can answer: library 'notes' must have its"):
            db.query("cat", legs=["vector", "text"])


figure = st.floats(-1e6, 1e6)
drawn = st.lists(
    st.lists(st.tuples(st.integers(1, 6), figure), max_size=6, unique_by=lambda one: one[0]), min_size=1, max_size=5
)


@settings(max_examples=60, deadline=None)
@given(drawn, st.sampled_from(["rrf", "weighted"]), st.permutations(range(5)))
def test_any_rankings_are_fused_by_the_formula_and_their_shares_add_up_to_one(lists, fusion, order):
    lists = [sorted(one, key=lambda pair: -pair[1]) for one in lists]
    rankings = [
        Ranking("vector", str(place), 1.0 + place, [Candidate(("token", id), good, good) for id, good in one])
        for place, one in enumerate(lists)
    ]
    added = parts(rankings, fusion)
    weights = {str(place): 1.0 + place for place in range(len(lists))}
    if fusion == "rrf":
        truth = naive_query.reciprocal(
            {str(p): [("token", id) for id, _ in one] for p, one in enumerate(lists)}, weights
        )
    else:
        figures = {str(p): [(("token", id), good) for id, good in one] for p, one in enumerate(lists)}
        truth = naive_query.weighted(figures, weights)
    assert dict(fused(added)) == pytest.approx(dict(truth))
    for entity in added:
        assert math.isclose(sum(shares(added[entity]).values()), 1.0)
    mixed = parts([rankings[place] for place in order if place < len(rankings)], fusion)
    assert {e: sorted(values.values()) for e, values in mixed.items()} == {
        e: sorted(values.values()) for e, values in added.items()
    }


@pytest.mark.slow
@pytest.mark.data
def test_on_wordnet_the_defaults_find_more_than_any_leg_alone(wordnet, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benches")
    bench = import_module("query")
    bench.make(tmp_path / "query.ngdb", wordnet)
    asked = bench.questions(wordnet)
    with neurograph.open(tmp_path / "query.ngdb") as db:
        alone = [bench.mean(bench.quality(db, asked, legs=leg)[0]) for leg in ("vector", "text")]
        together = bench.quality(db, asked)[0]
    assert max(alone) < 0.215
    assert bench.mean(together) > 0.23 > 1.08 * max(alone)
    assert min(bench.mean(together[::2]), bench.mean(together[1::2])) > 1.05 * max(alone)


def test_sql_gives_the_same_and_explains_itself_in_json(mind):
    from array import array

    numbers = array("f", QUERY)
    blob = numbers.tobytes()
    found = mind.query(blob, 6)
    assert mind.query(numbers, 6) == found
    rows = mind.execute("select kind, id, score, legs from ng_hybrid(?, 6)", [blob]).fetchall()
    assert [row[:3] for row in rows] == [(hit.kind, hit.id, hit.score) for hit in found]
    assert [json.loads(row[3]) for row in rows] == [hit.to_dict()["legs"] for hit in found]


def test_the_result_is_a_frozen_sequence_that_can_be_pickled_filtered_and_shown(mind):
    found = mind.query(QUERY, 8)
    assert isinstance(found[0], QueryHit)
    assert isinstance(found[:3], QueryResult)
    again = pickle.loads(pickle.dumps(found))
    assert (again, again.asked, again.legs, again.left_out) == (found, found.asked, found.legs, found.left_out)
    assert found.top(2) == found[:2]
    assert found.filter(kind="item") == [hit for hit in found if hit.kind == "item"]
    assert found.filter(leg="graph") == [hit for hit in found if any(leg.leg == "graph" for leg in hit.legs)]
    assert found.filter(lambda hit: hit.score > found[1].score) == found[:1]
    assert json.loads(json.dumps(found.to_dict()))["hits"][0]["id"] == found[0].id
    assert "left out" not in repr(found)
    assert len(repr(found)) < 300
    assert repr(mind.query(QUERY, 0)) == "<QueryResult []>"
    assert found._repr_html_().count("<tr>") == 9
    for wrong in ({"kind": "edge"}, {"leg": "smell"}, {"predicate": 5}):
        with pytest.raises(errors.InvalidValue):
            found.filter(**wrong)
    for n in (-1, True, 1.5):
        with pytest.raises(errors.InvalidValue, match="n must be"):
            found.top(n)
    with pytest.raises(AttributeError, match="can't be changed"):
        found.legs = ()
    with pytest.raises(AttributeError, match="can't be changed"):
        del found.legs
    frame = found.to_dataframe()
    assert list(frame["id"]) == [hit.id for hit in found]
    assert {"vector_rank", "graph_share"} <= set(frame.columns)
