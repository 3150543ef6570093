"""The kernel of spreading activation: rounds of arrivals.

Invariants:

1. A row of the log is a slot in a round in which something arrived there, eight words in one cache line: where
   (``first depth << 32 | slot``), best (``row << 32 | slot``: the slot's own row of the round of its largest arrival of
   all, and the sender of that), counts (``all << 32 | of the round``; -1 in a row that is not the slot's latest), a
   spare; as floats: energy, received in the round, largest of all, largest of the round. Row 0 is the source in
   round 0. A row goes on from the slot's row before: its latest row holds its whole story.
2. ``trail[row]`` is ``from << 32 | slot``: the row of the sender of the round's largest arrival, and the row's slot.
   From the row in best, trails lead back to row 0, a round at a time.
3. ``mark[v] - base`` is the latest row of v, below 0 where nothing arrived.
4. Rows of a round lie together. A call does whole rounds and stops before one that could overflow the log.
5. Senders go in order of id, their entries in order, so that every sum is the same on every machine and path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .adjacency import Entries

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

# Compiled into the kernels that call it and never called from Python: no wrapper, no file of its own.
_part = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload]

# Called for every link: as a call of its own, counting references takes longer than its work.
_inline = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True)  # type: ignore[call-overload]

SLOT = (1 << 32) - 1
WHERE, BEST, COUNTS, ENERGY, RECEIVED, LARGEST, LARGEST_NOW = 0, 1, 2, 4, 5, 6, 7
ONE = (1 << 32) + 1  # an arrival, counted twice
STALE = -1
BASE, FIRST, ROWS, TOUCHED, ROUND, MODE, MAX_DEPTH, BUDGET, SOURCE, FOUND, OVER, SHIFT = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
)
KEEP, MIN_ENERGY, THRESHOLD = 0, 1, 2
SUM, MAX, WEIGHTED_AVERAGE = 0, 1, 2
MORE, DONE, FULL = 0, 1, 2
RUN = 32  # rows put in order by insertion; beyond, by radix
LAST = (1 << 63) - 1
DIGIT = 8  # bits at a time: with 11, clearing the counters costs more than a pass for a few hundred rows


class Log(NamedTuple):
    """What a spreading remembers."""

    mark: IntArray
    """(n,)."""
    ints: IntArray
    """(capacity, 8)."""
    floats: FloatArray
    """(capacity, 8): `ints` as floats."""
    trail: IntArray
    """(capacity,)."""
    order: IntArray
    """(2, capacity): rows chosen, put in order; at the end keys of slots to report."""
    digits: IntArray
    """(257,)."""
    state: IntArray
    """(12,): see the names above; first row of the last round, rows, slots touched …"""
    rules: FloatArray
    """(3,): 1 - decay, min_energy, threshold."""


@_inline
def _rank(ints: IntArray, rank: IntArray, row: int) -> int:
    """Return the rank of a row's slot."""
    slot = ints[row, WHERE] & SLOT
    place: int = rank[slot] if rank.size else slot
    return place


@_part
def _sort_rows(log: Log, rank: IntArray) -> None:
    """Put the rows chosen in order of rank."""
    ints, order, first, size, n = log.ints, log.order, log.digits, log.state[FOUND], len(log.mark)
    for i in range(1, size if size <= RUN else 0):
        row, j = order[0, i], i
        while j > 0 and _rank(ints, rank, order[0, j - 1]) > _rank(ints, rank, row):
            order[0, j] = order[0, j - 1]
            j -= 1
        order[0, j] = row
    shift, mask = 0, (1 << DIGIT) - 1
    while size > RUN and n >> shift > 0:
        for digit in range(mask + 2):
            first[digit] = 0
        for i in range(size):
            order[1, i] = order[0, i]
            first[((_rank(ints, rank, order[0, i]) >> shift) & mask) + 1] += 1
        for digit in range(mask + 1):
            first[digit + 1] += first[digit]
        for i in range(size):
            digit = (_rank(ints, rank, order[1, i]) >> shift) & mask
            order[0, first[digit]] = order[1, i]
            first[digit] += 1
        shift += DIGIT


@_inline
def _combine(energy: float, arrival: float, count: int, mode: int) -> float:
    """Return energy after one more arrival, `count` having come before."""
    if mode == 0:
        energy += arrival
    elif mode == 1:
        energy = arrival if arrival > energy else energy
    else:
        energy = (energy * count + arrival) / (count + 1)
    return energy


@_inline
def _arrive(ints: IntArray, floats: FloatArray, row: int, best: int, arrival: float, mode: int) -> bool:
    """Book an arrival in a row of this round; return whether it is the largest of the round."""
    counts = ints[row, COUNTS]
    floats[row, ENERGY] = _combine(floats[row, ENERGY], arrival, counts >> 32, mode)
    floats[row, RECEIVED] = _combine(floats[row, RECEIVED], arrival, counts & SLOT, mode)
    ints[row, COUNTS] = counts + ONE
    larger: bool = arrival > floats[row, LARGEST_NOW]
    if larger:
        floats[row, LARGEST_NOW] = arrival
    if arrival > floats[row, LARGEST]:
        floats[row, LARGEST], ints[row, BEST] = arrival, best
    return larger


@_inline
def _go_on(ints: IntArray, floats: FloatArray, before: int, row: int, arrival: float, mode: int) -> None:
    """Go on in `row`, where the first arrival of a round is booked, from the row `before`."""
    count = ints[before, COUNTS] >> 32
    ints[row, WHERE], ints[row, COUNTS] = ints[before, WHERE], ONE + (count << 32)
    ints[before, COUNTS] = STALE
    floats[row, ENERGY] = _combine(floats[before, ENERGY], arrival, count, mode)
    if arrival <= floats[before, LARGEST]:
        floats[row, LARGEST], ints[row, BEST] = floats[before, LARGEST], ints[before, BEST]


@_part
def _send(entries: Entries, allowed: BoolArray, log: Log) -> None:
    """Let the rows chosen send, as long as the budget lasts."""
    span, neighbor, weight, kind = entries
    mark, ints, floats, trail, order, _, state, rules = log
    base, first, mode, rows, keep = state[BASE], state[FIRST], state[MODE], state[ROWS], rules[KEEP]
    now, budget = state[ROUND] << 32, state[BUDGET] - state[TOUCHED]
    for i in range(state[FOUND]):
        sender = order[0, i]
        u, energy = ints[sender, WHERE] & SLOT, floats[sender, RECEIVED]
        for p in range(span[0, u, 0], span[0, u, 1]):
            arrival = energy * weight[p] * keep
            if not arrival > 0.0 or (allowed.size and not (kind[p] < allowed.size and allowed[kind[p]])):
                continue
            v = np.int64(neighbor[p])
            row = mark[v] - base
            if row >= first:
                if _arrive(ints, floats, row, row << 32 | u, arrival, mode):
                    trail[row] = sender << 32 | v
                continue
            if row < 0 and budget == 0:
                state[OVER] = 1
                break
            mark[v], trail[rows] = base + rows, sender << 32 | v
            ints[rows, WHERE], ints[rows, BEST], ints[rows, COUNTS] = now | v, rows << 32 | u, ONE
            floats[rows, ENERGY] = floats[rows, LARGEST] = arrival
            floats[rows, RECEIVED] = floats[rows, LARGEST_NOW] = arrival
            if row >= 0:
                _go_on(ints, floats, row, rows, arrival, mode)
            budget -= row < 0
            rows += 1
        if state[OVER]:
            break
    state[ROWS], state[TOUCHED] = rows, state[BUDGET] - budget


@_part
def _choose(entries: Entries, log: Log) -> int:
    """Choose the rows that send next; return the links they send along."""
    ints, floats, order, state, least = log.ints, log.floats, log.order, log.state, log.rules[MIN_ENERGY]
    found, links = 0, 0
    for row in range(state[FIRST], state[ROWS]):
        if floats[row, RECEIVED] >= least:
            v = ints[row, WHERE] & SLOT
            links += entries.span[0, v, 1] - entries.span[0, v, 0]
            order[0, found] = row
            found += 1
    state[FOUND] = found
    return links


@_part
def _report(log: Log, rank: IntArray) -> None:
    """Write keys of the slots to report: as much of the energy as leaves room for the rank, the highest first."""
    ints, floats, state, shift = log.ints, log.floats, log.state, log.state[SHIFT]
    found = 0
    for row in range(1, state[ROWS]):
        chosen = ints[row, COUNTS] != STALE and floats[row, ENERGY] >= log.rules[THRESHOLD]
        if chosen and ints[row, WHERE] & SLOT != state[SOURCE]:
            log.order[0, found] = (LAST - ints[row, ENERGY]) >> shift << shift | _rank(ints, rank, row)
            found += 1
    state[FOUND] = found


@njit(cache=True, nogil=True)
def spread(entries: Entries, allowed: BoolArray, log: Log, rank: IntArray, work: int) -> int:
    """Go on round by round; at the end write the keys of what to report."""
    state = log.state
    while state[OVER] == 0 and state[ROUND] < state[MAX_DEPTH]:
        links = _choose(entries, log)
        if state[FOUND] == 0:
            break
        room = links if links < len(log.mark) else len(log.mark)
        if state[ROWS] + room > len(log.ints):
            return FULL
        if work <= 0:
            return MORE
        _sort_rows(log, rank)
        state[FIRST] = state[ROWS]
        state[ROUND] += 1
        work -= links
        _send(entries, allowed, log)
    _report(log, rank)
    return DONE
