"""PageRank equals its definition and networkx's."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from graph_cases import Ticks, cases, random_case, settled
from hypothesis import given
from hypothesis import strategies as st

from neurograph.errors import InvalidValue
from neurograph.kernels.adjacency import allowed_kinds
from neurograph.kernels.graph_build import run_build
from neurograph.kernels.graph_rank import run_pagerank

pytestmark = pytest.mark.kernels


def by_id(case, scores: np.ndarray) -> dict[int, float]:
    return dict(zip(case.ids, scores.tolist(), strict=True))


@settled
@given(cases(), st.data(), st.sampled_from([0.0, 0.5, 0.85]), st.integers(0, 3))
def test_scores_equal_naive(case, data, damping, isolated):
    wanted = data.draw(st.none() | st.lists(st.sampled_from([0.0, 1.0, 2.5]), min_size=len(case.ids)))
    wanted = None if wanted is None or not any(wanted[: len(case.ids)]) else wanted[: len(case.ids)]
    found = run_pagerank(case.graph, damping, wanted, case.allowed, isolated=isolated, tol=1e-13)
    personal = None if wanted is None else dict(zip(case.ids, wanted, strict=True))
    expected = case.naive.pagerank(damping, personal, 1e-13, isolated)
    assert by_id(case, found.scores) | {None: found.isolated} == pytest.approx(expected, abs=1e-10)
    assert found.scores.sum() + isolated * found.isolated == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("personal", [False, True])
@pytest.mark.parametrize(("seed", "m"), [(1, 200), (2, 3000)])
def test_scores_equal_those_of_networkx(seed, m, personal):
    case, rng = random_case(seed, 300, m), np.random.default_rng(seed)
    naive = case.naive
    peer = nx.MultiDiGraph()
    peer.add_nodes_from(case.ids)
    peer.add_weighted_edges_from((id, link.far, link.weight) for id in case.ids for link in naive.links(id))
    wanted = rng.random(300) * (rng.random(300) < 0.2) if personal else None
    found = run_pagerank(case.graph, personalization=wanted, tol=1e-14)
    theirs = nx.pagerank(
        peer, tol=1e-16, max_iter=1000, personalization=None if wanted is None else by_id(case, wanted)
    )
    assert by_id(case, found.scores) == pytest.approx(theirs, abs=1e-9)


def test_isolated_nodes_score_as_if_they_were_slots():
    sources, targets = [0, 1, 2, 2], [1, 2, 0, 1]
    among = run_pagerank(run_build(np.arange(7), sources, targets), tol=1e-14)
    apart = run_pagerank(run_build(np.arange(3), sources, targets), isolated=4, tol=1e-14)
    assert apart.scores == pytest.approx(among.scores[:3], abs=1e-14)
    assert [apart.isolated] * 4 == pytest.approx(among.scores[3:].tolist(), abs=1e-14)


def test_the_last_bit_depends_on_ids_and_not_on_slots():
    case = random_case(5, 100, 600)
    order = np.argsort(case.ids)
    again = case._replace(ids=[case.ids[slot] for slot in order])
    assert run_pagerank(case.graph).scores[order].tolist() == run_pagerank(again.graph).scores.tolist()


def test_the_change_bounds_the_error():
    case = random_case(6, 200, 500)
    exact = run_pagerank(case.graph, tol=1e-15)
    for tol in (1e-3, 1e-6, 1e-9):
        rough = run_pagerank(case.graph, tol=tol)
        assert np.abs(rough.scores - exact.scores).sum() <= tol * 0.85 / 0.15
        assert rough.iterations <= exact.iterations


def test_weights_too_small_to_divide_by_count_as_none():
    scores = run_pagerank(run_build([1, 2], [0], [1], [5e-324])).scores
    assert scores.tolist() == pytest.approx([0.5, 0.5])


def test_graphs_without_nodes_have_scores_for_the_others_alone():
    assert run_pagerank(run_build([], [], [])).scores.tolist() == []
    assert run_pagerank(run_build([], [], []), isolated=4).isolated == pytest.approx(0.25)


def test_ticks_come_between_iterations():
    ticks = Ticks()
    found = run_pagerank(random_case(7, 50, 300).graph, tick=ticks)
    assert ticks.count == found.iterations - 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"damping": 1.0}, r"damping must be in \[0, 1\), got 1\.0"),
        ({"damping": float("nan")}, "damping must be in"),
        ({"tol": 0.0}, r"tol must be above 0, got 0\.0"),
        ({"isolated": -1}, "isolated must be at least 0, got -1"),
        ({"personalization": [1.0]}, r"a value for each of 3 slots, got \(1,\)"),
        ({"personalization": [1.0, -1.0, 0.0]}, r"at least 0 and finite, got -1\.0"),
        ({"personalization": [1.0, np.inf, 0.0]}, "at least 0 and finite, got inf"),
        ({"personalization": [0.0, 0.0, 0.0]}, "above 0 somewhere, got zeros"),
        ({"max_iter": 3}, "max_iter must be enough for changes of at most tol=1e-08, got 3"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(InvalidValue, match=message):
        run_pagerank(run_build([1, 2, 3], [0, 1, 2, 2], [1, 2, 0, 1]), **options)


def test_a_negative_weight_is_refused_unless_its_type_is_left_out():
    graph = run_build([1, 2], [0, 1], [1, 0], [1.0, -1.0], [0, 1])
    with pytest.raises(InvalidValue, match=r"at least 0 for PageRank, got -1\.0"):
        run_pagerank(graph)
    assert run_pagerank(graph, allowed=allowed_kinds([0])).scores[1] > 0.6
