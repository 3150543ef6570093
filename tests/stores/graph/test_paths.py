"""Paths agree: from rows, from arrays, and with networkx."""

from __future__ import annotations

import itertools
import math
import random

import networkx as nx
import numpy as np
import pytest
from graph_minds import random_mind

import neurograph
from neurograph.errors import InvalidValue, TokenNotFound
from neurograph.model.records import Path

ENGINES = ["sql", pytest.param("numba", marks=pytest.mark.kernels)]
DIRECTIONS = ("out", "in", "both")


def network(db: neurograph.Database, direction: str, codes: set[int], cost: str) -> nx.DiGraph:
    """Return the same graph for networkx: parallel edges as the cheapest, edges that can't be walked left out."""
    graph = nx.DiGraph()
    graph.add_nodes_from(id for (id,) in db.execute("select id from token"))
    for source, kind, target, weight, both in db.execute(
        "select source, type, target, weight, bidirectional from edge"
    ):
        price = {"inverse_weight": 1 / weight if weight else None, "weight": weight or None, "hops": 1}[cost]
        if price is None or kind not in codes:
            continue
        ways = [(source, target)] if direction in ("out", "both") else []
        ways += [(target, source)] if direction in ("in", "both") or both else []
        ways += [(source, target)] if both else []
        for a, b in ways:
            if not graph.has_edge(a, b) or graph[a][b]["cost"] > price:
                graph.add_edge(a, b, cost=price)
    return graph


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("cost", ["inverse_weight", "weight", "hops"])
def test_costs_equal_networkx(engine, direction, cost):
    with random_mind(11, 30, 70, engine) as db:
        for types, codes in ((None, {1, 2, 80}), (["antonym", 80], {1, 80})):
            graph = network(db, direction, codes, cost)
            for source in sorted(graph)[:8]:
                expected = nx.single_source_dijkstra_path_length(graph, source, weight="cost")
                found = db.graph.distances(source, cost=cost, direction=direction, types=types)
                assert dict(found) == pytest.approx(expected)
                assert list(found) == sorted(found, key=lambda n: (n.distance, n.id))
                for target in sorted(graph):
                    path = db.graph.shortest_path(source, target, cost=cost, direction=direction, types=types)
                    if target not in expected:
                        assert path is None
                        continue
                    assert path is not None
                    assert path.cost == pytest.approx(expected[target])
                    assert (path.ids[0], path.ids[-1]) == (source, target)
                    assert path.hops == len(path.types) == len(path.costs) - 1
                    assert all(graph.has_edge(a, b) for a, b in itertools.pairwise(path.ids))


@pytest.mark.kernels
@pytest.mark.parametrize("seed", range(12, 16))
def test_both_engines_give_the_same_path_to_the_last_bit(seed):
    with random_mind(seed, 25, 80, "sql") as plain, random_mind(seed, 25, 80, "numba") as fast:
        ids = [id for (id,) in plain.execute("select id from token order by id")]
        rng = random.Random(seed)
        costs = [rng.choice((0.0, 0.1, 0.3, math.inf)) for _ in range(plain.graph.count())]
        for _ in range(150):
            source, target = rng.choice(ids), rng.choice(ids)
            options = {
                "cost": rng.choice(("inverse_weight", "weight", "hops", costs)),
                "direction": rng.choice(DIRECTIONS),
                "types": rng.choice((None, 80, [1, 2])),
                "cutoff": rng.choice((None, None, 0, 2.5, 12)),
            }
            assert plain.graph.shortest_path(source, target, **options) == fast.graph.shortest_path(
                source, target, **options
            )
            assert plain.graph.distances(source, **options) == fast.graph.distances(source, **options)


@pytest.mark.parametrize("engine", ENGINES)
def test_ties_are_broken_by_fewer_edges_then_by_the_smallest_predecessor(engine):
    with neurograph.open(":memory:", engine=engine) as db:
        db.tokens.create_many(count=6)
        db.graph.create_many([1, 1, 2, 3, 4, 5], [2, 3, 4, 4, 6, 6])
        db.graph.create(1, 5)
        assert db.graph.shortest_path(1, 4).ids == (1, 2, 4)
        assert db.graph.shortest_path(1, 6).ids == (1, 5, 6)
        db.graph.create(1, 4, weight=0.5)  # costs 2 as well, in one step
        assert db.graph.shortest_path(1, 4).ids == (1, 4)
        assert db.graph.shortest_path(1, 4, cost="hops").ids == (1, 4)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_path_to_itself_has_no_edges(engine):
    with random_mind(16, 5, 5, engine) as db:
        lonely = db.tokens.create("lonely")
        assert db.graph.shortest_path("lonely", lonely) == Path((lonely.id,), (), (0.0,))
        other = db.execute("select min(id) from token").fetchone()[0]
        assert db.graph.shortest_path("lonely", other, cost="hops") is None
        assert db.graph.shortest_path(other, "lonely") is None


@pytest.mark.parametrize("engine", ENGINES)
def test_of_parallel_edges_the_cheapest_is_taken(engine):
    with neurograph.open(":memory:", engine=engine) as db:
        a, b = db.tokens.create("a"), db.tokens.create("b")
        db.graph.create(a, b, type="near", weight=0.25)
        db.graph.create(a, b, type="cause", weight=0.5)
        db.graph.create(a, b, type="cause", key="k", weight=0.5)
        db.graph.create(b, a, type="also", weight=0.0)
        assert db.graph.shortest_path(a, b) == Path((1, 2), ("cause",), (0.0, 2.0))
        assert db.graph.shortest_path(a, b, cost="weight").types == ("near",)
        assert db.graph.shortest_path(b, a) is None
        assert db.graph.shortest_path(b, a, cost="hops").types == ("also",)


@pytest.mark.parametrize("engine", ENGINES)
def test_bad_arguments_are_named(engine):
    with neurograph.open(":memory:", engine=engine) as db:
        db.execute("update cdna_current set min_edge_weight = -1")
        db.tokens.create_many(count=3)
        db.graph.create_many([1, 2], [2, 3], type=["near", "far"], weight=[1.0, -0.5])
        with pytest.raises(InvalidValue, match=r"weights of edges must be at least 0 for cost 'weight', got -0.5"):
            db.graph.shortest_path(1, 2, cost="weight")
        assert db.graph.shortest_path(1, 2, types="near").cost == 1
        assert db.graph.shortest_path(1, 3, cost="hops").cost == 2
        for options, message in (
            ({"cost": "money"}, "cost must be one of inverse_weight, weight, hops or an array, got 'money'"),
            ({"cost": [1.0]}, "cost must have one value for each of 2 edges"),
            ({"cost": [1.0, -1.0]}, "costs must be at least 0, got -1.0"),
            ({"cost": [1.0, math.nan]}, "costs must be at least 0, got nan"),
            ({"cutoff": -1, "cost": "hops"}, "cutoff must be at least 0, got -1"),
            ({"cutoff": math.nan, "cost": "hops"}, "cutoff must be at least 0, got nan"),
        ):
            with pytest.raises(InvalidValue, match=message):
                db.graph.shortest_path(1, 2, **options)
        with pytest.raises(TokenNotFound, match="nobody"):
            db.graph.shortest_path(1, "nobody")


def test_the_sql_function_gives_the_same_steps():
    with random_mind(17, 25, 80) as db:
        ids = [id for (id,) in db.execute("select id from token order by id")]
        for source, target in itertools.product(ids[:5], ids):
            for by in ("inverse_weight", "hops"):
                path = db.graph.shortest_path(source, target, cost=by)
                rows = db.execute(
                    """select p.id, c.name, p.cost
                         from ng_shortest_path(?, ?, ?) as p
                         left join connection_type as c on c.code = p.type
                        order by p.step""",
                    (source, target, by),
                ).fetchall()
                if path is None:
                    assert rows == []
                else:
                    assert rows == list(zip(path.ids, (None, *path.types), path.costs, strict=True))


def test_arrays_of_costs_may_be_numpy_or_lists():
    with random_mind(18, 10, 20) as db:
        source = db.execute("select min(source) from edge").fetchone()[0]
        costs = np.ones(db.graph.count())
        assert db.graph.distances(source, cost=costs) == db.graph.distances(source, cost=costs.tolist())
        assert db.graph.distances(source, cost=costs) == db.graph.distances(source, cost="hops")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_graph_without_edges_takes_no_costs(engine):
    with neurograph.open(":memory:", engine=engine) as db:
        db.tokens.create_many(count=2)
        assert db.graph.shortest_path(1, 2, cost=[]) is None
        assert db.graph.shortest_path(1, 1, cost=[]).ids == (1,)
        assert list(db.graph.distances(1, cost=[])) == [(1, 0.0)]
        db.graph.create(1, 2)
        assert db.graph.shortest_path(1, 2, cost=[0.5]).costs == (0.0, 0.5)
        db.graph.delete(1, 2)
        assert db.graph.shortest_path(1, 2, cost=[]) is None


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("cutoff", [2**63, 1e300])
def test_a_cutoff_of_hops_may_be_any_number(engine, cutoff):
    with neurograph.open(":memory:", engine=engine) as db:
        db.tokens.create_many(count=3)
        db.graph.create_many([1, 2], [2, 3])
        assert db.graph.shortest_path(1, 3, cost="hops", cutoff=cutoff).ids == (1, 2, 3)
