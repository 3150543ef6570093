"""The arithmetic on float32 arrays: by kernels where they repay their start, else by numpy in float64.

1. Arguments are float32, C-contiguous, of shapes that fit; NaN and infinities lead to results that are not finite.
2. `scores` and `distances` hold only blocks beside their results.
3. Cosines and dot products of many queries (`PRODUCT_FROM`) are matrix products in float32: a kernel of ours does not
   reach the BLAS there (10,000 rows of 384: one query 0.3 ms against 2.1 by numpy's usual expression; 10 queries 1.3 ms
   against 1.5 by sgemm alone; 32 queries 3.4 against 2.7; 100 queries 17 against 8). All other sums are float64.
4. Cosines of about 1 are mended in float64: where all elements are alike, sgemm is off by 1.9e-6 at 1536 dimensions.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..derived.policy import Policy

    Float32Array = NDArray[np.float32]
    FloatArray = NDArray[np.float64]

PRODUCT_FROM = 32  # queries
IN_CACHE = 1 << 16  # elements of a block of rows that several queries go over: 256 kB
A_SLICE = 1 << 22  # elements that one call of a kernel goes over once: about 1 ms
A_PRODUCT = 1 << 19  # elements of a block of unit rows that a matrix product takes: 2 MB

_policy: Policy | None = None
_kernels: Any = None


def kernels(cost_s: float) -> Any:
    """Return the module of kernels, or None where numpy's `cost_s` seconds are the better choice so far."""
    global _policy, _kernels
    if _policy is None:
        from ..derived.policy import Policy

        _policy = Policy("auto", 1)
    if not _policy.usable:
        return None
    if _kernels is None:
        if not _policy.worth("vectors", 0, cost_s):
            _policy.spend("vectors", cost_s)
            return None
        from ..kernels import vectors_sums

        _kernels = vectors_sums
    return _kernels


def set_policy(policy: Policy | None) -> None:
    """Let a policy decide from now on; None for the one that weighs costs."""
    global _policy
    _policy = policy


def pair_sums(a: Float32Array, b: Float32Array) -> tuple[float, float, float, float]:
    """Return a·b, a·a, b·b and (a - b)·(a - b)."""
    compiled = kernels(5e-6)
    if compiled is not None:
        return compiled.sum_pair(a, b)  # type: ignore[no-any-return]
    import numpy as np

    with np.errstate(all="ignore"):
        x, y = a.astype(np.float64), b.astype(np.float64)
        d = x - y
        return float(x @ y), float(x @ x), float(y @ y), float(d @ d)


def units(rows: Float32Array) -> tuple[Float32Array, FloatArray]:
    """Return the rows over their lengths, float32, and the lengths, float64."""
    import numpy as np

    out, lengths = np.empty_like(rows), np.empty(len(rows))
    compiled = kernels(rows.size * 3e-9)
    for start, stop in blocks(len(rows), rows.shape[1], A_SLICE):
        if compiled is not None:
            compiled.unit_rows(rows, out[start:stop], lengths, start, stop)
        else:
            block = rows[start:stop].astype(np.float64)
            lengths[start:stop] = _lengths(block)
            _divide(block, lengths[start:stop, None])
            out[start:stop] = block
    return out, lengths


def scores(metric: str, queries: Float32Array, rows: Float32Array) -> Float32Array:
    """Return (n, m) float32: cosine or dot product, or the distance by another metric."""
    import numpy as np

    out = np.empty((len(queries), len(rows)), np.float32)
    if not out.size:
        return out
    if metric in ("l2", "squared_l2"):
        distances(metric == "squared_l2", queries, rows, out, 0)
        return out
    compiled = kernels(rows.size * 2e-9 + out.size * rows.shape[1] * 5e-11)
    if compiled is None:
        _by_numpy(metric, queries, rows, out)
    elif len(queries) < PRODUCT_FROM:
        _by_kernels(compiled, metric, queries, rows, out)
    elif metric == "cosine":
        _unit_products(compiled, queries, rows, out)
    else:
        with np.errstate(all="ignore"):
            np.matmul(queries, rows.T, out=out)
            if not np.isfinite(out).all():  # a part of a sum left float32, or a value is not finite
                _by_numpy(metric, queries, rows, out)
    return out


def distances(squared: bool, queries: Float32Array, rows: Float32Array, out: Float32Array, first: int) -> None:
    """Write distances to out (n, m), from row `first` on."""
    import numpy as np

    compiled = kernels(out.size * rows.shape[1] * 2e-9)
    wide = queries.astype(np.float64)
    if compiled is None:
        with np.errstate(all="ignore"):
            for start, stop in blocks(len(rows), rows.shape[1], IN_CACHE, first):
                block = rows[start:stop].astype(np.float64)
                for i, query in enumerate(wide):
                    apart = block - query
                    square = np.einsum("ij,ij->i", apart, apart)
                    out[i, start:stop] = square if squared else np.sqrt(square)
    elif len(wide) == 1:
        for start, stop in blocks(len(rows), rows.shape[1], A_SLICE, first):
            compiled.distance_rows(rows, wide[0], squared, out[0], start, stop)
    else:
        for start, stop in blocks(len(rows), rows.shape[1], IN_CACHE, first):
            compiled.distance_fours(rows, wide, squared, out, start, stop)


def self_product(metric: str, rows: Float32Array) -> Float32Array:
    """Return (n, n) float32, symmetric: cosines or dot products of all with all."""
    import numpy as np

    compiled = kernels(rows.size * len(rows) * 5e-11)
    if len(rows) < PRODUCT_FROM or compiled is None:
        few = scores(metric, rows, rows)
        mirror(few)
        return few
    with np.errstate(all="ignore"):
        factor = units(rows)[0] if metric == "cosine" else rows
        out: Float32Array = np.matmul(factor, factor.T)  # numpy sees the same array twice and computes one half: ssyrk
        if metric == "cosine":
            compiled.mend_ones(rows, rows, out, 0, len(rows))
        elif not np.isfinite(out).all():
            _by_numpy(metric, rows, rows, out)
            mirror(out)
    return out


def mirror(out: Float32Array) -> None:
    """Write the part above the diagonal to the part below."""
    import numpy as np

    for i in range(0, len(out), 256):
        j = i + 256
        out[j:, i:j] = out[i:j, j:].T
        corner = out[i:j, i:j]
        lower = np.tril_indices(len(corner), -1)
        corner[lower] = corner.T[lower]


def blocks(n: int, d: int, elements: int, first: int = 0) -> list[tuple[int, int]]:
    """Return (start, stop) of blocks of rows with about so many elements each."""
    step = max(1, elements // max(1, d))
    return [(start, min(n, start + step)) for start in range(first, n, step)]


def wide_queries(metric: str, queries: Float32Array) -> FloatArray:
    """Return the queries as float64, over their lengths for cosines."""
    import numpy as np

    wide = queries.astype(np.float64)
    if metric == "cosine" and len(wide) == 1:  # 2 µs instead of 9
        square = float(wide[0] @ wide[0])
        wide /= math.sqrt(square) if 0 < square < math.inf else 1.0 if square == 0 else math.nan
    elif metric == "cosine":
        _divide(wide, _lengths(wide)[:, None])
    return wide


def _by_kernels(compiled: Any, metric: str, queries: Float32Array, rows: Float32Array, out: Float32Array) -> None:
    wide, scaled = wide_queries(metric, queries), metric == "cosine"
    if len(wide) == 1:
        for start, stop in blocks(len(rows), rows.shape[1], A_SLICE):
            compiled.dot_rows(rows, wide[0], scaled, out[0], start, stop)
    else:
        for start, stop in blocks(len(rows), rows.shape[1], IN_CACHE):
            compiled.dot_fours(rows, wide, scaled, out, start, stop)


def _unit_products(compiled: Any, queries: Float32Array, rows: Float32Array, out: Float32Array) -> None:
    """Write cosines: each block of rows is made unit rows in one scratch, which the product reads from the cache."""
    import numpy as np

    unit_queries, _ = units(queries)
    lengths, parts = np.empty(len(rows)), blocks(len(rows), rows.shape[1], A_PRODUCT)
    scratch = np.empty((parts[0][1], rows.shape[1]), np.float32)
    with np.errstate(all="ignore"):
        for start, stop in parts:
            compiled.unit_rows(rows, scratch, lengths, start, stop)
            np.matmul(unit_queries, scratch[: stop - start].T, out=out[:, start:stop])
            compiled.mend_ones(queries, rows, out, start, stop)


def _by_numpy(metric: str, queries: Float32Array, rows: Float32Array, out: Float32Array) -> None:
    import numpy as np

    with np.errstate(all="ignore"):
        wide = wide_queries(metric, queries)
        for start, stop in blocks(len(rows), rows.shape[1], A_PRODUCT):
            block = rows[start:stop].astype(np.float64)
            part = wide @ block.T
            if metric == "cosine":
                _divide(part, _lengths(block))
            out[:, start:stop] = part


def _lengths(rows: FloatArray) -> FloatArray:
    import numpy as np

    lengths: FloatArray = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return lengths


def _divide(values: FloatArray, lengths: FloatArray) -> None:
    """Divide in place; by nothing where the length is 0."""
    import numpy as np

    with np.errstate(all="ignore"):
        np.divide(values, np.where(lengths == 0, 1.0, lengths), out=values)
