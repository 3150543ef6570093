"""Types of events by name, and by the beginning of names. A part of the stores layer, not a store."""

from __future__ import annotations

from ..errors import InvalidValue, UnknownName
from .arguments import bindable, closest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import apsw


def type_name(name: object, what: str = "type") -> str:
    """Return the name of an event type, if it can be one."""
    fits = isinstance(name, str) and bindable(name) is not None and "\x00" not in name and "*" not in name
    if not fits or not all(str(name).split(".")):
        raise InvalidValue(f"{what} must be a name such as 'order.paid', words with dots between them, got {name!r}")
    return str(name)


def ids_of(connection: apsw.Connection, pattern: object) -> dict[int, str]:
    """Return id → name of the types that a pattern names, in order of id."""
    rows: Any = connection.execute("select id, name from event_type order by id").fetchall()
    if pattern == "*":
        return dict(rows)
    if isinstance(pattern, str) and pattern.endswith(".*"):
        prefix = type_name(pattern[:-2]) + "."
        return {number: name for number, name in rows if name.startswith(prefix)}
    wanted = type_name(pattern)
    found = {number: name for number, name in rows if name == wanted}
    if not found:
        raise unknown(wanted, [name for _, name in rows])
    return found


def unknown(name: str, known: list[str]) -> UnknownName:
    """Return the error for a type that does not exist."""
    return UnknownName(f"no event type has the name {name!r}{closest(name, known)}; db.events.register makes one")


def types_of(pattern: object) -> tuple[str, list[Any]]:
    """Return a condition on rows of `event_type`, and its values."""
    if pattern == "*":
        return "1", []
    if isinstance(pattern, str) and pattern.endswith(".*"):
        prefix = type_name(pattern[:-2])
        return "name > ? and name < ?", [f"{prefix}.", f"{prefix}/"]  # the sign after the dot
    return "name = ?", [type_name(pattern)]
