"""Claimed messages settled: ack, nack, extend, release; singly, and many in one transaction.

Invariant: each statement names the claim, so that who lost a lease to another changes nothing.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from random import random

from ...errors import InvalidValue, LeaseLost
from ...model.message import MESSAGE_COLUMNS, Message
from ..arguments import bound_ids
from . import clock
from .base import MS, held, span_ns, stored
from .claiming import Claiming

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DELETE = "delete from message where id = ?1 and claim = ?2 and (select keep_ms from channel where id = channel_id) = 0"
KEEP = """
    update message
       set state = 'done', claim = null, result = ?,
           due_ns = ? + (select keep_ms from channel where id = channel_id) * 1000000
     where id = ? and claim = ?
    returning id"""
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
     where id = ? and claim = ?
    returning id"""
FAILED = """
    select m.attempts, m.channel_id, c.attempts, c.backoff, c.backoff_ms, c.backoff_most_ms, c.jitter
      from message as m join channel as c on c.id = m.channel_id
     where m.id = ? and m.claim = ?"""
WAIT = """
    update message
       set state = 'delayed', claim = null, due_ns = min(?1, coalesce(expires_ns, ?1))
     where id = ?2"""
DUE = MESSAGE_COLUMNS.index("due_ns")


class Settling(Claiming):
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
        if result is None and session.change(DELETE + " returning id", (number, claim)):
            return
        kept = None if result is None else stored(result, "result")
        with session.transaction():
            if session.change(DELETE + " returning id", (number, claim)):
                return
            if session.change(KEEP, (kept, clock.now_ns(), number, claim)):
                return
        raise _lost(message)

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
        Beside the commit 4 µs a message, for messages that one call claimed.
        """
        given = list(messages)
        claims: dict[int, builtins.list[int]] = {}
        for message in given:
            number, claim = held(message)
            claims.setdefault(claim, []).append(number)
        done: set[int] = set()
        if not given:
            return []
        session = self._session
        with session.transaction():
            for claim, numbers in claims.items():
                ids = bound_ids(numbers)
                acked = session.change(DELETE_MANY, (ids, claim))
                if len(acked) < len(numbers):
                    acked += session.change(KEEP_MANY, (ids, claim, clock.now_ns()))
                done.update([row[0] for row in acked])
        return [message for message in given if message.id not in done] if len(done) < len(given) else []

    def nack(
        self,
        message: Message,
        error: BaseException | str = "",
        *,
        trace: str | None = None,
        delay_s: float | None = None,
    ) -> None:
        """Say that an attempt failed: the message waits and is tried again or, after its last attempt, is dead.

        Parameters
        ----------
        message
            As `claim` or `extend` returned it.
        error
            What went wrong: an exception, whose traceback is kept too, or a text.
        trace
            Where it went wrong.
        delay_s
            How long it waits; None: as the channel's back-off says.

        Raises
        ------
        LeaseLost
            The message is not yours any more.
        InvalidValue
            `message` was not claimed, or another argument breaks its rule.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.create_channel("jobs", attempts=1, dead_letter="jobs.dead")
        ...     _ = db.queue.publish("jobs", {"n": 1})
        ...     [message] = db.queue.claim("jobs")
        ...     db.queue.nack(message, "no such file")
        ...     [dead] = db.queue.dead("jobs.dead")
        ...     dead.origin, db.queue.failures(dead)[0].error
        ('jobs', 'no such file')
        """
        if not self._fail(message, error, trace, delay_s):
            raise _lost(message)

    def nack_many(
        self,
        messages: Iterable[Message],
        error: BaseException | str = "",
        *,
        trace: str | None = None,
        delay_s: float | None = None,
    ) -> builtins.list[Message]:
        """Say that attempts failed, in one transaction, and return the messages that were not yours any more.

        Parameters
        ----------
        messages
            As `claim` or `extend` returned them.
        error, trace, delay_s
            As for `nack`, for all of them.

        Returns
        -------
        list of Message
            Those whose lease was lost, in the given order.

        Raises
        ------
        InvalidValue
            One was not claimed, or another argument breaks its rule; nothing is changed.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.publish_many("jobs", [1, 2])
        ...     db.queue.nack_many(db.queue.claim("jobs", 2), "no network", delay_s=60)
        ...     db.queue.stats("jobs").delayed
        []
        2
        """
        given = list(messages)
        for message in given:
            held(message)
        with self._session.transaction():
            return [message for message in given if not self._fail(message, error, trace, delay_s)]

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
        lost = self.extend_many([message], lease_s)
        if isinstance(lost[0], Message):
            return lost[0]
        raise _lost(message)

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
        until = clock.now_ns() + self._grace_ns
        due: builtins.list[int | None] = []
        with self._session.transaction():
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
        if not self._session.change(RELEASE, held(message)):
            raise _lost(message)

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
        pairs = [(message, held(message)) for message in messages]
        with self._session.transaction():
            return [message for message, pair in pairs if not self._session.change(RELEASE, pair)]

    def _fail(self, message: Message, error: BaseException | str, trace: str | None, delay_s: float | None) -> bool:
        """Note a failure and what follows from it; return False where the lease was lost."""
        number, claim = held(message)
        text, trace = _said(error, trace)
        delay_ns = None if delay_s is None else span_ns(delay_s, "delay_s")
        session = self._session
        with session.transaction():
            rows = session.rows(FAILED, (number, claim))
            if not rows:
                return False
            attempts, channel_id, most, *backoff = rows[0]
            now = clock.now_ns()
            self._note_failures([number], text, trace, now)
            if attempts >= most:
                self._bury(channel_id, [number], now)
                return True
            wait = _backoff_ns(attempts, *backoff) if delay_ns is None else delay_ns
            session.change(WAIT, (now + wait, number))
        return True


def _backoff_ns(attempts: int, backoff: str, first_ms: int, most_ms: int, jitter: float) -> int:
    """Return how long a message waits: doubled with each attempt, up to a ceiling, less a random share."""
    times = 1 if backoff == "fixed" else 1 << min(attempts - 1, 42)
    return round(min(first_ms * times, most_ms) * MS * (1 - jitter * random()))


def _said(error: BaseException | str, trace: str | None) -> tuple[str, str | None]:
    """Return what the file keeps of an error."""
    if isinstance(error, BaseException):
        if trace is None and error.__traceback__ is not None:
            from traceback import format_exception

            trace = "".join(format_exception(error))
        error = f"{type(error).__name__}: {error}"
    if not isinstance(error, str) or not isinstance(trace, str | None):
        raise InvalidValue(f"error must be an exception or a text, and trace a text, got {error!r} and {trace!r}")
    return _storable(error), None if trace is None else _storable(trace)


def _storable(text: str) -> str:
    """Return text that a column holds whole: an error's own words may have anything in them."""
    return text.replace("\x00", "�").encode(errors="replace").decode()


def _lost(message: Message) -> LeaseLost:
    return LeaseLost(
        f"message {message.id} must still be yours, but its lease ran out and others took it, or it was settled "
        "before; claim with more lease_s, or extend it in time"
    )
