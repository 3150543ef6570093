"""Vectors at the door: arrays checked and made float32, their lengths, and the blobs they are stored as."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Set
from struct import unpack

from ...errors import InvalidValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

SLICE_ROWS = 4096


def vector_array(values: Any, dimension: int, what: str = "vectors") -> np.ndarray:
    """Return (n, dimension) float32, C-contiguous, checked: finite numbers, none too large for float32."""
    import numpy as np

    _refuse_masked(values, what)
    try:
        given = np.asarray(values)
    except ValueError as error:
        raise InvalidValue(f"{what} must all have {dimension} numbers ({error})") from None
    if given.dtype.kind not in "fiu":
        raise InvalidValue(f"{what} must be real numbers, got dtype {given.dtype}")
    if given.size == 0 and given.ndim < 2:
        return np.empty((0, dimension), np.float32)
    if given.ndim != 2 or given.shape[1] != dimension:
        raise InvalidValue(f"{what} must have shape (n, {dimension}), got {given.shape}")
    with np.errstate(over="ignore", invalid="ignore"):
        array = np.ascontiguousarray(given, np.float32)
    if array is given and not array.flags.writeable:
        return _finite(given, array, what)
    return _finite(given, array, what)


def _refuse_masked(values: Any, what: str) -> None:
    """Refuse a masked array with numbers that are not there: `asarray` would take what lies under the mask."""
    mask: Any = getattr(values, "mask", None)
    if hasattr(mask, "dtype") and mask.any():
        raise InvalidValue(f"{what} must have no masked numbers, got {int(mask.sum())} of them")


def _finite(given: np.ndarray, array: np.ndarray, what: str) -> np.ndarray:
    import numpy as np

    for start in range(0, len(array), SLICE_ROWS):
        good = np.isfinite(array[start : start + SLICE_ROWS])
        if not good.all():
            row, column = (int(place) for place in np.argwhere(~good)[0])
            value = given[start + row, column].item()
            rule = "finite" if value != value or abs(value) == float("inf") else "within float32's range (±3.4e38)"
            raise InvalidValue(f"{what} must be {rule}, got {value!r} at index {start + row}, dimension {column}")
    return array


def query_array(values: Any, dimension: int) -> bytes:
    """Return one vector as float32, little-endian; lists are not made arrays, so a fresh process needs no numpy."""
    if isinstance(values, bytes | bytearray | memoryview):
        return _blob(bytes(values), dimension)
    if hasattr(values, "dtype") or hasattr(values, "__array__"):
        import numpy as np

        _refuse_masked(values, "vector")
        given = np.asarray(values)
        if given.shape != (dimension,):
            raise InvalidValue(f"vector must have shape ({dimension},), got {given.shape}")
        return little_endian(vector_array(given.reshape(1, -1), dimension, "vector"))
    from array import array

    try:
        if isinstance(values, str | Mapping | Set):
            raise TypeError
        numbers = [*map(_number, values)]
    except (TypeError, OverflowError):
        said = repr(values)
        said = said if len(said) <= 200 else f"{said[:200]}…"
        raise InvalidValue(f"vector must be a sequence of {dimension} numbers, got {said}") from None
    if len(numbers) != dimension:
        raise InvalidValue(f"vector must have {dimension} numbers, got {len(numbers)}")
    try:
        floats = array("f", numbers)
    except OverflowError:
        floats = array("f", [float("inf")])
    for place, value in enumerate(floats):
        if value - value != 0.0:
            number = numbers[place] if len(floats) == dimension else max(numbers, key=abs)
            raise InvalidValue(f"vector must be finite and within float32's range (±3.4e38), got {number!r}")
    if sys.byteorder == "big":
        floats.byteswap()
    return floats.tobytes()


def _number(value: Any) -> float:
    if isinstance(value, str | bytes | bool):
        raise TypeError
    return float(value)


def _blob(vector: bytes, dimension: int) -> bytes:
    if len(vector) != 4 * dimension:
        raise InvalidValue(f"vector must have {4 * dimension} bytes, four for each dimension, got {len(vector)}")
    for value in unpack(f"<{dimension}f", vector):
        if value - value != 0.0:
            raise InvalidValue(f"vector must be finite, got {value!r}")
    return vector


def little_endian(array: np.ndarray) -> bytes:
    """Return the bytes of float32 numbers as the file holds them."""
    return array.astype("<f4", copy=False).tobytes()


def blobs(array: np.ndarray) -> Iterator[memoryview]:
    """Yield each row as the file holds it, without a copy."""
    rows = memoryview(array.astype("<f4", copy=False).data).cast("B")
    width = 4 * array.shape[1]
    return (rows[start : start + width] for start in range(0, len(rows), width))


def norms(array: np.ndarray | None) -> tuple[float, float] | None:
    """Return numbers between which the lengths of all rows lie, 1 % apart from the least and the greatest."""
    import numpy as np

    if array is None or not len(array):
        return None

    least, greatest = float("inf"), 0.0
    for start in range(0, len(array), SLICE_ROWS):
        rows = array[start : start + SLICE_ROWS]
        with np.errstate(over="ignore"):
            squares = np.einsum("ij,ij->i", rows, rows)
        if not 1e-20 < float(squares.min()) <= float(squares.max()) < 1e30:  # where float32 sums can't be trusted
            wide = rows.astype(np.float64)
            squares = np.einsum("ij,ij->i", wide, wide)
        least = min(least, float(squares.min()))
        greatest = max(greatest, float(squares.max()))
    return 0.99 * least**0.5, 1.01 * greatest**0.5
