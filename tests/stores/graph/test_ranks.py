"""PageRank and components: both engines to the last bit, and networkx."""

from __future__ import annotations

import networkx as nx
import pytest
from graph_minds import random_mind

import neurograph
from neurograph.errors import InvalidValue, TokenNotFound

ENGINES = ["sql", pytest.param("numba", marks=pytest.mark.kernels)]


def network(db: neurograph.Database, codes: set[int]) -> nx.DiGraph:
    graph = nx.DiGraph()
    graph.add_nodes_from(id for (id,) in db.execute("select id from token order by id"))
    for source, kind, target, weight, both in db.execute(
        "select source, type, target, weight, bidirectional from edge"
    ):
        if kind in codes:
            for a, b in ((source, target), (target, source)) if both and source != target else ((source, target),):
                known = graph.get_edge_data(a, b, {"weight": 0.0})["weight"]
                graph.add_edge(a, b, weight=known + weight)
    return graph


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", [21, 22])
def test_pagerank_equals_networkx(engine, seed):
    with random_mind(seed, 40, 60, engine) as db:
        db.tokens.create_many(count=3)
        for types, codes in ((None, {1, 2, 80}), ([1, 80], {1, 80})):
            graph = network(db, codes)
            expected = nx.pagerank(graph, tol=1e-14, max_iter=1000)
            found = db.graph.pagerank(types=types, tol=1e-13, max_iter=1000)
            assert found.ids.tolist() == sorted(graph)
            assert dict(found) == pytest.approx(expected, abs=1e-10)
            assert sum(found.scores) == pytest.approx(1)
            some = sorted(graph)[:2] + sorted(graph)[-1:]  # the last has no edges
            wishes = dict(zip(some, (1.0, 0.0, 3.0), strict=True))
            expected = nx.pagerank(graph, personalization=wishes, tol=1e-14, max_iter=1000)
            found = db.graph.pagerank(types=types, personalization=wishes, tol=1e-13, max_iter=1000)
            assert dict(found) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("engine", ENGINES)
def test_components_equal_networkx(engine):
    with random_mind(23, 60, 55, engine) as db:
        for types, codes in ((None, {1, 2, 80}), (2, {2})):
            graph = network(db, codes)
            for strong, parts in (
                (False, nx.weakly_connected_components(graph)),
                (True, nx.strongly_connected_components(graph)),
            ):
                expected = {id: min(part) for part in parts for id in part}
                found = db.graph.components(strong=strong, types=types)
                assert dict(found) == expected
                assert found.ids.tolist() == sorted(expected)


@pytest.mark.kernels
@pytest.mark.parametrize("seed", [24, 25])
def test_answers_do_not_depend_on_how_the_arrays_came_about(seed):
    """Built from rows, patched many times, or not there at all: the same bits."""
    with random_mind(seed, 50, 80, "numba") as fast, random_mind(seed, 50, 80, "sql") as plain:
        ids = [id for (id,) in plain.execute("select id from token order by id")]
        lonely = [fast.tokens.create().id, plain.tokens.create().id]
        for step in range(12):
            wishes = {ids[step]: 2.0, ids[-step - 1]: 0.5, lonely[0]: 0.25}
            for options in ({}, {"personalization": wishes}, {"types": [2, 80], "damping": 0.5}):
                assert fast.graph.pagerank(**options) == plain.graph.pagerank(**options)
            for strong in (False, True):
                assert fast.graph.components(strong=strong) == plain.graph.components(strong=strong)
            for db in (fast, plain):
                db.execute(f"delete from token where id = {ids[3 * step]}")
                db.execute(f"insert into token (id) values ({10**6 - step})")
                db.execute(f"insert into edge (source, target, weight) values ({10**6 - step}, {ids[-1]}, 0.25)")
            ids = [id for (id,) in plain.execute("select id from token order by id") if id not in lonely]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_mind_without_edges_has_equal_ranks(engine):
    with neurograph.open(":memory:", engine=engine) as db:
        assert db.graph.pagerank() == []
        assert db.graph.components() == []
        db.tokens.create_many(count=4)
        assert [score for _, score in db.graph.pagerank()] == [0.25] * 4
        assert db.graph.pagerank(personalization={2: 1}).scores.tolist() == [0, 1, 0, 0]
        assert db.graph.components().components.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("engine", ENGINES)
def test_bad_arguments_are_named(engine):
    with random_mind(26, 5, 8, engine) as db:
        id = db.execute("select min(id) from token").fetchone()[0]
        for options, message in (
            ({"damping": 1}, r"damping must be in \[0, 1\), got 1"),
            ({"tol": 0}, "tol must be above 0, got 0"),
            ({"max_iter": 0}, "max_iter must be in"),
            ({"max_iter": 1}, "max_iter must be enough"),
            ({"personalization": {id: -1}}, "personalization must be in"),
            ({"personalization": {id: 0}}, "above 0 somewhere"),
            ({"personalization": [1]}, "must map tokens to weights"),
        ):
            with pytest.raises(InvalidValue, match=message):
                db.graph.pagerank(**options)
        with pytest.raises(TokenNotFound):
            db.graph.pagerank(personalization={"nobody": 1})
        db.execute("update cdna_current set min_edge_weight = -1; update edge set weight = -0.5 where type = 1")
        with pytest.raises(InvalidValue, match=r"weights of edges must be at least 0 for PageRank, got -0.5"):
            db.graph.pagerank()
        db.graph.pagerank(types=2)


def test_sql_functions_give_the_same_rows():
    with random_mind(27, 30, 40) as db:
        assert db.execute("select * from ng_pagerank()").fetchall() == list(db.graph.pagerank())
        assert db.execute("select * from ng_components()").fetchall() == list(db.graph.components())
        assert db.execute("select * from ng_components(1)").fetchall() == list(db.graph.components(strong=True))
        top = db.execute("select id, score from ng_pagerank() order by score desc, id limit 5").fetchall()
        assert top == list(db.graph.pagerank().top(5))
