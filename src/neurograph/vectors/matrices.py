"""Matrices: every query with every document, all with all, distances of every pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import arguments, pairs
from .batches import Answer, batch, is_ragged, settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from .arguments import Float32Array


def cosine_similarity_matrix(queries: ArrayLike, documents: ArrayLike | None = None, *, strict: bool = True) -> Answer:
    """Return the cosine of every query with every document, or of all vectors with each other.

    Parameters
    ----------
    queries
        (n, d) numbers: lists or an array, taken as float32; not modified.
    documents
        (m, d) numbers; the queries themselves unless given.
    strict
        As for `cosine_similarity_batch`.

    Returns
    -------
    (n, m) float32
        As from `cosine_similarity_batch`. With themselves: symmetric, with 1 on the diagonal, 0 for zero vectors.

    Raises
    ------
    InvalidValue
        The lengths differ, or a value is no finite number; the message names both lengths, or the place.

    Examples
    --------
    >>> from neurograph import vectors
    >>> vectors.cosine_similarity_matrix([[1, 0], [0, 2], [0, 0]])
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]

    Notes
    -----
    As `cosine_similarity_batch`; with themselves half of it.
    """
    return _matrix("cosine", queries, documents, strict, pairs.cosine_similarity)


def euclidean_distance_matrix(queries: ArrayLike, documents: ArrayLike | None = None, *, strict: bool = True) -> Answer:
    """Return the Euclidean distance of every query from every document, or of all vectors from each other.

    Parameters
    ----------
    queries, documents, strict
        As for `cosine_similarity_matrix`.

    Returns
    -------
    (n, m) float32
        At least 0. From themselves: symmetric, with 0 on the diagonal.

    Raises
    ------
    InvalidValue
        The lengths differ, or a value is no finite number; the message names both lengths, or the place.

    Examples
    --------
    >>> from neurograph import vectors
    >>> vectors.euclidean_distance_matrix([[0, 0], [3, 4]])
    [[0.0, 5.0], [5.0, 0.0]]

    Notes
    -----
    As `euclidean_distance_batch`; from themselves half of it.
    """
    return _matrix("l2", queries, documents, strict, pairs.euclidean_distance)


def dot_product_matrix(queries: ArrayLike, documents: ArrayLike | None = None, *, strict: bool = True) -> Answer:
    """Return the dot product of every query with every document, or of all vectors with each other.

    Parameters
    ----------
    queries, documents, strict
        As for `cosine_similarity_matrix`.

    Returns
    -------
    (n, m) float32
        As from `dot_product_batch`. With themselves: symmetric, with squared lengths on the diagonal.

    Raises
    ------
    InvalidValue
        The lengths differ, or a value is no finite number; the message names both lengths, or the place.

    Examples
    --------
    >>> from neurograph import vectors
    >>> vectors.dot_product_matrix([[1, 2], [3, 4]])
    [[5.0, 11.0], [11.0, 25.0]]

    Notes
    -----
    As `dot_product_batch`; with themselves half of it.
    """
    return _matrix("dot", queries, documents, strict, pairs.dot_product)


def pairwise_distances(vectors: ArrayLike, metric: str = "l2") -> Answer:
    """Return the distance of every vector from every other.

    Parameters
    ----------
    vectors
        (n, d) numbers: lists or an array, taken as float32; not modified.
    metric
        ``"l2"`` (or ``"euclidean"``), ``"squared_l2"``, ``"cosine"``: 1 - cosine, in [0, 2], 1 with a zero vector,
        ``"dot"``: the dot product, negated.

    Returns
    -------
    (n, n) float32
        Symmetric, with 0 on the diagonal, whatever the metric. Lists where a list was given.

    Raises
    ------
    InvalidValue
        The metric is unknown, the lengths differ, or a value is no finite number.

    Examples
    --------
    >>> from neurograph import vectors
    >>> vectors.pairwise_distances([[0, 0], [3, 4], [0, 4]])
    [[0.0, 5.0, 4.0], [5.0, 0.0, 3.0], [4.0, 3.0, 0.0]]
    >>> vectors.pairwise_distances([[1, 0], [0, 1]], "cosine")
    [[0.0, 1.0], [1.0, 0.0]]

    Notes
    -----
    Grows with n²·d; only one half is computed. Tolerances are those of the matrix forms.
    """
    import numpy as np

    metric = arguments.metric_of(metric)
    rows = arguments.rows(vectors, "vectors")
    out = _against_itself(metric, rows)
    if metric == "cosine":
        np.subtract(1, out, out=out)
    elif metric == "dot":
        np.negative(out, out=out)
        out += 0.0  # no negative zeros
    settle(out, (rows, vectors, "vectors"), (rows, vectors, "vectors"), True)
    np.fill_diagonal(out, 0)
    return out.tolist() if arguments.is_plain(vectors) else out


def _matrix(
    metric: str, queries: ArrayLike, documents: ArrayLike | None, strict: bool, one: Callable[..., float]
) -> Answer:
    import numpy as np

    if documents is not None:
        if strict or not is_ragged(queries):
            arguments.rows(queries, "queries")  # a matrix has no form for one query
        return batch(metric, queries, documents, strict, one)
    if not strict and is_ragged(queries):
        return batch(metric, queries, queries, strict, one)
    rows = arguments.rows(queries, "queries")
    out = _against_itself(metric, rows)
    if metric == "cosine":
        np.fill_diagonal(out, np.where(np.diagonal(out) > 0.5, np.float32(1), np.diagonal(out)))
    settle(out, (rows, queries, "queries"), (rows, queries, "queries"), strict)
    return out.tolist() if arguments.is_plain(queries) else out


def _against_itself(metric: str, rows: Float32Array) -> Float32Array:
    """Return (n, n) float32, symmetric: cosine or dot product, or the distance by another metric."""
    import numpy as np

    from . import engine

    if metric in ("cosine", "dot"):
        return engine.self_product(metric, rows)
    out = np.empty((len(rows), len(rows)), np.float32)
    for i in range(0, len(rows), 64):
        engine.distances(metric == "squared_l2", rows[i : i + 64], rows, out[i : i + 64], i)
    engine.mirror(out)
    return out
