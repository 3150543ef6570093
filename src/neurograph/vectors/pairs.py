"""Two vectors, or one: by Python alone for lists, by a kernel or numpy for arrays."""

from __future__ import annotations

import math
from operator import mul
from typing import TYPE_CHECKING, Any, overload

from ..errors import InvalidValue
from . import arguments

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from .arguments import Float32Array, Floats

SAFE = 1e150  # lengths between this and its inverse have products and squares that float64 holds


def cosine_similarity(a: ArrayLike, b: ArrayLike, *, strict: bool = True) -> float:
    """Return the cosine of the angle between two vectors.

    Parameters
    ----------
    a, b
        (d,) numbers: lists, tuples or arrays. Arrays are taken as float32.
    strict
        Whether vectors without an answer are refused; else the answer is 0.0 for them.

    Returns
    -------
    float
        In [-1, 1]; 0.0 where a vector is all zeros.

    Raises
    ------
    InvalidValue
        The lengths differ, or a value is no finite number; the message names both lengths, or the place.

    Examples
    --------
    >>> from neurograph import vectors
    >>> vectors.cosine_similarity([1, 0], [1, 1])
    0.7071067811865475
    >>> vectors.cosine_similarity([1, 0], [1, 1, 1], strict=False)
    0.0

    Notes
    -----
    Sums are taken in float64: a vector's cosine with itself is 1 within 1e-15.
    """
    if arguments.is_plain(a) and arguments.is_plain(b):
        return _of_lists(_cosine_of_lists, a, b, strict)
    sums = _sums(a, b, strict)
    if sums is None:
        return 0.0
    ab, aa, bb, _ = sums
    length = math.sqrt(aa) * math.sqrt(bb)  # of float32: from 1e-90 to 1e80
    return max(-1.0, min(1.0, ab / length)) if length else 0.0


def euclidean_distance(a: ArrayLike, b: ArrayLike, *, strict: bool = True) -> float:
    """Return the Euclidean distance between two vectors.

    Parameters
    ----------
    a, b, strict
        As for `cosine_similarity`.

    Returns
    -------
    float
        At least 0.

    Raises
    ------
    InvalidValue
        The lengths differ, or a value is no finite number; the message names both lengths, or the place.

    Examples
    --------
    >>> from neurograph import vectors
    >>> vectors.euclidean_distance([0, 0], [3, 4])
    5.0
    """
    if arguments.is_plain(a) and arguments.is_plain(b):
        return _of_lists(math.dist, a, b, strict)
    sums = _sums(a, b, strict)
    return math.sqrt(sums[3]) if sums else 0.0


def dot_product(a: ArrayLike, b: ArrayLike, *, strict: bool = True) -> float:
    """Return the dot product of two vectors.

    Parameters
    ----------
    a, b, strict
        As for `cosine_similarity`.

    Returns
    -------
    float
        Infinite where float64 does not hold it.

    Raises
    ------
    InvalidValue
        The lengths differ, or a value is no finite number; the message names both lengths, or the place.

    Examples
    --------
    >>> from neurograph import vectors
    >>> vectors.dot_product([1, 2, 3], [4, 5, 6])
    32.0
    """
    if arguments.is_plain(a) and arguments.is_plain(b):
        return _of_lists(_dot_of_lists, a, b, strict)
    sums = _sums(a, b, strict)
    return sums[0] if sums else 0.0


@overload
def normalize(vector: list[float] | tuple[float, ...], *, strict: bool = True) -> list[float]: ...
@overload
def normalize(vector: NDArray[Any], *, strict: bool = True) -> Float32Array: ...
def normalize(vector: ArrayLike, *, strict: bool = True) -> list[float] | Float32Array:
    """Return a vector over its length.

    Parameters
    ----------
    vector
        (d,) numbers: list, tuple or array; not modified.
    strict
        Whether values that are NaN or infinite are refused; else all zeros are returned for such a vector.

    Returns
    -------
    list of float, or (d,) float32
        Of length 1; all zeros for a zero vector.

    Raises
    ------
    InvalidValue
        A value is no finite number; the message names its place.

    Examples
    --------
    >>> from neurograph import vectors
    >>> vectors.normalize([3, 4])
    [0.6, 0.8]
    """
    if isinstance(vector, list | tuple):
        return _normalized_list(vector, strict)
    import numpy as np

    from . import engine

    array = arguments.vector(vector, "vector")
    unit, lengths = engine.units(array.reshape(1, -1))
    if not math.isfinite(lengths[0]):
        if strict:
            arguments.refuse_unfinite(array, vector, "vector")
        return np.zeros_like(array)
    first: Float32Array = unit[0]
    return first


def _of_lists(answer: Any, a: Any, b: Any, strict: bool) -> float:
    """Return what `answer` says of two lists, after their lengths and before their values are looked at."""
    if len(a) != len(b):
        if strict:
            arguments.refuse_lengths(len(a), len(b), ("a", "b"))
        return 0.0
    try:
        result = float(answer(a, b))
    except (TypeError, ValueError, OverflowError):
        for values, name in ((a, "a"), (b, "b")):
            if not all(_is_number(value) for value in values):
                arguments.refuse_kind(values, name)
        raise
    if math.isfinite(result) or (_finite(a, "a", strict) and _finite(b, "b", strict)):
        return result
    return 0.0


def _is_number(value: object) -> bool:
    return not isinstance(value, list | tuple) and arguments.is_real(value)


def _finite(values: Floats, name: str, strict: bool) -> bool:
    for i, value in enumerate(values):
        if not math.isfinite(value):
            if strict:
                message = f"{name}[{i}] must be finite, got {value!r}; strict=False takes such a vector for zeros"
                raise InvalidValue(message)
            return False
    return True


def _dot_of_lists(a: Floats, b: Floats) -> float:
    total = _sum_of_products(a, b)
    if math.isfinite(total):
        return total
    x, y = _largest(a), _largest(b)
    if not (math.isfinite(x) and math.isfinite(y)):
        return math.nan
    return _sum_of_products([v / x for v in a], [v / y for v in b]) * x * y


def _cosine_of_lists(a: Floats, b: Floats) -> float:
    x, y = math.hypot(*a), math.hypot(*b)
    if not (math.isfinite(x + y) or (math.isfinite(_largest(a)) and math.isfinite(_largest(b)))):
        return math.nan
    if not (1 / SAFE < x < SAFE and 1 / SAFE < y < SAFE):  # too long or short, zeros among them
        a, b = _normalized_list(a, True), _normalized_list(b, True)
        x = y = 1.0
    return max(-1.0, min(1.0, _sum_of_products(a, b) / (x * y)))


def _normalized_list(values: Floats, strict: bool) -> list[float]:
    try:
        length = math.hypot(*values)
    except (TypeError, ValueError, OverflowError):
        arguments.refuse_kind(values, "vector")
    if not math.isfinite(length) and not _finite(values, "vector", strict):
        return [0.0] * len(values)
    if length == 0:
        return [0.0] * len(values)
    if not 1 / SAFE < length < SAFE:
        largest = _largest(values)
        values = [value / largest for value in values]
        length = math.hypot(*values)
    return [value / length for value in values]


def _largest(values: Floats) -> float:
    """Return the largest absolute value, NaN where there is one; 1.0 for zeros and for nothing."""
    total = math.fsum(map(abs, values)) if not all(map(math.isfinite, values)) else max(map(abs, values), default=0.0)
    return total or 1.0


def _sum_of_products_plain(a: Floats, b: Floats) -> float:
    return float(sum(map(mul, a, b)))


_sum_of_products = getattr(math, "sumprod", _sum_of_products_plain)  # from Python 3.12 on, and faster


def _sums(a: ArrayLike, b: ArrayLike, strict: bool) -> tuple[float, float, float, float] | None:
    """Return a·b, a·a, b·b and (a - b)·(a - b) of arrays; None where there is no answer."""
    from . import engine

    x, y = arguments.vector(a, "a"), arguments.vector(b, "b")
    if len(x) != len(y):
        if strict:
            arguments.refuse_lengths(len(x), len(y), ("a", "b"))
        return None
    sums = engine.pair_sums(x, y)
    if not math.isfinite(sums[1] + sums[2]):
        if strict:
            arguments.refuse_unfinite(x, a, "a")
            arguments.refuse_unfinite(y, b, "b")
        return None
    return sums
