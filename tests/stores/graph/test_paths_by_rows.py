"""A search of rows from both ends finds the path that its definition names, to the last bit."""

from __future__ import annotations

import math
import random

import pytest

from naive_graph import Edge, NaiveGraph
from neurograph.stores.graph import plain

WEIGHTS = (0.0, 0.1, 0.25, 0.5, 0.5, 1.0, 1.0, 2.0, 3.0, 1 / 3, 1e17)


def random_graph(seed: int, nodes: int, edges: int) -> NaiveGraph:
    """Return a graph whose weights are few, so that paths tie; of some, the cost is lost in rounding."""
    rng = random.Random(seed)
    made: dict[tuple[int, int], Edge] = {}
    for _ in range(edges):
        source, target = rng.randint(1, nodes), rng.randint(1, nodes)
        if (target, source) not in made:
            made[source, target] = Edge(source, target, 0, "", rng.choice(WEIGHTS), rng.random() < 0.1)
    return NaiveGraph(range(1, nodes + 1), made.values())


def leaving(graph: NaiveGraph, direction: str, cost: str) -> plain.Leaving:
    def of(id: int) -> list[tuple[int, float]]:
        links = [link for link in graph.links(id, direction) if link.weight]
        return [(link.far, 1 / link.weight if cost == "inverse_weight" else link.weight) for link in links]

    return of


@pytest.mark.parametrize("cost", ["inverse_weight", "weight"])
@pytest.mark.parametrize("direction", ["out", "in", "both"])
@pytest.mark.parametrize(("nodes", "edges"), [(8, 14), (40, 90), (120, 500)])
def test_the_path_is_the_canonical_one(nodes, edges, direction, cost):
    turned = {"out": "in", "in": "out", "both": "both"}[direction]
    lengths = set()
    for seed in range(4):
        graph = random_graph(seed, nodes, edges)
        out, back = leaving(graph, direction, cost), leaving(graph, turned, cost)
        rng = random.Random(seed)
        for source, target in [(1, 1), *([rng.choice(graph.ids), rng.choice(graph.ids)] for _ in range(12))]:
            for cutoff in (math.inf, 2.0):
                expected = graph.cheapest_path(source, target, cost, direction, cutoff)
                found = plain.cheapest_path(out, back, source, target, cutoff)
                assert found == (None if expected is None else expected[0])
                lengths.add(0 if found is None else len(found))
    assert {0, 1} <= lengths
    assert max(lengths) >= 3


def test_few_nodes_are_asked_for_on_the_way():
    graph, asked = random_graph(1, 3000, 12000), set()
    out, back = leaving(graph, "out", "inverse_weight"), leaving(graph, "in", "inverse_weight")

    def counted(id: int) -> list[tuple[int, float]]:
        asked.add(id)
        return out(id)

    found = plain.cheapest_path(counted, back, 17, 1234, math.inf)
    assert found == graph.cheapest_path(17, 1234)[0]
    assert len(asked) < 1000
