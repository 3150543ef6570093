"""Which tokens are meant: filters of `list` and `count`, turned into a WHERE clause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...errors import InvalidValue
from ...model.levels import level_columns

Where = str | tuple[str, Sequence[Any]]
"""An SQL condition on the columns of the table `token`, with a sequence of values for its ``?`` where it has any."""


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
        condition, values = _condition(where)
        conditions.append(f"({condition}\n)")  # the line ends a comment
        bindings += values
    return f"where {' and '.join(conditions)}" if conditions else "", bindings


def _condition(where: Where) -> tuple[str, list[Any]]:
    condition, values = (where, ()) if isinstance(where, str) else where if _is_pair(where) else (None, ())
    if not isinstance(condition, str) or isinstance(values, str | bytes | dict):
        raise InvalidValue(f"where must be SQL, or SQL and a sequence of its values, got {where!r}")
    if not condition.strip():
        raise InvalidValue(f"where must be an SQL condition, got {condition!r}")
    return condition, list(values)


def _is_pair(where: object) -> bool:
    return isinstance(where, tuple | list) and len(where) == 2
