"""Names and values as the file holds them: what every method of storage accepts alike.

1. A name is a text with at least one character, without NUL, that UTF-8 has bytes for.
2. A value is what JSON can say, strictly: no NaN and no infinity, keys of objects are strings at any depth, and it is
   nested at most `DEEPEST` levels, so that whoever stored it can read it, in any program.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from ...errors import InvalidValue

DEEPEST = 256  # SQLite's JSON ends at 1,000; Python's stack, with a program on it, somewhere below


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode
_decoder = json.JSONDecoder(parse_constant=_no_number)
_decode = _decoder.decode
_decode_start = _decoder.raw_decode  # without the search for space around a value: half the time
_CONTAINERS = (dict, list, tuple)
_TEXT = {str}


def name(value: Any, what: str) -> str:
    """Return the name of a namespace or a key."""
    if isinstance(value, str) and value and "\0" not in value and (value.isascii() or _has_bytes(value)):
        return value
    raise InvalidValue(f"{what} must be non-empty text that UTF-8 can hold, without NUL, got {value!r}")


def prefix_text(value: Any) -> str:
    """Return what names begin with; nothing is the beginning of all."""
    return value if isinstance(value, str) and not value else name(value, "prefix")


def after_prefix(prefix: str) -> str | None:
    """Return the least text above all that begin with `prefix`, None where there is none."""
    for at in range(len(prefix) - 1, -1, -1):
        code = ord(prefix[at])
        if code < 0x10FFFF:
            return prefix[:at] + chr(0xE000 if code == 0xD7FF else code + 1)  # between them is what UTF-8 lacks
    return None


def json_of(value: Any) -> str:
    """Return a value as compact JSON."""
    try:
        text = _encode(value)
        if not text.isascii():
            text.encode()  # a lone surrogate is a ValueError here, and not half-way through a write
    except RecursionError:
        raise _too_deep() from None
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"value must be what JSON can say, got {_short(value)} ({error})") from None
    if isinstance(value, _CONTAINERS):
        if text.count("{") + text.count("[") > 1:
            _look_inside(value)
        elif isinstance(value, dict):
            _look_at_keys(value)
    return text


def value_of(text: str, namespace: str, key: str) -> Any:
    """Return the value of a JSON text from the file."""
    try:
        if text[:1] > " ":
            value, end = _decode_start(text)
            if end == len(text):
                return value
        return _decode(text)
    except RecursionError:
        what = "nested less deeply"
    except ValueError as error:
        what = f"JSON that Python reads ({error})"
    raise InvalidValue(
        f"the value of {key!r} in {namespace!r} must be {what}, got {text[:60]!r}; store another, or read the table "
        "storage with SQL"
    )


def _look_inside(value: Any) -> None:
    """Refuse keys that are no strings, which Python's encoder makes strings of, and too many levels."""
    level = [value]
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for part in level:
            if isinstance(part, dict):
                _look_at_keys(part)
                part = part.values()
            inner += [found for found in part if isinstance(found, _CONTAINERS)]
        if not inner:
            return
        level = inner
    raise _too_deep()


def _look_at_keys(part: dict[Any, Any]) -> None:
    if {*map(type, part)} <= _TEXT:  # half the time of asking for each key by itself
        return
    for key in part:
        if not isinstance(key, str):
            raise InvalidValue(f"value must have strings as keys of its objects, got {key!r}")


def _too_deep() -> InvalidValue:
    return InvalidValue(f"value must be nested at most {DEEPEST} levels deep, got more; store its parts under own keys")


def _has_bytes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except (RecursionError, ValueError):
        return f"a {type(value).__name__}"
    return text if len(text) <= 200 else f"{text[:200]}…"
