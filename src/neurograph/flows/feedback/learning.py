"""The rules by which values learn from feedback: those of the original system for confidence, for all of them.

A confirmation of strength s adds ``rate · s``, up to the highest value; a refutation takes ``rate · s / 2``, down to
the lowest. A value beyond where the rule would stop stays where it is.
"""

from __future__ import annotations

RATE = 0.125
"""The learning rate of a standing and of a plain edge: what a connection has unless it was given another."""


def learned(value: float, rate: float, strength: float, success: bool, low: float = 0.0, high: float = 1.0) -> float:
    """Return a value after one confirmation or refutation.

    >>> learned(0.5, 0.125, 1.0, True), learned(0.5, 0.125, 1.0, False), learned(0.95, 0.125, 1.0, True)
    (0.625, 0.4375, 1.0)
    """
    if success:
        return max(value, min(high, value + rate * strength))
    return min(value, max(low, value - rate * strength / 2))
