"""The slow, obvious version of `neurograph.vectors`: fractions without rounding, one square root at the end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

Vector = Sequence[float]


def dot(a: Vector, b: Vector) -> float:
    return as_float(sum((Fraction(x) * Fraction(y) for x, y in zip(a, b, strict=True)), Fraction()))


def cosine(a: Vector, b: Vector) -> float:
    """Root of (a·b)² / (a·a)(b·b), so that lengths of 1e-200 do no harm."""
    x, y = [Fraction(v) for v in a], [Fraction(v) for v in b]
    ab, aa, bb = (sum((v * w for v, w in zip(p, q, strict=True)), Fraction()) for p, q in ((x, y), (x, x), (y, y)))
    return (1 if ab > 0 else -1) * math.sqrt(ab * ab / (aa * bb)) if aa and bb else 0.0


def l2(a: Vector, b: Vector) -> float:
    return root(sum(((Fraction(x) - Fraction(y)) ** 2 for x, y in zip(a, b, strict=True)), Fraction()))


def squared_l2(a: Vector, b: Vector) -> float:
    return as_float(sum(((Fraction(x) - Fraction(y)) ** 2 for x, y in zip(a, b, strict=True)), Fraction()))


SCORES = {"cosine": cosine, "dot": dot, "l2": lambda a, b: -l2(a, b), "squared_l2": lambda a, b: -squared_l2(a, b)}


def root(square: Fraction) -> float:
    """Return the square root of what may be beyond float64, its root is not."""
    if not square:
        return 0.0
    shift = (square.numerator.bit_length() - square.denominator.bit_length()) // 2
    try:
        return math.ldexp(math.sqrt(square / Fraction(2) ** (2 * shift)), shift)
    except OverflowError:
        return math.inf


def as_float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def top_k(query: Vector, documents: Sequence[Vector], k: int, metric: str = "cosine") -> list[int]:
    """Return the indices of the best, ties by index."""
    scores = [SCORES[metric](query, document) for document in documents]
    return sorted(range(len(documents)), key=lambda i: (-scores[i], i))[:k]
