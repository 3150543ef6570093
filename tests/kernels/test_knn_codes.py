"""Codes depend on their row alone, and their bounds hold."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from knn_cases import KINDS, METRICS, asked, coded, made, mixed, ragged, settled, structureless

import naive_knn
from neurograph.errors import InvalidValue
from neurograph.kernels import knn_codes, knn_search
from neurograph.kernels.knn_codes import grown, make_planes, run_quantise, turn_for, turning
from neurograph.kernels.knn_decide import Deciding, Wanted
from neurograph.kernels.knn_refine_kernel import SIZE
from neurograph.kernels.scratch import Scratch

pytestmark = pytest.mark.kernels


def decoded(planes, slot: int, d: int) -> tuple[list[Fraction], list[Fraction]]:
    """Return what the upper plane and both say of a row, exactly."""
    width, scale = (d + 1) // 2, Fraction(float(planes.scale[slot]))
    high, low = (plane[slot * width : (slot + 1) * width].astype(int) for plane in (planes.high, planes.low))
    upper, lower = np.r_[high & 15, high >> 4][:d].tolist(), np.r_[low & 15, low >> 4][:d].tolist()
    both = [scale * (16 * u + v - Fraction(255, 2)) for u, v in zip(upper, lower, strict=True)]
    return [scale * (16 * u - 120) for u in upper], both


@pytest.mark.parametrize("metric", ["dot", "l2"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_planes_leave_over_is_within_its_bound(kind, metric):
    rows = made(kind, 2, 24, 9)
    planes = coded(rows, metric)
    for slot, row in enumerate(rows):
        if not np.isfinite(planes.offset[slot]):
            continue
        y = [Fraction(float(a)) for a in row]
        for said, bound, cap in zip(decoded(planes, slot, 9), (planes.loose, planes.tight), (10, 200), strict=True):
            square = Fraction(float(bound[slot])) ** 2
            assert sum((a - b) ** 2 for a, b in zip(y, said, strict=True)) <= square
            assert sum(b * b for b in said) <= cap**2 * square
        if metric == "l2":
            whole, offset = sum(a * a for a in y), Fraction(float(planes.offset[slot]))
            assert offset - Fraction(1e-44) <= whole <= offset + abs(offset) * Fraction(1, 1 << 21) + Fraction(1e-44)


def bounds_of(planes, metric, query, mean=None, turn=None):
    """Return the least keys of all rows by the upper plane, and {slot: (least, most)} by both."""
    d, planes_width = len(query), (len(query) + 1) // 2
    wanted = Wanted(
        planes, knn_search.metric_code(metric), knn_search.mean_for(d, mean), turning(d, turn), None, knn_search.EVERY,
        len(planes.scale), np.inf, None, lambda slots: slots, 1.0, lambda: None, Scratch(),
    )  # fmt: skip
    digits, first, then = np.zeros((1, -(-planes_width // 64) * 256), np.int8), np.zeros((1, 5)), np.zeros((1, 10))
    assert knn_search.ask(
        query.astype(np.float64), wanted.mean, wanted.turn, wanted.metric, True, digits[0], first[0], then[0]
    )
    knn_search._limit(wanted, then, [None])
    keys, floors = knn_search._scan(wanted, digits, first, then, planes_width)
    held = knn_search._refine(
        Deciding(wanted, query[None].astype(np.float64), [None]), keys, floors, digits, then, planes_width
    )
    assert (np.fmin.reduce(np.append(keys, np.inf)) == np.fmin.reduce(np.append(floors, np.inf))) or np.isnan(
        keys
    ).all()
    size = held.counts[0, SIZE]
    return keys[0].astype(float), dict(
        zip(held.slots[0, :size].tolist(), held.bounds[0, :, :size].T.tolist(), strict=True)
    )


@settled
@given(st.sampled_from(KINDS), st.sampled_from(METRICS), st.integers(0, 999), st.integers(1, 300), st.booleans())
def test_keys_are_between_their_bounds(kind, metric, seed, d, centered):
    rows = made(kind, seed, 40, d)
    mean = np.random.default_rng(seed).standard_normal(d) * 0.2 if centered else None
    turn = turn_for(d) if seed % 2 else None
    planes = coded(rows, metric, mean=mean, turn=turn)
    for query in asked(rows, seed + 1, 3):
        if metric == "cosine" and not query.any():
            continue
        loose, bounds = bounds_of(planes, metric, query, mean, turn)
        assert sorted(bounds) == np.flatnonzero(np.isfinite(rows).all(1)).tolist()
        for slot, (least, most) in bounds.items():
            far = naive_knn.distance(metric, rows[slot].tolist(), query.tolist())
            key = Fraction(far) ** 2 if metric == "l2" else Fraction(far)
            assert loose[slot] - abs(loose[slot]) * 2.0**-22 - 1e-44 <= key
            assert least <= key <= most


@pytest.mark.parametrize("sign", [1, -1])
def test_bounds_hold_where_all_that_is_rounded_adds_up(sign):
    """The upper plane leaves 8 of 128 of every number, along the query, and the query is rounded along the plane."""
    d, rng = 60, np.random.default_rng(1)
    signs, row = rng.choice([-1.0, 1.0], d), 16.0 * rng.integers(1, 5, d) - 0.01
    row[0] = 128.0
    step = 128 * 127.5 / 16319
    query = np.full(d, 100.49 * step)
    query[0] = 127.5
    rows, query = np.float32([row * signs]), np.float32(query * signs * sign)
    loose, bounds = bounds_of(coded(rows, "dot"), "dot", query)
    key = naive_knn.distance("dot", rows[0].tolist(), query.tolist())
    assert loose[0] <= key
    assert bounds[0][0] <= key <= bounds[0][1]
    if sign == 1:  # or else this test shows nothing
        assert loose[0] > key * 1.02


def test_rows_quantised_again_alone_or_in_slices_give_the_same_bytes(monkeypatch):
    rows = np.concatenate([made(structureless, 1, 40, 33), made(mixed, 2, 40, 33), made(ragged, 3, 40, 33)])
    for metric in METRICS:
        mean, turn = np.full(33, 0.1), turn_for(33)
        whole = coded(rows, metric, mean=mean, turn=turn)
        monkeypatch.setattr(knn_codes, "SLICE", 33 * 7)
        parts = make_planes(120, 33)
        run_quantise(parts, 0, rows[::-1].copy(), metric, mean=mean, turn=turn)
        for i in range(0, 120, 11):
            run_quantise(parts, i, rows[i : i + 11], metric, mean=mean, turn=turn)
        for one, other in zip(whole, parts, strict=True):
            assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("d", [1, 2, 3, 17, 127, 128, 129, 384, 8192])
def test_a_turn_changes_no_length_and_spreads_a_large_number(d):
    turn, peak = turn_for(d), np.zeros((1, d), np.float32)
    peak[0, d // 2] = 1.0
    assert (np.sort(turn >> 1, axis=1) == np.arange(d)).all()
    planes = coded(peak, "dot", turn=turn)
    said = np.array([float(a) for a in decoded(planes, 0, d)[1]])
    assert said @ said == pytest.approx(1.0, abs=0.02)
    assert d < 16 or np.abs(said).max() < 0.6


def test_a_turn_of_another_dimension_is_refused():
    with pytest.raises(InvalidValue, match="turn must"):
        turning(4, turn_for(5))


def test_quantising_can_be_stopped_between_slices(monkeypatch):
    monkeypatch.setattr(knn_codes, "SLICE", 33 * 7)
    ticks: list[int] = []
    run_quantise(make_planes(120, 33), 0, made(structureless, 1, 120, 33), tick=lambda: ticks.append(1))
    assert len(ticks) == 17


def test_rows_that_are_not_finite_and_places_without_a_row_have_no_offset():
    planes = coded(np.array([[1.0, np.nan], [1.0, 2.0], [np.inf, 0.0]], np.float32), "l2")
    assert np.isnan(planes.offset).tolist() == [True, False, True] + [True] * 13


def test_a_row_takes_its_dimension_and_sixteen_bytes():
    for fine, bytes_a_row in ((True, 400), (False, 208)):
        assert sum(a.nbytes for a in make_planes(1600, 384, fine=fine)) == 1600 * bytes_a_row + 64 * (1 + fine)


@pytest.mark.parametrize(
    ("first", "rows", "text"),
    [
        (0, np.ones(4), "rows must"),
        (0, np.ones((2, 0)), "rows must"),
        (15, np.ones((2, 4)), "planes must"),
        (-1, np.ones((2, 4)), "planes must"),
        (0, np.ones((2, 6)), "planes must"),
    ],
)
def test_rows_without_a_place_are_refused(first, rows, text):
    with pytest.raises(InvalidValue, match=text):
        run_quantise(make_planes(16, 4), first, rows)


@pytest.mark.parametrize("fine", [True, False])
def test_planes_grow_with_their_rows(fine):
    rows = made(structureless, 4, 90, 12)
    planes = make_planes(20, 12, fine=fine)
    run_quantise(planes, 0, rows[:20])
    planes = grown(planes, 90, 12)
    run_quantise(planes, 20, rows[20:])
    for one, other in zip(planes, coded(rows, "cosine", fine=fine), strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("dimension", [0, 8193])
def test_a_dimension_out_of_range_is_refused(dimension):
    with pytest.raises(InvalidValue, match="dimension must"):
        make_planes(1, dimension)
