"""Estimates by one bit of each number, slow and obvious: number by number, in plain Python."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def codes(planes, slot: int, d: int) -> list[float]:
    """Return what the codes of a row stand for."""
    width = (d + 1) // 2
    high, low = (plane[slot * width : (slot + 1) * width].tolist() for plane in (planes.high, planes.low))
    found = [2 * ((h & 15) << 4 | lo & 15) - 255 for h, lo in zip(high, low, strict=True)]
    found += [2 * (h & 240 | lo >> 4) - 255 for h, lo in zip(high, low, strict=True)]
    return [0.5 * float(planes.scale[slot]) * code for code in found[:d]]


def steps(metric: str, query: Sequence[float], mean: Sequence[float]) -> tuple[float, list[int]]:
    """Return the step a query is rounded by, and how many of them each of its numbers is."""
    norm = math.sqrt(sum(q * q for q in query)) if metric == "cosine" else 1.0
    p = [q / norm - m for q, m in zip(query, mean, strict=True)]
    step = max(map(abs, p)) / 7.5
    return step, [min(max(round(x / step), -8), 7) if step else 0 for x in p]


def estimates(
    planes, metric: str, query: np.ndarray, mean: Sequence[float], centers: Sequence[Sequence[float]] | None = None
) -> list[tuple[float, int]]:
    """Return (estimate, slot) of every row that is there, in order; of rows less their centers, where these are given.

    Of such rows the product of center and query is not in the estimate.
    """
    d, w, found = len(query), -2.0 if metric == "l2" else -1.0, []
    step, asked = steps(metric, [float(q) for q in query], mean)
    for slot, offset in enumerate(planes.offset.tolist()):
        if math.isnan(offset):
            continue
        center = [0.0] * d if centers is None else centers[slot]
        row = [y - c for y, c in zip(codes(planes, slot, d), center, strict=True)]
        size = sum(map(abs, row))
        factor = sum(r * r for r in row) / size if size else 0.0
        signed = sum(c if r > 0 else -c for r, c in zip(row, center, strict=True))
        plus = offset + w * (sum(r * c for r, c in zip(row, center, strict=True)) - factor * signed)
        shared = sum(v for v, r in zip(asked, row, strict=True) if r > 0)
        told = 2.0 * w * step * shared + -w * step * sum(asked)
        found.append((float(np.float32(plus)) + float(np.float32(factor)) * told, slot))
    return sorted(found)
