"""`neurograph.vectors` against what one would write with numpy, and against plain Python.

Run ``python benches/vectors.py [--dimensions 384] [--write]``. The figures are taken twice, in processes of their own:
with one BLAS thread, which ``--write`` puts into ``docs/benchmarks.md``, and with as many as the BLAS likes. All are
asked in turn, best of several; a ratio is the peer's time by ours. Answers are compared before anything is timed. Plain
Python is timed on a few pairs and reckoned up.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from measure import best, machine, said, seconds, write

from neurograph import vectors
from neurograph.derived.policy import Policy
from neurograph.vectors import engine

Array = np.ndarray
Work = Callable[[], Any]
SHAPES = [(1, 10), (1, 100), (1, 1000), (1, 10_000), (10, 10), (10, 1000), (10, 10_000), (100, 100), (100, 10_000)]
SHAPES += [(1000, 1000), (1000, 10_000)]
ROOM = 1 << 28  # elements of the largest temporary that numpy's expressions may make: 1 GB
THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def numpy_cosine(q: Array, r: Array) -> Array:
    if len(q) == 1:
        return r @ q[0] / (np.linalg.norm(r, axis=1) * np.linalg.norm(q[0]))
    return (q / np.linalg.norm(q, axis=1, keepdims=True)) @ (r / np.linalg.norm(r, axis=1, keepdims=True)).T


def numpy_l2(q: Array, r: Array) -> Array:
    if q.size * len(r) > ROOM:
        return np.array([np.linalg.norm(r - one, axis=1) for one in q])
    return np.linalg.norm(q[:, None] - r, axis=2)


def numpy_l2_by_product(q: Array, r: Array) -> Array:
    """Fast and wrong for near vectors: a² + b² - 2ab cancels."""
    square = (q * q).sum(axis=1)[:, None] + (r * r).sum(axis=1) - 2 * q @ r.T
    return np.sqrt(np.maximum(square, 0))


def numpy_sorted(q: Array, r: Array) -> Array:
    return np.argsort(-numpy_cosine(q, r).reshape(len(q), -1), axis=1)[:, :10]


def numpy_partitioned(q: Array, r: Array) -> Array:
    scores = numpy_cosine(q, r).reshape(len(q), -1)
    few = np.argpartition(-scores, min(10, scores.shape[1] - 1), axis=1)[:, :10]
    order = np.argsort(-np.take_along_axis(scores, few, 1), axis=1)
    return np.take_along_axis(few, order, 1)


def plain_cosine(a: list[float], b: list[float]) -> float:
    ab = sum(x * y for x, y in zip(a, b, strict=True))
    return ab / (sum(x * x for x in a) ** 0.5 * sum(y * y for y in b) ** 0.5)


def plain_l2(a: list[float], b: list[float]) -> float:
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5


def plain_dot(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def plain_unit(a: list[float], _: list[float]) -> list[float]:
    length = sum(x * x for x in a) ** 0.5
    return [x / length for x in a]


def compare(what: str, ours: Work, plain_s: float, **peers: Work) -> None:
    """Print a row: ours, each peer's ratio, and plain Python's."""
    ours()
    once = min(seconds(ours) for _ in range(3))
    rounds, repeat = (3, 1) if once > 0.3 else (7, max(1, int(4e-3 / once)))
    own, *others = best(ours, *peers.values(), rounds=rounds, repeat=min(repeat, 200))
    ratios = [
        f"{name.replace('_', ' ')}: {said(took)} | {took / own:.2f}" for name, took in zip(peers, others, strict=True)
    ]
    cells = (what, said(own), *(ratios + [" | "] * 2)[:2], f"{plain_s / own:.0f}")
    print(f"| {' | '.join(cells)} |", flush=True)


def same(ours: Array, peer: Array) -> None:
    assert np.allclose(ours, peer.reshape(ours.shape), atol=2e-3, rtol=1e-4)


def pair_seconds(plain: Callable[..., object], rows: Array) -> float:
    a, b = rows[0].tolist(), rows[1].tolist()
    return best(lambda: plain(a, b), rounds=5, repeat=20)[0]


def measured(d: int) -> None:
    numbers = np.random.default_rng(0)
    for n, m in SHAPES:
        q, r = (numbers.normal(size=(size, d)).astype(np.float32) for size in (n, m))
        few = q[0] if n == 1 else q
        pairs = n * m
        two = np.concatenate([q[:1], r[:1]])
        plain = {f: pair_seconds(f, two) for f in (plain_cosine, plain_l2, plain_dot, plain_unit)}
        where = f"{n} x {m}"
        same(vectors.cosine_similarity_batch(few, r), numpy_cosine(q, r))
        cosine_s = plain[plain_cosine] * pairs
        compare(
            f"cosine, {where}",
            lambda: vectors.cosine_similarity_batch(few, r),
            cosine_s,
            numpy=lambda: numpy_cosine(q, r),
        )
        same(vectors.dot_product_batch(few, r), q @ r.T)
        dot_s = plain[plain_dot] * pairs
        compare(f"dot, {where}", lambda: vectors.dot_product_batch(few, r), dot_s, numpy=lambda: q @ r.T)
        if n < 1000 or m < 10_000:
            same(vectors.euclidean_distance_batch(few, r), numpy_l2(q, r))
            compare(
                f"l2, {where}", lambda: vectors.euclidean_distance_batch(few, r), plain[plain_l2] * pairs,
                numpy=lambda: numpy_l2(q, r), by_product=lambda: numpy_l2_by_product(q, r),
            )  # fmt: skip
        assert (vectors.top_k(q, r, 10).indices == numpy_partitioned(q, r)).mean() > 0.99
        compare(
            f"top 10, {where}", lambda: vectors.top_k(few, r, 10), cosine_s,
            argsort=lambda: numpy_sorted(q, r), argpartition=lambda: numpy_partitioned(q, r),
        )  # fmt: skip
    for m in (10, 100, 1000, 10_000):
        r = numbers.normal(size=(m, d)).astype(np.float32)
        unit_s, l2_s = pair_seconds(plain_unit, r) * m, pair_seconds(plain_l2, r) * m * m
        compare(
            f"normalize, {m}", lambda: vectors.normalize_batch(r), unit_s,
            numpy=lambda: r / np.linalg.norm(r, axis=1, keepdims=True),
        )  # fmt: skip
        if m <= 1000:
            compare(
                f"pairwise l2, {m}", lambda: vectors.pairwise_distances(r), l2_s,
                numpy=lambda: numpy_l2(r, r), by_product=lambda: numpy_l2_by_product(r, r),
            )  # fmt: skip
            compare(
                f"cosine matrix, {m}", lambda: vectors.cosine_similarity_matrix(r), 2 * l2_s,
                numpy=lambda: numpy_cosine(r, r),
            )  # fmt: skip
    a, b = r[0], r[1]
    lists = a.tolist(), b.tolist()
    one_s = pair_seconds(plain_cosine, r)
    usual = {"numpy": lambda: a @ b / (np.linalg.norm(a) * np.linalg.norm(b))}
    compare("cosine of two arrays", lambda: vectors.cosine_similarity(a, b), one_s, **usual)
    compare("cosine of two lists", lambda: vectors.cosine_similarity(*lists), one_s)
    rows = r[:1000].tolist()
    compare("cosine, lists, 1 x 1000", lambda: vectors.cosine_similarity_batch(lists[0], rows), one_s * 1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dimensions", type=int, nargs="+", default=[384])
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if os.environ.get("NGDB_BENCH_INSIDE"):
        engine.set_policy(Policy("numba", 1))
        for dimension in options.dimensions:
            print(f"\n{dimension} dimensions:\n\n| | ours | beside | ratio | beside | ratio | plain Python |")
            print("|---|---|---|---|---|---|---|")
            measured(dimension)
        return
    for what, changes in (("one BLAS thread", dict.fromkeys(THREADS, "1")), ("the BLAS's own threads", {})):
        done = subprocess.run(
            [sys.executable, *sys.argv],
            env={**os.environ, **changes, "NGDB_BENCH_INSIDE": "1"},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        text = f"{machine()}; {what}.\n{done.stdout.rstrip()}"
        print(text, flush=True)
        if options.write and changes:
            write("vectors.py", text)


if __name__ == "__main__":
    main()
