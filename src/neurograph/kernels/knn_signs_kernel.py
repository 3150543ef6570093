"""The kernels around a scan of bits: what is taken from codes, and what a query asks.

Invariants:

1. Of what a row's codes stand for, y, a center c is taken; bit j is 1 where r = y - c is above zero there. A word has
   64 numbers; words lie as `knn_bits_kernel` (invariant 2) says.
2. The factor f of a row is ``|r|**2 / sum(|r|)``, 0 where r is. With the signs s of r, ``r·p`` is about
   ``r·c + f * s·(p - c)``, true where p is c itself. So a row's offset is that of its codes and
   ``w * (r·c - f * s·c)``, and its key, less ``w * c·p``, is ``offset + w * f * s·p``. With a center of zeros offsets
   are those of the codes.
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
Rows = NDArray[np.float32]

L2 = 2  # as in `knn_codes_kernel`
GROUP = 16
GAIN, SHIFT = 0, 1  # as in `knn_bits_kernel`
STEPS = 7.5  # of a query's largest number

_part = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)  # type: ignore[call-overload]


@_part
def _spread(high: Bytes, low: Bytes, half: float, codes: FloatArray) -> None:
    """Write what a row's codes stand for; `half` is half a step."""
    width = high.shape[0]
    for j in range(width):
        h, v = np.int32(high[j]), np.int32(low[j])
        codes[j] = half * (2 * (((h & 15) << 4) | (v & 15)) - 255)
        codes[width + j] = half * (2 * ((h & 240) | (v >> 4)) - 255)


@njit(cache=True, nogil=True)
def take_signs(
    planes: Planes, slots: IntArray, bits: Bits, places: IntArray, centers: Rows, numbers: IntArray, w: float
) -> None:
    """Write the bits, factors and offsets of the rows in `slots` into `places`, each less the center of its number."""
    d = centers.shape[1]
    width, count, rest = (d + 1) // 2, (d + 63) // 64, np.zeros((d + 1) // 2 * 2)
    for r in range(slots.shape[0]):
        slot, place, center = slots[r], places[r], centers[numbers[r]]
        begin, sizes, squares, along, signed = slot * width, 0.0, 0.0, 0.0, 0.0
        half = 0.5 * planes.scale[slot]
        _spread(planes.high[begin : begin + width], planes.low[begin : begin + width], half, rest)
        for j in range(d):
            c = np.float64(center[j])
            rest[j] -= c
            sizes += abs(rest[j])
            squares += rest[j] * rest[j]
            along += rest[j] * c
            signed += c if rest[j] > 0.0 else -c
        factor = squares / sizes if sizes > 0.0 else 0.0
        bits.factor[place] = factor
        bits.offset[place] = planes.offset[slot] + w * (along - factor * signed)
        at = place // GROUP * count * GROUP + place % GROUP
        for word in range(count):
            found = np.uint64(0)
            for j in range(64 * word, min(d, 64 * word + 64)):
                found |= np.uint64(rest[j] > 0.0) << np.uint64(j & 63)
            bits.words[at + word * GROUP] = found


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
