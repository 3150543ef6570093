"""The grid's kernels against what a user would pick: SQLite's R*Tree, scipy's cKDTree, numpy.

Run ``python benches/kernel_grid.py [TOKENS] [PART …]`` (parts: one, many, radiance). Queries are asked in chunks, all
systems in turn; a figure is the mean over the chunks of the best turn of each, so that a busy machine slows all of
them and hardly shows. A ratio is the peer's time by ours. Answers are compared before anything is timed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import apsw
import numpy as np
from scipy.spatial import cKDTree

from neurograph.kernels.grid_level import LevelIndex
from neurograph.kernels.grid_space import SpaceIndex

HITS = 50
Ask = Callable[[Any], object]


def seconds(work: Callable[[], object], turns: int) -> float:
    """Return the best of some turns."""
    times = []
    for _ in range(turns):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def asked(systems: dict[str, tuple[Ask, Sequence]], chunk: int, turns: int) -> dict[str, float]:
    """Return microseconds a query of each system; each has the queries in the form it likes best."""
    best = {name: [float("inf")] * -(-len(queries) // chunk) for name, (_, queries) in systems.items()}
    for _ in range(turns):
        for name, (ask, queries) in systems.items():
            for number in range(len(best[name])):
                part = queries[number * chunk : (number + 1) * chunk]
                began = time.perf_counter()
                for query in part:
                    ask(query)
                best[name][number] = min(best[name][number], (time.perf_counter() - began) / len(part) * 1e6)
    return {name: sum(times) / len(times) for name, times in best.items()}


def at_once(systems: dict[str, Ask], queries: np.ndarray) -> dict[str, float]:
    """Return microseconds a query when all are asked in one call."""
    best = dict.fromkeys(systems, float("inf"))
    for _ in range(15):
        for name, ask in systems.items():
            best[name] = min(best[name], seconds(lambda ask=ask: ask(queries), 1) / len(queries) * 1e6)
    return best


def report(title: str, figures: dict[str, float], unit: str = "µs") -> None:
    ours, *peers = figures.items()
    ratios = "".join(f"   {name} {value:9.1f} = {value / ours[1]:6.1f}x" for name, value in peers)
    print(f"{title:48} ours {ours[1]:8.1f} {unit}{ratios}", flush=True)


def rtree(place: np.ndarray) -> apsw.Connection:
    db = apsw.Connection(":memory:")
    db.execute("create virtual table r using rtree(id, x0, x1, y0, y1, z0, z1)")
    rows = ((i, x, x, y, y, z, z) for i, (x, y, z) in enumerate(place.tolist()))
    with db:
        db.executemany("insert into r values (?, ?, ?, ?, ?, ?, ?)", rows)
    return db


BOX = "select id, x0, y0, z0 from r where x0 >= ?1 and x1 <= ?2 and y0 >= ?3 and y1 <= ?4 and z0 >= ?5 and z1 <= ?6"


def rtree_within(db: apsw.Connection, query: list[float], radius: float) -> list[tuple[float, int]]:
    """Box by R*Tree, distance in Python: faster than a distance in SQL."""
    x, y, z = query
    corners = (x - radius, x + radius, y - radius, y + radius, z - radius, z + radius)
    hits = []
    for id_, x0, y0, z0 in db.execute(BOX, corners):
        square = (x0 - x) ** 2 + (y0 - y) ** 2 + (z0 - z) ** 2
        if square <= radius * radius:
            hits.append((square**0.5, id_))
    hits.sort()
    return hits


def rtree_nearest(db: apsw.Connection, query: list[float], k: int, radius: float) -> list[tuple[float, int]]:
    """R*Tree has no nearest: a radius that holds k, doubled until it does."""
    while len(hits := rtree_within(db, query, radius)) < k:
        radius *= 2
    return hits[:k]


def one_level(name: str, place: np.ndarray, queries: np.ndarray) -> None:
    n = len(place)
    ids, axes = np.arange(n), place.T.copy()
    LevelIndex.build(ids[:1000], *axes[:, :1000])
    index, tree, db = LevelIndex.build(ids, *axes), cKDTree(place), rtree(place)
    radius, near = np.median(tree.query(queries, HITS)[0][:, [-1, 9]], axis=0).tolist()
    for query in queries[:100]:
        assert index.nearest(*query, 10)[0].tolist() == tree.query(query, 10)[1].tolist()
        assert sorted(index.within(*query, radius)[0].tolist()) == sorted(tree.query_ball_point(query, radius))
    build = {"ours": seconds(lambda: LevelIndex.build(ids, *axes), 5), "cKDTree": seconds(lambda: cKDTree(place), 3)}
    report(f"{name}: build", {key: value * 1e3 for key, value in build.items()}, "ms")
    arrays = index.to_arrays()
    report(f"{name}: reload", {"ours": seconds(lambda: LevelIndex.from_arrays(arrays), 9) * 1e3}, "ms")
    lists = queries.tolist()
    systems: dict[str, tuple[Ask, Sequence]] = {
        "ours": (lambda q: index.within(*q, radius), lists),
        "cKDTree": (lambda q: tree.query_ball_point(q, radius), queries),
        "R*Tree": (lambda q: rtree_within(db, q, radius), lists),
    }
    report(f"{name}: radius, about {HITS} hits", asked(systems, 100, 15))
    systems = {
        "ours": (lambda q: index.nearest(*q, 10), lists),
        "cKDTree": (lambda q: tree.query(q, 10), queries),
        "R*Tree": (lambda q: rtree_nearest(db, q, 10, 1.1 * near), lists),
    }
    report(f"{name}: 10 nearest", asked(systems, 100, 15))
    many: dict[str, Ask] = {
        "ours": lambda q: index.within_many(q, radius),
        "cKDTree": lambda q: tree.query_ball_point(q, radius),
    }
    report(f"{name}: radius, {len(queries)} at once, each", at_once(many, queries))
    many = {"ours": lambda q: index.nearest_many(q, 10), "cKDTree": lambda q: tree.query(q, 10)}
    report(f"{name}: 10 nearest, {len(queries)} at once, each", at_once(many, queries))
    report(f"{name}: copy", {"ours": seconds(index.copy, 50) * 1e6})
    for moved in (1, 256, 1024, 4096, 16384):
        changed(f"{name}: {moved} moved", index, queries, radius, moved)


def changed(title: str, index: LevelIndex, queries: np.ndarray, radius: float, moved: int) -> None:
    """What one more change costs, and what all of them cost the queries after them."""
    rng = np.random.default_rng(2)
    other, lists = index.copy(), queries.tolist()
    ids = np.sort(rng.choice(len(index), min(moved, len(index) // 2), replace=False))
    other.apply((), ids, *rng.random((3, len(ids))))
    report(f"{title}, one more", {"ours": seconds(lambda: other.apply((), [5], [0.5], [0.5], [0.5]), 20) * 1e6})
    report(f"{title}, radius", asked({"ours": (lambda q: other.within(*q, radius), lists)}, 100, 10))
    report(f"{title}, 10 nearest", asked({"ours": (lambda q: other.nearest(*q, 10), lists)}, 100, 10))


def clouds(n: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    yield "even", rng.random((n, 3)), rng.random((1000, 3))
    place = rng.random((1000, 3))[rng.integers(0, 1000, n)] + rng.normal(0, 0.01, (n, 3))
    yield "clusters", place, place[rng.integers(0, n, 1000)] + 1e-4


def spaces(n: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (n, 24): what minds hold is clustered and has few degrees of freedom; even noise is the worst case."""
    rng = np.random.default_rng(3)
    yield "1000 clusters", rng.random((1000, 24))[rng.integers(0, 1000, n)] + rng.normal(0, 0.05, (n, 24))
    yield "100 clusters", rng.random((100, 24))[rng.integers(0, 100, n)] + rng.normal(0, 0.1, (n, 24))
    yield "8 hidden factors", np.tanh(rng.random((n, 8)) @ rng.normal(size=(8, 24))) + rng.normal(0, 0.02, (n, 24))
    yield "100 wide clusters", rng.random((100, 24))[rng.integers(0, 100, n)] + rng.normal(0, 0.2, (n, 24))
    yield "even", rng.random((n, 24))


WEIGHT = np.array([1.0, 1.5, 1.2, 2.0, 3.0, 2.5, 2.0, 5.0])
PER_AXIS = np.repeat(WEIGHT, 3)


def numpy_nearest(columns: np.ndarray, query: np.ndarray, k: int) -> list[int]:
    """The quickest exact way: by columns. A matrix product is not exact enough to order by."""
    square = np.zeros(columns.shape[1])
    for column in range(24):
        d = columns[column] - query[column]
        square += PER_AXIS[column] * (d * d)
    nearest = np.argpartition(square, k)[:k]
    return nearest[np.argsort(square[nearest])].tolist()


def eight_levels(name: str, place: np.ndarray) -> None:
    n, rng = len(place), np.random.default_rng(4)
    queries = place[rng.integers(0, n, 40)] + rng.normal(0, 0.01, (40, 24))
    masks = np.full(n, 255)
    index = SpaceIndex.build(np.arange(n), place, masks, WEIGHT)
    tree, columns, root = cKDTree(place * np.sqrt(PER_AXIS)), np.ascontiguousarray(place.T), np.sqrt(PER_AXIS)
    for query in queries[:5]:
        assert index.nearest(query, 255, 10, weights=WEIGHT)[0].tolist() == numpy_nearest(columns, query, 10)
    queries = queries[:8] if name == "even" else queries
    systems: dict[str, tuple[Ask, Sequence]] = {
        "ours": (lambda q: index.nearest(q, 255, 10, weights=WEIGHT), queries),
        "cKDTree": (lambda q: tree.query(q, 10), queries * root),
        "numpy": (lambda q: numpy_nearest(columns, q, 10), queries),
    }
    report(f"8 levels, {name}: 10 nearest", asked(systems, 4, 7))
    build = seconds(lambda: SpaceIndex.build(np.arange(n), place, masks, WEIGHT), 3)
    report(f"8 levels, {name}: build", {"ours": build * 1e3}, f"ms, {index.nbytes / n:.0f} bytes a token")


def some_levels(n: int) -> None:
    """Tokens that define one to eight levels, in six patterns: what a mind is like."""
    rng = np.random.default_rng(5)
    masks = rng.choice([1, 9, 128, 136, 200, 255], n)
    place = rng.random((1000, 8, 3))[rng.integers(0, 1000, n)] + rng.normal(0, 0.05, (n, 8, 3))
    place[masks[:, None] >> np.arange(8) & 1 == 0] = np.nan
    index = SpaceIndex.build(np.arange(n), place, masks)
    rows = rng.integers(0, n, 200).tolist()
    systems: dict[str, tuple[Ask, Sequence]] = {
        "ours": (lambda i: index.nearest(place[i], int(masks[i]), 10), rows),
    }
    report("8 levels, 6 patterns: 10 nearest", asked(systems, 20, 10))
    report("8 levels, 6 patterns: memory", {"ours": index.nbytes / n}, "bytes a token")


def radiance(n: int) -> None:
    rng = np.random.default_rng(6)
    place, strength = rng.random((n, 3)), rng.random(n)
    reach = np.full(n, (HITS / n / 4.19) ** (1 / 3))
    index = LevelIndex.build(np.arange(n), *place.T, reach, strength)
    title, lists = f"about {HITS} fields reach a point", place[:1000].tolist()
    report(f"influence, {title}", asked({"ours": (lambda q: index.influence(*q), lists)}, 100, 10))
    report("influence, 10,000 at once, each", at_once({"ours": index.influence_many}, place[:10_000]))
    report("density", asked({"ours": (lambda q: index.density(*q, float(reach[0])), lists)}, 100, 10))
    report("fields of all tokens", {"ours": seconds(lambda: index.fields(0.3), 1)}, "s")


if __name__ == "__main__":
    tokens = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    parts = sys.argv[2:] or ["one", "many", "radiance"]
    for cloud in clouds(tokens) if "one" in parts else ():
        one_level(*cloud)
    for space in spaces(tokens) if "many" in parts else ():
        eight_levels(*space)
    if "many" in parts:
        some_levels(tokens)
    if "radiance" in parts:
        radiance(tokens)
