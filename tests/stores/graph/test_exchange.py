"""The graph for networkx and back, parts of it, figures about it."""

from __future__ import annotations

import networkx as nx
import pytest
from graph_minds import TABLES, random_mind

import neurograph
from neurograph.errors import InvalidValue, NotHere, RuleViolated, TokenNotFound


def test_a_graph_goes_to_networkx_and_back():
    with random_mind(41, 20, 50) as db, neurograph.open(":memory:") as copy:
        graph = db.graph.to_networkx()
        assert len(graph) == db.tokens.count()
        assert graph.number_of_edges() == db.graph.count()
        copy.executemany("insert into token (id) values (?)", [(id,) for id in graph])
        assert copy.graph.from_networkx(graph, nodes={id: id for id in graph}) == db.graph.count()
        sql = "select source, type, target, key, weight, bidirectional from edge order by 1, 2, 3, 4"
        assert copy.execute(sql).fetchall() == db.execute(sql).fetchall()
        assert copy.execute(TABLES["degree"]).fetchall() == db.execute(TABLES["degree"]).fetchall()


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph])
def test_every_kind_of_graph_is_taken(kind):
    graph = kind()
    graph.add_edge("a", "b", weight=0.25, type="near")
    graph.add_edge("b", "b")
    if graph.is_multigraph():
        graph.add_edge("a", "b")
    with neurograph.open(":memory:") as db:
        db.tokens.create_many(labels=["a", "b"])
        db.graph.from_networkx(graph, nodes={"a": "a", "b": "b"})
        both = not graph.is_directed()
        edge = db.graph.get("a", "b", type="near")
        assert (edge.weight, edge.bidirectional) == (0.25, both)
        assert db.graph.get("b", "b").bidirectional is False
        assert db.graph.count() == graph.number_of_edges()
        assert db.check() == []


def test_a_graph_that_does_not_fit_changes_nothing():
    graph = nx.path_graph(3)
    with neurograph.open(":memory:") as db:
        ids = db.tokens.create_many(count=3).tolist()
        with pytest.raises(InvalidValue, match="got none for 2"):
            db.graph.from_networkx(graph, nodes={0: 1, 1: 2})
        with pytest.raises(TokenNotFound):
            db.graph.from_networkx(graph, nodes={0: 1, 1: 2, 2: 99})
        graph.edges[0, 1]["weight"] = 7
        with pytest.raises(RuleViolated, match=r"got 7\.0 at index 0"):
            db.graph.from_networkx(graph, nodes=dict(zip(graph, ids, strict=True)))
        assert db.graph.count() == 0


def test_subgraph_equals_networkx():
    with random_mind(42, 30, 80) as db:
        graph = db.graph.to_networkx()
        some = sorted(graph)[::2]
        induced = graph.subgraph(some)
        found = db.graph.subgraph(some)
        assert sorted((e.source, e.target, (e.type, e.key)) for e in found) == sorted(induced.edges(keys=True))
        part = db.graph.to_networkx(some, types="antonym")
        assert set(part) == set(some)
        assert sorted(part.edges(keys=True)) == sorted(e for e in induced.edges(keys=True) if e[2][0] == "antonym")
        assert db.graph.subgraph([]) == []
        near = db.graph.neighborhood(some[0], hops=2)
        assert set(near.tolist()) == set(nx.ego_graph(graph, some[0], 2, undirected=True))


def test_without_networkx_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "networkx", None)
    with neurograph.open(":memory:") as db, pytest.raises(NotHere, match=r"neurograph\[networkx\]"):
        db.graph.to_networkx()
