"""Nearest neighbours, slow and obvious: every distance by its formula, in float64, from left to right; then a sort."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np


def distance(metric: str, row: Sequence[float], query: Sequence[float]) -> float:
    """Return the distance that decides."""
    dot = aa = qq = square = 0.0
    for a, q in zip(row, query, strict=True):
        dot += a * q
        aa += a * a
        qq += q * q
        square += (a - q) * (a - q)
    if metric == "l2":
        return math.sqrt(square)
    if metric == "dot":
        return -dot
    if aa == 0.0 or qq == 0.0:
        return 1.0
    return min(max(1.0 - dot / math.sqrt(aa * qq), 0.0), 2.0)


def nearest(
    metric: str,
    rows: np.ndarray,
    query: np.ndarray,
    k: int,
    *,
    ids: Sequence[int] | None = None,
    allowed: Iterable[int] | None = None,
    radius: float = math.inf,
    after: tuple[float, int] | None = None,
) -> list[tuple[float, int]]:
    """Return (distance, id) of the k nearest rows."""
    wanted = set(range(len(rows))) if allowed is None else set(allowed)
    asked = [float(q) for q in query]
    found = [
        (distance(metric, [float(a) for a in row], asked), slot if ids is None else int(ids[slot]))
        for slot, row in enumerate(rows)
        if slot in wanted and np.isfinite(row).all()
    ]
    return sorted(pair for pair in found if pair[0] <= radius and (after is None or pair > after))[:k]
