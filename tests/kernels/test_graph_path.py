"""Shortest paths by links: the shortest, and of several the canonical one."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from graph_cases import DIRECTIONS, Ticks, cases, random_case, settled
from hypothesis import given
from hypothesis import strategies as st

from neurograph.errors import InvalidValue
from neurograph.kernels import graph_path
from neurograph.kernels.adjacency import Scratch
from neurograph.kernels.graph_build import run_build
from neurograph.kernels.graph_path import run_shortest_path

pytestmark = pytest.mark.kernels

SHARED = Scratch()


def ids_of(case, slots):
    return None if slots is None else case.graph.ids[slots].tolist()


@settled
@given(cases(), st.data(), DIRECTIONS, st.one_of(st.none(), st.integers(0, 4)))
def test_paths_equal_naive(case, data, direction, cutoff):
    source, target = data.draw(st.sampled_from(case.ids)), data.draw(st.sampled_from(case.ids))
    found = run_shortest_path(
        case.graph, case.slot[source], case.slot[target], direction, case.allowed, cutoff=cutoff, scratch=SHARED
    )
    expected = case.naive.shortest_path(source, target, direction, np.inf if cutoff is None else cutoff)
    assert ids_of(case, found) == expected


@pytest.mark.parametrize(("seed", "m"), [(1, 250), (2, 600), (3, 1500)])
def test_paths_in_larger_graphs_equal_naive_and_networkx(seed, m):
    case = random_case(seed, 200, m)
    graph, naive, scratch, rng = case.graph, case.naive, Scratch(), np.random.default_rng(seed)
    peer = nx.DiGraph((id, far) for id in case.ids for far in naive.neighbors(id))
    peer.add_nodes_from(case.ids)
    for source, target in rng.choice(case.ids, (40, 2)).tolist():
        found = ids_of(case, run_shortest_path(graph, case.slot[source], case.slot[target], scratch=scratch))
        assert found == naive.shortest_path(source, target)
        assert (found is not None) == nx.has_path(peer, source, target)
        if found:
            assert len(found) - 1 == nx.shortest_path_length(peer, source, target)


def test_ties_are_broken_by_the_smallest_predecessor_from_the_target_back():
    #        1 → 2 → 5      1 → 3 → 4      both 4 and 5 lead to 6: 4 is smaller, so 3 it is, though 2 is smaller
    ids = [1, 2, 3, 4, 5, 6]
    graph = run_build(ids, [0, 0, 1, 2, 3, 4], [1, 2, 4, 3, 5, 5])
    assert graph.ids[run_shortest_path(graph, 0, 5)].tolist() == [1, 3, 4, 6]


def test_a_path_from_a_node_to_itself_has_no_links():
    graph = run_build([1, 2], [0], [0])
    assert run_shortest_path(graph, 0, 0, cutoff=0).tolist() == [0]


def test_slices_change_nothing_and_an_interrupted_search_leaves_nothing_behind(monkeypatch):
    case, scratch = random_case(7, 100, 220), Scratch()
    pairs = [(source, 99 - source) for source in range(40)]
    whole = [ids_of(case, run_shortest_path(case.graph, *pair, scratch=scratch)) for pair in pairs]
    monkeypatch.setattr(graph_path, "SLICE", 1)
    ticks = Ticks()
    again = [ids_of(case, run_shortest_path(case.graph, *pair, scratch=scratch, tick=ticks)) for pair in pairs]
    assert again == whole
    assert ticks.count >= 40
    with pytest.raises(KeyboardInterrupt):
        run_shortest_path(case.graph, 1, 98, scratch=scratch, tick=Ticks(stop_at=1))
    assert [ids_of(case, run_shortest_path(case.graph, *pair, scratch=scratch)) for pair in pairs] == whole


def test_marks_start_again_before_they_overflow(monkeypatch):
    case, scratch = random_case(7, 100, 220), Scratch()
    pairs = [(source, 99 - source) for source in range(40)]
    whole = [ids_of(case, run_shortest_path(case.graph, *pair, scratch=Scratch())) for pair in pairs]
    monkeypatch.setattr(graph_path, "LAST_MARK", 250)  # room for two searches
    assert [ids_of(case, run_shortest_path(case.graph, *pair, scratch=scratch)) for pair in pairs] == whole
    assert scratch.keep("path", 100, graph_path._new_ends)[0].max() <= 250


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((2, 0), {}, r"source must be a slot in \[0, 2\), got 2"),
        ((0, -1), {}, r"target must be a slot in \[0, 2\), got -1"),
        ((0, 1), {"cutoff": -1}, "cutoff must be at least 0, got -1"),
        ((0, 1, "up"), {}, "direction must be"),
    ],
)
def test_bad_arguments_are_refused(arguments, options, message):
    with pytest.raises(InvalidValue, match=message):
        run_shortest_path(run_build([1, 2], [0], [1]), *arguments, **options)
