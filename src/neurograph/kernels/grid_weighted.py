"""Kernels that search several weighted levels: all points within a radius, and the k nearest.

They take two forests (see `grid_forest`) as if they were one: the main one and the overlay. A query is compared with
the points of one group (points that define the same levels) at a time, over the levels that both define and that
have a weight above zero. A query is a row: coordinates (3 a level), weights (1 a level), which levels it defines,
radius.

Invariants:

1. The distance is ``sqrt(s) / sqrt(w)`` with ``s = t1 + t2 + …`` over the common levels, ascending, each
   ``((dx*dx + dy*dy) + dz*dz) * weight``, and w the sum of their weights in the same order; each operation is rounded
   to float64 on its own.
2. Invariants 2 to 5 of `grid_search` hold here as well.
3. `_screen` reads an eighth of the bytes and rules out only what is certainly above the limit; what it can't rule out
   is summed exactly.
4. `ints` is (query, part, depth of the stack or -1, hits, hits before the query, budget, status, group, levels), then
   places of levels and the stack. `floats` is values of levels, bounds of children, sums of a leaf, bounds on the
   stack. A call that ends early goes on from there.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
ByteArray = NDArray[np.uint8]
SingleArray = NDArray[np.float32]
Forest = tuple[FloatArray, FloatArray, IntArray, IntArray, ByteArray, ByteArray]
Answers = tuple[IntArray, IntArray, FloatArray]

QUERY, PART, DEPTH, HITS, BEFORE, BUDGET, STATUS, GROUP, LEVELS, PLACES, STACK = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 17
VALUES, BOUNDS, SUMS, KEYS = 0, 32, 40, 168
PATTERN, ROOT, BOX_ROW, LEAF, POINT_ROW, COLUMNS, BOTTOM, GROUP_ITEMS = 0, 1, 2, 3, 4, 5, 6, 7
DONE, PAUSED, FULL = 0, 1, 2
LAST = (1 << 63) - 1

# Parts of a kernel are compiled into it and never called from Python: without wrappers and files of their own, and
# with the largest of them inlined before types are inferred, the file compiles in two thirds of the time.
_OPTIONS: dict[str, Any] = {"nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_part = njit(**_OPTIONS)
_inline = njit(inline="always", **_OPTIONS)


@_part
def _limit(distance: float, norm: float) -> float:
    """Return what no sum is above whose computed distance is at most `distance`.

    The factor covers the four roundings on the way; the constant, sums below the least normal number.
    """
    root = distance * norm
    return root * root * (1.0 + 4e-15) + 1e-322


@_part
def _compare(group: IntArray, query: FloatArray, ints: IntArray, floats: FloatArray) -> float:
    """List the common levels (place in the group, coordinates, weight); return the root of their weights."""
    n, place, total, levels = 0, 0, 0.0, (query.shape[0] - 2) // 4
    mask = int(query[4 * levels])
    for level in range(levels):
        if group[PATTERN] >> level & 1:
            weight = query[3 * levels + level]
            if mask >> level & 1 and weight > 0.0:
                ints[PLACES + n] = place
                for axis in range(3):
                    floats[4 * n + axis] = query[3 * level + axis]
                floats[4 * n + 3] = weight
                total += weight
                n += 1
            place += 1
    ints[LEVELS] = n
    return math.sqrt(total)


@_part
def _bound(boxes: FloatArray, row: int, ints: IntArray, floats: FloatArray, out: FloatArray) -> None:
    """Write the least sum that a point in the box of each child can have (invariant 2)."""
    for i in range(ints[LEVELS]):
        r = row + 6 * ints[PLACES + i]
        x, y, z, weight = floats[4 * i], floats[4 * i + 1], floats[4 * i + 2], floats[4 * i + 3]
        for c in range(out.shape[0]):
            dx = max(boxes[r, c] - x, x - boxes[r + 3, c])
            dy = max(boxes[r + 1, c] - y, y - boxes[r + 4, c])
            dz = max(boxes[r + 2, c] - z, z - boxes[r + 5, c])
            dx, dy, dz = max(dx, 0.0), max(dy, 0.0), max(dz, 0.0)
            out[c] = (out[c] if i else 0.0) + ((dx * dx + dy * dy) + dz * dz) * weight


@_part
def _sum(points: FloatArray, row: int, limit: float, ints: IntArray, floats: FloatArray, out: FloatArray) -> bool:
    """Write the sum of each point of a leaf; return False as soon as all of them are above the limit."""
    for i in range(ints[LEVELS]):
        r = row + 3 * ints[PLACES + i]
        x, y, z, weight = floats[4 * i], floats[4 * i + 1], floats[4 * i + 2], floats[4 * i + 3]
        for c in range(out.shape[0]):
            dx, dy, dz = points[r, c] - x, points[r + 1, c] - y, points[r + 2, c] - z
            out[c] = (out[c] if i else 0.0) + ((dx * dx + dy * dy) + dz * dz) * weight
        if i & 1:
            near = 0
            for c in range(out.shape[0]):
                near += int(out[c] <= limit)
            if near == 0:
                return False
    return True


@_part
def _screen(
    forest: Forest,
    group: IntArray,
    leaf: int,
    limit: float,
    ints: IntArray,
    floats: FloatArray,
    far: NDArray[np.float32],
) -> int:
    """Count the points of a leaf whose codes can't rule them out (far is at most far[-1]); -1 if codes tell nothing.

    In units of the limit, the root of a point's sum is at least the root of its codes' sum less the root of
    `spread` (Minkowski): half a step an axis, and what rounding takes from the query's place in steps, which is cut
    at 1e6 steps, on the safe side. 4e-6 covers the 28 roundings to float32. What is no normal number says -1.
    """
    boxes, codes = forest[1], forest[5]
    n, child, sound, total, spread = far.shape[0] - 1, leaf % boxes.shape[1], True, 0.0, 0.0
    box_row = group[BOX_ROW] + (group[BOTTOM] - group[ROOT] + leaf // boxes.shape[1]) * 2 * group[COLUMNS]
    for j in range(3 * ints[LEVELS]):
        column, weight, box = (
            3 * ints[PLACES + j // 3] + j % 3,
            floats[j // 3 * 4 + 3],
            ints[PLACES + j // 3] * 6 + j % 3,
        )
        low, high = boxes[box_row + box, child], boxes[box_row + box + 3, child]
        offset, step = floats[j // 3 * 4 + j % 3] - low, (high - low) / 255.0
        t, a = -1.0, weight * (offset * offset) / limit
        sound &= high == low or 1e-100 < step < 1e100
        if step > 0.0:
            t, a = min(max(offset / step, -1e6), 1e6), weight * (step * step) / limit
            spread += a * (0.501 + abs(t) * 1.2e-7) ** 2
        total += a
        place, factor, row = np.float32(t), np.float32(a), group[POINT_ROW] + leaf * group[COLUMNS] + column
        for c in range(n):
            d = np.float32(codes[row, c]) - place
            far[c] = (far[c] if j else np.float32(0.0)) + factor * (d * d)
    far[n] = (1.0 + math.sqrt(spread)) ** 2 * (1.0 + 4e-6)
    near = 0
    for c in range(n):
        near += int(far[c] <= far[n])
    return near if sound and total < 1e37 else -1


@_part
def _look(
    forest: Forest,
    group: IntArray,
    leaf: int,
    limit: float,
    ints: IntArray,
    floats: FloatArray,
    far: NDArray[np.float32],
) -> bool:
    """Write the sums of a leaf's points that may be within the limit, NaN for others; return whether any is."""
    points, sums = forest[0], floats[SUMS : SUMS + forest[0].shape[1]]
    row, near = group[POINT_ROW] + leaf * group[COLUMNS], -1
    if forest[5].shape[0] > 0 and ints[LEVELS] > 1 and limit < np.inf:
        near = _screen(forest, group, leaf, limit, ints, floats, far)
    if near < 0 or near > sums.shape[0] // 8:
        return bool(_sum(points, row, limit, ints, floats, sums))
    for c in range(sums.shape[0] if near else 0):
        total = np.nan
        if far[c] <= far[-1]:
            total = 0.0
            for i in range(ints[LEVELS]):
                r = row + 3 * ints[PLACES + i]
                dx, dy, dz = (
                    points[r, c] - floats[4 * i],
                    points[r + 1, c] - floats[4 * i + 1],
                    points[r + 2, c] - floats[4 * i + 2],
                )
                total += ((dx * dx + dy * dy) + dz * dz) * floats[4 * i + 3]
        sums[c] = total
    return bool(near > 0)


@_inline
def _gather(
    forest: Forest, group: IntArray, radius: float, norm: float, answers: Answers, ints: IntArray, floats: FloatArray
) -> int:
    """Append what is within the radius in one group; return DONE, PAUSED or FULL."""
    points, boxes, frame, ids, alive, codes = forest
    _, out_ids, out_d = answers
    stack, bounds, sums = ints[STACK:], floats[BOUNDS : BOUNDS + boxes.shape[1]], floats[SUMS : SUMS + points.shape[1]]
    nodes, size, columns, limit = frame[1], points.shape[1], group[COLUMNS], _limit(radius, norm)
    first, depth, hits, budget = 2 + GROUP_ITEMS * frame[0], ints[DEPTH], ints[HITS], ints[BUDGET]
    far = np.empty(size + 1 if codes.shape[0] else 0, np.float32)
    while depth > 0 and budget > 0 and hits + size <= out_d.shape[0]:
        budget -= 1
        depth -= 1
        code = stack[depth]
        if code < nodes:
            _bound(boxes, group[BOX_ROW] + (code - group[ROOT]) * 2 * columns, ints, floats, bounds)
            begin = frame[first + 2 * code]
            for c in range(frame[first + 2 * code + 1] - begin):
                stack[depth] = begin + c
                depth += int(bounds[c] <= limit)
        elif _look(forest, group, code - nodes - group[LEAF], limit, ints, floats, far):
            near, c = 0, 0
            for i in range(size):  # to count first, then stop at the last one, is 1.3 times as fast
                near += int(sums[i] <= limit)
            while near > 0:
                if sums[c] <= limit:
                    near -= 1
                    slot = (code - nodes) * size + c
                    if alive[slot]:
                        out_d[hits], out_ids[hits] = np.sqrt(sums[c]) / norm, ids[slot]
                        hits += int(out_d[hits] <= radius)
                c += 1
    ints[DEPTH], ints[HITS], ints[BUDGET] = depth, hits, budget
    return DONE if depth == 0 else (PAUSED if budget == 0 else FULL)


@_inline
def _next(ints: IntArray, groups: int) -> None:
    """Go on to the next group, in the next part after the last one."""
    ints[GROUP] += 1
    ints[DEPTH] = -1
    if ints[GROUP] >= groups:
        ints[PART] += 1
        ints[GROUP] = 0


@njit(cache=True, nogil=True)
def radius(
    parts: tuple[Forest, Forest], queries: FloatArray, answers: Answers, ints: IntArray, floats: FloatArray
) -> None:
    """Append the hits of each query, in no order.

    Sets ints[STATUS]: DONE; PAUSED, to be called again; FULL, to be called with longer answers.
    """
    while ints[QUERY] < queries.shape[0]:
        query = queries[ints[QUERY]]
        while ints[PART] < 2:
            forest = parts[ints[PART]]
            if ints[GROUP] < forest[2][0]:
                group = forest[2][2 + GROUP_ITEMS * ints[GROUP] : 2 + GROUP_ITEMS * (ints[GROUP] + 1)]
                norm = _compare(group, query, ints, floats)
                if ints[DEPTH] < 0:
                    ints[STACK] = group[ROOT]
                    ints[DEPTH] = int(ints[LEVELS] > 0)
                ints[STATUS] = _gather(forest, group, query[query.shape[0] - 1], norm, answers, ints, floats)
                if ints[STATUS] != DONE:
                    return
            _next(ints, forest[2][0])
        ints[QUERY] += 1
        ints[PART] = 0
        answers[0][ints[QUERY]] = ints[HITS]
    ints[STATUS] = DONE


@_part
def _replace(distances: FloatArray, ids: IntArray, size: int, distance: float, id_: int) -> None:
    """Put a hit in the place of the last one of a heap with the last one in order on top."""
    place = 0
    while True:
        c = 2 * place + 1
        if c >= size:
            break
        if c + 1 < size and (
            distances[c + 1] > distances[c] or (distances[c + 1] == distances[c] and ids[c + 1] > ids[c])
        ):
            c += 1
        if distances[c] < distance or (distances[c] == distance and ids[c] < id_):
            break
        distances[place], ids[place] = distances[c], ids[c]
        place = c
    distances[place], ids[place] = distance, id_


@_part
def _push(bounds: FloatArray, first: int, n: int, limit: float, stack: IntArray, keys: FloatArray, depth: int) -> int:
    """Put children within the limit on the stack, the nearest on top; return the depth."""
    base = depth
    for c in range(n):
        bound = bounds[c]
        if bound <= limit:
            j = depth
            while j > base and keys[j - 1] < bound:
                keys[j], stack[j] = keys[j - 1], stack[j - 1]
                j -= 1
            keys[j], stack[j] = bound, first + c
            depth += 1
    return depth


@_inline
def _approach(
    forest: Forest, group: IntArray, radius: float, norm: float, heap: Answers, ints: IntArray, floats: FloatArray
) -> int:
    """Let the points of one group into the heap; return DONE or PAUSED."""
    points, boxes, frame, ids, alive, codes = forest
    _, heap_i, heap_d = heap
    stack, keys, bounds = ints[STACK:], floats[KEYS:], floats[BOUNDS : BOUNDS + boxes.shape[1]]
    sums, nodes, first, size = (
        floats[SUMS : SUMS + points.shape[1]],
        frame[1],
        2 + GROUP_ITEMS * frame[0],
        points.shape[1],
    )
    far = np.empty(size + 1 if codes.shape[0] else 0, np.float32)
    depth, hits, limit, columns = ints[DEPTH], ints[HITS], _limit(min(radius, heap_d[0]), norm), group[COLUMNS]
    while depth > 0 and ints[BUDGET] > 0:
        depth -= 1
        code = stack[depth]
        if keys[depth] > limit:
            continue
        ints[BUDGET] -= 1
        if code < nodes:
            _bound(boxes, group[BOX_ROW] + (code - group[ROOT]) * 2 * columns, ints, floats, bounds)
            begin = frame[first + 2 * code]
            depth = _push(bounds, begin, frame[first + 2 * code + 1] - begin, limit, stack, keys, depth)
        elif _look(forest, group, code - nodes - group[LEAF], limit, ints, floats, far):
            for c in range(size):
                slot = (code - nodes) * size + c
                if sums[c] <= limit and alive[slot]:
                    distance, id_ = np.sqrt(sums[c]) / norm, ids[slot]
                    nearer = distance < heap_d[0] or (distance == heap_d[0] and id_ <= heap_i[0])
                    if nearer and distance <= radius:
                        _replace(heap_d, heap_i, heap_d.shape[0], distance, id_)
                        hits += 1
                        limit = _limit(min(radius, heap_d[0]), norm)
    ints[DEPTH], ints[HITS] = depth, hits
    return DONE if depth == 0 else PAUSED


@_inline
def _drain(heap: Answers) -> None:
    """Put a heap in order."""
    for n in range(heap[2].shape[0] - 1, 0, -1):
        distance, id_ = heap[2][n], heap[1][n]
        heap[2][n], heap[1][n] = heap[2][0], heap[1][0]
        _replace(heap[2], heap[1], n, distance, id_)


@njit(cache=True, nogil=True)
def nearest(
    parts: tuple[Forest, Forest], queries: FloatArray, k: int, answers: Answers, ints: IntArray, floats: FloatArray
) -> None:
    """Append the k nearest of each query within its radius; the answers have room for k hits a query.

    Sets ints[STATUS]: DONE, or PAUSED, to be called again.
    """
    while ints[QUERY] < queries.shape[0]:
        query, before = queries[ints[QUERY]], ints[BEFORE]
        heap = (answers[0], answers[1][before : before + k], answers[2][before : before + k])
        if ints[PART] + ints[GROUP] == 0 and ints[DEPTH] < 0:
            for n in range(k):
                heap[1][n], heap[2][n] = LAST, np.inf
        while ints[PART] < 2:
            forest = parts[ints[PART]]
            if ints[GROUP] < forest[2][0]:
                group = forest[2][2 + GROUP_ITEMS * ints[GROUP] : 2 + GROUP_ITEMS * (ints[GROUP] + 1)]
                norm = _compare(group, query, ints, floats)
                if ints[DEPTH] < 0:
                    ints[STACK], floats[KEYS] = group[ROOT], 0.0
                    ints[DEPTH] = int(ints[LEVELS] > 0)
                ints[STATUS] = _approach(forest, group, query[query.shape[0] - 1], norm, heap, ints, floats)
                if ints[STATUS] != DONE:
                    return
            _next(ints, forest[2][0])
        _drain(heap)
        ints[BEFORE] += min(ints[HITS], k)
        ints[QUERY] += 1
        ints[PART], ints[HITS] = 0, 0
        answers[0][ints[QUERY]] = ints[BEFORE]
    ints[STATUS] = DONE
