"""Bulk loads and searches of a graph with hubs, beside raw SQL, igraph, networkx and a dict in Python."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import igraph
import networkx as nx
import numpy as np
from measure import Row, at_most, best, faster, seconds, share

import neurograph


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

    def dict_spread(rounds: int) -> Any:
        """Rounds over a dict, links read by SQL as they are needed."""
        energy, total = {start(): 1.0}, {}
        for _ in range(rounds):
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
    a, b = best(ours_bfs, ig_bfs, repeat=200)
    (c,) = best(sql_bfs, rounds=3, repeat=20)
    rows += [faster("BFS, 3 hops", a, c, "recursive CTE", 40), faster("", a, b, "igraph", 1)]
    d, e = best(ours_path, nx_path, repeat=200)
    rows.append(faster("shortest path, hops", d, e, "networkx", 5))
    f, g = best(db.graph.pagerank, lambda: ig.pagerank(weights="weight"), rounds=3)
    rows.append(faster("PageRank", f, g, "igraph", 4))
    h, i = best(ours_spread, lambda: dict_spread(3), rounds=5, repeat=50)
    rows.append(faster("spreading activation, 3 rounds, all it reaches", h, i, "dict and SQL", 40))
    h, i = best(lambda: db.graph.spread(start()), lambda: dict_spread(5), rounds=3, repeat=10)
    rows.append(faster("spreading activation, as by default", h, i, "dict and SQL", 40))
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
        rows.append(share(label, ours_s, raw_s, 0.7))
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
