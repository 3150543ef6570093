"""Conditions on JSON objects, evaluated on dicts: slow and obvious."""

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
        if not isinstance(data, dict) or key not in data:
            return None
        data = data[key]
    return data


def compares(found: Any, sign: str, value: Any) -> bool:
    if sign == "$ne":
        return not compares(found, "$eq", value)
    if kind(found) != kind(value):
        return False
    return found == value if sign == "$eq" else bool(ORDER[sign](found, value))


def holds(where: Mapping[str, Any], data: dict[str, Any]) -> bool:
    """Tell whether a dict meets all conditions."""
    for name, value in where.items():
        if name == "$and":
            met = all(holds(part, data) for part in value)
        elif name == "$or":
            met = any(holds(part, data) for part in value)
        elif isinstance(value, Mapping):
            met = all(compares(at(data, name), sign, operand) for sign, operand in value.items())
        else:
            met = compares(at(data, name), "$eq", value)
        if not met:
            return False
    return True
