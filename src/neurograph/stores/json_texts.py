"""Values as JSON text, strictly: what every store that keeps a user's values accepts alike.

A value is what JSON can say: no NaN and no infinity, keys of objects are strings at any depth, and it is nested at most
`DEEPEST` levels, so that whoever stored it can read it, in any program.

A part of the stores layer, not a store.
"""

from __future__ import annotations

import json
from json import encoder as _encoder

from ..errors import InvalidValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

DEEPEST = 256  # SQLite's JSON ends at 1,000; Python's stack, with a program on it, somewhere below


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _compact() -> Callable[[Any], str]:
    """Return what encodes a value: Python's encoder, made once and not with each call, which takes half of its time."""
    usual = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    make: Any = getattr(_encoder, "c_make_encoder", None)
    if make is None:
        return usual.encode
    # No memory of what it is inside of: a value that holds itself ends as one that is too deep.
    pieces = make(None, usual.default, _encoder.encode_basestring, None, ":", ",", False, False, False)
    return lambda value: "".join(pieces(value, 0))


_encode = _compact()
_decoder = json.JSONDecoder(parse_constant=_no_number)
_decode = _decoder.decode
_decode_start = _decoder.raw_decode  # without the search for space around a value: half the time
_CONTAINERS = (dict, list, tuple)
_TEXT = {str}


def json_of(value: Any, what: str = "value") -> str:
    """Return a value as compact JSON; `what` names it where it is refused."""
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


def from_json(text: str) -> Any:
    """Return the value of a JSON text; ValueError or RecursionError where Python can't read it."""
    if text[:1] > " ":
        value, end = _decode_start(text)
        if end == len(text):
            return value
    return _decode(text)


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
    return InvalidValue(f"{what} must be nested at most {DEEPEST} levels deep, got more; store its parts apart")


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except (RecursionError, ValueError):
        return f"a {type(value).__name__}"
    return text if len(text) <= 200 else f"{text[:200]}…"
