"""Messages and figures read without claiming; messages cancelled and purged."""

from __future__ import annotations

import builtins

from ...errors import InvalidValue, MessageNotFound
from ...model.message import STATES, ChannelStats, Message, Published
from ..arguments import whole
from ..named import named_rows
from . import clock
from .base import QueuePart, channel_name, message_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PURGED_AT_ONCE = 2048  # 50 ms under the write lock
# ?1 channel_id, ?2 after, ?3 state, ?4 how many. The plus keeps the planner to the range of ids.
NEAR = """
    +channel_id = ?1 and id > ?2 and id <= (?2 + 10000) and (?3 is null or state = ?3) order by id limit ?4"""
ANYWHERE = """
    id in (select id from message where channel_id = ?1 {}) and id > ?2 order by id limit ?4"""
# Each figure by an index of its own: so it grows with the messages of the channel and not with those of the file.
STATS = """
    select name,
           (select count(*) from message where channel_id = c.id and state = 'ready')
           - (select count(*) from message where channel_id = c.id and state = 'ready' and due_ns <= ?1)
           + (select count(*) from message
               where channel_id = c.id and state = 'delayed' and turn <= ?1 and coalesce(expires_ns > ?1, 1))
           + (select count(*) from message
               where channel_id = c.id and state = 'claimed' and turn <= ?1 and attempts < c.attempts
                 and coalesce(expires_ns > ?1, 1)),
           (select count(*) from message where channel_id = c.id and state = 'delayed' and turn > ?1),
           (select count(*) from message where channel_id = c.id and state = 'claimed' and turn > ?1),
           (select count(*) from message where channel_id = c.id and state = 'done' and turn > ?1),
           (select count(*) from message where channel_id = c.id and state = 'dead')
           + (select count(*) from message
               where channel_id = c.id and state = 'claimed' and turn <= ?1 and attempts >= c.attempts),
           evicted,
           expired
           + (select count(*) from message where channel_id = c.id and state = 'ready' and due_ns <= ?1)
           + (select count(*) from message
               where channel_id = c.id and state = 'delayed' and turn <= ?1 and expires_ns <= ?1)
           + (select count(*) from message
               where channel_id = c.id and state = 'claimed' and turn <= ?1 and attempts < c.attempts
                 and expires_ns <= ?1),
           (select min(published_ns) from (
              select published_ns from message
               where channel_id = c.id and state = 'ready' and coalesce(due_ns > ?1, 1)
              union all
              select published_ns from message
               where channel_id = c.id and state = 'delayed' and turn <= ?1 and coalesce(expires_ns > ?1, 1)
              union all
              select published_ns from message
               where channel_id = c.id and state = 'claimed' and turn <= ?1 and attempts < c.attempts
                 and coalesce(expires_ns > ?1, 1))),
           paused
      from channel as c
     where ?2 is null or name = ?2
     order by id"""


class Looking(QueuePart):
    """Messages seen without being claimed."""

    def get(self, message: Published | Message | int) -> Message:
        """Return a message as it is now, with its result where it is done and kept.

        Parameters
        ----------
        message
            What `publish` returned for it, the message or its id.

        Raises
        ------
        MessageNotFound
            It is gone: acked where nothing is kept, cancelled, dropped or purged; or never was.
        InvalidValue
            `message` is none of these, or was dropped by a full channel.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.create_channel("jobs", keep_ms=60_000)
        ...     published = db.queue.publish("jobs", {"n": 20})
        ...     db.queue.ack(db.queue.claim("jobs")[0], {"n": 40})
        ...     db.queue.get(published).result
        {'n': 40}
        """
        number = message_id(message)
        found = self._messages("where id = ?", (number,))
        if not found:
            raise MessageNotFound(
                f"no message has the id {number}; it was acked in a channel without keep_ms, cancelled or dropped"
            )
        return found[0]

    def peek(self, channel: str, n: int = 1) -> builtins.list[Message]:
        """Return the messages that are ready, in the order they would be claimed, and leave them.

        Parameters
        ----------
        channel
            The channel's name.
        n
            At most so many.

        Returns
        -------
        list of Message
            What is due since the last claim (delays that are over, leases that ran out) is not yet among them.

        Raises
        ------
        InvalidValue
            `channel` can't be a name, or `n` is negative.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.publish("jobs", {"n": 1})
        ...     db.queue.peek("jobs")
        [<Message 1 'jobs' ready {"n":1}>]
        """
        most = whole(n, "n")
        rows = self._session.rows("select id from channel where name = ?", (channel_name(channel),))
        if not rows:
            return []
        return self._messages(
            "where channel_id = ? and state = 'ready' and (due_ns is null or due_ns > ?) order by turn, id limit ?",
            (rows[0][0], clock.now_ns(), most),
        )

    def list(
        self, channel: str, state: str | None = None, n: int | None = 100, *, after: Message | int = 0
    ) -> builtins.list[Message]:
        """Return messages of a channel in the order of publishing, whatever becomes of them.

        Parameters
        ----------
        channel
            The channel's name.
        state
            Only those ``"ready"``, ``"delayed"``, ``"claimed"``, ``"done"`` or ``"dead"``.
        n
            At most so many; None: all.
        after
            Only those published after this one: the last of the page before.

        Raises
        ------
        ChannelNotFound
            There is none of that name.
        InvalidValue
            No such state, or `n` is negative.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.publish_many("jobs", ["a", "b"]), db.queue.claim("jobs")
        ...     [(message.payload, message.state) for message in db.queue.list("jobs")]
        [('a', 'claimed'), ('b', 'ready')]

        Notes
        -----
        A page looks at the next 10,000 messages, whatever their channel. Where these are too few, and for all, it grows
        with the messages of the channel, or of the state: no index has them by id, which would cost each publish 20 %.
        """
        most = -1 if n is None else whole(n, "n")
        first = 0 if after == 0 else message_id(after)
        wanted = _state(state)
        (channel_id,) = self._channel("id", channel)
        if most >= 0:
            found = self._messages(f"where {NEAR}", (channel_id, first, wanted, most))
            if len(found) == most:
                return found
        anywhere = ANYWHERE.format("and state = ?3" if wanted else "")
        return self._messages(f"where {anywhere}", (channel_id, first, wanted, most))

    def stats(self, channel: str) -> ChannelStats:
        """Return what is in a channel.

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
        ...     _ = db.queue.publish_many("jobs", ["a", "b"]), db.queue.claim("jobs")
        ...     stats = db.queue.stats("jobs")
        ...     stats.ready, stats.claimed
        (1, 1)

        Notes
        -----
        Counts as of now, also what is due and nobody has claimed since; what that makes a dead letter of another
        channel is counted here, as dead, until it moves. Grows with the messages of the channel.
        """
        self._channel("id", channel)
        return _stats(self._session.rows(STATS, (clock.now_ns(), channel))[0])

    def stats_of_all(self) -> builtins.list[ChannelStats]:
        """Return what is in each channel, in the order they were created.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.publish("jobs", "a"), db.queue.publish("news", "b")
        ...     [(stats.channel, stats.ready) for stats in db.queue.stats_of_all()]
        [('jobs', 1), ('news', 1)]
        """
        rows = named_rows(self._session, "channel", ("name",), STATS, (clock.now_ns(), None))
        return [_stats(row) for row in rows]

    def cancel(self, message: Published | Message | int) -> bool:
        """Delete a message that nobody works on yet; return False where it is too late.

        Parameters
        ----------
        message
            What `publish` returned for it, the message or its id.

        Returns
        -------
        bool
            True where it was ready or delayed; False where it is claimed, done, dead or gone.

        Raises
        ------
        InvalidValue
            `message` is none of these, or was dropped by a full channel.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     published = db.queue.publish("jobs", {"n": 1}, delay_s=60)
        ...     db.queue.cancel(published), db.queue.cancel(published)
        (True, False)
        """
        sql = "delete from message where id = ? and (state = 'ready' or state = 'delayed') returning id"
        return bool(self._session.change(sql, (message_id(message),)))

    def purge(self, channel: str, state: str | None = None) -> int:
        """Delete the messages of a channel, and return how many they were.

        Parameters
        ----------
        channel
            The channel's name.
        state
            Only those ``"ready"``, ``"delayed"``, ``"claimed"``, ``"done"`` or ``"dead"``; None: all, also those that
            somebody works on.

        Raises
        ------
        ChannelNotFound
            There is none of that name.
        InvalidValue
            No such state.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.publish_many("jobs", ["a", "b"])
        ...     db.queue.purge("jobs"), db.queue.stats("jobs").ready
        (2, 0)

        Notes
        -----
        Outside a transaction it commits every 2,048 messages, so that nobody waits long; what is published meanwhile
        stays.
        """
        wanted = _state(state)
        (channel_id,) = self._channel("id", channel)
        last = self._session.rows("select coalesce(max(id), 0) from message")[0][0]
        sql = f"""
            select id from message
             where channel_id = ?1 {"and state = ?4" if wanted else ""} and id <= ?2
             limit ?3"""
        count = 0
        while True:
            with self._session.transaction():
                rows = self._session.rows(sql, (channel_id, last, PURGED_AT_ONCE, wanted)[: 3 + bool(wanted)])
                self._drop([id for (id,) in rows])
            count += len(rows)
            if len(rows) < PURGED_AT_ONCE:
                return count


def _state(state: str | None) -> str | None:
    if state is not None and state not in STATES:
        raise InvalidValue(f"state must be None or one of {', '.join(map(repr, STATES))}, got {state!r}")
    return state


def _stats(row: tuple[Any, ...]) -> ChannelStats:
    return ChannelStats(*row)._replace(paused=bool(row[-1]))
