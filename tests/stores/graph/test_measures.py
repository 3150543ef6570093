"""Figures about the whole graph: both engines to the last bit, naive versions and networkx."""

from __future__ import annotations

import networkx as nx
import pytest
from graph_minds import random_mind

import neurograph
from naive_graph import Edge, NaiveGraph
from neurograph.errors import InvalidValue, UnknownName

ENGINES = ["sql", pytest.param("numba", marks=pytest.mark.kernels)]
NOTHING = (0, 0, 0.0, 0.0, 0, 0, 0, 0, 0.0, 0.0, 0, 0)


def naive(db: neurograph.Database, codes: set[int] | None = None) -> NaiveGraph:
    ids = [id for (id,) in db.execute("select id from token")]
    rows = db.execute("select source, target, type, key, weight, bidirectional from edge")
    return NaiveGraph(ids, [Edge(*row[:5], bool(row[5])) for row in rows], codes)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize(("types", "codes"), [(None, None), (2, {2}), ([1, 80], {1, 80})])
def test_clustering_equals_naive(engine, types, codes):
    with random_mind(41, 40, 200, engine) as db:
        graph = naive(db, codes)
        found = db.graph.clustering(types=types)
        assert list(found) == [(id, graph.clustering(id)) for id in graph.ids]
        assert max(found.scores) > 0


@pytest.mark.parametrize("types", [None, [1, 80]])
@pytest.mark.parametrize("edges", [20, 60, 200])
def test_measures_equal_naive(engine, edges, types):
    with random_mind(edges, 40, edges, engine) as db:
        graph = naive(db, None if types is None else {1, 80})
        depths = [depth for id in graph.ids for _, depth in graph.bfs(id)]
        found = db.graph.metrics(types=types, sources=None)
        assert found.sources == found.node_count == 40
        assert found.diameter == max(depths)
        assert found.average_path == sum(depths) / (40 * 39)
        assert found.clustering == pytest.approx(sum(map(graph.clustering, graph.ids)) / 40, rel=1e-15)
        chosen = [graph.ids[at * 40 // 7] for at in range(7)]
        some = [depth for id in chosen for _, depth in graph.bfs(id)]
        found = db.graph.metrics(types=types, sources=7)
        assert (found.sources, found.diameter, found.average_path) == (7, max(some), sum(some) / (7 * 39))


@pytest.mark.kernels
@pytest.mark.parametrize("seed", [51, 52, 53])
def test_both_engines_say_the_same_to_the_last_bit(seed):
    with (
        random_mind(seed, 60, 30 * (seed - 50) ** 2, "sql") as plain,
        random_mind(seed, 60, 30 * (seed - 50) ** 2, "numba") as fast,
    ):
        for step in range(3):
            for sources in (None, 64, 9, 0):
                assert fast.graph.metrics(sources=sources) == plain.graph.metrics(sources=sources)
            assert fast.graph.clustering() == plain.graph.clustering()
            for db in (plain, fast):  # slots without edges stay behind, new ones come to the end
                db.execute("delete from edge where source in (select source from edge order by source limit 3)")
                db.execute("delete from token where id in (select id from token order by id limit 2)")
                db.execute("insert into token (id) values (?)", (5000 + step,))
                db.execute(
                    "insert into edge (source, target) select ?, max(id) from token where id < 5000", (5000 + step,)
                )


def test_metrics_equal_networkx(engine):
    with random_mind(43, 30, 40, engine) as db:
        graph = db.graph.to_networkx()
        parts = [len(part) for part in nx.weakly_connected_components(graph)]
        loops = {id: sum(1 for a, b in graph.edges(id) if a == b) for id in graph}
        degrees = [graph.degree(id) - loops[id] for id in graph]  # networkx counts a loop twice
        simple = nx.Graph((a, b) for a, b in graph.edges() if a != b)
        simple.add_nodes_from(graph)
        assert db.graph.metrics(sources=0) == (
            len(graph),
            graph.number_of_edges(),
            pytest.approx(graph.number_of_edges() / (len(graph) * (len(graph) - 1))),
            pytest.approx(sum(degrees) / len(graph)),
            max(degrees),
            min(degrees),
            len(parts),
            max(parts),
            pytest.approx(nx.average_clustering(simple)),
            0.0,
            0,
            0,
        )


def test_paths_of_a_strongly_connected_graph_equal_networkx(engine):
    peer = nx.compose(nx.cycle_graph(25, nx.DiGraph), nx.gnm_random_graph(25, 30, seed=4, directed=True))
    with neurograph.open(":memory:", engine=engine) as db:
        ids = db.tokens.create_many(count=25).tolist()
        db.graph.from_networkx(peer, nodes=dict(zip(range(25), ids, strict=True)))
        found = db.graph.metrics()
        assert found.sources == 25
        assert found.diameter == nx.diameter(peer)
        assert found.average_path == pytest.approx(nx.average_shortest_path_length(peer))


def test_what_has_no_edges_measures_nothing(engine):
    with neurograph.open(":memory:", engine=engine) as db:
        assert db.graph.metrics() == NOTHING
        assert list(db.graph.clustering()) == []
        db.tokens.create_many(count=3)
        assert db.graph.metrics() == (3, 0, 0.0, 0.0, 0, 0, 3, 1, 0.0, 0.0, 0, 3)
        assert list(db.graph.clustering()) == [(1, 0.0), (2, 0.0), (3, 0.0)]


def test_directions_count_for_paths_and_not_for_clustering(engine):
    with neurograph.open(":memory:", engine=engine) as db:
        db.tokens.create_many(count=3)
        db.graph.create_many([1, 2, 1], [2, 3, 3], bidirectional=[True, False, False])
        assert list(db.graph.clustering()) == [(1, 1.0), (2, 1.0), (3, 1.0)]
        metrics = db.graph.metrics()
        assert (metrics.diameter, metrics.average_path) == (1, 4 / 6)  # 1 → 2, 1 → 3, 2 → 1, 2 → 3


def test_they_are_of_the_transactions_state(engine):
    with random_mind(44, 20, 60, engine) as db:
        before = db.graph.metrics()
        db.begin()
        db.execute("delete from edge")
        assert db.graph.metrics()[8:] == (0.0, 0.0, 0, 20)
        db.rollback()
        assert db.graph.metrics() == before


@pytest.mark.parametrize("wrong", [-1, 1.5, "all", True])
def test_a_wrong_number_of_sources_is_refused(wrong):
    with neurograph.open(":memory:") as db, pytest.raises(InvalidValue, match="sources must be"):
        db.graph.metrics(sources=wrong)


def test_an_unknown_type_is_named():
    with neurograph.open(":memory:") as db:
        for call in (db.graph.metrics, db.graph.clustering):
            with pytest.raises(UnknownName, match="'absent'"):
                call(types="absent")
