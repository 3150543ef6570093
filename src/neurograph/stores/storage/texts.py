"""Names and values as the file holds them: what every method of storage accepts alike.

1. A name is a text with at least one character, without NUL, that UTF-8 has bytes for.
2. A value is what JSON can say, strictly: `json_values.py` writes it, and what is read here is as strict.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from ...errors import InvalidValue


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


_decoder = json.JSONDecoder(parse_constant=_no_number)
_decode = _decoder.decode
_decode_start = _decoder.raw_decode  # without the search for space around a value: half the time


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


def _has_bytes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
