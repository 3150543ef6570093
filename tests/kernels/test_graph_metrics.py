"""Triangles, clustering and lengths of paths equal their definitions and networkx's."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from graph_cases import DIRECTIONS, Ticks, cases, random_case, settled
from hypothesis import given

from neurograph.kernels import graph_metrics
from neurograph.kernels.adjacency import Scratch
from neurograph.kernels.graph_build import run_build
from neurograph.kernels.graph_metrics import run_clustering, run_path_lengths

pytestmark = pytest.mark.kernels


@settled
@given(cases())
def test_triangles_and_clustering_equal_naive(case):
    found, naive = run_clustering(case.graph, case.allowed), case.naive
    assert found.triangles.tolist() == [naive.triangles(id) for id in case.ids]
    assert found.local.tolist() == [naive.clustering(id) for id in case.ids]
    assert found.degrees.tolist() == [len(set(naive.neighbors(id, "both")) - {id}) for id in case.ids]


@settled
@given(cases(), DIRECTIONS)
def test_path_lengths_equal_naive(case, direction):
    found = run_path_lengths(case.graph, np.arange(len(case.ids)), direction, case.allowed)
    naive = case.naive
    depths = [depth for id in case.ids for far, depth in naive.bfs(id, direction=direction) if far != id]
    assert found == (len(depths), sum(depths), max(depths, default=0))


@pytest.mark.parametrize("m", [300, 2000])
def test_measures_of_larger_graphs_equal_those_of_networkx(m, monkeypatch):
    monkeypatch.setattr(graph_metrics, "SLICE", 50)
    case, ticks = random_case(m, 150, m), Ticks()
    naive = case.naive
    peer = nx.Graph((id, far) for id in case.ids for far in naive.neighbors(id, "both") if far != id)
    peer.add_nodes_from(case.ids)
    found = run_clustering(case.graph, tick=ticks)
    assert ticks.count > 20
    assert dict(zip(case.ids, found.triangles.tolist(), strict=True)) == nx.triangles(peer)
    assert dict(zip(case.ids, found.local.tolist(), strict=True)) == pytest.approx(nx.clustering(peer))
    largest = max(nx.connected_components(peer), key=len)
    sources = np.array([case.slot[id] for id in largest])
    lengths = run_path_lengths(case.graph, sources, "both", scratch=Scratch(), tick=ticks)
    assert lengths.longest == nx.diameter(peer.subgraph(largest))
    assert lengths.total / lengths.pairs == pytest.approx(nx.average_shortest_path_length(peer.subgraph(largest)))


def test_a_graph_without_nodes_has_nothing_to_measure():
    empty = run_build([], [], [])
    assert run_clustering(empty).local.tolist() == []
    assert run_path_lengths(empty, np.zeros(0, np.int64)) == (0, 0, 0)
