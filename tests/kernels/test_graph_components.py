"""Components equal their definitions and networkx's; their label is their smallest id."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from graph_cases import Ticks, cases, random_case, settled
from hypothesis import given

from neurograph.kernels import graph_components
from neurograph.kernels.graph_build import run_build
from neurograph.kernels.graph_components import run_components, run_strong_components

pytestmark = pytest.mark.kernels


def listed(found) -> list[tuple[int, int]]:
    return list(zip(found.ids.tolist(), found.labels.tolist(), strict=True))


@settled
@given(cases())
def test_components_equal_naive_in_order_of_id(case):
    assert listed(run_components(case.graph, case.allowed)) == sorted(case.naive.components().items())
    assert listed(run_strong_components(case.graph, case.allowed)) == sorted(case.naive.strong_components().items())


@pytest.mark.parametrize("m", [80, 200, 400, 900])
def test_components_of_larger_graphs_equal_those_of_networkx(m, monkeypatch):
    monkeypatch.setattr(graph_components, "SLICE", 50)
    case, ticks = random_case(m, 300, m), Ticks()
    naive = case.naive
    peer = nx.DiGraph((id, far) for id in case.ids for far in naive.neighbors(id))
    peer.add_nodes_from(case.ids)
    for run, theirs in (
        (run_components, nx.weakly_connected_components(peer)),
        (run_strong_components, nx.strongly_connected_components(peer)),
    ):
        assert dict(listed(run(case.graph, tick=ticks))) == {id: min(part) for part in theirs for id in part}
    assert ticks.count > 8


def test_a_long_cycle_is_one_component_and_a_long_chain_many():
    n = 3000
    chain = run_build(np.arange(n), np.arange(n - 1), np.arange(1, n))
    assert run_strong_components(chain).labels.tolist() == list(range(n))
    assert set(run_components(chain).labels.tolist()) == {0}
    cycle = run_build(np.arange(n), np.arange(n), np.roll(np.arange(n), -1))
    assert set(run_strong_components(cycle).labels.tolist()) == {0}


def test_a_graph_without_nodes_has_no_components():
    empty = run_build([], [], [])
    assert listed(run_components(empty)) == listed(run_strong_components(empty)) == []


@pytest.mark.parametrize("run", [run_components, run_strong_components])
def test_a_tick_can_stop_the_search(run, monkeypatch):
    monkeypatch.setattr(graph_components, "SLICE", 10)
    with pytest.raises(KeyboardInterrupt):
        run(random_case(1, 100, 300).graph, tick=Ticks(stop_at=2))
