"""Conditions on JSON, as dicts, and the SQL they mean. A part of the stores layer, not a store.

``{"order.total": {"$gte": 100}, "$or": [{"by": "card"}, {"by": None}]}``: a name leads to a value, dots between its
parts; a number among them leads to an element of a list, or to a member of that name. All that a dict says must hold.
``$headers`` leads to what is said about a document, where there is such.

Invariants:

1. A condition is data: values and paths are bound, so no text of it becomes SQL, whoever stored it.
2. Its answer depends on the document alone, and is never null: what is not there is as JSON's null.
3. A value equals one of its own kind only: null, truth value, number, text. An order has two numbers, or two texts by
   code points; any other pair is in no order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product

from ..errors import InvalidValue
from .arguments import bindable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple
else:
    from ..model.typed import NamedTuple

COMPARISONS = {"$eq": "=", "$ne": "<>", "$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
COMBINATIONS = ("$and", "$or", "$not")
DEEPEST, MOST_VALUES, MOST_NUMBERS = 32, 600, 3
"""Levels; paths and values that are bound, of 200 comparisons; numbers in a name, each of which doubles its paths.
SQLite's expressions end at a depth of 1,000."""

Conditions = Mapping[str, "Any"]
"""Name → value, name → conditions on what is there, operator → value; ``"$and"``, ``"$or"`` → a list of conditions."""
Part = tuple[str, list["Any"]]
"""SQL in brackets, and the values of its ``?`` in order."""


class Place(NamedTuple):
    """What a part of a condition is about."""

    document: str
    """SQL of the JSON."""
    paths: tuple[str, ...]
    """Where in it: of several only one can be there."""
    headers: str
    """SQL of the JSON that ``$headers`` leads to, empty where there is none."""

    def found(self, function: str) -> str:
        """Return SQL of what is there; it has a ``?`` for each path."""
        calls = [f"{function}({self.document}, ?)"] * len(self.paths)
        return calls[0] if len(calls) == 1 else f"coalesce({', '.join(calls)})"


def condition_on(document: str, where: Conditions, headers: str = "") -> Part:
    """Return a condition of `where` on a document, and its values; both documents are SQL, or headers empty."""
    sql, values = _all_of(where, Place(document, ("$",), headers), 1)
    if len(values) > MOST_VALUES:
        raise InvalidValue(f"where must have at most {MOST_VALUES} paths and values to compare, got {len(values)}")
    return sql, values


def _all_of(where: object, place: Place, depth: int) -> Part:
    if not isinstance(where, Mapping):
        raise InvalidValue(f"where must be a dict of conditions, got {where!r}")
    if depth > DEEPEST:
        raise InvalidValue(f"where must be nested at most {DEEPEST} levels deep, got more")
    return _joined([_one(name, value, place, depth) for name, value in where.items()], " and ", "1")


def _one(name: object, value: object, place: Place, depth: int) -> Part:
    """Return SQL for one name of a condition, and what stands there."""
    if name in COMPARISONS:
        return _compared(str(name), value, place)
    if name == "$not":
        sql, values = _all_of(value, place, depth + 1)
        return f"(not {sql})", values
    if name in ("$and", "$or"):
        if not isinstance(value, list | tuple) or not value:
            raise InvalidValue(f"{name} must have a list of at least one condition, got {value!r}")
        parts = [_all_of(part, place, depth + 1) for part in value]
        return _joined(parts, " or " if name == "$or" else " and ", "1")
    if name == "$headers" and place.headers:
        inner = place._replace(document=place.headers, paths=("$",))
    else:
        inner = place._replace(paths=_below(place, name))
    if not isinstance(value, Mapping):
        return _compared("$eq", value, inner)
    if not value:
        raise InvalidValue(f"where must have a value or an operator for {name!r}, got {{}}")
    return _all_of(value, inner, depth + 1)


def _joined(parts: list[Part], word: str, empty: str) -> Part:
    return f"({word.join(sql for sql, _ in parts) or empty})", [value for _, values in parts for value in values]


def _below(place: Place, name: object) -> tuple[str, ...]:
    """Return the paths of a name below a place."""
    if isinstance(name, str) and name.startswith("$"):
        known = (*COMPARISONS, *COMBINATIONS, *(("$headers",) if place.headers else ()))
        raise InvalidValue(f"where must have operators of {', '.join(known)}, got {name!r}")
    parts = name.split(".") if isinstance(name, str) and bindable(name) is not None else [""]
    if not all(part and not any(letter in '"\\' or letter < " " for letter in part) for part in parts):
        raise InvalidValue(
            f"where must name values by their keys, with dots between them and without quotes, got {name!r}"
        )
    steps = [(f'."{part}"', f"[{part}]") if part.isascii() and part.isdigit() else (f'."{part}"',) for part in parts]
    paths = tuple(first + "".join(rest) for first, *rest in product(place.paths, *steps))
    if len(paths) > 1 << MOST_NUMBERS:
        raise InvalidValue(f"where must have at most {MOST_NUMBERS} numbers in a name, got {name!r}")
    return paths


def _compared(operator: str, value: Any, place: Place) -> Part:
    """Return SQL that compares what is at a place with a value."""
    kind, paths = place.found("json_type"), [*place.paths]
    if operator == "$ne":
        sql, values = _compared("$eq", value, place)
        return f"(not {sql})", values
    if operator != "$eq" and (value is None or isinstance(value, bool)):
        raise InvalidValue(f"{operator} must have a number or a text, got {value!r}")
    if value is None:
        return f"(coalesce({kind}, 'null') = 'null')", paths
    if isinstance(value, bool):
        return f"({kind} is ?)", [*paths, "true" if value else "false"]
    if isinstance(value, int | float):
        if not (math.isfinite(value) if isinstance(value, float) else -(1 << 63) <= value < 1 << 63):
            raise InvalidValue(f"where must compare with finite numbers that 64 bits hold, got {value!r}")
        kinds = "'integer', 'real'"
    elif isinstance(value, str) and bindable(value) is not None and "\0" not in value:
        kinds = "'text'"
    else:
        raise InvalidValue(f"where must compare with None, a truth value, a number or a text, got {value!r}")
    compared = f"{place.found('json_extract')} {COMPARISONS[operator]} ?"
    return f"coalesce({kind} in ({kinds}) and {compared}, 0)", [*paths, *paths, value]
