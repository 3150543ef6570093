"""Dead letters: read, told why, and sent back where they came from."""

from __future__ import annotations

import builtins
from collections.abc import Iterable

from ...model.message import Failure, Message, Published
from ..arguments import whole
from ..attempts import MS
from . import clock
from .base import QueuePart, message_id

# What is dead in a channel, or came to it from another.
DEAD = "(state = 'dead' or origin is not null)"
BACK = f"""
    update message
       set channel_id = coalesce((select id from channel where id = message.origin), channel_id),
           origin = null, state = 'ready', claim = null, attempts = 0,
           expires_ns = ?1 + {MS} * (select ttl_ms from channel where id = coalesce(
             (select id from channel where id = message.origin), channel_id)),
           due_ns = ?1 + {MS} * (select ttl_ms from channel where id = coalesce(
             (select id from channel where id = message.origin), channel_id))
     where id in (
         select id from message as m
          where channel_id = ?2 and {DEAD} and (state = 'dead' or state = 'ready' or state = 'delayed')
            and (?3 is null or id in (select value from json_each(?3)))
            and (key is null or not exists (
              select 1 from message_key as k
               where k.channel_id = coalesce((select id from channel where id = m.origin), m.channel_id)
                 and k.key = m.key and k.pending and k.message_id <> m.id))
          order by id limit ?4)"""

RETURNING = " returning (select name from channel where id = channel_id)"


class DeadLetters(QueuePart):
    """Messages that failed for good."""

    def dead(self, channel: str, n: int | None = 100) -> builtins.list[Message]:
        """Return the dead letters that lie in a channel: those that died there, and those that came from others.

        Parameters
        ----------
        channel
            The channel's name.
        n
            At most so many; None: all.

        Returns
        -------
        list of Message
            In the order of publishing. What came from another channel names it as ``origin``. Of one whose text is not
            UTF-8, as other tools may write it, only what can be read can be asked for; `failures` says what it is.

        Raises
        ------
        ChannelNotFound
            There is none of that name.
        InvalidValue
            `n` is negative.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.create_channel("jobs", attempts=1)
        ...     _ = db.queue.publish("jobs", {"n": 1})
        ...     db.queue.nack(db.queue.claim("jobs")[0], "no such file")
        ...     db.queue.dead("jobs")
        [<Message 1 'jobs' dead {"n":1}>]
        """
        most = -1 if n is None else whole(n, "n")
        (channel_id,) = self._channel("id", channel)
        return self._messages(f"where channel_id = ? and {DEAD} order by id limit ?", (channel_id, most))

    def failures(self, message: Published | Message | int) -> builtins.list[Failure]:
        """Return why attempts at a message failed, in order.

        Parameters
        ----------
        message
            What `publish` returned for it, the message or its id. One that is gone has no failures.

        Raises
        ------
        InvalidValue
            `message` is none of these, or was dropped by a full channel.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.publish("jobs", {"n": 1})
        ...     db.queue.nack(db.queue.claim("jobs")[0], ValueError("n must be even"))
        ...     [(failure.attempt, failure.error) for failure in db.queue.failures(1)]
        [(1, 'ValueError: n must be even')]
        """
        sql = "select attempt, error, trace, failed_ns from failure where message_id = ? order by id"
        return [Failure(*row) for row in self._session.rows(sql, (message_id(message),))]

    def redrive(
        self, channel: str, messages: Iterable[Published | Message | int] | None = None, *, n: int | None = None
    ) -> int:
        """Send dead letters back where they came from, to be tried again, and return how many they were.

        Parameters
        ----------
        channel
            The channel they lie in.
        messages
            Only these; None: all. One that is no dead letter of the channel, or that somebody works on, is left alone.
        n
            At most so many, the oldest first, of those that can go back.

        Returns
        -------
        int
            How many went back. They are ready, with all their attempts before them; why they failed is kept.

        Raises
        ------
        ChannelNotFound
            There is none of that name.
        InvalidValue
            An id is none, or `n` is negative.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.create_channel("jobs", attempts=1, dead_letter="jobs.dead")
        ...     _ = db.queue.publish("jobs", {"n": 1})
        ...     db.queue.nack(db.queue.claim("jobs")[0], "no network")
        ...     db.queue.redrive("jobs.dead")
        ...     db.queue.claim("jobs")[0].payload
        1
        {'n': 1}

        Notes
        -----
        They get the time to live of the channel they go back to. What came from a channel that is gone becomes a
        message of the one it lies in. A full channel takes them all the same. A dead letter stays where it is while a
        newer message with its key is pending.
        """
        chosen = None if messages is None else f"[{','.join(str(message_id(message)) for message in messages)}]"
        most = -1 if n is None else whole(n, "n")
        with self._session.transaction():
            (channel_id,) = self._channel("id", channel)
            now, count = clock.now_ns(), 0
            while count != most:  # again, as of two with one key the second stays, and others may go in its place
                back = self._session.change(BACK + RETURNING, (now, channel_id, chosen, max(most - count, -1)))
                for name in {name for (name,) in back}:
                    self._session.announce(name)
                count += len(back)
                if most < 0 or not back:
                    break
        return count
