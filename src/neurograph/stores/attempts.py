"""What is alike wherever work is handed over: what a payload is stored as, what went wrong, how long to wait, settings.

A part of the stores layer, not a store.
"""

from __future__ import annotations

from functools import cache
from random import SystemRandom, random

from ..errors import InvalidValue
from .arguments import bindable, real, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

MS = 1_000_000
MOST_S = 3_155_760_000  # a hundred years, as the columns hold
MOST_MS = MOST_S * 1000
RAN_OUT = "the lease ran out"

new_claim = SystemRandom().getrandbits  # 0.5 µs; a forked or seeded generator would give the same numbers twice


@cache
def _encode() -> Callable[[Any], str]:
    """Return what writes compact JSON.

    `JSONEncoder.encode` makes the C encoder anew for each value, half of its 1.4 µs for a small dict; here it is made
    once. A circle is found by its depth.
    """
    from json import JSONEncoder, encoder

    plain = JSONEncoder(allow_nan=False, ensure_ascii=False, check_circular=False, separators=(",", ":"))
    make = getattr(encoder, "c_make_encoder", None)
    if make is None:  # a Python without it
        return plain.encode
    in_c = make(None, plain.default, encoder.encode_basestring, None, ":", ",", False, False, False)
    return lambda value: "".join(in_c(value, 0))


def stored(value: Any, what: str = "payload") -> str | bytes:
    """Return a value as the file holds it: bytes as they are, all else as JSON text."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    try:
        if isinstance(value, dict):
            for key in value:
                if type(key) is not str:
                    raise TypeError("keys must be strings")
        text = _encode()(value)
        text.encode()  # a lone surrogate is a ValueError here, and not half-way through a write
        return text
    except RecursionError:
        raise InvalidValue(f"{what} must be nested less deeply, got more levels than Python's stack holds") from None
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"{what} must be bytes or a JSON value, got {value!r} ({error})") from None


def name_of(value: object, what: str) -> str:
    """Return a name that a column holds whole."""
    if not isinstance(value, str) or not value or "\x00" in value or bindable(value) is None:
        raise InvalidValue(f"{what} must be a string of at least one character without NUL, got {value!r}")
    return value


def span_ns(seconds: float, what: str) -> int:
    """Return a duration in nanoseconds."""
    return round(real(seconds, what, 0, MOST_S) * 1_000_000_000)


def backoff_ns(attempts: int, backoff: str, first_ms: int, most_ms: int, jitter: float) -> int:
    """Return how long to wait after a failure: doubled with each attempt, up to a ceiling, less a random share."""
    times = 1 if backoff == "fixed" else 1 << min(attempts - 1, 42)
    return round(min(first_ms * times, most_ms) * MS * (1 - jitter * random()))


def said(error: BaseException | str, trace: str | None) -> tuple[str, str | None]:
    """Return what the file keeps of an error."""
    if isinstance(error, BaseException):
        if trace is None and error.__traceback__ is not None:
            from traceback import format_exception

            trace = "".join(format_exception(error))
        error = f"{type(error).__name__}: {error}"
    if not isinstance(error, str) or not isinstance(trace, str | None):
        raise InvalidValue(
            f"what went wrong must be an exception or a text, and trace a text, got {error!r} and {trace!r}"
        )
    return _storable(error), None if trace is None else _storable(trace)


def _storable(text: str) -> str:
    """Return text that a column holds whole: an error's own words may have anything in them."""
    return text.replace("\x00", "�").encode(errors="replace").decode()


def one_of(*names: str) -> Callable[[Any, str], Any]:
    """Return a check that a setting has one of these values."""

    def checked(value: Any, what: str) -> Any:
        if value not in names:
            raise InvalidValue(f"{what} must be one of {', '.join(map(repr, names))}, got {value!r}")
        return value

    return checked


def within(low: int, high: int) -> Callable[[Any, str], Any]:
    """Return a check that a setting is a whole number within a range."""
    return lambda value, what: whole(value, what, low, high)


def or_none(check: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """Return a check that lets None pass as well."""
    return lambda value, what: None if value is None else check(value, what)
