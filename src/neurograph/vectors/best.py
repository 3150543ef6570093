"""The k best documents for each query."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex

from ..errors import InvalidValue
from . import arguments

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from .arguments import Float32Array

    IntArray = NDArray[np.int64]

MOST = 1024  # of k where candidates are narrowed; settling them costs k times their number
A_BLOCK = 2048  # rows whose approximate scores are looked at together
FEW = 512  # rows whose scores are sorted, not parted first
QUERIES = 256  # queries that share the blocks
ALL_AT_ONCE = 1 << 22  # scores held where all of them are computed: 16 MB


class TopK(NamedTuple):
    """The best documents for each query, best first."""

    indices: IntArray
    """(n, k) int64, or (k,) for one query: rows of the documents."""
    scores: Float32Array
    """float32, of the same shape: larger is better."""


def top_k(queries: ArrayLike, documents: ArrayLike, k: SupportsIndex, *, metric: str = "cosine") -> Any:
    """Return the k best documents for each query, best first.

    Parameters
    ----------
    queries
        (n, d) numbers, or (d,) for one query: lists or an array, taken as float32; not modified.
    documents
        (m, d) numbers, as the queries.
    k
        How many at most; all where there are fewer.
    metric
        ``"cosine"``, ``"dot"``, ``"l2"`` (or ``"euclidean"``), ``"squared_l2"``. Distances are negated, so that
        larger is better.

    Returns
    -------
    TopK
        Indices and scores, (n, k) each, or (k,) for one query; ties by index. Where queries and documents were lists:
        a list for each query, or one list, of (index, score).

    Raises
    ------
    InvalidValue
        k is negative or no whole number, the metric is unknown, the lengths differ, or a value is no finite number.

    Examples
    --------
    >>> from neurograph import vectors
    >>> vectors.top_k([1, 0], [[0, 1], [1, 0], [2, 0], [-1, 0]], 3)
    [(1, 1.0), (2, 1.0), (0, 0.0)]
    >>> import numpy as np
    >>> vectors.top_k(np.eye(2), np.eye(2), 1).indices.tolist()
    [[0], [1]]

    Notes
    -----
    Exact: scores are summed in float64 and rounded to float32, and the order is by them. From 32 queries on, cosines
    and dot products in float32 narrow the documents first, with a margin that covers every rounding
    (`kernels/vectors_top.py` has the proof). Grows with n·m·d; never holds all n·m scores.
    """
    metric = arguments.metric_of(metric)
    count = _count(k)
    q, single = arguments.vector_or_rows(queries, "queries")
    rows = arguments.rows(documents, "documents")
    if len(q) and len(rows) and q.shape[1] != rows.shape[1]:
        arguments.refuse_lengths(q.shape[1], rows.shape[1], ("queries", "documents"))

    def check() -> None:
        arguments.refuse_unfinite(q, queries, "queries")
        arguments.refuse_unfinite(rows, documents, "documents")

    found = _best(metric, q, rows, min(count, len(rows)), check)
    if single:
        found = TopK(found.indices[0], found.scores[0])
    if not (arguments.is_plain(queries) and arguments.is_plain(documents)):
        return found
    return _listed(found)


def top_k_similar(queries: ArrayLike, documents: ArrayLike, k: SupportsIndex, *, metric: str = "cosine") -> list[Any]:
    """Return the k best documents for each query as (index, score), best first.

    Parameters
    ----------
    queries, documents, k, metric
        As for `top_k`.

    Returns
    -------
    list
        Of (index, score) for one query, or a list of these for each of several, whatever they came as.

    Raises
    ------
    InvalidValue
        As `top_k`.

    Examples
    --------
    >>> import numpy as np
    >>> from neurograph import vectors
    >>> vectors.top_k_similar(np.array([1, 0]), np.array([[0, 1], [1, 0]]), 1)
    [(1, 1.0)]
    """
    found = top_k(queries, documents, k, metric=metric)
    return _listed(found) if isinstance(found, TopK) else found


def _listed(found: TopK) -> list[Any]:
    if found.indices.ndim == 1:
        return list(zip(found.indices.tolist(), found.scores.tolist(), strict=True))
    return [_listed(TopK(*pair)) for pair in zip(found.indices, found.scores, strict=True)]


def _count(k: SupportsIndex) -> int:
    try:
        if isinstance(k, bool):
            raise TypeError
        count = operator.index(k)
    except TypeError:
        raise InvalidValue(f"k must be a whole number, got {k!r}") from None
    if count < 0:
        raise InvalidValue(f"k must be at least 0, got {count}")
    return count


def _best(metric: str, queries: Float32Array, rows: Float32Array, k: int, check: Callable[[], None]) -> TopK:
    """Return the best; `check` is called where a score or a length is not finite, and raises where a value is not."""
    import numpy as np

    from . import engine

    found = TopK(np.empty((len(queries), k), np.int64), np.empty((len(queries), k), np.float32))
    if not found.indices.size:
        check()
        return found
    many = len(queries) >= engine.PRODUCT_FROM and 8 * k <= len(rows) and k <= MOST
    if many and metric in ("cosine", "dot") and engine.kernels(queries.size * len(rows) * 1e-10) is not None:
        for start in range(0, len(queries), QUERIES):
            part = slice(start, start + QUERIES)
            _narrowed(metric, queries[part], rows, TopK(found.indices[part], found.scores[part]), check)
        return found
    step = max(1, ALL_AT_ONCE // len(rows))
    for start in range(0, len(queries), step):
        part = slice(start, start + step)
        _in_full(metric, queries[part], rows, TopK(found.indices[part], found.scores[part]), check)
    return found


def _in_full(metric: str, queries: Float32Array, rows: Float32Array, found: TopK, check: Callable[[], None]) -> None:
    """Write the best by the scores of all rows."""
    import numpy as np

    from . import engine

    n, k = found.indices.shape
    # few queries at a time, so that every score is the nearest float32
    for start in range(0, n, engine.PRODUCT_FROM - 1):
        part = queries[start : start + engine.PRODUCT_FROM - 1]
        scores = engine.scores(metric, part, rows)
        if not np.isfinite(scores).all():
            check()
        if metric in ("l2", "squared_l2"):
            np.negative(scores, out=scores)
        if len(rows) <= FEW:
            order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
            found.indices[start : start + len(part)] = order
            found.scores[start : start + len(part)] = np.take_along_axis(scores, order, axis=1)
            continue
        bounds = np.partition(scores, len(rows) - k, axis=1)[:, len(rows) - k]
        for i, (line, bound) in enumerate(zip(scores, bounds, strict=True), start):
            ids = np.flatnonzero(line >= bound)
            order = np.argsort(-line[ids], kind="stable")[:k]
            found.indices[i] = ids[order]
            found.scores[i] = line[ids[order]]


def _narrowed(metric: str, queries: Float32Array, rows: Float32Array, found: TopK, check: Callable[[], None]) -> None:
    """Write the best by true scores, of the rows whose approximate scores allow it."""
    import numpy as np

    from ..kernels import vectors_sums, vectors_top
    from . import engine

    n, k = found.indices.shape
    d, scaled = rows.shape[1], metric == "cosine"
    factor, own_lengths = engine.units(queries)
    lengths = np.empty(len(rows))
    scratch = np.empty((A_BLOCK, d), np.float32)
    margins = np.full(n, 2.0)
    if not np.isfinite(own_lengths).all():
        check()
    if not scaled:
        factor = queries
        for start, stop in engine.blocks(len(rows), d, A_BLOCK * d):
            vectors_sums.unit_rows(rows, scratch, lengths, start, stop)
        if not np.isfinite(lengths).all():
            check()
        margins = 2 * own_lengths * lengths.max()
        if margins.max() > 1e37:  # a product may leave float32
            return _in_full(metric, queries, rows, found, check)
    # d roundings of 2⁻²⁴ in the product, few in the units, one in the true score: twice that, and what underflows
    margins = margins * (d + 16) * 2.0**-23 + d * 1e-37
    heaps, room = np.full((n, k), -np.inf, np.float32), 4 * k + 256
    ids, kept, counts = np.empty((n, room), np.int64), np.empty((n, room), np.float32), np.zeros(n, np.int64)
    product = np.empty((n, A_BLOCK), np.float32)
    for start in range(0, len(rows), A_BLOCK):
        stop = min(len(rows), start + A_BLOCK)
        part = product if stop - start == A_BLOCK else np.empty((n, stop - start), np.float32)
        if scaled:
            vectors_sums.unit_rows(rows, scratch, lengths, start, stop)
        np.matmul(factor, (scratch[: stop - start] if scaled else rows[start:stop]).T, out=part)
        vectors_top.keep_best(part, start, margins, heaps, ids, kept, counts)
    if not np.isfinite(lengths).all():
        check()
    vectors_top.settle(rows, engine.wide_queries(metric, queries), scaled, ids, counts, *found)
    for i in np.flatnonzero(counts < 0).tolist():
        _in_full(metric, queries[i : i + 1], rows, TopK(found.indices[i : i + 1], found.scores[i : i + 1]), check)
    return None
