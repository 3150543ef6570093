"""The graph's kernels against what a user would pick: igraph, networkx, a dict over SQLite.

Run ``python benches/kernel_graph.py [NODES] [EDGES]``. Each figure is the best of several rounds, all systems in turn
within a round, so that a busy machine slows each of them; a round asks the same questions of everyone, and the median
question counts. A ratio is how often ours fits into the peer's time. ``--compile`` times a fresh process instead: from
nothing compiled, and with everything in numba's cache.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import apsw
import igraph
import networkx as nx
import numpy as np

from neurograph.kernels.adjacency import Adjacency, Scratch
from neurograph.kernels.graph_bfs import run_bfs
from neurograph.kernels.graph_build import run_build
from neurograph.kernels.graph_components import run_components, run_strong_components
from neurograph.kernels.graph_dijkstra import run_cheapest_path, run_distances
from neurograph.kernels.graph_metrics import run_clustering
from neurograph.kernels.graph_path import run_shortest_path
from neurograph.kernels.graph_rank import run_pagerank
from neurograph.kernels.graph_spread import run_spread

ROUNDS = 7
QUESTIONS = 60
Work = Callable[[Any], object]


def edges_with_hubs(n: int, m: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Return source, target, weight, type in order: 10 % of targets and 5 % of sources at hubs, by a power law."""
    rng = np.random.default_rng(seed)
    ends = rng.integers(0, n, (2, m))
    for end, share in ((0, 0.05), (1, 0.1)):
        at_hub = rng.random(m) < share
        ends[end, at_hub] = (n * rng.random(at_hub.sum()) ** 4).astype(np.int64)
    kind, weight = rng.integers(0, 8, m), rng.random(m) * 0.9 + 0.1
    order = np.lexsort((ends[1], kind, ends[0]))
    return ends[0, order], ends[1, order], weight[order], kind[order]


def compare(what: str, questions: list[Any], ours: Work, **peers: Work) -> None:
    """Print the median question's time, ours and each peer's as a multiple of it."""
    times: dict[str, list[list[float]]] = {}
    systems = {"ours": ours} | peers
    for _ in range(ROUNDS if len(questions) > 1 else 3):
        for name, work in systems.items():
            taken = []
            for question in questions:
                began = time.perf_counter()
                work(question)
                taken.append(time.perf_counter() - began)
            times.setdefault(name, []).append(taken)
    best = {name: statistics.median(np.min(rounds, axis=0)) * 1e6 for name, rounds in times.items()}
    mine = best.pop("ours")
    ratios = "".join(f"   {name} {value:10.1f} = {value / mine:6.1f}x" for name, value in best.items())
    print(f"{what:42} ours {mine:10.1f} µs{ratios}", flush=True)


def dict_and_sql(connection: apsw.Connection, source: int, max_depth: int, least: float) -> dict[int, float]:
    """Spread energy as one would by hand: a dict, and a query for each node that sends."""
    energies: dict[int, float] = {}
    last = {source: 1.0}
    for _ in range(max_depth):
        now: dict[int, float] = {}
        for id, energy in last.items():
            for far, weight in connection.execute("select target, weight from edge where source = ?", (id,)):
                now[far] = now.get(far, 0.0) + energy * weight * 0.8
        for id, energy in now.items():
            energies[id] = energies.get(id, 0.0) + energy
        last = {id: energy for id, energy in now.items() if energy >= least}
    return energies


def in_sql(source: np.ndarray, target: np.ndarray, weight: np.ndarray) -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    connection.execute("create table edge (source integer, target integer, weight real)")
    rows = zip(source.tolist(), target.tolist(), weight.tolist(), strict=True)
    connection.executemany("insert into edge values (?, ?, ?)", rows)
    connection.execute("create index by_source on edge (source, target, weight)")
    return connection


def measure(n: int, m: int) -> None:
    source, target, weight, kind = edges_with_hubs(n, m)
    ids = np.arange(1, n + 1)
    pairs = list(zip(source.tolist(), target.tolist(), strict=True))
    cost = (1 / weight).tolist()
    graph = run_build(ids, source, target, weight, kind)
    peer = igraph.Graph(n=n, edges=pairs, directed=True)
    other = nx.DiGraph()
    other.add_nodes_from(range(n))
    other.add_weighted_edges_from((a, b, c) for (a, b), c in zip(pairs, cost, strict=True))
    sql = in_sql(source, target, weight)
    scratch, rng = Scratch(), np.random.default_rng(1)
    starts = rng.integers(0, n, QUESTIONS).tolist()
    ends = list(zip(starts, rng.integers(0, n, QUESTIONS).tolist(), strict=True))
    few = ends[:5]
    print(f"{n} nodes, {m} edges\n")

    compare("build from edges in order", [0], lambda _: run_build(ids, source, target, weight, kind),
            igraph=lambda _: igraph.Graph(n=n, edges=pairs, directed=True))  # fmt: skip
    walks(graph, peer, other, scratch, starts)
    compare("shortest path by links", ends, lambda p: run_shortest_path(graph, *p, scratch=scratch),
            networkx=lambda p: nx.bidirectional_shortest_path(other, *p) if p[0] != p[1] else None,
            igraph=lambda p: peer.get_shortest_path(*p))  # fmt: skip
    compare("cheapest path, 1/weight", few, lambda p: run_cheapest_path(graph, *p, scratch=scratch),
            networkx=lambda p: nx.bidirectional_dijkstra(other, *p, weight="weight"),
            igraph=lambda p: peer.get_shortest_path(*p, weights=cost))  # fmt: skip
    compare("cheapest paths to all", starts[:2], lambda u: run_distances(graph, u, scratch=scratch),
            igraph=lambda u: peer.distances(source=u, weights=cost))  # fmt: skip
    compare("PageRank, tol 1e-8", [0], lambda _: run_pagerank(graph),
            igraph=lambda _: peer.pagerank(weights=weight.tolist()), networkx=lambda _: nx.pagerank(other))  # fmt: skip
    compare("weakly connected components", [0], lambda _: run_components(graph),
            igraph=lambda _: peer.copy().connected_components("weak"))  # fmt: skip
    compare("strongly connected components", [0], lambda _: run_strong_components(graph),
            igraph=lambda _: peer.copy().connected_components("strong"))  # fmt: skip
    compare("local clustering", [0], lambda _: run_clustering(graph),
            igraph=lambda _: peer.as_undirected().transitivity_local_undirected(mode="zero"))  # fmt: skip
    for least in (0.3, 0.1, 0.01):
        touched = statistics.median(run_spread(graph, u, min_energy=least, max_depth=3).touched for u in starts)
        compare(f"spreading, 3 rounds, {touched:.0f} touched", starts,
                lambda u, least=least: run_spread(graph, u, min_energy=least, max_depth=3, scratch=scratch),
                dict_and_sql=lambda u, least=least: dict_and_sql(sql, u, 3, least))  # fmt: skip


def walks(graph: Adjacency, peer: Any, other: Any, scratch: Scratch, starts: list[int]) -> None:
    for depth in (2, 3):
        reached = statistics.median(len(run_bfs(graph, u, depth).slots) for u in starts)
        compare(f"bfs, {depth} links, {reached:.0f} nodes", starts,
                lambda u, depth=depth: run_bfs(graph, u, depth, scratch=scratch),
                igraph=lambda u, depth=depth: peer.neighborhood(u, order=depth, mode="out"),
                networkx=lambda u, depth=depth: list(nx.bfs_edges(other, u, depth_limit=depth)))  # fmt: skip


FRESH = """
import time
began = time.perf_counter()
import numpy as np, numba
from neurograph.kernels.adjacency import Scratch
from neurograph.kernels.graph_build import run_build
def took(what, work):
    global began
    work()
    print(f"{what:28} {(time.perf_counter() - began) * 1e3:8.0f} ms")
    began = time.perf_counter()
def run(module, name, *arguments):
    work = getattr(__import__("neurograph.kernels." + module, fromlist=[name]), name)
    return lambda: work(graph, *arguments)
numba.njit(lambda x: x)(1)
took("numba and a first kernel", lambda: None)
graph = run_build([1, 2, 3], [0, 1], [1, 2])
took("build", lambda: None)
took("bfs", run("graph_bfs", "run_bfs", 0))
took("dfs", run("graph_dfs", "run_dfs", 0))
took("shortest path", run("graph_path", "run_shortest_path", 0, 2))
took("distances", run("graph_dijkstra", "run_distances", 0))
took("cheapest path", run("graph_dijkstra", "run_cheapest_path", 0, 2))
took("pagerank", run("graph_rank", "run_pagerank"))
took("components", run("graph_components", "run_components"))
took("strong components", run("graph_components", "run_strong_components"))
took("clustering", run("graph_metrics", "run_clustering"))
took("spread", run("graph_spread", "run_spread", 0))
"""


def fresh() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for title in ("nothing compiled", "everything in the cache"):
            print(title)
            subprocess.run([sys.executable, "-c", FRESH], env=os.environ | {"NUMBA_CACHE_DIR": folder}, check=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nodes", type=int, nargs="?", default=100_000)
    parser.add_argument("edges", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--compile", action="store_true")
    asked = parser.parse_args()
    fresh() if asked.compile else measure(asked.nodes, asked.edges)
