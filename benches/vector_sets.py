"""The vectors that searches are measured on: WordNet's glosses, and made ones around a thousand places or around none.

All are float32 of unit length, 384 numbers each. WordNet's are where NGDB_DATA says, or in ``../shared/data``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

Array = np.ndarray
SLICE = 50  # questions at a time, where all rows are compared


def unit(rows: Array) -> Array:
    return np.ascontiguousarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def wordnet(n: int, m: int) -> tuple[Array, Array]:
    """Return the glosses' vectors, at most `n` of the 117,659, and those of at most `m` of 1,000 questions."""
    named = os.environ.get("NGDB_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    rows, questions = (np.load(folder / "wordnet" / f"{name}_minilm_f16.npy") for name in ("gloss", "queries"))
    return unit(rows[:n].astype(np.float32)), unit(questions[:m].astype(np.float32))


def made(n: int, m: int, spread: float) -> tuple[Array, Array]:
    """Return rows around 1,000 places, each as far from it as `spread`, and questions likewise; or around none."""
    rng = np.random.default_rng(0)
    places = rng.standard_normal((1000, 384), np.float32) if spread else np.zeros((1, 384), np.float32)
    rows = np.empty((n + m, 384), np.float32)
    for first in range(0, n + m, 100_000):
        part = rng.standard_normal((min(100_000, n + m - first), 384), np.float32) * np.float32(spread or 1)
        rows[first : first + len(part)] = unit(part + places[rng.integers(len(places), size=len(part))])
    return rows[:n], rows[n:]


KINDS: dict[str, Callable[[int, int], tuple[Array, Array]]] = {
    "wordnet": wordnet,
    "clustered": lambda n, m: made(n, m, 0.7),
    "structureless": lambda n, m: made(n, m, 0.0),
}


def truth(rows: Array, questions: Array, k: int, gone: Array | None = None) -> list[set[int]]:
    """Return the numbers of the k rows with the greatest products, for each question; `gone` are no rows any more."""
    found: list[set[int]] = []
    for first in range(0, len(questions), SLICE):
        scores = questions[first : first + SLICE] @ rows.T
        if gone is not None:
            scores[:, gone] = -np.inf
        found += [set(row.tolist()) for row in np.argpartition(-scores, k, axis=1)[:, :k]]
    return found


def shares(found: list[set[int]], wanted: list[set[int]]) -> Array:
    """Return which share of the nearest each question found."""
    return np.array([len(a & b) / len(b) for a, b in zip(found, wanted, strict=False)])
