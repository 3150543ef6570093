"""The records of topics: a topic, an entry of its log, what a subscription asks for and how far it is."""

from __future__ import annotations

from .stored_json import value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple
else:
    from .typed import NamedTuple

DELIVERY_STATES = ("claimed", "ready", "delayed", "dead")
ENTRY_COLUMNS = ("id", "topic", "published_ns", "headers", "payload")
"""What `Entry` takes of an entry's row, in order; the topic by name."""
DELIVERY_COLUMNS = ("state", "due_ns", "attempts", "claim", "error", "trace", "failed_ns")
"""What it takes of a delivery's after them."""


class Topic(NamedTuple):
    """A topic and what it keeps, as it was when it was read."""

    id: int
    """The id in this file, never used again."""
    name: str
    """Its name."""
    keep_ms: int | None
    """Entries older than that are deleted; None: however old."""
    keep_entries: int | None
    """So many of the newest are kept; None: all."""
    keep_bytes: int | None
    """So many bytes of headers and payloads of the newest are kept; None: all."""
    trimmed_id: int
    """The newest entry that was deleted; 0: none was."""
    created_ns: int
    """When it was created, in nanoseconds since 1970 UTC."""


class SubscriptionSettings(NamedTuple):
    """What a subscription asks for, and how it delivers, as it was when it was read."""

    id: int
    """The id in this file, never used again."""
    name: str
    """Its name."""
    pattern: str
    """The name of a topic; with ``*`` at the end all that begin so; ``"*"`` is all."""
    where: dict[str, Any] | None
    """The condition on payload and headers, or None."""
    cursor: int
    """What is at or below it is settled, or a delivery: claimed, ready again, delayed or dead."""
    lease_ms: int
    """How long an entry is claimed for."""
    attempts: int
    """After so many an entry is dead."""
    backoff: str
    """``"fixed"`` or ``"exponential"``."""
    backoff_ms: int
    """How long an entry waits after its first failure."""
    backoff_most_ms: int
    """The longest it waits."""
    jitter: float
    """The share of the wait that is random, from 0 to 1."""
    paused: bool
    """True where nothing can be claimed."""
    created_ns: int
    """When it was created, in nanoseconds since 1970 UTC."""


class SubscriptionStats(NamedTuple):
    """How far a subscription is."""

    subscription: str
    """Its name."""
    cursor: int
    """As in its settings."""
    lag: int
    """Entries above the cursor that it asks for."""
    ready: int
    """Entries below it that can be claimed again."""
    delayed: int
    """That wait after a failure."""
    claimed: int
    """That somebody works on."""
    dead: int
    """That failed for good."""
    missed: int
    """Entries of its topics that were deleted before it had settled them, those counted that its condition refuses."""
    paused: bool
    """True where nothing can be claimed."""


class Entry:
    """An entry of the log as it was when it was read. Records compare by value and don't follow later changes."""

    __slots__ = ("_row",)

    _row: tuple[Any, ...]

    def __init__(self, row: tuple[Any, ...]) -> None:
        object.__setattr__(self, "_row", row)

    @property
    def id(self) -> int:
        """The sequence: never used again, and in the order of publishing over all topics."""
        return self._row[0]  # type: ignore[no-any-return]

    @property
    def topic(self) -> str:
        """The name of its topic."""
        return self._row[1]  # type: ignore[no-any-return]

    @property
    def published_ns(self) -> int:
        """When it was published, in nanoseconds since 1970 UTC."""
        return self._row[2]  # type: ignore[no-any-return]

    @property
    def headers(self) -> dict[str, Any]:
        """A new dict of what was said about it: ``trace``, ``correlation``, ``source``, your own."""
        return value_of(self._row[3]) if self._row[3] else {}

    @property
    def payload(self) -> Any:
        """What was published: a JSON value, read anew each time, or bytes."""
        stored = self._row[4]
        return stored if isinstance(stored, bytes) else value_of(stored)

    @property
    def state(self) -> str | None:
        """For its subscription ``"claimed"``, ``"ready"`` (again), ``"delayed"`` or ``"dead"``; None from `read`."""
        return self._delivered(5)  # type: ignore[no-any-return]

    @property
    def due_ns(self) -> int | None:
        """When time alone changes it: it becomes ready, or may be claimed by others; or None."""
        return self._delivered(6)  # type: ignore[no-any-return]

    @property
    def attempts(self) -> int:
        """How often the subscription claimed it, this time included; what was released does not count."""
        return self._delivered(7) or 0

    @property
    def claim(self) -> int | None:
        """The number that proves whose it is; None unless this record came from `claim` or `extend`."""
        return self._delivered(8)  # type: ignore[no-any-return]

    @property
    def error(self) -> str | None:
        """Why the last attempt failed, or None."""
        return self._delivered(9)  # type: ignore[no-any-return]

    @property
    def trace(self) -> str | None:
        """Where it failed, or None."""
        return self._delivered(10)  # type: ignore[no-any-return]

    @property
    def failed_ns(self) -> int | None:
        """When it failed, in nanoseconds since 1970 UTC, or None."""
        return self._delivered(11)  # type: ignore[no-any-return]

    def _delivered(self, place: int) -> Any:
        return self._row[place] if len(self._row) > place else None

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("an Entry is a record and can't be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("an Entry is a record and can't be changed")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entry) and self._row == other._row

    def __hash__(self) -> int:
        return hash(self._row[0])

    def __reduce__(self) -> tuple[type[Entry], tuple[tuple[Any, ...]]]:
        return Entry, (self._row,)

    def __repr__(self) -> str:
        said = self._row[4]
        text = f"{len(said)} bytes" if isinstance(said, bytes) else said if len(said) <= 40 else f"{said[:39]}…"
        return f"<Entry {self.id} {self.topic!r}{f' {self.state}' if self.state else ''} {text}>"

    def _repr_html_(self) -> str:
        from html import escape

        names = ENTRY_COLUMNS if self.state is None else ENTRY_COLUMNS + DELIVERY_COLUMNS
        facts = {name: getattr(self, name) for name in names if name != "claim"}
        rows = "".join(f"<tr><th>{escape(k)}</th><td>{escape(str(v))}</td></tr>" for k, v in facts.items())
        return f"<table>{rows}</table>"
