"""Points in leaves of near neighbours, and boxes over them: what the grid's kernels walk. No kernel lives here.

A forest is a plain tuple of arrays (a named one costs 1.6 µs more each time a kernel is called):

| place | array | holds |
|---|---|---|
| 0 | points (rows, 32) float64 | a leaf is one row a column of its group; NaN where no point is |
| 1 | boxes (rows, 8) float64 | a node is 6 rows a level: least x, y, z, greatest x, y, z of each child |
| 2 | frame int64 | number of groups, of nodes; 7 items a group, 2 a node, as below |
| 3 | ids (slots,) int64 | the token in each slot, -1 in none; a slot is 32 * leaf + place |
| 4 | alive (slots,) uint8 | 0 where no token is, or no longer |
| 5 | codes (rows, leaf) uint8 | where points are in the box of their leaf, in steps of 1/255; or none |

A group's items: pattern, root, first row of boxes, first leaf, first row of points, columns, first node above leaves.
A node's: the codes of its children, begin and end; code - nodes is a leaf from 0 on.

Invariants:

1. A group holds the tokens that define the same levels (its pattern, bit n for level n), and has columns for those
   levels only; so no box and no leaf mixes presence, and a bound is exact whatever is defined.
2. Nodes of a group are numbered level by level from its root; all leaves are equally deep; each node but the last
   of its level has 8 children. So everything but points, boxes, ids and alive follows from how many tokens each
   group has, and a saved forest with the right sizes can't lead a kernel out of bounds.
3. `alive` alone is ever changed. Boxes may therefore be larger than needed, never smaller.

Measured on 1M points of one level: 32 points a leaf and 8 children are the fastest for both kinds of search, 16
and 64, 4 and 16 are within 15 %. A uniform grid, the prototype, has cells without bound where points cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurograph.errors import InvalidValue
from neurograph.kernels import grid_build

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
ByteArray = NDArray[np.uint8]
Forest = tuple[FloatArray, FloatArray, IntArray, IntArray, ByteArray, ByteArray]
Tick = Callable[[], None]

FAN = 8
GROUP_ITEMS = 7
SLICE = 1 << 20  # rows a call of the builder looks at: about 10 ms
PACKED = 1 << 19  # numbers a call encloses: about 5 ms
CODED = 64  # points a leaf from which codes pay: 1.4 times as fast with 128 and eight levels, slower with 32 and one
BLOCK = 1 << 14  # rows ordered from a copy of their own; a power of two of leaves

_DTYPES = {"points": np.float64, "boxes": np.float64, "ids": np.int64, "alive": np.uint8, "codes": np.uint8}


def _levels_of(leaves: int) -> list[int]:
    """Return how many nodes each level of a tree over so many leaves has, root first, leaves last."""
    counts = [leaves, -(-leaves // FAN)]
    while counts[-1] > 1:
        counts.append(-(-counts[-1] // FAN))
    return counts[::-1]


def _framed(sizes: Sequence[tuple[int, int]], size: int) -> IntArray:
    """Return the frame for (pattern, tokens) of each group (invariant 2)."""
    groups, begins, ends = np.zeros((len(sizes), GROUP_ITEMS), np.int64), [], []
    trees = [_levels_of(-(-tokens // size)) for _, tokens in sizes]
    total = sum(sum(counts[:-1]) for counts in trees)
    root = box_row = leaf = point_row = 0
    for group, (pattern, _), counts in zip(groups, sizes, trees, strict=True):
        columns, first = 3 * pattern.bit_count(), root
        bottom = root + sum(counts[:-2])
        group[:] = pattern, root, box_row, leaf, point_row, columns, bottom
        for depth, here in enumerate(counts[:-1]):
            first += here
            start = first if depth + 2 < len(counts) else total + leaf
            begin = start + FAN * np.arange(here)
            begins.append(begin)
            ends.append(np.minimum(begin + FAN, start + counts[depth + 1]))
        box_row += 2 * columns * (first - root)
        point_row += columns * counts[-1]
        leaf += counts[-1]
        root = first
    children = np.empty((total, 2), np.int64)
    if begins:
        children[:, 0], children[:, 1] = np.concatenate(begins), np.concatenate(ends)
    return np.concatenate([[len(sizes), total], groups.ravel(), children.ravel()])


def groups_of(forest: Forest) -> IntArray:
    """Return the items of each group, (groups, 7)."""
    frame = forest[2]
    return frame[2 : 2 + GROUP_ITEMS * frame[0]].reshape(-1, GROUP_ITEMS)


def children_of(forest: Forest) -> IntArray:
    """Return the codes of each node's children, (nodes, 2)."""
    frame = forest[2]
    return frame[2 + GROUP_ITEMS * frame[0] :].reshape(-1, 2)


def _shapes(sizes: Sequence[tuple[int, int]], size: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of every array that is not a skeleton."""
    leaves = [(-(-tokens // size), 3 * pattern.bit_count()) for pattern, tokens in sizes]
    slots = size * sum(n for n, _ in leaves)
    return {
        "points": (sum(n * columns for n, columns in leaves), size),
        "boxes": (sum(sum(_levels_of(n)[:-1]) * 2 * columns for n, columns in leaves), FAN),
        "ids": (slots,),
        "alive": (slots,),
        "codes": (sum(n * columns for n, columns in leaves) if size >= CODED else 0, size),
    }


def _empty(sizes: Sequence[tuple[int, int]], size: int) -> Forest:
    """Return a forest with room for the groups, and nothing in it."""
    shape = _shapes(sizes, size)
    ids, alive = np.full(shape["ids"], -1, np.int64), np.zeros(shape["alive"], np.uint8)
    codes = np.zeros(shape["codes"], np.uint8)
    return np.empty(shape["points"]), np.zeros(shape["boxes"]), _framed(sizes, size), ids, alive, codes


def _split(rows: FloatArray, scale: FloatArray, leaf: int, tick: Tick | None) -> IntArray:
    """Return the order that puts rows into leaves of near neighbours."""
    order = np.arange(len(rows))
    todo, keys = np.zeros((128, 2), np.int64), np.empty(len(rows))
    todo[0, 0], todo[1, 1] = 1, len(rows)
    while todo[0, 0]:
        grid_build.split(rows, order, scale, todo, keys, leaf, SLICE)
        if tick is not None:
            tick()
    return order


def plant(
    ids: IntArray,
    patterns: IntArray | None,
    rows: FloatArray,
    weights: FloatArray,
    leaf: int,
    *,
    ordered: bool = True,
    tick: Tick | None = None,
) -> tuple[Forest, IntArray]:
    """Build a forest.

    Parameters
    ----------
    ids
        (n,) int64, ascending.
    patterns
        (n,) int64: which levels each row defines; those with none are left out. None: all of them, everywhere.
    rows
        (n, 3 * levels) float64: coordinates, level-major; finite where defined. Not modified.
    weights
        (levels,) float64: what the levels will mostly be weighted with; only the speed of answers depends on it.
    leaf
        Points a leaf: a power of two of at most 128.
    ordered
        False leaves the rows in the order they are in: for a few that change often.
    tick
        Called between slices.

    Returns
    -------
    tuple of (forest, slots)
        slots: (m,) int64, the slot of each row that is in, by ascending id.

    Notes
    -----
    O(n log n): 1M points of one level in 0.2 s, with eight levels in 0.6 s.
    """
    levels = len(weights)
    if patterns is None:
        sizes = [((1 << levels) - 1, len(ids))] if len(ids) else []
    else:
        counts = np.bincount(patterns, minlength=1)
        sizes = [(int(p), int(counts[p])) for p in np.argsort(-counts, kind="stable") if p and counts[p]]
    forest, slots = _empty(sizes, leaf), np.full(len(ids), -1, np.int64)
    for group, (pattern, tokens) in zip(groups_of(forest), sizes, strict=True):
        columns = [3 * level + axis for level in range(levels) if pattern >> level & 1 for axis in range(3)]
        member = None if tokens == len(ids) else np.flatnonzero(patterns == pattern)
        part = rows if member is None else np.take(rows, member, axis=0)
        part = part if len(columns) == rows.shape[1] else part[:, columns]
        if not (part.flags.c_contiguous and part.flags.writeable):
            part = part.copy()
        order = _fill(forest, group, part, np.repeat(np.sqrt(weights), 3)[columns] if ordered else None, tick)
        order = order if member is None else member[order]
        first = int(group[3]) * leaf
        slots[order] = np.arange(first, first + tokens)
        forest[3][first : first + tokens] = ids[order]
        forest[4][first : first + tokens] = 1
    return forest, slots if len(sizes) == 1 and sizes[0][1] == len(ids) else slots[slots >= 0]


def _fill(forest: Forest, group: IntArray, rows: FloatArray, scale: FloatArray | None, tick: Tick | None) -> IntArray:
    """Write points and boxes of one group; return the order of its rows.

    Blocks of rows are ordered from copies that the processor's cache holds: 1.4 times as fast with one level.
    """
    points, boxes, frame, _, _, _ = forest
    columns, row = int(group[5]), int(group[4])
    order = np.arange(len(rows)) if scale is None else _split(rows, scale, BLOCK, tick)
    for low in range(0, len(rows), BLOCK):
        part = order[low : low + BLOCK]
        near = np.take(rows, part, axis=0)
        local = np.arange(len(part)) if scale is None else _split(near, scale, points.shape[1], tick)
        order[low : low + BLOCK] = part[local]
        grid_build.pack(near, local, points, row + low // points.shape[1] * columns)
    later = groups_of(forest)[:, 1]
    later = later[later > group[1]]
    root, end = int(group[1]), int(later.min()) if len(later) else int(frame[1])
    step = max(1, PACKED // (columns * points.shape[1] * FAN))
    for high in range(end, root, -step):
        grid_build.enclose(points, boxes, frame, group, max(root, high - step), high)
        if tick is not None:
            tick()
    _code(forest, group, -(-len(rows) // points.shape[1]), tick)
    return order


def _code(forest: Forest, group: IntArray, leaves: int, tick: Tick | None) -> None:
    """Write the codes of one group, where the forest has codes."""
    points, boxes, _, _, _, codes = forest
    step = max(1, PACKED // (int(group[5]) * points.shape[1]))
    for low in range(0, leaves if len(codes) else 0, step):
        grid_build.encode(points, boxes, group, codes, low, min(low + step, leaves))
        if tick is not None:
            tick()


def lay(ids: IntArray, sizes: Sequence[tuple[int, int]], parts: Sequence[Sequence[FloatArray]], leaf: int) -> Forest:
    """Build a forest of rows that are in order of space already, without a kernel for its points and boxes.

    Parameters
    ----------
    ids
        (n,) int64 in that order, group after group; 0 for a row that is no token any more.
    sizes
        Pattern and rows of each group, no pattern twice.
    parts
        For each group its columns, as many as its pattern says: float64, finite.
    leaf
        Points a leaf.

    Returns
    -------
    Forest
        In slot order the ids of a group are those given, without a gap.

    Notes
    -----
    O(n): 1M points of one level in 0.04 s. The order decides how fast answers are, not what they are.
    """
    forest, first = _empty(sizes, leaf), 0
    for group, (_, n), columns in zip(groups_of(forest), sizes, parts, strict=True):
        slot, row, leaves = int(group[3]) * leaf, int(group[4]), -(-n // leaf)
        forest[3][slot : slot + n] = ids[first : first + n]
        forest[4][slot : slot + n] = ids[first : first + n] > 0
        points = forest[0][row : row + leaves * len(columns)].reshape(leaves, len(columns), leaf)
        for j, column in enumerate(columns):
            points[: n // leaf, j] = column[: n // leaf * leaf].reshape(-1, leaf)
            if n % leaf:
                points[-1, j, : n % leaf], points[-1, j, n % leaf :] = column[n // leaf * leaf :], np.nan
        _box(forest, group, points)
        first += n
        _code(forest, group, leaves, None)
    return forest


def _box(forest: Forest, group: IntArray, points: FloatArray) -> None:
    """Write the boxes of one group from its points, (leaves, columns, leaf)."""
    counts, columns = _levels_of(len(points))[:-1], points.shape[1]
    with np.errstate(invalid="ignore"):
        least, most = np.fmin.reduce(points, axis=2), np.fmax.reduce(points, axis=2)
    end = int(group[1]) + sum(counts)
    for nodes in reversed(counts):
        row = int(group[2]) + 2 * columns * (end - nodes - int(group[1]))
        boxes = forest[1][row : row + 2 * columns * nodes].reshape(nodes, columns // 3, 6, FAN)
        sides = []
        for place, values, none in ((0, least, np.inf), (3, most, -np.inf)):
            padded = np.full((nodes * FAN, columns), none)
            padded[: len(values)] = values
            children = padded.reshape(nodes, FAN, columns)
            shown = np.where(np.isinf(children), 0.0, children) if len(values) < nodes * FAN else children
            boxes[:, :, place : place + 3] = shown.reshape(nodes, FAN, columns // 3, 3).transpose(0, 2, 3, 1)
            sides.append(children.min(axis=1) if none > 0 else children.max(axis=1))
        least, most = sides
        end -= nodes


def find(forest: Forest, slots: IntArray, ids: IntArray) -> IntArray:
    """Return the slots of ids that are in a forest and alive, in the order given."""
    found: IntArray = np.empty(len(ids), np.int64)
    grid_build.locate(forest[3], slots, ids, found)
    found = found[found >= 0]
    alive: IntArray = found[forest[4][found] != 0]
    return alive


def rows_of(forest: Forest, slots: IntArray, levels: int) -> tuple[IntArray, FloatArray]:
    """Take a forest apart again.

    Parameters
    ----------
    forest
        As `plant` returns it.
    slots
        Which rows, in which order.
    levels
        How many levels a row has.

    Returns
    -------
    tuple of (patterns, rows)
        NaN where a level is not defined.
    """
    points, groups = forest[0], groups_of(forest)
    leaf = points.shape[1]
    rows, patterns = np.full((len(slots), 3 * levels), np.nan), np.zeros(len(slots), np.int64)
    leaves = slots // leaf
    for index, (pattern, _, _, first, point_row, columns, _) in enumerate(groups.tolist()):
        after = groups[index + 1, 3] if index + 1 < len(groups) else len(forest[3]) // leaf
        member = np.flatnonzero((leaves >= first) & (leaves < after))
        patterns[member] = pattern
        row = point_row + (leaves[member] - first) * columns
        defined = [3 * level + axis for level in range(levels) if pattern >> level & 1 for axis in range(3)]
        for j, column in enumerate(defined):
            rows[member, column] = points[row + j, slots[member] % leaf]
    return patterns, rows


def to_arrays(forest: Forest, slots: IntArray) -> dict[str, NDArray[Any]]:
    """Return the arrays that make a forest again; what follows from them is left out (invariant 2)."""
    points, boxes, _, ids, alive, codes = forest
    groups = groups_of(forest)
    group = np.searchsorted(groups[:, 3] * points.shape[1], slots, side="right") - 1
    sizes = np.stack([groups[:, 0], np.bincount(group, minlength=len(groups))], axis=1)
    arrays: dict[str, NDArray[Any]] = {"points": points, "boxes": boxes, "ids": ids, "alive": alive, "codes": codes}
    return arrays | {"sizes": sizes, "slots": slots}


def from_arrays(arrays: dict[str, NDArray[Any]], levels: int, leaf: int) -> tuple[Forest, IntArray]:
    """Make a forest again from what `to_arrays` returned, without a rebuild.

    Parameters
    ----------
    arrays
        Those that can't be written to are copied: numba compiles its kernels anew for them, in seconds.
    levels, leaf
        How many levels a row has, how many points a leaf.

    Returns
    -------
    tuple of (forest, slots)

    Raises
    ------
    InvalidValue
        If the arrays don't fit each other; with arrays that pass, no kernel can leave their bounds.
    """
    slots = typed(arrays, "slots", np.int64, (-1,))
    sizes = [(int(pattern), int(tokens)) for pattern, tokens in typed(arrays, "sizes", np.int64, (-1, 2))]
    sound = len({pattern for pattern, _ in sizes}) == len(sizes) and sum(tokens for _, tokens in sizes) == len(slots)
    if not sound or not all(0 < pattern < 1 << levels and tokens > 0 for pattern, tokens in sizes):
        raise InvalidValue(f"sizes must be distinct patterns of {levels} levels with their tokens, got {sizes!r}")
    points, boxes, ids, alive, codes = (
        typed(arrays, name, _DTYPES[name], shape) for name, shape in _shapes(sizes, leaf).items()
    )
    if len(slots) and not (slots.min() >= 0 and slots.max() < len(ids) and np.all(np.diff(ids[slots]) > 0)):
        raise InvalidValue("slots must name every token once, by ascending id; drop the saved arrays to rebuild them")
    return (points, boxes, _framed(sizes, leaf), ids, alive, codes), slots


def typed(arrays: dict[str, NDArray[Any]], name: str, dtype: type, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return one array, or say how it differs from what it must be."""
    array = arrays.get(name)
    fits = array is not None and array.dtype == dtype and array.flags.c_contiguous and array.ndim == len(shape)
    if array is None or not fits or any(want not in (-1, have) for want, have in zip(shape, array.shape, strict=True)):
        got = "nothing" if array is None else f"{array.dtype!r} {array.shape!r}"
        want = f"{np.dtype(dtype)!r} {shape!r}"
        raise InvalidValue(f"saved array {name!r} must be {want}, got {got}; drop it to rebuild it")
    return array if array.flags.writeable else array.copy()
