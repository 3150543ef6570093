"""Rows and queries that exact search must bear, and how a test searches."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, settings

from effort import examples
from neurograph.kernels.knn_codes import make_planes, run_quantise
from neurograph.kernels.knn_decide import Nearest
from neurograph.kernels.knn_search import run_search

METRICS = ("cosine", "dot", "l2")
settled = settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])


def structureless(rng, n, d):
    return rng.standard_normal((n, d))


def clustered(rng, n, d):
    centers = rng.standard_normal((max(1, n // 40), d)) * 3
    return centers[rng.integers(len(centers), size=n)] + rng.standard_normal((n, d)) * 0.1


def duplicates(rng, n, d):
    return rng.standard_normal((max(1, n // 10), d))[rng.integers(max(1, n // 10), size=n)]


def tiny(rng, n, d):
    return rng.standard_normal((n, d)) * 1e-38


def huge(rng, n, d):
    return np.clip(rng.standard_normal((n, d)) * 1e38, -3.4e38, 3.4e38)


def mixed(rng, n, d):
    return rng.standard_normal((n, d)) * 10.0 ** rng.integers(-44, 38, (n, 1))


def near_ties(rng, n, d):
    """Return rows that differ from one in the last bit of one number."""
    rows = np.repeat(rng.standard_normal((1, d)).astype(np.float32), n, axis=0)
    place = rng.integers(d, size=n)
    up = rng.choice(np.float32([-np.inf, np.inf]), n)
    rows[np.arange(n), place] = np.nextafter(rows[np.arange(n), place], up)
    return rows


def on_the_codes(rng, n, d):
    """Return rows that codes say without rounding, or in the middle between two."""
    return (rng.integers(-128, 129, (n, d)) + rng.choice([0.0, 0.5], (n, d))) / 128


def outliers(rng, n, d):
    rows = rng.standard_normal((n, d))
    rows[:, rng.integers(d)] += 50.0
    return rows


def ragged(rng, n, d):
    """Return zeros, denormals, rows of one number, and rows that can't be used."""
    rows = rng.standard_normal((n, d)).astype(np.float32)
    for row in range(n):
        kind = row % 6
        if kind == 0:
            rows[row] = 0.0
        elif kind == 1:
            rows[row] = 1e-45
        elif kind == 2:
            rows[row, 1:] = 0.0
        elif kind == 3:
            rows[row, rng.integers(d)] = rng.choice([np.nan, np.inf, -np.inf])
    return rows


KINDS = (
    structureless, clustered, duplicates, tiny, huge, mixed, near_ties, on_the_codes, outliers, ragged
)  # fmt: skip


def made(kind, seed: int, n: int, d: int) -> np.ndarray:
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return np.ascontiguousarray(kind(np.random.default_rng(seed), n, d), np.float32)


def asked(rows: np.ndarray, seed: int, m: int) -> np.ndarray:
    """Return queries: a row, something near one, something far from all, and zeros."""
    rng, d = np.random.default_rng(seed), rows.shape[1]
    good = rows[np.isfinite(rows).all(1)] if len(rows) else rows
    good = good if len(good) else np.zeros((1, d), np.float32)
    queries = good[rng.integers(len(good), size=m)].astype(np.float64)
    queries[1::4] *= 1 + rng.standard_normal((len(queries[1::4]), d)) * 0.1
    queries[2::4] = rng.standard_normal((len(queries[2::4]), d))
    queries[3::8] = 0.0
    return np.clip(queries, -3.4e38, 3.4e38).astype(np.float32)


def coded(rows, metric, *, mean=None, turn=None, fine=True, spare=0):
    planes = make_planes(len(rows) + spare, rows.shape[1], fine=fine)
    run_quantise(planes, 0, rows, metric, mean=mean, turn=turn)
    return planes


def search(planes, rows, queries, k, metric, **options) -> list[Nearest]:
    """Search, and hold `fetch` to what it is promised."""

    def fetch(slots):
        assert slots.dtype == np.int64
        assert (np.diff(slots) > 0).all()
        assert np.isfinite(rows[slots]).all()
        return rows[slots]

    return run_search(planes, queries, k, fetch, metric=metric, **options)


def pairs(found: Nearest) -> list[tuple[float, int]]:
    return list(zip(found.distances.tolist(), found.ids.tolist(), strict=True))
