"""The kernel of depth-first search.

Invariants:

1. The stack holds ``depth << 32 | rank of id``, what one node leads to as one run with its smallest id on
   top. A node may lie in it several times; the topmost is the one a recursive search would visit.
2. ``state`` is (found, top, needed, stamp, budget, max_depth, low, high). A slot with ``seen[slot] ==
   stamp`` was visited. A call that stops for a stack of `needed` has not begun with the node on top.
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

# Compiled into the kernels that call it and never called from Python: no wrapper, no file of its own.
_part = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload]

SLOT = (1 << 32) - 1


@_part
def _sort_down(run: IntArray, low: int, high: int) -> None:
    """Sort run[low:high] in descending order: Shell's sort, since runs are short or nearly in order."""
    gap = 1
    while 3 * gap + 1 < high - low:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(low + gap, high):
            value, j = run[i], i
            while j >= low + gap and run[j - gap] < value:
                run[j] = run[j - gap]
                j -= gap
            run[j] = value
        gap //= 3


@njit(cache=True, nogil=True)
def dfs(
    entries: Entries,
    allowed: BoolArray,
    rank: IntArray,
    by_rank: IntArray,
    seen: ByteArray,
    visited: IntArray,
    stack: IntArray,
    state: IntArray,
) -> bool:
    """Search on for about a budget of entries, or until the stack is full; return whether it is over."""
    found, top, needed, stamp, budget = state[0], state[1], state[2], state[3], state[4]
    max_depth, low, high = state[5], state[6], state[7]
    span, neighbor, _, kind = entries
    while top > 0 and budget > 0:
        depth, u = stack[top - 1] >> 32, stack[top - 1] & SLOT
        u = by_rank[u] if by_rank.size else u
        if seen[u] == stamp:
            top -= 1
            continue
        needed = top
        for side in range(low, high):
            needed += span[side, u, 1] - span[side, u, 0]
        if needed > len(stack):
            break
        top -= 1
        budget -= needed - top
        seen[u] = stamp
        visited[found] = depth << 32 | u
        found += 1
        if depth == max_depth:
            continue
        run = top
        for side in range(low, high):
            for p in range(span[side, u, 0], span[side, u, 1]):
                v = np.int64(neighbor[p])
                if seen[v] != stamp and (allowed.size == 0 or (kind[p] < allowed.size and allowed[kind[p]])):
                    stack[top] = (depth + 1) << 32 | (rank[v] if rank.size else v)
                    top += 1
        _sort_down(stack, run, top)
    state[0], state[1], state[2] = found, top, needed
    return bool(top == 0)
