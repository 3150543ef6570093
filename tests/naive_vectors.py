"""Nearest neighbors by the definition: every vector, number after number, one addition after another, in float64.

Vectors are (n, d) float32; ids any; distances as `stores/library/nearest/distance.py` says.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


def distance(metric: str, query: Iterable[float], vector: Iterable[float]) -> float:
    """Return the distance of two float32 vectors; NaN where `vector` holds NaN or infinity."""
    qv = qq = vv = squares = 0.0
    for q, v in zip(map(float, query), map(float, vector), strict=True):
        qv = qv + q * v
        qq = qq + q * q
        vv = vv + v * v
        squares = squares + (q - v) * (q - v)
    if not math.isfinite(vv):
        return math.nan
    if metric == "l2":
        return math.sqrt(squares)
    if metric == "dot":
        return 0.0 - qv
    return 1.0 if qq == 0.0 or vv == 0.0 else min(max(1.0 - qv / math.sqrt(qq * vv), 0.0), 2.0)


def nearest(
    metric: str,
    ids: Iterable[int],
    vectors: Any,
    query: Any,
    k: int = 1 << 40,
    max_distance: float = math.inf,
    after: tuple[float, int] = (-math.inf, 0),
    among: Collection[int] | None = None,
    leave_out: int = 0,
) -> list[tuple[int, float]]:
    """Return (id, distance) of the k nearest, in order of distance, then id."""
    query = np.asarray(query, np.float32).tolist()
    found = [
        (distance(metric, query, vector), int(id))
        for id, vector in zip(ids, np.asarray(vectors, np.float32).tolist(), strict=True)
        if (among is None or id in among) and id != leave_out
    ]
    return [(id, d) for d, id in sorted(pair for pair in found if pair[0] <= max_distance and pair > after)[:k]]


@dataclass
class Row:
    """An item of the model."""

    key: str | None = None
    text: str | None = None
    token: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    vector: tuple[float, ...] | None = None


@dataclass
class Space:
    """A library as a dict: rows by id, and the greatest id that is there decides the next one."""

    metric: str
    first: int
    rows: dict[int, Row] = field(default_factory=dict)

    def owner(self, key: str | None) -> int | None:
        return next((id for id, row in self.rows.items() if key is not None and row.key == key), None)

    def add(self, row: Row) -> int:
        id = max(self.rows, default=self.first - 1) + 1
        self.rows[id] = row
        return id

    def search(self, query: Any, k: int = 1 << 40, **options: Any) -> list[tuple[int, float]]:
        there = {id: row.vector for id, row in sorted(self.rows.items()) if row.vector is not None}
        return nearest(self.metric, there, [*there.values()], query, k, **options) if there else []
