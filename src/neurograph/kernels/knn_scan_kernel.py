"""The kernel that scans the upper plane of all codes, for the least that the key of each row can be.

A key is monotone in the distance (1 - cosine, minus the dot product, the square of l2), and key = a + offset +
w·(p·y), p being what is left of the query without the mean, w -1 or -2 (`knn_codes_kernel` says what y, offset and
loose are).

Invariants:

1. What the plane says of y is v, and p is rounded to s. Then p·y = s·v + (p - s)·v + p·(y - v), and by Cauchy-Schwarz
   |p·y - s·v| <= |p - s|·|v| + |p|·|y - v| <= (CAP_LOOSE·|p - s| + |p|)·loose. s·v is a scale times a sum of integers.
2. What float64 rounds in computing that, and in the distance the bound is for, is below 2**-36 of the numbers it comes
   from: `knn_query_kernel` adds as much to |p - s| and takes it from a. So ``least <= key of the computed distance``.
3. Keys are kept in float32: within 2**-24 of themselves (or 1e-45) of their value; below it where it is above LARGEST.
4. NaN compares as false: places without a row, and rows not allowed, have key NaN, never reach anything, and don't
   count for a floor.
5. A floor is the least key of a group of 16 rows. Groups of which no row is allowed are passed over where the caller
   says so: they have floor NaN, and no keys.
6. Given groups, these alone are scanned, and keys and floors lie in their order: a group's place is not its slot.
7. A call ends early when its budget is used up, and goes on from `state`.
8. Products are sums of bytes in int32: d·15·127 < 2**31 for every d up to a million.

Codes are read 64 bytes at a time past the end of a row: the query is zero there.
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

Keys = NDArray[np.float32]
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

MORE, DONE = 0, 1
POSITION, QUERY, BUDGET, BLOCK, WIDTH, SPARSE = 0, 1, 2, 3, 4, 5
LOW, GAIN, SHIFT, DOUBT, NUMBERS = range(5)
GROUP = 16  # rows a product
LARGEST = 3e38  # what float32 holds, a little less
AHEAD = 8192  # bytes: 117k rows of 192 bytes in 0.26 to 0.35 ms, without in 0.57

_part = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True)  # type: ignore[call-overload]


class Sought(NamedTuple):
    """The queries of a scan, and what it finds."""

    digits: NDArray[np.int8]
    """(m, chunks · 256): p, rounded: its upper digits for the lower halves of 64 bytes of a row and for the upper, its
    lower digits likewise, which a scan passes over; and so on."""
    numbers: FloatArray
    """(m, NUMBERS): a, less what is rounded; of the sum of products the factor, and what to add; of `loose`."""
    keys: Keys
    """(m, n): the least the key of each row that is scanned can be, rounded."""
    floors: Keys
    """(m, n / 16)."""
    best: FloatArray
    """(m, t): a heap of the t smallest floors, the largest on top."""
    sizes: IntArray
    """(m,): floors in the heap."""
    groups: IntArray
    """(g,): which groups of slots are scanned; empty for all."""


_I8, _I32, _I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_BYTES, _SUMS = ir.VectorType(_I8, 64), ir.VectorType(_I32, 16)
_KEYS, _WIDE = ir.VectorType(ir.FloatType(), 16), ir.VectorType(ir.DoubleType(), 16)


def _number(value: int) -> Any:
    return ir.Constant(_I64, value)


def _pick(builder: Any, a: Any, b: Any, places: list[int]) -> Any:
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_I32, len(places)), places))


def _at(builder: Any, data: Any, place: Any) -> Any:
    return builder.load(builder.bitcast(builder.gep(data, [place]), _BYTES.as_pointer()), align=1)


def _halves(builder: Any, codes: Any) -> tuple[Any, Any]:
    return builder.and_(codes, ir.Constant(_BYTES, [15] * 64)), builder.lshr(codes, ir.Constant(_BYTES, [4] * 64))


def _fetch(builder: Any, where: Any) -> None:
    byte = _I8.as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [byte, _I32, _I32, _I32])
    builder.call(builder.module.declare_intrinsic("llvm.prefetch", (byte,), kind), [where, _I32(0), _I32(3), _I32(1)])


def _product(context: Any, builder: Any, sums: Any, codes: Any, digits: Any) -> Any:
    """Add products of 64 codes of 0 … 15 and signed digits to 16 sums: which to which is left open."""
    if "+avx512vnni" in context.codegen().magic_tuple()[2]:
        kind = ir.FunctionType(_SUMS, [_SUMS, _SUMS, _SUMS])
        fn = builder.module.declare_intrinsic("llvm.x86.avx512.vpdpbusd.512", (), kind)
        return builder.call(fn, [sums, builder.bitcast(codes, _SUMS), builder.bitcast(digits, _SUMS)])
    wide = ir.VectorType(ir.IntType(16), 64)
    products = builder.mul(builder.zext(codes, wide), builder.sext(digits, wide))
    parts = [_pick(builder, products, products, list(range(16 * i, 16 * i + 16))) for i in range(4)]
    four = builder.add(builder.add(parts[0], parts[1]), builder.add(parts[2], parts[3]))  # at most 4·15·128
    return builder.add(sums, builder.sext(four, _SUMS))


def _loop(builder: Any, chunks: Any, count: int, body: Any) -> list[Any]:
    """Write ``for c in range(chunks)`` (at least once) over `count` vectors of sums, which begin as zeros."""
    before, loop, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
    builder.branch(loop)
    builder.position_at_end(loop)
    c, sums = builder.phi(_I64), [builder.phi(_SUMS) for _ in range(count)]
    found, further = body(c, sums), builder.add(c, _number(1))
    zeros = ir.Constant(_SUMS, None)
    for phi, first, then in ((c, _number(0), further), *((s, zeros, f) for s, f in zip(sums, found, strict=True))):
        phi.add_incoming(first, before)
        phi.add_incoming(then, builder.block)
    builder.cbranch(builder.icmp_signed("<", further, chunks), loop, after)
    builder.position_at_end(after)
    return list(found)


def _wide(builder: Any, data: Any, place: Any) -> Any:
    """Return 16 float32 of an array as float64."""
    where = builder.bitcast(builder.gep(data, [place]), _KEYS.as_pointer())
    return builder.fpext(builder.load(where, align=4), _WIDE)


def _spread(builder: Any, data: Any, place: int) -> Any:
    """Return a float64 of an array 16 times."""
    value = builder.load(builder.gep(data, [_number(place)]))
    first = builder.insert_element(ir.Constant(_WIDE, ir.Undefined), value, _I32(0))
    return _pick(builder, first, first, [0] * 16)


_LANES = range(0, 16, 4)
_FOLDS = [  # of 16 vectors of 16 sums one vector of 16 totals: within lanes first, which is the cheaper shuffle
    [[x for p in _LANES for x in (p + i, 16 + p + i, p + i + 1, 17 + p + i)] for i in (0, 2)],
    [[x for p in _LANES for x in (p + i, p + i + 1, 16 + p + i, 17 + p + i)] for i in (0, 2)],
    [[x + 4 * lane for lane in lanes for x in range(4)] for lanes in ((0, 1, 4, 5), (2, 3, 6, 7))],
    [[x + 4 * lane for lane in lanes for x in range(4)] for lanes in ((0, 2, 4, 6), (1, 3, 5, 7))],
]


def _least_code(
    typing: Any, planes: Any, slot: Any, width: Any, digits: Any, numbers: Any, mask: Any, keys: Any, place: Any
) -> Any:
    """Write the least keys of 16 rows from `slot` on to `place`, return the least of them; `mask` is (array, at)."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def data(kind: Any, array: Any) -> Any:
            return context.make_array(kind)(context, builder, array).data

        def field(i: int) -> Any:
            return data(signature.args[0][i], builder.extract_value(arguments[0], i))

        slot, width, asked = arguments[1], arguments[2], data(signature.args[3], arguments[3])
        where = builder.gep(field(0), [builder.mul(slot, width)])
        rows = [builder.gep(where, [builder.mul(width, _number(r))]) for r in range(16)]

        def body(c: Any, sums: Any) -> Any:
            digit = [_at(builder, asked, builder.add(builder.mul(c, _number(256)), _number(i))) for i in (0, 64)]
            found, here = [], builder.mul(c, _number(64))
            for row, total in zip(rows, sums, strict=True):
                _fetch(builder, builder.gep(row, [builder.add(here, _number(AHEAD))]))
                for part, against in zip(_halves(builder, _at(builder, row, here)), digit, strict=True):
                    total = _product(context, builder, total, part, against)
                found.append(total)
            return found

        chunks = builder.udiv(builder.add(width, _number(63)), _number(64))
        sums = _loop(builder, chunks, 16, body)
        for even, odd in _FOLDS:
            pairs = list(zip(sums[::2], sums[1::2], strict=True))
            sums = [builder.add(_pick(builder, a, b, even), _pick(builder, a, b, odd)) for a, b in pairs]
        scale, offset, loose = (_wide(builder, field(i), slot) for i in (2, 3, 4))
        low, gain, shift, doubt = (_spread(builder, data(signature.args[4], arguments[4]), i) for i in range(4))
        product = builder.fadd(builder.fmul(gain, builder.sitofp(sums[0], _WIDE)), shift)
        key = builder.fadd(builder.fadd(low, offset), builder.fmul(scale, product))
        key = builder.fsub(key, builder.fmul(doubt, loose))
        most = ir.Constant(_WIDE, [LARGEST] * 16)
        key = builder.fptrunc(builder.select(builder.fcmp_ordered(">", key, most), most, key), _KEYS)
        flags = data(signature.args[5][0], builder.extract_value(arguments[5], 0))
        flags = builder.gep(flags, [builder.extract_value(arguments[5], 1)])
        flags = builder.load(builder.bitcast(flags, ir.VectorType(_I8, 16).as_pointer()), align=1)
        allowed = builder.icmp_unsigned("!=", flags, ir.Constant(ir.VectorType(_I8, 16), None))
        key = builder.select(allowed, key, ir.Constant(_KEYS, [float("nan")] * 16))
        to = builder.gep(data(signature.args[6], arguments[6]), [arguments[7]])
        builder.store(key, builder.bitcast(to, _KEYS.as_pointer()), align=4)
        least = builder.select(builder.fcmp_ordered("ord", key, key), key, ir.Constant(_KEYS, [float("inf")] * 16))
        for step in (8, 4, 2, 1):
            other = _pick(builder, least, least, [(i + step) % 16 for i in range(16)])
            least = builder.select(builder.fcmp_ordered("<", other, least), other, least)
        return builder.extract_element(least, _I32(0))

    return types.float32(planes, types.int64, types.int64, digits, numbers, mask, keys, types.int64), code


_least: Any = intrinsic(_least_code)
if config.DISABLE_JIT:  # type: ignore[attr-defined]

    def _least(planes: Any, slot: int, width: int, digits: Any, numbers: Any, mask: Any, keys: Any, place: int) -> Any:
        codes = planes.high[slot * width : (slot + GROUP) * width].reshape(GROUP, width).astype(np.int64)
        lower, upper = digits.reshape(-1, 4, 64)[:, :2].transpose(1, 0, 2).reshape(2, -1)[:, :width].astype(np.int64)
        product = numbers[GAIN] * ((codes & 15) @ lower + (codes >> 4) @ upper) + numbers[SHIFT]
        scale, offset, loose = (array[slot : slot + GROUP].astype(np.float64) for array in planes[2:5])
        key = numbers[LOW] + offset + scale * product - numbers[DOUBT] * loose
        key = np.where(mask[0][mask[1] : mask[1] + GROUP], np.minimum(key, LARGEST), np.nan)
        with np.errstate(over="ignore"):
            keys[place : place + GROUP] = key
        return np.where(np.isnan(key), np.inf, keys[place : place + GROUP]).min()


@_part
def _push(best: FloatArray, size: int, key: float) -> int:
    """Let a number into the heap of the smallest; return how many it has."""
    room = best.shape[0]
    if size < room:
        place = size
        while place > 0 and best[(place - 1) >> 1] < key:
            best[place] = best[(place - 1) >> 1]
            place = (place - 1) >> 1
        best[place] = key
        return size + 1
    place = 0
    while True:
        child = 2 * place + 1
        if child + 1 < room and best[child + 1] > best[child]:
            child += 1
        if child >= room or not best[child] > key:
            break
        best[place] = best[child]
        place = child
    best[place] = key
    return size


@_part
def _any(allowed: BoolArray, slot: int) -> bool:
    found = np.uint8(0)
    for i in range(slot, slot + GROUP):
        found |= np.uint8(allowed[i])
    return bool(found)


@_part
def _scan_block(planes: Planes, allowed: BoolArray, sought: Sought, state: IntArray, j: int, end: int) -> None:
    """Scan a block of rows for one query."""
    masked, digits, numbers = allowed.shape[0] > GROUP, sought.digits[j], sought.numbers[j]
    keys, floors, best, size, width = sought.keys[j], sought.floors[j], sought.best[j], sought.sizes[j], state[WIDTH]
    last, groups = best[0] if size == best.shape[0] else np.inf, sought.groups
    for place in range(state[POSITION], end, GROUP):
        slot = groups[place >> 4] * GROUP if groups.shape[0] else place
        floor = np.float32(np.nan)
        if not state[SPARSE] or _any(allowed, slot):
            floor = _least(planes, slot, width, digits, numbers, (allowed, slot if masked else 0), keys, place)
        floors[place >> 4] = floor
        if floor < last:
            size = _push(best, size, floor)
            if size == best.shape[0]:
                last = best[0]
    sought.sizes[j] = size


@njit(cache=True, nogil=True)
def scan(planes: Planes, allowed: BoolArray, sought: Sought, state: IntArray) -> int:
    """Go on with the scan: all queries over a block of rows, then the next block; return MORE or DONE.

    `allowed` is of all slots, or 16 times True where every row is.
    """
    n, m = sought.keys.shape[1], sought.numbers.shape[0]
    while state[POSITION] < n:
        end = min(n, state[POSITION] + state[BLOCK])
        while state[QUERY] < m:
            if state[BUDGET] <= 0:
                return MORE
            _scan_block(planes, allowed, sought, state, state[QUERY], end)
            state[BUDGET] -= end - state[POSITION]
            state[QUERY] += 1
        state[QUERY], state[POSITION] = 0, end
    return DONE
