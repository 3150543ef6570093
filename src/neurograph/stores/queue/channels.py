"""Channels created, changed, listed, removed, paused; a configuration of many."""

from __future__ import annotations

from collections.abc import Mapping

import apsw

from ...errors import Conflict, InvalidValue, RuleViolated
from ...model.message import Channel
from ..arguments import real, truth
from ..attempts import MOST_MS
from ..named import named_rows
from ..settings import Check, checked, one_of, or_none, within
from .base import NEW_CHANNEL, QueuePart, channel_name, priority_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    import builtins
    from typing import Any

COLUMNS = ", ".join(Channel._fields)
POLICIES = ("reject", "evict_lowest", "evict_oldest", "block")
OLDEST = "when_full must not be 'evict_oldest' where there is an ageing_ms; use 'evict_lowest', or no ageing_ms"


def _rate(value: Any, what: str) -> float:
    rate = real(value, what, 0, 1e9)
    if not rate:
        raise InvalidValue(f"{what} must be above 0, got {value!r}; db.queue.pause stops a channel")
    return rate


SETTINGS: dict[str, Check] = {
    "capacity": or_none(within(1, (1 << 63) - 1)),
    "when_full": one_of(*POLICIES),
    "block_ms": within(0, 86_400_000),
    "priority": lambda value, what: priority_number(value),
    "ttl_ms": or_none(within(1, MOST_MS)),
    "lease_ms": within(1, MOST_MS),
    "attempts": within(1, 1 << 31),
    "backoff": one_of("fixed", "exponential"),
    "backoff_ms": within(0, MOST_MS),
    "backoff_most_ms": within(0, MOST_MS),
    "jitter": lambda value, what: real(value, what, 0, 1),
    "dead_letter": or_none(lambda value, what: channel_name(value)),
    "rate_per_s": or_none(_rate),
    "burst": or_none(within(1, 1_000_000_000)),
    "dedup_ms": within(0, MOST_MS),
    "ageing_ms": or_none(within(1, 2_592_000_000)),
    "keep_ms": within(0, MOST_MS),
    "paused": lambda value, what: truth(value, what),
}
"""Setting → what checks it; the names are those of the columns."""


class Channels(QueuePart):
    """Channels and their settings."""

    def create_channel(self, channel: str, /, **settings: Any) -> Channel:
        """Create a channel with settings, and return it.

        Parameters
        ----------
        channel
            Its name.
        settings
            Any of: ``capacity`` (pending messages; None: no limit) and ``when_full`` (``"reject"``,
            ``"evict_lowest"``, ``"evict_oldest"`` or ``"block"``, which waits ``block_ms``); ``priority`` of messages
            that name none (50); ``ttl_ms`` (None: they don't expire); ``lease_ms`` (30 s); ``attempts`` (5), then a
            message is dead; ``backoff`` (``"exponential"`` or ``"fixed"``), ``backoff_ms`` (1 s), ``backoff_most_ms``
            (5 min) and ``jitter`` (0.1, the share that is random); ``dead_letter`` (name of the channel for the dead,
            created where it is new; None: they stay); ``rate_per_s`` and ``burst`` (None: what comes in two seconds);
            ``dedup_ms`` (0), how long a key outlives its message; ``ageing_ms`` (None), after which waiting counts as
            one priority; ``keep_ms`` (0), how long what is done is kept with its result; ``paused`` (False).

        Returns
        -------
        Channel
            All of its settings.

        Raises
        ------
        InvalidValue
            No such setting, or a value it can't have.
        Conflict
            There is a channel of that name; `update_channel` changes it.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     channel = db.queue.create_channel("llm.request", capacity=50, ttl_ms=120_000, priority="high")
        ...     channel.priority, channel.when_full
        (25, 'reject')
        """
        values = {"name": channel_name(channel), **_checked(channel, settings)}
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        try:
            rows = self._session.change(
                f"insert into channel ({names}) values ({marks}) returning {COLUMNS}", (*values.values(),)
            )
        except RuleViolated as error:
            if error.rule != "channel.name":
                raise
            raise Conflict(
                f"a channel must have a name of its own, got {channel!r}, which exists; use db.queue.update_channel"
            ) from error
        return _record(rows[0])

    def channel(self, channel: str, /) -> Channel:
        """Return a channel and its settings.

        Parameters
        ----------
        channel
            Its name.

        Raises
        ------
        ChannelNotFound
            There is none; the message names the closest.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.publish("news", "hello")
        ...     db.queue.channel("news").lease_ms
        30000
        """
        return _record(self._channel(COLUMNS, channel))

    def channels(self) -> builtins.list[Channel]:
        """Return all channels, in the order they were created.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.create_channel("work", dead_letter="work.dead")
        ...     [channel.name for channel in db.queue.channels()]
        ['work', 'work.dead']
        """
        sql = f"select {COLUMNS} from channel order by id"
        return [_record(row) for row in named_rows(self._session, "channel", ("name", "dead_letter"), sql)]

    def update_channel(self, channel: str, /, *, name: str | None = None, **settings: Any) -> Channel:
        """Change settings of a channel, and return it; all others stay.

        Parameters
        ----------
        channel
            Its name.
        name
            Another name; channels whose dead letters it takes follow.
        settings
            As for `create_channel`.

        Raises
        ------
        ChannelNotFound
            There is none of that name.
        InvalidValue
            No such setting, or a value it can't have.
        Conflict
            `name` is another channel's.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.publish("news", "hello")
        ...     db.queue.update_channel("news", capacity=10).capacity
        10

        Notes
        -----
        Messages keep the priority and expiry they were published with. A new `ageing_ms` sorts all of them anew.
        """
        values = _checked(channel_name(channel), settings)
        if name is not None:
            values["name"] = channel_name(name)
        if not values:
            return self.channel(channel)
        changes = ", ".join(f"{column} = ?" for column in values)
        try:
            rows = self._session.change(
                f"update channel set {changes} where name = ? returning {COLUMNS}", (*values.values(), channel)
            )
        except RuleViolated as error:
            if error.rule != "channel.name":
                raise
            raise Conflict(f"a channel must have a name of its own, got {name!r}, which exists") from error
        except apsw.ConstraintError as error:  # of two settings, one of which is older
            rule = "dead_letter must be another channel" if str(error).endswith("dead_letter") else OLDEST
            raise InvalidValue(f"{rule}; got {settings!r} for channel {channel!r}") from error
        if not rows:
            raise self._no_channel(channel)
        changed = _record(rows[0])
        self._session.announce(changed.name)  # it may be paused no longer
        return changed

    def remove_channel(self, channel: str, /) -> int:
        """Remove a channel with its messages, and return how many they were.

        Parameters
        ----------
        channel
            Its name.

        Raises
        ------
        ChannelNotFound
            There is none of that name.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.publish_many("news", ["a", "b"])
        ...     db.queue.remove_channel("news")
        2

        Notes
        -----
        Channels whose dead letters it took keep theirs from then on. One transaction, 4 µs a message; `purge` before it
        where they are many, and others should not wait.
        """
        with self._session.transaction():
            (number,) = self._channel("id", channel)
            count = self._session.rows("select count(*) from message where channel_id = ?", (number,))[0][0]
            self._session.change("delete from channel where id = ?", (number,))
        return count  # type: ignore[no-any-return]

    def pause(self, channel: str, /) -> None:
        """Let nothing be claimed in a channel until `resume`; publishing goes on.

        Parameters
        ----------
        channel
            Its name.

        Raises
        ------
        ChannelNotFound
            There is none of that name.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.publish("news", "hello")
        ...     db.queue.pause("news")
        ...     db.queue.claim("news")
        []
        """
        self.update_channel(channel, paused=True)

    def resume(self, channel: str, /) -> None:
        """End a `pause`.

        Parameters
        ----------
        channel
            Its name.

        Raises
        ------
        ChannelNotFound
            There is none of that name.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.publish("news", "hello")
        ...     db.queue.pause("news")
        ...     db.queue.resume("news")
        ...     len(db.queue.claim("news"))
        1
        """
        self.update_channel(channel, paused=False)

    def configure(self, channels: Mapping[str, Mapping[str, Any]]) -> builtins.list[Channel]:
        """Create or change many channels, all or none, and return them in the given order.

        Parameters
        ----------
        channels
            Name → settings, as for `create_channel`. A channel that exists keeps what is not named; one that is not
            named stays as it is.

        Raises
        ------
        InvalidValue
            No such setting, or a value it can't have.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     made = db.queue.configure({
        ...         "tool.error": {"capacity": 100, "dead_letter": "system.dlq"},
        ...         "system.dlq": {"capacity": 500, "priority": 75},
        ...     })
        ...     [(channel.name, channel.capacity) for channel in made]
        [('tool.error', 100), ('system.dlq', 500)]
        """
        if not isinstance(channels, Mapping) or not all(isinstance(value, Mapping) for value in channels.values()):
            raise InvalidValue(f"channels must map names to settings, got {channels!r}")
        wanted = {channel_name(name): _checked(name, settings) for name, settings in channels.items()}
        made = []
        with self._session.transaction():
            for name, values in wanted.items():
                self._session.change(NEW_CHANNEL, (name,))
                made.append(self.update_channel(name, **values))
        return made


def _checked(channel: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as the columns hold them."""
    values = checked(settings, SETTINGS, f"channel {channel!r}")
    if settings.get("dead_letter") == channel:
        raise InvalidValue(f"dead_letter must be another channel, got {channel!r}; None lets dead messages stay")
    if settings.get("when_full") == "evict_oldest" and settings.get("ageing_ms") is not None:
        raise InvalidValue(f"{OLDEST}; got both for channel {channel!r}")
    return values


def _record(row: tuple[Any, ...]) -> Channel:
    channel = Channel(*row)
    return channel._replace(paused=bool(channel.paused))
