"""Measures of a whole graph over adjacency arrays: triangles, clustering, lengths of shortest paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .adjacency import EVERY_KIND, Adjacency, BoolArray, Direction, FloatArray, IntArray, Scratch, Tick
from .graph_bfs import run_bfs
from .graph_metrics_kernel import count_neighbors, count_triangles, keep_edges

SLICE = 1 << 19  # entries a call: about 4 ms


class Clustering(NamedTuple):
    """How much the neighbors of a node are linked among themselves, (n,) each, by slot."""

    degrees: IntArray
    """int64: how many neighbors there are."""
    triangles: IntArray
    """int64: how many pairs of them are linked."""
    local: FloatArray
    """float64: triangles / (k·(k - 1) / 2); 0 where k < 2. The mean is the graph's."""


class PathLengths(NamedTuple):
    """Shortest paths from some nodes to all that they lead to, themselves left out."""

    pairs: int
    """How many paths."""
    total: int
    """Links on all of them: total / pairs is the average length, total / (n·(n - 1)) that of the specification."""
    longest: int
    """Links on the longest: from all nodes, the diameter."""


def run_clustering(adjacency: Adjacency, allowed: BoolArray = EVERY_KIND, *, tick: Tick | None = None) -> Clustering:
    """Count the triangles at each node of the simple undirected graph.

    Parameters
    ----------
    adjacency
        The graph; not modified. Directions, parallel links and self-loops don't count.
    allowed
        Table of the type codes that count, from `allowed_kinds`; empty for all.
    tick
        Called between slices of about 4 ms; what it raises ends the call.

    Returns
    -------
    Clustering
        By slot.

    Examples
    --------
    >>> from neurograph.kernels.graph_build import run_build
    >>> graph = run_build(np.array([10, 20, 30, 40]), [0, 1, 2, 2], [1, 2, 0, 3])
    >>> run_clustering(graph).local.round(3).tolist()
    [1.0, 1.0, 0.333, 0.0]

    Notes
    -----
    Grows with m·√m at most, m·log m where degrees are even.
    """
    n = adjacency.n
    entries, mark, degree = adjacency.entries, np.zeros(n, np.int64), np.zeros(n, np.int64)
    _sliced(n, lambda at: count_neighbors(entries, allowed, mark, degree, at, SLICE), tick)
    mark[:] = 0
    first, kept = np.zeros(n + 1, np.int64), np.zeros(int(degree.sum()) // 2, np.int64)
    _sliced(n, lambda at: keep_edges(entries, allowed, mark, degree, first, kept, at, SLICE), tick)
    mark[:] = 0
    triangles = np.zeros(n, np.int64)
    _sliced(n, lambda at: count_triangles(first, kept, mark, triangles, at, SLICE), tick)
    pairs = degree * (degree - 1) / 2
    return Clustering(degree, triangles, np.divide(triangles, pairs, out=np.zeros(n), where=pairs > 0))


def _sliced(n: int, step: Callable[[int], int], tick: Tick | None) -> None:
    """Call step from slot to slot until all n are done."""
    at = 0
    while (at := step(at)) < n:
        if tick is not None:
            tick()


def run_path_lengths(
    adjacency: Adjacency,
    sources: IntArray,
    direction: Direction = "out",
    allowed: BoolArray = EVERY_KIND,
    *,
    scratch: Scratch | None = None,
    tick: Tick | None = None,
) -> PathLengths:
    """Measure the shortest paths from some nodes to all others.

    Parameters
    ----------
    adjacency
        The graph; not modified.
    sources
        (k,) int64: slots; all of them for exact measures, a sample for estimates.
    direction, allowed, scratch, tick
        As in `run_bfs`.

    Returns
    -------
    PathLengths
        Integers, so that sums are exact.

    Examples
    --------
    >>> from neurograph.kernels.graph_build import run_build
    >>> graph = run_build(np.array([10, 20, 30]), [0, 1], [1, 2])
    >>> run_path_lengths(graph, np.arange(3))
    PathLengths(pairs=3, total=4, longest=2)

    Notes
    -----
    A search from each source: k·(n + m).
    """
    memory = Scratch() if scratch is None else scratch
    pairs = total = longest = 0
    for source in sources.tolist():
        depths = run_bfs(adjacency, source, None, direction, allowed, scratch=memory, tick=tick).depths
        pairs += len(depths) - 1
        total += int(depths.sum())
        longest = max(longest, int(depths[-1]))
        if tick is not None:
            tick()
    return PathLengths(pairs, total, longest)
