"""Breadth-first and depth-first search equal their definitions, whatever was searched before."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from graph_cases import DIRECTIONS, Ticks, cases, random_case, settled
from hypothesis import given
from hypothesis import strategies as st

from neurograph.errors import InvalidValue
from neurograph.kernels import graph_bfs, graph_dfs
from neurograph.kernels.adjacency import Scratch
from neurograph.kernels.graph_bfs import Reached, run_bfs
from neurograph.kernels.graph_build import run_build
from neurograph.kernels.graph_dfs import run_dfs

pytestmark = pytest.mark.kernels

DEPTHS = st.one_of(st.none(), st.integers(0, 4))
SHARED = Scratch()


def listed(case, found: Reached) -> list[tuple[int, int]]:
    return list(zip(case.graph.ids[found.slots].tolist(), found.depths.tolist(), strict=True))


@settled
@given(cases(), st.data(), DIRECTIONS, DEPTHS)
def test_bfs_equals_naive(case, data, direction, max_depth):
    start = data.draw(st.sampled_from(case.ids))
    found = run_bfs(case.graph, case.slot[start], max_depth, direction, case.allowed, scratch=SHARED)
    assert listed(case, found) == case.naive.bfs(start, np.inf if max_depth is None else max_depth, direction)


@settled
@given(cases(), st.data(), DIRECTIONS, DEPTHS)
def test_dfs_equals_naive(case, data, direction, max_depth):
    start = data.draw(st.sampled_from(case.ids))
    found = run_dfs(case.graph, case.slot[start], max_depth, direction, case.allowed, scratch=SHARED)
    assert listed(case, found) == case.naive.dfs(start, np.inf if max_depth is None else max_depth, direction)


@pytest.mark.parametrize("direction", ["out", "in", "both"])
def test_larger_graphs_equal_naive_and_networkx(direction):
    case = random_case(3, 400, 1500)
    graph, naive, scratch = case.graph, case.naive, Scratch()
    peer = nx.DiGraph((id, far) for id in case.ids for far in naive.neighbors(id, direction))
    for start in case.ids[:10]:
        slot = case.slot[start]
        found = listed(case, run_bfs(graph, slot, direction=direction, scratch=scratch))
        assert found == naive.bfs(start, direction=direction)
        assert dict(found) == nx.single_source_shortest_path_length(peer, start)
        assert listed(case, run_dfs(graph, slot, direction=direction, scratch=scratch)) == naive.dfs(
            start, direction=direction
        )


def test_dfs_visits_a_long_chain_without_recursion():
    n = 5000
    found = run_dfs(run_build(np.arange(n), np.arange(n - 1), np.arange(1, n)), 0)
    assert found.slots.tolist() == found.depths.tolist() == list(range(n))


def test_dfs_sorts_the_neighbors_of_a_hub():
    rng = np.random.default_rng(5)
    ids = rng.permutation(1000)
    found = run_dfs(
        run_build(ids, np.zeros(3000, np.int64), rng.integers(0, 1000, 3000), kind=rng.integers(0, 9, 3000)), 0
    )
    assert np.all(np.diff(ids[found.slots[1:]]) > 0)


def test_a_search_forgets_those_before_it():
    case = random_case(4, 30, 60)
    scratch, naive = Scratch(), case.naive
    for turn in range(600):  # the stamps wrap every 255 searches
        start = case.ids[turn % 30]
        assert listed(case, run_bfs(case.graph, case.slot[start], 1, scratch=scratch)) == naive.bfs(start, 1)


@pytest.mark.parametrize(("module", "run"), [(graph_bfs, run_bfs), (graph_dfs, run_dfs)])
def test_slices_change_nothing_and_an_interrupted_search_leaves_nothing_behind(module, run, monkeypatch):
    case = random_case(6, 60, 200)
    scratch = Scratch()
    whole = listed(case, run(case.graph, 0, scratch=scratch))
    monkeypatch.setattr(module, "SLICE", 1)
    ticks = Ticks()
    assert listed(case, run(case.graph, 0, scratch=scratch, tick=ticks)) == whole
    assert ticks.count >= 50
    with pytest.raises(KeyboardInterrupt):
        run(case.graph, 0, scratch=scratch, tick=Ticks(stop_at=7))
    assert listed(case, run(case.graph, 0, scratch=scratch)) == whole


@pytest.mark.parametrize("run", [run_bfs, run_dfs])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((2,), r"start must be a slot in \[0, 2\), got 2"),
        ((-1,), "start must be a slot"),
        ((0, -1), "max_depth must be at least 0, got -1"),
        ((0, None, "up"), "direction must be 'out', 'in' or 'both', got 'up'"),
    ],
)
def test_bad_arguments_are_refused(run, arguments, message):
    with pytest.raises(InvalidValue, match=message):
        run(run_build([1, 2], [0], [1]), *arguments)
