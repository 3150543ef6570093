"""The rows that decide who is nearest of those codes left, and the order they are fetched in. No kernel lives here.

Invariants:

1. What is left is fetched in order of its bound, k rows and FIRST more, then at most FETCH numbers or FETCH_ROWS at a
   time, and no further than where a bound is above the k-th distance so far: a thousand copies of one row cost time,
   and neither room nor exactness. Queries side by side that are left with few ask for these together.
2. Answers are ordered by (distance, id).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import knn_refine_kernel
from .knn_codes import FloatArray, IntArray, RowArray, Tick
from .knn_codes_kernel import L2, Planes, Turn
from .knn_query_kernel import measure
from .knn_refine_kernel import SIZE, Held
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


def decide(wanted: Wanted, queries: FloatArray, held: Held, pages: Sequence[Page | None]) -> list[Nearest]:
    """Return the nearest of the candidates, by their rows; few candidates of many queries are fetched together."""
    sizes, most = held.counts[:, SIZE].tolist(), max(1, min(FETCH // queries.shape[1], FETCH_ROWS))
    every, refined = range(len(queries)), held.counts[:, knn_refine_kernel.REFINED].tolist()
    found = []
    for some in [[*every]] if sum(sizes) <= most else [[j] for j in every]:
        asking = []
        for j in some:
            slots, least = held.slots[j, : sizes[j]], held.bounds[j, 0, : sizes[j]]
            if sizes[j] > min(most, 2 * (wanted.k + FIRST)):  # else all are fetched at once
                order = np.argsort(least, kind="stable")
                slots, least = slots[order], least[order]
            asking.append(_measured(wanted, queries[j], slots, least, pages[j], most))
        found += _answered(wanted, asking)
    return [nearest._replace(refined=count) for nearest, count in zip(found, refined, strict=True)]


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
    wanted: Wanted, query: FloatArray, slots: IntArray, least: FloatArray, page: Page | None, most: int
) -> _Asking:
    """Return the k nearest of candidates in order of their bounds (invariant 1); yield slots to be given their rows."""
    nearest, done, few = nothing(), 0, wanted.k + FIRST
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
    return nearest._replace(fetched=done)


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
