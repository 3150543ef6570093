"""A condition in SQL that a user gives: one expression, alone or with the values of its ``?``. Not a store."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..errors import InvalidValue

Where = str | tuple[str, Sequence[Any]]
"""An SQL condition, with a sequence of values for its ``?`` where it has any."""

# What may hold a bracket or a semicolon that means nothing: texts, quoted names, comments; then what means something.
_PARTS = r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|/\*.*?(?:\*/|\Z)|[();]"""


def condition_of(where: Where) -> tuple[str, list[Any]]:
    """Return a condition in brackets, and its values; refuse what is more, or less, than one expression."""
    condition, values = (where, ()) if isinstance(where, str) else where if _is_pair(where) else (None, ())
    if not isinstance(condition, str) or isinstance(values, str | bytes | dict):
        raise InvalidValue(f"where must be SQL, or SQL and a sequence of its values, got {where!r}")
    if not condition.strip() or not _is_one(condition):
        raise InvalidValue(f"where must be an SQL condition, one expression, got {condition!r}")
    return f"({condition}\n)", list(values)  # the line ends a comment


def _is_pair(where: object) -> bool:
    return isinstance(where, tuple | list) and len(where) == 2


def _is_one(condition: str) -> bool:
    """Tell whether every bracket is closed by its own, and no statement ends."""
    depth = 0
    for part in re.findall(_PARTS, condition, re.DOTALL):
        depth += {"(": 1, ")": -1}.get(part, 0)
        if depth < 0 or part == ";":
            return False
    return depth == 0
