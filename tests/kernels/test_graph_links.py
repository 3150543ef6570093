"""The links of a path: the cheapest of parallel ones, then the first by type, from whichever end they are read."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from graph_cases import DIRECTIONS, cases, settled
from hypothesis import given
from hypothesis import strategies as st

from neurograph.kernels.graph_build import run_build
from neurograph.kernels.graph_links import run_links

pytestmark = pytest.mark.kernels

COSTS = {
    "hops": lambda weight: 1.0,
    "weight": lambda weight: weight or math.inf,
    "inverse_weight": lambda weight: 1.0 / weight if weight else math.inf,
}


@settled
@given(cases(), st.data(), DIRECTIONS, st.sampled_from([*COSTS, "given"]))
def test_links_equal_naive(case, data, direction, cost):
    naive, graph = case.naive, case.graph
    path = [data.draw(st.sampled_from(case.ids))]
    while len(path) < 5 and (near := naive.neighbors(path[-1], direction)):
        path.append(data.draw(st.sampled_from(near)))
    given_cost = 3.0 * graph.entries.weight
    places = run_links(
        graph,
        np.array([case.slot[id] for id in path]),
        given_cost if cost == "given" else cost,
        direction,
        case.allowed,
    )
    price = COSTS.get(cost, lambda weight: 3.0 * weight)
    found = [(price(graph.entries.weight[place]), graph.entries.kind[place]) for place in places]
    expected = [
        min((price(link.weight), link.type) for link in naive.links(near, direction) if link.far == far)
        for near, far in pairwise(path)
    ]
    assert found == expected


def test_a_path_of_one_node_takes_no_link():
    assert run_links(run_build([1, 2], [0], [1]), np.array([0]), "hops").tolist() == []


@pytest.mark.parametrize("hub", [0, 1])
def test_a_link_is_found_from_the_end_with_fewer(hub):
    n = 200
    source, target = np.arange(1, n), np.zeros(n - 1, np.int64)
    graph = run_build(np.arange(n), *((source, target) if hub == 0 else (target, source)))
    for slot in (1, 50, n - 1):
        path = np.array([slot, 0] if hub == 0 else [0, slot])
        place = int(run_links(graph, path, "hops")[0])
        (out, into) = graph.entries.span[:, slot].tolist()
        assert place in (range(*out) if hub == 0 else range(*into))
