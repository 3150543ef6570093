"""Rows in partitions: bits of them less their centers, and queries that look at some partitions, do as numbers say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from knn_cases import METRICS, clustered, coded, made, settled

import naive_bits
from neurograph.errors import InvalidValue
from neurograph.kernels import knn_bits
from neurograph.kernels.knn_bits import make_bits, run_likely, run_signs
from neurograph.kernels.knn_codes import turn_for
from neurograph.kernels.knn_parts import Parts, choose, in_none, make_centers, run_asked, run_groups, run_nearness

pytestmark = pytest.mark.kernels

N, D, P = 90, 70, 7


def parted(metric: str, seed: int, mean: np.ndarray, turn=None):
    """Return codes of rows that lie partition after partition, the last ten in none, their bits, and the partitions."""
    rng = np.random.default_rng(seed)
    rows, first = made(clustered, seed, N, D), np.sort(np.concatenate(([0], rng.integers(0, N - 10, P - 1), [N - 10])))
    numbers = np.searchsorted(first, np.arange(N), "right") - 1
    planes, bits = coded(rows, metric, mean=mean, turn=turn), make_bits(N, D)
    means = rows[rng.integers(0, N, P)] + rng.normal(size=(P, D)).astype(np.float32)
    centers = make_centers(means, metric, mean=mean, turn=turn)
    slots = np.arange(N)
    run_signs(planes, D, slots, bits, slots, centers=centers, numbers=numbers, metric=metric)
    return rows, planes, bits, means, Parts(centers, first, np.zeros(0, np.int64)), numbers


@pytest.mark.parametrize("metric", METRICS)
def test_centers_are_ordered_as_distances_are(metric):
    mean, turn = np.full(D, 0.2), turn_for(D)
    _, _, _, means, parts, _ = parted(metric, 1, mean, turn)
    for query in made(clustered, 2, 9, D):
        near, products = run_nearness(parts.centers, run_asked(query[None], metric, mean=mean, turn=turn), 0)
        if metric == "l2":
            told = -((means - query) ** 2).sum(axis=1)
        else:
            told = means @ query / (np.linalg.norm(means, axis=1) if metric == "cosine" else 1)
        assert np.corrcoef(near, told)[0, 1] > 0.999
        assert products[-1] == 0.0


@settled
@given(
    st.integers(0, 99), st.sampled_from(METRICS), st.integers(1, 99), st.integers(0, P), st.sampled_from([5, 1 << 20])
)
def test_what_is_found_equals_naive(seed, metric, c, partitions, most):
    mean = np.full(D, 0.25)
    _, planes, bits, _, parts, numbers = parted(metric, seed, mean)
    moved = np.unique(np.random.default_rng(seed).integers(0, N - 10, 3))
    parts, numbers[moved] = parts._replace(moved=moved), P
    run_signs(planes, D, moved, bits, moved, metric=metric)
    queries = made(clustered, seed + 1, 3, D)
    asked = run_asked(queries, metric, mean=mean, centers=parts.centers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(knn_bits, "SCAN", 8 * 2 * most)
        found = run_likely(
            bits, queries, c, metric=metric, mean=mean, parts=parts, partitions=partitions, tick=lambda: None
        )
    points, w = parts.centers.points.tolist(), -2.0 if metric == "l2" else -1.0
    for j, (query, slots) in enumerate(zip(queries, found, strict=True)):
        near, products = run_nearness(parts.centers, asked, j)
        chosen = {*np.argsort(-near, kind="stable")[: partitions or P].tolist()}
        centers = [points[n] for n in numbers.tolist()]
        every = [
            (estimate + w * float(products[numbers[slot]]), slot)
            for estimate, slot in naive_bits.estimates(
                planes, metric, query, mean.tolist(), centers, parts.centers.length
            )
        ]
        told = {slot: key for key, slot in every}
        for inside, count in ((True, c), (False, knn_bits.LOOSER * c)):
            wanted = sorted(key for key, slot in every if (numbers[slot] in chosen if inside else numbers[slot] == P))
            got = [slot for slot in slots.tolist() if (numbers[slot] != P) == inside]
            assert len({*got}) == len(got)
            assert [told[slot] for slot in got] == pytest.approx(wanted[:count], rel=1e-5, abs=1e-5)


def test_less_their_centers_rows_are_told_apart_better():
    errors = []
    rows, planes, bits, means, _, numbers = parted("l2", 3, np.zeros(D))
    own = np.array([rows[numbers == n].mean(axis=0) if (numbers == n).any() else means[n] for n in range(P)])
    centers = make_centers(own.astype(np.float32), "l2")
    slots = np.arange(N)
    run_signs(planes, D, slots, bits, slots, centers=centers, numbers=numbers, metric="l2")
    query = rows[0] + np.float32(0.1)
    true = ((rows - query) ** 2).sum(axis=1) - query @ query
    for points in (None, [centers.points[n].tolist() for n in numbers]):
        told = {slot: key for key, slot in naive_bits.estimates(planes, "l2", query, [0.0] * D, points)}
        base = 0.0 if points is None else -2.0 * centers.points[numbers] @ query
        errors.append(np.abs(np.array([told[slot] for slot in range(N)]) + base - true).mean())
    assert errors[1] < errors[0]


@pytest.mark.parametrize("centered", [True, False])
def test_many_queries_take_bounded_room_and_find_the_same(monkeypatch, centered):
    _, _, bits, _, parts, _ = parted("l2", 8, np.zeros(D))
    queries, rooms, real = made(clustered, 9, 30, D), [], knn_bits._likely
    alone = [run_likely(bits, q[None], 9, metric="l2", parts=parts if centered else None)[0] for q in queries]

    def likely(asked, metric, candidates):
        found = real(asked, metric, candidates)
        rooms.append(found.keys.nbytes + found.slots.nbytes)
        return found

    monkeypatch.setattr(knn_bits, "KEYS", 20_000)
    monkeypatch.setattr(knn_bits, "_likely", likely)
    found = run_likely(bits, queries, 9, metric="l2", parts=parts if centered else None)
    assert [slots.tolist() for slots in found] == [slots.tolist() for slots in alone]
    assert max(rooms) < 30_000


def test_between_ticks_few_rows_are_looked_at_however_they_lie(monkeypatch):
    _, _, bits, _, parts, _ = parted("dot", 9, np.zeros(D))
    none = parts._replace(first=np.zeros(P + 1, np.int64))
    monkeypatch.setattr(knn_bits, "SCAN", 8 * 2 * 16)
    ticks: list[int] = []
    run_likely(bits, made(clustered, 9, 1, D), 9, metric="dot", parts=none, tick=lambda: ticks.append(1))
    assert len(ticks) >= N // 16 - 1


@pytest.mark.parametrize("centered", [True, False])
def test_under_dot_a_query_of_any_length_finds_the_same(centered):
    mean = np.full(D, 0.25)
    _, _, bits, _, parts, _ = parted("dot", 6, mean)
    query = made(clustered, 7, 1, D)
    found = [
        run_likely(bits, query * np.float32(times), 9, metric="dot", mean=mean, parts=parts if centered else None)
        for times in (1.0, 2.0**-90, 2.0**90)
    ]
    assert found[0][0].tolist() == found[1][0].tolist() == found[2][0].tolist()


def test_runs_share_no_slot_and_miss_none_that_was_asked_for():
    _, _, _, _, parts, numbers = parted("dot", 4, np.zeros(D))
    parts = parts._replace(moved=np.array([0, 5, 40, 79]))
    asked = run_asked(made(clustered, 5, 1, D), "dot")
    for partitions in range(P + 2):
        runs, bases = choose(parts, asked, 0, "dot", partitions)
        slots = [slot for begin, end in runs.tolist() for slot in range(begin, end)]
        others = [slot for begin, end in in_none(parts, N - 3)[0].tolist() for slot in range(begin, end)]
        assert others == [0, 5, 40, 79, *range(N - 10, N - 3)]
        assert len({*slots, *others}) == len(slots) + len(others)
        assert len(runs) == len(bases)
        if partitions in (0, P, P + 1):
            assert sorted(slots + others) == list(range(N - 3))
        else:
            assert len({numbers[slot] for slot in slots}) <= partitions


@settled
@given(st.integers(0, 999), st.sampled_from(METRICS), st.integers(1, P + 2), st.integers(0, N - 10), st.integers(0, 9))
def test_a_query_looks_at_the_nearest_partitions_and_at_what_is_in_none(seed, metric, partitions, moved, tail):
    _, _, _, _, parts, numbers = parted(metric, seed, np.zeros(D))
    parts = parts._replace(moved=np.unique(np.random.default_rng(seed).integers(0, N - 10, moved)))
    end = N - 10 + tail
    asked = run_asked(made(clustered, seed, 1, D), metric)
    near, _ = run_nearness(parts.centers, asked, 0)
    chosen = np.argsort(-near, kind="stable")[:partitions]
    groups = sorted({slot // 16 for slot in range(end) if numbers[slot] in chosen or numbers[slot] == P})
    within = run_groups(parts, asked, 0, partitions, end)
    assert within.groups.tolist() == groups
    assert within.slots.tolist() == [slot for slot in parts.moved.tolist() if slot // 16 not in groups]


def test_an_empty_partition_has_no_groups():
    centers = make_centers(np.ones((3, D), np.float32), "dot")
    parts = Parts(centers, np.array([0, 20, 20, 40]), np.zeros(0, np.int64))
    asked = run_asked(np.ones((1, D), np.float32), "dot")
    assert run_groups(parts._replace(first=np.array([0, 0, 20, 20])), asked, 0, 1, 20).groups.tolist() == []
    assert run_groups(parts, asked, 0, 2, 40).groups.tolist() == [0, 1]


def test_of_partitions_as_near_the_first_are_looked_at():
    centers = make_centers(np.ones((4, D), np.float32), "dot")
    parts = Parts(centers, np.array([0, 16, 32, 48, 64]), np.zeros(0, np.int64))
    asked = run_asked(np.ones((1, D), np.float32), "dot")
    for many in (1, 3, 4, 9):
        groups = [*range(min(many, 4))]
        assert run_groups(parts, asked, 0, many, 64).groups.tolist() == groups
        assert (choose(parts, asked, 0, "dot", many)[0] // 16).tolist() == [[p, p + 1] for p in groups]


def test_a_partition_of_which_nothing_can_be_said_is_the_farthest():
    means = np.zeros((4, 2), np.float32)
    means[2:] = [[1, -1], [-1, 0]]
    parts = Parts(make_centers(means, "dot"), np.array([0, 16, 32, 48, 64]), np.zeros(0, np.int64))
    asked = run_asked(np.ones((1, 2), np.float32), "dot")._replace(turned=np.full((1, 2), 1e200))
    near, _ = run_nearness(parts.centers, asked, 0)
    assert not np.isnan(near).any()
    for many in (1, 2, 3):
        runs, _ = choose(parts, asked, 0, "dot", many)
        assert run_groups(parts, asked, 0, many, 64).groups.tolist() == (runs[:, 0] // 16).tolist()
        assert len(runs) == many


def test_numbers_of_no_center_are_refused():
    _, planes, bits, _, parts, _ = parted("dot", 4, np.zeros(D))
    for numbers in ([P + 1], [-1], [0, 0]):
        with pytest.raises(InvalidValue, match=f"numbers must be of {P + 1} centers, for each of 1 slots"):
            run_signs(planes, D, np.array([3]), bits, np.array([3]), centers=parts.centers, numbers=np.array(numbers))
