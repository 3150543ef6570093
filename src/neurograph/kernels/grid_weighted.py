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


@_inline
def _steps(boxes: FloatArray, box: int, child: int, level: FloatArray, limit: float, out: SingleArray) -> float:
    """Write where the query is in a child's box, in steps an axis, and what a step weighs; return their spread.

    All in units of the limit. Infinite where codes tell nothing: a step or a weight is no normal number.
    """
    spread, weight = 0.0, level[3]
    for axis in range(3):
        low, high = boxes[box + axis, child], boxes[box + axis + 3, child]
        offset, step = level[axis] - low, (high - low) / 255.0
        place, factor = -1.0, weight * (offset * offset) / limit  # all points are on the face: one step from it
        if step > 0.0:
            place, factor = min(max(offset / step, -1e6), 1e6), weight * (step * step) / limit
            spread += factor * (0.501 + abs(place) * 1.2e-7) ** 2
        if not (factor < 1e36 and (high == low or 1e-100 < step < 1e100)):
            place, factor, spread = 0.0, 0.0, np.inf
        out[axis], out[3 + axis] = place, factor
    return spread


@_part
def _screen(
    forest: Forest, group: IntArray, leaf: int, limit: float, ints: IntArray, floats: FloatArray, far: SingleArray
) -> int:
    """Count the points of a leaf whose codes can't rule them out: those with far[c] at most far[-1].

    In units of the limit, the root of a point's sum is at least the root of its codes' sum less the root of the
    spread (Minkowski): half a step an axis, and what rounding to float32 takes from the query's place, which is cut
    at 1e6 steps, the safe side. 4e-6 covers the other 16 roundings to float32. An infinite spread rules nothing out.
    """
    boxes, codes, spread, near = forest[1], forest[5], 0.0, 0
    n, child, steps = far.shape[0] - 7, leaf % boxes.shape[1], far[far.shape[0] - 7 :]
    node = group[BOTTOM] - group[ROOT] + leaf // boxes.shape[1]
    for i in range(ints[LEVELS]):
        box = group[BOX_ROW] + node * 2 * group[COLUMNS] + 6 * ints[PLACES + i]
        spread += _steps(boxes, box, child, floats[4 * i : 4 * i + 4], limit, steps)
        row = group[POINT_ROW] + leaf * group[COLUMNS] + 3 * ints[PLACES + i]
        x, y, z, wx, wy, wz = steps[0], steps[1], steps[2], steps[3], steps[4], steps[5]
        for c in range(n):
            dx, dy = np.float32(codes[row, c]) - x, np.float32(codes[row + 1, c]) - y
            dz = np.float32(codes[row + 2, c]) - z
            far[c] = (far[c] if i else np.float32(0.0)) + (wx * (dx * dx) + wy * (dy * dy) + wz * (dz * dz))
        if i & 1 or i == ints[LEVELS] - 1:
            bound, near = np.float32((1.0 + math.sqrt(spread)) ** 2 * (1.0 + 4e-6)), 0
            for c in range(n):
                near += int(far[c] <= bound)
            if near == 0:
                break
            steps[6] = bound
    return near


@_part
def _look(
    forest: Forest, group: IntArray, leaf: int, limit: float, ints: IntArray, floats: FloatArray, far: SingleArray
) -> bool:
    """Write the sums of a leaf's points that may be within the limit, NaN for others; return whether any is."""
    points, sums = forest[0], floats[SUMS : SUMS + forest[0].shape[1]]
    row, near = group[POINT_ROW] + leaf * group[COLUMNS], sums.shape[0]
    if forest[5].shape[0] > 0 and ints[LEVELS] > 1 and limit < np.inf:
        near = _screen(forest, group, leaf, limit, ints, floats, far)
    if near > sums.shape[0] // 8:
        return bool(_sum(points, row, limit, ints, floats, sums))
    for c in range(sums.shape[0] if near else 0):
        sums[c] = 0.0 if far[c] <= far[far.shape[0] - 1] else np.nan
        for i in range(ints[LEVELS] if sums[c] == 0.0 else 0):
            r = row + 3 * ints[PLACES + i]
            dx, dy, dz = points[r, c] - floats[4 * i], points[r + 1, c] - floats[4 * i + 1], points[r + 2, c]
            dz -= floats[4 * i + 2]
            sums[c] += ((dx * dx + dy * dy) + dz * dz) * floats[4 * i + 3]
    return bool(near > 0)


@_inline
def _keep(forest: Forest, leaf: int, radius: float, norm: float, sums: FloatArray, answers: Answers, hits: int) -> int:
    """Append the points of a leaf that are within the radius; return the hits."""
    ids, alive, limit, size = forest[3], forest[4], _limit(radius, norm), sums.shape[0]
    for c in range(size):
        if sums[c] <= limit and alive[leaf * size + c]:
            answers[2][hits], answers[1][hits] = np.sqrt(sums[c]) / norm, ids[leaf * size + c]
            hits += int(answers[2][hits] <= radius)
    return hits


@_inline
def _gather(
    forest: Forest, group: IntArray, radius: float, norm: float, answers: Answers, ints: IntArray, floats: FloatArray
) -> int:
    """Append what is within the radius in one group; return DONE, PAUSED or FULL."""
    boxes, frame, size, limit = forest[1], forest[2], forest[0].shape[1], _limit(radius, norm)
    stack, bounds, sums = ints[STACK:], floats[BOUNDS : BOUNDS + boxes.shape[1]], floats[SUMS : SUMS + size]
    nodes, first, far = frame[1], 2 + GROUP_ITEMS * frame[0], np.empty(size + 7, np.float32)
    depth, hits, budget, room = ints[DEPTH], ints[HITS], ints[BUDGET], answers[2].shape[0] - size
    while depth > 0 and budget > 0 and hits <= room:
        budget -= 1
        depth -= 1
        code = stack[depth]
        if code < nodes:
            _bound(boxes, group[BOX_ROW] + (code - group[ROOT]) * 2 * group[COLUMNS], ints, floats, bounds)
            begin = frame[first + 2 * code]
            for c in range(frame[first + 2 * code + 1] - begin):
                stack[depth] = begin + c
                depth += int(bounds[c] <= limit)
        elif _look(forest, group, code - nodes - group[LEAF], limit, ints, floats, far):
            hits = _keep(forest, code - nodes, radius, norm, sums, answers, hits)
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
def _offer(forest: Forest, leaf: int, radius: float, norm: float, sums: FloatArray, heap: Answers, hits: int) -> int:
    """Let the points of a leaf into the heap; return how many were let in so far."""
    ids, alive, limit, size = forest[3], forest[4], _limit(min(radius, heap[2][0]), norm), sums.shape[0]
    for c in range(size):
        if sums[c] <= limit and alive[leaf * size + c]:
            distance, id_ = np.sqrt(sums[c]) / norm, ids[leaf * size + c]
            nearer = distance < heap[2][0] or (distance == heap[2][0] and id_ <= heap[1][0])
            if nearer and distance <= radius:
                _replace(heap[2], heap[1], heap[2].shape[0], distance, id_)
                hits += 1
                limit = _limit(min(radius, heap[2][0]), norm)
    return hits


@_inline
def _approach(
    forest: Forest, group: IntArray, radius: float, norm: float, heap: Answers, ints: IntArray, floats: FloatArray
) -> int:
    """Let the points of one group into the heap; return DONE or PAUSED."""
    boxes, frame, size, limit = forest[1], forest[2], forest[0].shape[1], _limit(min(radius, heap[2][0]), norm)
    stack, keys, bounds = ints[STACK:], floats[KEYS:], floats[BOUNDS : BOUNDS + boxes.shape[1]]
    sums, nodes, first, far = (
        floats[SUMS : SUMS + size],
        frame[1],
        2 + GROUP_ITEMS * frame[0],
        np.empty(size + 7, np.float32),
    )
    depth, hits = ints[DEPTH], ints[HITS]
    while depth > 0 and ints[BUDGET] > 0:
        depth -= 1
        code = stack[depth]
        if keys[depth] > limit:
            continue
        ints[BUDGET] -= 1
        if code < nodes:
            _bound(boxes, group[BOX_ROW] + (code - group[ROOT]) * 2 * group[COLUMNS], ints, floats, bounds)
            begin = frame[first + 2 * code]
            depth = _push(bounds, begin, frame[first + 2 * code + 1] - begin, limit, stack, keys, depth)
        elif _look(forest, group, code - nodes - group[LEAF], limit, ints, floats, far):
            hits = _offer(forest, code - nodes, radius, norm, sums, heap, hits)
            limit = _limit(min(radius, heap[2][0]), norm)
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
