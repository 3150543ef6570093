"""Conditions on JSON, evaluated on Python's values: slow and obvious."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

ORDER = {"$gt": operator.gt, "$gte": operator.ge, "$lt": operator.lt, "$lte": operator.le}


def kind(value: Any) -> str:
    """Return what a JSON value is."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "truth"
    return "number" if isinstance(value, int | float) else type(value).__name__


def at(data: Any, path: str) -> Any:
    """Return what stands at a path, None where nothing does."""
    for key in path.split("."):
        if isinstance(data, dict) and key in data:
            data = data[key]
        elif isinstance(data, list) and key.isdigit() and int(key) < len(data):
            data = data[int(key)]
        else:
            return None
    return data


def compares(found: Any, sign: str, value: Any) -> bool:
    """Tell whether a value stands in a relation to another."""
    if sign == "$ne":
        return not compares(found, "$eq", value)
    if kind(found) != kind(value):
        return False
    return found == value if sign == "$eq" else bool(ORDER[sign](found, value))


def holds(where: Mapping[str, Any], data: Any) -> bool:
    """Tell whether a value meets all conditions."""
    for name, value in where.items():
        if name == "$and":
            met = all(holds(part, data) for part in value)
        elif name == "$or":
            met = any(holds(part, data) for part in value)
        elif name == "$not":
            met = not holds(value, data)
        elif name.startswith("$"):
            met = compares(data, name, value)
        elif isinstance(value, Mapping):
            met = holds(value, at(data, name))
        else:
            met = compares(at(data, name), "$eq", value)
        if not met:
            return False
    return True
