"""Cheapest paths: the same nodes, links and last bits as the definition, however they are searched for."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from graph_cases import DIRECTIONS, Ticks, cases, random_case, settled
from hypothesis import given
from hypothesis import strategies as st

from neurograph.errors import InvalidValue
from neurograph.kernels import graph_dijkstra
from neurograph.kernels.adjacency import Scratch, allowed_kinds
from neurograph.kernels.graph_build import run_build
from neurograph.kernels.graph_dijkstra import run_cheapest_path, run_distances

pytestmark = pytest.mark.kernels

COSTS = st.sampled_from(["inverse_weight", "weight"])
CUTOFFS = st.sampled_from([np.inf, np.inf, 0.0, 0.5, 1.0, 3.0, 10.0])
SHARED = Scratch()


def listed(case, found) -> dict:
    ids = case.graph.ids
    columns = found.slots, found.distances, found.links, found.predecessors
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return {int(ids[slot]): (distance, links, int(ids[before])) for slot, distance, links, before in rows}


def path_of(case, found):
    return None if found is None else (case.graph.ids[found.slots].tolist(), found.cost)


@settled
@given(cases(), st.data(), COSTS, DIRECTIONS, CUTOFFS)
def test_distances_equal_naive_to_the_last_bit(case, data, cost, direction, cutoff):
    source = data.draw(st.sampled_from(case.ids))
    found = run_distances(case.graph, case.slot[source], cost, direction, case.allowed, cutoff=cutoff, scratch=SHARED)
    expected = case.naive.cheapest(source, cost, direction, cutoff)
    assert listed(case, found) == expected
    order = [id for _, id in sorted((label[0], id) for id, label in expected.items())]
    assert case.graph.ids[found.slots].tolist() == order


@settled
@given(cases(), st.data(), COSTS, DIRECTIONS, CUTOFFS)
def test_paths_equal_naive_to_the_last_bit(case, data, cost, direction, cutoff):
    source, target = data.draw(st.sampled_from(case.ids)), data.draw(st.sampled_from(case.ids))
    found = run_cheapest_path(
        case.graph, case.slot[source], case.slot[target], cost, direction, case.allowed, cutoff=cutoff, scratch=SHARED
    )
    assert path_of(case, found) == case.naive.cheapest_path(source, target, cost, direction, cutoff)


@settled
@given(cases(), st.data(), DIRECTIONS)
def test_costs_given_by_entry_equal_costs_by_weight(case, data, direction):
    source, target = data.draw(st.sampled_from(case.ids)), data.draw(st.sampled_from(case.ids))
    graph, ends = case.graph, (case.slot[source], case.slot[target])
    costs = np.where(graph.entries.weight == 0.0, np.inf, graph.entries.weight)  # infinite: not traversable
    given_costs = run_cheapest_path(graph, *ends, costs, direction, case.allowed, scratch=SHARED)
    by_weight = run_cheapest_path(graph, *ends, "weight", direction, case.allowed, scratch=SHARED)
    assert path_of(case, given_costs) == path_of(case, by_weight)


# Weights for which sums in another order have other last bits, ties by rounding included.
UNEVEN = (0.1, 0.2, 0.3, 0.7, 1 / 3, 1.0)


@pytest.mark.parametrize("direction", ["out", "in", "both"])
@pytest.mark.parametrize(("seed", "m"), [(1, 300), (2, 900), (3, 2500)])
def test_larger_graphs_equal_naive_and_networkx(seed, m, direction):
    case = random_case(seed, 250, m, weights=UNEVEN)
    graph, naive, scratch = case.graph, case.naive, Scratch()
    peer = nx.MultiDiGraph()
    peer.add_nodes_from(case.ids)
    peer.add_weighted_edges_from(
        (id, link.far, 1 / link.weight) for id in case.ids for link in naive.links(id, direction)
    )
    for source in case.ids[:4]:
        expected = naive.cheapest(source, direction=direction)
        assert listed(case, run_distances(graph, case.slot[source], direction=direction, scratch=scratch)) == expected
        peers = nx.single_source_dijkstra_path_length(peer, source)
        assert {id: label[0] for id, label in expected.items()} == pytest.approx(peers, rel=1e-12)
        for target in case.ids[::25]:
            found = run_cheapest_path(graph, case.slot[source], case.slot[target], direction=direction, scratch=scratch)
            assert path_of(case, found) == naive.cheapest_path(source, target, direction=direction)


def test_among_equal_costs_fewer_links_count_then_the_smallest_predecessor():
    ids = [1, 2, 3, 4, 5]
    # 1 → 5 in one link of cost 4, in two of cost 2 by way of 2, 3 or 4
    graph = run_build(ids, [0, 0, 0, 1, 2, 3], [1, 2, 3, 4, 4, 4], [2.0] * 6)
    assert graph.ids[run_cheapest_path(graph, 0, 4, "weight").slots].tolist() == [1, 2, 5]
    direct = run_build(ids, [0, 0, 0, 0, 1, 2, 3], [1, 2, 3, 4, 4, 4, 4], [2.0, 2.0, 2.0, 4.0, 2.0, 2.0, 2.0])
    assert graph.ids[run_cheapest_path(direct, 0, 4, "weight").slots].tolist() == [1, 5]


def test_links_that_cost_nothing_are_settled_by_links_before_ids():
    # From 9: 1 costs 1; 5 costs 1 too, as 1 → 5 costs nothing and 9 → 5 costs 1, in fewer links.
    graph = run_build([1, 5, 9], [0, 2, 2], [1, 0, 1])
    found = run_distances(graph, 2, np.array([0.0, 1.0, 1.0, 1.0, 0.0, 1.0]))
    assert graph.ids[found.slots].tolist() == [9, 1, 5]
    assert found.links.tolist() == [0, 1, 1]


def test_parallel_links_count_as_the_cheapest():
    graph = run_build([1, 2], [0, 0, 0], [1, 1, 1], [0.25, 2.0, 0.5], [0, 1, 2])
    assert run_cheapest_path(graph, 0, 1).cost == 0.5
    assert run_cheapest_path(graph, 0, 1, allowed=allowed_kinds([0, 2])).cost == 2.0


def test_a_cutoff_includes_itself():
    graph = run_build([1, 2, 3], [0, 1], [1, 2], [0.1, 0.2])
    assert run_cheapest_path(graph, 0, 2, "weight", cutoff=0.1 + 0.2).cost == 0.1 + 0.2
    assert run_cheapest_path(graph, 0, 2, "weight", cutoff=0.3) is None  # 0.30000000000000004


def test_a_weight_whose_reciprocal_is_infinite_is_not_traversable():
    graph = run_build([1, 2], [0], [1], [5e-324])
    with np.errstate(all="ignore"):  # without a compiler, the division warns
        assert run_cheapest_path(graph, 0, 1) is None
        assert run_distances(graph, 0).slots.tolist() == [0]


def test_a_path_from_a_node_to_itself_costs_nothing():
    path = run_cheapest_path(run_build([1, 2], [0], [0]), 0, 0, cutoff=0.0)
    assert (path.slots.tolist(), path.cost) == ([0], 0.0)


@pytest.mark.parametrize("cost", ["inverse_weight", "weight", "array"])
def test_slices_and_full_heaps_change_nothing(cost, monkeypatch):
    case, scratch = random_case(9, 120, 900, weights=UNEVEN), Scratch()
    graph = case.graph
    costs = graph.entries.weight.copy() if cost == "array" else cost
    pairs = [(source, 119 - source) for source in range(10)]

    def found(tick=None):
        paths = [path_of(case, run_cheapest_path(graph, *pair, costs, scratch=scratch, tick=tick)) for pair in pairs]
        return paths, listed(case, run_distances(graph, 3, costs, scratch=scratch, tick=tick))

    whole = found()
    monkeypatch.setattr(graph_dijkstra, "SLICE", 1)
    monkeypatch.setattr(graph_dijkstra, "ROOM", -119)  # a heap of one place
    scratch.clear()
    ticks = Ticks()
    assert found(ticks) == whole
    assert ticks.count > 100
    with pytest.raises(KeyboardInterrupt):
        run_distances(graph, 3, costs, scratch=scratch, tick=Ticks(stop_at=20))
    with pytest.raises(KeyboardInterrupt):
        run_cheapest_path(graph, 3, 100, costs, scratch=scratch, tick=Ticks(stop_at=3))
    assert found() == whole


@pytest.mark.parametrize(
    "run", [run_distances, lambda graph, source, **options: run_cheapest_path(graph, source, 1, **options)]
)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": 3}, r"source must be a slot in \[0, 3\), got 3"),
        ({"cost": "euros"}, "cost must be 'inverse_weight', 'weight' or an array, got 'euros'"),
        ({"cost": np.ones(3)}, r"cost must have a value for each of \(2,\), got \(3,\)"),
        ({"cost": np.array([1.0, -0.5])}, r"costs must be at least 0, got -0\.5"),
        ({"cost": np.array([1.0, np.nan])}, "costs must be at least 0, got nan"),
        ({"cutoff": -1.0}, r"cutoff must be at least 0, got -1\.0"),
        ({"cutoff": np.nan}, "cutoff must be at least 0, got nan"),
        ({"direction": "up"}, "direction must be"),
    ],
)
def test_bad_arguments_are_refused(run, options, message):
    with pytest.raises(InvalidValue, match=message):
        run(run_build([1, 2, 3], [0], [1]), **({"source": 0} | options))


def test_a_negative_weight_is_refused_even_where_the_search_would_not_meet_it():
    graph = run_build([1, 2, 3, 4], [0, 2], [1, 3], [0.5, -0.5], [0, 1])
    for cost in ("inverse_weight", "weight"):
        with pytest.raises(InvalidValue, match=f"at least 0 for cost '{cost}', got -0.5"):
            run_cheapest_path(graph, 0, 1, cost)
        with pytest.raises(InvalidValue, match=f"at least 0 for cost '{cost}', got -0.5"):
            run_cheapest_path(graph, 0, 0, cost)
        assert run_cheapest_path(graph, 0, 1, cost, allowed=allowed_kinds([0])) is not None
    assert run_cheapest_path(graph, 0, 1, np.ones(4)).cost == 1.0
