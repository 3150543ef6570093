"""The k nearest rows, exactly: a cascade over codes, and the distances of what it leaves. No kernel lives here.

Invariants:

1. The distance is what `knn_query_kernel` computes from the float32 rows (its invariant 1); answers are ordered by
   (distance, id). Codes only say which rows need not be looked at, with a bound that is proved, not measured: upper
   planes in `knn_scan_kernel`, then both planes in `knn_refine_kernel`, then the rows themselves (`knn_decide`).
2. A row is left out only when k rows are strictly nearer by their bounds or their distances, when it is surely beyond
   the radius or before the page, or when it has no code (`knn_codes`). Ties are never broken by a bound.
3. Given candidates, or groups of slots and slots besides, nothing else is looked at: the answer is the nearest of
   these, by invariant 1.
4. Where a part of each bound is believed, rows may be missing, as rarely as their codes are off by more than that part;
   what comes back is in order, with true distances.

One thread. No room but for keys of the queries searched side by side (at most KEYS bytes and what `scratch` may take,
or those of one query: 4 bytes a row) and the candidates.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InvalidValue
from . import knn_refine_kernel, knn_scan_kernel
from .knn_codes import SLACK, FloatArray, IntArray, RowArray, Tick, mean_for, metric_code, turning
from .knn_codes_kernel import GROUP, L2, Planes, Turn
from .knn_decide import SURE, Fetch, Nearest, Page, Wanted, Within, decide, merge, nothing
from .knn_query_kernel import ask
from .knn_refine_kernel import AFTER_HIGH, AFTER_LOW, CUT, FULL, LIMIT, ROUND, Held, refine, refine_picked
from .knn_scan_kernel import Sought, scan
from .scratch import Scratch

EVERY: NDArray[np.bool_] = np.ones(GROUP, np.bool_)
EVERYWHERE: IntArray = np.empty(0, np.int64)
KEYS = 1 << 26  # bytes of keys of queries side by side: on 1M rows as fast with twice that, 1.2 times as slow with half
SEEDS = 16  # groups beyond k whose best rows are refined first
BLOCK = 1 << 18  # bytes of codes that queries go over in turn: they stay in the second-level cache
SCAN = 1 << 26  # bytes of codes between ticks: 2 to 4 ms
REFINE = 1 << 22  # bytes of codes likewise
SPARSE = 0.05  # up to this share of rows allowed, groups without any are passed over


def run_search(
    planes: Planes,
    queries: RowArray,
    k: int,
    fetch: Fetch,
    *,
    metric: str = "cosine",
    mean: ArrayLike | None = None,
    turn: Turn | None = None,
    ids: IntArray | None = None,
    allowed: NDArray[np.bool_] | None = None,
    radius: float = np.inf,
    after: Sequence[Page | None] | None = None,
    candidates: Sequence[IntArray] | None = None,
    within: Sequence[Within] | None = None,
    doubt: float = 1.0,
    tick: Tick | None = None,
    scratch: Scratch | None = None,
) -> list[Nearest]:
    """Find the k nearest rows of each query, exactly.

    Parameters
    ----------
    planes
        Codes, by slot.
    queries
        (m, d) float32, finite.
    k
        At least 0; as many as there are come back.
    fetch
        Called with slots, (c,) int64, distinct and ascending; returns their rows, (c, d) float32, in that order.
    metric, mean, turn
        What the rows were quantised with.
    ids
        (n,) int64, distinct: the id of each slot; None where slots are ids.
    allowed
        (n,) bool: the slots that count; None for all. Others are left out before k is reached.
    radius
        Only rows whose distance is at most this.
    after
        For each query the (distance, id) that its rows come after, or None: the last of the page before.
    candidates
        For each query distinct slots, (c,) int64: the nearest of these alone, whatever `allowed` says. None for all.
    within
        For each query groups of 16 slots and slots besides: only these rows. None for all.
    doubt
        The part of each bound that is believed, up to 1: what is proved.
    tick
        Called between slices of at most about 20 ms; what it raises ends the call.
    scratch
        Memory that outlives a call, one a thread: spares a large allocation a call.

    Returns
    -------
    list of Nearest
        One a query.

    Examples
    --------
    >>> from neurograph.kernels.knn_codes import make_planes, run_quantise
    >>> rows = np.array([[1, 0], [3, 4], [0, 2], [0, 0]], np.float32)
    >>> planes = make_planes(len(rows), 2)
    >>> run_quantise(planes, 0, rows)
    >>> (found,) = run_search(planes, np.array([[0, 1]], np.float32), 3, lambda slots: rows[slots])
    >>> found.ids.tolist(), found.distances.round(3).tolist()
    ([2, 1, 0], [0.0, 0.2, 1.0])
    """
    queries = np.ascontiguousarray(queries, np.float32)
    places, dimension = len(planes.scale), queries.shape[1] if queries.ndim == 2 else 0
    if dimension < 1 or len(planes.high) != places * ((dimension + 1) // 2) + SLACK or not np.isfinite(queries).all():
        raise InvalidValue(f"queries must be finite, (m, d) with the d of the codes, got shape {queries.shape!r}")
    if within is not None and (len(within) != len(queries) or candidates is not None):
        raise InvalidValue(f"within must be given for each of {len(queries)} queries, alone, got {within!r}")
    if not 0.0 < doubt <= 1.0:
        raise InvalidValue(f"doubt must be above 0 and at most 1, got {doubt!r}")
    if k < 0 or np.isnan(radius):
        raise InvalidValue(f"k must be at least 0 and radius a number, got {k!r} and {radius!r}")
    if after is not None and len(after) != len(queries):
        raise InvalidValue(f"after must have a page for each of {len(queries)} queries, got {len(after)}")
    if candidates is not None and len(candidates) != len(queries):
        raise InvalidValue(f"candidates must be given for each of {len(queries)} queries, got {len(candidates)}")
    mask = EVERY if allowed is None else _mask(allowed, places)
    wanted = Wanted(
        planes, metric_code(metric), mean_for(dimension, mean), turning(dimension, turn), ids, mask, min(k, places),
        radius, None, fetch, doubt, tick or (lambda: None), scratch or Scratch(),
    )  # fmt: skip
    pages = [None] * len(queries) if after is None else after
    if not wanted.k or radius == -np.inf:
        return [nothing() for _ in queries]
    if within is not None:
        return _search_in(wanted, queries, pages, within)
    side, found = max(1, min(KEYS, wanted.scratch.most_bytes) // (5 * places)), []
    for begin in range(0, len(queries), side):
        among = None if candidates is None else candidates[begin : begin + side]
        found += _search(wanted, queries[begin : begin + side], pages[begin : begin + side], among)
    return found


def _search_in(
    wanted: Wanted, queries: RowArray, pages: Sequence[Page | None], within: Sequence[Within]
) -> list[Nearest]:
    """Search for queries that each look elsewhere."""
    found: list[Nearest] = []
    for j, mine in enumerate(within):
        if wanted.allowed is not EVERY:
            mine = mine._replace(slots=mine.slots[wanted.allowed[mine.slots]])
        only = None if len(mine.groups) else [mine.slots]
        found += _search(wanted._replace(within=mine), queries[j : j + 1], pages[j : j + 1], only)
    return found


def _mask(allowed: NDArray[np.bool_], places: int) -> NDArray[np.bool_]:
    if len(allowed) > places or allowed.dtype != np.bool_:
        raise InvalidValue(f"allowed must be up to {places} bools, got {len(allowed)} of {allowed.dtype}")
    if len(allowed) == places:
        return np.ascontiguousarray(allowed)
    mask = np.zeros(places, np.bool_)
    mask[: len(allowed)] = allowed
    return mask


def _search(
    wanted: Wanted, queries: RowArray, pages: Sequence[Page | None], candidates: Sequence[IntArray] | None
) -> list[Nearest]:
    """Search for queries side by side."""
    m, width, planes = len(queries), (queries.shape[1] + 1) // 2, wanted.planes
    digits = np.zeros((m, -(-width // 64) * 256), np.int8)
    first, then = np.zeros((m, knn_scan_kernel.NUMBERS)), np.zeros((m, knn_refine_kernel.NUMBERS))
    exact, fine = queries.astype(np.float64), len(planes.low) > 0
    told = [
        ask(p, wanted.mean, wanted.turn, wanted.metric, fine, *out)
        for p, *out in zip(exact.copy(), digits, first, then, strict=True)
    ]
    found: list[Nearest | None] = [
        None if told[j] else _by_id(wanted, page, None if candidates is None else candidates[j])
        for j, page in enumerate(pages)
    ]
    rest = [j for j in range(m) if found[j] is None]
    if len(rest) < m:
        digits, first, then = digits[rest], first[rest], then[rest]
    if rest:
        first[:, knn_scan_kernel.DOUBT] *= wanted.doubt
        then[:, knn_refine_kernel.DOUBT] *= wanted.doubt
        _limit(wanted, then, [pages[j] for j in rest])
        if candidates is not None:
            held = _judge(wanted, [candidates[j] for j in rest], digits, then, width)
        else:
            keys, floors = _scan(wanted, digits, first, then, width)
            held = _refine(wanted, keys, floors, digits, then, width)
        for i, nearest in enumerate(decide(wanted, exact[rest], held, [pages[j] for j in rest])):
            found[rest[i]] = nearest
    return [nearest for nearest in found if nearest is not None]


def _limit(wanted: Wanted, numbers: FloatArray, pages: Sequence[Page | None]) -> None:
    """Write what keys must be within, and after: the key is the distance, or its square."""
    square = wanted.metric == L2

    def key(distance: float, side: float) -> float:
        if not square:
            return distance
        return distance * distance * (1.0 + side * SURE) + side * 1e-300 if distance >= 0 else -np.inf

    numbers[:, LIMIT] = key(wanted.radius, 1.0)
    for j, page in enumerate(pages):
        numbers[j, AFTER_LOW] = -np.inf if page is None else key(page[0], -1.0)
        numbers[j, AFTER_HIGH] = -np.inf if page is None else key(page[0], 1.0)


def _scan(
    wanted: Wanted, digits: NDArray[np.int8], first: FloatArray, then: FloatArray, width: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the least keys of all rows, and those of groups; write the cut of the first sweep."""
    m, groups = len(digits), EVERYWHERE if wanted.within is None else wanted.within.groups
    n = GROUP * len(groups) or len(wanted.planes.scale)
    seeds = min(wanted.k + SEEDS, n // GROUP)
    (room,) = wanted.scratch.room("knn", m * (n + n // GROUP), lambda size: (np.empty(size, np.float32),))
    keys, floors = room[: m * n].reshape(m, n), room[m * n : m * (n + n // GROUP)].reshape(m, n // GROUP)
    sought = Sought(digits, first, keys, floors, np.zeros((m, seeds)), np.zeros(m, np.int64), groups)
    block = max(4 * GROUP, BLOCK // width // GROUP * GROUP) if m > 1 else n
    sparse = len(wanted.allowed) > GROUP and np.count_nonzero(wanted.allowed) <= SPARSE * n
    rows = max(GROUP, SCAN // width // GROUP * GROUP)
    state = np.array([0, 0, rows, min(block, rows), width, sparse], np.int64)
    while scan(wanted.planes, wanted.allowed, sought, state) != knn_scan_kernel.DONE:
        wanted.tick()
        state[knn_scan_kernel.BUDGET] = rows
    then[:, CUT] = np.where(sought.sizes == seeds, sought.best[:, 0], np.inf)
    return keys, floors


def _refine(
    wanted: Wanted,
    keys: NDArray[np.float32],
    floors: NDArray[np.float32],
    digits: NDArray[np.int8],
    numbers: FloatArray,
    width: int,
) -> Held:
    """Return the candidates that both planes leave."""
    m, rows, planes = len(digits), max(ROUND, REFINE // width), wanted.planes
    groups, besides = (EVERYWHERE, EVERYWHERE) if wanted.within is None else wanted.within
    room = 4 * (ROUND + GROUP) + len(besides)
    held = Held(
        digits, numbers, np.empty((m, room), np.int64), np.empty((m, 2, room)), np.empty((m, wanted.k)),
        np.zeros((m, 3), np.int64), np.empty(ROUND + GROUP, np.int64), groups,
    )  # fmt: skip
    block = max(1, BLOCK // width // GROUP) if m > 1 else floors.shape[1]
    state = np.array([0, 0, 0, 0, rows, block, width], np.int64)
    if len(besides):
        _judge_some(wanted, held, besides, state)
    while (status := refine(planes, keys, floors, held, state)) != knn_refine_kernel.DONE:
        if status == FULL:
            slots, bounds = np.empty((m, 4 * room), np.int64), np.empty((m, 2, 4 * room))
            slots[:, :room], bounds[:, :, :room] = held.slots, held.bounds
            held, room = held._replace(slots=slots, bounds=bounds), 4 * room
        wanted.tick()
        state[knn_refine_kernel.BUDGET] = rows
    return held


def _judge(
    wanted: Wanted, candidates: Sequence[IntArray], digits: NDArray[np.int8], numbers: FloatArray, width: int
) -> Held:
    """Return those of the given candidates that both planes leave."""
    m, room = len(digits), max(len(slots) for slots in candidates)
    held = Held(
        digits, numbers, np.empty((m, room), np.int64), np.empty((m, 2, room)), np.empty((m, wanted.k)),
        np.zeros((m, 3), np.int64), np.empty(0, np.int64), EVERYWHERE,
    )  # fmt: skip
    state = np.array([0, 0, 0, 0, 0, 0, width], np.int64)
    for j, slots in enumerate(candidates):
        state[knn_refine_kernel.QUERY] = j
        _judge_some(wanted, held, slots, state)
    return held


def _judge_some(wanted: Wanted, held: Held, slots: IntArray, state: IntArray) -> None:
    """Judge slots for the query of `state`."""
    step = max(ROUND, REFINE // int(state[knn_refine_kernel.WIDTH]))
    for begin in range(0, len(slots), step):
        some = slots[begin : begin + step]
        refine_picked(wanted.planes, held._replace(picked=some), state, len(some))
        wanted.tick()


def _by_id(wanted: Wanted, page: Page | None, candidates: IntArray | None) -> Nearest:
    """Return what is nearest to a query without a norm: everything is at distance 1."""
    there = ~np.isnan(wanted.planes.offset)
    if candidates is not None:
        some = np.zeros_like(there)
        some[candidates] = True
        there &= some
    elif wanted.allowed is not EVERY:
        there &= wanted.allowed
    if candidates is None and wanted.within is not None:
        among = np.zeros(len(there) // GROUP, np.bool_)
        among[wanted.within.groups] = True
        some = np.repeat(among, GROUP)
        some[wanted.within.slots] = True
        there &= some
    slots = np.flatnonzero(there)
    return merge(wanted, nothing(), slots, np.ones(len(slots)), page)
