"""The kernel that tells which link each step of a path takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .adjacency import Entries

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

HOPS, INVERSE, WEIGHT, GIVEN = 0, 1, 2, 3


@njit(cache=True, nogil=True)
def links(
    entries: Entries, slots: IntArray, low: int, high: int, allowed: BoolArray, way: int, cost: FloatArray,
    places: IntArray,
) -> None:  # fmt: skip
    """Write the place of the cheapest entry of each step; of equally cheap ones that of the least type.

    The entries of a link lie at either end: they are looked for where there are fewer.
    """
    span, neighbor, weight, kind = entries
    for step in range(places.shape[0]):
        best, least = -1, np.inf
        for side in range(low, high):
            u, v = slots[step], slots[step + 1]
            first, last, far = span[side, u, 0], span[side, u, 1], v
            if span[1 - side, v, 1] - span[1 - side, v, 0] < last - first:
                first, last, far = span[1 - side, v, 0], span[1 - side, v, 1], u
            for p in range(first, last):
                if neighbor[p] == far and (allowed.size == 0 or (kind[p] < allowed.size and allowed[kind[p]])):
                    price = 1.0
                    if way == GIVEN:
                        price = cost[p]
                    elif way != HOPS:
                        price = np.inf if weight[p] == 0.0 else (1.0 / weight[p] if way == INVERSE else weight[p])
                    if best < 0 or price < least or (price == least and kind[p] < kind[best]):
                        best, least = p, price
        places[step] = best
