"""The condition of a subscription: JSON that is made into SQL, so that it is decided where the entries are.

Invariants:

1. It is data: stored in the file and applied by whoever reads it later, it must not be SQL of whoever wrote it.
2. Its answer depends on the entry alone, so what was passed over once need never be looked at again; and it always has
   one: a path that is not there, or a value of another type, does not match.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import lru_cache

from ...errors import InvalidValue
from ..arguments import bindable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PAYLOAD = "case when typeof(e.payload) = 'text' then e.payload end"  # SQLite would take a blob for its own JSON
HEADERS = "e.headers"
COMPARED = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
DEEPEST = 32
MOST_VALUES = 500
WORDS = "$eq, $ne, $gt, $gte, $lt, $lte, $and, $or, $not and $headers"
Part = tuple[str, list["Any"]]


def condition_text(where: Mapping[str, Any] | None) -> str | None:
    """Return a condition as the file holds it; refuse one that can't be applied."""
    if where is None:
        return None
    if not isinstance(where, Mapping):
        raise InvalidValue(f'where must be a dict as {{"kind": "new", "n": {{"$gt": 1}}}}, got {where!r}')
    _sql(where, PAYLOAD, "$", 0)
    text = json.dumps(where, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text if condition_sql(text) else None


@lru_cache(64)
def condition_sql(text: str) -> Part:
    """Return the SQL of a stored condition on an entry called `e`, and its values."""
    sql, values = _sql(json.loads(text), PAYLOAD, "$", 0)
    if len(values) > MOST_VALUES:
        raise InvalidValue(f"where must compare less: it may bind {MOST_VALUES} paths and values, got {len(values)}")
    return sql, values


def _sql(where: Any, document: str, path: str, depth: int) -> Part:
    """Return SQL for a condition on what is at `path`: all that it says must hold."""
    if depth > DEEPEST:
        raise InvalidValue(f"where must be nested at most {DEEPEST} deep")
    if not isinstance(where, Mapping):
        return _equal(where, document, path)
    parts = [_named(key, value, document, path, depth + 1) for key, value in where.items()]
    return _joined(parts, " and ", "1")


def _named(key: Any, value: Any, document: str, path: str, depth: int) -> Part:
    """Return SQL for one name of a condition and what stands there."""
    if not isinstance(key, str) or bindable(key) is None:
        raise InvalidValue(f"where must have text as names, got {key!r}")
    if key == "$eq":
        return _equal(value, document, path)
    if key in COMPARED:
        return _compared(COMPARED[key], value, document, path)
    if key in {"$ne", "$not"}:
        sql, values = _equal(value, document, path) if key == "$ne" else _sql(value, document, path, depth)
        return f"not {sql}", values
    if key in {"$and", "$or"}:
        if not isinstance(value, list | tuple) or not all(isinstance(one, Mapping) for one in value):
            raise InvalidValue(f"where must have a list of conditions at {key}, got {value!r}")
        parts = [_sql(one, document, path, depth) for one in value]
        return _joined(parts, " and ", "1") if key == "$and" else _joined(parts, " or ", "0")
    if key == "$headers":
        return _sql(value, HEADERS, "$", depth)
    if key.startswith("$"):
        raise InvalidValue(f"where must be of names of the payload and {WORDS}, got {key!r}")
    return _sql(value, document, path + _steps(key), depth)


def _joined(parts: list[Part], word: str, empty: str) -> Part:
    return f"({word.join(sql for sql, _ in parts) or empty})", [value for _, values in parts for value in values]


def _steps(key: str) -> str:
    """Return a dotted name as steps of a path; a number counts the elements of a list."""
    steps = key.split(".")
    if not all(steps) or '"' in key or "\\" in key or "\x00" in key:
        raise InvalidValue(f"where must have names joined by dots, without quotes and backslashes, got {key!r}")
    return "".join(f"[{step}]" if step.isascii() and step.isdigit() else f'."{step}"' for step in steps)


def _equal(value: Any, document: str, path: str) -> Part:
    if value is None:
        return f"(coalesce(json_type({document}, ?), 'null') = 'null')", [path]
    if isinstance(value, bool):
        return f"coalesce(json_type({document}, ?) = ?, 0)", [path, "true" if value else "false"]
    return _compared("=", value, document, path)


def _compared(sign: str, value: Any, document: str, path: str) -> Part:
    """Return SQL that compares numbers with numbers, and text with text."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if number and isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        number = False
    if not number and not (isinstance(value, str) and bindable(value) is not None and "\x00" not in value):
        raise InvalidValue(f"where must compare with text or numbers, {sign} can't take {value!r}")
    types = "json_type({0}, ?) in ('integer', 'real')" if number else "json_type({0}, ?) = 'text'"
    return f"coalesce({types.format(document)} and json_extract({document}, ?) {sign} ?, 0)", [path, path, value]
