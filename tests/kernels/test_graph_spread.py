"""Spreading activation equals its definition: who gets how much, when, from whom, in which order."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from graph_cases import Ticks, cases, random_case, settled
from hypothesis import given
from hypothesis import strategies as st

from neurograph.errors import InvalidValue
from neurograph.kernels import graph_spread
from neurograph.kernels.adjacency import Scratch, allowed_kinds
from neurograph.kernels.graph_build import run_build
from neurograph.kernels.graph_spread import run_spread

pytestmark = pytest.mark.kernels

MODES = ["sum", "max", "weighted_average"]
SHARED = Scratch()
RULES = st.fixed_dictionaries(
    {},
    optional={
        "energy": st.sampled_from([0.3, 1.0, 5.0]),
        "mode": st.sampled_from(MODES),
        "decay": st.sampled_from([0.0, 0.2, 0.5, 1.0]),
        "min_energy": st.sampled_from([0.0, 0.01, 0.4]),
        "max_depth": st.integers(0, 6),
        "threshold": st.sampled_from([0.0, 0.1, 0.5]),
        "budget": st.integers(1, 10),
    },
)


def listed(case, found) -> list[tuple[int, float, int, int]]:
    ids = case.graph.ids.tolist()
    before = [ids[found.path(i)[-2]] for i in range(len(found.ids))]
    return list(zip(found.ids.tolist(), found.energies.tolist(), found.depths.tolist(), before, strict=True))


@settled
@given(cases(), st.data(), RULES)
def test_spreading_equals_naive_to_the_last_bit(case, data, rules):
    source = data.draw(st.sampled_from(case.ids))
    found = run_spread(case.graph, case.slot[source], allowed=case.allowed, scratch=SHARED, **rules)
    assert listed(case, found) == case.naive.spread(source, **rules)
    for i, (id, _, depth, before) in enumerate(listed(case, found)):
        path = case.graph.ids[found.path(i)].tolist()
        assert path[0] == source
        assert path[-2:] == [before, id]
        assert len(path) - 1 >= depth
        assert all(far in case.naive.neighbors(near) for near, far in pairwise(path))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("n", "m"), [(100, 300), (400, 3000)])
def test_spreading_in_larger_graphs_equals_naive(n, m, mode):
    case, scratch = random_case(n, n, m, weights=(0.1, 0.3, 0.7, 1 / 3)), Scratch()
    for source in case.ids[:6]:
        rules = {"mode": mode, "min_energy": 0.005, "threshold": 0.01}
        found = run_spread(case.graph, case.slot[source], scratch=scratch, **rules)
        assert listed(case, found) == case.naive.spread(source, **rules)
        assert found.touched >= len(found.ids) + 1


def diamond(*arguments, **options):
    graph = run_build([1, 2, 3, 4], [0, 0, 1, 2], [1, 2, 3, 3], [0.5, 0.5, 1.0, 1.0])
    found = run_spread(graph, 0, *arguments, **options)
    return dict(zip(found.ids.tolist(), found.energies.tolist(), strict=True))


def test_the_diamond_gives_0_64_under_sum():
    assert diamond() == pytest.approx({4: 0.64, 2: 0.4, 3: 0.4})
    assert diamond(mode="max") == pytest.approx({2: 0.4, 3: 0.4, 4: 0.32})
    assert diamond(mode="weighted_average") == pytest.approx({2: 0.4, 3: 0.4, 4: 0.32})


def test_equal_energies_are_in_order_of_id():
    graph = run_build([30, 10, 20, 5], [3, 3, 3], [0, 1, 2], [0.5, 0.5, 0.5])
    assert run_spread(graph, 3).ids.tolist() == [10, 20, 30]


def test_energy_that_goes_in_a_circle_has_a_path_a_link_a_round():
    graph = run_build([1, 2, 3], [0, 1, 2], [1, 2, 1], [0.5, 2.0, 2.0])
    found = run_spread(graph, 0, decay=0.0, max_depth=4)
    assert (found.ids.tolist(), found.energies.tolist()) == ([3, 2], [5.0, 2.5])
    assert [graph.ids[found.path(i)].tolist() for i in range(2)] == [[1, 2, 3, 2, 3], [1, 2, 3, 2]]


@pytest.mark.parametrize("bits", [63, 0])
def test_energies_that_differ_in_their_last_bits_alone_are_in_order(monkeypatch, bits):
    monkeypatch.setattr(graph_spread, "KEY_BITS", bits)
    rng, n = np.random.default_rng(3), 300
    weights = 0.5 + rng.integers(0, 40, n - 1) * 2.0**-53
    graph = run_build(rng.permutation(n) + 1, np.zeros(n - 1, np.int64), np.arange(1, n), weights)
    found = run_spread(graph, 0, decay=0.0)
    assert found.energies.tolist() == sorted(weights.tolist(), reverse=True)
    slot = {id: slot for slot, id in enumerate(graph.ids.tolist())}
    assert [weights[slot[id] - 1] for id in found.ids.tolist()] == found.energies.tolist()
    same = np.diff(found.energies) == 0
    assert 0 < same.sum() < n - 2
    assert np.all(np.diff(found.ids)[same] > 0)


def test_a_bidirectional_link_carries_both_ways_and_parallel_links_each():
    both = run_build([1, 2], [0], [1], [0.5], bidirectional=[True])
    assert run_spread(both, 1, max_depth=1).energies.tolist() == [0.4]
    twice = run_build([1, 2], [0, 0], [1, 1], [0.5, 0.25], [0, 1])
    assert run_spread(twice, 0).energies.tolist() == pytest.approx([0.6])


def test_the_budget_counts_the_source_and_ends_the_spreading_at_the_first_node_too_many():
    graph = run_build([1, 2, 3, 4], [0, 0, 0, 1], [1, 2, 3, 0], [0.5, 0.5, 0.5, 1.0])
    found = run_spread(graph, 0, budget=3)
    assert (found.ids.tolist(), found.touched, found.rounds) == ([2, 3], 3, 1)
    assert len(run_spread(graph, 0, budget=1).ids) == 0
    assert run_spread(graph, 0, budget=4).rounds == 5


def test_a_source_below_the_least_energy_sends_nothing():
    graph = run_build([1, 2], [0], [1])
    found = run_spread(graph, 0, 0.005, threshold=0.0)
    assert (found.touched, found.rounds, len(found.ids)) == (1, 0, 0)


def test_rows_are_put_in_order_when_they_are_many():
    n = 5000
    rng = np.random.default_rng(1)
    ids = rng.permutation(n) + 1
    graph = run_build(ids, np.zeros(n - 1, np.int64), np.arange(1, n), np.full(n - 1, 0.5))
    assert np.all(np.diff(run_spread(graph, 0).ids) > 0)


def test_slices_and_a_full_log_change_nothing(monkeypatch):
    case, rules = random_case(8, 150, 900), {"min_energy": 0.0, "threshold": 0.0}
    whole = [listed(case, run_spread(case.graph, source, **rules)) for source in range(10)]
    monkeypatch.setattr(graph_spread, "SLICE", 1)
    monkeypatch.setattr(graph_spread, "FIRST_ROWS", 1)
    scratch, ticks = Scratch(), Ticks()
    again = [run_spread(case.graph, source, scratch=scratch, tick=ticks, **rules) for source in range(10)]
    assert [listed(case, found) for found in again] == whole
    assert ticks.count >= 40
    with pytest.raises(KeyboardInterrupt):
        run_spread(case.graph, 0, scratch=scratch, tick=Ticks(stop_at=3), **rules)
    assert listed(case, run_spread(case.graph, 9, scratch=scratch, **rules)) == whole[9]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": 2}, r"source must be a slot in \[0, 2\), got 2"),
        ({"energy": 0.0}, r"energy must be above 0 and finite, got 0\.0"),
        ({"energy": np.inf}, "energy must be above 0 and finite, got inf"),
        ({"mode": "product"}, "mode must be 'sum', 'max' or 'weighted_average', got 'product'"),
        ({"decay": 1.5}, r"decay must be in \[0, 1\], got 1\.5"),
        ({"min_energy": -0.1}, r"min_energy must be at least 0, got -0\.1"),
        ({"threshold": float("nan")}, "threshold must be at least 0, got nan"),
        ({"max_depth": -1}, r"max_depth must be in \[0, 100\], got -1"),
        ({"max_depth": 101}, r"max_depth must be in \[0, 100\], got 101"),
        ({"budget": 0}, "budget must be at least 1, got 0"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(InvalidValue, match=message):
        run_spread(run_build([1, 2], [0], [1]), **({"source": 0} | options))


def test_a_negative_weight_is_refused_unless_its_type_is_left_out():
    graph = run_build([1, 2, 3], [0, 1], [1, 2], [1.0, -1.0], [0, 1])
    with pytest.raises(InvalidValue, match=r"at least 0 for spreading activation, got -1\.0"):
        run_spread(graph, 0)
    assert len(run_spread(graph, 0, allowed=allowed_kinds([0])).ids) == 1
