"""Settings of channels, topics, subscriptions, checked by name. A part of the stores layer, not a store.

A table maps each setting to its check, which returns a value as the column of that name holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..errors import InvalidValue
from .arguments import whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Check = Callable[["Any", str], "Any"]


def checked(settings: Mapping[str, Any], checks: Mapping[str, Check], owner: str) -> dict[str, Any]:
    """Return settings as columns hold them; `owner` is whose they are, where one is refused."""
    for name in settings:
        if name not in checks:
            raise InvalidValue(f"settings must be of {', '.join(checks)}, got {name!r} for {owner}")
    return {name: checks[name](value, name) for name, value in settings.items()}


def one_of(*names: str) -> Callable[[Any, str], Any]:
    """Return a check that a setting has one of these values."""

    def checked(value: Any, what: str) -> Any:
        if value not in names:
            raise InvalidValue(f"{what} must be one of {', '.join(map(repr, names))}, got {value!r}")
        return value

    return checked


def within(low: int, high: int) -> Callable[[Any, str], Any]:
    """Return a check that a setting is a whole number within a range."""
    return lambda value, what: whole(value, what, low, high)


def or_none(check: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """Return a check that lets None pass as well."""
    return lambda value, what: None if value is None else check(value, what)
