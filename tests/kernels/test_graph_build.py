"""Adjacency arrays hold what the edges say, in order, and stay so under small changes."""

from __future__ import annotations

import random

import numpy as np
import pytest
from graph_cases import IDS, Case, Ticks, built, cases, random_case, settled
from hypothesis import given
from hypothesis import strategies as st

from naive_graph import Edge, Link
from neurograph.errors import InvalidValue
from neurograph.kernels import graph_build
from neurograph.kernels.adjacency import (
    EVERY_KIND,
    INTO,
    OUT,
    Adjacency,
    Entries,
    allowed_kinds,
    live,
    sides,
)
from neurograph.kernels.graph_build import SlotIndex, node_ids, run_build

pytestmark = pytest.mark.kernels


def listed(graph: Adjacency) -> dict:
    """Return the links of every node, by id and direction, in the order of the entries."""
    found = {}
    for slot, id in enumerate(graph.ids.tolist()):
        for side, direction in ((OUT, "out"), (INTO, "in")):
            neighbor, weight, kind = graph.of(side, slot)
            columns = kind.tolist(), graph.ids[neighbor].tolist(), weight.tolist()
            found[id, direction] = [Link(*link) for link in zip(*columns, strict=True)]
    return found


def expected(case: Case) -> dict:
    naive = case._replace(types=None).naive
    return {(id, way): naive.links(id, way) for id in case.ids for way in ("out", "in")}


@settled
@given(cases())
def test_entries_equal_naive_ones_in_order(case):
    graph = case.graph
    assert listed(graph) == expected(case)
    assert graph.faults() == []
    assert graph.slack() == 0.0


def test_edges_in_order_of_ids_whose_slots_are_not_are_sorted_all_the_same():
    case = Case([0, -1], [Edge(-1, 0), Edge(0, -1)], None)
    assert listed(case.graph) == expected(case)


@settled
@given(cases(), st.randoms(use_true_random=False))
def test_edges_in_any_order_give_the_same_entries(case, rng):
    keyed = {"": 0, "a": 1, "b": 2}
    edges = list(case.edges)
    rng.shuffle(edges)
    edges.sort(key=lambda edge: keyed[edge.key])  # stable: edges that differ in their keys alone stay in order
    assert listed(built(case.ids, edges)) == expected(case)


def test_a_larger_graph_equals_the_naive_one():
    case = random_case(1, 300, 2000)
    assert listed(case.graph) == expected(case)


def test_a_bidirectional_self_loop_is_one_entry_on_each_side():
    graph = run_build([5], [0], [0], bidirectional=[True])
    assert [len(graph.of(side, 0)[0]) for side in (OUT, INTO)] == [1, 1]


def test_an_empty_graph_has_no_faults():
    graph = run_build([], [], [])
    assert (graph.n, graph.faults(), graph.slack()) == (0, [], 0.0)
    assert len(graph.slots_by_id()) == 0


def test_the_order_by_id_is_kept_only_when_slots_are_not_in_it():
    assert run_build([1, 5, 9], [], []).rank.size == 0
    graph = run_build([5, 9, 1], [], [])
    assert graph.rank.tolist() == [1, 2, 0]
    assert graph.by_rank.tolist() == graph.slots_by_id().tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"source": [0, 2]}, r"source must be in \[0, 2\), got 2"),
        ({"target": [-1, 1]}, r"target must be in \[0, 2\), got -1"),
        ({"kind": [0, 1 << 20]}, r"kind must be in \[0, 1048576\), got 1048576"),
        ({"weight": [0.5, float("nan")]}, "weight must be finite, got nan"),
        ({"weight": [0.5, float("-inf")]}, "weight must be finite, got -inf"),
        ({"weight": [0.5]}, r"as long as source, which has 2, got \[2, 1, 2, 2\]"),
        ({"bidirectional": [True]}, "as long as source"),
    ],
)
def test_bad_columns_are_refused(columns, message):
    with pytest.raises(InvalidValue, match=message):
        run_build([10, 20], **({"source": [0, 1], "target": [1, 0]} | columns))


def test_building_calls_tick_between_slices(monkeypatch):
    monkeypatch.setattr(graph_build, "SLICE", 100)
    case, ticks = random_case(2, 50, 400), Ticks()
    slot = case.slot
    graph = run_build(
        case.ids, [slot[e.source] for e in case.edges], [slot[e.target] for e in case.edges],
        [e.weight for e in case.edges], [e.type for e in case.edges], [e.bidirectional for e in case.edges], tick=ticks,
    )  # fmt: skip
    assert ticks.count > 10
    assert listed(graph) == expected(case)


@settled
@given(st.lists(IDS, unique=True, max_size=30), st.lists(IDS, max_size=10))
def test_slot_index_finds_what_a_dict_finds(ids, others):
    index, slot = SlotIndex(np.array(ids, np.int64)), {id: at for at, id in enumerate(ids)}
    wanted = ids + others
    assert index.slots(np.array(wanted, np.int64)).tolist() == [slot.get(id, -1) for id in wanted]
    assert [index.slot(id) for id in wanted] == [slot.get(id, -1) for id in wanted]
    assert index.nbytes <= 64 * len(ids) + 8192 + 16 * len(ids)


@settled
@given(st.lists(st.lists(IDS, max_size=20), max_size=3))
def test_node_ids_are_distinct_and_ascending(columns):
    found = node_ids(*(np.array(column, np.int64) for column in columns))
    assert found.tolist() == sorted({id for column in columns for id in column})


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_replaced_entries_equal_built_ones(seed):
    rng, case = random.Random(seed), random_case(seed, 20, 60)
    graph, edges, ids = case.graph, list(case.edges), list(case.ids)
    graph.refuse_negative(EVERY_KIND, "a test")
    for step in range(60):
        if step % 15 == 14:
            ids.append(rng.choice([max(ids) + 3, min(ids) - 5]))
            graph.append(np.array(ids[-1:]))
        if rng.random() < 0.4 and edges:
            edges.pop(rng.randrange(len(edges)))
        else:
            edges.append(Edge(rng.choice(ids), rng.choice(ids), rng.randrange(3), str(step), rng.choice([-1.0, 0.5])))
        wanted, slot = Case(ids, edges, None).naive, {id: at for at, id in enumerate(ids)}
        for id in ids:
            for side, way in ((OUT, "out"), (INTO, "in")):
                links = wanted.links(id, way)
                columns = zip(*((slot[link.far], link.weight, link.type) for link in links), strict=True)
                neighbor, weight, kind = columns if links else ((), (), ())
                graph.replace(side, slot[id], np.array(neighbor, np.int64), np.array(weight), np.array(kind, np.int32))
        assert listed(graph) == expected(Case(ids, edges, None))
        assert graph.faults() == []
        negative = any(edge.weight < 0 for edge in edges)
        if negative:
            with pytest.raises(InvalidValue, match=r"at least 0 for a test, got -1\.0"):
                graph.refuse_negative(EVERY_KIND, "a test")
        else:
            graph.refuse_negative(EVERY_KIND, "a test")
    assert 0.0 < graph.slack() < 1.0


def test_a_copy_does_not_follow_changes():
    graph = run_build([10, 20], [0], [1])
    copy = graph.copy()
    graph.replace(OUT, 1, np.array([0]), np.array([0.5]), np.array([3], np.int32))
    graph.replace(OUT, 0, np.array([0]), np.array([0.5]), np.array([3], np.int32))
    assert listed(copy) == listed(run_build([10, 20], [0], [1]))
    assert copy.nbytes <= graph.nbytes


def test_live_entries_leave_slack_out():
    graph = run_build([10, 20, 30], [0, 0], [1, 2])
    graph.replace(OUT, 0, np.array([2]), np.array([0.5]), np.array([3], np.int32))
    neighbor, weight, kind = live(graph.entries)
    assert (neighbor.tolist(), weight.tolist(), kind.tolist()) == ([2, 0, 0], [0.5, 1.0, 1.0], [3, 0, 0])


def test_a_negative_weight_is_refused_only_where_its_type_is_allowed():
    graph = run_build([10, 20], [0, 0, 1], [1, 1, 0], [0.5, -0.25, -2.0], [0, 1, 2])
    graph.refuse_negative(allowed_kinds([0]), "a test")
    graph.refuse_negative(allowed_kinds([0, 900]), "a test")
    graph.refuse_negative(allowed_kinds([]), "a test")
    with pytest.raises(InvalidValue, match=r"got -0\.25; leave out the types"):
        graph.refuse_negative(allowed_kinds([0, 1]), "a test")
    with pytest.raises(InvalidValue, match=r"got -2\.0"):
        graph.refuse_negative(EVERY_KIND, "a test")


def corrupted(change) -> Adjacency:
    graph = run_build([10, 20], [0, 1], [1, 0])
    span, neighbor, weight, kind = graph.entries
    arrays = {"ids": graph.ids, "span": span, "neighbor": neighbor, "weight": weight, "kind": kind}
    change(arrays)
    return Adjacency(arrays.pop("ids"), Entries(**arrays))


def put(name, at, value):
    def change(arrays):
        arrays[name][at] = value

    return change


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (put("ids", 1, 10), "ids must be distinct"),
        (put("span", (0, 0, 0), -1), "span must lie in the pool"),
        (put("span", (0, 0, 0), 2), "span must lie in the pool"),
        (put("span", (1, 1, 1), 5), "span must lie in the pool"),
        (put("neighbor", 0, 2), "neighbors must be slots"),
        (put("neighbor", 0, -1), "neighbors must be slots"),
        (put("kind", 0, -1), "types must be in"),
        (put("kind", 0, 1 << 20), "types must be in"),
        (put("weight", 0, np.nan), "weights must be finite"),
        (lambda arrays: arrays.update(kind=arrays["kind"].astype(np.int64)), "kind int32"),
        (lambda arrays: arrays.update(kind=arrays["kind"][:-1]), "one length"),
        (lambda arrays: arrays.update(span=arrays["span"][:, :1]), "the shape"),
    ],
)
def test_every_fault_is_found(change, fault):
    (found,) = corrupted(change).faults()
    assert fault in found


def test_types_and_directions_out_of_range_are_refused():
    with pytest.raises(InvalidValue, match=r"a type code must be in \[0, 2\*\*20\), got -3"):
        allowed_kinds([1, -3])
    with pytest.raises(InvalidValue, match="direction must be 'out', 'in' or 'both', got 'up'"):
        sides("up")
