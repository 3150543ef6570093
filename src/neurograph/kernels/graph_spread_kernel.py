"""The kernels of spreading activation: rounds of arrivals, and what to report of them.

Invariants:

1. A row of the log is a slot in a round in which something arrived there, four words, two rows a cache line: what the
   round brought; its largest arrival; the trail, ``from << 32 | slot``, where from is the row of that arrival's
   sender; the story. Row 0 is the source in round 0. Rows of a round lie together. A slot has at most one a round.
2. A story is ``round << 32 | arrivals`` where the row is the slot's only one: then the round is all there is to tell.
   Else it is -1 in a row that is not the slot's latest, and in the latest the place, counted from the end of the log,
   of two rows for all rounds: energy, largest arrival, its trail, depth; arrivals in all and of the latest round.
3. From a trail, the trails of the rows they come from lead back to row 0, a round at a time. They come from earlier
   rounds, so that those of the last round are not needed for that.
4. ``mark[v] - base`` is the latest row of v, below 0 where nothing arrived.
5. A call does whole rounds and stops before one that could overflow the log.
6. Senders go in order of id, their entries in order, so that every sum is the same on every machine and path.

Entries and neighbors are counted unsigned where each arrival is booked: int64 may count from the end, which is checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import config, njit
from numba.core import types
from numba.extending import intrinsic
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
RECEIVED, LARGEST, TRAIL, STORY = 0, 1, 2, 3
ENERGY, LARGEST_OF_ALL, BEST, DEPTH = 0, 1, 2, 3
ARRIVALS, ARRIVALS_NOW = 0, 1
STALE = -1
BASE, FIRST, ROWS, TOUCHED, ROUND, MODE, MAX_DEPTH, BUDGET, SOURCE, FOUND, OVER, SHIFT, PAST = (
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
    12,
)
KEEP, MIN_ENERGY, THRESHOLD = 0, 1, 2
SUM, MAX, WEIGHTED_AVERAGE = 0, 1, 2
MORE, DONE, FULL = 0, 1, 2
RUN = 32  # rows put in order by insertion; beyond, by radix
LAST = (1 << 63) - 1
DIGIT = 9  # bits at a time: two passes for 262k nodes; with 11, clearing the counters takes longer than a pass
AHEAD = 4  # senders


class Log(NamedTuple):
    """What a spreading remembers."""

    mark: IntArray
    """(n,)."""
    ints: IntArray
    """(capacity, 4)."""
    floats: FloatArray
    """(capacity, 4): `ints` as floats."""
    order: IntArray
    """(2, capacity): ``slot << 32 | row`` of the rows chosen, put in order; at the end keys of slots to report."""
    digits: IntArray
    """(513,)."""
    state: IntArray
    """(13,): see the names above; first row of the last round, rows, slots touched …"""
    rules: FloatArray
    """(3,): 1 - decay, min_energy, threshold."""


def _fetch_code(typing: Any, array: Any, place: Any) -> Any:
    """Have the processor bring a place of an array nearer, counted as if flat; it may lie beyond the end."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", (byte,), kind)
        where = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
        builder.call(fetch, [where, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), code


_fetch: Any = intrinsic(_fetch_code)
if config.DISABLE_JIT:  # type: ignore[attr-defined]

    def _fetch(array: Any, place: int) -> None:
        """Do nothing: as plain Python there is nothing to bring nearer."""


@_part
def _sort_rows(log: Log, rank: IntArray, by_rank: IntArray) -> None:
    """Put the rows chosen in order of rank; then keep their slots instead."""
    order, first, size, n = log.order, log.digits, log.state[FOUND], len(log.mark)
    for i in range(1, size if size <= RUN else 0):
        key, j = order[0, i], i
        while j > 0 and order[0, j - 1] > key:
            order[0, j] = order[0, j - 1]
            j -= 1
        order[0, j] = key
    shift, mask = 0, (1 << DIGIT) - 1
    while size > RUN and n >> shift > 0:
        for digit in range(mask + 2):
            first[digit] = 0
        for i in range(size):
            order[1, i] = order[0, i]
            first[((order[0, i] >> 32 >> shift) & mask) + 1] += 1
        for digit in range(mask + 1):
            first[digit + 1] += first[digit]
        for i in range(size):
            digit = (order[1, i] >> 32 >> shift) & mask
            order[0, first[digit]] = order[1, i]
            first[digit] += 1
        shift += DIGIT
    for i in range(size if rank.size else 0):
        order[0, i] = by_rank[order[0, i] >> 32] << 32 | order[0, i] & SLOT


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


@_part
def _tell(ints: IntArray, floats: FloatArray, at: int, trail: int, arrival: float, mode: int) -> int:
    """Book an arrival in a slot's story; return how many came before it in this round."""
    count = ints[at + 1, ARRIVALS_NOW]
    floats[at, ENERGY] = _combine(floats[at, ENERGY], arrival, ints[at + 1, ARRIVALS], mode)
    ints[at + 1, ARRIVALS] += 1
    ints[at + 1, ARRIVALS_NOW] = count + 1
    if arrival > floats[at, LARGEST_OF_ALL]:
        floats[at, LARGEST_OF_ALL], ints[at, BEST] = arrival, trail
    return count  # type: ignore[no-any-return]


@_inline
def _book(ints: IntArray, floats: FloatArray, row: int, count: int, trail: int, arrival: float, mode: int) -> None:
    """Book an arrival in a row of this round, after `count` others."""
    floats[row, RECEIVED] = _combine(floats[row, RECEIVED], arrival, count, mode)
    if arrival > floats[row, LARGEST]:
        floats[row, LARGEST], ints[row, TRAIL] = arrival, trail


@_part
def _go_on(ints: IntArray, floats: FloatArray, state: IntArray, before: int, row: int) -> None:
    """Go on from a slot's row before in the row that the first arrival of a round was written to."""
    at, story = ints[before, STORY], ints[before, STORY]
    if story >= 0:
        state[PAST] -= 2
        at = state[PAST]
        floats[at, ENERGY], floats[at, LARGEST_OF_ALL] = floats[before, RECEIVED], floats[before, LARGEST]
        ints[at, BEST], ints[at, DEPTH], ints[at + 1, ARRIVALS] = ints[before, TRAIL], story >> 32, story & SLOT
    ints[at + 1, ARRIVALS_NOW] = 0
    _tell(ints, floats, at, ints[row, TRAIL], floats[row, RECEIVED], state[MODE])
    ints[before, STORY], ints[row, STORY] = STALE, at


@_part
def _fetch_ahead(entries: Entries, order: IntArray, i: int, found: int) -> None:
    """Ask for the links of senders to come: waiting for them took a third of all time."""
    span, neighbor, weight, _ = entries
    for j in range(i + 2 * AHEAD, min(i + 3 * AHEAD, found)):
        _fetch(span, (order[0, j] >> 32) * 2)
    for j in range(i + AHEAD, min(i + 2 * AHEAD, found)):
        begin = span[0, order[0, j] >> 32, 0]
        for line in range(begin, begin + 24, 8):
            _fetch(neighbor, line)
            _fetch(weight, line)


@_part
def _send(entries: Entries, allowed: BoolArray, log: Log) -> None:
    """Let the rows chosen send, as long as the budget lasts."""
    span, neighbor, weight, kind = entries
    mark, ints, floats, order, _, state, rules = log
    base, first, mode, rows, keep = state[BASE], state[FIRST], state[MODE], state[ROWS], rules[KEEP]
    budget, found = state[BUDGET] - state[TOUCHED], state[FOUND]
    for i in range(found):
        if i % AHEAD == 0:
            _fetch_ahead(entries, order, i, found)
        u, sender = order[0, i] >> 32, order[0, i] & SLOT
        energy = floats[sender, RECEIVED]
        for p in range(np.uint64(span[0, u, 0]), np.uint64(span[0, u, 1])):
            arrival = energy * weight[p] * keep
            if not arrival > 0.0 or (allowed.size and not (kind[p] < allowed.size and allowed[kind[p]])):
                continue
            v = np.uint32(neighbor[p])
            row, trail = mark[v] - base, sender << 32 | v
            if row >= first:
                count = ints[row, STORY]
                if count >= 0:
                    ints[row, STORY] = count + 1
                else:
                    count = _tell(ints, floats, count, trail, arrival, mode)
                _book(ints, floats, row, count & SLOT, trail, arrival, mode)
                continue
            if row < 0 and budget == 0:
                state[ROWS], state[TOUCHED], state[OVER] = rows, state[BUDGET], 1
                return
            mark[v] = base + rows
            floats[rows, RECEIVED] = floats[rows, LARGEST] = arrival
            ints[rows, TRAIL], ints[rows, STORY] = trail, state[ROUND] << 32 | 1
            if row >= 0:
                _go_on(ints, floats, state, row, rows)
            budget -= row < 0
            rows += 1
    state[ROWS], state[TOUCHED] = rows, state[BUDGET] - budget


@_part
def _choose(entries: Entries, log: Log, rank: IntArray) -> int:
    """Choose the rows that send next; return the links they send along."""
    ints, floats, order, state, least = log.ints, log.floats, log.order, log.state, log.rules[MIN_ENERGY]
    found, links = 0, 0
    for row in range(state[FIRST], state[ROWS]):
        if floats[row, RECEIVED] >= least:
            v = ints[row, TRAIL] & SLOT
            links += entries.span[0, v, 1] - entries.span[0, v, 0]
            order[0, found] = (rank[v] if rank.size else v) << 32 | row
            found += 1
    state[FOUND] = found
    return links


@_part
def _name(log: Log, rank: IntArray) -> None:
    """Write keys of the slots to report: as much of the energy as leaves room for the rank, the highest first."""
    _, ints, floats, order, _, state, rules = log
    least, shift, source = rules[THRESHOLD], state[SHIFT], state[SOURCE]
    found = 0
    for row in range(1, state[ROWS]):
        story, v, energy, bits = ints[row, STORY], ints[row, TRAIL] & SLOT, floats[row, RECEIVED], ints[row, RECEIVED]
        if story < STALE:
            energy, bits = floats[story, ENERGY], ints[story, ENERGY]
        if energy >= least and story != STALE and v != source:
            order[0, found] = (LAST - bits) >> shift << shift | (rank[v] if rank.size else v)
            found += 1
    state[FOUND] = found


@njit(cache=True, nogil=True)
def spread(entries: Entries, allowed: BoolArray, log: Log, rank: IntArray, by_rank: IntArray, work: int) -> int:
    """Go on round by round; at the end write the keys of what to report."""
    state = log.state
    while state[OVER] == 0 and state[ROUND] < state[MAX_DEPTH]:
        links = _choose(entries, log, rank)
        if state[FOUND] == 0:
            break
        n = len(log.mark)
        if state[ROWS] + min(links, n) + 2 * min(links - state[PAST] // 2, n) > len(log.ints):
            return FULL
        if work <= 0:
            return MORE
        _sort_rows(log, rank, by_rank)
        state[FIRST] = state[ROWS]
        state[ROUND] += 1
        work -= links
        _send(entries, allowed, log)
    _name(log, rank)
    return DONE


@njit(cache=True, nogil=True)
def report(log: Log, ids: IntArray, by_rank: IntArray, found: IntArray, energies: FloatArray) -> bool:
    """Write ids, energies, depths, trails in the order of the keys; return whether energies fall throughout.

    Where they don't, among those alike but for their last bits, the second row of `order` has keys that say it all: the
    place of the first key, the bits that had given way to the rank, the rank.
    """
    mark, ints, floats, order, _, state, _ = log
    base, shift, last, place, falling, before = state[BASE], state[SHIFT], np.inf, 0, True, STALE
    for i in range(np.uint64(found.shape[1])):
        key = order[0, i]
        rank = key & ((1 << shift) - 1)
        v = by_rank[rank] if by_rank.size else rank
        row = mark[v] - base
        story, trail, depth = ints[row, STORY], ints[row, TRAIL], ints[row, STORY] >> 32
        energy, bits = floats[row, RECEIVED], ints[row, RECEIVED]
        if story < 0:
            trail, depth, energy, bits = (
                ints[story, BEST],
                ints[story, DEPTH],
                floats[story, ENERGY],
                ints[story, ENERGY],
            )
        found[0, i], energies[1, i], found[2, i], found[3, i] = ids[v], energy, depth, trail
        falling &= energy <= last
        place += key >> shift != before
        order[1, i] = place << 2 * shift | ((LAST - bits) & ((1 << shift) - 1)) << shift | rank
        last, before = energy, key >> shift
    return falling
