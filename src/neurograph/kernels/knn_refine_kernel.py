"""The kernel that refines what a scan left: bounds by both planes for the rows whose key may reach the k-th smallest.

Invariants:

1. By both planes the bound of `knn_scan_kernel` holds with `tight` and a finer query: ``least <= key of the computed
   distance <= most``. Without lower planes, by the upper plane alone.
2. A row whose least is above the k-th smallest `most` of rows known to count has k rows strictly nearer, and is out,
   whatever the ids. Every other row stays in `slots`.
3. `best` is a heap of the k smallest `most` of rows that count: surely after the page before. The row that is surely
   not after it is out; the one in doubt stays, and does not count.
4. Two sweeps: first rows with a key up to the t-th smallest floor, then the others that reach: in order of slot, the
   first thousands of rows would pass while nothing near is known. The first sweep goes query by query; the second has
   all queries go over a block of rows in turn, so that its codes are read from memory once.
5. An offset of -inf (`knn_codes_kernel`) always passes and never counts.
6. A call ends early when its budget is used up (MORE) or the candidates of a query lack room (FULL), and goes on
   from `state`. There is room for all rows picked before they are refined.
7. Products are sums of bytes in int32: d·15·127 < 2**31 for every d up to a million.
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
    from .knn_codes_kernel import Planes

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

MORE, DONE, FULL = 0, 1, 2
SWEEP, BEGIN, QUERY, POSITION, BUDGET, BLOCK, WIDTH = 0, 1, 2, 3, 4, 5, 6
SIZE, BEST, REFINED = 0, 1, 2
LOW, HIGH, GAIN, SHIFT, DOUBT, LIMIT, AFTER_LOW, AFTER_HIGH, CUT, NUMBERS = range(10)
GROUP, ROUND = 16, 256  # rows that share a floor; rows picked before they are refined
LARGEST = 3.1e38  # above what a scan keeps
SOON = 8  # rows to bring nearer ahead of time

_part = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True)  # type: ignore[call-overload]


class Held(NamedTuple):
    """The queries of a scan as they are refined, and what is held of each."""

    digits: NDArray[np.int8]
    """(m, chunks · 256): p, rounded: its upper digits for the lower halves of 64 bytes of a row and for the upper, its
    lower digits likewise; and so on."""
    numbers: FloatArray
    """(m, NUMBERS): a, less and plus what is rounded; of the sum of products the factor, and what to add; of `tight`;
    the most a key may be; the page before, as least and most; the t-th smallest floor."""
    slots: IntArray
    """(m, capacity): candidates."""
    bounds: FloatArray
    """(m, 2, capacity): the least and the most that the key of each can be."""
    best: FloatArray
    """(m, k): the heap of invariant 3, the largest on top."""
    counts: IntArray
    """(m, 3): candidates, rows in the heap, rows refined."""
    picked: IntArray
    """(ROUND + GROUP,)."""
    groups: IntArray
    """(g,): which groups of slots keys and floors are of, in this order; empty for all."""


_I8, _I32, _I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_BYTES, _SUMS = ir.VectorType(_I8, 64), ir.VectorType(_I32, 16)


def _number(value: int) -> Any:
    return ir.Constant(_I64, value)


def _at(builder: Any, data: Any, place: Any) -> Any:
    return builder.load(builder.bitcast(builder.gep(data, [place]), _BYTES.as_pointer()), align=1)


def _product(context: Any, builder: Any, sums: Any, codes: Any, digits: Any) -> Any:
    """Add products of 64 codes of 0 … 15 and signed digits to 16 sums: which to which is left open."""
    if "+avx512vnni" in context.codegen().magic_tuple()[2]:
        kind = ir.FunctionType(_SUMS, [_SUMS, _SUMS, _SUMS])
        fn = builder.module.declare_intrinsic("llvm.x86.avx512.vpdpbusd.512", (), kind)
        return builder.call(fn, [sums, builder.bitcast(codes, _SUMS), builder.bitcast(digits, _SUMS)])
    wide = ir.VectorType(ir.IntType(16), 64)
    products = builder.mul(builder.zext(codes, wide), builder.sext(digits, wide))
    for i in range(4):
        places = ir.Constant(_SUMS, list(range(16 * i, 16 * i + 16)))
        sums = builder.add(sums, builder.sext(builder.shuffle_vector(products, products, places), _SUMS))
    return sums


def _multiply_code(typing: Any, plane: Any, place: Any, digits: Any, chunks: Any) -> Any:
    """Return the sum of the products of a row of a plane, which begins at `place`, and the query."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        plane, digits = (context.make_array(signature.args[i])(context, builder, arguments[i]).data for i in (0, 2))
        before, loop, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
        builder.branch(loop)
        builder.position_at_end(loop)
        c, sums = builder.phi(_I64), [builder.phi(_SUMS) for _ in range(4)]
        row = _at(builder, plane, builder.add(arguments[1], builder.mul(c, _number(64))))
        halves = builder.and_(row, ir.Constant(_BYTES, [15] * 64)), builder.lshr(row, ir.Constant(_BYTES, [4] * 64))
        found = []
        for i in range(4):
            digit = _at(builder, digits, builder.add(builder.mul(c, _number(256)), _number(64 * i)))
            found.append(_product(context, builder, sums[i], halves[i % 2], digit))
        further = builder.add(c, _number(1))
        zeros = ir.Constant(_SUMS, None)
        for phi, first, then in ((c, _number(0), further), *((s, zeros, f) for s, f in zip(sums, found, strict=True))):
            phi.add_incoming(first, before)
            phi.add_incoming(then, loop)
        builder.cbranch(builder.icmp_signed("<", further, arguments[3]), loop, after)
        builder.position_at_end(after)
        name, kind = "llvm.vector.reduce.add.v16i32", ir.FunctionType(_I32, [_SUMS])
        total = builder.module.declare_intrinsic(name, (), kind)
        upper, lower = (builder.call(total, [builder.add(found[i], found[i + 1])]) for i in (0, 2))
        return builder.add(builder.mul(builder.sext(upper, _I64), _number(128)), builder.sext(lower, _I64))

    return types.int64(plane, types.int64, digits, types.int64), code


def _fetch_code(typing: Any, array: Any, place: Any) -> Any:
    """Have the processor bring a place of an array nearer; it may lie beyond the end."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        byte = _I8.as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, _I32, _I32, _I32])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", (byte,), kind)
        builder.call(fetch, [builder.gep(data, [arguments[1]]), _I32(0), _I32(3), _I32(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), code


_multiply: Any = intrinsic(_multiply_code)
_fetch: Any = intrinsic(_fetch_code)
if config.DISABLE_JIT:  # type: ignore[attr-defined]

    def _multiply(plane: Any, place: int, digits: Any, chunks: int) -> int:
        codes = plane[place : place + 64 * chunks].astype(np.int64)
        asked = digits.reshape(-1, 4, 64).transpose(1, 0, 2).reshape(4, -1)[:, : len(codes)].astype(np.int64)
        return int((codes & 15) @ (128 * asked[0] + asked[2]) + (codes >> 4) @ (128 * asked[1] + asked[3]))

    def _fetch(array: Any, place: int) -> None:
        """Do nothing: as plain Python there is nothing to bring nearer."""


@_part
def _push(best: FloatArray, size: int, most: float) -> int:
    """Let a number into the heap of the smallest; return how many it has."""
    room = best.shape[0]
    if size < room:
        place = size
        while place > 0 and best[(place - 1) >> 1] < most:
            best[place] = best[(place - 1) >> 1]
            place = (place - 1) >> 1
        best[place] = most
        return size + 1
    if not most < best[0]:
        return size
    place = 0
    while True:
        child = 2 * place + 1
        if child + 1 < room and best[child + 1] > best[child]:
            child += 1
        if child >= room or not best[child] > most:
            break
        best[place] = best[child]
        place = child
    best[place] = most
    return size


@_part
def _reach(held: Held, j: int) -> float:
    """Return what the key of a row must not surely be above."""
    limit, room = held.numbers[j, LIMIT], held.best.shape[1]
    return float(min(limit, held.best[j, 0]) if held.counts[j, BEST] == room else limit)


@_part
def _drop(held: Held, j: int) -> None:
    """Drop the candidates that no longer reach."""
    reach, kept, slots, bounds = _reach(held, j), 0, held.slots[j], held.bounds[j]
    for i in range(held.counts[j, SIZE]):
        if bounds[0, i] <= reach:
            slots[kept], bounds[0, kept], bounds[1, kept] = slots[i], bounds[0, i], bounds[1, i]
            kept += 1
    held.counts[j, SIZE] = kept


@_part
def _pick(keys: NDArray[np.float32], floors: NDArray[np.float32], held: Held, j: int, state: IntArray) -> int:
    """Pick rows of the sweep until there are ROUND or none is left; return how many."""
    cut, reach, picked, group = held.numbers[j, CUT], _reach(held, j), 0, state[POSITION]
    second, groups = state[SWEEP] == 1, held.groups
    reach = min(max(reach, -LARGEST), LARGEST)  # no key is above it, and one below is -inf
    reach = reach + abs(reach) * 2.0**-22 + 1e-44  # more than float32 rounds of a key
    reach = reach if second else min(reach, cut)
    while group < floors.shape[0] and picked < ROUND:
        if floors[group] <= reach:
            further = (groups[group] - group) * GROUP if groups.shape[0] else 0
            for i in range(group * GROUP, group * GROUP + GROUP):
                held.picked[picked] = i + further
                picked += int(keys[i] <= reach and not (second and keys[i] <= cut))
        group += 1
    state[BUDGET] -= picked + ((group - state[POSITION]) >> 4) + 1
    state[POSITION] = group
    return picked


@_part
def _fetch_row(planes: Planes, begin: int, width: int) -> None:
    for line in range(begin, begin + width, 64):
        _fetch(planes.high, line)
        _fetch(planes.low, line)


@_part
def _refine(planes: Planes, held: Held, state: IntArray, j: int, picked: int) -> None:
    """Judge the rows picked, and keep those that reach and are not surely before the page."""
    digits, numbers, slots, bounds, best, picks = (
        held.digits[j],
        held.numbers[j],
        held.slots[j],
        held.bounds[j],
        held.best[j],
        held.picked,
    )
    size, counted, width, chunks = held.counts[j, SIZE], held.counts[j, BEST], state[WIDTH], digits.shape[0] // 256
    reach, fine = min(numbers[LIMIT], best[0]) if counted == best.shape[0] else numbers[LIMIT], planes.low.shape[0] > 0
    for p in range(picked + SOON):
        if p < picked:
            _fetch_row(planes, picks[p] * width, width)
        if p < SOON:
            continue
        i = picks[p - SOON]
        total, left = _multiply(planes.high, i * width, digits, chunks), np.float64(planes.loose[i])
        if fine:
            total = 16 * total + _multiply(planes.low, i * width, digits, chunks)
            left = np.float64(planes.tight[i])
        offset = np.float64(planes.offset[i])
        key, doubt = np.float64(planes.scale[i]) * (numbers[GAIN] * total + numbers[SHIFT]), numbers[DOUBT] * left
        least = numbers[LOW] + offset + key - doubt
        most = numbers[HIGH] + offset + abs(offset) * 2.0**-21 + key + doubt if offset > -np.inf else np.inf
        if least <= reach and not most < numbers[AFTER_LOW]:
            slots[size], bounds[0, size], bounds[1, size] = i, least, most
            size += 1
            if least > numbers[AFTER_HIGH] and most < np.inf and (counted < best.shape[0] or most < best[0]):
                counted = _push(best, counted, most)
                reach = min(numbers[LIMIT], best[0]) if counted == best.shape[0] else numbers[LIMIT]
    held.counts[j, SIZE], held.counts[j, BEST] = size, counted
    held.counts[j, REFINED] += picked


@njit(cache=True, nogil=True)
def refine(planes: Planes, keys: NDArray[np.float32], floors: NDArray[np.float32], held: Held, state: IntArray) -> int:
    """Go on refining; return MORE, DONE or FULL (then to be called with more room)."""
    room, m, groups = held.slots.shape[1], held.counts.shape[0], floors.shape[1]
    while state[SWEEP] < 2:
        while state[BEGIN] < groups:
            end = min(groups, state[BEGIN] + (groups if state[SWEEP] == 0 else state[BLOCK]))
            while state[QUERY] < m:
                j = state[QUERY]
                if state[BUDGET] <= 0:
                    return MORE
                if held.counts[j, SIZE] + ROUND + GROUP > room:
                    _drop(held, j)
                    if 2 * (held.counts[j, SIZE] + ROUND + GROUP) > room:
                        return FULL
                _refine(planes, held, state, j, _pick(keys[j], floors[j, :end], held, j, state))
                if state[POSITION] == end:
                    state[QUERY] += 1
                    state[POSITION] = state[BEGIN]
            state[QUERY], state[BEGIN], state[POSITION] = 0, end, end
        state[SWEEP] += 1
        state[BEGIN], state[POSITION] = 0, 0
    for j in range(m):
        _drop(held, j)
    return DONE


@njit(cache=True, nogil=True)
def refine_picked(planes: Planes, held: Held, state: IntArray, count: int) -> None:
    """Judge the first `count` rows of `picked`, whatever a scan would have said of them, for the query of `state`.

    There is room for all of them.
    """
    _refine(planes, held, state, state[QUERY], count)
    _drop(held, state[QUERY])
