"""Answers waited for: the result of a message, and the reply to a request."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from math import inf

from ...connection.scope import deadline_after
from ...connection.waiting import Waiting
from ...errors import ChannelFull, DeadlineExceeded, InvalidValue, MessageFailed, MessageNotFound, TransactionOpen
from ...model.message import Message, Published
from ..event_triggers import switched_off
from . import clock
from .base import channel_name, header_text, held, message_id
from .looking import Looking
from .publishing import Publishing
from .working import Working

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

REPLY_KEPT_S = 3600  # for who asked; in the channel of replies nobody else claims
# Then, what time alone may decide, and when: that it expires, or that its last lease runs out.
FATE = """
    select state,
           origin is not null or state = 'dead',
           (select error from failure where message_id = message.id order by failure.id desc limit 1),
           channel_id,
           case state when 'claimed' then due_ns when 'done' then null else expires_ns end
      from message
     where id = ?"""
REPLY = """
    select message_id from message_key
     where channel_id = (select id from channel where name = ?) and key = ? and pending"""

TELL_DONE = """
    insert into event (type_id, data)
    select t.id, json_object('id', m.id, 'channel', c.name)
      from event_type as t, message as m join channel as c on c.id = m.channel_id
     where t.name = 'queue.done' and t.enabled and m.id = ? and m.state <> 'claimed'"""


class Requesting(Working, Publishing, Looking):
    """What became of a message, for who published it."""

    def wait_result(self, message: Published | Message | int, *, timeout_s: float | None = None) -> Any:
        """Wait until a message is done, and return the result it was acked with.

        Parameters
        ----------
        message
            What `publish` returned for it, the message or its id. Its channel must have a ``keep_ms``, or the result is
            gone with the message.
        timeout_s
            How long to wait; None: for ever.

        Returns
        -------
        object
            A JSON value or bytes; None where it was acked without a result.

        Raises
        ------
        MessageFailed
            It is dead: after its last attempt, which the text tells.
        MessageNotFound
            It is gone: acked where nothing is kept, cancelled, expired, dropped or purged; or never was.
        DeadlineExceeded
            It is not done after `timeout_s`; it may still be.
        TransactionOpen
            The thread has a transaction open: while it has, nobody else can work.
        Closed, Interrupted
            The database was closed, or `interrupt` called, while it waits.
        InvalidValue
            `message` is none of these, or `timeout_s` negative.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.create_channel("sums", keep_ms=60_000)
        ...     asked = db.queue.publish("sums", [1, 2, 3])
        ...     with db.queue.work("sums", lambda message: sum(message.payload)):
        ...         db.queue.wait_result(asked, timeout_s=10)
        6
        """
        number = message_id(message)
        self._may_wait("wait for a result")
        end = deadline_after(timeout_s)
        with Waiting(self._session) as waiting:
            while True:
                seen = waiting.seen()
                state, due_s = self._fate(waiting, number)
                if state == "done":
                    return self.get(number).result
                if not _waited(waiting, seen, end, due_s):
                    raise DeadlineExceeded(
                        f"message {number} was not done within {timeout_s} s; it may still be; ask again, or give more "
                        "timeout_s"
                    )

    def request(
        self,
        channel: str,
        payload: Any,
        *,
        timeout_s: float = 30.0,
        priority: int | str | None = None,
        headers: Mapping[str, Any] | None = None,
        reply_to: str | None = None,
    ) -> Message:
        """Publish a request, wait until somebody replies, and return the reply.

        Parameters
        ----------
        channel
            The channel's name.
        payload
            A JSON value or bytes.
        timeout_s
            How long to wait; a request that nobody has claimed by then is dropped.
        priority, headers
            As for `publish`. The headers ``reply_to`` and ``correlation`` are added.
        reply_to
            The channel that the reply comes to; None: the channel's name with ``".replies"`` behind it.

        Returns
        -------
        Message
            The reply, which is taken out of its channel.

        Raises
        ------
        MessageFailed
            The request is dead: after its last attempt, which the text tells; or somebody acked it without a reply.
        DeadlineExceeded
            There is no reply after `timeout_s`.
        TransactionOpen
            The thread has a transaction open: nobody can see the request before it ends.
        ChannelFull, RateLimited, InvalidValue
            As `publish`; a channel that blocks does so for at most `timeout_s`.
        Closed, Interrupted
            The database was closed, or `interrupt` called, while it waits.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     with db.queue.work("sums", lambda message: sum(message.payload)):
        ...         db.queue.request("sums", [1, 2, 3], timeout_s=10).payload
        6
        """
        self._may_wait("wait for a reply")
        back = channel_name(f"{channel_name(channel)}.replies" if reply_to is None else reply_to)
        end, correlation = deadline_after(timeout_s), os.urandom(16).hex()
        if end is None:
            raise InvalidValue("timeout_s must be a number of seconds, got None; a request can't wait for ever")
        about = {**_said(headers), "reply_to": back, "correlation": correlation}
        with Waiting(self._session, back) as waiting:
            asked = self._ask(channel, payload, end, priority=priority, headers=about, ttl_s=timeout_s)
            if asked.id is None:
                raise MessageFailed(
                    f"channel {channel!r} dropped the request, as it is full of what is not less urgent; ask later, or "
                    "with a more urgent priority"
                )
            while True:
                seen = waiting.seen()
                if reply := self._taken(waiting, back, correlation):
                    return reply
                settled, due_s = self._settled(waiting, asked.id)
                if settled and (reply := self._taken(waiting, back, correlation)):  # it came between the two looks
                    return reply
                if settled and time.monotonic() < end:  # later it has expired
                    raise MessageFailed(f"message {asked.id} was acked, cancelled or dropped, and nobody replied to it")
                if settled or not _waited(waiting, seen, end, due_s):
                    self.cancel(asked.id)  # it would expire a moment later: its time to live began with the publish
                    raise DeadlineExceeded(
                        f"nobody replied to message {asked.id} in channel {channel!r} within {timeout_s} s; see that a "
                        "worker runs, or give more timeout_s"
                    )

    def reply(self, message: Message, payload: Any, *, headers: Mapping[str, Any] | None = None) -> None:
        """Answer a request, and ack it, in one transaction.

        Parameters
        ----------
        message
            As `claim` or `extend` returned it, with the headers ``reply_to`` and ``correlation``.
        payload
            A JSON value or bytes.
        headers
            What else to say; ``correlation`` is added.

        Raises
        ------
        LeaseLost
            The message is not yours any more; nothing is published.
        ChannelFull, RateLimited
            The reply's channel has no room for it, whatever its policy, or gets more than its rate; nothing is acked.
        InvalidValue
            The message is no request, or an argument breaks its rule.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     asked = {"reply_to": "answers", "correlation": "1"}
        ...     _ = db.queue.publish("sums", [1, 2, 3], headers=asked)
        ...     [message] = db.queue.claim("sums")
        ...     db.queue.reply(message, sum(message.payload))
        ...     db.queue.peek("answers")[0].payload
        6

        Notes
        -----
        A reply that nobody has waited for is dropped after an hour. The correlation is its key, so that a request
        which is answered twice has one reply.
        """
        held(message)
        said = message.headers
        back, correlation = said.get("reply_to"), said.get("correlation")
        if not isinstance(back, str) or not isinstance(correlation, str) or not back or not correlation:
            raise InvalidValue(
                f"message must have the headers reply_to and correlation, got {said!r}; ack it, with a result if you "
                "like"
            )
        with self._session.transaction():
            answer = self.publish(
                back, payload, key=correlation, headers={**_said(headers), "correlation": correlation},
                ttl_s=REPLY_KEPT_S,
            )  # fmt: skip
            if answer.id is None:
                raise ChannelFull(
                    f"channel {back!r} must have room for the reply, but is full of what is not less urgent; claim and "
                    "ack some, or raise capacity with db.queue.update_channel"
                )
            self.ack(message)

    def _ask(self, channel: str, payload: Any, latest: float, **how: Any) -> Published:
        """Publish a request; where the channel blocks, wait for room no longer than for the reply."""
        end = None
        while True:
            try:
                with self._session.transaction():  # in which a publish does not wait
                    return self.publish(channel, payload, **how)
            except ChannelFull:
                if (end := self._wait_for_room(channel, end, latest)) is None:
                    raise

    def _may_wait(self, what: str) -> None:
        self._session.require_open()
        if self._session.in_transaction:
            raise TransactionOpen(
                f"cannot {what}; a transaction is open here, and while it is nobody else can write; end it first"
            )

    def _fate(self, waiting: Waiting, number: int) -> tuple[str, float | None]:
        """Return the state of a message that is there and not dead, and in how many seconds time may end it."""
        rows, now = waiting.rows(FATE, (number,)), clock.now_ns()
        if rows and rows[0][4] is not None and rows[0][4] <= now and not self._session.options.read_only:
            self._pass_time(rows[0][3], now)  # nobody else may
            rows = waiting.rows(FATE, (number,))
        if not rows:
            raise MessageNotFound(
                f"message {number} is gone: cancelled, expired, or acked in a channel without keep_ms, where results "
                "are not kept"
            )
        state, dead, error, _, due = rows[0]
        if dead:
            raise MessageFailed(f"message {number} failed for good: {error or 'no error was told'}")
        return state, None if due is None or due <= now else (due - now) / 1e9

    def _settled(self, waiting: Waiting, number: int) -> tuple[bool, float | None]:
        try:
            state, due_s = self._fate(waiting, number)
        except MessageNotFound:
            return True, None
        return state == "done", due_s

    def _taken(self, waiting: Waiting, channel: str, correlation: str) -> Message | None:
        """Take a reply out of its channel, if it is there; what others did not wait for goes as well."""
        rows = waiting.rows(REPLY, (channel, correlation))
        if not rows:
            return None
        with self._session.transaction():
            reply = self.get(rows[0][0])
            connection = self._session.writer.connection
            with switched_off(connection, "queue.dropped"):  # as the triggers take what goes without a claim
                connection.execute(TELL_DONE, (reply.id,))
                connection.execute("delete from message where id = ?", (reply.id,))
            (channel_id,) = self._channel("id", channel)
        self._pass_time(channel_id, clock.now_ns())
        return reply


def _said(headers: Mapping[str, Any] | None) -> Mapping[str, Any]:
    header_text(headers)  # refuses what is none
    return headers or {}


def _waited(waiting: Waiting, seen: int, end: float | None, due_s: float | None) -> bool:
    """Wait for a commit, and at most until time ends a message; False where `end` was earlier."""
    due = inf if due_s is None else time.monotonic() + due_s
    if end is not None and end <= due:
        return waiting.wait(seen, end)
    waiting.wait(seen, None if due_s is None else due)
    return True
