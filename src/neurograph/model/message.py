"""The records of the queue: a channel and what is in it, a message, what publishing it came to, why it failed."""

from __future__ import annotations

from .stored_json import value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple
else:
    from .typed import NamedTuple

PRIORITIES = {"critical": 0, "high": 25, "normal": 50, "low": 75, "background": 100}
"""The names of priorities; a lower number is claimed first."""
STATES = ("ready", "delayed", "claimed", "done", "dead")
MESSAGE_COLUMNS = (
    "id",
    "channel",
    "state",
    "priority",
    "due_ns",
    "expires_ns",
    "published_ns",
    "attempts",
    "claim",
    "origin",
    "key",
    "headers",
    "payload",
    "result",
)
"""What `Message` takes of a message's row, in order; channel and origin by name."""


class Channel(NamedTuple):
    """A channel and its settings, as they were when it was read."""

    id: int
    """The id in this file, never used again."""
    name: str
    """Its name."""
    capacity: int | None
    """At most so many pending messages (ready, delayed, claimed), or None."""
    when_full: str
    """``"reject"``, ``"evict_lowest"``, ``"evict_oldest"`` or ``"block"``."""
    block_ms: int
    """How long ``"block"`` waits for room."""
    priority: int
    """What a message has that names none."""
    ttl_ms: int | None
    """When messages expire that don't say themselves, or None."""
    lease_ms: int
    """How long a message is claimed for."""
    attempts: int
    """After so many a message is dead."""
    backoff: str
    """``"fixed"`` or ``"exponential"``."""
    backoff_ms: int
    """How long a message waits after its first failure."""
    backoff_most_ms: int
    """The longest it waits."""
    jitter: float
    """The share of the wait that is random, from 0 to 1."""
    dead_letter: str | None
    """The channel that dead messages move to; None: they stay, as ``"dead"``."""
    rate_per_s: float | None
    """At most so many messages a second, or None."""
    burst: int | None
    """So many may come at once after a pause; None: what comes in two seconds."""
    dedup_ms: int
    """How long after it was published a message's key refuses another, also when it is done."""
    ageing_ms: int | None
    """A message that waited so long counts as one priority more urgent, or None."""
    keep_ms: int
    """How long what is done is kept with its result; 0: it is deleted."""
    paused: bool
    """True where nothing can be claimed."""
    evicted: int
    """How many messages were dropped because it was full."""
    expired: int
    """How many were dropped because their time was over."""
    created_ns: int
    """When it was created, in nanoseconds since 1970 UTC."""


class ChannelStats(NamedTuple):
    """What is in a channel."""

    channel: str
    """Its name."""
    ready: int
    """Messages that can be claimed, once `paused` is over."""
    delayed: int
    """That wait for their time."""
    claimed: int
    """That somebody works on."""
    done: int
    """That are kept with their results."""
    dead: int
    """That failed for good, dead letters of other channels left out."""
    evicted: int
    """That were dropped because the channel was full."""
    expired: int
    """That were dropped because their time was over."""
    oldest_ns: int | None
    """When the oldest of those that are ready was published, or None."""
    paused: bool
    """True where nothing can be claimed."""


class Published(NamedTuple):
    """What a publish came to."""

    id: int | None
    """The message's id; of a duplicate that of the first; None where the full channel dropped the new message."""
    duplicate: bool = False
    """True where a message with its key was there already, and this one was not stored."""
    evicted: int = 0
    """How many messages the full channel dropped for this one."""


class Failure(NamedTuple):
    """Why an attempt at a message failed."""

    attempt: int
    """Which one, from 1."""
    error: str
    """What went wrong."""
    trace: str | None
    """Where, or None."""
    failed_ns: int
    """When, in nanoseconds since 1970 UTC."""


class NotUtf8(bytes):
    """What stands in a row for a text that is not UTF-8, which other tools may write: its bytes."""

    __slots__ = ()


class Message:
    """A message as it was when it was read. Records compare by value and don't follow later changes."""

    __slots__ = ("_row",)

    _row: tuple[Any, ...]

    def __init__(self, row: tuple[Any, ...]) -> None:
        object.__setattr__(self, "_row", row)

    @property
    def id(self) -> int:
        """The id in this file, never used again; ids tell the order of publishing."""
        return self._row[0]  # type: ignore[no-any-return]

    @property
    def channel(self) -> str:
        """The name of the channel it is in."""
        return self._row[1]  # type: ignore[no-any-return]

    @property
    def state(self) -> str:
        """``"ready"``, ``"delayed"``, ``"claimed"``, ``"done"`` or ``"dead"``."""
        return self._row[2]  # type: ignore[no-any-return]

    @property
    def priority(self) -> int:
        """Lower is claimed first."""
        return self._row[3]  # type: ignore[no-any-return]

    @property
    def due_ns(self) -> int | None:
        """When time alone changes it: it becomes ready, may be claimed by others, expires, or is deleted; or None."""
        return self._row[4]  # type: ignore[no-any-return]

    @property
    def expires_ns(self) -> int | None:
        """When it is dropped unless somebody has claimed it, or None."""
        return self._row[5]  # type: ignore[no-any-return]

    @property
    def published_ns(self) -> int:
        """When it was published, in nanoseconds since 1970 UTC."""
        return self._row[6]  # type: ignore[no-any-return]

    @property
    def attempts(self) -> int:
        """How often it was claimed, this time included; what was released does not count."""
        return self._row[7]  # type: ignore[no-any-return]

    @property
    def claim(self) -> int | None:
        """The number that proves whose it is; None unless this record came from `claim` or `extend`."""
        return self._row[8]  # type: ignore[no-any-return]

    @property
    def origin(self) -> str | None:
        """Of a dead letter: the channel it died in; None where that is gone, and for all others."""
        return self._row[9]  # type: ignore[no-any-return]

    @property
    def key(self) -> str | None:
        """The idempotency key, or None."""
        key = self._row[10]
        return _value(key, f"the key of message {self.id}") if isinstance(key, bytes) else key  # type: ignore

    @property
    def headers(self) -> dict[str, Any]:
        """A new dict of what was said about it: ``trace``, ``correlation``, ``source``, ``reply_to``, your own."""
        return _value(self._row[11], f"the headers of message {self.id}") if self._row[11] else {}

    @property
    def payload(self) -> Any:
        """What was published: a JSON value, read anew each time, or bytes."""
        return _value(self._row[12], f"the payload of message {self.id}")

    @property
    def result(self) -> Any:
        """What it was acked with: a JSON value or bytes; None where there is none."""
        return None if self._row[13] is None else _value(self._row[13], f"the result of message {self.id}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Message is a record and can't be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a Message is a record and can't be changed")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and self._row == other._row

    def __hash__(self) -> int:
        return hash(self._row[0])

    def __reduce__(self) -> tuple[type[Message], tuple[tuple[Any, ...]]]:
        return Message, (self._row,)

    def __repr__(self) -> str:
        said = self._row[12]
        text = f"{len(said)} bytes" if isinstance(said, bytes) else said if len(said) <= 40 else f"{said[:39]}…"
        return f"<Message {self.id} {self.channel!r} {self.state} {text}>"

    def _repr_html_(self) -> str:
        from html import escape

        facts = {name: getattr(self, name) for name in MESSAGE_COLUMNS if name != "claim"}
        rows = "".join(f"<tr><th>{escape(k)}</th><td>{escape(str(v))}</td></tr>" for k, v in facts.items())
        return f"<table>{rows}</table>"


def _value(stored: str | bytes, what: str) -> Any:
    if isinstance(stored, bytes):
        if isinstance(stored, NotUtf8):
            raise _unreadable(what, "UTF-8", stored, "; select cast(column as blob) from message to read it")
        return stored
    try:
        return value_of(stored)
    except (RecursionError, ValueError) as error:  # too many levels or digits: SQLite takes more of both
        raise _unreadable(what, f"JSON that Python reads ({error})", stored) from None


def _unreadable(what: str, rule: str, stored: str | bytes, remedy: str = "") -> Exception:
    from ..errors import InvalidValue

    return InvalidValue(f"{what} must be {rule}, got {stored[:60]!r}{remedy}")
