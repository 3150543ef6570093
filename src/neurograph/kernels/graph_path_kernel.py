"""The kernel of shortest paths by number of links: a search from both ends, and the one canonical answer.

Among equally short paths the answer is found backwards from the target: at each step the predecessor of
smallest id among those that lie on a shortest path from the source.

Invariants:

1. End 0 searches ahead from the source, end 1 back from the target; each finishes a depth before the
   next. ``mark[v, at] - base`` is the depth at which an end found v, below zero where it did not.
2. No slot is marked by both ends until the last depth. All slots then marked by both lie at the last
   depth of both: were one nearer to an end, they would have met before.
3. ``mark[v, THROUGH] - base`` is the predecessor of smallest id of a slot found ahead. Slots found back
   get theirs at the end, if they lie on a shortest path at all.
4. ``state[at]`` is (head, tail, depth, pending, low, high): the slots at the last depth are
   queue[at, head:tail], pending is the number of their entries. The end with fewer goes on; the answer
   does not depend on it. Low and high are the sides of the pool it walks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .adjacency import Entries

IntArray = NDArray[np.int64]
KindArray = NDArray[np.int32]
BoolArray = NDArray[np.bool_]

# Compiled into the kernels that call it and never called from Python: no wrapper, no file of its own.
_part = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload]

HEAD, TAIL, DEPTH, PENDING, LOW, HIGH = 0, 1, 2, 3, 4, 5
TOUCHED = 6  # a use for what was read ahead, so that the compiler keeps it
BATCH = 32
THROUGH = 2
MORE, APART = 0, -1  # else the number of links


class Ends(NamedTuple):
    """What a search remembers."""

    mark: KindArray
    """(n, 4) int32: what is known of a slot, in a quarter of a cache line; half the memory is 1.4 times as fast."""
    queue: IntArray
    """(2, n), by end."""
    state: IntArray
    """(2, 7), by end."""


@_part
def _earlier(rank: IntArray, u: int, v: int) -> bool:
    """Tell whether u has the smaller id."""
    return bool(rank[u] < rank[v] if rank.size else u < v)


@_part
def _touch(entries: Entries, slots: IntArray, low: int, high: int) -> int:
    """Read the first and last neighbors of some slots, one read not waiting for another: 1.2 times as fast."""
    span, neighbor, _, _ = entries
    touched = 0
    for side in range(low, high):
        for u in slots:
            if span[side, u, 0] < span[side, u, 1]:
                touched ^= neighbor[span[side, u, 0]] ^ neighbor[span[side, u, 1] - 1]
    return touched


@_part
def _trace(entries: Entries, allowed: BoolArray, ends: Ends, rank: IntArray, base: int) -> int:
    """Write the canonical path to queue[0] once the ends have met; return the number of its links.

    What the target's end walked is walked again, the farthest first: to go on from where the ends met
    would read all that hubs lead to.
    """
    span, neighbor, _, kind = entries
    mark, queue, state = ends
    for i in range(state[1, HEAD] - 1, -1, -1):
        v = queue[1, i]
        for side in range(state[1, LOW], state[1, HIGH]):
            for p in range(span[side, v, 0], span[side, v, 1]):
                u = np.int64(neighbor[p])
                if mark[u, 1] != mark[v, 1] + 1 or mark[u, THROUGH] < base:
                    continue
                if allowed.size == 0 or (kind[p] < allowed.size and allowed[kind[p]]):
                    old = mark[v, THROUGH] - base
                    if old < 0 or _earlier(rank, u, old):
                        mark[v, THROUGH] = base + u
    links, v = state[0, DEPTH] + state[1, DEPTH], queue[1, 0]
    for step in range(links, 0, -1):
        queue[0, step] = v
        v = mark[v, THROUGH] - base
    return int(links)


@njit(cache=True, nogil=True)
def search(
    entries: Entries, allowed: BoolArray, ends: Ends, rank: IntArray, base: int, cutoff: int, budget: int
) -> int:
    """Search on, depth by depth, until the ends meet or can't, or the budget of entries is spent."""
    span, neighbor, _, kind = entries
    mark, queue, state = ends
    met, touched = False, 0
    while budget > 0 and not met:
        at = 0 if state[0, PENDING] <= state[1, PENDING] else 1
        head, last, tail = state[at, HEAD], state[at, TAIL], state[at, TAIL]
        if head == last or state[0, DEPTH] + state[1, DEPTH] >= cutoff:
            return APART
        depth, pending = base + state[at, DEPTH] + 1, 0
        for i in range(head, last):
            u = queue[at, i]
            if (i - head) % BATCH == 0:
                touched ^= _touch(entries, queue[at, i : min(i + BATCH, last)], state[at, LOW], state[at, HIGH])
            for side in range(state[at, LOW], state[at, HIGH]):
                for p in range(span[side, u, 0], span[side, u, 1]):
                    v = np.int64(neighbor[p])
                    old = mark[v, at]
                    if (old >= base and (at == 1 or old != depth)) or (met and mark[v, 1 - at] < base):
                        continue
                    if allowed.size and not (kind[p] < allowed.size and allowed[kind[p]]):
                        continue
                    if old < base:
                        mark[v, at], queue[at, tail] = depth, v
                        tail += 1
                        met = met or mark[v, 1 - at] >= base
                    if at == 0 and (old < base or _earlier(rank, u, mark[v, THROUGH] - base)):
                        mark[v, THROUGH] = base + u
        state[at, TOUCHED] = touched
        if not met:
            for i in range(last, tail):
                for side in range(state[at, LOW], state[at, HIGH]):
                    pending += span[side, queue[at, i], 1] - span[side, queue[at, i], 0]
        budget -= state[at, PENDING] + 1
        state[at, HEAD], state[at, TAIL] = last, tail
        state[at, DEPTH], state[at, PENDING] = depth - base, pending
    return _trace(entries, allowed, ends, rank, base) if met else MORE
