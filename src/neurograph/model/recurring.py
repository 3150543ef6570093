"""The record of a recurring message."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple
else:
    from .typed import NamedTuple


class Recurring(NamedTuple):
    """What is published in a channel again and again, as it was when it was read."""

    name: str
    """Its name, unique in the file."""
    channel: str
    """The name of the channel its messages go to."""
    expression: str
    """When: five fields of cron, or six with the seconds first."""
    time_zone: str
    """Whose clock the expression means: an IANA name."""
    priority: int | None
    """Of each message; None: the channel's."""
    ttl_ms: int | None
    """How long each message may wait to be claimed; None: as the channel says."""
    headers: dict[str, Any]
    """What each message says beside ``recurring`` and ``scheduled_ns``."""
    payload: Any
    """What is published: a JSON value or bytes."""
    paused: bool
    """True where nothing is published."""
    next_ns: int | None
    """When the next message is due, in nanoseconds since 1970 UTC; None: never; 0: the next claim works it out."""
    last_ns: int | None
    """When the last one was due, or None."""
    refused: int
    """How often the channel had no room for a message that was due."""
    error: str | None
    """Why nobody can tell when the next one is due, or None."""
    created_ns: int
    """When it was made, in nanoseconds since 1970 UTC."""
