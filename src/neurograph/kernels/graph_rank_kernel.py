"""The kernels of PageRank: one iteration a call.

Invariants:

1. Scores are pulled along incoming entries in their order; sums over all slots go in order of id. So every
   bit of the answer depends on ids and edges alone.
2. ``scaled[u]`` is the score of u divided by the weight that leaves it, 0 where none does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .adjacency import Entries

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

TINY = 2.2250738585072014e-308  # the reciprocal of less overflows


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
def invert_strengths(entries: Entries, allowed: BoolArray, inverse: FloatArray) -> None:
    """Write 1 / the weight that leaves each slot, 0 where none does."""
    span, _, weight, kind = entries
    every = allowed.size == 0
    for u in range(len(inverse)):
        strength = 0.0
        for p in range(span[0, u, 0], span[0, u, 1]):
            if every or (kind[p] < allowed.size and allowed[kind[p]]):
                strength += weight[p]
        inverse[u] = 1.0 / strength if strength >= TINY else 0.0


@njit(cache=True, nogil=True)
def iterate(
    entries: Entries, allowed: BoolArray, by_rank: IntArray, scores: Scores, damping: float, jump: float
) -> tuple[float, float]:
    """Pull new scores; return how much they changed in sum, and what they hold where no weight leaves."""
    span, neighbor, weight, kind = entries
    score, scaled, next_scaled, inverse, teleport = scores
    every, change, dangling = allowed.size == 0, 0.0, 0.0
    for i in range(len(score)):
        v = by_rank[i] if by_rank.size else i
        pulled = 0.0
        for p in range(span[1, v, 0], span[1, v, 1]):
            if every or (kind[p] < allowed.size and allowed[kind[p]]):
                pulled += scaled[neighbor[p]] * weight[p]
        new = damping * pulled + jump * teleport[v]
        change += abs(new - score[v])
        score[v] = new
        next_scaled[v] = new * inverse[v]
        if inverse[v] == 0.0:
            dangling += new
    return change, dangling
