"""The kernels around a scan of bits: what is taken from codes, and what a query asks.

Invariants:

1. Bit j of a row is 1 where its code of number j stands for more than zero, so bits are the codes' top ones. A word has
   64 numbers; words lie as `knn_bits_kernel` (invariant 2) says.
2. The factor of a row is ``|y|**2 / sum(|y|)`` of what its codes stand for, which are odd halves of a step: the sum is
   above zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .knn_bits_kernel import Bits
    from .knn_codes_kernel import Planes

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Words = NDArray[np.uint64]
Bytes = NDArray[np.uint8]

L2 = 2  # as in `knn_codes_kernel`
GROUP = 16
GAIN, SHIFT = 0, 1  # as in `knn_bits_kernel`
STEPS = 7.5  # of a query's largest number

_part = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload]


@_part
def _spread(high: Bytes, low: Bytes, codes: NDArray[np.int32]) -> None:
    """Write twice what a row's codes stand for, in steps."""
    width = high.shape[0]
    for j in range(width):
        h, v = np.int32(high[j]), np.int32(low[j])
        codes[j] = 2 * (((h & 15) << 4) | (v & 15)) - 255
        codes[width + j] = 2 * ((h & 240) | (v >> 4)) - 255


@njit(cache=True, nogil=True)
def take_signs(planes: Planes, d: int, slots: IntArray, bits: Bits, places: IntArray) -> None:
    """Write the bits and factors of the rows in `slots` into `places`."""
    width, count, codes = (d + 1) // 2, (d + 63) // 64, np.zeros((d + 1) // 2 * 2, np.int32)
    for r in range(slots.shape[0]):
        slot, place, sizes, squares = slots[r], places[r], np.int32(0), np.int64(0)
        begin = slot * width
        _spread(planes.high[begin : begin + width], planes.low[begin : begin + width], codes)
        for j in range(d):
            sizes += abs(codes[j])
            squares += codes[j] * codes[j]
        bits.factor[place] = 0.5 * planes.scale[slot] * squares / sizes
        bits.offset[place] = planes.offset[slot]
        at = place // GROUP * count * GROUP + place % GROUP
        for w in range(count):
            word = np.uint64(0)
            for j in range(64 * w, min(d, 64 * w + 64)):
                word |= np.uint64(codes[j] > 0) << np.uint64(j & 63)
            bits.words[at + w * GROUP] = word


@njit(cache=True, nogil=True)
def ask_bits(p: FloatArray, metric: int, planes: Words, numbers: FloatArray) -> None:
    """Write what a scan of bits asks for p (`knn_bits_kernel`, invariant 1); `planes` is of zeros."""
    d, top, total = p.shape[0], 0.0, 0
    for j in range(d):
        top = max(top, abs(p[j]))
    step = top / STEPS
    for j in range(d):
        whole = min(max(int(np.rint(p[j] / step)) if step > 0.0 else 0, -8), 7)
        total += whole
        for b in range(4):
            planes[j >> 6, b] |= np.uint64((whole >> b) & 1) << np.uint64(j & 63)
    w = -2.0 if metric == L2 else -1.0
    numbers[GAIN], numbers[SHIFT] = 2.0 * w * step, -w * step * total
