"""Values as JSON text, strictly: what comes back is what was given. A part of the stores layer, not a store.

1. No NaN and no infinity; keys of objects are strings at any depth, where Python's encoder would make strings of them.
2. A value is nested at most `DEEPEST` levels, so that whoever wrote it can read it, in any program.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..errors import InvalidValue

DEEPEST = 256  # SQLite's JSON ends at 1,000; Python's stack, with a program on it, somewhere below

_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode
_CONTAINERS = (dict, list, tuple)
_TEXT = {str}


def json_of(value: Any, what: str = "value") -> str:
    """Return a value as compact JSON."""
    try:
        text = _encode(value)
        if not text.isascii():
            text.encode()  # a lone surrogate is a ValueError here, and not half-way through a write
    except RecursionError:
        raise _too_deep(what) from None
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"{what} must be what JSON can say, got {_short(value)} ({error})") from None
    if isinstance(value, _CONTAINERS):
        if text.count("{") + text.count("[") > 1:
            _look_inside(value, what)
        elif isinstance(value, dict):
            _look_at_keys(value, what)
    return text


def object_of(value: Any, what: str) -> str:
    """Return a mapping as compact JSON."""
    if not isinstance(value, Mapping):
        raise InvalidValue(f"{what} must map strings to JSON values, got {_short(value)}")
    return json_of(dict(value), what)


def _look_inside(value: Any, what: str) -> None:
    """Refuse keys that are no strings, which Python's encoder makes strings of, and too many levels."""
    level = [value]
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for part in level:
            if isinstance(part, dict):
                _look_at_keys(part, what)
                part = part.values()
            inner += [found for found in part if isinstance(found, _CONTAINERS)]
        if not inner:
            return
        level = inner
    raise _too_deep(what)


def _look_at_keys(part: dict[Any, Any], what: str) -> None:
    if {*map(type, part)} <= _TEXT:  # half the time of asking for each key by itself
        return
    for key in part:
        if not isinstance(key, str):
            raise InvalidValue(f"{what} must have strings as keys of its objects, got {key!r}")


def _too_deep(what: str) -> InvalidValue:
    return InvalidValue(
        f"{what} must be nested at most {DEEPEST} levels deep, got more; store its parts under own keys"
    )


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except (RecursionError, ValueError):
        return f"a {type(value).__name__}"
    return text if len(text) <= 200 else f"{text[:200]}…"
