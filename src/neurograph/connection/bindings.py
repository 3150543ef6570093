"""The values a user binds to SQL: brought to types SQLite knows, or refused before anything runs.

numpy's scalars need it most: they offer a buffer, so apsw would bind ``np.int64(3)`` as eight bytes.
"""

from __future__ import annotations

from ..errors import InvalidValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

PLAIN = frozenset({int, str, float, bytes, bool, type(None)})


def plain_bindings(bindings: Any) -> Sequence[Any] | dict[str, Any] | None:
    """Return bindings as a list, tuple or dict of values that SQLite knows; None stays None."""
    if bindings is None:
        return None
    kind = type(bindings)
    if kind is tuple or kind is list:
        return bindings if PLAIN.issuperset(map(type, bindings)) else [_plain(value) for value in bindings]
    if kind is dict:
        if PLAIN.issuperset(map(type, bindings.values())):
            return bindings  # type: ignore[no-any-return]
        return {name: _plain(value) for name, value in bindings.items()}
    if isinstance(bindings, str | bytes | bytearray | memoryview | set | frozenset):
        raise InvalidValue(f"bindings must be a sequence or a mapping of values, got {bindings!r}; write [value]")
    try:
        return plain_bindings(dict(bindings) if hasattr(bindings, "keys") else list(bindings))
    except TypeError:
        raise InvalidValue(f"bindings must be a sequence or a mapping of values, got {bindings!r}") from None


def _plain(value: Any) -> Any:
    """Return a numpy scalar as Python's; everything else as it is."""
    if type(value) not in PLAIN and getattr(value, "ndim", None) == 0:
        return value.item()
    return value


def refused(error: Exception, bindings: Any) -> InvalidValue:
    """Return the error to raise where apsw could not bind the values."""
    reason = f"no value for {error}" if isinstance(error, KeyError) else str(error)
    said = repr(bindings)
    return InvalidValue(
        f"bindings must be values SQLite knows (None, int, float, str, bytes), one for each parameter; {reason}; "
        f"got {said[:200]}{'…' if len(said) > 200 else ''}"
    )
