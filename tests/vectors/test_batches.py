"""Batches, matrices and pairwise distances equal naive, numpy and scipy, by numpy as by kernels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

import naive_similarities as naive
from neurograph import vectors
from neurograph.derived.policy import Policy
from neurograph.errors import InvalidValue
from neurograph.vectors import engine

ONES = {"cosine": naive.cosine, "l2": naive.l2, "dot": naive.dot}
BATCHES = {
    "cosine": vectors.cosine_similarity_batch,
    "l2": vectors.euclidean_distance_batch,
    "dot": vectors.dot_product_batch,
}
MATRICES = {
    "cosine": vectors.cosine_similarity_matrix,
    "l2": vectors.euclidean_distance_matrix,
    "dot": vectors.dot_product_matrix,
}
SHAPES = [(1, 1, 1), (1, 9, 3), (2, 3, 5), (5, 70, 17), (31, 33, 64), (32, 40, 100), (70, 300, 385)]
metrics = pytest.mark.parametrize("metric", ONES)
every_batch = pytest.mark.parametrize("batch", [*BATCHES.values(), *MATRICES.values()])
narrow = st.floats(allow_nan=False, allow_infinity=False, width=32)


def made(n: int, d: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def in_float64(metric: str, queries: np.ndarray, documents: np.ndarray) -> np.ndarray:
    q, r = queries.astype(float), documents.astype(float)
    if metric == "l2":
        return cdist(q, r)
    if metric == "cosine":
        return 1 - cdist(q, r, "cosine")
    return q @ r.T


def tolerance(metric: str, queries: np.ndarray, documents: np.ndarray) -> np.ndarray:
    """Return what the documentation states: 2e-6 of both lengths for products, float32's rounding for the rest."""
    if metric == "l2":
        return 1e-7 * in_float64(metric, queries, documents)
    if metric == "cosine":
        return np.full((len(queries), len(documents)), 2e-6)
    return 2e-6 * np.outer(*(np.linalg.norm(v.astype(float), axis=1) for v in (queries, documents)))


@metrics
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_batches_and_matrices_equal_numpy_and_scipy(way: None, metric: str, shape: tuple[int, int, int]) -> None:
    n, m, d = shape
    q, r = made(n, d), made(m, d, 2)
    expected, bound = in_float64(metric, q, r), tolerance(metric, q, r)
    for function in (BATCHES[metric], MATRICES[metric]):
        found = function(q, r)
        assert (found.dtype, found.shape) == (np.float32, (n, m))
        assert (abs(found - expected) <= bound).all()
    one = BATCHES[metric](q[0], r)
    assert one.shape == (m,)
    assert (abs(one - expected[0]) <= bound[0]).all()
    assert (abs(np.array(BATCHES[metric](q.tolist(), r.tolist())) - expected) <= bound).all()


@metrics
@pytest.mark.parametrize("n", [1, 2, 31, 65, 300])
def test_all_by_all_is_symmetric(way: None, metric: str, n: int) -> None:
    rows = made(n, 40)
    found = MATRICES[metric](rows)
    assert (found == found.T).all()
    assert (abs(found - in_float64(metric, rows, rows)) <= np.maximum(tolerance(metric, rows, rows), 1e-6)).all()
    if metric != "dot":
        assert (np.diagonal(found) == (metric == "cosine")).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6).flatmap(lambda d: st.tuples(*[arrays(np.float32, (3, d), elements=narrow)] * 2)))
def test_batches_equal_naive_over_all_of_float32(way: None, both: tuple[np.ndarray, np.ndarray]) -> None:
    q, r = both
    for metric, one in ONES.items():
        found, unit = BATCHES[metric](q, r), {"cosine": 1e-7, "l2": 0.0}
        for i, a in enumerate(q.tolist()):
            for j, b in enumerate(r.tolist()):
                scale = unit.get(metric, 1e-7 * math.hypot(*a) * math.hypot(*b)) + 1e-44
                with np.errstate(over="ignore"):
                    expected = np.float32(one(a, b))
                assert found[i, j] == pytest.approx(expected, abs=scale, rel=1e-6)


@pytest.mark.parametrize("d", [10, 384, 8192])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e6, 1e30])
def test_the_cosine_with_itself_is_one_at_every_scale(way: None, d: int, scale: float) -> None:
    rows = np.random.default_rng(d).uniform(-scale, scale, (40, d)).astype(np.float32)
    rows[7] = 0.1 * scale
    for queries in (rows[:2], rows):
        found = vectors.cosine_similarity_batch(queries, rows)
        assert abs(found[np.arange(len(queries)), np.arange(len(queries))] - 1).max() <= 1e-6
        assert abs(found).max() <= 1
    assert (np.diagonal(vectors.cosine_similarity_matrix(rows)) == 1).all()
    assert abs(np.linalg.norm(vectors.normalize_batch(rows).astype(float), axis=1) - 1).max() < 1e-6
    apart = vectors.euclidean_distance_batch(rows[:1], -rows[:1])
    assert apart[0, 0] == pytest.approx(2 * np.linalg.norm(rows[0].astype(float)), rel=1e-6)


def test_near_vectors_far_from_the_origin_keep_their_distance(way: None) -> None:
    rows = np.full((40, 64), 1000, np.float32)
    rows[np.arange(40), np.arange(40)] += np.float32(0.001)
    expected = in_float64("l2", rows, rows)
    assert abs(vectors.euclidean_distance_batch(rows, rows) - expected).max() < 1e-9


@pytest.mark.parametrize("n", [1, 40])
def test_dot_products_beyond_float32_are_infinite_never_nan(way: None, n: int) -> None:
    big, mixed = np.full((n, 8), 1e30), np.tile([1e30, -1e30], (n, 4))
    assert (vectors.dot_product_batch(big, big) == np.inf).all()
    assert (vectors.dot_product_batch(big, -big) == -np.inf).all()
    assert (vectors.dot_product_batch(big, mixed) == 0).all()
    assert (vectors.dot_product_matrix(big) == np.inf).all()


@metrics
def test_zero_vectors_are_no_error(way: None, metric: str) -> None:
    zeros, rows = np.zeros((2, 3)), made(33, 3)
    assert (BATCHES["cosine"](zeros, rows) == 0).all()
    assert (BATCHES["cosine"](rows, zeros) == 0).all()
    assert (vectors.normalize_batch(zeros) == 0).all()
    assert MATRICES["cosine"](zeros).tolist() == [[0, 0], [0, 0]]
    assert vectors.pairwise_distances(zeros, "cosine").tolist() == [[0, 1], [1, 0]]


@metrics
def test_no_vectors_give_no_scores(way: None, metric: str) -> None:
    batch, matrix = BATCHES[metric], MATRICES[metric]
    assert batch(np.empty((0, 3)), made(4, 3)).shape == (0, 4)
    assert batch(made(4, 3), np.empty((0, 3))).shape == (4, 0)
    assert batch(np.ones(3), np.empty((0, 3))).shape == (0,)
    assert (batch([], [[1.0]]), batch([1.0], []), matrix([]), vectors.normalize_batch([])) == ([], [], [], [])
    assert matrix(np.empty((2, 0))).tolist() == [[0, 0], [0, 0]]


@every_batch
@pytest.mark.parametrize("make", [list, np.array], ids=["list", "array"])
def test_lengths_that_differ_are_named_or_give_zero(way: None, batch, make) -> None:
    q, r = make([[1.0, 2.0]]), make([[1.0, 2.0, 3.0]] * 2)
    with pytest.raises(InvalidValue, match="one length, got 2 in queries and 3 in documents"):
        batch(q, r)
    found = batch(q, r, strict=False)
    assert type(found) is type(q)
    assert np.array(found).tolist() == [[0, 0]]


@every_batch
@pytest.mark.parametrize("n", [1, 3, 40])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_values_that_are_not_finite_are_named_or_give_zero(way: None, batch, n: int, bad: float) -> None:
    q, r = made(n, 4), made(5, 4, 2)
    expected = batch(q, r)
    r[3, 2] = bad
    with pytest.raises(InvalidValue, match=rf"documents\[3, 2\] must be finite, got {bad!r}"):
        batch(q, r)
    expected[:, 3] = 0
    assert batch(q, r, strict=False) == pytest.approx(expected, abs=1e-6)
    q[-1, 0] = bad
    with pytest.raises(InvalidValue, match=rf"queries\[{n - 1}, 0\] must be finite, got {bad!r}"):
        batch(q, made(5, 4))
    expected[-1] = 0
    assert batch(q, r, strict=False) == pytest.approx(expected, abs=1e-6)
    with pytest.raises(InvalidValue, match="queries"):
        batch(q, np.zeros((2, 4)))


@pytest.mark.parametrize("matrix", [*MATRICES.values()])
def test_all_by_all_refuses_them_too(way: None, matrix) -> None:
    rows = made(40, 4)
    rows[3, 2] = math.nan
    with pytest.raises(InvalidValue, match=r"queries\[3, 2\] must be finite"):
        matrix(rows)
    found = matrix(rows, strict=False)
    assert np.isfinite(found).all()
    assert (found[3] == 0).all()
    with pytest.raises(InvalidValue, match=r"vectors\[3, 2\] must be finite"):
        vectors.pairwise_distances(rows)
    with pytest.raises(InvalidValue, match=r"vectors\[3, 2\] must be finite"):
        vectors.normalize_batch(rows)
    assert (vectors.normalize_batch(rows, strict=False)[3] == 0).all()


def test_the_place_in_one_query_has_one_index(way: None) -> None:
    with pytest.raises(InvalidValue, match=r"queries\[1\] must be finite, got nan"):
        vectors.cosine_similarity_batch([1.0, math.nan], [[1.0, 2.0]])


@metrics
def test_lists_of_several_lengths_are_refused_or_answered_pair_by_pair(metric: str) -> None:
    batch, matrix = BATCHES[metric], MATRICES[metric]
    ragged = [[1.0, 0.0], [1.0], [3.0, 0.0]]
    with pytest.raises(InvalidValue, match=r"got 2 in documents\[0\] and 1 in documents\[1\]"):
        batch([[1.0, 0.0]], ragged)
    one = ONES[metric]([1.0, 0.0], [3.0, 0.0])
    assert batch([1.0, 0.0], ragged, strict=False) == [ONES[metric]([1.0, 0.0], [1.0, 0.0]), 0, one]
    assert batch(ragged, [[3.0, 0.0]], strict=False)[:2] == [[one], [0]]
    assert matrix(ragged, strict=False)[1][:1] == [0]
    assert batch(np.array([[1.0, 0.0]]), ragged, strict=False).dtype == np.float32
    assert vectors.normalize_batch([[2.0], [0.0, 4.0]], strict=False) == [[1], [0, 1]]


@every_batch
@pytest.mark.parametrize(
    "bad", [[[1.0, "x"]], [[1.0, None]], [["a", "b"]], np.array([["a"]]), 3.0, np.ones((2, 2, 2)), {}]
)
def test_what_are_no_vectors_is_refused(batch, bad: object) -> None:
    for strict in (True, False):
        with pytest.raises(InvalidValue, match=r"documents.* must be"):
            batch([[1.0, 2.0]], bad, strict=strict)
        with pytest.raises(InvalidValue, match=r"queries.* must be"):
            batch(bad, [[1.0, 2.0]], strict=strict)


def test_a_matrix_has_no_form_for_one_query() -> None:
    with pytest.raises(InvalidValue, match="queries must be vectors, one a row, got an array of shape"):
        vectors.cosine_similarity_matrix([1.0], [[1.0]])


@pytest.mark.parametrize("metric", ["l2", "squared_l2", "cosine", "dot"])
@pytest.mark.parametrize("n", [3, 33, 200])
def test_pairwise_distances_equal_scipy(way: None, metric: str, n: int) -> None:
    rows = made(n, 20)
    wide = rows.astype(float)
    name = {"l2": "euclidean", "squared_l2": "sqeuclidean", "cosine": "cosine"}.get(metric)
    expected = cdist(wide, wide, name) if name else -(wide @ wide.T)
    np.fill_diagonal(expected, 0)
    found = vectors.pairwise_distances(rows, metric)
    assert found == pytest.approx(expected, abs=1e-4 if metric == "dot" else 2e-6, rel=1e-6)
    assert (np.diagonal(found) == 0).all()
    assert (found == found.T).all()
    assert not np.signbit(found[found == 0]).any()


def test_metrics_have_the_names_of_libraries_and_of_functions() -> None:
    rows = made(4, 3)
    for name, other in (("euclidean", "l2"), ("squared_euclidean", "squared_l2"), ("dot_product", "dot")):
        assert (vectors.pairwise_distances(rows, name) == vectors.pairwise_distances(rows, other)).all()
    for bad in ("hamming", None, []):
        with pytest.raises(InvalidValue, match="metric must be one of cosine, l2, dot"):
            vectors.pairwise_distances(rows, bad)


def test_arguments_are_not_modified_and_results_are_new(way: None) -> None:
    q, r = made(40, 8), made(50, 8, 2)
    before = q.copy(), r.copy()
    unit = vectors.normalize_batch(q)
    unit[:] = 0
    for function in (*BATCHES.values(), *MATRICES.values()):
        function(q, r)
    vectors.pairwise_distances(q)
    assert (q == before[0]).all()
    assert (r == before[1]).all()


@pytest.mark.kernels
def test_kernels_begin_when_they_repay_their_start() -> None:
    engine.set_policy(Policy("auto", 1))
    try:
        assert engine.kernels(60.0) is not None
        engine.set_policy(Policy("sql", 0))
        assert engine.kernels(60.0) is None
    finally:
        engine.set_policy(None)
