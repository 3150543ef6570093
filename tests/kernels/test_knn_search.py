"""Exact search over codes equals every distance computed and sorted."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from knn_cases import KINDS, METRICS, asked, clustered, coded, duplicates, made, pairs, search, settled, structureless

import naive_knn
from neurograph.errors import InvalidValue
from neurograph.kernels import knn_codes_kernel, knn_decide, knn_query_kernel, knn_search
from neurograph.kernels.knn_codes import forget, make_planes, run_quantise, turn_for
from neurograph.kernels.knn_decide import Within
from neurograph.kernels.knn_search import run_search
from neurograph.kernels.scratch import Scratch

pytestmark = pytest.mark.kernels


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", KINDS)
def test_answers_equal_naive(kind, metric):
    for seed, (n, d) in enumerate([(300, 24), (90, 3), (40, 1)]):
        rows = made(kind, seed, n, d)
        queries = asked(rows, seed, 4)
        for fine in (True, False):
            found = search(coded(rows, metric, fine=fine), rows, queries, 10, metric)
            assert [pairs(one) for one in found] == [naive_knn.nearest(metric, rows, q, 10) for q in queries]


def test_a_product_of_zero_is_a_distance_of_zero_without_a_sign():
    rows = np.array([[0, 1], [0, -1], [-0.0, 0]], np.float32)
    (found,) = search(coded(rows, "dot"), rows, np.array([[1, 0]], np.float32), 3, "dot")
    assert not np.signbit(found.distances).any()


@settled
@given(st.data(), st.sampled_from(KINDS), st.sampled_from(METRICS), st.integers(0, 999))
def test_options_equal_naive(data, kind, metric, seed):
    n, d, k = data.draw(st.integers(0, 70)), data.draw(st.integers(1, 70)), data.draw(st.integers(0, 80))
    rows, rng = made(kind, seed, n, d), np.random.default_rng(seed)
    (query,) = asked(rows, seed, 1)
    ids = rng.permutation(n).astype(np.int64) << 32
    allowed = rng.random(n) < data.draw(st.sampled_from([0.0, 0.05, 0.5, 1.0])) if data.draw(st.booleans()) else None
    slots = None if allowed is None else np.flatnonzero(allowed)
    everything = naive_knn.nearest(metric, rows, query, n, ids=ids, allowed=slots)
    some = everything[rng.integers(len(everything))] if everything else (0.5, 0)
    radius = data.draw(st.sampled_from([np.inf, some[0], np.nextafter(some[0], -np.inf), 0.0]))
    after = data.draw(st.sampled_from([None, some, (some[0], -1), (some[0], 1 << 62)]))
    mean = data.draw(st.sampled_from([None, np.full(d, 0.3)]))
    turn = data.draw(st.sampled_from([None, turn_for(d)]))
    planes = coded(rows, metric, mean=mean, turn=turn, fine=data.draw(st.booleans()))
    (found,) = search(
        planes, rows, query[None], k, metric,
        mean=mean, turn=turn, ids=ids, allowed=allowed, radius=radius, after=[after],
    )  # fmt: skip
    assert pairs(found) == naive_knn.nearest(metric, rows, query, k, ids=ids, allowed=slots, radius=radius, after=after)
    assert (ids[found.slots] == found.ids).all()


@pytest.mark.parametrize("d", [1, 2, 63, 64, 65, 127, 128, 129, 257])
def test_any_dimension_will_do(d):
    rows = made(clustered, d, 40, d)
    for metric in METRICS:
        queries = asked(rows, d, 2)
        found = search(coded(rows, metric), rows, queries, 5, metric)
        assert [pairs(one) for one in found] == [naive_knn.nearest(metric, rows, q, 5) for q in queries]


def test_the_largest_dimension_will_do():
    rows = made(structureless, 1, 3, 8192)
    (found,) = search(coded(rows, "cosine"), rows, rows[:1], 2, "cosine")
    assert pairs(found) == naive_knn.nearest("cosine", rows, rows[0], 2)


def test_few_rows_are_fetched():
    rows = made(structureless, 3, 1000, 64)
    found = search(coded(rows, "cosine"), rows, made(structureless, 4, 3, 64), 5, "cosine")
    assert max(one.fetched for one in found) < 20
    assert max(one.refined for one in found) < 600


def test_a_batch_equals_its_queries_one_by_one(monkeypatch):
    rows = made(clustered, 5, 500, 40)
    queries = asked(rows, 5, 13)
    planes, scratch = coded(rows, "l2"), Scratch()
    alone = [pairs(search(planes, rows, q[None], 7, "l2", scratch=scratch)[0]) for q in queries]
    assert [pairs(one) for one in search(planes, rows, queries, 7, "l2", scratch=scratch)] == alone
    monkeypatch.setattr(knn_search, "KEYS", 1 << 13)
    monkeypatch.setattr(knn_search, "BLOCK", 1)
    assert [pairs(one) for one in search(planes, rows, queries, 7, "l2", scratch=scratch)] == alone


def test_pages_are_the_whole_list():
    rows = made(duplicates, 6, 120, 8)
    planes, pages, last = coded(rows, "cosine"), [], None
    while True:
        (found,) = search(planes, rows, rows[:1], 7, "cosine", after=[last])
        if not len(found.ids):
            break
        pages += pairs(found)
        last = pages[-1]
    assert pages == naive_knn.nearest("cosine", rows, rows[0], 120)


@pytest.mark.parametrize(("limit", "most"), [("FETCH", 400), ("FETCH_ROWS", 100)])
def test_copies_of_one_row_are_all_looked_at_a_few_at_a_time(monkeypatch, limit, most):
    rows, largest = np.ones((3000, 4), np.float32), 0
    monkeypatch.setattr(knn_decide, limit, most)

    def fetch(slots):
        nonlocal largest
        largest = max(largest, len(slots))
        return rows[slots]

    (found,) = run_search(coded(rows, "l2"), rows[:1], 5, fetch, metric="l2", ids=np.arange(3000, 0, -1))
    assert found.ids.tolist() == [1, 2, 3, 4, 5]
    assert (largest, found.fetched) == (100, 3000)


@pytest.mark.compiled  # as plain Python it takes minutes, and measures the interpreter
def test_candidates_of_many_queries_take_no_more_room_than_they_may():
    rows, scratch = np.ones((20_000, 4), np.float32), Scratch()
    queries, planes = made(structureless, 2, 16, 4), coded(rows, "cosine")
    scratch.most_bytes = 1 << 21
    some = np.arange(0, 20_000, 2)
    for options in ({}, {"candidates": [some] * 16}, {"within": [Within(np.arange(600), some[5000:])] * 16}):
        search(planes, rows, queries, 3, "cosine", scratch=scratch, **options)  # kernels are compiled, or loaded
        tracemalloc.start()
        found = search(planes, rows, queries, 3, "cosine", scratch=scratch, **options)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4 << 20
        assert all(one.slots.tolist() == ([0, 2, 4] if "candidates" in options else [0, 1, 2]) for one in found)


@settled
@given(st.data(), st.sampled_from(KINDS), st.sampled_from(METRICS), st.integers(0, 999), st.integers(1, 20))
def test_candidates_that_find_no_room_are_settled_and_nothing_is_lost(data, kind, metric, seed, k):
    rows, rng = made(kind, seed, 3000, 5), np.random.default_rng(seed)
    rows[rng.random(3000) < 0.8] = rows[0]
    ids, queries = rng.permutation(3000), asked(rows, seed, 3)
    allowed = rng.random(3000) < data.draw(st.sampled_from([0.0, 0.5, 1.0]))
    everything = naive_knn.nearest(metric, rows, queries[1], 3000, ids=ids)
    after, radius = everything[rng.integers(len(everything))], everything[-rng.integers(1, len(everything))][0]
    asking = {"metric": metric, "ids": ids, "radius": data.draw(st.sampled_from([np.inf, radius]))}
    asking["after"] = [None, data.draw(st.sampled_from([None, after])), None]
    where = data.draw(st.sampled_from(["allowed", "candidates", "within"]))
    slots = np.flatnonzero(allowed)
    asking[where] = {"allowed": allowed, "candidates": [slots] * 3}.get(where)
    if where == "within":
        asking[where] = [Within(np.arange(100), slots[slots >= 1600])] * 3
        allowed[:1600] = True
    planes, plenty, scarce = coded(rows, metric), Scratch(), Scratch()
    scarce.most_bytes = 0
    expected = [pairs(one) for one in search(planes, rows, queries, k, scratch=plenty, **asking)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(knn_search, "ROOM", 0)
        assert [pairs(one) for one in search(planes, rows, queries, k, scratch=scarce, **asking)] == expected
    assert expected[1] == naive_knn.nearest(
        metric, rows, queries[1], k, ids=ids, allowed=np.flatnonzero(allowed), radius=asking["radius"],
        after=asking["after"][1],
    )  # fmt: skip


@pytest.mark.parametrize("numbers", [1 << 21, 4 * 300, 4 * 7])
def test_queries_side_by_side_ask_for_rows_together_and_for_few(monkeypatch, numbers):
    rows = (
        np.concatenate([np.full((400, 4), x, np.float32) for x in (1, 2, 3)]) + made(structureless, 8, 1200, 4) * 1e-4
    )
    rows[5:60] = rows[4]
    queries, sizes = np.concatenate([rows[3:5], rows[800:802], rows[3:4]]), []
    monkeypatch.setattr(knn_decide, "FETCH", numbers)

    def fetch(slots):
        assert (np.diff(slots) > 0).all()
        sizes.append(len(slots))
        return rows[slots]

    found = run_search(coded(rows, "l2"), queries, 5, fetch, metric="l2")
    assert [pairs(one) for one in found] == [naive_knn.nearest("l2", rows, q, 5) for q in queries]
    assert max(sizes) <= numbers // 4
    if numbers == 1 << 21:
        assert len(sizes) <= 2
        assert sizes[0] <= len(queries) * (5 + knn_decide.FIRST)
        assert sum(sizes) < sum(one.fetched for one in found)  # what several ask for is fetched once


@settled
@given(st.sampled_from(KINDS), st.sampled_from(METRICS), st.integers(0, 999), st.integers(0, 12), st.booleans())
def test_nothing_is_found_but_where_a_query_looks(kind, metric, seed, k, masked):
    rng, rows = np.random.default_rng(seed), made(kind, seed, 200, 9)
    planes, queries = coded(rows, metric), asked(rows, seed + 1, 4)
    groups = [np.sort(rng.choice(13, rng.choice([0, 1, 6, 13]), replace=False)) for _ in queries]
    slots = [np.flatnonzero(~np.isin(np.arange(200) // 16, mine) & (rng.random(200) < 0.2)) for mine in groups]
    within = [Within(*both) for both in zip(groups, slots, strict=True)]
    allowed = rng.random(200) < 0.5 if masked else np.ones(200, np.bool_)
    found = search(planes, rows, queries, k, metric, within=within, allowed=allowed if masked else None)
    for one, query, mine in zip(found, queries, within, strict=True):
        there = np.isin(np.arange(200) // 16, mine.groups) | np.isin(np.arange(200), mine.slots)
        inside = np.flatnonzero(there & allowed)
        wanted = naive_knn.nearest(metric, rows[inside], query, k)
        assert pairs(one) == [(distance, int(inside[slot])) for distance, slot in wanted]


def test_of_sixteen_rows_too_only_allowed_ones_are_found_besides():
    rows = made(clustered, 3, 16, 5)
    allowed, nowhere = np.arange(16) % 2 > 0, np.zeros(0, np.int64)
    for within in (Within(nowhere, np.arange(8)), Within(np.array([0]), nowhere)):
        (found,) = search(coded(rows, "l2"), rows, rows[:1], 9, "l2", within=[within], allowed=allowed)
        assert sorted(found.slots) == [slot for slot in (within.slots.tolist() or range(16)) if slot % 2]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", [structureless, clustered])
def test_believing_a_part_of_the_bounds_finds_the_same_and_fetches_less(kind, metric):
    rows, turn = made(kind, 5, 3000, 64), turn_for(64)
    planes, queries = coded(rows, metric, turn=turn), made(kind, 6, 20, 64)
    proved = search(planes, rows, queries, 10, metric, turn=turn)
    likely = search(planes, rows, queries, 10, metric, turn=turn, doubt=5 / 8)
    assert [pairs(one) for one in likely] == [pairs(one) for one in proved]
    assert sum(one.refined for one in likely) < sum(one.refined for one in proved)


def test_forgotten_places_are_empty_and_can_be_filled_again():
    rows = made(structureless, 7, 50, 16)
    planes = coded(rows, "dot", spare=10)
    before = pairs(search(planes, rows, rows[:1], 50, "dot")[0])
    forget(planes, np.array([3, 4, 40]))
    kept = [pair for pair in before if pair[1] not in (3, 4, 40)]
    assert pairs(search(planes, rows, rows[:1], 50, "dot")[0]) == kept
    run_quantise(planes, 3, rows[3:5], "dot")
    run_quantise(planes, 40, rows[40:41], "dot")
    assert pairs(search(planes, rows, rows[:1], 50, "dot")[0]) == before


def test_a_query_without_a_norm_is_at_distance_one_of_everything():
    rows = made(structureless, 8, 40, 5)
    ids = np.arange(40, 0, -1)
    (found,) = search(coded(rows, "cosine"), rows, np.zeros((1, 5), np.float32), 3, "cosine", ids=ids)
    assert pairs(found) == [(1.0, 1), (1.0, 2), (1.0, 3)]


def test_a_search_can_be_stopped_between_slices(monkeypatch):
    monkeypatch.setattr(knn_search, "SCAN", 1)
    monkeypatch.setattr(knn_search, "REFINE", 1)
    rows, ticks, scratch = made(structureless, 9, 400, 8), 0, Scratch()

    class StopError(Exception):
        pass

    def tick():
        nonlocal ticks
        ticks += 1
        if ticks == 3:
            raise StopError

    planes = coded(rows, "l2")
    with pytest.raises(StopError):
        search(planes, rows, rows[:3], 400, "l2", tick=tick, scratch=scratch)
    found = search(planes, rows, rows[:3], 400, "l2", tick=tick, scratch=scratch)
    assert ticks > 30
    assert pairs(found[2]) == naive_knn.nearest("l2", rows, rows[2], 400)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"k": -1}, "k must be"),
        ({"radius": np.nan}, "radius"),
        ({"after": []}, "after must"),
        ({"allowed": np.ones(99, np.bool_)}, "allowed must"),
        ({"allowed": np.ones(3)}, "allowed must"),
        ({"within": []}, "within must"),
        ({"within": [Within(np.array([0]), np.array([]))], "candidates": [np.array([0])]}, "within must"),
        ({"doubt": 0.0}, "doubt must"),
        ({"doubt": 1.5}, "doubt must"),
        ({"metric": "l1"}, "metric must"),
        ({"mean": [1.0]}, "mean must"),
        ({"queries": np.full((1, 4), np.nan, np.float32)}, "queries must"),
        ({"queries": np.ones((1, 6), np.float32)}, "queries must"),
        ({"queries": np.ones(4, np.float32)}, "queries must"),
    ],
)
def test_wrong_arguments_are_refused(change, text):
    planes = make_planes(20, 4)
    options = {"queries": np.ones((1, 4), np.float32), "k": 1, "fetch": lambda slots: slots} | change
    with pytest.raises(InvalidValue, match=text):
        run_search(planes, **options)


def test_constants_that_kernels_share_are_the_same():
    for name in ("COSINE", "DOT", "L2", "CAP_LOOSE", "CAP_TIGHT", "LEAST"):
        assert getattr(knn_codes_kernel, name) == getattr(knn_query_kernel, name)
