"""Checks and roundings the fixed-size records share, one value at a time.

1. Fixed point rounds to the nearest step, ties to even, and a value is in range when its nearest step is:
   what is stored is never more than half a step away.
2. `clip` moves a value to the nearest one the record holds. NaN has none and is refused in any case.
3. `columns` applies the same rules to arrays and hands the rows it refuses to the functions here, so that an
   array and a single record are refused in the same words.
"""

from __future__ import annotations

import operator

from ..errors import InvalidValue

NANOSECONDS = 1_000_000_000
UINT8, UINT16, UINT32 = 0xFF, 0xFFFF, 0xFFFF_FFFF
INT16 = (-0x8000, 0x7FFF)
FLOAT32_MAX = 3.4028234663852886e38
UNIT_STEPS = 255
"""Steps of a unit byte, which holds 0 to 1."""

CLIP = "; pass clip=True for the nearest value the record holds"


def integer(name: str, value: object) -> int:
    """Return `value` as an int; refuse what is none, a float included."""
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise InvalidValue(f"{name} must be an integer, got {value!r}") from None


def number(name: str, value: object) -> float:
    """Return `value` as a float; refuse NaN and what is no number, a text included."""
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        result = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise InvalidValue(f"{name} must be a number, got {value!r}") from None
    if result != result:
        raise InvalidValue(f"{name} must be a number, got nan")
    return result


def whole(name: str, value: object, low: int, high: int, *, clip: bool = False, remedy: str = "") -> int:
    """Return an integer in low..high."""
    result = integer(name, value)
    if low <= result <= high:
        return result
    if clip:
        return min(max(result, low), high)
    raise InvalidValue(f"{name} must be in {low}..{high}, got {result!r}{remedy}")


def steps(name: str, value: object, scale: int, low: int, high: int, *, clip: bool = False, remedy: str = CLIP) -> int:
    """Return the step in low..high that is nearest to `value`, at `scale` steps per unit."""
    result = number(name, value)
    nearest = round(min(max(result * scale, low - 1.0), high + 1.0))
    if low <= nearest <= high:
        return nearest
    if clip:
        return min(max(nearest, low), high)
    raise InvalidValue(f"{name} must be in [{low / scale!r}, {high / scale!r}], got {result!r}{remedy}")


def unit_byte(name: str, value: object, *, clip: bool = False, remedy: str = CLIP) -> int:
    """Return the byte for a value in [0, 1]."""
    return steps(name, value, UNIT_STEPS, 0, UINT8, clip=clip, remedy=remedy)


def float32(name: str, value: object, *, clip: bool = False, remedy: str = CLIP) -> float:
    """Return a float that a 32-bit float can stand for; packing rounds it to the nearest one."""
    result = number(name, value)
    if abs(result) <= FLOAT32_MAX:
        return result
    if clip:
        return FLOAT32_MAX if result > 0 else -FLOAT32_MAX
    raise InvalidValue(f"{name} must be in [-{FLOAT32_MAX!r}, {FLOAT32_MAX!r}], got {result!r}{remedy}")


def seconds(name: str, value_ns: object, *, greatest: int = UINT32, clip: bool = False, remedy: str = CLIP) -> int:
    """Return the whole seconds, rounded down, of a time in nanoseconds since 1970."""
    result = integer(name, value_ns)
    if 0 <= result // NANOSECONDS <= greatest:
        return result // NANOSECONDS
    if clip:
        return min(max(result // NANOSECONDS, 0), greatest)
    last_ns = greatest * NANOSECONDS + NANOSECONDS - 1
    raise InvalidValue(f"{name} must be in 0..{last_ns} nanoseconds, got {result!r}{remedy}")


def finite(name: str, value: float) -> float:
    """Return a float read from a record; refuse NaN and infinities."""
    if abs(value) <= FLOAT32_MAX:
        return value
    raise InvalidValue(f"{name} must be a finite number, got {value!r}; the record is damaged")


def record_of(record: object, size: int) -> bytes:
    """Return a record's bytes; refuse any other length."""
    try:
        content = bytes(memoryview(record))  # type: ignore[arg-type]
    except TypeError:
        raise InvalidValue(f"record must be bytes, got {type(record).__name__}") from None
    if len(content) != size:
        raise InvalidValue(f"record must have {size} bytes, got {len(content)}")
    return content
