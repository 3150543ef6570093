"""Answers on stdout: tables for people, JSON and CSV for programs.

Invariants:

1. stdout holds the answer and nothing else; with `--json` it is one JSON document.
2. A table is cut to the width of a terminal, and never where stdout is no terminal.
3. No character of a value moves the cursor or changes a colour: control characters are written as escapes.
"""

from __future__ import annotations

import csv
import json
import math
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

Row = Sequence[Any]

LONGEST_OBJECT = 100  # characters of an object that is kept on one line; a row is kept on one whatever its length
NARROWEST = 6  # characters a column keeps when a table is cut to the terminal
JSON_ESCAPES = {code: f"\\u{code:04x}" for code in range(127, 160)}  # those of fewer bits JSON escapes itself
ESCAPES = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {9: "\\t", 10: "\\n", 13: "\\r"}


def note(text: str) -> None:
    """Say something that is not part of the answer, after as much of it as was written before."""
    sys.stdout.flush()
    with suppress(OSError):  # who doesn't listen any more keeps nothing from being done
        print(text, file=sys.stderr)


def terminal_width() -> int | None:
    """Return the width of the terminal behind stdout, or None where there is none."""
    return shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else None


def heading(text: str) -> str:
    """Return a text in bold, where stdout is a terminal."""
    return f"\x1b[1m{text}\x1b[0m" if sys.stdout.isatty() else text


def write_table(
    columns: Sequence[str], rows: Iterable[Row], *, digits: int = 12, indent: str = "", width: int | None = None
) -> None:
    """Write rows under the names of their columns, numbers to the right; `digits` are a real number's."""
    listed = list(rows)
    right = [_is_number_column(row[at] for row in listed) for at in range(len(columns))]
    cells = [[cell(value, digits) for value in row] for row in listed]
    heads = [cell(name) for name in columns]
    widths = [max((_width(row[at]) for row in (heads, *cells)), default=0) for at in range(len(columns))]
    if width is not None:
        widths = _fitted(widths, right, width - len(indent))
    rule = "─" if _can_write("─…") else "-"
    for row in (heads, [rule * size for size in widths], *cells):
        padded = [_padded(text, size, to) for text, size, to in zip(row, widths, right, strict=True)]
        print((indent + "  ".join(padded)).rstrip())


def write_pairs(pairs: Iterable[tuple[str, str]], *, indent: str = "  ") -> None:
    """Write names and what they are, one a line."""
    listed = list(pairs)
    widest = max(len(name) for name, _ in listed)
    for name, text in listed:
        print(f"{indent}{name:<{widest}}  {text}".rstrip())


def write_csv(columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write rows as CSV with a header; NULL is empty, a blob is its hexadecimal text."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([value.hex() if isinstance(value, bytes) else value for value in row] for row in rows)


def write_json(document: Any) -> None:
    """Write one JSON document, with each row on a line of its own."""
    print(_json(document))


def json_line(value: Any) -> str:
    """Return a value as JSON on one line; bytes as hexadecimal text."""
    return _dumped(value, separators=(",", ":"))


def records(columns: Sequence[str], rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return rows as objects; a column's name that occurs again gets a number: ``n``, ``n:2``."""
    names: list[str] = []
    for name in columns:
        seen = sum(other == name or other.rpartition(":")[0] == name for other in names)
        names.append(f"{name}:{seen + 1}" if seen else name)
    return [dict(zip(names, row, strict=True)) for row in rows]


def write_records(
    columns: Sequence[str], rows: Sequence[Row], *, as_json: bool, total: int | None = None, empty: str = "nothing"
) -> None:
    """Write rows as a table or as JSON, and note where they are not all: `total`."""
    if as_json:
        write_json(records(columns, rows))
    elif rows:
        write_table(columns, rows, digits=6, width=terminal_width())
    else:
        note(empty)
    if total is not None and len(rows) < total:
        note(f"{len(rows):,} of {total:,}; --limit 0 shows all")


def cell(value: Any, digits: int = 12) -> str:
    """Return the text of one value in a table; NULL is empty."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    if isinstance(value, bytes):
        return f"x'{value[:16].hex()}{'…' if len(value) > 16 else ''}'"
    text = str(value)
    return text if text.isprintable() else text.translate(ESCAPES)


def size_text(count: int) -> str:
    """Return a number of bytes as people say it."""
    size, unit = float(count), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{count} bytes" if unit == "bytes" else f"{size:.1f} {unit}"


def _can_write(text: str) -> bool:
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_number_column(values: Iterable[Any]) -> bool:
    found = [value for value in values if value is not None]
    return bool(found) and all(isinstance(value, int | float) for value in found)


def _width(text: str) -> int:
    """Return how many places a terminal gives a text."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


def _fitted(widths: list[int], right: list[bool], room: int) -> list[int]:
    """Return widths that fit: text columns give way, the widest first, to no less than a few characters."""
    fitted = list(widths)
    while sum(fitted) + 2 * (len(fitted) - 1) > room:
        texts = [at for at, number in enumerate(right) if not number and fitted[at] > NARROWEST]
        if not texts:
            break
        fitted[max(texts, key=lambda at: fitted[at])] -= 1
    return fitted


def _padded(text: str, size: int, right: bool) -> str:
    if _width(text) > size:
        more = "…" if _can_write("…") else "~"
        while _width(text) > size - 1:
            text = text[:-1]
        text += more
    space = " " * (size - _width(text))
    return space + text if right else text + space


def _json(value: Any, indent: str = "", *, within: type | None = None) -> str:
    """Return JSON with each row, an object in a list, on a line of its own; what is small stays on one line too."""
    if not (isinstance(value, dict | list) and value and _is_split(value, within)):
        return _dumped(value)
    deeper = indent + "  "
    items = value.values() if isinstance(value, dict) else value
    texts = [_json(item, deeper, within=type(value)) for item in items]
    if isinstance(value, dict):
        texts = [f"{json.dumps(str(name))}: {text}" for name, text in zip(value, texts, strict=True)]
    first, last = "{}" if isinstance(value, dict) else "[]"
    return f"{first}\n" + ",\n".join(deeper + text for text in texts) + f"\n{indent}{last}"


def _dumped(value: Any, **options: Any) -> str:
    """Return JSON, in ASCII where stdout can't write what stands there: Python's own escapes are none of JSON's."""
    plain = _plain(value)
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False, **options)
    if not _can_write(text):
        text = json.dumps(plain, allow_nan=False, **options)
    return text if text.isprintable() else text.translate(JSON_ESCAPES)


def _is_split(value: dict[str, Any] | list[Any], within: type | None) -> bool:
    """Tell whether an object or list is written over several lines: `within` is what holds it."""
    if within is None:
        return True
    if isinstance(value, list):
        return any(isinstance(item, dict) for item in value)
    if within is list:
        value = {name: item for name, item in value.items() if isinstance(item, dict | list)}
        return any(isinstance(item, dict) or _is_split(item, dict) for item in value.values())
    is_long = len(json.dumps(_plain(value))) > LONGEST_OBJECT
    return is_long or any(isinstance(item, dict | list) for item in value.values())


def _plain(value: Any) -> Any:
    """Return what JSON can say: a blob as hexadecimal text, an infinity as text."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
