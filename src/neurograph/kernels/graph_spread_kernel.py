"""The kernel of spreading activation: rounds of arrivals.

Invariants:

1. A row of the log is a slot in a round in which something arrived there: ``ints`` (node, parent, best, depth,
   count, count of the round, rank), ``floats`` (energy, received, largest, largest of the round). Row 0 is the
   source in round 0. A row goes on from the slot's row before: its latest row holds its whole story.
2. ``parent`` is the row of the sender of the round's largest arrival; ``best`` the slot's own row of the round of
   its largest arrival of all. So from ``best`` parents lead back to row 0, a round at a time.
3. ``mark[v] - base`` is the latest row of v, below 0 where nothing arrived.
4. ``state`` is (base, first row of the last round, rows, slots touched, round, mode, max_depth, budget, source,
   found, over); ``rules`` is (1 - decay, min_energy, threshold). Rows of a round lie together. A call does whole
   rounds and stops before one that could overflow the log.
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

NODE, PARENT, BEST, DEPTH, COUNT, COUNT_NOW, RANK = 0, 1, 2, 3, 4, 5, 6
ENERGY, RECEIVED, LARGEST, LARGEST_NOW = 0, 1, 2, 3
BASE, FIRST, ROWS, TOUCHED, ROUND, MODE, MAX_DEPTH, BUDGET = 0, 1, 2, 3, 4, 5, 6, 7
SOURCE, FOUND, OVER = 8, 9, 10
KEEP, MIN_ENERGY, THRESHOLD = 0, 1, 2
SUM, MAX, WEIGHTED_AVERAGE = 0, 1, 2
MORE, DONE, FULL = 0, 1, 2
RUN = 24  # rows put in order by insertion; beyond, by radix
DIGIT = 11


class Log(NamedTuple):
    """What a spreading remembers."""

    mark: IntArray
    """(n,)."""
    ints: IntArray
    """(capacity, 7)."""
    floats: FloatArray
    """(capacity, 4)."""
    order: IntArray
    """(2, capacity): rows being put in order."""
    digits: IntArray
    """(2049,)."""
    state: IntArray
    """(11,)."""
    rules: FloatArray
    """(3,)."""


@_part
def _combine(energy: float, arrival: float, count: int, mode: int) -> float:
    """Return energy after one more arrival, `count` having come before."""
    if mode == 0:
        energy += arrival
    elif mode == 1:
        energy = arrival if arrival > energy else energy
    else:
        energy = (energy * count + arrival) / (count + 1)
    return energy


@_part
def _sort_rows(ints: IntArray, order: IntArray, first: IntArray, size: int, n: int) -> None:
    """Put order[0, :size] in order of rank; `first` holds the next place of each digit."""
    for i in range(1, size if size <= RUN else 0):
        row, j = order[0, i], i
        while j > 0 and ints[order[0, j - 1], RANK] > ints[row, RANK]:
            order[0, j] = order[0, j - 1]
            j -= 1
        order[0, j] = row
    shift, mask = 0, (1 << DIGIT) - 1
    while size > RUN and n >> shift > 0:
        for digit in range(mask + 2):
            first[digit] = 0
        for i in range(size):
            order[1, i] = order[0, i]
            first[((ints[order[0, i], RANK] >> shift) & mask) + 1] += 1
        for digit in range(mask + 1):
            first[digit + 1] += first[digit]
        for i in range(size):
            digit = (ints[order[1, i], RANK] >> shift) & mask
            order[0, first[digit]] = order[1, i]
            first[digit] += 1
        shift += DIGIT


@_part
def _open(log: Log, before: int, v: int, rank: int) -> int:
    """Open a row for v in this round, going on from the row `before`, and return it."""
    ints, floats, state = log.ints, log.floats, log.state
    row: int = state[ROWS]
    state[ROWS] += 1
    if before < 0:
        state[TOUCHED] += 1
    ints[row, NODE], ints[row, RANK] = v, rank
    ints[row, BEST] = ints[before, BEST] if before >= 0 else row
    ints[row, DEPTH] = ints[before, DEPTH] if before >= 0 else state[ROUND]
    ints[row, COUNT] = ints[before, COUNT] if before >= 0 else 0
    floats[row, ENERGY] = floats[before, ENERGY] if before >= 0 else 0.0
    floats[row, LARGEST] = floats[before, LARGEST] if before >= 0 else 0.0
    floats[row, RECEIVED], floats[row, LARGEST_NOW], ints[row, COUNT_NOW] = 0.0, 0.0, 0
    log.mark[v] = state[BASE] + row
    return row


@_part
def _arrive(ints: IntArray, floats: FloatArray, row: int, sender: int, arrival: float, mode: int) -> None:
    """Book one arrival."""
    floats[row, ENERGY] = _combine(floats[row, ENERGY], arrival, ints[row, COUNT], mode)
    floats[row, RECEIVED] = _combine(floats[row, RECEIVED], arrival, ints[row, COUNT_NOW], mode)
    ints[row, COUNT] += 1
    ints[row, COUNT_NOW] += 1
    if arrival > floats[row, LARGEST_NOW]:
        floats[row, LARGEST_NOW], ints[row, PARENT] = arrival, sender
    if arrival > floats[row, LARGEST]:
        floats[row, LARGEST], ints[row, BEST] = arrival, row


@_part
def _send(entries: Entries, allowed: BoolArray, log: Log, rank: IntArray, senders: int) -> None:
    """Let order[0, :senders] send, as long as the budget lasts."""
    span, neighbor, weight, kind = entries
    mark, ints, floats, order, _, state, rules = log
    for i in range(senders):
        sender = order[0, i]
        u, energy = ints[sender, NODE], floats[sender, RECEIVED]
        for p in range(span[0, u, 0], span[0, u, 1]):
            arrival = energy * weight[p] * rules[KEEP]
            if not arrival > 0.0 or (allowed.size and not (kind[p] < allowed.size and allowed[kind[p]])):
                continue
            v = neighbor[p]
            row = mark[v] - state[BASE]
            if row < 0 and state[TOUCHED] == state[BUDGET]:
                state[OVER] = 1
                return
            if row < state[FIRST]:
                row = _open(log, row, v, rank[v] if rank.size else v)
            _arrive(ints, floats, row, sender, arrival, state[MODE])


@_part
def _gather(entries: Entries, log: Log) -> int:
    """Write the rows that send next, or that are reported at the end, to order[0]; return links they send along."""
    mark, ints, floats, order, _, state, rules = log
    found, links = 0, 0
    for row in range(1 if state[OVER] else state[FIRST], state[ROWS]):
        v = ints[row, NODE]
        if state[OVER]:
            latest = mark[v] - state[BASE] == row and v != state[SOURCE]
            chosen = latest and floats[row, ENERGY] >= rules[THRESHOLD]
        else:
            chosen = floats[row, RECEIVED] >= rules[MIN_ENERGY]
            links += (entries.span[0, v, 1] - entries.span[0, v, 0]) * chosen
        order[0, found] = row
        found += chosen
    state[FOUND] = found
    return links


@njit(cache=True, nogil=True)
def spread(entries: Entries, allowed: BoolArray, log: Log, rank: IntArray, work: int) -> int:
    """Go on round by round; at the end write the rows to report to order[0], by id, and how many to state."""
    state = log.state
    while True:
        if state[ROUND] == state[MAX_DEPTH]:
            state[OVER] = 1
        links = _gather(entries, log)
        if state[FOUND] == 0 and state[OVER] == 0:
            state[OVER] = 1
            continue
        room = links if links < len(log.mark) else len(log.mark)
        if state[OVER] == 0 and state[ROWS] + room > len(log.ints):
            return FULL
        if state[OVER] == 0 and work <= 0:
            return MORE
        _sort_rows(log.ints, log.order, log.digits, state[FOUND], len(log.mark))
        if state[OVER]:
            return DONE
        state[FIRST] = state[ROWS]
        state[ROUND] += 1
        work -= links
        _send(entries, allowed, log, rank, state[FOUND])
