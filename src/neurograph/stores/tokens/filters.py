"""Which tokens are meant: filters of `list` and `count`, turned into a WHERE clause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...model.levels import level_columns
from ..where import Where, condition_of


def where_clause(
    code: Callable[[str, str | int], tuple[int, str | None]],
    entity_type: str | int | None,
    domain: str | int | None,
    level: str | int | None,
    where: Where | None,
    after: int | None = None,
) -> tuple[str, list[Any]]:
    """Return ``where …`` (empty where nothing is asked) and its bindings."""
    conditions: list[str] = []
    bindings: list[Any] = []
    if after is not None:
        conditions.append("id > ?")
        bindings.append(after)
    for table, name in (("entity_type", entity_type), ("domain", domain)):
        if name is not None:
            conditions.append(f"{table} = ?")
            bindings.append(code(table, name)[0])
    if level is not None:
        conditions.append(f"{level_columns(level)[0]} is not null")
    if where is not None:
        condition, values = condition_of(where)
        conditions.append(condition)
        bindings += values
    return f"where {' and '.join(conditions)}" if conditions else "", bindings
