"""Many connections as columns: what a bulk call was given, checked whole before anything is written.

1. A column is one value for all connections, or n of them; every error names the rule, the value and its index.
2. What comes out are n plain values a column, in the order given, ready to be bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import apsw

from ...errors import InvalidValue, TokenNotFound
from ...model.connection import AIM_COLUMNS
from ...model.levels import LEVELS
from ..arguments import json_text, key_text, token_array
from ..edge_place import type_code
from .values import REALS, aim_values, flag_bits, level_mask, mutability_code

if TYPE_CHECKING:
    import numpy as np

Column = list[Any]


def ends(connection: apsw.Connection, source: Any, target: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the ids of n sources and n targets, all tokens, no two of a pair the same."""
    import numpy as np

    sources, targets = token_array(connection, source, "source"), token_array(connection, target, "target")
    if len(targets) != len(sources):
        raise InvalidValue(f"target must be as long as source, which has {len(sources)}, got {len(targets)}")
    loops = np.flatnonzero(sources == targets)
    if len(loops):
        at = int(loops[0])
        raise InvalidValue(f"target must differ from source, got the token {sources[at]} twice at index {at}")
    distinct = np.unique(np.concatenate((sources, targets)))
    sql = "select value from carray(?) where value not in (select id from token) limit 1"
    missing: Any = connection.execute(sql, (apsw.carray(distinct),)).fetchone() if len(distinct) else None
    if missing:
        side, ids = ("source", sources) if missing[0] in sources else ("target", targets)
        at = int(np.flatnonzero(ids == missing[0])[0])
        raise TokenNotFound(f"{side} must be tokens, got the id {missing[0]} at index {at}")
    return sources, targets


def codes(connection: apsw.Connection, types: Any, n: int) -> Column:
    """Return n codes of types, given as one name or code or as n of them."""
    return _converted("type", types, n, lambda name: type_code(connection, name))


def keys(key: Any, n: int) -> Column:
    """Return n keys."""
    if isinstance(key, str):
        return [key_text(key)] * n
    return [key_text(text) for text in _sequence("key", key, n)]


def texts(properties: Any, n: int) -> Column | None:
    """Return n JSON texts, or None where none were given."""
    if properties is None:
        return None
    if isinstance(properties, Mapping):
        return [json_text(properties)] * n
    return [None if one is None else json_text(one) for one in _sequence("properties", properties, n)]


def truths(name: str, value: Any, n: int) -> Column | None:
    """Return n of 0 and 1, or None where none were given."""
    if value is None:
        return None
    column = _sequence(name, value, n) if _is_many(value) else [value] * n
    for at, truth in enumerate(column):
        if not isinstance(truth, bool):
            raise InvalidValue(f"{name} must be True or False, got {truth!r} at index {at}")
    return [int(truth) for truth in column]


def reals(name: str, value: Any, n: int, low: float, high: float) -> Column | None:
    """Return n finite floats within [low, high], or None where none were given."""
    if value is None:
        return None
    import numpy as np

    try:
        array = np.asarray(value)
        if array.dtype.kind not in "iuf" and array.size:
            raise TypeError
        array = array.astype(np.float64)
    except (TypeError, ValueError):
        raise InvalidValue(f"{name} must be numbers, got {value!r}") from None
    if array.shape not in ((), (n,)):
        raise InvalidValue(f"{name} must be one number or have shape ({n},), got shape {array.shape}")
    wrong = ~(np.isfinite(array) & (array >= low) & (array <= high))
    if wrong.any():
        at = int(wrong.argmax())
        limits = "be finite" if np.isinf(low) else f"be in [{low:g}, {high:g}]"
        raise InvalidValue(f"{name} must {limits}, got {float(array.reshape(-1)[at])!r} at index {at}")
    return [float(array)] * n if array.shape == () else array.tolist()


def dynamics(given: Mapping[str, Any], n: int) -> dict[str, Column]:
    """Return the columns of the dynamics that were given; None was not."""
    columns: dict[str, Column] = {}
    converters: dict[str, Callable[[Any], int]] = {
        "active_levels": level_mask,
        "flags": flag_bits,
        "mutability": mutability_code,
    }
    for name, value in given.items():
        if value is None:
            continue
        if name == "aim":
            columns |= _aims(value, n)
        elif name in REALS:
            columns[name] = reals(name, value, n, *REALS[name]) or []
        elif name in converters:
            columns[name] = _converted(name, value, n, converters[name])
        else:
            columns[name] = wholes(name, value, n)
    return columns


def wholes(name: str, value: Any, n: int) -> Column:
    """Return n whole numbers of at least 0."""
    import numpy as np

    array = np.asarray(value)
    if array.dtype.kind not in "iu" and array.size:
        raise InvalidValue(f"{name} must be whole numbers, got {value!r}")
    if array.shape not in ((), (n,)):
        raise InvalidValue(f"{name} must be one number or have shape ({n},), got shape {array.shape}")
    if array.size and (array.min() < 0 or int(array.max()) >= 1 << 63):
        bad = array.min() if array.min() < 0 else array.max()
        raise InvalidValue(f"{name} must be in [0, 2**63 - 1], got {bad}")
    return [int(array)] * n if array.shape == () else array.tolist()


def _aims(aim: Any, n: int) -> dict[str, Column]:
    """Return eight columns: of one aim for all, or of (n, 8) numbers."""
    if isinstance(aim, Mapping):
        return {name: [value] * n for name, value in zip(AIM_COLUMNS, aim_values(aim), strict=True)}
    import numpy as np

    try:
        array = np.asarray(aim, np.float64)
    except (TypeError, ValueError):
        raise InvalidValue(f"aim must be a mapping from levels or numbers, got {aim!r}") from None
    if n == 0 and array.size == 0:
        array = array.reshape(0, len(LEVELS))
    if array.shape not in ((len(LEVELS),), (n, len(LEVELS))):
        raise InvalidValue(f"aim must have shape ({n}, {len(LEVELS)}) or ({len(LEVELS)},), got {array.shape}")
    if not np.isfinite(array).all():
        raise InvalidValue(f"aim must be finite, got {float(array[~np.isfinite(array)][0])!r}")
    array = np.broadcast_to(array, (n, len(LEVELS)))
    return {name: array[:, at].tolist() for at, name in enumerate(AIM_COLUMNS)}


def _converted(name: str, value: Any, n: int, convert: Callable[[Any], int]) -> Column:
    """Return n codes: of one value for all, or of n names or numbers, each distinct one converted once."""
    if not _is_many(value) or (name in ("active_levels", "flags") and _is_names(value)):
        return [convert(value)] * n
    given = _sequence(name, value, n)
    known: dict[Any, int] = {}
    for at, one in enumerate(given):
        try:
            if one not in known:
                known[one] = convert(one)
        except TypeError:
            raise InvalidValue(f"{name} must be names or numbers, got {one!r} at index {at}") from None
    return [known[one] for one in given]


def _is_many(value: Any) -> bool:
    return not isinstance(value, str | bytes) and isinstance(value, Iterable) and getattr(value, "ndim", 1) > 0


def _is_names(value: Any) -> bool:
    """Tell whether a sequence holds names: of the levels, or the flags, that all connections get."""
    return isinstance(value, Sequence | set | frozenset) and all(isinstance(one, str) for one in value)


def _sequence(name: str, value: Any, n: int) -> Column:
    if not _is_many(value):
        raise InvalidValue(f"{name} must be one value or a sequence of {n}, got {value!r}")
    column = value.tolist() if hasattr(value, "tolist") else list(value)
    if len(column) != n:
        raise InvalidValue(f"{name} must be one value or {n}, got {len(column)}")
    return column
