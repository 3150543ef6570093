"""Kernels that search one level: all points within a radius, and the k nearest.

They take two forests of one group with three columns (see `grid_forest`) as if they were one: the main one and the
overlay. A query is a row: x, y, z, radius.

Invariants:

1. The distance is ``sqrt((dx*dx + dy*dy) + dz*dz)``. Every operation is rounded to float64 on its own (no fused
   multiply-add), so SQL and numpy get the same bits.
2. The bound of a box is computed by the same operations in the same order, and each of them is monotone under
   rounding; so it is at most the computed distance of any point in the box, without a slack.
3. What is compared before the root is taken uses `_limit`, which is never too small; what decides is the distance
   itself, so an infinite distance is within no finite radius, and SQL's ``distance <= radius`` agrees.
4. Answers are ordered by (distance, id). No two points have the same id.
5. NaN stands for "no point" in a leaf and compares as false with everything.
6. `ints` is (query, part, depth of the stack or -1, hits, hits before the query, budget, status), then the stack.
   `floats` is bounds of children, sums of a leaf, bounds on the stack. A call that ends early goes on from there.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Forest = tuple[FloatArray, FloatArray, IntArray, IntArray, NDArray[np.uint8]]
Answers = tuple[IntArray, IntArray, FloatArray]
Query = tuple[float, float, float, float]

QUERY, PART, DEPTH, HITS, BEFORE, BUDGET, STATUS, STACK = 0, 1, 2, 3, 4, 5, 6, 8
BOUNDS, SUMS, KEYS = 0, 8, 40
GROUP_ITEMS, FAN = 7, 8  # as in `grid_forest`
DONE, PAUSED, FULL, UNSORTED = 0, 1, 2, 3
RUN = 64  # hits put in order before runs are merged
LAST = (1 << 63) - 1
SORTED = 1 << 16  # hits a kernel puts in order by itself: 5 ms

# Parts of a kernel are compiled into it and never called from Python: without wrappers and files of their own, and
# with the largest of them inlined before types are inferred, the file compiles in two thirds of the time.
_OPTIONS: dict[str, Any] = {"nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_part = njit(**_OPTIONS)
_inline = njit(inline="always", **_OPTIONS)


@_part
def _limit(distance: float) -> float:
    """Return what no square is above whose computed root is at most `distance`.

    The factor covers the roundings on the way; the constant, squares below the least normal number.
    """
    return distance * distance * (1.0 + 2e-15) + 1e-322


@_inline
def _bound(boxes: FloatArray, node: int, query: FloatArray, out: FloatArray) -> None:
    """Write the least square of a distance that a point in the box of each child can have (invariant 2)."""
    x, y, z, row = query[0], query[1], query[2], 6 * node
    for c in range(out.shape[0]):
        dx = max(boxes[row, c] - x, x - boxes[row + 3, c])
        dy = max(boxes[row + 1, c] - y, y - boxes[row + 4, c])
        dz = max(boxes[row + 2, c] - z, z - boxes[row + 5, c])
        dx, dy, dz = max(dx, 0.0), max(dy, 0.0), max(dz, 0.0)
        out[c] = (dx * dx + dy * dy) + dz * dz


@_inline
def _square(points: FloatArray, leaf: int, query: FloatArray, limit: float, out: FloatArray) -> int:
    """Write the square of each point's distance; return how many are at most the limit."""
    x, y, z, row, near = query[0], query[1], query[2], 3 * leaf, 0
    for c in range(out.shape[0]):
        dx, dy, dz = points[row, c] - x, points[row + 1, c] - y, points[row + 2, c] - z
        out[c] = (dx * dx + dy * dy) + dz * dz
    for c in range(out.shape[0]):
        near += int(out[c] <= limit)
    return near


@njit(cache=True, nogil=True)
def merge_runs(distances: FloatArray, ids: IntArray, to_d: FloatArray, to_i: IntArray, width: int) -> None:
    """Merge neighbouring runs of `width` in order into runs of twice that, into other arrays."""
    n = distances.shape[0]
    for low in range(0, n, 2 * width):
        a, b, end_a, end_b = low, low + width, min(low + width, n), min(low + 2 * width, n)
        for i in range(low, end_b):
            left = b >= end_b or (
                a < end_a and (distances[a] < distances[b] or (distances[a] == distances[b] and ids[a] < ids[b]))
            )
            p = a if left else b
            to_d[i], to_i[i] = distances[p], ids[p]
            a += int(left)
            b += int(not left)


@njit(cache=True, nogil=True)
def sort_runs(distances: FloatArray, ids: IntArray) -> None:
    """Put runs of RUN in order, each hit where as many go before it.

    The square of a run's length, but eight comparisons at once and no branch: 50 hits in 0.5 µs, by insertion 1.2.
    """
    other_d, other_i = np.empty(RUN), np.empty(RUN, np.int64)
    for low in range(0, distances.shape[0], RUN):
        n = min(RUN, distances.shape[0] - low)
        for i in range(n):
            other_d[i], other_i[i] = distances[low + i], ids[low + i]
        for i in range(n):
            distance, id_, before = other_d[i], other_i[i], low
            for j in range(n):
                before += int((other_d[j] < distance) | ((other_d[j] == distance) & (other_i[j] < id_)))
            distances[before], ids[before] = distance, id_


@_inline
def _sort(distances: FloatArray, ids: IntArray) -> None:
    """Put hits in order of (distance, id)."""
    n = distances.shape[0]
    sort_runs(distances, ids)
    if n > RUN:
        other_d, other_i, width = np.empty(n), np.empty(n, np.int64), min(RUN, n)
        while width < n:
            merge_runs(distances, ids, other_d, other_i, width)
            for i in range(n):  # a slice assignment here costs 3 s of compiling
                distances[i], ids[i] = other_d[i], other_i[i]
            width *= 2


@_inline
def _keep(
    forest: Forest, leaf: int, query: FloatArray, sums: FloatArray, near: int, answers: Answers, hits: int
) -> int:
    """Append the points of a leaf that are within the radius; `near` are within its limit. Return the hits."""
    ids, alive, limit, c = forest[3], forest[4], _limit(query[3]), 0
    while near > 0:  # to count first and stop at the last one is 1.3 times as fast as to look at all
        if sums[c] <= limit:
            near -= 1
            slot = leaf * sums.shape[0] + c
            if alive[slot]:
                answers[2][hits], answers[1][hits] = np.sqrt(sums[c]), ids[slot]
                hits += int(answers[2][hits] <= query[3])
        c += 1
    return hits


@_inline
def _gather(forest: Forest, query: FloatArray, answers: Answers, ints: IntArray, floats: FloatArray) -> int:
    """Append what is within the radius in one forest; return DONE, PAUSED or FULL."""
    points, boxes, frame, _, _ = forest
    stack, bounds, sums = ints[STACK:], floats[BOUNDS : BOUNDS + boxes.shape[1]], floats[SUMS : SUMS + points.shape[1]]
    first, nodes, limit, room = (
        2 + GROUP_ITEMS * frame[0],
        frame[1],
        _limit(query[3]),
        answers[2].shape[0] - sums.shape[0],
    )
    depth, hits, budget = ints[DEPTH], ints[HITS], ints[BUDGET]
    while depth > 0 and budget > 0 and hits <= room:
        budget -= 1
        depth -= 1
        code = stack[depth]
        if code < nodes:
            _bound(boxes, code, query, bounds)
            begin = frame[first + 2 * code]
            for c in range(frame[first + 2 * code + 1] - begin):
                stack[depth] = begin + c
                depth += int(bounds[c] <= limit)
        else:
            near = _square(points, code - nodes, query, limit, sums)
            hits = _keep(forest, code - nodes, query, sums, near, answers, hits)
    ints[DEPTH], ints[HITS], ints[BUDGET] = depth, hits, budget
    return DONE if depth == 0 else (PAUSED if budget == 0 else FULL)


@njit(cache=True, nogil=True)
def radius(
    parts: tuple[Forest, Forest], queries: FloatArray, answers: Answers, ints: IntArray, floats: FloatArray
) -> None:
    """Append the hits of each query, in order.

    Sets ints[STATUS]: DONE; PAUSED, to be called again; FULL, to be called with longer answers; UNSORTED, the
    caller puts the hits of the query before ints[QUERY] in order, and calls again.
    """
    indptr, out_ids, out_d = answers
    while ints[QUERY] < queries.shape[0]:
        query = queries[ints[QUERY]]
        while ints[PART] < 2:
            forest = parts[ints[PART]]
            if ints[DEPTH] < 0:
                ints[STACK] = 0
                ints[DEPTH] = int(forest[2][1] > 0)
            ints[STATUS] = _gather(forest, query, answers, ints, floats)
            if ints[STATUS] != DONE:
                return
            ints[PART] += 1
            ints[DEPTH] = -1
        before, hits = ints[BEFORE], ints[HITS]
        ints[QUERY] += 1
        ints[PART], ints[BEFORE] = 0, hits
        indptr[ints[QUERY]] = hits
        if hits - before > SORTED:
            ints[STATUS] = UNSORTED
            return
        _sort(out_d[before:hits], out_ids[before:hits])
    ints[STATUS] = DONE


@njit(cache=True, nogil=True)
def sort(answers: Answers, ints: IntArray) -> None:
    """Put each query's hits in order, from query ints[QUERY] on; as `radius` does it."""
    indptr, ids, distances = answers
    while ints[QUERY] < indptr.shape[0] - 1:
        before, hits = indptr[ints[QUERY]], indptr[ints[QUERY] + 1]
        ints[QUERY] += 1
        if hits - before > SORTED:
            ints[STATUS] = UNSORTED
            return
        _sort(distances[before:hits], ids[before:hits])
    ints[STATUS] = DONE


@_part
def _replace(distances: FloatArray, ids: IntArray, base: int, size: int, distance: float, id_: int) -> None:
    """Put a hit in the place of the last one of a heap, which begins at `base` with the last one in order."""
    place = 0
    while True:
        c = 2 * place + 1
        if c >= size:
            break
        at = base + c
        if c + 1 < size and (
            distances[at + 1] > distances[at] or (distances[at + 1] == distances[at] and ids[at + 1] > ids[at])
        ):
            at += 1
            c += 1
        if distances[at] < distance or (distances[at] == distance and ids[at] < id_):
            break
        distances[base + place] = distances[at]
        ids[base + place] = ids[at]
        place = c
    distances[base + place] = distance
    ids[base + place] = id_


@_part
def _approach(
    forest: Forest, query: Query, k: int, ids: IntArray, distances: FloatArray, ints: IntArray, floats: FloatArray
) -> None:
    """Let the points of one forest into the heap until none is left that may be nearer, or the budget is used up.

    In one piece, with single assignments and without slices and builtins where it can: like that the file's `nearest`
    compiles in 0.8 s, cut into small functions in 1.3, and is 1.1 times as fast.
    """
    points, boxes, frame, own, alive = forest
    x, y, z, radius = query
    nodes, size, depth, hits, base = frame[1], points.shape[1], ints[DEPTH], ints[HITS], ints[BEFORE]
    limit = _limit(radius if radius < distances[base] else distances[base])
    while depth > 0 and ints[BUDGET] > 0:
        depth -= 1
        if floats[KEYS + depth] > limit:
            continue
        ints[BUDGET] -= 1
        code = ints[STACK + depth]
        if code < nodes:  # put its children within the limit on the stack, the nearest on top
            row, low, at = 6 * code, depth, 2 + GROUP_ITEMS * frame[0] + 2 * code
            for c in range(FAN):
                dx = max(boxes[row, c] - x, x - boxes[row + 3, c], 0.0)
                dy = max(boxes[row + 1, c] - y, y - boxes[row + 4, c], 0.0)
                dz = max(boxes[row + 2, c] - z, z - boxes[row + 5, c], 0.0)
                floats[c] = (dx * dx + dy * dy) + dz * dz
            first = frame[at]
            for c in range(frame[at + 1] - first):
                bound, j = floats[c], depth
                if bound <= limit:
                    while j > low and floats[KEYS + j - 1] < bound:
                        floats[KEYS + j] = floats[KEYS + j - 1]
                        ints[STACK + j] = ints[STACK + j - 1]
                        j -= 1
                    floats[KEYS + j] = bound
                    ints[STACK + j] = first + c
                    depth += 1
            continue
        row, near, slot = 3 * (code - nodes), 0, size * (code - nodes)
        for c in range(size):
            dx, dy, dz = points[row, c] - x, points[row + 1, c] - y, points[row + 2, c] - z
            square = (dx * dx + dy * dy) + dz * dz
            floats[SUMS + c] = square
            if square <= limit:
                near += 1
        for c in range(size if near > 0 else 0):
            if floats[SUMS + c] <= limit and alive[slot + c]:
                distance, id_ = math.sqrt(floats[SUMS + c]), own[slot + c]
                nearer = distance < distances[base] or (distance == distances[base] and id_ <= ids[base])
                if nearer and distance <= radius:
                    _replace(distances, ids, base, k, distance, id_)
                    hits += 1
                    limit = _limit(radius if radius < distances[base] else distances[base])
    ints[DEPTH] = depth
    ints[HITS] = hits


@njit(cache=True, nogil=True)
def nearest(
    parts: tuple[Forest, Forest], queries: FloatArray, k: int, answers: Answers, ints: IntArray, floats: FloatArray
) -> None:
    """Append the k nearest of each query within its radius; the answers have room for k hits a query.

    Sets ints[STATUS]: DONE, or PAUSED, to be called again.
    """
    indptr, ids, distances = answers
    while ints[QUERY] < queries.shape[0]:
        q, base = ints[QUERY], ints[BEFORE]
        query = queries[q, 0], queries[q, 1], queries[q, 2], queries[q, 3]
        if ints[PART] == 0 and ints[DEPTH] < 0:
            for n in range(base, base + k):
                ids[n] = LAST
                distances[n] = np.inf
        while ints[PART] < 2:
            forest = parts[ints[PART]]
            if ints[DEPTH] < 0:
                ints[STACK] = 0
                floats[KEYS] = 0.0
                ints[DEPTH] = 1 if forest[2][1] > 0 else 0
            _approach(forest, query, k, ids, distances, ints, floats)
            if ints[DEPTH] > 0:
                ints[STATUS] = PAUSED
                return
            ints[PART] += 1
            ints[DEPTH] = -1
        for n in range(k - 1, 0, -1):
            distance, id_ = distances[base + n], ids[base + n]
            distances[base + n] = distances[base]
            ids[base + n] = ids[base]
            _replace(distances, ids, base, n, distance, id_)
        ints[BEFORE] += ints[HITS] if ints[HITS] < k else k
        ints[QUERY] += 1
        ints[PART] = 0
        ints[HITS] = 0
        indptr[ints[QUERY]] = ints[BEFORE]
    ints[STATUS] = DONE
