"""The rows that decide who is nearest of those codes left, and the order they are fetched in. No kernel lives here.

Invariants:

1. What is left is fetched in order of its bound, k rows and FIRST more, then at most FETCH numbers or FETCH_ROWS at a
   time, and no further than where a bound is above the k-th distance so far: a thousand copies of one row cost time,
   and neither room nor exactness. Queries side by side that are left with few ask for these together.
2. Answers are ordered by (distance, id).
3. Candidates that find no room are settled before others are looked for: their rows are measured, the k nearest stay,
   and whoever is surely farther than these no longer reaches. So room is bounded, whatever codes leave.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .knn_codes import FloatArray, IntArray, RowArray, Tick
from .knn_codes_kernel import L2, Planes, Turn
from .knn_query_kernel import measure
from .knn_refine_kernel import LIMIT, REFINED, SIZE, Held
from .scratch import Scratch

Fetch = Callable[[IntArray], RowArray]
Page = tuple[float, int]

FETCH, FETCH_ROWS = 1 << 21, 1 << 13  # numbers and rows fetched at a time: 10 to 20 ms, 2.6 µs a row and its object
FIRST = 2
"""Rows beyond k that are fetched first: of a million in clusters 26 are then enough where codes left 59. 64 queries
together take 22 ms so, else 28; of WordNet's glosses codes leave 15, and it's all one."""
SURE = 2.0**-40  # more than what float64 rounds of a square


class Nearest(NamedTuple):
    """The nearest rows of one query, in order of (distance, id)."""

    ids: IntArray
    """(found,) int64."""
    distances: FloatArray
    """(found,) float64."""
    slots: IntArray
    """(found,) int64."""
    refined: int
    """Rows that the upper planes left."""
    fetched: int
    """Rows that both planes left, and whose distance was computed."""


class Within(NamedTuple):
    """Where a query looks."""

    groups: IntArray
    """(g,): distinct groups of 16 slots."""
    slots: IntArray
    """(s,): distinct slots in none of them."""


_Asking = Generator[IntArray, RowArray, Nearest]
"""A query that yields the slots whose rows it wants next, and returns at its end what is nearest."""


class Wanted(NamedTuple):
    """What does not change from query to query."""

    planes: Planes
    metric: int
    mean: FloatArray
    turn: Turn
    ids: IntArray | None
    allowed: NDArray[np.bool_]
    k: int
    radius: float
    within: Within | None
    fetch: Fetch
    doubt: float
    tick: Tick
    scratch: Scratch


def nothing(refined: int = 0) -> Nearest:
    """Return an answer without rows.

    Examples
    --------
    >>> nothing().ids.tolist()
    []
    """
    return Nearest(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64), refined, 0)


class Deciding:
    """What is nearest to each of some queries, of those candidates whose rows were measured."""

    def __init__(self, wanted: Wanted, queries: FloatArray, pages: Sequence[Page | None]) -> None:
        self.wanted = wanted
        self._queries = queries
        self._pages = pages
        self._most = max(1, min(FETCH // queries.shape[1], FETCH_ROWS))
        self._found = [nothing() for _ in queries]

    def settle(self, held: Held, j: int) -> None:
        """Make room for other candidates of a query (invariant 3)."""
        (self._found[j],) = _answered(self.wanted, [self._asking(held, j)])
        held.counts[j, SIZE] = 0
        if len(self._found[j].ids) == self.wanted.k:
            reach = key_of(self.wanted.metric, float(self._found[j].distances[-1]), 1.0)
            held.numbers[j, LIMIT] = min(held.numbers[j, LIMIT], reach)

    def decide(self, held: Held) -> list[Nearest]:
        """Return the nearest, after the rows of what is left; few candidates of many queries are fetched together."""
        every, refined = range(len(self._queries)), held.counts[:, REFINED].tolist()
        found = []
        for some in [[*every]] if held.counts[:, SIZE].sum() <= self._most else [[j] for j in every]:
            found += _answered(self.wanted, [self._asking(held, j) for j in some])
        return [nearest._replace(refined=count) for nearest, count in zip(found, refined, strict=True)]

    def _asking(self, held: Held, j: int) -> _Asking:
        size = int(held.counts[j, SIZE])
        slots, least = held.slots[j, :size], held.bounds[j, 0, :size]
        if size > min(self._most, 2 * (self.wanted.k + FIRST)):  # else all are fetched at once
            order = np.argsort(least, kind="stable")
            slots, least = slots[order], least[order]
        return _measured(self.wanted, self._queries[j], slots, least, self._pages[j], self._found[j], self._most)


def key_of(metric: int, distance: float, side: float) -> float:
    """Return the key of a distance, or its square, surely not below it (side 1) or not above it (-1).

    Examples
    --------
    >>> key_of(0, 0.25, 1.0)
    0.25
    """
    if metric != L2:
        return distance
    return distance * distance * (1.0 + side * SURE) + side * 1e-300 if distance >= 0 else -np.inf


def _answered(wanted: Wanted, asking: list[_Asking]) -> list[Nearest]:
    """Return what queries find that are given the rows they ask for."""
    told = [_go_on(each) for each in asking]
    while waiting := {j: chunk for j, chunk in enumerate(told) if not isinstance(chunk, Nearest)}:
        chunks = [*waiting.values()]
        slots = chunks[0] if len(chunks) == 1 else np.unique(np.concatenate(chunks))
        rows = wanted.fetch(slots)
        for j, chunk in waiting.items():
            told[j] = _go_on(asking[j], rows if chunk is slots else rows[np.searchsorted(slots, chunk)])
    return [each for each in told if isinstance(each, Nearest)]


def _go_on(asking: _Asking, rows: RowArray | None = None) -> IntArray | Nearest:
    """Return which rows a query asks for next, given those it asked for last, or at its end what is nearest."""
    try:
        return next(asking) if rows is None else asking.send(rows)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def _measured(
    wanted: Wanted,
    query: FloatArray,
    slots: IntArray,
    least: FloatArray,
    page: Page | None,
    nearest: Nearest,
    most: int,
) -> _Asking:
    """Return the k nearest of `nearest` and candidates in order of bounds (invariant 1); yield slots of rows wanted."""
    before, done, few = nearest.fetched, 0, wanted.k + FIRST
    waiting: list[tuple[IntArray, FloatArray]] = []
    while done < len(slots):
        step = min(most, few) if done == 0 and len(slots) > 2 * few else most
        chunk = np.sort(slots[done : done + step])
        rows, distances = (yield chunk), np.empty(len(chunk))
        measure(np.ascontiguousarray(rows.T), query, wanted.metric, distances)
        done += len(chunk)
        waiting.append((chunk, distances))
        wanted.tick()
        if sum(len(some) for some, _ in waiting) < wanted.k and done < len(slots):
            continue  # chunk by chunk, a million rows are put in order a hundred times
        found, far = (
            waiting[0] if len(waiting) == 1 else (np.concatenate(parts) for parts in zip(*waiting, strict=True))
        )
        nearest, waiting = merge(wanted, nearest, found, far, page), []
        if len(nearest.ids) == wanted.k and done < len(slots):
            last = float(nearest.distances[-1])
            reach = last * last * (1.0 + SURE) if wanted.metric == L2 else last
            slots = slots[: max(done, int(np.searchsorted(least, reach, side="right")))]
    return nearest._replace(fetched=before + done)


def merge(wanted: Wanted, nearest: Nearest, slots: IntArray, distances: FloatArray, page: Page | None) -> Nearest:
    """Return the k first of what was found and rows just measured."""
    ids = slots if wanted.ids is None else wanted.ids[slots]
    if page is not None or wanted.radius < np.inf:
        keep = distances <= wanted.radius
        if page is not None:
            keep &= (distances > page[0]) | ((distances == page[0]) & (ids > page[1]))
        ids, slots, distances = ids[keep], slots[keep], distances[keep]
    if len(nearest.ids):
        ids, slots = np.concatenate((nearest.ids, ids)), np.concatenate((nearest.slots, slots))
        distances = np.concatenate((nearest.distances, distances))
    order = np.lexsort((ids, distances))[: wanted.k]
    return Nearest(ids[order], distances[order], slots[order], 0, 0)
