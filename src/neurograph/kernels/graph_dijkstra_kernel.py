"""The kernels of cheapest paths: Dijkstra's algorithm with one canonical answer, and a guide that shortens it.

A path costs the sum of its links' costs, added from the source on in float64. Among equally cheap paths
the one of fewer links counts, then the predecessor of smallest id. Rounded addition never falls, so labels
(distance, links) are final when they are settled in that order, and every predecessor that can tie is
settled before; links of cost 0, or lost in rounding, are why links decide before ids.

Invariants:

1. A heap row is (distance as bits, links << 32 | slot): distances are at least 0, so their bits are in
   their order. A slot is in the heap once for each time it came nearer; only the first counts.
2. In a label the mark is base for a slot reached, base + 1 for one settled, below base for others.
3. Only `dijkstra` makes an answer. `meet` adds the costs of the far half in another order; what it finds
   are bounds, with a margin above all rounding: `dijkstra` leaves out what can't lie on a path as cheap
   as the cheapest met, and nothing that can tie. Where `meet` stops does not change the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .adjacency import Entries

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

# Compiled into the kernels that call it and never called from Python: no wrapper, no file of its own.
_part = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload]

# Called for every link: as a call of its own, counting references takes longer than its work.
_inline = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True)  # type: ignore[call-overload]

SLOT = (1 << 32) - 1
DISTANCE, MARK, LINKS, PREDECESSOR = 0, 1, 2, 3
INVERSE, WEIGHT, GIVEN = 0, 1, 2
MORE, DONE, FULL = 0, 1, 2


class Search(NamedTuple):
    """What a search remembers."""

    label: IntArray
    """(n, 4): distance as bits, mark, links, predecessor: half a cache line."""
    heap: IntArray
    """(capacity, 2)."""
    settled: IntArray
    """(n,): in the order of settling."""
    guide: IntArray
    """(n, 2): the label of the far end of `meet`; (0, 2) without a guide."""
    distance: FloatArray
    """(n, 4): `label` as floats."""
    beyond: FloatArray
    """(n, 2): `guide` as floats."""
    bits: IntArray
    """(1,): a float being turned into its bits."""
    reach: FloatArray
    """(1,): `bits` as float."""
    state: IntArray
    """size of the heap, settled, base, target, low, high, cost, base of the guide."""
    bound: FloatArray
    """cutoff; what a path may cost by the guide; what is at least left from a slot the guide has not settled."""


class Fronts(NamedTuple):
    """What a search from both ends remembers; end 0 searches from the source, end 1 back from the target."""

    label: IntArray
    """(2, n, 2): distance as bits, mark."""
    heap: IntArray
    """(2, capacity, 2)."""
    distance: FloatArray
    """(2, n, 2): `label` as floats."""
    top: FloatArray
    """(2, capacity, 2): `heap` as floats."""
    bits: IntArray
    """(1,): a float being turned into its bits."""
    reach: FloatArray
    """(1,): `bits` as float."""
    state: IntArray
    """size, low, high of end 0 and of end 1, then base, cost."""
    bound: FloatArray
    """what a path may cost; what the cheapest one met costs; what is at least left from slots unsettled at end 1."""


@_part
def _push(heap: IntArray, i: int, key: int, tag: int) -> None:
    """Add (key, tag) to heap[:i]."""
    while i > 0:
        up = (i - 1) >> 1
        if heap[up, 0] < key or (heap[up, 0] == key and heap[up, 1] <= tag):
            break
        heap[i, 0], heap[i, 1] = heap[up, 0], heap[up, 1]
        i = up
    heap[i, 0], heap[i, 1] = key, tag


@_part
def _pop(heap: IntArray, size: int) -> None:
    """Take the first row out of heap[:size + 1]."""
    key, tag, i, low = heap[size, 0], heap[size, 1], 0, 1
    while low < size:
        right = low + 1
        if right < size and (
            heap[right, 0] < heap[low, 0] or (heap[right, 0] == heap[low, 0] and heap[right, 1] < heap[low, 1])
        ):
            low = right
        if heap[low, 0] > key or (heap[low, 0] == key and heap[low, 1] >= tag):
            break
        heap[i, 0], heap[i, 1] = heap[low, 0], heap[low, 1]
        i, low = low, 2 * low + 1
    heap[i, 0], heap[i, 1] = key, tag


@_inline
def _offer(label: IntArray, rank: IntArray, base: int, distance: int, u: int, v: int) -> bool:
    """Make u the predecessor of v if that is better; return whether v came nearer."""
    links, old = label[u, LINKS] + 1, label[v, PREDECESSOR]
    same = label[v, MARK] == base and distance == label[v, DISTANCE]
    nearer: bool = label[v, MARK] < base or distance < label[v, DISTANCE] or (same and links < label[v, LINKS])
    if nearer:
        label[v, DISTANCE], label[v, MARK], label[v, LINKS], label[v, PREDECESSOR] = distance, base, links, u
    elif same and links == label[v, LINKS] and (rank[u] < rank[old] if rank.size else u < old):
        label[v, PREDECESSOR] = u
    return nearer


@njit(cache=True, nogil=True)
def dijkstra(
    entries: Entries, values: FloatArray, allowed: BoolArray, search: Search, rank: IntArray, budget: int
) -> int:
    """Settle on for about a budget of entries; stop at the target, or before the heap could overflow."""
    span, neighbor, _, kind = entries
    label, heap, settled, guide, distance, beyond, bits, reach, state, bound = search
    size, count, base, target, met = state[0], state[1], state[2], state[3], state[7]
    low, high, cost = state[4], state[5], state[6]
    while size > 0 and budget > 0:
        u, degree = heap[0, 1] & SLOT, 1
        for side in range(low, high):
            degree += span[side, u, 1] - span[side, u, 0]
        if size + degree > len(heap):
            state[0], state[1] = size, count
            return FULL
        size -= 1
        _pop(heap, size)
        if label[u, MARK] > base:
            continue
        label[u, MARK], settled[count] = base + 1, u
        count += 1
        budget -= degree
        if u == target:
            size = 0
            break
        for side in range(low, high):
            for p in range(span[side, u, 0], span[side, u, 1]):
                v = np.int64(neighbor[p])
                if label[v, MARK] > base or (cost != GIVEN and values[p] == 0.0):
                    continue
                if allowed.size and not (kind[p] < allowed.size and allowed[kind[p]]):
                    continue
                reach[0] = distance[u, DISTANCE] + (1.0 / values[p] if cost == INVERSE else values[p])
                left = 0.0
                if guide.size:
                    left = beyond[v, DISTANCE] if guide[v, MARK] > met else bound[2]
                if not (reach[0] <= bound[0] and reach[0] + left <= bound[1]):
                    continue
                if _offer(label, rank, base, bits[0], u, v):
                    _push(heap, size, bits[0], label[v, LINKS] << 32 | v)
                    size += 1
    state[0], state[1] = size, count
    return MORE if size > 0 else DONE


@njit(cache=True, nogil=True)
def meet(entries: Entries, values: FloatArray, allowed: BoolArray, ends: Fronts, budget: int) -> int:
    """Settle on from both ends in turns until no cheaper path can be met; bound what is left at end 1."""
    span, neighbor, _, kind = entries
    labels, heaps, distances, tops, bits, reach, state, bound = ends
    base, cost = state[6], state[7]
    while budget > 0:
        if state[0] == 0 or state[3] == 0 or tops[0, 0, 0] + tops[1, 0, 0] >= bound[1]:
            bound[2] = tops[1, 0, 0] if state[3] > 0 else np.inf
            return DONE
        at = 0 if state[0] <= state[3] else 1
        size, low, high = state[3 * at], state[3 * at + 1], state[3 * at + 2]
        label, heap = labels[at], heaps[at]
        u, degree = heap[0, 1], 1
        for side in range(low, high):
            degree += span[side, u, 1] - span[side, u, 0]
        if size + degree > len(heap):
            return FULL
        size -= 1
        _pop(heap, size)
        if label[u, MARK] == base:
            label[u, MARK] = base + 1
            budget -= degree
            for side in range(low, high):
                for p in range(span[side, u, 0], span[side, u, 1]):
                    v = np.int64(neighbor[p])
                    if label[v, MARK] > base or (cost != GIVEN and values[p] == 0.0):
                        continue
                    if allowed.size and not (kind[p] < allowed.size and allowed[kind[p]]):
                        continue
                    reach[0] = distances[at, u, 0] + (1.0 / values[p] if cost == INVERSE else values[p])
                    if reach[0] <= bound[0] and (label[v, MARK] < base or bits[0] < label[v, 0]):
                        label[v, DISTANCE], label[v, MARK] = bits[0], base
                        _push(heap, size, bits[0], v)
                        size += 1
                        if labels[1 - at, v, MARK] >= base:
                            reach[0] += distances[1 - at, v, 0]
                            bound[1] = reach[0] if reach[0] < bound[1] else bound[1]
        state[3 * at] = size
    return MORE
