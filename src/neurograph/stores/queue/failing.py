"""Claimed messages that failed: nack, singly and many in one transaction; they wait, or are dead.

Invariant: a message is looked at by its claim, so that who lost a lease to another changes nothing.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable

from ...model.message import Message
from ..attempts import backoff_ns, said, span_ns
from . import clock
from .base import held, lost
from .claiming import Claiming

FAILED = """
    select m.attempts, m.channel_id, c.attempts, c.backoff, c.backoff_ms, c.backoff_most_ms, c.jitter
      from message as m join channel as c on c.id = m.channel_id
     where m.id = ? and m.claim = ?"""
WAIT = """
    update message
       set state = 'delayed', claim = null, due_ns = min(?1, coalesce(expires_ns, ?1))
     where id = ?2"""


class Failing(Claiming):
    """What becomes of messages that failed."""

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
            raise lost(message)

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

    def _fail(self, message: Message, error: BaseException | str, trace: str | None, delay_s: float | None) -> bool:
        """Note a failure and what follows from it; return False where the lease was lost."""
        number, claim = held(message)
        text, trace = said(error, trace)
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
            wait = backoff_ns(attempts, *backoff) if delay_ns is None else delay_ns
            session.change(WAIT, (now + wait, number))
            session.announce(message.channel)
        return True
