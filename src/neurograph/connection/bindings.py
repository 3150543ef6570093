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
    """Return a numpy scalar as Python's, an array as its bytes in C order; everything else as it is."""
    kind = getattr(value, "dtype", None)
    if type(value) in PLAIN or kind is None or not hasattr(value, "tobytes"):
        return value
    if kind.hasobject:  # its bytes are addresses in this process
        raise InvalidValue(f"an array to bind must hold numbers, got dtype {kind}; bind its elements one by one")
    if value.ndim:
        return value.tobytes()
    return float(value) if kind.kind == "f" else value.item()  # numpy's long double is no float


def refused(error: Exception, bindings: Any) -> InvalidValue:
    """Return the error to raise where apsw could not bind the values."""
    reason = f"no value for {error}" if isinstance(error, KeyError) else str(error)
    said = repr(bindings)
    return InvalidValue(
        f"bindings must be values SQLite knows (None, int, float, str, bytes), one for each parameter; {reason}; "
        f"got {said[:200]}{'…' if len(said) > 200 else ''}"
    )
