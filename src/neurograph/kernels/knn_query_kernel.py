"""The kernels that look at a query itself: what a scan asks of codes, and the distances that decide.

Invariants:

1. A distance is computed in float64, sums taken from left to right, each operation rounded on its own: cosine is
   ``1 - dot / sqrt(aa * qq)``, not below 0 nor above 2, and 1.0 where a norm is zero; l2 ``sqrt(sum((a - b)**2))``;
   dot ``0 - dot``. Sums of several rows are taken side by side, which changes none of them.
2. Numbers for the scans hold what `knn_scan_kernel` (invariants 1 and 2) and `knn_refine_kernel` say of them. DUST
   covers what float64 rounds: in the key it is (2·d + 24)·2**-53 of (|p| + |mean|)**2, of 1 under cosine, or of the
   norms of the parts of a product, with d up to 8,192; LEAST, what float32 rounds of an offset below its normal range.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Turn = NDArray[np.uint32]
Rows = NDArray[np.float32]

COSINE, DOT, L2 = 0, 1, 2  # as in `knn_codes_kernel`, with CAP_LOOSE, CAP_TIGHT and LEAST
CAP_LOOSE, CAP_TIGHT = 10.0, 200.0
LEAST = 1e-44
DUST = 2.0**-36
DIGITS = 127 * 128 + 63  # the largest p, rounded: an upper digit up to 127 and a lower one from -64 to 63
LOW, GAIN, SHIFT, DOUBT = 0, 1, 2, 3  # of a scan
FINE_LOW, FINE_HIGH, FINE_GAIN, FINE_SHIFT, FINE_DOUBT = 0, 1, 2, 3, 4  # of refining
LANES = 32  # rows side by side

_part = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload]


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


@njit(cache=True, nogil=True)
def ask(
    p: FloatArray,
    mean: FloatArray,
    turn: Turn,
    metric: int,
    fine: bool,
    digits: NDArray[np.int8],
    scan: FloatArray,
    refine: FloatArray,
) -> bool:
    """Write what scans ask for a query, given in `p` and left there, turned; False where all distances are 1."""
    d, square, top, along, about = p.shape[0], 0.0, 0.0, 0.0, 0.0
    for j in range(d):
        square += p[j] * p[j]
    if metric == COSINE and square == 0.0:
        return False
    norm, square = (np.sqrt(square) if metric == COSINE else 1.0), 0.0
    for j in range(d):
        p[j] = p[j] / norm - mean[j]
        square += p[j] * p[j]
        along += p[j] * mean[j]
        about += mean[j] * mean[j]
    _turn(p, np.empty(d), turn)
    for j in range(d):
        top = max(top, abs(p[j]))
    step, width, size = top / DIGITS, (d + 1) // 2, np.sqrt(square)
    uppers, wholes, coarse, exact = 0, 0, 0.0, 0.0
    for j in range(d):
        whole = int(np.rint(p[j] / step)) if step > 0.0 else 0
        whole = min(max(whole, -DIGITS), DIGITS)
        upper = (whole + 64) >> 7
        b, half = (j, 0) if j < width else (j - width, 64)
        place = (b >> 6) * 256 + (b & 63) + half
        digits[place], digits[place + 128] = upper, whole - 128 * upper
        uppers, wholes = uppers + upper, wholes + whole
        coarse += (p[j] - upper * (128.0 * step)) ** 2
        exact += (p[j] - whole * step) ** 2
    w, both = (-2.0 if metric == L2 else -1.0), size + np.sqrt(about)
    a = square if metric == L2 else (1.0 if metric == COSINE else 0.0) - along - about
    dust = DUST * (both * both + (1.0 if metric == COSINE else 0.0)) + LEAST
    scan[LOW], scan[GAIN], scan[SHIFT] = a - dust, 16.0 * 128.0 * w * step, -120.0 * 128.0 * w * step * uppers
    scan[DOUBT] = -w * (size + CAP_LOOSE * (np.sqrt(coarse) + DUST * both))
    refine[FINE_LOW], refine[FINE_HIGH], refine[FINE_GAIN] = a - dust, a + dust, w * step * (1.0 if fine else 16.0)
    refine[FINE_SHIFT] = (-127.5 if fine else -120.0) * w * step * wholes
    refine[FINE_DOUBT] = -w * (size + (CAP_TIGHT if fine else CAP_LOOSE) * (np.sqrt(exact) + DUST * both))
    return True


@njit(cache=True, nogil=True)
def measure(rows: Rows, query: FloatArray, metric: int, out: FloatArray) -> None:
    """Write the distance of each column of `rows`, (d, n), from the query (invariant 1)."""
    n, d, qq = rows.shape[1], rows.shape[0], 0.0
    sums, squares = np.empty(LANES), np.empty(LANES)
    for j in range(d):
        qq += query[j] * query[j]
    for first in range(0, n, LANES):
        count = min(LANES, n - first)
        for i in range(LANES):
            sums[i], squares[i] = 0.0, 0.0
        for j in range(d):
            q = query[j]
            for i in range(count):
                a = np.float64(rows[j, first + i])
                if metric == L2:
                    sums[i] += (a - q) * (a - q)
                else:
                    sums[i] += a * q
                    squares[i] += a * a
        for i in range(count):
            if metric == L2:
                out[first + i] = np.sqrt(sums[i])
            elif metric == DOT:
                out[first + i] = 0.0 - sums[i]
            elif squares[i] == 0.0 or qq == 0.0:
                out[first + i] = 1.0
            else:
                out[first + i] = min(max(1.0 - sums[i] / np.sqrt(squares[i] * qq), 0.0), 2.0)
