"""The records of events: one that happened, and a type of them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple
else:
    from .typed import NamedTuple


class EventType(NamedTuple):
    """A type of events, as it was when it was read."""

    id: int
    """The id in this file; the original's code where it has one; those of users are above 61440."""
    name: str
    """Its name, of words with dots between them."""
    enabled: bool
    """True where its events are written."""
    by_triggers: bool
    """True where triggers write them, in the transaction of what happened; False where somebody emits them."""
    description: str | None
    """What it says, or None."""
    trimmed: int
    """How many of its events were trimmed or archived."""


class Event(NamedTuple):
    """Something that happened."""

    id: int
    """Its place in the order of what happened: later events have larger ids."""
    type: str
    """The name of its type."""
    created_ns: int
    """When, in nanoseconds since 1970 UTC; never before the event before it."""
    data: dict[str, Any]
    """What JSON can say of it."""
