"""The kernels of weakly and strongly connected components.

Invariants:

1. Weak: ``parent[v]`` is in the component of v and has no greater id; a slot that is its own parent is the
   smallest of those joined so far.
2. Strong (Tarjan): ``state`` is (next root, depth of the walk, height of the stack, next number). A slot is
   numbered from 1 on when it is met; ``low[v]`` is the least number on the stack that it is known to lead
   to, DONE once its component is complete. ``walk[:depth]`` is the path of slots being followed, each with
   its next entry in ``cursor``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .adjacency import Entries

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

# Compiled into the kernels that call it and never called from Python: no wrapper, no file of its own.
_part = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload]

DONE = 1 << 62


class Walk(NamedTuple):
    """What the search for strong components remembers, (n,) int64 each."""

    low: IntArray
    walk: IntArray
    cursor: IntArray
    stack: IntArray
    number: IntArray
    label: IntArray


@_part
def _root(parent: IntArray, v: int) -> int:
    """Return the slot v is joined under, halving the way there."""
    while parent[v] != v:
        parent[v] = parent[parent[v]]
        v = parent[v]
    return v


@njit(cache=True, nogil=True)
def join(entries: Entries, ids: IntArray, allowed: BoolArray, parent: IntArray, start: int, budget: int) -> int:
    """Join the ends of all links that leave the slots from `start` on; return the slot to go on with."""
    span, neighbor, _, kind = entries
    every = allowed.size == 0
    u = start
    while u < len(parent) and budget > 0:
        budget -= span[0, u, 1] - span[0, u, 0] + 1
        mine = _root(parent, u)
        for p in range(span[0, u, 0], span[0, u, 1]):
            if every or (kind[p] < allowed.size and allowed[kind[p]]):
                other = _root(parent, np.int64(neighbor[p]))
                if ids[other] < ids[mine]:
                    parent[mine] = other
                    mine = other
                else:
                    parent[other] = mine
        u += 1
    return u


@_part
def _complete(ids: IntArray, work: Walk, top: int, u: int) -> int:
    """Label what lies on the stack from u up with its smallest id; return the new height."""
    low, stack, label = work.low, work.stack, work.label
    bottom, smallest = top - 1, ids[stack[top - 1]]
    while stack[bottom] != u:
        bottom -= 1
        smallest = min(smallest, ids[stack[bottom]])
    for i in range(bottom, top):
        low[stack[i]], label[stack[i]] = DONE, smallest
    return bottom


@njit(cache=True, nogil=True)
def strong(entries: Entries, ids: IntArray, allowed: BoolArray, work: Walk, state: IntArray, budget: int) -> bool:
    """Follow links on; return whether every slot is in its component."""
    span, neighbor, _, kind = entries
    low, walk, cursor, stack, number, _ = work
    root, depth, top, count = state[0], state[1], state[2], state[3]
    while budget > 0 and (depth > 0 or root < len(low)):
        if depth == 0:
            walk[0], depth, root = root, 1 - min(number[root], 1), root + 1
            budget -= 1
            continue
        u = walk[depth - 1]
        if number[u] == 0:
            count += 1
            number[u], low[u], cursor[u], stack[top] = count, count, span[0, u, 0], u
            top += 1
        p, child = cursor[u], -1
        while p < span[0, u, 1] and child < 0:
            v = np.int64(neighbor[p])
            if allowed.size == 0 or (kind[p] < allowed.size and allowed[kind[p]]):
                if number[v] == 0:
                    child = int(v)  # and look at this entry again when it is done
                    break
                low[u] = min(low[u], low[v])
            p += 1
        budget -= p - cursor[u] + 1
        cursor[u] = p
        if child >= 0:
            walk[depth], depth = child, depth + 1
        else:
            depth -= 1
            if low[u] == number[u]:
                top = _complete(ids, work, top, u)
    state[0], state[1], state[2], state[3] = root, depth, top, count
    return bool(depth == 0 and root == len(low))
