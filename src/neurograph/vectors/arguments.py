"""What is accepted as vectors, and how the rest is refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import InvalidValue

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Float32Array = NDArray[np.float32]
    Floats = Sequence[float]
    Rows = Sequence[Sequence[float]]

METRICS = {
    "cosine": "cosine",
    "l2": "l2",
    "dot": "dot",
    "squared_l2": "squared_l2",
    "euclidean": "l2",
    "squared_euclidean": "squared_l2",
    "dot_product": "dot",
}
"""The libraries' names of metrics first, then the names that this module's functions lead one to expect."""


def metric_of(name: str) -> str:
    """Return the one name of a metric."""
    try:
        return METRICS[name]
    except (KeyError, TypeError):
        raise InvalidValue(f"metric must be one of {', '.join(METRICS)}, got {name!r}") from None


def is_plain(values: object) -> bool:
    """Tell whether a vector or vectors came as list or tuple, and so the answer is a list."""
    return isinstance(values, list | tuple)


def vector(values: ArrayLike, name: str) -> Float32Array:
    """Return a vector as (d,) float32."""
    array = _array(values, name)
    if array.ndim != 1:
        raise InvalidValue(f"{name} must be one vector, got an array of shape {array.shape!r}")
    return array


def rows(values: ArrayLike, name: str) -> Float32Array:
    """Return vectors as (n, d) float32; an empty list is no vectors."""
    array = _array(values, name)
    if array.shape == (0,):
        return array.reshape(0, 0)
    if array.ndim != 2:
        raise InvalidValue(f"{name} must be vectors, one a row, got an array of shape {array.shape!r}")
    return array


def vector_or_rows(values: ArrayLike, name: str) -> tuple[Float32Array, bool]:
    """Return (n, d) float32, and whether it was one vector."""
    array = _array(values, name)
    if array.ndim == 1 and array.size:
        return array.reshape(1, -1), True
    return rows(array, name), False


def _array(values: ArrayLike, name: str) -> Float32Array:
    import numpy as np

    if type(values) is np.ndarray and values.dtype == np.float32 and values.flags.carray:
        return values
    if isinstance(values, list | tuple) and values and is_plain(values[0]):
        same_lengths(values, name)
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, OverflowError):
        raise InvalidValue(f"{name} must be a vector or vectors of numbers, got {type(values).__name__!r}") from None
    if array.dtype.kind not in "biuf":
        if isinstance(values, list | tuple):
            refuse_kind(values, name)
        raise InvalidValue(f"{name} must be real numbers, got an array of {array.dtype!s}")
    with np.errstate(over="ignore"):  # infinite then, and refused as such
        array = np.require(array, np.float32, ("C", "A"))
    return array if array.flags.writeable else _as_writable(array)


class _Lent:
    """The memory of a read-only array, described without that flag."""

    def __init__(self, array: Float32Array) -> None:
        pointer, _ = array.__array_interface__["data"]
        self.__array_interface__ = {**array.__array_interface__, "data": (pointer, False)}
        self.array = array


def _as_writable(array: Float32Array) -> Float32Array:
    """Return a view that numba takes for what its kernels were compiled for; nothing here writes to arguments."""
    import numpy as np

    return np.asarray(_Lent(array))


def same_lengths(values: Sequence[Sequence[Any]], name: str) -> None:
    """Refuse rows whose lengths differ."""
    length = len(values[0])
    for i, row in enumerate(values):
        if is_plain(row) and len(row) != length:
            raise InvalidValue(f"vectors must have one length, got {length} in {name}[0] and {len(row)} in {name}[{i}]")


def refuse_lengths(a: int, b: int, names: tuple[str, str]) -> NoReturn:
    """Refuse two lengths that differ."""
    raise InvalidValue(f"vectors must have one length, got {a} in {names[0]} and {b} in {names[1]}")


def refuse_kind(values: Sequence[Any], name: str) -> NoReturn:
    """Refuse the first element that is no real number, or the whole."""
    for i, value in enumerate(values):
        if is_plain(value):
            if not is_plain(values[0]):
                raise InvalidValue(f"{name}[{i}] must be a real number, got {value!r}")
            for k, inner in enumerate(value):
                if not is_real(inner):
                    raise InvalidValue(f"{name}[{i}][{k}] must be a real number, got {inner!r}")
        elif not is_real(value):
            raise InvalidValue(f"{name}[{i}] must be a real number, got {value!r}")
    raise InvalidValue(f"{name} must be real numbers in one vector or in rows of one length")


def refuse_unfinite(array: Float32Array, values: ArrayLike, name: str) -> None:
    """Refuse the first value that is NaN or, as float32, infinite, if there is one."""
    import numpy as np

    finite = np.isfinite(array)
    if finite.all():
        return
    place = tuple(np.argwhere(~finite)[0].tolist())
    given = np.asarray(values)
    found = float(given[place] if given.ndim == len(place) else given[place[-1]])
    where = f"{name}[{', '.join(map(str, place[-given.ndim :]))}]"
    if math.isfinite(found):
        raise InvalidValue(f"{where} must be within float32, ±3.4e38, got {found!r}; scale the vectors down")
    raise InvalidValue(f"{where} must be finite, got {found!r}; strict=False takes such a vector for zeros")


def is_real(value: object) -> bool:
    """Tell whether a value can stand in a vector."""
    try:
        float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return False
    return not isinstance(value, str | bytes)
