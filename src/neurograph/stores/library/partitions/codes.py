"""What is kept of a vector in its partition: one bit a number, and two numbers that make an estimate of them.

With c the centroid, r = x - c what is left of a row, T the turn and s the signs of T(r), a query q less the middle m
has the product with r of about ``f * s·T(q - m) + e``: f is ``r·r / s·T(r)`` (RaBitQ, Gao and Long, 2024), and e makes
it true where q is c itself. So the error follows how far the query is from the centroid, and the query is turned only
once. Of a query its signs count too, times the mean of its turned numbers without them.

A row's key is ``base + shift + factor * s·T(q - m)``, least for the nearest:

- cosine (of rows of length 1) and dot: base -c·q, factor -f, shift -(r·c - f * s·T(c - m));
- l2, squared: base (c - q)·(c - q), factor -2f, shift r·r + 2f * s·T(c - m).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .turn import turn_rows

if TYPE_CHECKING:
    import numpy as np


class Codes(NamedTuple):
    """Codes of rows."""

    shift: np.ndarray
    """(n,) float32."""
    factor: np.ndarray
    """(n,) float32."""
    bits: np.ndarray
    """(n, ⌈d/8⌉) uint8, the first number in the highest bit."""


def lengths_of(rows: np.ndarray) -> np.ndarray:
    """Return what rows are divided by to be of length 1, (n, 1)."""
    import numpy as np

    return np.maximum(np.sqrt(np.einsum("ij,ij->i", rows, rows)), 1e-30)[:, None]  # type: ignore[no-any-return]


def unit(rows: np.ndarray, metric: str) -> np.ndarray:
    """Return rows as they are placed: of length 1 under cosine."""
    return rows / lengths_of(rows) if metric == "cosine" else rows


def encode(rows: np.ndarray, centroids: np.ndarray, turned: np.ndarray, nearest: np.ndarray, metric: str) -> Codes:
    """Return the codes of rows.

    Parameters
    ----------
    rows
        (n, d) float32, of length 1 under cosine.
    centroids
        (k, d) float32.
    turned
        (k, d) float32: the centroids less the middle, turned.
    nearest
        (n,): the number of each row's centroid.
    metric
        The library's.
    """
    import numpy as np

    own = centroids[nearest]
    left = rows - own
    signs = turn_rows(left)
    bits = signs > 0.0
    signed = np.abs(signs).sum(axis=1)
    np.copysign(np.float32(1.0), signs, out=signs)
    square = np.einsum("ij,ij->i", left, left)
    factor = np.where(signed > 0.0, square / np.maximum(signed, 1e-30), 0.0).astype(np.float32)
    along = factor * np.einsum("ij,ij->i", signs, turned[nearest])
    if metric == "l2":
        shift, factor = square + 2.0 * along, -2.0 * factor
    else:
        shift, factor = along - np.einsum("ij,ij->i", left, own), -factor
    return Codes(shift.astype(np.float32), factor.astype(np.float32), np.packbits(bits, axis=1))
