"""Kernels that look at one level's space as it is: what lies in a box, how many lie within a radius.

They walk the forest of one level (one group, three columns), see `grid_forest`; distances and bounds as in
`grid_search`, invariants 1 and 2. `ints` is (query, depth of the stack or -1, hits, budget, status, hits before
the query) and then the stack; a call that ends early goes on from there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Forest = tuple[FloatArray, FloatArray, IntArray, IntArray, NDArray[np.uint8]]

QUERY, DEPTH, HITS, BUDGET, STATUS, BEFORE, STACK = 0, 1, 2, 3, 4, 5, 16
GROUP_ITEMS = 7
DONE, PAUSED, FULL = 0, 1, 2

# Parts of a kernel are compiled into it and never called from Python: without wrappers and files of their own.
_OPTIONS: dict[str, Any] = {"nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_part = njit(**_OPTIONS)


@_part
def _box(forest: Forest, corners: FloatArray, out: IntArray, ints: IntArray) -> None:
    """Append the ids of what is in one box; stops early without budget or room for a leaf."""
    points, boxes, frame, ids, alive = forest
    stack, first, nodes, size = ints[STACK:], 2 + GROUP_ITEMS * frame[0], frame[1], points.shape[1]
    depth, hits, budget = ints[DEPTH], ints[HITS], ints[BUDGET]
    while depth > 0 and budget > 0 and hits + size <= out.shape[0]:
        budget -= 1
        depth -= 1
        code = stack[depth]
        if code < nodes:
            begin = frame[first + 2 * code]
            for c in range(frame[first + 2 * code + 1] - begin):
                meets = True
                for axis in range(3):
                    meets &= boxes[6 * code + axis, c] <= corners[3 + axis]
                    meets &= boxes[6 * code + 3 + axis, c] >= corners[axis]
                stack[depth] = begin + c
                depth += int(meets)
        else:
            for c in range(size):
                inside = alive[(code - nodes) * size + c] != 0
                for axis in range(3):
                    value = points[3 * (code - nodes) + axis, c]
                    inside &= (value >= corners[axis]) & (value <= corners[3 + axis])
                out[hits] = ids[(code - nodes) * size + c]
                hits += int(inside)
    ints[DEPTH], ints[HITS], ints[BUDGET] = depth, hits, budget


@njit(cache=True, nogil=True)
def box(forest: Forest, corners: FloatArray, indptr: IntArray, out: IntArray, ints: IntArray) -> None:
    """Append the ids in each box (a row: least x, y, z, greatest x, y, z), in no order."""
    while ints[QUERY] < corners.shape[0]:
        if ints[DEPTH] < 0:
            ints[STACK] = 0
            ints[DEPTH] = int(forest[2][1] > 0)
        _box(forest, corners[ints[QUERY]], out, ints)
        if ints[DEPTH] > 0:
            ints[STATUS] = PAUSED if ints[BUDGET] == 0 else FULL
            return
        ints[DEPTH] = -1
        ints[QUERY] += 1
        indptr[ints[QUERY]] = ints[HITS]
    ints[STATUS] = DONE


@_part
def _squares(rows: FloatArray, low: int, high: int, query: FloatArray, out: FloatArray) -> None:
    """Write squared distances to boxes (high is low + 3) or to points (high is low)."""
    x, y, z = query[0], query[1], query[2]
    for c in range(out.shape[0]):
        dx = max(max(rows[low, c] - x, x - rows[high, c]), 0.0)
        dy = max(max(rows[low + 1, c] - y, y - rows[high + 1, c]), 0.0)
        dz = max(max(rows[low + 2, c] - z, z - rows[high + 2, c]), 0.0)
        out[c] = (dx * dx + dy * dy) + dz * dz


@_part
def _count(forest: Forest, query: FloatArray, ints: IntArray, sums: FloatArray) -> None:
    """Count what is within one radius; stops early without budget."""
    points, boxes, frame, _, alive = forest
    stack, first, nodes, size, radius = ints[STACK:], 2 + GROUP_ITEMS * frame[0], frame[1], points.shape[1], query[3]
    depth, hits, budget = ints[DEPTH], ints[HITS], ints[BUDGET]
    while depth > 0 and budget > 0:
        budget -= 1
        depth -= 1
        code = stack[depth]
        if code < nodes:
            _squares(boxes, 6 * code, 6 * code + 3, query, sums[: boxes.shape[1]])
            begin = frame[first + 2 * code]
            for c in range(frame[first + 2 * code + 1] - begin):
                stack[depth] = begin + c
                depth += int(np.sqrt(sums[c]) <= radius)
        else:
            _squares(points, 3 * (code - nodes), 3 * (code - nodes), query, sums)
            for c in range(size):
                hits += int(np.sqrt(sums[c]) <= radius) & int(alive[(code - nodes) * size + c])
    ints[DEPTH], ints[HITS], ints[BUDGET] = depth, hits, budget


@njit(cache=True, nogil=True)
def count(forest: Forest, queries: FloatArray, out: IntArray, ints: IntArray, sums: FloatArray) -> None:
    """Add to `out` how many are within the radius each row of `queries` (x, y, z, radius) ends with."""
    while ints[QUERY] < queries.shape[0]:
        if ints[DEPTH] < 0:
            ints[STACK] = 0
            ints[DEPTH] = int(forest[2][1] > 0)
            ints[HITS] = 0
        _count(forest, queries[ints[QUERY]], ints, sums)
        if ints[DEPTH] > 0:
            ints[STATUS] = PAUSED
            return
        out[ints[QUERY]] += ints[HITS]
        ints[DEPTH] = -1
        ints[QUERY] += 1
    ints[STATUS] = DONE
