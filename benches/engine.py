"""The engine beside the peers one would pick instead, and beside the limit, in one run.

Run ``python benches/engine.py [--tokens 1000000] [--nodes 100000] [--edges 1000000] [--folder FOLDER] [--write]``.
Each figure is the best of several turns, ours and the peer's in turn, so that a busy machine slows both. ``--write``
puts the table into ``docs/benchmarks.md``. Needs ``pip install ".[bench]"``. Timings are no test: nothing fails here.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import igraph
import networkx as nx
import numpy as np
from scipy.spatial import cKDTree

import neurograph

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- begin: written by benches/engine.py -->", "<!-- end -->"
LEVELS = ("physical", "sensory", "motor", "emotional", "cognitive", "social", "temporal", "abstract")


class Row(NamedTuple):
    """A line of the table: what, ours, the peer's, how they compare, and what was to reach."""

    what: str
    ours: str
    peer: str
    ratio: float
    target: str
    reached: bool


def seconds(work: Callable[[], Any], repeat: int = 1) -> float:
    gc.collect()
    gc.disable()
    began = time.perf_counter()
    for _ in range(repeat):
        work()
    took = time.perf_counter() - began
    gc.enable()
    return took / repeat


def best(*works: Callable[[], Any], rounds: int = 5, repeat: int = 1) -> list[float]:
    """Return the best time of each of `works`, taken in turn."""
    times = [[seconds(work, repeat) for work in works] for _ in range(rounds)]
    return [min(column) for column in zip(*times, strict=True)]


def said(took: float) -> str:
    for unit, factor in (("s", 1), ("ms", 1e3), ("µs", 1e6)):
        if took * factor >= 1:
            return f"{took * factor:.3g} {unit}"
    return f"{took * 1e9:.3g} ns"


def faster(what: str, ours: float, peer: float, name: str, target: float) -> Row:
    """A row where ours should be `target` times as fast."""
    ratio = peer / ours
    return Row(what, said(ours), f"{name}: {said(peer)}", ratio, f"≥ {target:g} times", ratio >= target)


def at_most(what: str, ours: float, limit: float) -> Row:
    """A row where ours should take at most `limit` seconds."""
    return Row(what, said(ours), f"limit: {said(limit)}", limit / ours, f"≤ {said(limit)}", ours <= limit)


# --- space -----------------------------------------------------------------------------------------------------


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


# --- graph -----------------------------------------------------------------------------------------------------


def edges_of(nodes: int, edges: int, hubs: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Return random edges, a tenth of them at hubs."""
    rng = np.random.default_rng(2)
    pairs = rng.integers(1, nodes + 1, (edges + edges // 8, 2))
    at_hubs = rng.random(len(pairs)) < 0.1
    pairs[at_hubs, 0] = rng.integers(1, hubs + 1, at_hubs.sum())
    pairs = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
    pairs = rng.permutation(pairs)[:edges]
    return np.ascontiguousarray(pairs[:, 0]), np.ascontiguousarray(pairs[:, 1])


BFS_SQL = """
    with recursive reached (id, depth) as (
      values (?, 0)
      union
      select edge.target, reached.depth + 1 from reached join edge on edge.source = reached.id where depth < 3)
    select id, min(depth) from reached group by id"""


def graph(folder: Path, nodes: int, edges: int) -> list[Row]:
    source, target = edges_of(nodes, edges)
    weight = np.random.default_rng(3).choice([0.25, 0.5, 0.75, 1.0], len(source))
    rows = bulk(folder, nodes, source, target, weight)
    db = neurograph.open(folder / "graph.ngdb", synchronous="off", engine="numba")
    plain = apsw.Connection(str(folder / "graph.ngdb"))
    ig = igraph.Graph(n=nodes + 1, edges=np.column_stack([source, target]).tolist(), directed=True)
    ig.es["weight"] = weight.tolist()
    network = nx.DiGraph()
    network.add_edges_from(zip(source.tolist(), target.tolist(), strict=True))
    starts = deque(np.random.default_rng(4).integers(200, nodes, 200).tolist())

    def start() -> int:
        starts.rotate(1)
        return starts[0]

    def ours_bfs() -> Any:
        found = db.graph.bfs(start(), max_depth=3)
        return found.ids, found.depths

    def ig_bfs() -> Any:
        return ig.neighborhood(start(), order=3, mode="out")

    def sql_bfs() -> Any:
        return plain.execute(BFS_SQL, (start(),)).fetchall()

    def ours_path() -> Any:
        return db.graph.shortest_path(start(), start() // 2 + 100, cost="hops")

    def nx_path() -> Any:
        try:
            return nx.bidirectional_shortest_path(network, start(), start() // 2 + 100)
        except nx.NetworkXNoPath:
            return None

    links: dict[int, list[tuple[int, float]]] = {}

    def dict_spread() -> Any:
        """Rounds over a dict, links read by SQL as they are needed."""
        energy, total = {start(): 1.0}, {}
        for _ in range(3):
            arrived: dict[int, float] = {}
            for id, amount in energy.items():
                if amount >= 0.01:
                    rows = plain.execute("select target, weight from edge where source = ?", (id,))
                    for other, w in rows:
                        arrived[other] = arrived.get(other, 0.0) + amount * w * 0.8
            for id, amount in arrived.items():
                total[id] = total.get(id, 0.0) + amount
            energy = arrived
        return sorted(total.items(), key=lambda pair: -pair[1])

    def ours_spread() -> Any:
        return db.graph.spread(start(), max_depth=3, threshold=0.0).ids

    for work in (ours_bfs, ours_path, ours_spread, db.graph.pagerank):
        work()
    links.clear()
    a, b = best(ours_bfs, ig_bfs, repeat=200)
    (c,) = best(sql_bfs, rounds=3, repeat=20)
    rows += [faster("BFS, 3 hops", a, c, "recursive CTE", 40), faster("", a, b, "igraph", 1)]
    d, e = best(ours_path, nx_path, repeat=200)
    rows.append(faster("shortest path, hops", d, e, "networkx", 5))
    f, g = best(db.graph.pagerank, lambda: ig.pagerank(weights="weight"), rounds=3)
    rows.append(faster("PageRank", f, g, "igraph", 4))
    h, i = best(ours_spread, dict_spread, rounds=3, repeat=50)
    rows.append(faster("spreading activation, 3 rounds", h, i, "dict and SQL", 40))
    rows.append(foreign_change(db, plain, ours_bfs))
    plain.close()
    db.close()
    return rows


def bulk(folder: Path, nodes: int, source: np.ndarray, target: np.ndarray, weight: np.ndarray) -> list[Row]:
    """Edges in bulk beside executemany into the same tables without triggers, in the order given."""
    rows = []
    hub_source = np.arange(1, len(source) + 1) % 100 + 1
    hub_target = np.arange(len(source)) % nodes + 1
    kinds = {"random": (source, target, ""), "at 100 hubs": (hub_source, hub_target, None)}
    for name, (s, t, key) in kinds.items():
        keys = key if key is not None else [str(at) for at in range(len(s))]
        times = []
        for ours in (True, False, True, False):
            path = folder / f"{'graph' if name == 'random' else 'hubs'}{'' if ours else '-raw'}.ngdb"
            for old in folder.glob(path.name + "*"):
                old.unlink()
            with neurograph.open(path, synchronous="normal") as db:
                db.execute("update cdna_current set max_total_degree = 4000000000, max_out_degree = 4000000000")
                db.tokens.create_many(count=nodes)
                if ours:
                    times.append(seconds(lambda: db.graph.create_many(s, t, key=keys, weight=weight)))
                    continue
                connection = db._session.writer.connection
                for (trigger,) in db.execute("select name from sqlite_schema where type = 'trigger'").fetchall():
                    db.execute(f"drop trigger {trigger}")
                names = [keys] * len(s) if isinstance(keys, str) else keys
                values = zip(s.tolist(), t.tolist(), names, weight.tolist(), strict=True)

                def raw() -> None:
                    with connection:
                        sql = "insert into edge (source, target, key, weight) values (?, ?, ?, ?)"
                        connection.executemany(sql, values)

                times.append(seconds(raw))
        ours_s, raw_s = min(times[::2]), min(times[1::2])
        label = f"edges, bulk, {name} ({len(s) / ours_s / 1e3:.0f}k/s)"
        rows.append(
            Row(label, said(ours_s), f"raw: {said(raw_s)}", raw_s / ours_s, "≥ 0.7 of raw", raw_s / ours_s >= 0.7)
        )
    return rows


def foreign_change(db: neurograph.Database, plain: apsw.Connection, ask: Callable[[], Any]) -> Row:
    """One row changed by another connection, then the next query."""
    plain.pragma("synchronous", 0)
    extra = []
    for at in range(15):
        quiet = seconds(ask, 5)
        plain.execute("update edge set weight = 0.5 where source = ? and target >= 0", (1000 + at,))
        extra.append(seconds(ask) - quiet)
    return at_most("a query after a row changed elsewhere, extra", sorted(extra)[len(extra) // 2], 0.005)


# --- fresh processes -------------------------------------------------------------------------------------------


def process(code: str, *arguments: str, **environment: str) -> float:
    """Return the best whole-process time of some code, less that of a bare interpreter."""
    env = {**os.environ, **environment}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # an install has its modules compiled
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, env=env)
    times, bare = [], []
    for _ in range(5):
        bare.append(seconds(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True, env=env)))
        times.append(seconds(lambda: subprocess.run([sys.executable, "-c", code, *arguments], check=True, env=env)))
    return min(times) - min(bare)


OPEN = "import sys, neurograph; db = neurograph.open(sys.argv[1]); "
NEAR = OPEN + "db.grid.neighbors(5, 10, level='physical')[0]"
BFS = OPEN + "db.graph.bfs(5000, max_depth=3)[0]"  # no hub


def fresh(folder: Path) -> list[Row]:
    for name in ("space", "graph"):
        with neurograph.open(folder / f"{name}.ngdb", synchronous="off", memory_budget_bytes=4 << 30) as db:
            db.optimize(budget_bytes=1 << 30)
    space_file, graph_file = str(folder / "space.ngdb"), str(folder / "graph.ngdb")
    numba = {"NGDB_ENGINE": "numba"}
    rows = [
        at_most(f"import and open, {Path(space_file).stat().st_size / 1e9:.1f} GB", process(OPEN, space_file), 0.025),
        at_most(
            "fresh process to first neighbor, kernels",
            process(NEAR.replace("argv[1])", "argv[1], engine='numba')"), space_file, **numba),
            0.6,
        ),
        at_most(
            "fresh process to first BFS, kernels",
            process(BFS.replace("argv[1])", "argv[1], engine='numba')"), graph_file, **numba),
            0.6,
        ),
        at_most("fresh process to first neighbor, no kernels", process(NEAR, space_file, NGDB_KERNELS="off"), 0.06),
        at_most("fresh process to first BFS, no kernels", process(BFS, graph_file, NGDB_KERNELS="off"), 0.06),
    ]
    with tempfile.TemporaryDirectory() as cache:
        for what, code, file in (("neighbor", NEAR, space_file), ("BFS", BFS, graph_file)):
            code = code.replace("argv[1])", "argv[1], engine='numba')")
            env = {**os.environ, "NUMBA_CACHE_DIR": f"{cache}/{what}"}
            took = seconds(lambda: subprocess.run([sys.executable, "-c", code, file], check=True, env=env))
            rows.append(at_most(f"fresh install to first {what}, compile included", took, 1.5))
    return rows


# --- the table -------------------------------------------------------------------------------------------------


def table(rows: list[Row]) -> str:
    lines = ["| | ours | beside | ratio | to reach | |", "|---|---|---|---|---|---|"]
    for row in rows:
        mark = "reached" if row.reached else "**short**"
        lines.append(f"| {row.what} | {row.ours} | {row.peer} | {row.ratio:.2f} | {row.target} | {mark} |")
    return "\n".join(lines)


def machine() -> str:
    cpu = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        cpu = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    system = f"{platform.system()}, Python {platform.python_version()}, SQLite {apsw.sqlite_lib_version()}"
    return f"{cpu}, {os.cpu_count()} cores; {system}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--only", choices=["space", "graph", "fresh"], action="append")
    options = parser.parse_args()
    chosen = options.only or ["space", "graph", "fresh"]
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder or Path(made)
        rows: list[Row] = []
        if "space" in chosen:
            rows += space(folder, options.tokens)
            print(table(rows), flush=True)
        if "graph" in chosen:
            rows += graph(folder, options.nodes, options.edges)
            print(table(rows), flush=True)
        if "fresh" in chosen:
            rows += fresh(folder)
        sizes = f"{options.tokens:,} tokens, {options.nodes:,} nodes, {options.edges:,} edges"
        text = f"{machine()}; {sizes}.\n\n{table(rows)}"
        print(text)
        if options.write:
            before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)
            after = rest.partition(END)[2]
            DOCUMENT.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
