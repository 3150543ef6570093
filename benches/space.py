"""Nearest neighbors and ranges, beside SQLite's R*Tree, scipy's cKDTree and numpy, on one level and on eight."""

from __future__ import annotations

import math
from collections import deque
from pathlib import Path
from typing import Any

import apsw
import numpy as np
from measure import Row, best, faster
from scipy.spatial import cKDTree

import neurograph

LEVELS = ("physical", "sensory", "motor", "emotional", "cognitive", "social", "temporal", "abstract")


def space(folder: Path, n: int) -> list[Row]:
    rng = np.random.default_rng(1)
    centers = rng.uniform(-50, 50, (200, 24))
    points = (centers[rng.integers(0, 200, n)] + rng.normal(0, 4, (n, 24))).reshape(n, 8, 3)
    db = neurograph.open(folder / "space.ngdb", synchronous="off", engine="numba", memory_budget_bytes=4 << 30)
    if not db.tokens.count():
        for start in range(0, n, 250_000):
            db.tokens.create_many(coordinates=points[start : start + 250_000])
    physical = np.ascontiguousarray(points[:, 0])
    tree = cKDTree(physical)
    rtree = apsw.Connection(str(folder / "rtree.db"))
    rtree.pragma("journal_mode", "off")
    rtree.execute("create virtual table if not exists r using rtree(id, x0, x1, y0, y1, z0, z1)")
    if not rtree.execute("select 1 from r limit 1").fetchone():
        with rtree:
            rows = zip(range(1, n + 1), *(physical[:, a].tolist() for a in (0, 0, 1, 1, 2, 2)), strict=True)
            rtree.executemany("insert into r values (?, ?, ?, ?, ?, ?, ?)", rows)
    queries = physical[rng.integers(0, n, 500)] + rng.normal(0, 0.3, (500, 3))
    radius = float(np.median(tree.query(queries, 50)[0][:, -1]))
    hits = np.mean([len(found) for found in tree.query_ball_point(queries, radius)])
    turn = deque(map(tuple, queries.tolist()))

    def following() -> tuple[float, float, float]:
        turn.rotate(1)
        return turn[0]

    def ours_radius() -> Any:
        return db.grid.in_range(following(), radius, level="physical").ids

    def tree_radius() -> Any:
        return tree.query_ball_point(following(), radius)

    box = "select id, x0, y0, z0 from r where x1 >= ? and x0 <= ? and y1 >= ? and y0 <= ? and z1 >= ? and z0 <= ?"

    def rtree_radius() -> Any:
        x, y, z = following()
        rows = rtree.execute(box, (x - radius, x + radius, y - radius, y + radius, z - radius, z + radius))
        return [id for id, a, b, c in rows if (a - x) ** 2 + (b - y) ** 2 + (c - z) ** 2 <= radius * radius]

    reach = float(np.quantile(tree.query(queries, 10)[0][:, -1], 0.9))

    def rtree_nearest() -> Any:
        x, y, z = following()
        r = reach
        while True:  # a growing box: what an R*Tree offers for nearest neighbors in SQL
            rows = rtree.execute(box, (x - r, x + r, y - r, y + r, z - r, z + r)).fetchall()
            found = sorted((math.dist((a, b, c), (x, y, z)), id) for id, a, b, c in rows)
            found = [hit for hit in found if hit[0] <= r]
            if len(found) >= 10:
                return found[:10]
            r *= 2

    def ours_nearest() -> Any:
        return db.grid.nearest(following(), 10, level="physical").ids

    def tree_nearest() -> Any:
        return tree.query(following(), 10)

    ours_radius(), ours_nearest()
    a, b, c = best(ours_radius, rtree_radius, tree_radius, repeat=500)
    d, e, f = best(ours_nearest, rtree_nearest, tree_nearest, repeat=500)
    rows = [
        faster(f"radius, one level ({hits:.0f} hits)", a, b, "R*Tree", 6),
        faster("", a, c, "cKDTree", 2),
        faster("10 nearest, one level", d, e, "R*Tree", 6),
        faster("", d, f, "cKDTree", 2),
    ]
    flat = np.ascontiguousarray(points.reshape(n, 24))
    weights = np.array([1, 1.5, 1.2, 2, 3, 2.5, 2, 5.0])
    scaled = flat * np.repeat(np.sqrt(weights), 3)
    whole = cKDTree(scaled)
    asked = deque((flat[rng.integers(0, n, 40)] + rng.normal(0, 0.3, (40, 24))).tolist())

    def next_place() -> list[float]:
        asked.rotate(1)
        return asked[0]

    levels = dict(zip(LEVELS, weights.tolist(), strict=True))

    def ours_all() -> Any:
        place = next_place()
        where = {level: place[3 * at : 3 * at + 3] for at, level in enumerate(LEVELS)}
        return db.grid.nearest(where, 10, weights=levels).ids

    root = np.repeat(np.sqrt(weights), 3)

    def numpy_all() -> Any:
        d2 = ((scaled - np.array(next_place()) * root) ** 2).sum(axis=1)
        found = np.argpartition(d2, 10)[:10]
        return found[np.argsort(d2[found])]

    def tree_all() -> Any:
        return whole.query(np.array(next_place()) * root, 10)

    ours_all()
    g, h = best(ours_all, tree_all, repeat=40)
    (i,) = best(numpy_all, rounds=3, repeat=3)
    rows += [
        faster("10 nearest over eight weighted levels", g, i, "numpy", 60),
        faster("", g, h, "cKDTree, 24-d", 8),
    ]
    db.close()
    return rows
