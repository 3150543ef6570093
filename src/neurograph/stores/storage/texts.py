"""Names as the file holds them, and values as they come from it: what every method of storage accepts alike.

A name is a text with at least one character, without NUL, that UTF-8 has bytes for.
"""

from __future__ import annotations

from typing import Any

from ...errors import InvalidValue
from ..json_texts import from_json


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
        return from_json(text)
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
