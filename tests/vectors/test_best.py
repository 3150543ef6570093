"""The k best are exact, in order, ties by index, whatever way they are found."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import naive_similarities as naive
from neurograph import vectors
from neurograph.errors import InvalidValue

METRICS = ["cosine", "dot", "l2", "squared_l2"]
metrics = pytest.mark.parametrize("metric", METRICS)


def expected(queries: np.ndarray, documents: np.ndarray, k: int, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Sort everything by the score in float64, rounded to float32, then by index."""
    q, r = queries.astype(float), documents.astype(float)
    if metric in ("cosine", "dot"):
        scores = np.array([[math.fsum(row) for row in query * r] for query in q])
        if metric == "cosine":
            apart = np.linalg.norm(q, axis=1)[:, None] * np.linalg.norm(r, axis=1)
            scores = np.divide(scores, apart, out=np.zeros_like(scores), where=apart > 0)
    else:
        scores = -np.array([((r - query) ** 2).sum(axis=1) for query in q])
        scores = scores if metric == "squared_l2" else -np.sqrt(-scores)
    scores = scores.astype(np.float32)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(scores, order, axis=1)


def test_the_best_come_first_and_ties_by_index(way: None) -> None:
    documents = [[0, 1], [2, 0], [1, 0], [-1, 0], [2, 0]]
    assert vectors.top_k([1, 0], documents, 3) == [(1, 1.0), (2, 1.0), (4, 1.0)]
    assert vectors.top_k([1, 0], documents, 3, metric="dot") == [(1, 2.0), (4, 2.0), (2, 1.0)]
    assert vectors.top_k([[1, 0]], documents, 2, metric="l2") == [[(2, 0.0), (1, -1.0)]]
    assert vectors.top_k([0, 0], documents, 2) == [(0, 0.0), (1, 0.0)]


@pytest.mark.parametrize("n", [1, 3, 40])
def test_more_than_there_are_gives_all_and_none_gives_none(way: None, n: int) -> None:
    rows = np.random.default_rng(n).normal(size=(n, 3))
    assert vectors.top_k(rows, rows, 1000).indices.shape == (n, n)
    assert vectors.top_k(rows, rows, 0).indices.shape == vectors.top_k(rows, rows, 0).scores.shape == (n, 0)
    assert vectors.top_k(rows, np.empty((0, 3)), 5).indices.shape == (n, 0)
    assert vectors.top_k(np.empty((0, 3)), rows, 2).scores.shape == (0, min(n, 2))
    assert (vectors.top_k([1.0], [], 3), vectors.top_k([], [[1.0]], 3)) == ([], [])


@metrics
@pytest.mark.parametrize(("n", "m"), [(1, 3000), (5, 500), (40, 300), (40, 5000)])
@pytest.mark.parametrize("k", [1, 10, 300])
def test_it_is_what_sorting_everything_gives(way: None, metric: str, n: int, m: int, k: int) -> None:
    numbers = np.random.default_rng(m)
    queries, documents = (numbers.normal(size=(size, 12)).astype(np.float32) for size in (n, m))
    found = vectors.top_k(queries, documents, k, metric=metric)
    order, scores = expected(queries, documents, k, metric)
    assert (found.indices.dtype, found.scores.dtype) == (np.int64, np.float32)
    assert (found.indices == order).mean() > 0.9999  # two true scores may round to either side
    assert found.scores == pytest.approx(scores, rel=1e-6)


@pytest.mark.parametrize("metric", ["cosine", "dot"])
def test_ties_among_thousands_are_broken_by_index(way: None, metric: str) -> None:
    """Every document has 40 copies; a product in float32 gives copies different scores."""
    numbers = np.random.default_rng(3)
    kinds = numbers.normal(size=(60, 60)).astype(np.float32)
    which = numbers.permutation(np.arange(2400) % 60)
    queries, documents = numbers.normal(size=(34, 60)).astype(np.float32), kinds[which]
    found = vectors.top_k(queries, documents, 90, metric=metric)
    assert (found.indices == expected(queries, documents, 90, metric)[0]).all()


@pytest.mark.parametrize("metric", ["cosine", "dot"])
@pytest.mark.parametrize("what", ["all alike", "nearly alike", "growing", "zeros", "tiny", "huge", "of all lengths"])
def test_hard_cases_equal_sorting_everything(way: None, metric: str, what: str) -> None:
    numbers = np.random.default_rng(4)
    queries, documents = (numbers.normal(size=(size, 16)) for size in (33, 2500))
    if what == "all alike":
        documents[:] = documents[0]
    elif what == "nearly alike":
        documents = documents[0] + 1e-6 * documents
    elif what == "growing":
        documents = documents[0] + np.linspace(3, 0, 2500)[:, None] * documents
        queries = documents[:1] + 0.1 * queries
    elif what == "zeros":
        documents[::2], queries[::3] = 0, 0
    elif what == "tiny":
        queries, documents = 1e-30 * queries, 1e-30 * documents
    elif what == "huge":
        queries, documents = 1e30 * queries, 1e30 * documents
    elif what == "of all lengths":
        documents *= 10.0 ** numbers.integers(-15, 15, 2500)[:, None]
    q, r = queries.astype(np.float32), documents.astype(np.float32)
    found = vectors.top_k(q, r, 7, metric=metric)
    with np.errstate(over="ignore"):
        order, scores = expected(q, r, 7, metric)
    assert found.scores == pytest.approx(scores, rel=1e-6, abs=1e-44)
    assert (found.indices == order).mean() > 0.99  # two true scores may round to either side


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 5).flatmap(
        lambda d: st.tuples(*[arrays(np.float32, (size, d), elements=st.integers(-3, 3)) for size in (2, 8)])
    ),
    st.integers(0, 9),
    st.sampled_from(["dot", "l2", "squared_l2"]),
)
def test_it_equals_naive(way: None, both: tuple[np.ndarray, np.ndarray], k: int, metric: str) -> None:
    queries, documents = both
    found = vectors.top_k(queries, documents, k, metric=metric)
    lists = documents.tolist()
    assert found.indices.tolist() == [naive.top_k(query, lists, k, metric) for query in queries.tolist()]


def test_pairs_are_the_same_as_arrays(way: None) -> None:
    rows = np.random.default_rng(1).normal(size=(40, 8)).astype(np.float32)
    found = vectors.top_k(rows, rows, 3)
    pairs = vectors.top_k_similar(rows, rows, 3)
    assert (
        pairs
        == vectors.top_k(rows.tolist(), rows.tolist(), 3)
        == vectors.top_k_similar(rows.tolist(), rows.tolist(), 3)
    )
    assert [[i for i, _ in line] for line in pairs] == found.indices.tolist()
    assert [[score for _, score in line] for line in pairs] == found.scores.tolist()
    assert vectors.top_k_similar(rows[0], rows, 3) == pairs[0]


def test_what_is_no_count_metric_or_vector_is_refused() -> None:
    rows = np.ones((3, 2))
    for bad in (1.5, "1", None, True):
        with pytest.raises(InvalidValue, match="k must be a whole number, got"):
            vectors.top_k(rows, rows, bad)
    with pytest.raises(InvalidValue, match="k must be at least 0, got -1"):
        vectors.top_k(rows, rows, -1)
    with pytest.raises(InvalidValue, match="metric must be one of"):
        vectors.top_k(rows, rows, 1, metric="best")
    with pytest.raises(InvalidValue, match="got 2 in queries and 3 in documents"):
        vectors.top_k(rows, np.ones((3, 3)), 1)
    with pytest.raises(InvalidValue, match=r"documents\[1, 0\] must be finite, got nan"):
        vectors.top_k(rows, np.array([[1, 1], [math.nan, 1]]), 1)
    with pytest.raises(InvalidValue, match=r"queries\[1\] must be finite, got inf"):
        vectors.top_k([1, math.inf], rows, 1)
