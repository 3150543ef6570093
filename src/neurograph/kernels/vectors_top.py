"""Kernels that find the k best rows for each query from approximate scores, exactly.

Invariants:

1. An approximate score differs from the true one by at most half of the query's `margin`. So a row that is among the
   k best has an approximate score of at least the k-th best approximate one less the margin: k rows have that score or
   a better one, and each of their true scores is at least it less half of the margin.
2. A heap holds the k best approximate scores met so far; its root only rises, so a row below the root less the margin
   is none of the k best, whatever is met later. All others are kept in `ids`.
3. Where more are kept than there is room for, the count is set to -1, and the caller asks for that query in full.
4. The order is: the true score, computed in float64 and rounded to float32, from the best down; then the row's number.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]

SUMS = {"reassoc", "contract", "nsz"}  # as in vectors_sums: equal rows have equal sums


@njit(cache=True, nogil=True)
def replace_root(heap: Float32Array, value: float) -> None:
    """Put `value` in the place of the least and restore the order of the heap."""
    at, size = 0, len(heap)
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= value:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = value


@njit(cache=True, nogil=True)
def keep_best(
    scores: Float32Array,
    first: int,
    margins: FloatArray,
    heaps: Float32Array,
    ids: IntArray,
    kept: Float32Array,
    counts: IntArray,
) -> None:
    """Look at the approximate scores of rows first, first + 1 …; scores (queries, rows)."""
    room = ids.shape[1]
    for i in range(len(scores)):
        heap, margin = heaps[i], margins[i]
        floor = np.float32(heap[0] - margin)
        for j in range(scores.shape[1]):
            score = scores[i, j]
            if score < floor or counts[i] < 0:
                continue
            if counts[i] == room:
                counts[i] = drop_below(floor, ids[i], kept[i])
                if counts[i] < 0:
                    continue
            ids[i, counts[i]], kept[i, counts[i]] = first + j, score
            counts[i] += 1
            if score > heap[0]:
                replace_root(heap, score)
                floor = np.float32(heap[0] - margin)


@njit(cache=True, nogil=True)
def drop_below(floor: np.float32, ids: IntArray, kept: Float32Array) -> int:
    """Drop what is below the floor and return how many are left; -1 where that is most of the room."""
    left = 0
    for c in range(len(ids)):
        if kept[c] >= floor:
            ids[left], kept[left] = ids[c], kept[c]
            left += 1
    return left if 4 * left <= 3 * len(ids) else -1


@njit(cache=True, nogil=True, fastmath=SUMS)
def settle(
    rows: Float32Array,
    queries: FloatArray,
    scaled: bool,
    ids: IntArray,
    counts: IntArray,
    found: IntArray,
    scores: Float32Array,
) -> None:
    """Write the best of each query's ids, in order, to found and scores, by their true scores."""
    for i in range(len(queries)):
        query, own, best = queries[i], found[i], scores[i]
        size = 0
        for c in range(counts[i]):
            row = rows[ids[i, c]]
            s = t = 0.0
            for k in range(len(query)):
                x = np.float64(row[k])
                s += x * query[k]
                t += x * x
            if scaled:
                s /= np.sqrt(t) if t != 0 else 1.0
            size = insert(own, best, size, ids[i, c], np.float32(s))


@njit(cache=True, nogil=True)
def insert(own: IntArray, best: Float32Array, size: int, row_id: int, score: np.float32) -> int:
    """Put a row in its place among the best `size`, if it has one, and return how many there are."""
    at = size
    if size == len(own):
        at -= 1
        if score < best[at] or (score == best[at] and row_id > own[at]):
            return size
    while at > 0 and (score > best[at - 1] or (score == best[at - 1] and row_id < own[at - 1])):
        best[at], own[at] = best[at - 1], own[at - 1]
        at -= 1
    best[at], own[at] = score, row_id
    return max(size, min(size + 1, len(own)))
