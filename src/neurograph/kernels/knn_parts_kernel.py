"""The kernels that choose which partitions of rows a query looks at.

Invariants:

1. The chosen partitions are as near as any other, by `near`; of equally near ones the first.
2. Groups of slots are distinct and ascend. They hold all rows of the chosen partitions and all behind the last one, and
   may hold some of others: those that share a group with them. Moved slots in none of these groups are told apart.

Products are summed in float32, in any order: they say where to look, never what is found. Of 1,400 centers of 384
numbers, in codes of a byte, they take 10 µs, and 23 where other work has filled the caches; of float32 21 and 64.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Float32Array = NDArray[np.float32]
Bytes = NDArray[np.uint8]

GROUP = 16  # slots, as in `knn_scan_kernel`


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def multiply(codes: Bytes, scale: Float32Array, query: Float32Array, products: Float32Array) -> None:
    """Write the product of each point, ``scale * (codes - 127.5)``, (n, d), with a query."""
    middle = np.float32(0.0)
    for k in range(query.shape[0]):
        middle += np.float32(127.5) * query[k]
    for j in range(codes.shape[0]):
        row, total = codes[j], np.float32(0.0)
        for k in range(row.shape[0]):
            total += np.float32(row[k]) * query[k]
        products[j] = scale[j] * (total - middle)


@njit(cache=True, nogil=True)
def choose_groups(
    near: FloatArray, partitions: int, first: IntArray, moved: IntArray, end: int
) -> tuple[IntArray, IntArray]:
    """Return the groups of slots before `end` of so many nearest partitions, and the slots besides that are in none.

    `first` and `moved` are as of `knn_parts.Parts`.
    """
    count = near.shape[0]
    heap, size = np.empty(min(partitions, count)), 0
    for p in range(count):  # a heap of the nearest, the farthest of them on top
        place = size
        if size < heap.shape[0]:
            size += 1
            while place > 0 and heap[(place - 1) >> 1] > near[p]:
                heap[place] = heap[(place - 1) >> 1]
                place = (place - 1) >> 1
            heap[place] = near[p]
        elif near[p] > heap[0]:
            place = 0
            while True:
                child = 2 * place + 1
                if child + 1 < size and heap[child + 1] < heap[child]:
                    child += 1
                if child >= size or not heap[child] < near[p]:
                    break
                heap[place] = heap[child]
                place = child
            heap[place] = near[p]
    last, ties, most = heap[0], 0, ((end - first[count]) >> 4) + 2
    for i in range(size):
        ties += int(heap[i] == last)
    left = ties
    for p in range(count):
        if near[p] > last or (near[p] == last and left > 0):
            left -= int(near[p] == last)
            most += ((first[p + 1] - first[p]) >> 4) + 2
    groups, found, before = np.empty(most, np.int64), 0, -1
    for p in range(count + 1):
        until = first[p + 1] if p < count else end
        if p == count or near[p] > last or (near[p] == last and ties > 0):
            if p < count:
                ties -= int(near[p] == last)
            behind = (until + GROUP - 1) >> 4 if until > first[p] else 0  # of an empty one, nothing
            for group in range(max(first[p] >> 4, before + 1), behind):
                groups[found] = before = group
                found += 1
    besides, left, at = np.empty(moved.shape[0], np.int64), 0, 0
    for slot in moved:
        while at < found and groups[at] < slot >> 4:
            at += 1
        if at == found or groups[at] != slot >> 4:
            besides[left] = slot
            left += 1
    return groups[:found], besides[:left]
