"""Claimed messages settled: ack, extend, release; singly, and many in one transaction.

Invariant: each statement names the claim, so that who lost a lease to another changes nothing.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable

from ...model.message import MESSAGE_COLUMNS, Message
from ..arguments import bound_ids
from ..attempts import MS, by_claim, span_ns, stored
from . import clock
from .base import held, lost
from .failing import Failing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DELETE = "delete from message where id = ?1 and claim = ?2 and (select keep_ms from channel where id = channel_id) = 0"
KEEP = """
    update message
       set state = 'done', claim = null, result = ?,
           due_ns = ? + (select keep_ms from channel where id = channel_id) * 1000000
     where id = ? and claim = ?"""
DELETE_MANY = """
    delete from message
     where id in (select value from carray(?1)) and claim = ?2
       and (select keep_ms from channel where id = channel_id) = 0
    returning id"""
KEEP_MANY = """
    update message
       set state = 'done', claim = null, due_ns = ?3 + (select keep_ms from channel where id = channel_id) * 1000000
     where id in (select value from carray(?1)) and claim = ?2
    returning id"""
RELEASE = """
    update message set state = 'ready', claim = null, due_ns = expires_ns, attempts = attempts - 1
     where id = ? and claim = ?"""
DUE = MESSAGE_COLUMNS.index("due_ns")


class Settling(Failing):
    """What becomes of claimed messages."""

    def ack(self, message: Message, result: Any = None) -> None:
        """Say that a message is done: it is deleted or, where its channel has a ``keep_ms``, kept with its result.

        Parameters
        ----------
        message
            As `claim` or `extend` returned it.
        result
            What to keep: a JSON value or bytes.

        Raises
        ------
        LeaseLost
            The lease ran out and the message was claimed again, settled or removed; it is not yours to ack.
        InvalidValue
            `message` was not claimed, or `result` is no JSON value.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.publish("jobs", {"n": 1})
        ...     [message] = db.queue.claim("jobs")
        ...     db.queue.ack(message)
        ...     db.queue.peek("jobs")
        []
        """
        number, claim = held(message)
        session = self._session
        if result is None and session.changed(DELETE, (number, claim)):
            return
        kept = None if result is None else stored(result, "result")
        with session.transaction():
            if session.changed(DELETE, (number, claim)):
                return
            if session.changed(KEEP, (kept, clock.now_ns(), number, claim)):
                return
        raise lost(message)

    def ack_many(self, messages: Iterable[Message]) -> builtins.list[Message]:
        """Say that messages are done, in one transaction, and return those that were not yours any more.

        Parameters
        ----------
        messages
            As `claim` or `extend` returned them.

        Returns
        -------
        list of Message
            Those whose lease was lost, in the given order; empty where all went well. The others are acked all the
            same.

        Raises
        ------
        InvalidValue
            One was not claimed; none is acked.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.publish_many("jobs", [1, 2, 3])
        ...     db.queue.ack_many(db.queue.claim("jobs", 3))
        []

        Notes
        -----
        Beside the commit 2.2 µs a message, for messages that one call claimed.
        """
        given = list(messages)
        claims = by_claim(map(held, given))
        done: set[tuple[int, int]] = set()
        if not given:
            return []
        session = self._session
        with session.transaction():
            for claim, numbers in claims.items():
                ids = bound_ids(numbers)
                acked = session.change(DELETE_MANY, (ids, claim))
                if len(acked) < len(numbers):
                    acked += session.change(KEEP_MANY, (ids, claim, clock.now_ns()))
                done.update([(row[0], claim) for row in acked])
        return [message for message in given if held(message) not in done] if len(done) < len(given) else []

    def extend(self, message: Message, lease_s: float | None = None) -> Message:
        """Keep a message for another lease from now on, and return its record.

        Parameters
        ----------
        message
            As `claim` or `extend` returned it; both records can be acked.
        lease_s
            How long; None: the channel's ``lease_ms``.

        Raises
        ------
        LeaseLost
            The message is not yours any more.
        InvalidValue
            `message` was not claimed, or `lease_s` is negative.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.publish("jobs", {"n": 1})
        ...     [message] = db.queue.claim("jobs", lease_s=1)
        ...     longer = db.queue.extend(message, 60)
        ...     longer.due_ns > message.due_ns
        True
        """
        (longer,) = self.extend_many([message], lease_s)
        if longer is not None:
            return longer
        raise lost(message)

    def extend_many(self, messages: Iterable[Message], lease_s: float | None = None) -> builtins.list[Message | None]:
        """Keep messages for another lease, in one transaction, and return their records.

        Parameters
        ----------
        messages
            As `claim` or `extend` returned them.
        lease_s
            As for `extend`.

        Returns
        -------
        list of Message or None
            In the given order; None for one that is not yours any more.

        Raises
        ------
        InvalidValue
            One was not claimed, or `lease_s` is negative; nothing is changed.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.publish_many("jobs", [1, 2])
        ...     len(db.queue.extend_many(db.queue.claim("jobs", 2), 60))
        2
        """
        given = list(messages)
        lease_ns = None if lease_s is None else span_ns(lease_s, "lease_s")
        pairs = [held(message) for message in given]
        due: builtins.list[int | None] = []
        with self._session.transaction():
            until = clock.now_ns() + self._grace_ns  # not before: others may have kept the file for a while
            for number, claim in pairs:
                rows = self._session.change(
                    "update message set due_ns = ?1 + coalesce(?2, "
                    f"(select lease_ms from channel where id = channel_id) * {MS}) "
                    "where id = ?3 and claim = ?4 returning due_ns",
                    (until, lease_ns, number, claim),
                )
                due.append(rows[0][0] if rows else None)
        return [
            None if end is None else Message((*message._row[:DUE], end, *message._row[DUE + 1 :]))
            for message, end in zip(given, due, strict=True)
        ]

    def release(self, message: Message) -> None:
        """Give a message back as if it had not been claimed: it is ready, in its old place.

        Parameters
        ----------
        message
            As `claim` or `extend` returned it.

        Raises
        ------
        LeaseLost
            The message is not yours any more.
        InvalidValue
            `message` was not claimed.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.publish("jobs", {"n": 1})
        ...     [message] = db.queue.claim("jobs")
        ...     db.queue.release(message)
        ...     db.queue.claim("jobs")[0].attempts
        1
        """
        if not self._release(message):
            raise lost(message)

    def release_many(self, messages: Iterable[Message]) -> builtins.list[Message]:
        """Give messages back, in one transaction, and return those that were not yours any more.

        Parameters
        ----------
        messages
            As `claim` or `extend` returned them.

        Returns
        -------
        list of Message
            Those whose lease was lost, in the given order.

        Raises
        ------
        InvalidValue
            One was not claimed; nothing is changed.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.publish_many("jobs", [1, 2])
        ...     db.queue.release_many(db.queue.claim("jobs", 2))
        []
        """
        given = list(messages)
        for message in given:
            held(message)
        with self._session.transaction():
            return [message for message in given if not self._release(message)]

    def _release(self, message: Message) -> bool:
        """Return False where the lease was lost."""
        if not self._session.changed(RELEASE, held(message)):
            return False
        self._session.announce(message.channel)
        return True
