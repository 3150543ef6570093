"""Breadth-first search over adjacency arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..errors import InvalidValue
from .adjacency import (
    EVERY_KIND,
    Adjacency,
    BoolArray,
    Direction,
    IntArray,
    Scratch,
    Tick,
    sides,
)
from .graph_bfs_kernel import ROOM, SLOT, bfs

SLICE = 1 << 19  # entries a call: about 4 ms


def _new_queue(n: int) -> tuple[IntArray, IntArray]:
    return np.empty(n, np.int64), np.zeros(ROOM, np.int64)


class Reached(NamedTuple):
    """What a search reached."""

    slots: IntArray
    """(k,) int64."""
    depths: IntArray
    """(k,) int64: links from the start."""


def run_bfs(
    adjacency: Adjacency,
    start: int,
    max_depth: int | None = None,
    direction: Direction = "out",
    allowed: BoolArray = EVERY_KIND,
    *,
    scratch: Scratch | None = None,
    tick: Tick | None = None,
) -> Reached:
    """Find everything within some number of links of a node.

    Parameters
    ----------
    adjacency
        The graph; not modified.
    start
        A slot.
    max_depth
        Links to follow at most; None for as many as there are.
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
        Slots and depths in order of (depth, id); the start is the first, at depth 0.

    Raises
    ------
    InvalidValue
        If start is no slot, max_depth is negative, or the direction is unknown.

    Examples
    --------
    >>> from .graph_build import run_build
    >>> graph = run_build(np.array([10, 20, 30]), [0, 1], [1, 2])
    >>> reached = run_bfs(graph, 0)
    >>> graph.ids[reached.slots].tolist(), reached.depths.tolist()
    ([10, 20, 30], [0, 1, 2])

    Notes
    -----
    Grows with the entries of what is reached, and not with the graph.
    """
    adjacency.slot("start", start)
    depth = adjacency.n if max_depth is None else max_depth
    if depth < 0:
        raise InvalidValue(f"max_depth must be at least 0, got {max_depth!r}")
    low, high = sides(direction)
    memory = Scratch() if scratch is None else scratch
    seen, stamp = memory.stamps("bfs.seen", adjacency.n)
    queue, state = memory.keep("bfs.queue", adjacency.n, _new_queue)
    seen[start], queue[0] = stamp, start
    state[:4] = 0, 1, stamp, SLICE
    while not bfs(adjacency.entries, low, high, allowed, seen, queue, state, depth):
        if tick is not None:
            tick()
    return _in_order(adjacency, queue[: state[1]])


def _in_order(adjacency: Adjacency, queue: IntArray) -> Reached:
    """Return the queue in order of (depth, id); numpy's sort of packed integers takes 2 ns an element."""
    if not adjacency.rank.size:
        packed = np.sort(queue)
        return Reached(packed & SLOT, packed >> 32)
    packed = np.sort((queue & ~SLOT) | adjacency.rank[queue & SLOT])
    return Reached(adjacency.by_rank[packed & SLOT], packed >> 32)
