"""Approximate searches reach the recall that was asked of them: on real vectors, clustered and structureless ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from grid_cases import PURE

import neurograph
from neurograph import Library

pytestmark = pytest.mark.kernels


def shares(library: Library, queries: np.ndarray, k: int, recall: float) -> np.ndarray:
    """Return how many of the k nearest each search finds."""
    exact, _ = library.search_many(queries, k, engine="numba")
    found, _ = library.search_many(queries, k, exact=False, recall=recall, engine="numba")
    return np.array([np.isin(row, near).mean() for row, near in zip(exact, found, strict=True)])


@pytest.mark.data
@pytest.mark.parametrize(("glosses", "questions"), [(20_000, 300), pytest.param(None, None, marks=pytest.mark.slow)])
def test_on_glosses_of_wordnet_asked_by_questions(wordnet: Path, glosses: int | None, questions: int | None) -> None:
    rows = np.load(wordnet / "gloss_minilm_f16.npy")[: 100 if PURE else glosses].astype(np.float32)
    queries = np.load(wordnet / "queries_minilm_f16.npy")[: 2 if PURE else questions].astype(np.float32)
    with neurograph.open(":memory:") as db:
        library = db.library.create("glosses", dimension=rows.shape[1])
        library.add(rows)
        for k, recall, least in ((10, 0.99, 0.8), (10, 0.9, 0.5), (1, 0.99, 0.0), (100, 0.95, 0.7)):
            found = shares(library, queries, k, recall)
            assert found.mean() >= recall, (k, recall)
            assert np.percentile(found, 1) >= least, (k, recall)
        told = library.recall()
        assert told.mean >= 0.985  # of 256: a standard error is 0.002
        assert told.first_percentile >= 0.8
        assert PURE or told.candidates is not None


@pytest.mark.parametrize("metric", ["cosine", "l2", "dot"])
@pytest.mark.parametrize("structure", ["clustered", "structureless"])
def test_on_vectors_of(structure: str, metric: str) -> None:
    rng, n, d = np.random.default_rng(1), (100 if PURE else 8000), 64
    vectors = rng.normal(size=(n, d))
    if structure == "clustered":
        vectors = rng.normal(size=(100, d))[rng.integers(100, size=n)] + 0.4 * vectors
    queries = vectors[: 3 if PURE else 200] + 0.2 * rng.normal(size=(3 if PURE else 200, d))
    with neurograph.open(":memory:") as db:
        library = db.library.create("v", dimension=d, metric=metric)
        library.add(vectors.astype(np.float32))
        assert shares(library, queries.astype(np.float32), 10, 0.95).mean() >= 0.95
        told = library.recall(10, 0.95, sample=2 if PURE else 100)
        assert told.mean >= 0.94
