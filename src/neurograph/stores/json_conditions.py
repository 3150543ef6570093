"""Conditions on a column of JSON objects, as dicts, and the SQL they mean. A part of the stores layer, not a store.

Invariants:

1. Values and paths are bound, so no text of a condition becomes SQL.
2. A value equals one of its own kind only: null, truth value, number, text. What is not there is null.
3. An order has two numbers, or two texts by code points; any other pair is in no order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ..errors import InvalidValue
from .arguments import bindable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

COMPARISONS = {"$eq": "=", "$ne": "<>", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
DEEPEST, MOST = 32, 200
"""Levels, and comparisons: SQLite's expressions end at a depth of 1,000."""

Conditions = Mapping[str, "Any"]
"""Path → value, or path → {operator → value}; ``"$and"`` and ``"$or"`` → a list of such."""


def condition_on(column: str, where: Conditions) -> tuple[str, list[Any]]:
    """Return a condition of `where` on a column, in brackets, and its values in order."""
    bindings: list[Any] = []
    return _all_of(column, where, bindings, 1), bindings


def _all_of(column: str, where: object, bindings: list[Any], depth: int) -> str:
    if not isinstance(where, Mapping):
        raise InvalidValue(f"where must be a dict of conditions, got {where!r}")
    if depth > DEEPEST:
        raise InvalidValue(f"where must be nested at most {DEEPEST} levels deep, got more")
    parts = [_one(column, name, value, bindings, depth) for name, value in where.items()]
    return f"({' and '.join(parts)})" if parts else "(1)"


def _one(column: str, name: object, value: object, bindings: list[Any], depth: int) -> str:
    if name in ("$and", "$or"):
        if not isinstance(value, Sequence) or isinstance(value, str | bytes) or not value:
            raise InvalidValue(f"{name} must have a list of at least one condition, got {value!r}")
        parts = [_all_of(column, part, bindings, depth + 1) for part in value]
        return f"({(' or ' if name == '$or' else ' and ').join(parts)})"
    path = _path(name)
    if not isinstance(value, Mapping):
        return _compared(column, path, "$eq", value, bindings)
    if not value:
        raise InvalidValue(f"where must have an operator for {name!r}, got {{}}")
    parts = [_compared(column, path, operator, operand, bindings) for operator, operand in value.items()]
    return f"({' and '.join(parts)})"


def _path(name: object) -> str:
    """Return the JSON path of a name whose parts are divided by dots."""
    if isinstance(name, str) and name.startswith("$"):
        known = ", ".join(("$and", "$or"))
        raise InvalidValue(f"where must combine conditions by one of {known}, got {name!r}")
    parts = name.split(".") if isinstance(name, str) else [""]
    fits = all(part and not any(letter in '"\\' or letter < " " for letter in part) for part in parts)
    if not isinstance(name, str) or not fits or bindable(name) is None:
        raise InvalidValue(
            f"where must name values by their keys, with dots between them and without quotes, got {name!r}"
        )
    return "$" + "".join(f'."{part}"' for part in parts)


def _compared(column: str, path: str, operator: object, value: Any, bindings: list[Any]) -> str:
    if operator not in COMPARISONS:
        raise InvalidValue(f"where must have operators of {', '.join(COMPARISONS)}, got {operator!r}")
    if len(bindings) >= 3 * MOST:
        raise InvalidValue(f"where must have at most {MOST} comparisons, got more")
    if operator == "$ne":
        return f"not {_compared(column, path, '$eq', value, bindings)}"
    if operator != "$eq" and (value is None or isinstance(value, bool)):
        raise InvalidValue(f"{operator} must have a number or a text, got {value!r}")
    if value is None:
        bindings.append(path)
        return f"(coalesce(json_type({column}, ?), 'null') = 'null')"
    if isinstance(value, bool):
        bindings.extend((path, "true" if value else "false"))
        return f"(json_type({column}, ?) is ?)"
    if isinstance(value, int | float):
        if not (math.isfinite(value) if isinstance(value, float) else -(1 << 63) <= value < 1 << 63):
            raise InvalidValue(f"where must compare with finite numbers that 64 bits hold, got {value!r}")
        kinds = "coalesce(json_type({0}, ?) in ('integer', 'real'), 0)"
    elif isinstance(value, str) and bindable(value) is not None and "\0" not in value:
        kinds = "(json_type({0}, ?) is 'text')"
    else:
        raise InvalidValue(f"where must compare with None, a truth value, a number or a text, got {value!r}")
    bindings.extend((path, path, value))
    return f"({kinds.format(column)} and json_extract({column}, ?) {COMPARISONS[str(operator)]} ?)"
