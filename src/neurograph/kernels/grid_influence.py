"""Kernels about what tokens radiate: the influence at a point, and which tokens form one field.

They walk forests of one level (one group, three columns), see `grid_forest`; distances and bounds as in
`grid_search`, invariants 1 and 2. With them go values per slot: `radii` (of the field), `force`, and `reach`, the
greatest field radius below each child of each node, so that a few far-reaching tokens cost nobody else.

Invariants:

1. Influence is summed in ascending order of id, whatever the order of slots and parts.
2. A term is ``force * f(t)`` with ``t = d / radius``; it counts where d is at most the token's field radius and at
   most the query's. f is 1 - t, 1 - t*t, or exp(-4.5 * (t*t)), which is exp(-d*d / (2*s*s)) with s a third of
   the radius, and nothing to divide by when s*s underflows. A field radius of 0 has t = 0 at its own point.
3. `left` counts the tokens below a node or leaf that no field has taken; each token is taken once, and subtrees
   without any are passed by, so that a dense field costs its size and not the square of it.
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
Part = tuple[Forest, FloatArray, FloatArray, FloatArray]
Tree = tuple[IntArray, IntArray, IntArray, IntArray]

QUERY, PART, DEPTH, HITS, BUDGET, STATUS, HEAD, TAIL, SEED, LABEL, STACK = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16
GROUP_ITEMS = 7
DONE, PAUSED, FULL, UNSORTED = 0, 1, 2, 3
LINEAR, QUADRATIC, GAUSSIAN = 0, 1, 2
SORTED = 1 << 16  # terms a kernel puts in order by itself: 8 ms

# Parts of a kernel are compiled into it and never called from Python: without wrappers and files of their own.
_OPTIONS: dict[str, Any] = {"nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_part = njit(**_OPTIONS)


@_part
def _squares(rows: FloatArray, low: int, high: int, at: FloatArray, out: FloatArray) -> None:
    """Write squared distances to boxes (high is low + 3) or to points (high is low)."""
    x, y, z = at[0], at[1], at[2]
    for c in range(out.shape[0]):
        dx = max(max(rows[low, c] - x, x - rows[high, c]), 0.0)
        dy = max(max(rows[low + 1, c] - y, y - rows[high + 1, c]), 0.0)
        dz = max(max(rows[low + 2, c] - z, z - rows[high + 2, c]), 0.0)
        out[c] = (dx * dx + dy * dy) + dz * dz


@_part
def _falloff(distance: float, radius: float, kind: int) -> float:
    """Return what is left of a force at a distance within the radius."""
    t = distance / radius if radius > 0.0 else 0.0
    if kind == LINEAR:
        return 1.0 - t
    if kind == QUADRATIC:
        return 1.0 - t * t
    return math.exp(-4.5 * (t * t))


@_part
def _terms(part: Part, query: FloatArray, kind: int, ids: IntArray, values: FloatArray, ints: IntArray) -> None:
    """Append the terms of one query in one part; stops early without budget or room for a leaf."""
    (points, boxes, frame, slot_ids, alive), radii, force, reach = part
    stack, first, nodes, size = ints[STACK:], 2 + GROUP_ITEMS * frame[0], frame[1], points.shape[1]
    depth, hits, budget, radius, sums = ints[DEPTH], ints[HITS], ints[BUDGET], query[3], np.empty(points.shape[1])
    while depth > 0 and budget > 0 and hits + size <= ids.shape[0]:
        budget -= 1
        depth -= 1
        code = stack[depth]
        if code < nodes:
            _squares(boxes, 6 * code, 6 * code + 3, query, sums[: boxes.shape[1]])
            begin = frame[first + 2 * code]
            for c in range(frame[first + 2 * code + 1] - begin):
                stack[depth] = begin + c
                depth += int(np.sqrt(sums[c]) <= min(radius, reach[code, c]))
        else:
            _squares(points, 3 * (code - nodes), 3 * (code - nodes), query, sums)
            for c in range(size):
                slot, distance = (code - nodes) * size + c, np.sqrt(sums[c])
                if distance <= min(radius, radii[slot]) and alive[slot]:
                    ids[hits] = slot_ids[slot]
                    values[hits] = force[slot] * _falloff(distance, radii[slot], kind)
                    hits += 1
    ints[DEPTH], ints[HITS], ints[BUDGET] = depth, hits, budget


@_part
def _sink(ids: IntArray, values: FloatArray, place: int, size: int) -> None:
    """Let an entry sink to its place in a heap with the greatest id on top."""
    id_, value = ids[place], values[place]
    while True:
        c = 2 * place + 1
        if c >= size:
            break
        if c + 1 < size and ids[c + 1] > ids[c]:
            c += 1
        if ids[c] < id_:
            break
        ids[place], values[place] = ids[c], values[c]
        place = c
    ids[place], values[place] = id_, value


@_part
def _total(ids: IntArray, values: FloatArray, n: int) -> float:
    """Put terms in ascending order of id and add them up in that order."""
    for place in range(n // 2 - 1, -1, -1):
        _sink(ids, values, place, n)
    for size in range(n - 1, 0, -1):
        ids[0], ids[size] = ids[size], ids[0]
        values[0], values[size] = values[size], values[0]
        _sink(ids, values, 0, size)
    total = 0.0
    for i in range(n):
        total += values[i]
    return total


@njit(cache=True, nogil=True)
def influence(
    parts: tuple[Part, Part],
    queries: FloatArray,
    kind: int,
    out: FloatArray,
    ids: IntArray,
    values: FloatArray,
    ints: IntArray,
) -> None:
    """Write the influence at each row of `queries` (x, y, z, radius).

    Sets ints[STATUS]: DONE; PAUSED, to be called again; FULL, to be called with longer `ids` and `values`;
    UNSORTED, the caller adds up ints[HITS] terms itself, moves ints[QUERY] on and sets ints[HITS] to 0.
    """
    while ints[QUERY] < queries.shape[0]:
        while ints[PART] < 2:
            part = parts[ints[PART]]
            if ints[DEPTH] < 0:
                ints[STACK] = 0
                ints[DEPTH] = int(part[0][2][1] > 0)
            _terms(part, queries[ints[QUERY]], kind, ids, values, ints)
            if ints[DEPTH] > 0:
                ints[STATUS] = PAUSED if ints[BUDGET] == 0 else FULL
                return
            ints[PART] += 1
            ints[DEPTH] = -1
        ints[PART] = 0
        if ints[HITS] > SORTED:
            ints[STATUS] = UNSORTED
            return
        out[ints[QUERY]] = _total(ids, values, ints[HITS])
        ints[QUERY] += 1
        ints[HITS] = 0
    ints[STATUS] = DONE


@_part
def _take(slot: int, size: int, nodes: int, tree: Tree, ints: IntArray) -> None:
    """Give a slot the label in force, queue it, and count it out of every subtree it is in."""
    parents, left, labels, queue = tree
    queue[ints[TAIL]] = slot
    ints[TAIL] += 1
    labels[slot] = ints[LABEL]
    code = nodes + slot // size
    while code >= 0:
        left[code] -= 1
        code = parents[code]


@_part
def _link(
    forest: Forest,
    slot: int,
    radii: FloatArray,
    reach: FloatArray,
    link: float,
    tree: Tree,
    ints: IntArray,
) -> None:
    """Take every token not yet taken that is linked to `slot`, and queue it."""
    points, boxes, frame, _, _ = forest
    labels = tree[2]
    stack, first, nodes, size, depth = ints[STACK:], 2 + GROUP_ITEMS * frame[0], frame[1], points.shape[1], 1
    at, sums, row = np.empty(3), np.empty(size), 3 * (slot // size)
    at[0], at[1], at[2] = points[row, slot % size], points[row + 1, slot % size], points[row + 2, slot % size]
    stack[0] = 0
    while depth > 0:
        depth -= 1
        code = stack[depth]
        if code < nodes:
            _squares(boxes, 6 * code, 6 * code + 3, at, sums[: boxes.shape[1]])
            begin = frame[first + 2 * code]
            for c in range(frame[first + 2 * code + 1] - begin):
                bound, far = np.sqrt(sums[c]), radii[slot] + reach[code, c]
                stack[depth] = begin + c
                depth += int(tree[1][begin + c] > 0 and (bound <= link if link >= 0.0 else bound < far))
        else:
            _squares(points, 3 * (code - nodes), 3 * (code - nodes), at, sums)
            for c in range(size):
                other, distance = (code - nodes) * size + c, np.sqrt(sums[c])
                near = distance <= link if link >= 0.0 else distance < radii[slot] + radii[other]
                if near and labels[other] == -1:
                    _take(other, size, nodes, tree, ints)


@njit(cache=True, nogil=True)
def flood(
    forest: Forest,
    radii: FloatArray,
    reach: FloatArray,
    link: float,
    tree: Tree,
    ints: IntArray,
) -> None:
    """Label the slots linked to one another, directly or not: 0, 1, 2 …; -1 in `labels` is still to do.

    Two are linked at a distance of at most `link`, or, where that is negative, of less than the sum of their radii.
    `tree` is (parents, left, labels, queue): the node above each node and leaf or -1, `left` of invariant 3, and one
    label a slot: -1 while it is to do, -2 where there is no token. Sets ints[STATUS]: DONE, or PAUSED, to be called
    again.
    """
    nodes, size, budget, labels, queue = forest[2][1], forest[0].shape[1], ints[BUDGET], tree[2], tree[3]
    while ints[HEAD] < ints[TAIL] or ints[SEED] < labels.shape[0]:
        if budget == 0:
            ints[STATUS] = PAUSED
            return
        budget -= 1
        if ints[HEAD] < ints[TAIL]:
            ints[HEAD] += 1
            _link(forest, queue[ints[HEAD] - 1], radii, reach, link, tree, ints)
        elif labels[ints[SEED]] == -1:
            ints[LABEL] += 1
            _take(ints[SEED], size, nodes, tree, ints)
        else:
            ints[SEED] += 1
    ints[STATUS] = DONE
