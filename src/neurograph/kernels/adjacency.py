"""The arrays of a graph that kernels walk. No kernel lives here.

Invariants:

1. A node is a slot in 0 … n-1; ``ids[slot]`` is its token's id. Ids are distinct and in any order: nodes
   may be appended later. Every tie is broken by id, never by slot.
2. Side 0 is outgoing, side 1 incoming. The entries of a slot on a side are the positions of the pool from
   ``span[side, slot, 0]`` up to ``span[side, slot, 1]``. Positions that belong to no slot are slack and
   are never read.
3. The entries of a slot on a side are ordered by (type, neighbor id, own before the far ends of
   bidirectional edges, key).
4. Both sides hold the same edges. A bidirectional edge is an entry at either end on both sides; a
   bidirectional self-loop is one entry on each.
5. Weights are finite.

One pool for both sides, and not two structures: a kernel that walks both is then one loop. A helper with
a loop of its own costs 6 ns a call for each array it is given (numba counts references around it), which
doubled the time of a full search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidValue
from .scratch import Scratch as Scratch

IntArray = NDArray[np.int64]
KindArray = NDArray[np.int32]
SlotArray = NDArray[np.int32]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Direction = Literal["out", "in", "both"]
Tick = Callable[[], None]

MAX_NODES = 1 << 31  # kernels pack a depth and a slot into one int64
MAX_KINDS = 1 << 20  # a table with a place for each type code stays small

OUT, INTO = 0, 1  # the sides
_SIDES: dict[str, tuple[int, int]] = {"out": (0, 1), "in": (1, 2), "both": (0, 2)}
EVERY_KIND: BoolArray = np.zeros(0, np.bool_)
IN_ORDER: IntArray = np.zeros(0, np.int64)


class Entries(NamedTuple):
    """Adjacency as kernels take it.

    A named tuple and not a class of numba's: it costs 0.6 µs a call more than bare arrays, and the same
    kernel runs as plain Python.
    """

    span: IntArray
    """(2, n, 2) int64: where the entries of a slot begin and end in the pool; together, for one cache miss."""
    neighbor: SlotArray
    """(pool,) int32: the slot at the other end; in half the memory searches take 0.7 to 0.8 of the time."""
    weight: FloatArray
    """(pool,) float64."""
    kind: KindArray
    """(pool,) int32: the edge's type code, in [0, 2**20)."""


@dataclass(slots=True)
class Adjacency:
    """A directed multigraph as arrays, both directions, open to small changes.

    Parameters
    ----------
    ids
        (n,) int64, distinct: the token of each slot.
    entries
        What leads where.

    Notes
    -----
    32 bytes an edge and 40 bytes a node. `replace` and `append` keep invariants 1 and 2; the order of the
    entries given to `replace` is the caller's part.
    """

    ids: IntArray
    entries: Entries
    _used: int = field(default=-1, repr=False)
    _rank: IntArray | None = field(default=None, repr=False)
    _by_rank: IntArray | None = field(default=None, repr=False)
    _least: FloatArray | None = field(default=None, repr=False)

    @property
    def n(self) -> int:
        """Return the number of slots."""
        return len(self.ids)

    @property
    def nbytes(self) -> int:
        """Return the bytes of all arrays held."""
        arrays = [self.ids, *self.entries, self._rank, self._by_rank, self._least]
        return sum(array.nbytes for array in arrays if array is not None)

    @property
    def rank(self) -> IntArray:
        """Return the place of each slot's id among all ids; empty while slots are in order of id."""
        if self._rank is None:
            self._order()
        assert self._rank is not None
        return self._rank

    @property
    def by_rank(self) -> IntArray:
        """Return the slots in ascending order of id; empty while slots are in order of id."""
        if self._by_rank is None:
            self._order()
        assert self._by_rank is not None
        return self._by_rank

    def _order(self) -> None:
        if self.n < 2 or bool(np.all(self.ids[1:] > self.ids[:-1])):
            self._rank = self._by_rank = IN_ORDER
            return
        self._by_rank = np.argsort(self.ids, kind="stable").astype(np.int64, copy=False)
        self._rank = np.empty(self.n, np.int64)
        self._rank[self._by_rank] = np.arange(self.n)

    def slots_by_id(self) -> IntArray:
        """Return all slots in ascending order of id."""
        return self.by_rank if self.by_rank.size else np.arange(self.n)

    def slot(self, name: str, slot: int) -> int:
        """Return `slot` if it is one, else refuse it under the name of its parameter."""
        if not 0 <= slot < self.n:
            raise InvalidValue(f"{name} must be a slot in [0, {self.n}), got {slot!r}")
        return slot

    def has_entries(self, slot: int) -> bool:
        """Tell whether anything leads from or to a slot."""
        (a, b), (c, d) = self.entries.span[:, slot].tolist()
        return bool(a < b or c < d)

    def refuse_negative(self, allowed: BoolArray, purpose: str) -> None:
        """Refuse the graph if any edge of an allowed type has a weight below zero.

        The whole graph is judged and not what a search happens to meet: the same call has the same
        outcome on every path, and plain SQL can ask the same question with one ``min(weight)``.

        Parameters
        ----------
        allowed
            Table of type codes, from `allowed_kinds`; empty for all.
        purpose
            What needs it, for the message.

        Raises
        ------
        InvalidValue
            Naming the least weight.

        Notes
        -----
        The least weights are looked up once and kept until a weight below zero comes or goes.
        """
        if self._least is None:
            self._least = _least_weights(self.entries)
        least = self._least
        if allowed.size:
            least = least[: allowed.size][allowed[: least.size]]
        if least.size and least.min() < 0.0:
            raise InvalidValue(
                f"weights of edges must be at least 0 for {purpose}, got {float(least.min())!r}; "
                "leave out the types that hold it"
            )

    def of(self, side: int, slot: int) -> tuple[SlotArray, FloatArray, KindArray]:
        """Return neighbor, weight and type of one slot's entries on one side, as views.

        Examples
        --------
        >>> from neurograph.kernels.graph_build import run_build
        >>> graph = run_build(np.array([10, 20, 30]), [0, 0], [1, 2])
        >>> graph.ids[graph.of(OUT, 0)[0]].tolist()
        [20, 30]
        """
        begin, end = self.entries.span[side, slot].tolist()
        at = slice(begin, end)
        return self.entries.neighbor[at], self.entries.weight[at], self.entries.kind[at]

    def copy(self) -> Adjacency:
        """Return a graph that `append` and `replace` can change without changing this one."""
        span, neighbor, weight, kind = self.entries
        entries = Entries(span.copy(), neighbor.copy(), weight.copy(), kind.copy())
        return Adjacency(self.ids, entries, self._used, self._rank, self._by_rank, self._least)

    def append(self, ids: IntArray) -> None:
        """Append nodes without entries; `ids` must be new."""
        self.ids = np.concatenate((self.ids, np.asarray(ids, np.int64)))
        room = np.zeros((2, len(ids), 2), np.int64)
        self.entries = self.entries._replace(span=np.concatenate((self.entries.span, room), axis=1))
        self._rank = self._by_rank = None

    def replace(self, side: int, slot: int, neighbor: SlotArray, weight: FloatArray, kind: KindArray) -> None:
        """Replace the entries of one slot on one side; the caller replaces the other ends too.

        Entries that fit where the old ones lay stay there; else they go to the end of the pool, which
        doubles when it is full. What is left behind is slack until the next build.

        Parameters
        ----------
        side
            `OUT` or `INTO`.
        slot
            Whose entries.
        neighbor, weight, kind
            (k,) the new entries, in the order of invariant 3.

        Examples
        --------
        >>> from neurograph.kernels.graph_build import run_build
        >>> graph = run_build(np.array([10, 20]), [0], [1])
        >>> graph.replace(OUT, 0, np.zeros(0, np.int32), np.zeros(0), np.zeros(0, np.int32))
        >>> (graph.entries.span[:, :, 1] - graph.entries.span[:, :, 0]).tolist()
        [[0, 0], [0, 1]]
        """
        begin, end = self.entries.span[side, slot].tolist()
        old, count = end - begin, len(neighbor)
        if self._least is not None:
            gone = self.entries.weight[begin : begin + old]
            if np.any(weight < 0.0) or np.any(gone < 0.0):
                self._least = None
        if count > old:
            begin = self._used if self._used >= 0 else len(self.entries.neighbor)
            self.entries = _with_room(self.entries, begin, begin + count)
            self._used = begin + count
        entries = self.entries
        entries.span[side, slot] = begin, begin + count
        entries.neighbor[begin : begin + count] = neighbor
        entries.weight[begin : begin + count] = weight
        entries.kind[begin : begin + count] = kind

    def slack(self) -> float:
        """Return the part of the pool that no slot uses, in [0, 1); above a half a rebuild is due."""
        pool = len(self.entries.neighbor)
        span = self.entries.span
        return 1.0 - int((span[:, :, 1] - span[:, :, 0]).sum()) / pool if pool else 0.0

    def faults(self) -> list[str]:
        """Return what is wrong with the arrays, empty when a kernel may walk them.

        One index out of range in a kernel is a crash of the host: arrays that come from a file are asked
        this first.
        """
        span = self.entries.span
        arrays: tuple[NDArray[Any], ...] = (self.ids, *self.entries)
        if [array.dtype for array in arrays] != [np.int64, np.int64, np.int32, np.float64, np.int32]:
            return ["ids and span must be int64, neighbor and kind int32, weight float64"]
        if span.shape != (2, self.n, 2) or len({array.shape for array in arrays[2:]}) > 1:
            return ["span must have the shape (2, n, 2), neighbor, weight and kind one length"]
        if self.n and (span.min() < 0 or np.any(span[:, :, 0] > span[:, :, 1]) or span.max() > len(arrays[2])):
            return ["span must lie in the pool"]
        neighbor, weight, kind = live(self.entries)
        found = []
        if self.n >= MAX_NODES or len(np.unique(self.ids)) != self.n:
            found.append("ids must be distinct and fewer than 2**31")
        if len(neighbor) and (neighbor.min() < 0 or neighbor.max() >= self.n):
            found.append("neighbors must be slots")
        if len(kind) and (kind.min() < 0 or kind.max() >= MAX_KINDS):
            found.append("types must be in [0, 2**20)")
        if not np.isfinite(weight).all():
            found.append("weights must be finite")
        return found


def live(entries: Entries) -> tuple[SlotArray, FloatArray, KindArray]:
    """Return neighbor, weight and type of the entries in use, by side and slot; views where there is no slack.

    Examples
    --------
    >>> from neurograph.kernels.graph_build import run_build
    >>> graph = run_build(np.array([10, 20]), [0, 1], [1, 0])
    >>> live(graph.entries)[0].tolist()
    [1, 0, 1, 0]
    """
    begin, end = entries.span.reshape(-1, 2).T
    counts = end - begin
    total = int(counts.sum())
    first = np.cumsum(counts) - counts
    if total == len(entries.neighbor) and np.array_equal(begin, first):
        return entries.neighbor, entries.weight, entries.kind
    positions = np.repeat(begin - first, counts) + np.arange(total)
    return entries.neighbor[positions], entries.weight[positions], entries.kind[positions]


def _least_weights(entries: Entries) -> FloatArray:
    """Return min(0, the least weight) for each type code up to the last with a weight below zero."""
    _, weight, kind = live(entries)
    negative = weight < 0.0
    kinds = kind[negative]
    least = np.zeros(int(kinds.max()) + 1 if len(kinds) else 0)
    np.minimum.at(least, kinds, weight[negative])
    return least


def _with_room(entries: Entries, used: int, needed: int) -> Entries:
    """Return the same entries with a pool of at least `needed` positions, `used` of them kept."""
    if needed <= len(entries.neighbor):
        return entries
    pools = []
    for old in entries[1:]:
        pool = np.zeros(max(needed, 2 * len(entries.neighbor)), old.dtype)
        pool[:used] = old[:used]
        pools.append(pool)
    return Entries(entries.span, *pools)


def sides(direction: Direction) -> tuple[int, int]:
    """Return the sides to walk as a range.

    Raises
    ------
    InvalidValue
        If there is no such direction.

    Examples
    --------
    >>> sides("out"), sides("in"), sides("both")
    ((0, 1), (1, 2), (0, 2))
    """
    if direction not in _SIDES:
        raise InvalidValue(f"direction must be 'out', 'in' or 'both', got {direction!r}")
    return _SIDES[direction]


def allowed_kinds(kinds: Iterable[int] | None) -> BoolArray:
    """Return the table of allowed type codes: empty when all are.

    Parameters
    ----------
    kinds
        Type codes in [0, 2**20), or None for all.

    Raises
    ------
    InvalidValue
        If a code is out of range.

    Examples
    --------
    >>> allowed_kinds([0, 2]).tolist(), allowed_kinds(None).tolist()
    ([True, False, True], [])
    """
    if kinds is None:
        return EVERY_KIND
    codes = np.fromiter(kinds, np.int64)
    if len(codes) and not (codes.min() >= 0 and codes.max() < MAX_KINDS):
        wrong = codes[(codes < 0) | (codes >= MAX_KINDS)][0]
        raise InvalidValue(f"a type code must be in [0, 2**20), got {int(wrong)!r}")
    table = np.zeros(int(codes.max()) + 1 if len(codes) else 1, np.bool_)
    table[codes] = True
    return table
