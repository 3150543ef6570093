"""The kernel that quantises rows: two planes of 4 bits, one scale, and a proved bound on what each plane leaves over.

Invariants:

1. The codes and numbers of a row depend on the row, the mean, the turn and the metric alone, not on its place.
2. The part of a row x that is quantised is y = x - mean, where x is first divided by its norm under cosine (a row
   without a norm stays zero), turned by `turn`: (rounds, d) uint32, ``source << 1 | negative`` of each place before it
   is mixed. A turn of no rounds leaves y as it is. Byte u of a coordinate stands for ``scale * (u - 127.5)``; its upper
   four bits alone, for ``scale * (16 * (u >> 4) - 120)``, the middle of what they leave open.
3. Byte j of a plane holds coordinate j in its lower half and coordinate ``width + j`` in its upper, width being
   ``(d + 1) // 2``.
4. `loose` is at least the norm of y minus its upper plane, and at least a CAP_LOOSE-th of the norm of the upper plane;
   `tight` the same with both planes and CAP_TIGHT. So what a query's own rounding adds to a bound is a multiple of
   them, and no norm is kept. Both cover what rounding does to y: less than 2**-38 * (|x| + |mean|), x divided as in 2.
5. `offset` is what the metric adds to the product with y: -mean·y, or y·y under l2; between 0 and 2**-21 of itself
   below its value, and what float32 rounds of numbers below its normal range.
6. A row with NaN or an infinity has offset NaN: no comparison with it is true. A row whose numbers don't fit into
   float32 has offset -inf: it belongs to every answer until its distance is known.

Sums may be taken in any order (`reassoc`: 5 times as fast), which invariant 4 bears; no flag that gives NaN up.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Rows = NDArray[np.float32]
FloatArray = NDArray[np.float64]
Turn = NDArray[np.uint32]
Bytes = NDArray[np.uint8]
Scratch = tuple[FloatArray, FloatArray, Bytes]  # (d,), (d,), (2·width,)

COSINE, DOT, L2 = 0, 1, 2
GROUP = 16  # places are made in groups
CAP_LOOSE, CAP_TIGHT = 10.0, 200.0
LARGEST = 3e38  # what float32 holds, a little less
SLACK = 2.0**-38
LEAST = 1e-44  # more than float32 rounds off below its normal range

_OPTIONS: dict[str, Any] = {"nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_part = njit(fastmath={"reassoc"}, **_OPTIONS)
_finite_part = njit(fastmath={"nnan", "nsz"}, **_OPTIONS)  # called for finite rows only: 4 times as fast


class Planes(NamedTuple):
    """Codes of n rows, in order of slot."""

    high: Bytes
    """The upper four bits of every code, `width` bytes a row, then slack that scans may read."""
    low: Bytes
    """The lower four bits likewise; or empty, and searches go on from the upper ones alone."""
    scale: NDArray[np.float32]
    """(n,)."""
    offset: NDArray[np.float32]
    """(n,)."""
    loose: NDArray[np.float32]
    """(n,): a bound on what the upper plane leaves over."""
    tight: NDArray[np.float32]
    """(n,): a bound on what both planes leave over."""


@_part
def _square(row: Rows) -> float:
    total = 0.0
    for j in range(row.shape[0]):
        total += np.float64(row[j]) * np.float64(row[j])
    return total


@_part
def _center(row: Rows, mean: FloatArray, factor: float, y: FloatArray) -> tuple[float, float]:
    """Write y; return y·y and mean·y."""
    square, along = 0.0, 0.0
    for j in range(row.shape[0]):
        v = np.float64(row[j]) * factor - mean[j]
        y[j] = v
        square += v * v
        along += v * mean[j]
    return square, along


@_finite_part
def _largest(y: FloatArray) -> float:
    largest = 0.0
    for j in range(y.shape[0]):
        largest = max(largest, abs(y[j]))
    return largest


@_part
def _encode(y: FloatArray, scale: float, codes: Bytes) -> tuple[float, float]:
    """Write the code of each coordinate; return the squares of what the upper plane and both leave over."""
    inverse, loose, tight = (1.0 / scale if scale > 0.0 else 0.0), 0.0, 0.0
    for j in range(y.shape[0]):
        code = min(max(np.int32(y[j] * inverse + 128.0), np.int32(0)), np.int32(255))
        codes[j] = code
        fine = y[j] - scale * (code - 127.5)
        coarse = y[j] - scale * ((code & 240) - 120.0)
        tight += fine * fine
        loose += coarse * coarse
    return loose, tight


@_part
def _pack(codes: Bytes, width: int, high: Bytes, low: Bytes) -> None:
    """Write both planes of a row (invariant 3)."""
    for j in range(width):
        high[j] = (codes[j] >> 4) | (codes[width + j] & 240)
    if low.shape[0]:
        for j in range(width):
            low[j] = (codes[j] & 15) | (codes[width + j] << 4)


@njit(cache=True, nogil=True)
def quantise(
    rows: Rows, mean: FloatArray, turn: Turn, metric: int, planes: Planes, first: int, scratch: Scratch
) -> None:
    """Quantise rows into the places from `first` on; `scratch` is of zeros."""
    high, low, scales, offsets, looses, tights = planes
    y, other, codes = scratch
    width, about = (rows.shape[1] + 1) // 2, np.sqrt(_square_of(mean))
    for i in range(rows.shape[0]):
        slot, square = first + i, _square(rows[i])
        norm, scale, offset, loose, tight = 0.0, 0.0, np.nan, 0.0, 0.0
        for j in range(y.shape[0]):
            codes[j] = 0
        if square < np.inf:
            norm = np.sqrt(square)
            factor = 1.0 if metric != COSINE else (1.0 / norm if norm > 0.0 else 0.0)
            whole, along = _center(rows[i], mean, factor, y)
            offset, spread = whole if metric == L2 else -along, SLACK * (norm * factor + about) + LEAST
            _turn(y, other, turn)
            scale = _largest(y) / 128.0
            if max(np.sqrt(whole), abs(offset)) > LARGEST:
                scale, offset = 0.0, -np.inf
            else:
                offset, scale = offset - abs(offset) * 2.0**-22, np.float64(np.float32(scale))
                left, fine = _encode(y, scale, codes)
                left, fine, whole = np.sqrt(left) + spread, np.sqrt(fine) + spread, np.sqrt(whole)
                loose = max(left, (whole + left) / CAP_LOOSE) * (1.0 + 2.0**-22) + LEAST
                tight = max(fine, (whole + fine) / CAP_TIGHT) * (1.0 + 2.0**-22) + LEAST
        scales[slot], offsets[slot], looses[slot], tights[slot] = scale, offset, loose, tight
        begin = slot * width
        _pack(codes, width, high[begin : begin + width], low[begin : begin + width])


@_part
def _quarter(source: FloatArray, target: FloatArray, begin: int, step: int) -> None:
    """Turn groups of four numbers, each a step from the next: half the sums and differences of all four.

    Counted unsigned: int64 may count from the end, which is checked, and loops are not vectorised.
    """
    q = np.uint64(step)
    for j in range(np.uint64(begin), np.uint64(begin + step)):
        s, t = source[j] + source[j + q + q], source[j] - source[j + q + q]
        u, v = source[j + q] + source[j + q + q + q], source[j + q] - source[j + q + q + q]
        target[j], target[j + q] = 0.5 * (s + u), 0.5 * (s - u)
        target[j + q + q], target[j + q + q + q] = 0.5 * (t + v), 0.5 * (t - v)


@_part
def _turn(y: FloatArray, other: FloatArray, turn: Turn) -> None:
    """Turn a vector, without a change of lengths and products: in each round put its numbers in order, then mix 16."""
    d = y.shape[0]
    for r in range(turn.shape[0]):
        for j in range(d):
            other[j] = y[turn[r, j] >> 1] * (1.0 - 2.0 * (turn[r, j] & 1))
        for j in range(d):
            y[j] = other[j]
        begin, block = 0, 128
        while d - begin >= 16:
            while block > d - begin:
                block >>= 1
            _quarter(y, other, begin, block >> 2)
            for part in range(begin, begin + block, block >> 2):
                _quarter(other, y, part, block >> 4)
            begin += block


@_part
def _square_of(mean: FloatArray) -> float:
    total = 0.0
    for j in range(mean.shape[0]):
        total += mean[j] * mean[j]
    return total
