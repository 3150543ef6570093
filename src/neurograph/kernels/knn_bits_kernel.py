"""The kernel that scans one bit of every number of all rows, for those that are probably nearest. It proves nothing.

A row's bits are the signs s of its y (`knn_codes_kernel` says what y, offset and w are). Since y is turned, its
direction is as good as random to s, and ``|y|**2 / sum(|y|) * (s·p)`` estimates p·y without bias: the estimator of
RaBitQ (Gao and Long, SIGMOD 2024, https://doi.org/10.1145/3654970). So ``offset + w * factor * (s·p)`` orders rows
nearly as their distances do.

Invariants:

1. p is rounded to whole steps from -8 to 7, held as four bits in two's complement: in steps, ``p·s`` is
   ``2 * (b0 + 2·b1 + 4·b2 - 8·b3) - sum``, each b the number of bits that a row and a plane of the query share.
2. Words lie in groups of 16 rows: word 0 of all 16, then word 1, and so on. Bits behind the last number are zero.
3. A place without a row has offset NaN, and is never found (`knn_codes`).
4. Among the first `sizes` of `keys` and `slots` are the c least seen, and after a call that is DONE no others; there is
   room for ROOM times c. A row whose key is not below the c-th when they were last selected is out. With a heap instead
   1,024 of 117,659 rows take 0.44 ms, so 0.30.
5. A call ends early when its budget is used up, and goes on from `state`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import config, njit
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Words = NDArray[np.uint64]

MORE, DONE = 0, 1
POSITION, END, QUERY, BUDGET, BLOCK = 0, 1, 2, 3, 4
GAIN, SHIFT, NUMBERS = 0, 1, 2
GROUP = 16  # rows whose words lie together
ROOM = 3  # times the rows that are wanted
AHEAD = 4096  # bytes

_part = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True)  # type: ignore[call-overload]

_called = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload]


class Bits(NamedTuple):
    """One bit of each number of n rows, in order of slot."""

    words: Words
    """(n / 16 · words · 16,): see invariant 2."""
    factor: NDArray[np.float32]
    """(n,): what the product with signs is to be multiplied by."""
    offset: NDArray[np.float32]
    """(n,): the same as of planes."""


class Likely(NamedTuple):
    """The queries of a scan, and what it finds."""

    planes: Words
    """(m, words, 4): p, rounded."""
    numbers: FloatArray
    """(m, 2): of the sum of products the factor, and what to add."""
    keys: FloatArray
    """(m, ROOM · c + GROUP): see invariant 4."""
    slots: IntArray
    """(m, ROOM · c + GROUP)."""
    sizes: IntArray
    """(m,)."""
    reach: FloatArray
    """(m,): what keys must be below; infinity to begin with."""
    lanes: FloatArray
    """(16,): keys of one group."""


_I8, _I32, _I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_WORDS, _KEYS, _FLOATS = (ir.VectorType(kind, 8) for kind in (_I64, ir.DoubleType(), ir.FloatType()))


def _number(value: int) -> Any:
    return ir.Constant(_I64, value)


def _all(builder: Any, value: Any, kind: Any) -> Any:
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), value, _I32(0))
    return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(_I32, 8), [0] * 8))


def _load(builder: Any, data: Any, place: Any, kind: Any, align: int) -> Any:
    return builder.load(builder.bitcast(builder.gep(data, [place]), kind.as_pointer()), align=align)


def _count(builder: Any, words: Any, asked: Any, count: Any) -> list[Any]:
    """Return what 16 rows share with the four planes of a query, weighed: two vectors of 8 sums."""
    before, loop, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
    builder.branch(loop)
    builder.position_at_end(loop)
    w, sums = builder.phi(_I64), [builder.phi(_WORDS) for _ in range(8)]
    popcount = builder.module.declare_intrinsic("llvm.ctpop.v8i64", (), ir.FunctionType(_WORDS, [_WORDS]))
    here = builder.mul(w, _number(GROUP))
    found: list[Any] = []
    byte = _I8.as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [byte, _I32, _I32, _I32])
    prefetch = builder.module.declare_intrinsic("llvm.prefetch", (byte,), kind)
    for half in (0, 8):
        place = builder.add(here, _number(half))
        ahead = builder.bitcast(builder.gep(words, [builder.add(place, _number(AHEAD // 8))]), byte)
        builder.call(prefetch, [ahead, _I32(0), _I32(3), _I32(1)])
        row = _load(builder, words, place, _WORDS, 8)
        for b in range(4):
            bits = builder.load(builder.gep(asked, [builder.add(builder.mul(w, _number(4)), _number(b))]))
            shared = builder.call(popcount, [builder.and_(row, _all(builder, bits, _WORDS))])
            found.append(builder.add(sums[len(found)], shared))
    further = builder.add(w, _number(1))
    for phi, first, then in (
        (w, _number(0), further),
        *((s, ir.Constant(_WORDS, None), f) for s, f in zip(sums, found, strict=True)),
    ):
        phi.add_incoming(first, before)
        phi.add_incoming(then, loop)
    builder.cbranch(builder.icmp_signed("<", further, count), loop, after)
    builder.position_at_end(after)
    totals = []
    for four_sums in (found[:4], found[4:]):
        one, two, four, eight = (builder.shl(s, ir.Constant(_WORDS, [b] * 8)) for b, s in enumerate(four_sums))
        totals.append(builder.sub(builder.add(builder.add(one, two), four), eight))
    return totals


def _nearer_code(typing: Any, bits: Any, slot: Any, asked: Any, count: Any, numbers: Any, last: Any, lanes: Any) -> Any:
    """Write the keys of 16 rows from `slot` on; return, bit by bit, whose is below `last`."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def data(kind: Any, array: Any) -> Any:
            return context.make_array(kind)(context, builder, array).data

        words, factor, offset = (data(signature.args[0][i], builder.extract_value(arguments[0], i)) for i in range(3))
        asked, numbers, lanes = (data(signature.args[i], arguments[i]) for i in (2, 4, 6))
        slot, count, last = arguments[1], arguments[3], _all(builder, arguments[5], _KEYS)
        totals = _count(builder, builder.gep(words, [builder.mul(slot, count)]), asked, count)
        gain, shift = (_all(builder, builder.load(builder.gep(numbers, [_number(i)])), _KEYS) for i in (GAIN, SHIFT))
        found = _number(0)
        for half, total in zip((0, 8), totals, strict=True):
            place = builder.add(slot, _number(half))
            by, plus = (builder.fpext(_load(builder, part, place, _FLOATS, 4), _KEYS) for part in (factor, offset))
            product = builder.fadd(builder.fmul(gain, builder.sitofp(total, _KEYS)), shift)
            key = builder.fadd(plus, builder.fmul(by, product))
            builder.store(key, builder.bitcast(builder.gep(lanes, [_number(half)]), _KEYS.as_pointer()), align=8)
            below = builder.zext(builder.bitcast(builder.fcmp_ordered("<", key, last), _I8), _I64)
            found = builder.or_(found, builder.shl(below, _number(half)))
        return found

    return types.int64(bits, types.int64, asked, types.int64, numbers, types.float64, lanes), code


def _lowest_code(typing: Any, bits: Any) -> Any:
    """Return which bit is the lowest that is set; there is one."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        count = builder.module.declare_intrinsic("llvm.cttz.i64", (), ir.FunctionType(_I64, [_I64, ir.IntType(1)]))
        return builder.call(count, [arguments[0], ir.IntType(1)(1)])

    return types.int64(bits), code


_nearer: Any = intrinsic(_nearer_code)
_lowest: Any = intrinsic(_lowest_code)
if config.DISABLE_JIT:  # type: ignore[attr-defined]

    def _nearer(bits: Any, slot: int, asked: Any, count: int, numbers: Any, last: float, lanes: Any) -> int:
        words = bits.words[slot * count : (slot + GROUP) * count].reshape(count, GROUP)
        shared = [np.bitwise_count(words & plane[:, None]).astype(np.int64).sum(axis=0) for plane in asked.T]
        total = shared[0] + 2 * shared[1] + 4 * shared[2] - 8 * shared[3]
        factor, offset = (part[slot : slot + GROUP].astype(np.float64) for part in bits[1:])
        with np.errstate(invalid="ignore", over="ignore"):
            lanes[:] = offset + factor * (numbers[GAIN] * total + numbers[SHIFT])
        return sum(1 << i for i in range(GROUP) if lanes[i] < last)

    def _lowest(bits: int) -> int:
        return (bits & -bits).bit_length() - 1


@_called
def _select(keys: FloatArray, slots: IntArray, size: int, count: int) -> Any:
    """Move the least of the first `size` keys to the first `count` places; return the largest of them.

    Of equal keys those of lower slots: so a few candidates begin as more of them would, which calibrations count on.
    """
    low, high, last = 0, size - 1, keys[0]
    while low < high:
        pivot, slot, i, j = keys[(low + high) >> 1], slots[(low + high) >> 1], low, high
        while i <= j:
            while keys[i] < pivot or (keys[i] == pivot and slots[i] < slot):
                i += 1
            while pivot < keys[j] or (pivot == keys[j] and slot < slots[j]):
                j -= 1
            if i <= j:
                keys[i], keys[j] = keys[j], keys[i]
                slots[i], slots[j] = slots[j], slots[i]
                i, j = i + 1, j - 1
        if count <= j + 1:
            high = j
        elif count > i:
            low = i
        else:
            break
    for place in range(count):
        last = max(last, keys[place])
    return last


@_called
def _scan_block(bits: Bits, likely: Likely, j: int, begin: int, end: int, base: float) -> None:
    """Scan groups of rows for one query; rows before `begin`, or from `end` on, don't count; add `base` to keys."""
    planes, numbers, keys, slots, lanes = (
        likely.planes[j],
        likely.numbers[j],
        likely.keys[j],
        likely.slots[j],
        likely.lanes,
    )
    size, last, words, count = likely.sizes[j], likely.reach[j], planes.shape[0], (keys.shape[0] - GROUP) // ROOM
    for group in range(begin >> 4, (end + GROUP - 1) >> 4):
        slot = group * GROUP
        found = _nearer(bits, slot, planes, words, numbers, last - base, lanes)
        while found:
            i = _lowest(found)
            found &= found - 1
            keys[size], slots[size] = lanes[i] + base, slot + i
            size += int(begin <= slot + i < end)
        if size > ROOM * count:
            last = _select(keys, slots, size, count)
            size = count
    likely.sizes[j], likely.reach[j] = size, last


@_called
def _settle(likely: Likely, j: int) -> None:
    """Leave the c least that a query has seen."""
    count = (likely.keys.shape[1] - GROUP) // ROOM
    if likely.sizes[j] > count:
        likely.reach[j] = _select(likely.keys[j], likely.slots[j], likely.sizes[j], count)
        likely.sizes[j] = count


@njit(cache=True, nogil=True)
def scan_bits(bits: Bits, likely: Likely, state: IntArray) -> int:
    """Go on with the scan of the places from POSITION to END: all queries over a block, then the next block.

    Return MORE or DONE.
    """
    m = likely.sizes.shape[0]
    while state[POSITION] < state[END]:
        end = min(state[END], state[POSITION] + state[BLOCK])
        while state[QUERY] < m:
            if state[BUDGET] <= 0:
                return MORE
            _scan_block(bits, likely, state[QUERY], state[POSITION], end, 0.0)
            state[BUDGET] -= end - state[POSITION]
            state[QUERY] += 1
        state[QUERY], state[POSITION] = 0, end
    for j in range(m):
        _settle(likely, j)
    return DONE


@njit(cache=True, nogil=True)
def scan_runs(bits: Bits, likely: Likely, j: int, runs: IntArray, bases: FloatArray, state: IntArray) -> int:
    """Go on with the scan of runs of places, (r, 2), for one query; POSITION counts the runs. Return MORE or DONE.

    To all keys of a run its base is added.
    """
    while state[POSITION] < runs.shape[0]:
        if state[BUDGET] <= 0:
            return MORE
        begin, end = runs[state[POSITION]]
        _scan_block(bits, likely, j, begin, end, bases[state[POSITION]])
        state[BUDGET] -= end - begin
        state[POSITION] += 1
    _settle(likely, j)
    return DONE
