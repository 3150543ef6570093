"""A scan of bits finds what the estimates, taken number by number, put first; and what is found is searched exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from knn_cases import KINDS, METRICS, asked, clustered, coded, made, pairs, search, settled, structureless

import naive_bits
import naive_knn
from neurograph.errors import InvalidValue
from neurograph.kernels import knn_bits, knn_bits_kernel, knn_codes_kernel, knn_query_kernel, knn_signs_kernel
from neurograph.kernels.knn_bits import by_row, make_bits, run_likely, run_signs
from neurograph.kernels.knn_codes import forget, turn_for

pytestmark = pytest.mark.kernels


def bits_of(planes, d):
    slots = np.arange(len(planes.scale))
    bits = make_bits(len(slots), d)
    run_signs(planes, d, slots, bits, slots)
    return bits


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_found_equals_naive(kind, metric):
    for seed, (n, d) in enumerate([(90, 24), (33, 70), (20, 1)]):
        rows, mean = made(kind, seed, n, d), np.full(d, 0.25)
        planes = coded(rows, metric, mean=mean)
        queries = [q for q in asked(rows, seed, 4) if metric != "cosine" or q.any()]
        found = run_likely(bits_of(planes, d), np.array(queries), 12, metric=metric, mean=mean)
        for query, slots in zip(queries, found, strict=True):
            every = naive_bits.estimates(planes, metric, query, mean.tolist())
            told = {slot: estimate for estimate, slot in every}
            assert [told[slot] for slot in slots.tolist()] == [estimate for estimate, _ in every[:12]]
            assert len(set(slots.tolist())) == len(slots)


@settled
@given(st.data(), st.integers(0, 999))
def test_a_range_is_what_is_in_it(data, seed):
    n, d, c = data.draw(st.integers(1, 80)), data.draw(st.integers(1, 140)), data.draw(st.integers(1, 90))
    begin = data.draw(st.integers(0, n))
    end = data.draw(st.integers(begin, n))
    rows = made(structureless, seed, n, d)
    planes, query = coded(rows, "dot"), rows[:1] + 1
    inside = [pair for pair in naive_bits.estimates(planes, "dot", query[0], [0.0] * d) if begin <= pair[1] < end]
    told = {slot: estimate for estimate, slot in inside}
    (found,) = run_likely(bits_of(planes, d), query, c, metric="dot", begin=begin, end=end)
    assert [told[slot] for slot in found.tolist()] == [estimate for estimate, _ in inside[:c]]
    assert len(set(found.tolist())) == len(found)


@settled
@given(st.lists(st.integers(0, 90), max_size=9, unique=True), st.integers(1, 60), st.sampled_from([2, 7, 1 << 20]))
def test_runs_are_what_is_in_them(edges, c, most):
    edges = sorted(edges)[: len(edges) // 2 * 2]
    runs = np.array(edges, np.int64).reshape(-1, 2)
    n, d, inside = 90, 70, {slot for begin, end in runs.tolist() for slot in range(begin, end)}
    rows = made(structureless, 7, n, d)
    planes, queries = coded(rows, "l2"), rows[:2] + 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(knn_bits, "SCAN", 8 * 2 * most)
        found = run_likely(bits_of(planes, d), queries, c, metric="l2", runs=[runs, runs[:1]], tick=lambda: None)
    for query, slots, mine in zip(queries, found, [inside, {*range(*edges[:2])} if edges else set()], strict=True):
        every = [pair for pair in naive_bits.estimates(planes, "l2", query, [0.0] * d) if pair[1] in mine]
        told = {slot: estimate for estimate, slot in every}
        assert [told[slot] for slot in slots.tolist()] == [estimate for estimate, _ in every[:c]]
        assert len(set(slots.tolist())) == len(slots)


@pytest.mark.parametrize("metric", METRICS)
def test_of_equal_rows_those_of_lower_slots_are_found(metric):
    rng = np.random.default_rng(5)
    rows = np.eye(8, dtype=np.float32)[rng.integers(8, size=400)]
    bits, queries = bits_of(coded(rows, metric), 8), np.eye(8, dtype=np.float32)
    for query, every in zip(queries, run_likely(bits, queries, 400, metric=metric), strict=True):
        for count in (1, 3, 20, 60):
            (found,) = run_likely(bits, query[None], count, metric=metric)
            assert found.tolist() == every[:count].tolist()
        equal = every[(rows @ query)[every] == 1.0]
        assert len(equal) > 20
        assert equal.tolist() == sorted(equal.tolist())


def test_what_is_turned_is_asked_turned():
    rows, turn = made(structureless, 1, 60, 100), turn_for(100)
    bits = bits_of(coded(rows, "cosine", turn=turn), 100)
    assert [slots.tolist() for slots in run_likely(bits, rows[:9], 1, turn=turn)] == [[slot] for slot in range(9)]
    assert [slots.tolist() for slots in run_likely(bits, rows[:9], 1)] != [[slot] for slot in range(9)]


def test_estimates_are_without_bias_and_near():
    rng = np.random.default_rng(3)
    rows, query = rng.standard_normal((600, 256)), rng.standard_normal(256)
    rows, query = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (rows, query))
    planes = coded(rows.astype(np.float32), "dot")
    told = {slot: -key for key, slot in naive_bits.estimates(planes, "dot", query.astype(np.float32), [0.0] * 256)}
    errors = np.array([told[slot] for slot in range(600)]) - rows @ query
    assert abs(errors.mean()) < 4 * errors.std() / 600**0.5
    assert errors.std() < 1.1 * (np.pi / 2 - 1) ** 0.5 / 256**0.5  # what is lost by keeping signs alone


def test_bits_of_one_row_are_where_it_is_put():
    rows = made(structureless, 4, 40, 70)
    planes, bits = coded(rows, "l2"), make_bits(40, 70)
    run_signs(planes, 70, np.array([7, 30]), bits, np.array([33, 2]))
    whole = bits_of(planes, 70)
    for slot, place in ((7, 33), (30, 2)):
        assert (by_row(bits.words, 70)[place >> 4, place & 15] == by_row(whole.words, 70)[slot >> 4, slot & 15]).all()
        assert bits.factor[place] == whole.factor[slot]
    assert np.flatnonzero(~np.isnan(bits.offset)).tolist() == [2, 33]


def test_forgotten_places_are_never_found():
    rows = made(clustered, 5, 50, 9)
    bits = bits_of(coded(rows, "cosine"), 9)
    forget(bits, np.array([0, 17]))
    (found,) = run_likely(bits, rows[:1], 99)
    assert sorted(found.tolist()) == [slot for slot in range(50) if slot not in (0, 17)]


def test_a_batch_equals_its_queries_one_by_one(monkeypatch):
    rows = made(clustered, 6, 700, 40)
    queries, bits = asked(rows, 6, 9) + 1, bits_of(coded(rows, "l2"), 40)
    alone = [run_likely(bits, query[None], 30, metric="l2")[0].tolist() for query in queries]
    monkeypatch.setattr(knn_bits, "BLOCK", 1)
    assert [one.tolist() for one in run_likely(bits, queries, 30, metric="l2")] == alone
    monkeypatch.setattr(knn_bits, "SCAN", 1)
    monkeypatch.setattr(knn_bits, "SLICE", 1)
    ticks = []
    found = run_likely(bits, queries, 30, metric="l2", tick=lambda: ticks.append(1))
    assert [one.tolist() for one in found] == alone
    assert len(ticks) > 300


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("kind", KINDS)
def test_candidates_are_searched_exactly(kind, metric):
    rows, rng = made(kind, 7, 200, 24), np.random.default_rng(7)
    queries, ids = asked(rows, 7, 4), rng.permutation(200).astype(np.int64)
    chosen = [rng.permutation(200)[: 50 * j] for j in range(len(queries))]
    planes = coded(rows, metric)
    for page in (None, (0.9, 100)):
        found = search(planes, rows, queries, 10, metric, ids=ids, candidates=chosen, after=[page] * len(queries))
        for one, query, slots in zip(found, queries, chosen, strict=True):
            assert pairs(one) == naive_knn.nearest(metric, rows, query, 10, ids=ids, allowed=slots, after=page)


def test_few_of_the_candidates_are_fetched():
    rows = made(structureless, 8, 1000, 64)
    (found,) = search(coded(rows, "cosine"), rows, rows[:1] + 1, 5, "cosine", candidates=[np.arange(999, -1, -1)])
    assert (found.refined, found.fetched < 20) == (1000, True)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"candidates": 0}, "candidates must"),
        ({"begin": -1}, "begin"),
        ({"begin": 5, "end": 4}, "begin"),
        ({"end": 33}, "end in"),
        ({"metric": "l1"}, "metric must"),
        ({"queries": np.full((1, 4), np.nan, np.float32)}, "queries must"),
        ({"queries": np.ones((1, 65), np.float32)}, "queries must"),
        ({"queries": np.ones(4, np.float32)}, "queries must"),
    ],
)
def test_wrong_arguments_are_refused(change, text):
    options = {"queries": np.ones((1, 4), np.float32), "candidates": 3} | change
    with pytest.raises(InvalidValue, match=text):
        run_likely(make_bits(20, 4), **options)


def test_signs_need_both_planes_and_as_many_places():
    rows = made(structureless, 9, 4, 4)
    with pytest.raises(InvalidValue, match="lower planes"):
        run_signs(coded(rows, "l2", fine=False), 4, np.arange(4), make_bits(4, 4), np.arange(4))
    with pytest.raises(InvalidValue, match="as many as 4"):
        run_signs(coded(rows, "l2"), 4, np.arange(4), make_bits(4, 4), np.arange(3))
    with pytest.raises(InvalidValue, match="candidates must be given"):
        search(coded(rows, "l2"), rows, rows[:2], 1, "l2", candidates=[np.arange(4)])


def test_constants_that_kernels_share_are_the_same():
    assert knn_signs_kernel.L2 == knn_codes_kernel.L2 == knn_query_kernel.L2
    for name in ("GROUP", "GAIN", "SHIFT"):
        assert getattr(knn_signs_kernel, name) == getattr(knn_bits_kernel, name)
    assert knn_bits_kernel.GROUP == knn_codes_kernel.GROUP
