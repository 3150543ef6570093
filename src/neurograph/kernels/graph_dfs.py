"""Depth-first search over adjacency arrays, in preorder."""

from __future__ import annotations

import numpy as np

from ..errors import InvalidValue
from .adjacency import EVERY_KIND, Adjacency, BoolArray, Direction, Scratch, Tick, sides
from .graph_bfs import SLICE, Reached
from .graph_dfs_kernel import SLOT, dfs


def run_dfs(
    adjacency: Adjacency,
    start: int,
    max_depth: int | None = None,
    direction: Direction = "out",
    allowed: BoolArray = EVERY_KIND,
    *,
    scratch: Scratch | None = None,
    tick: Tick | None = None,
) -> Reached:
    """Visit everything a node leads to, each branch to its end before the next.

    Parameters
    ----------
    adjacency
        The graph; not modified.
    start
        A slot.
    max_depth
        Links to follow at most on a branch; None for as many as there are. A node is visited once: one
        first met at the end of a long branch is not followed further where a shorter one reaches it.
    direction
        Which links to follow: ``"out"``, ``"in"``, or ``"both"`` for all of them either way.
    allowed
        Table of the type codes to follow, from `allowed_kinds`; empty for all.
    scratch
        Memory of earlier calls.
    tick
        Called between slices of about 4 ms; what it raises ends the search.

    Returns
    -------
    Reached
        Slots and depths in preorder, neighbors in ascending order of id; the start is the first.

    Raises
    ------
    InvalidValue
        If start is no slot, max_depth is negative, or the direction is unknown.

    Examples
    --------
    >>> from .graph_build import run_build
    >>> graph = run_build(np.array([10, 20, 30, 40]), [0, 0, 1], [1, 2, 3])
    >>> visited = run_dfs(graph, 0)
    >>> graph.ids[visited.slots].tolist(), visited.depths.tolist()
    ([10, 20, 40, 30], [0, 1, 2, 1])

    Notes
    -----
    Grows with the entries of what is reached, d·log d for a node with d of them.
    """
    adjacency.slot("start", start)
    depth = adjacency.n if max_depth is None else max_depth
    if depth < 0:
        raise InvalidValue(f"max_depth must be at least 0, got {max_depth!r}")
    low, high = sides(direction)
    memory = Scratch() if scratch is None else scratch
    seen, stamp = memory.stamps("dfs.seen", adjacency.n)
    (visited,) = memory.keep("dfs.visited", adjacency.n, lambda n: (np.empty(n, np.int64),))
    rank, by_rank = adjacency.rank, adjacency.by_rank
    stack = np.empty(max(1024, adjacency.n), np.int64)
    stack[0] = rank[start] if rank.size else start
    state = np.array([0, 1, 0, stamp, SLICE, depth, low, high])
    while not dfs(adjacency.entries, allowed, rank, by_rank, seen, visited, stack, state):
        if state[2] > len(stack):
            stack = np.concatenate((stack, np.empty(2 * state[2] - len(stack), np.int64)))
        if tick is not None:
            tick()
    found = visited[: state[0]]
    return Reached(found & SLOT, found >> 32)
