"""What is alike wherever work is handed over: what a payload is stored as, what went wrong, how long to wait.

A part of the stores layer, not a store.
"""

from __future__ import annotations

from random import SystemRandom, random

from ..errors import InvalidValue
from .arguments import bindable, real
from .json_texts import json_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

MS = 1_000_000
MOST_S = 3_155_760_000  # a hundred years, as the columns hold
MOST_MS = MOST_S * 1000
RAN_OUT = "the lease ran out"

_BYTES = (bytes, bytearray, memoryview)  # a union of types is looked at five times as slowly

new_claim = SystemRandom().getrandbits  # 0.5 µs; a forked or seeded generator would give the same numbers twice


def stored(value: Any, what: str = "payload") -> str | bytes:
    """Return a value as the file holds it: bytes as they are, all else as JSON text."""
    return bytes(value) if isinstance(value, _BYTES) else json_of(value, what)


def name_of(value: object, what: str) -> str:
    """Return a name that a column holds whole."""
    if not isinstance(value, str) or not value or "\x00" in value or bindable(value) is None:
        raise InvalidValue(f"{what} must be a string of at least one character without NUL, got {value!r}")
    return value


def span_ns(seconds: float, what: str) -> int:
    """Return a duration in nanoseconds."""
    return round(real(seconds, what, 0, MOST_S) * 1_000_000_000)


def by_claim(pairs: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    """Return the ids of (id, claim) by claim: what one call claimed is settled by one statement."""
    claims: dict[int, list[int]] = {}
    for number, claim in pairs:
        claims.setdefault(claim, []).append(number)
    return claims


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
        error = f"{type(error).__name__}: {_words(error)}"
    if not isinstance(error, str) or not isinstance(trace, str | None):
        raise InvalidValue(
            f"what went wrong must be an exception or a text, and trace a text, got {error!r} and {trace!r}"
        )
    return _storable(error), None if trace is None else _storable(trace)


def _words(error: BaseException) -> str:
    """Return what an exception says; nothing must stay claimed because its error can't be told."""
    try:
        return str(error)
    except Exception as another:
        return f"(its text can't be had: {type(another).__name__})"


def _storable(text: str) -> str:
    """Return text that a column holds whole: an error's own words may have anything in them."""
    return text.replace("\x00", "�").encode(errors="replace").decode()
