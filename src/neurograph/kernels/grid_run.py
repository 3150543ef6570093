"""Run the grid's search kernels to their end: slices, longer answers, scratch memory. No kernel lives here.

Invariants:

1. A `Scratch` serves one call at a time: it is taken from a pool and given back, so threads share an index.
2. Answers are CSR: `indptr` (m + 1), `ids`, `distances`; each query's hits are ordered by (distance, id).
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from neurograph.kernels import grid_influence, grid_search, grid_weighted
from neurograph.kernels.grid_forest import FloatArray, IntArray, Tick
from neurograph.kernels.grid_influence import Part
from neurograph.kernels.grid_search import BUDGET, HITS, QUERY, STATUS

Answers = tuple[IntArray, IntArray, FloatArray]
Parts = tuple[tuple[Any, ...], tuple[Any, ...]]

SLICE = 1 << 13  # nodes and leaves a call visits: 1 ms with one level, 10 ms with eight
ROOM = 4096  # hits a scratch holds
LARGE = 1 << 15  # a heap of more hits is slower than to find and sort them all, and can't be interrupted
_START: Any = np.array([0, 0, -1, 0, 0, SLICE, 0, 0], np.int64).data  # of both searches
_INFLUENCE: Any = np.array([0, 0, -1, 0, SLICE, 0, 0, 0], np.int64).data


class Scratch:
    """Memory that calls reuse.

    Attributes
    ----------
    ints, floats
        What kernels keep; `state` is a view of `ints` (an item costs 15 ns, an array's 60).
    point
        (1, 4) float64, a query of one level; `numbers` is a view of its items.
    place
        (1, 34) float64, a query of eight levels.
    answers
        Room for the hits of a single query.
    """

    __slots__ = ("answers", "floats", "ints", "numbers", "place", "point", "state")

    def __init__(self) -> None:
        self.ints = np.zeros(512, np.int64)
        self.floats = np.zeros(grid_weighted.KEYS + 256)
        self.state: Any = self.ints.data
        self.point = np.zeros((1, 4))
        self.numbers: Any = self.point[0].data
        self.place = np.ones((1, 34))
        self.answers: Answers = (np.zeros(2, np.int64), np.empty(ROOM, np.int64), np.empty(ROOM))


_pool: list[Scratch] = []


def take() -> Scratch:
    """Return a scratch that nobody uses (0.1 µs)."""
    try:
        return _pool.pop()
    except IndexError:
        return Scratch()


def give(scratch: Scratch) -> None:
    """Put a scratch back."""
    _pool.append(scratch)


def room(queries: int, hits: int) -> Answers:
    """Return empty answers with room for some hits."""
    return np.zeros(queries + 1, np.int64), np.empty(hits, np.int64), np.empty(hits)


def _longer(answers: Answers, hits: int) -> Answers:
    """Return answers with twice the room, the first hits the same."""
    indptr, ids, distances = answers
    more = (indptr, np.empty(2 * len(ids), np.int64), np.empty(2 * len(ids)))
    more[1][:hits], more[2][:hits] = ids[:hits], distances[:hits]
    return more


def _put_in_order(answers: Answers, query: int, tick: Tick | None) -> None:
    """Sort the hits of a query that has many, one pass a slice."""
    low, high = int(answers[0][query]), int(answers[0][query + 1])
    ids, distances = answers[1][low:high], answers[2][low:high]
    for start in range(0, high - low, grid_search.SORTED):  # a multiple of a run
        grid_search.sort_runs(distances[start : start + grid_search.SORTED], ids[start : start + grid_search.SORTED])
        if tick is not None:
            tick()
    other_d, other_i, width = np.empty(high - low), np.empty(high - low, np.int64), grid_search.RUN
    while width < high - low:
        grid_search.merge_runs(distances, ids, other_d, other_i, width)
        distances, ids, other_d, other_i, width = other_d, other_i, distances, ids, 2 * width
        if tick is not None:
            tick()
    answers[1][low:high], answers[2][low:high] = ids, distances


def within(
    kernels: ModuleType,
    parts: Parts,
    queries: FloatArray,
    answers: Answers,
    scratch: Scratch,
    tick: Tick | None = None,
) -> Answers:
    """Find what is within the radius each query ends with.

    Parameters
    ----------
    kernels
        `grid_search` or `grid_weighted`.
    parts
        Two forests, as those kernels take them.
    queries
        (m, columns) float64, as those kernels take them.
    answers
        Room to begin with.
    scratch
        Not used by anybody else.
    tick
        Called between slices.

    Returns
    -------
    tuple of (indptr, ids, distances)
        `answers`, or longer ones; the hits fill the first indptr[-1] places.
    """
    state = scratch.state
    state[:8] = _START
    while True:
        kernels.radius(parts, queries, answers, scratch.ints, scratch.floats)
        status = state[STATUS]
        if status == grid_search.DONE:
            return answers if kernels is grid_search else _in_order(answers, scratch, tick)
        if status == grid_search.FULL:
            answers = _longer(answers, state[HITS])
        elif status == grid_search.UNSORTED:
            _put_in_order(answers, state[QUERY] - 1, tick)
        state[BUDGET] = SLICE
        if tick is not None:
            tick()


def _in_order(answers: Answers, scratch: Scratch, tick: Tick | None) -> Answers:
    """Sort the hits of each query."""
    state = scratch.state
    state[:8] = _START
    while True:
        grid_search.sort(answers, scratch.ints)
        if state[STATUS] == grid_search.DONE:
            return answers
        _put_in_order(answers, state[QUERY] - 1, tick)


def nearest(
    kernels: ModuleType,
    parts: Parts,
    queries: FloatArray,
    k: int,
    answers: Answers,
    scratch: Scratch,
    tick: Tick | None = None,
) -> Answers:
    """Find the k nearest within the radius each query ends with; as `within`.

    k is in 1 … LARGE, and `answers` has room for k hits a query.
    """
    state = scratch.state
    state[:8] = _START
    while True:
        kernels.nearest(parts, queries, k, answers, scratch.ints, scratch.floats)
        if state[STATUS] == grid_search.DONE:
            return answers
        state[BUDGET] = SLICE
        if tick is not None:
            tick()


def first(answers: Answers, k: int) -> Answers:
    """Return at most k hits of each query."""
    indptr, ids, distances = answers
    counts = np.minimum(np.diff(indptr), k)
    shorter = np.concatenate([[0], np.cumsum(counts)])
    chosen = np.arange(shorter[-1]) + np.repeat(indptr[:-1] - shorter[:-1], counts)
    return shorter, ids[chosen], distances[chosen]


def joined(answers: Sequence[Answers]) -> Answers:
    """Return answers to some queries each as answers to all of them."""
    counts = np.concatenate([np.diff(indptr) for indptr, _, _ in answers])
    ids, distances = np.concatenate([a[1] for a in answers]), np.concatenate([a[2] for a in answers])
    return np.concatenate([[0], np.cumsum(counts)]), ids, distances


def influence(parts: tuple[Part, Part], queries: FloatArray, kind: int, tick: Tick | None) -> FloatArray:
    """Return the influence of two parts at the points of each query (x, y, z, radius)."""
    out, scratch = np.zeros(len(queries)), take()
    try:
        ids, values = np.empty(ROOM, np.int64), np.empty(ROOM)
        state = scratch.state
        state[:8] = _INFLUENCE
        while True:
            grid_influence.influence(parts, queries, kind, out, ids, values, scratch.ints)
            status, hits = state[grid_influence.STATUS], state[grid_influence.HITS]
            if status == grid_influence.DONE:
                return out
            if status == grid_influence.FULL:
                ids, values = np.concatenate([ids, ids]), np.concatenate([values, values])
            elif status == grid_influence.UNSORTED:
                order = np.argsort(ids[:hits])
                out[state[grid_influence.QUERY]] = np.cumsum(values[:hits][order])[-1]  # in this order, as `sum` is not
                state[grid_influence.QUERY] += 1
                state[grid_influence.HITS] = 0
            state[grid_influence.BUDGET] = SLICE
            if tick is not None:
                tick()
    finally:
        give(scratch)
