"""The kernel of breadth-first search.

Invariants:

1. The queue holds ``depth << 32 | slot``; depths never fall along it.
2. ``state`` is (head, tail, stamp, budget): the queue is done up to head and filled up to tail; a slot
   with ``seen[slot] == stamp`` is in it. A call goes on from there.
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
ByteArray = NDArray[np.uint8]

SLOT = (1 << 32) - 1


@njit(cache=True, nogil=True)
def bfs(
    entries: Entries,
    low: int,
    high: int,
    allowed: BoolArray,
    seen: ByteArray,
    queue: IntArray,
    state: IntArray,
    max_depth: int,
) -> bool:
    """Search on for about a budget of entries; return whether the search is over."""
    head, tail, stamp, budget = state[0], state[1], state[2], state[3]
    span, neighbor, _, kind = entries
    every = allowed.size == 0
    while head < tail and budget > 0:
        depth, u = queue[head] >> 32, queue[head] & SLOT
        if depth >= max_depth:
            head = tail
            break
        head += 1
        for side in range(low, high):
            budget -= span[side, u, 1] - span[side, u, 0] + 1
            for p in range(span[side, u, 0], span[side, u, 1]):
                if every or (kind[p] < allowed.size and allowed[kind[p]]):
                    v = neighbor[p]
                    if seen[v] != stamp:
                        seen[v] = stamp
                        queue[tail] = (depth + 1) << 32 | v
                        tail += 1
    state[0], state[1] = head, tail
    return bool(head == tail)
