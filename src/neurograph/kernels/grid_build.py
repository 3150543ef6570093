"""Kernels that put points into leaves of near neighbours and boxes over the leaves.

Invariants:

1. `order` is a permutation of the rows at every moment, also when a call ends early.
2. Ranges are split so that every left part is a power of two of full leaves; so the leaves below any node of
   the tree are neighbours in space, whatever the tree's fan-out (a power of two as well).
3. The box of a child holds every point below it exactly: least and greatest values are copied, never rounded.
4. Which axis is cut and which pivots are tried are heuristics: they decide how fast answers are, not what they
   are. Both are deterministic, so that the same points give the same arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
ByteArray = NDArray[np.uint8]

GROUP_ITEMS = 7

# Parts of a kernel are compiled into it and never called from Python: without wrappers and files of their own.
_OPTIONS: dict[str, Any] = {"nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_part = njit(**_OPTIONS)

SAMPLE = 32  # rows looked at to choose an axis; all: eight levels take three times as long, leaves are no smaller


@_part
def _pivot(keys: FloatArray, low: int, high: int, k: int, sample: FloatArray) -> float:
    """Guess the value at place k of keys[low:high] in order, from about the root of their number."""
    n = high - low
    m = min(int(np.sqrt(n)) | 1, sample.shape[0])
    random = n
    for i in range(m):
        random = (random * 48271 + 11) % 2147483647
        value = keys[low + random % n]
        j = i
        while j > 0 and sample[j - 1] > value:
            sample[j] = sample[j - 1]
            j -= 1
        sample[j] = value
    return float(sample[(k - low) * m // n])


@_part
def _partition(keys: FloatArray, order: IntArray, low: int, high: int, pivot: float) -> int:
    """Move what is less than the pivot to the front; return where the rest begins.

    Without a branch on the comparison: 1.6 times as fast as two pointers that meet.
    """
    place = low
    for i in range(low, high):
        key, row = keys[i], order[i]
        keys[i], order[i] = keys[place], order[place]
        keys[place], order[place] = key, row
        place += int(key < pivot)
    return place


@_part
def _select(keys: FloatArray, order: IntArray, low: int, high: int, k: int, sample: FloatArray) -> None:
    """Bring the least k - low of keys[low:high] to the front, their rows with them."""
    while high - low > 1:
        pivot = _pivot(keys, low, high, k, sample)
        place = _partition(keys, order, low, high, pivot)
        if k < place:
            high = place
        elif place > low:
            if k == place:
                return
            low = place
        else:  # nothing is less than the pivot: take what equals it, or many equal keys would never end
            low = _partition(keys, order, low, high, np.nextafter(pivot, np.inf))
            if k <= low:
                return


@_part
def _widest(rows: FloatArray, order: IntArray, low: int, high: int, scale: FloatArray, step: int) -> int:
    """Return the column of every step-th row with the greatest scaled extent, -1 if all rows are equal."""
    best, found = 0.0, -1
    for j in range(rows.shape[1]):
        least, most = rows[order[low], j], rows[order[low], j]
        for i in range(low, high, step):
            value = rows[order[i], j]
            least, most = min(least, value), max(most, value)
        extent = (most - least) * scale[j]
        if extent > best:
            best, found = extent, j
    return found


@njit(cache=True, nogil=True)
def split(
    rows: FloatArray, order: IntArray, scale: FloatArray, todo: IntArray, keys: FloatArray, leaf: int, budget: int
) -> None:
    """Cut the ranges `todo` holds until each is a leaf, or until about `budget` rows were looked at.

    `todo` is (128, 2): todo[0, 0] is how many ranges there are, the ranges follow as (low, high).
    """
    sample = np.empty(1024)
    left = todo[0, 0]
    while left > 0 and budget > 0:
        low, high = todo[left, 0], todo[left, 1]
        left -= 1
        if high - low <= leaf:
            continue
        budget -= high - low
        axis = -1
        for step in (max(1, (high - low) // SAMPLE), 1):
            if axis < 0:
                axis = _widest(rows, order, low, high, scale, step)
        if axis < 0:
            continue
        for i in range(low, high):
            keys[i] = rows[order[i], axis]
        half = leaf
        while 2 * half < high - low:
            half *= 2
        _select(keys, order, low, high, low + half, sample)
        todo[left + 1, 0], todo[left + 1, 1] = low, low + half
        todo[left + 2, 0], todo[left + 2, 1] = low + half, high
        left += 2
    todo[0, 0] = left


@njit(cache=True, nogil=True)
def pack(rows: FloatArray, order: IntArray, points: FloatArray, first_row: int) -> None:
    """Write rows into leaves: a leaf is one row of `points` a column, NaN where it has no more points."""
    n, columns, size = order.shape[0], rows.shape[1], points.shape[1]
    for leaf in range((n + size - 1) // size):
        for c in range(size):
            i = leaf * size + c
            for j in range(columns):
                points[first_row + leaf * columns + j, c] = rows[order[i], j] if i < n else np.nan


@_part
def _extent(values: FloatArray, low_row: int, high_row: int, n: int) -> tuple[float, float]:
    """Return least and greatest of the first n values of two rows; NaN, where no point is, counts for nothing."""
    least, most = np.inf, -np.inf
    for c in range(n):
        if values[low_row, c] < least:
            least = values[low_row, c]
        if values[high_row, c] > most:
            most = values[high_row, c]
    return least, most


@njit(cache=True, nogil=True)
def enclose(points: FloatArray, boxes: FloatArray, frame: IntArray, group: IntArray, low: int, high: int) -> None:
    """Write the boxes of the children of nodes high - 1 … low of one group, the last ones first.

    A node's rows are, for each level: least x, y, z, then greatest x, y, z; one column a child.
    """
    root, box_row, first_leaf, point_row, columns = group[1], group[2], group[3], group[4], group[5]
    first, nodes = 2 + GROUP_ITEMS * frame[0], frame[1]
    for node in range(high - 1, low - 1, -1):
        begin, end = frame[first + 2 * node], frame[first + 2 * node + 1]
        for code in range(begin, end):
            for j in range(columns):
                place = j // 3 * 6 + j % 3
                if code >= nodes:
                    row = point_row + (code - nodes - first_leaf) * columns + j
                    least, most = _extent(points, row, row, points.shape[1])
                else:
                    row = box_row + (code - root) * 2 * columns + place
                    n = frame[first + 2 * code + 1] - frame[first + 2 * code]
                    least, most = _extent(boxes, row, row + 3, n)
                row = box_row + (node - root) * 2 * columns + place
                boxes[row, code - begin] = least
                boxes[row + 3, code - begin] = most


@njit(cache=True, nogil=True)
def encode(points: FloatArray, boxes: FloatArray, group: IntArray, codes: ByteArray, low: int, high: int) -> None:
    """Write the codes of leaves low … high of one group: the place of a value between the box's faces, in 0..255."""
    root, box_row, point_row, columns, bottom = group[1], group[2], group[4], group[5], group[6]
    fan, size = boxes.shape[1], points.shape[1]
    for leaf in range(low, high):
        for j in range(columns):
            row = box_row + (bottom - root + leaf // fan) * 2 * columns + j // 3 * 6 + j % 3
            least, most = boxes[row, leaf % fan], boxes[row + 3, leaf % fan]
            step, row = (most - least) / 255.0, point_row + leaf * columns + j
            for c in range(size):
                place = (points[row, c] - least) / step + 0.5 if step > 0.0 else 0.0
                codes[row, c] = np.uint8(place) if 0.0 <= place < 256.0 else np.uint8(0)


@njit(cache=True, nogil=True)
def reaches(reach: FloatArray, frame: IntArray, out: FloatArray, leaf: int) -> None:
    """Write the greatest value of `reach` (one a slot) below each child of each node; -1 where there is none."""
    first, nodes = 2 + GROUP_ITEMS * frame[0], frame[1]
    for node in range(nodes - 1, -1, -1):
        begin = frame[first + 2 * node]
        for code in range(begin, frame[first + 2 * node + 1]):
            most = -1.0
            if code >= nodes:
                for slot in range((code - nodes) * leaf, (code - nodes + 1) * leaf):
                    most = max(most, reach[slot])
            else:
                for c in range(frame[first + 2 * code + 1] - frame[first + 2 * code]):
                    most = max(most, out[code, c])
            out[node, code - begin] = most


@njit(cache=True, nogil=True)
def locate(ids: IntArray, slots: IntArray, wanted: IntArray, out: IntArray) -> None:
    """Write the slot of each wanted id, -1 where there is none; `slots` is in ascending order of id."""
    for i in range(wanted.shape[0]):
        low, high = 0, slots.shape[0]
        while low < high:
            middle = (low + high) >> 1
            if ids[slots[middle]] < wanted[i]:
                low = middle + 1
            else:
                high = middle
        found = low < slots.shape[0] and ids[slots[low]] == wanted[i]
        out[i] = slots[low] if found else -1
