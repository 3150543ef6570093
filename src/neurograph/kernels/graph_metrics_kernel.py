"""The kernels that count triangles in the simple undirected graph under a multigraph.

Invariants:

1. Two nodes are neighbors when any link of an allowed type joins them, either way; no node is its own.
2. ``mark[v] == u + 1`` tells that v was seen from u; so marks need no clearing between nodes.
3. An edge is kept at its end of lower degree, then lower slot; no node then keeps more than about √(2m), and each
   triangle is found once, from its lowest corner.
4. Every kernel goes on from a slot for about a budget and returns the slot to go on with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .adjacency import Entries

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@njit(cache=True, nogil=True)
def count_neighbors(
    entries: Entries, allowed: BoolArray, mark: IntArray, degree: IntArray, start: int, budget: int
) -> int:
    """Count the neighbors of each slot."""
    span, neighbor, _, kind = entries
    u = start
    while u < len(degree) and budget > 0:
        for side in range(2):
            budget -= span[side, u, 1] - span[side, u, 0] + 1
            for p in range(span[side, u, 0], span[side, u, 1]):
                v = np.int64(neighbor[p])
                if v == u or mark[v] == u + 1:
                    continue
                if allowed.size == 0 or (kind[p] < allowed.size and allowed[kind[p]]):
                    mark[v] = u + 1
                    degree[u] += 1
        u += 1
    return u


@njit(cache=True, nogil=True)
def keep_edges(
    entries: Entries,
    allowed: BoolArray,
    mark: IntArray,
    degree: IntArray,
    first: IntArray,
    kept: IntArray,
    start: int,
    budget: int,
) -> int:
    """Write the neighbors each slot keeps to kept[first[u]:first[u + 1]]."""
    span, neighbor, _, kind = entries
    u = start
    while u < len(degree) and budget > 0:
        at = first[u]
        for side in range(2):
            budget -= span[side, u, 1] - span[side, u, 0] + 1
            for p in range(span[side, u, 0], span[side, u, 1]):
                v = np.int64(neighbor[p])
                if v == u or mark[v] == u + 1:
                    continue
                if allowed.size == 0 or (kind[p] < allowed.size and allowed[kind[p]]):
                    mark[v] = u + 1
                    if degree[u] < degree[v] or (degree[u] == degree[v] and u < v):
                        kept[at] = v
                        at += 1
        first[u + 1] = at
        u += 1
    return u


@njit(cache=True, nogil=True)
def count_triangles(
    first: IntArray, kept: IntArray, mark: IntArray, triangles: IntArray, start: int, budget: int
) -> int:
    """Count the triangles each slot is a corner of."""
    u = start
    while u < len(triangles) and budget > 0:
        for i in range(first[u], first[u + 1]):
            mark[kept[i]] = u + 1
        for i in range(first[u], first[u + 1]):
            v = kept[i]
            budget -= first[v + 1] - first[v] + 1
            for j in range(first[v], first[v + 1]):
                w = kept[j]
                if mark[w] == u + 1:
                    triangles[u] += 1
                    triangles[v] += 1
                    triangles[w] += 1
        budget -= 1
        u += 1
    return u
