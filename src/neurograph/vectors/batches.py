"""Every query with every document, and many vectors normalised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import arguments, pairs

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from .arguments import Float32Array

Answer = Any  # float32 array, or nested lists of float where all arguments were lists


def cosine_similarity_batch(queries: ArrayLike, documents: ArrayLike, *, strict: bool = True) -> Answer:
    """Return the cosine of every query with every document.

    Parameters
    ----------
    queries
        (n, d) numbers, or (d,) for one query: lists or an array, taken as float32; not modified.
    documents
        (m, d) numbers, as the queries.
    strict
        Whether vectors without an answer are refused: lengths that differ, values that are NaN or infinite. Else
        their scores are 0.

    Returns
    -------
    (n, m) float32, or (m,) for one query
        In [-1, 1], 0 where a vector is all zeros. Lists where queries and documents were lists.

    Raises
    ------
    InvalidValue
        The lengths differ, or a value is no finite number; the message names both lengths, or the place.

    Examples
    --------
    >>> from neurograph import vectors
    >>> vectors.cosine_similarity_batch([[1, 0], [0, 2]], [[3, 0], [0, -1], [0, 0]])
    [[1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]
    >>> vectors.cosine_similarity_batch([1, 0], [[3, 0], [0, -1]])
    [1.0, 0.0]

    Notes
    -----
    Grows with n·m·d. Fewer than 32 queries are summed in float64, and the result is the nearest float32, or the one
    beside it. From 32 on it is a matrix product in float32, within 2e-6 of that. Without kernels: float64.
    """
    return batch("cosine", queries, documents, strict, pairs.cosine_similarity)


def euclidean_distance_batch(queries: ArrayLike, documents: ArrayLike, *, strict: bool = True) -> Answer:
    """Return the Euclidean distance of every query from every document.

    Parameters
    ----------
    queries, documents, strict
        As for `cosine_similarity_batch`.

    Returns
    -------
    (n, m) float32, or (m,) for one query
        At least 0. Lists where queries and documents were lists.

    Raises
    ------
    InvalidValue
        The lengths differ, or a value is no finite number; the message names both lengths, or the place.

    Examples
    --------
    >>> from neurograph import vectors
    >>> vectors.euclidean_distance_batch([0, 0], [[3, 4], [0, 1]])
    [5.0, 1.0]

    Notes
    -----
    Grows with n·m·d. Differences are squared and summed in float64, so near vectors far from the origin lose nothing,
    as they do where a² + b² - 2ab is taken.
    """
    return batch("l2", queries, documents, strict, pairs.euclidean_distance)


def dot_product_batch(queries: ArrayLike, documents: ArrayLike, *, strict: bool = True) -> Answer:
    """Return the dot product of every query with every document.

    Parameters
    ----------
    queries, documents, strict
        As for `cosine_similarity_batch`.

    Returns
    -------
    (n, m) float32, or (m,) for one query
        Infinite where float32 does not hold it. Lists where queries and documents were lists.

    Raises
    ------
    InvalidValue
        The lengths differ, or a value is no finite number; the message names both lengths, or the place.

    Examples
    --------
    >>> from neurograph import vectors
    >>> vectors.dot_product_batch([[1, 2], [3, 4]], [[1, 1]])
    [[3.0], [7.0]]

    Notes
    -----
    Grows with n·m·d. Fewer than 32 queries are summed in float64; from 32 on it is numpy's matrix product in float32,
    within 2e-6 of the product of both lengths.
    """
    return batch("dot", queries, documents, strict, pairs.dot_product)


def normalize_batch(vectors: ArrayLike, *, strict: bool = True) -> Answer:
    """Return every vector over its length.

    Parameters
    ----------
    vectors
        (n, d) numbers: lists or an array, taken as float32; not modified.
    strict
        Whether values that are NaN or infinite are refused; else such a vector becomes zeros.

    Returns
    -------
    (n, d) float32
        Rows of length 1; zero vectors stay zeros. Lists where a list was given.

    Raises
    ------
    InvalidValue
        The lengths differ, or a value is no finite number; the message names both lengths, or the place.

    Examples
    --------
    >>> from neurograph import vectors
    >>> vectors.normalize_batch([[0, 2], [0, 0]])
    [[0.0, 1.0], [0.0, 0.0]]

    Notes
    -----
    Grows with n·d: reads each row once and writes it once.
    """
    import numpy as np

    from . import engine

    if not strict and is_ragged(vectors):
        lists: Any = vectors
        return [pairs.normalize(vector, strict=False) for vector in lists]
    rows = arguments.rows(vectors, "vectors")
    out, lengths = engine.units(rows)
    bad = ~np.isfinite(lengths)
    if bad.any():
        if strict:
            arguments.refuse_unfinite(rows, vectors, "vectors")
        out[bad] = 0
    return out.tolist() if arguments.is_plain(vectors) else out


def batch(metric: str, queries: ArrayLike, documents: ArrayLike, strict: bool, one: Callable[..., float]) -> Answer:
    """Return (n, m) of a metric; `one` answers for two vectors where lists are of several lengths."""
    import numpy as np

    from . import engine

    plain = arguments.is_plain(queries) and arguments.is_plain(documents)
    if not strict and (is_ragged(queries) or is_ragged(documents)):
        return _one_by_one(queries, documents, one, plain)
    q, single = arguments.vector_or_rows(queries, "queries")
    rows = arguments.rows(documents, "documents")
    if len(q) and len(rows) and q.shape[1] != rows.shape[1]:
        if strict:
            arguments.refuse_lengths(q.shape[1], rows.shape[1], ("queries", "documents"))
        out = np.zeros((len(q), len(rows)), np.float32)
    else:
        out = engine.scores(metric, q, rows)
        settle(out, (q, queries, "queries"), (rows, documents, "documents"), strict)
    answer = out[0] if single else out
    return answer.tolist() if plain else answer


def settle(out: Float32Array, queries: tuple[Any, ...], documents: tuple[Any, ...], strict: bool) -> None:
    """Refuse values that are not finite, or write 0 for their vectors; infinite dot products stay."""
    import numpy as np

    if out.size and np.isfinite(out).all():
        return  # what is not finite in a vector shows in all its results
    if strict:
        arguments.refuse_unfinite(*queries)
        arguments.refuse_unfinite(*documents)
    else:
        out[~np.isfinite(queries[0]).all(axis=1)] = 0
        out[:, ~np.isfinite(documents[0]).all(axis=1)] = 0


def is_ragged(values: Any) -> bool:
    """Tell whether lists of several lengths are among the rows."""
    if not (arguments.is_plain(values) and values and arguments.is_plain(values[0])):
        return False
    return any(not arguments.is_plain(row) or len(row) != len(values[0]) for row in values)


def _one_by_one(queries: Any, documents: Any, one: Callable[..., float], plain: bool) -> Answer:
    import numpy as np

    single = len(queries) > 0 and np.ndim(queries[0]) == 0
    several = [queries] if single else queries
    found = [[one(query, document, strict=False) for document in documents] for query in several]
    answer = found[0] if single else found
    return answer if plain else np.array(answer, np.float32)
