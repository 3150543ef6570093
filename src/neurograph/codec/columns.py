"""The checks and roundings of `fields`, over whole columns.

1. A column function never raises for a value: it returns which rows are bad, and the caller has the single
   form of its record refuse the first of them, in the same words.
2. Wrong shapes and kinds of arrays are refused here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import InvalidValue
from .fields import FLOAT32_MAX, NANOSECONDS, UINT32

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK_ROWS = 16_384
"""Rows at a time, so that Ctrl-C is heard: a million tokens in 0.41 s, all at once 0.50 s."""


def length(name: str, values: object) -> int:
    """Return the number of rows of a column."""
    import numpy as np

    try:
        shape: tuple[int, ...] = np.asarray(values).shape
    except ValueError:
        raise InvalidValue(f"{name} must be an array of shape (n,), got rows of different lengths") from None
    if len(shape) != 1:
        raise InvalidValue(f"{name} must be an array of shape (n,), got {shape}")
    return shape[0]


def integers(name: str, values: object, rows: int) -> NDArray[np.int64]:
    """Return a column as int64, (rows,)."""
    return _column(name, values, (rows,), "iu", "int64")


def numbers(name: str, values: object, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return a column as float64 of that shape."""
    return _column(name, values, shape, "iuf", "float64")


def booleans(name: str, values: object, rows: int) -> NDArray[np.bool_]:
    """Return a column as bool, (rows,)."""
    return _column(name, values, (rows,), "b", "bool")


def _column(name: str, values: object, shape: tuple[int, ...], kinds: str, dtype: str) -> NDArray[Any]:
    import numpy as np

    try:
        column = np.asarray(values)
    except ValueError:
        raise InvalidValue(f"{name} must be an array of shape {shape}, got rows of different lengths") from None
    if column.shape != shape:
        raise InvalidValue(f"{name} must have shape {shape}, got {column.shape}")
    if column.size and column.dtype.kind not in kinds:
        raise InvalidValue(f"{name} must be an array of {dtype}, got {column.dtype}")
    if dtype == "int64" and column.dtype.kind == "u" and column.size and column.max() > np.iinfo(np.int64).max:
        raise InvalidValue(f"{name} must fit int64, got {int(column.max())}")
    return column.astype(dtype, copy=False)


def outside(column: NDArray[np.int64], low: int, high: int) -> NDArray[np.bool_]:
    """Return which rows lie outside low..high."""
    return (column < low) | (column > high)


def nearest_steps(
    column: NDArray[np.float64], scale: float | NDArray[np.float64], low: int, high: int, *, clip: bool
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the nearest steps as whole float64 numbers, and which of them the record can't hold."""
    import numpy as np

    with np.errstate(over="ignore", invalid="ignore"):
        nearest: NDArray[np.float64] = np.rint(column * scale)
    if clip:
        np.clip(nearest, low, high, out=nearest)
    return nearest, ~((nearest >= low) & (nearest <= high))


def float32s(column: NDArray[np.float64], *, clip: bool) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return a column to be cast to float32, and which rows can't be."""
    import numpy as np

    if clip:
        column = np.clip(column, -FLOAT32_MAX, FLOAT32_MAX)
    return column, ~(np.abs(column) <= FLOAT32_MAX)


def whole_seconds(column_ns: NDArray[np.int64], *, clip: bool) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return whole seconds, rounded down, and which rows the record can't hold."""
    import numpy as np

    column = column_ns // NANOSECONDS
    if clip:
        np.clip(column, 0, UINT32, out=column)
    return column, outside(column, 0, UINT32)


def counts(column: NDArray[np.int64], high: int, *, clip: bool) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return a column of counters, and which rows the record can't hold."""
    import numpy as np

    if clip:
        column = np.clip(column, 0, high)
    return column, outside(column, 0, high)


def records_of(records: object, size: int) -> NDArray[np.uint8]:
    """Return records as a C-contiguous (n, size) uint8 array; bytes hold one record after the other."""
    import numpy as np

    if isinstance(records, bytes | bytearray | memoryview):
        content = np.frombuffer(records, dtype=np.uint8)
        if content.size % size:
            raise InvalidValue(f"records must be a multiple of {size} bytes, got {content.size}; is the file whole?")
        return content.reshape(-1, size)
    array = np.asarray(records)
    if array.ndim != 2 or array.shape[1] != size or array.dtype != np.uint8:
        raise InvalidValue(f"records must be bytes or (n, {size}) uint8, got {array.shape} {array.dtype}")
    return np.ascontiguousarray(array)
