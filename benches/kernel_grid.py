"""The grid's kernels against what a user would pick: SQLite's R*Tree, scipy's cKDTree, numpy.

Run ``python benches/kernel_grid.py [TOKENS]``. Each figure is the best of several rounds of queries, all systems in
turn within a round, so that a busy machine slows each of them. A ratio is how often ours fits into the peer's time.
Every answer is compared with a peer's before anything is timed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator

import apsw
import numpy as np
from scipy.spatial import cKDTree

from neurograph.kernels.grid_level import LevelIndex
from neurograph.kernels.grid_space import SpaceIndex

ROUNDS = 15
HITS = 50

Ask = Callable[[np.ndarray], object]


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def asked(ask: Ask, queries: np.ndarray) -> float:
    """Return microseconds a query."""
    began = time.perf_counter()
    for query in queries:
        ask(query)
    return (time.perf_counter() - began) / len(queries) * 1e6


def best(systems: dict[str, Ask], queries: np.ndarray, rounds: int = ROUNDS) -> dict[str, float]:
    """Return microseconds a query of each system."""
    figures = {name: [] for name in systems}
    part = queries[:100]
    for _ in range(rounds):
        for name, ask in systems.items():
            figures[name].append(asked(ask, part))
    return {name: min(times) for name, times in figures.items()}


def report(title: str, figures: dict[str, float]) -> None:
    ours, *peers = figures.items()
    ratios = "".join(f"   {name} {value:9.1f} = {value / ours[1]:6.1f}x" for name, value in peers)
    print(f"{title:44} ours {ours[1]:8.1f} µs{ratios}", flush=True)


def clouds(n: int) -> Iterator[tuple[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    yield "even", rng.random((n, 3))
    yield "clusters", rng.random((1000, 3))[rng.integers(0, 1000, n)] + rng.normal(0, 0.01, (n, 3))


def rtree(place: np.ndarray) -> apsw.Connection:
    db = apsw.Connection(":memory:")
    db.execute("create virtual table r using rtree(id, x0, x1, y0, y1, z0, z1)")
    rows = ((i, x, x, y, y, z, z) for i, (x, y, z) in enumerate(place.tolist()))
    with db:
        db.executemany("insert into r values (?, ?, ?, ?, ?, ?, ?)", rows)
    return db


BOX = "select id, x0, y0, z0 from r where x0 >= ?1 and x1 <= ?2 and y0 >= ?3 and y1 <= ?4 and z0 >= ?5 and z1 <= ?6"


def rtree_within(db: apsw.Connection, query: np.ndarray, radius: float) -> list[tuple[float, int]]:
    """Box by R*Tree, distance in Python: faster than a distance in SQL."""
    x, y, z = query.tolist()
    corners = (x - radius, x + radius, y - radius, y + radius, z - radius, z + radius)
    hits = []
    for id_, x0, y0, z0 in db.execute(BOX, corners):
        square = (x0 - x) ** 2 + (y0 - y) ** 2 + (z0 - z) ** 2
        if square <= radius * radius:
            hits.append((square**0.5, id_))
    hits.sort()
    return hits


def rtree_nearest(db: apsw.Connection, query: np.ndarray, k: int, radius: float) -> list[tuple[float, int]]:
    """R*Tree has no nearest: a radius that holds k, doubled until it does."""
    while len(hits := rtree_within(db, query, radius)) < k:
        radius *= 2
    return hits[:k]


def one_level(n: int) -> None:
    for name, place in clouds(n):
        rng = np.random.default_rng(1)
        queries = rng.random((1000, 3)) if name == "even" else place[rng.integers(0, n, 1000)] + 1e-4
        ids = np.arange(n)
        LevelIndex.build(ids[:1000], *place[:1000].T)
        figures = {"ours": min(timed(lambda: LevelIndex.build(ids, *place.T)) for _ in range(3))}
        index, tree, db = LevelIndex.build(ids, *place.T), cKDTree(place), rtree(place)
        figures |= {"cKDTree": min(timed(lambda: cKDTree(place)) for _ in range(2))}
        report(f"{name}: build {n}", {key: value * 1e6 for key, value in figures.items()})
        arrays = index.to_arrays()
        print(f"{'':44} reload {min(timed(lambda: LevelIndex.from_arrays(arrays)) for _ in range(5)) * 1e3:.1f} ms")
        radius = float(np.median(tree.query(queries, HITS)[0][:, -1]))
        ten = float(np.median(tree.query(queries, 10)[0][:, -1]))
        for query in queries[:50]:
            assert index.nearest(*query, 10)[0].tolist() == tree.query(query, 10)[1].tolist()
            assert sorted(index.within(*query, radius)[0].tolist()) == sorted(tree.query_ball_point(query, radius))
        systems = {
            "ours": lambda q: index.within(*q.tolist(), radius),
            "cKDTree": lambda q: tree.query_ball_point(q, radius),
            "R*Tree": lambda q: rtree_within(db, q, radius),
        }
        report(f"{name}: radius, about {HITS} hits", best(systems, queries))
        systems = {
            "ours": lambda q: index.nearest(*q.tolist(), 10),
            "cKDTree": lambda q: tree.query(q, 10),
            "R*Tree": lambda q: rtree_nearest(db, q, 10, 1.1 * ten),
        }
        report(f"{name}: 10 nearest", best(systems, queries))
        many = {
            "ours": lambda q: index.nearest_many(q, 10),
            "cKDTree": lambda q: tree.query(q, 10),
        }
        report(f"{name}: 10 nearest, 1000 at once, each", batch(many, queries))
        many = {
            "ours": lambda q: index.within_many(q, radius),
            "cKDTree": lambda q: tree.query_ball_point(q, radius),
        }
        report(f"{name}: radius, 1000 at once, each", batch(many, queries))
        changed(index, queries, radius)


def batch(systems: dict[str, Callable[[np.ndarray], object]], queries: np.ndarray) -> dict[str, float]:
    figures = dict.fromkeys(systems, float("inf"))
    for _ in range(ROUNDS):
        for name, ask in systems.items():
            figures[name] = min(figures[name], timed(lambda ask=ask: ask(queries)) / len(queries) * 1e6)
    return figures


def changed(index: LevelIndex, queries: np.ndarray, radius: float) -> None:
    """What changes cost, and what they cost the queries after them."""
    rng = np.random.default_rng(2)
    n = len(index)
    print(f"{'':44} copy {min(timed(index.copy) for _ in range(9)) * 1e6:.0f} µs")
    for moved in (1, 256, 1024, 4096, 16384):
        if moved > n // 4:
            break
        ids = np.sort(rng.choice(n, moved, replace=False))
        x, y, z = rng.random((3, moved))
        other = index.copy()
        other.apply(ids=ids, x=x, y=y, z=z)
        one = min(timed(lambda o=other: o.apply(ids=[5], x=[0.5], y=[0.5], z=[0.5])) for _ in range(9))
        figures = best({"o": lambda q, o=other: o.nearest(*q.tolist(), 10)}, queries)
        figures |= best({"r": lambda q, o=other: o.within(*q.tolist(), radius)}, queries)
        print(
            f"{'':44} {moved:5} moved: one more {one * 1e6:.0f} µs, then nearest {figures['o']:.1f}, "
            f"radius {figures['r']:.1f} µs"
        )


def spaces(n: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (n, 24): what minds hold is clustered and has few degrees of freedom; even noise is the worst case."""
    rng = np.random.default_rng(3)
    yield "100 clusters", rng.random((100, 24))[rng.integers(0, 100, n)] + rng.normal(0, 0.1, (n, 24))
    yield "1000 clusters", rng.random((1000, 24))[rng.integers(0, 1000, n)] + rng.normal(0, 0.05, (n, 24))
    yield "8 hidden factors", np.tanh(rng.random((n, 8)) @ rng.normal(size=(8, 24))) + rng.normal(0, 0.02, (n, 24))
    yield "100 wide clusters", rng.random((100, 24))[rng.integers(0, 100, n)] + rng.normal(0, 0.2, (n, 24))
    yield "even", rng.random((n, 24))


def numpy_nearest(place: np.ndarray, weight: np.ndarray, query: np.ndarray, k: int) -> np.ndarray:
    """The quickest exact way with columns: a matrix product is not exact enough to order by."""
    square = np.zeros(place.shape[1])
    for column in range(24):
        d = place[column] - query[column]
        square += weight[column] * (d * d)
    nearest = np.argpartition(square, k)[:k]
    return nearest[np.argsort(square[nearest])]


def eight_levels(n: int) -> None:
    weight = np.array([1.0, 1.5, 1.2, 2.0, 3.0, 2.5, 2.0, 5.0])
    per_axis = np.repeat(weight, 3)
    for name, place in spaces(n):
        rng = np.random.default_rng(4)
        queries = place[rng.integers(0, n, 200)] + rng.normal(0, 0.01, (200, 24))
        masks = np.full(n, 255)
        build = min(timed(lambda: SpaceIndex.build(np.arange(n), place, masks, weight)) for _ in range(2))
        index = SpaceIndex.build(np.arange(n), place, masks, weight)
        scaled = place * np.sqrt(per_axis)
        tree, columns = cKDTree(scaled), np.ascontiguousarray(place.T)
        for query in queries[:5]:
            expected = numpy_nearest(columns, per_axis, query, 10).tolist()
            assert index.nearest(query, 255, 10, weights=weight)[0].tolist() == expected
        few = queries[:5] if name == "even" else queries[:40]
        systems = {
            "ours": lambda q: index.nearest(q, 255, 10, weights=weight),
            "cKDTree": lambda q: tree.query(q * np.sqrt(per_axis), 10),
        }
        figures = best(systems, few, 5)
        figures |= best({"numpy": lambda q: numpy_nearest(columns, per_axis, q, 10)}, queries[:5], 3)
        report(f"8 levels, {name}: 10 nearest", figures)
        print(f"{'':44} build {build * 1e3:.0f} ms, {index.nbytes / n:.0f} bytes a token", flush=True)


def some_levels(n: int) -> None:
    """Tokens that define three levels, in many patterns: what a mind is like."""
    rng = np.random.default_rng(5)
    place = np.full((n, 8, 3), np.nan)
    masks = rng.choice([1, 9, 128, 136, 200, 255], n)
    center = rng.random((1000, 8, 3))
    full = center[rng.integers(0, 1000, n)] + rng.normal(0, 0.05, (n, 8, 3))
    for level in range(8):
        defined = masks >> level & 1 == 1
        place[defined, level] = full[defined, level]
    index = SpaceIndex.build(np.arange(n), place, masks)
    figures = best({"ours": lambda i: index.nearest(place[i], int(masks[i]), 10)}, rng.integers(0, n, 200), 5)
    report("8 levels, 6 patterns: 10 nearest", figures)
    print(f"{'':44} {index.nbytes / n:.0f} bytes a token")


def radiance(n: int) -> None:
    rng = np.random.default_rng(6)
    place = rng.random((n, 3))
    reach = (HITS / n / 4.19) ** (1 / 3)
    index = LevelIndex.build(np.arange(n), *place.T, radius=np.full(n, reach), strength=rng.random(n))
    figures = best({"ours": lambda q: index.influence(*q.tolist())}, place[:1000])
    report("influence, about 50 fields reach a point", figures)
    report("influence, 10,000 at once, each", batch({"ours": index.influence_many}, place[:10_000]))
    part = LevelIndex.build(np.arange(n // 10), *place[: n // 10].T, np.full(n // 10, reach), rng.random(n // 10))
    print(f"{'':44} fields of {n // 10} tokens: {timed(lambda: part.fields(0.3)):.2f} s", flush=True)


if __name__ == "__main__":
    tokens = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    one_level(tokens)
    eight_levels(tokens)
    some_levels(tokens)
    radiance(tokens)
