"""Adjacency arrays from arrays of edges, in linear time, and the way from token ids to slots.

Entries are put in order by stable counting sorts, from the least column to the first: neighbor id, type,
owner. Edges in the order of their table's primary key (source id, type, target id, key) without a
bidirectional one among them need none for the outgoing side and two for the incoming side. A permutation
is sorted and rows are gathered once at the end. Tried and slower: moving whole rows in every pass (1.3
times; the pages of fresh memory cost 1.3 ms for 8 MB), and merging the far ends of bidirectional edges
into sorted lists (twice).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InvalidValue
from .adjacency import (
    MAX_KINDS,
    MAX_NODES,
    Adjacency,
    BoolArray,
    Entries,
    FloatArray,
    IntArray,
    KindArray,
    Tick,
)
from .graph_build_kernel import in_order, sort_by

DENSE = 8  # a table of slots is kept while ids fill at least an eighth of their range
SLICE = 1 << 21  # edges a call; a counting sort of 1M takes about 5 ms
_EVERY: IntArray = np.zeros(0, np.int64)


class _Edges(NamedTuple):
    """Checked columns; `twice` says which add a second entry."""

    source: IntArray
    target: IntArray
    weight: FloatArray
    kind: KindArray
    twice: BoolArray


def _sorted_by(code: IntArray, rows: IntArray, tick: Tick | None) -> IntArray:
    """Return `rows` in order of code, those of equal code as they were; empty stands for all rows."""
    if not len(code) or code.min() == code.max():
        return rows
    first = np.zeros(int(code.max()) + 2, np.int64)
    np.cumsum(np.bincount(code), out=first[1:])
    order = np.empty(len(code), np.int64)
    for low in range(0, len(code), SLICE):
        sort_by(code, rows, first, order, low, min(low + SLICE, len(code)))
        if tick is not None:
            tick()
    return order


def run_build(
    ids: ArrayLike,
    source: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    kind: ArrayLike | None = None,
    bidirectional: ArrayLike | None = None,
    *,
    tick: Tick | None = None,
) -> Adjacency:
    """Build the adjacency of a graph from its edges.

    Parameters
    ----------
    ids
        (n,) int64, distinct: the token of each slot.
    source, target
        (m,) int64: slots. Best in order of (source id, type, target id, key); edges that differ in their
        keys alone must be in order of them.
    weight
        (m,) float64, finite; 1.0 unless given.
    kind
        (m,) int32: type codes in [0, 2**20); 0 unless given.
    bidirectional
        (m,) bool: whether the edge is followed both ways; False unless given.
    tick
        Called between slices; what it raises ends the call.

    Returns
    -------
    Adjacency
        Without slack.

    Raises
    ------
    InvalidValue
        If a column has another length, a slot or type is out of range, or a weight is not finite.

    Examples
    --------
    >>> graph = run_build(np.array([10, 20, 30]), [0, 0, 1], [2, 1, 2], bidirectional=[True, False, False])
    >>> out = graph.entries.span[0]
    >>> [graph.ids[graph.entries.neighbor[begin:end]].tolist() for begin, end in out]
    [[20, 30], [30], [10]]

    Notes
    -----
    Linear: O(n + m + types); 27 ms for 1M edges in order, 90 ms when a tenth of them is
    bidirectional; reading them from the table takes ten times that.
    """
    ids = np.ascontiguousarray(ids, np.int64)
    n, edges = len(ids), _columns(len(ids), source, target, weight, kind, bidirectional)
    rank = _rank(ids)
    near, far = (rank[edges.source], rank[edges.target]) if rank.size else (edges.source, edges.target)
    if rank.size or edges.twice.any() or not in_order(near, far, edges.kind):
        out, far = _both_ends(edges, near, far)
        into, near = _both_ends(_reversed(edges), far[: len(near)], near)
        orders = _order(out, far, tick), _order(into, near, tick)
    else:
        out, into = edges, _reversed(edges)
        orders = _EVERY, _order(into, near, tick, far_in_order=True)
    return Adjacency(ids, _entries(n, (out, into), orders))


def _rank(ids: IntArray) -> IntArray:
    """Return the place of each id among all; empty when they are in order."""
    if np.all(ids[1:] > ids[:-1]):
        return _EVERY
    rank = np.empty(len(ids), np.int64)
    rank[np.argsort(ids, kind="stable")] = np.arange(len(ids))
    return rank


def _reversed(edges: _Edges) -> _Edges:
    return edges._replace(source=edges.target, target=edges.source)


def _both_ends(e: _Edges, near: IntArray, far: IntArray) -> tuple[_Edges, IntArray]:
    """Return edges with the bidirectional ones repeated from their other end, and the rank of the far ends."""
    twice = e.twice
    edges = _Edges(
        np.concatenate((e.source, e.target[twice])),
        np.concatenate((e.target, e.source[twice])),
        np.concatenate((e.weight, e.weight[twice])),
        np.concatenate((e.kind, e.kind[twice])),
        twice,
    )
    return edges, np.concatenate((far, near[twice]))


def _order(edges: _Edges, far: IntArray, tick: Tick | None, far_in_order: bool = False) -> IntArray:
    """Return the order by (source, type, far), stable."""
    order = _EVERY if far_in_order else _sorted_by(far, _EVERY, tick)
    order = _sorted_by(edges.kind.astype(np.int64), order, tick)
    return _sorted_by(edges.source, order, tick)


def _entries(n: int, sides: tuple[_Edges, _Edges], orders: tuple[IntArray, IntArray]) -> Entries:
    """Return the entries of both sides in one pool, without slack."""
    m = len(sides[0].source)
    counts = np.concatenate([np.bincount(edges.source, minlength=n) for edges in sides])
    end = np.cumsum(counts)
    span = np.stack((end - counts, end), axis=1).reshape(2, n, 2)
    entries = Entries(span, np.empty(2 * m, np.int32), np.empty(2 * m), np.empty(2 * m, np.int32))
    for half, edges, order in zip((slice(0, m), slice(m, 2 * m)), sides, orders, strict=True):
        rows: slice | IntArray = order if order.size else slice(None)
        entries.neighbor[half] = edges.target[rows]
        entries.weight[half] = edges.weight[rows]
        entries.kind[half] = edges.kind[rows]
    return entries


def _columns(
    n: int,
    source: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None,
    kind: ArrayLike | None,
    bidirectional: ArrayLike | None,
) -> _Edges:
    """Check the columns of edges and fill in the ones left out."""
    source, target = np.ascontiguousarray(source, np.int64), np.ascontiguousarray(target, np.int64)
    m = len(source)
    weights = np.ones(m) if weight is None else np.ascontiguousarray(weight, np.float64)
    kinds = np.zeros(m, np.int64) if kind is None else np.asarray(kind)
    both = np.zeros(m, np.bool_) if bidirectional is None else np.asarray(bidirectional, np.bool_)
    lengths = [len(target), len(weights), len(kinds), len(both)]
    if any(length != m for length in lengths):
        raise InvalidValue(f"columns of edges must be as long as source, which has {m}, got {lengths!r}")
    if n >= MAX_NODES:
        raise InvalidValue(f"a graph must have fewer than 2**31 nodes, got {n}")
    for name, column, limit in (("source", source, n), ("target", target, n), ("kind", kinds, MAX_KINDS)):
        if m and not (column.min() >= 0 and column.max() < limit):
            wrong = column[(column < 0) | (column >= limit)][0]
            raise InvalidValue(f"{name} must be in [0, {limit}), got {int(wrong)!r}")
    if not np.isfinite(weights).all():
        raise InvalidValue(f"weight must be finite, got {float(weights[~np.isfinite(weights)][0])!r}")
    twice = both & (source != target)
    return _Edges(source, target, weights, kinds.astype(np.int32, copy=False), twice)


class SlotIndex:
    """The way from token ids to slots: a table where ids are dense, a binary search where they are sparse.

    Parameters
    ----------
    ids
        (n,) int64, distinct, in any order.

    Examples
    --------
    >>> index = SlotIndex(np.array([7, 3, 5]))
    >>> index.slot(5), index.slot(6), index.slots(np.array([3, 4, 7])).tolist()
    (2, -1, [1, -1, 0])

    Notes
    -----
    The table takes 8 bytes for each id in the range, at most 64 n + 8 KiB; building it is linear.
    """

    __slots__ = ("_by_id", "_high", "_ids", "_low", "_table")

    def __init__(self, ids: IntArray) -> None:
        low, high = (int(ids.min()), int(ids.max())) if len(ids) else (0, -1)
        self._low, self._high = low, high
        self._table: IntArray | None = None
        if high - low < DENSE * len(ids) + 1024:
            self._table = np.full(high - low + 1, -1, np.int64)
            self._table[ids - low] = np.arange(len(ids))
        else:
            self._by_id = np.argsort(ids, kind="stable").astype(np.int64, copy=False)
            self._ids = ids[self._by_id]

    @property
    def nbytes(self) -> int:
        """Return the bytes held."""
        return self._table.nbytes if self._table is not None else self._ids.nbytes + self._by_id.nbytes

    def slot(self, id: int) -> int:
        """Return the slot of one id, -1 when the graph does not have it."""
        if self._table is not None:
            place = id - self._low
            return int(self._table[place]) if 0 <= place < len(self._table) else -1
        place = int(np.searchsorted(self._ids, id))
        return int(self._by_id[place]) if place < len(self._ids) and self._ids[place] == id else -1

    def slots(self, ids: IntArray) -> IntArray:
        """Return the slots of many ids in the given order, -1 for those the graph does not have."""
        if self._high < self._low:
            return np.full(len(ids), -1, np.int64)
        if self._table is not None:
            known = (ids >= self._low) & (ids <= self._high)
            if known.all():
                return self._table[ids - self._low]
            return np.where(known, self._table[np.where(known, ids - self._low, 0)], -1)
        place = np.minimum(np.searchsorted(self._ids, ids), len(self._ids) - 1)
        return np.where(self._ids[place] == ids, self._by_id[place], -1)


def node_ids(*columns: IntArray) -> IntArray:
    """Return the distinct ids of all columns in ascending order.

    Examples
    --------
    >>> node_ids(np.array([5, 3]), np.array([9, 5])).tolist()
    [3, 5, 9]

    Notes
    -----
    Linear where ids are dense, else a sort.
    """
    columns = tuple(column for column in columns if len(column))
    if not columns:
        return np.zeros(0, np.int64)
    low, high = min(int(c.min()) for c in columns), max(int(c.max()) for c in columns)
    if high - low >= DENSE * sum(map(len, columns)) + 1024:
        return np.unique(np.concatenate(columns))
    present = np.zeros(high - low + 1, np.bool_)
    for column in columns:
        present[column - low] = True
    return np.flatnonzero(present) + low
