"""Claimed entries that failed: nack, singly and many in one transaction; they wait, or are dead; and the way back.

Invariant: an entry is looked at by its claim, so that who lost a lease to another changes nothing.
"""

from __future__ import annotations

import builtins
import json
from collections.abc import Iterable

from ...model.topic import Entry
from ..arguments import whole
from ..attempts import backoff_ns, said, span_ns
from . import clock
from .base import entry_id, held, lost
from .claiming import Claiming

FAILED = """
    select d.attempts, s.attempts, s.backoff, s.backoff_ms, s.backoff_most_ms, s.jitter
      from delivery as d join subscription as s on s.id = d.subscription_id
     where d.entry_id = ? and d.subscription_id = ? and d.claim = ?"""
WAIT = """
    update delivery set state = ?, claim = null, due_ns = ?, error = ?, trace = ?, failed_ns = ?
     where entry_id = ? and subscription_id = ?"""
BACK = """
    update delivery set state = 'ready', attempts = 0
     where subscription_id = ?1
       and entry_id in (
         select entry_id from delivery
          where subscription_id = ?1 and state = 'dead'
            and (?2 is null or entry_id in (select value from json_each(?2)))
          order by entry_id limit ?3)
    returning entry_id"""


class Failing(Claiming):
    """What becomes of entries that failed."""

    def nack(
        self,
        entry: Entry,
        error: BaseException | str = "",
        *,
        trace: str | None = None,
        delay_s: float | None = None,
    ) -> None:
        """Say that an attempt failed: the entry waits and is tried again or, after its last attempt, is dead.

        Newer entries don't wait for it. What is dead stays, for this subscription alone, until `redrive`.

        Parameters
        ----------
        entry
            As `claim` or `extend` returned it.
        error
            What went wrong: an exception, whose traceback is kept too, or a text.
        trace
            Where it went wrong.
        delay_s
            How long it waits; None: as the subscription's back-off says.

        Raises
        ------
        LeaseLost
            The entry is not yours any more.
        InvalidValue
            `entry` was not claimed, or another argument breaks its rule.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     mails = db.topics.subscribe("mails", "news", attempts=1)
        ...     _ = db.topics.publish("news", "hello")
        ...     [entry] = mails.claim()
        ...     mails.nack(entry, "no network")
        ...     mails.dead()[0].error
        'no network'
        """
        if not self._fail(entry, error, trace, delay_s):
            raise lost(entry)

    def nack_many(
        self,
        entries: Iterable[Entry],
        error: BaseException | str = "",
        *,
        trace: str | None = None,
        delay_s: float | None = None,
    ) -> builtins.list[Entry]:
        """Say that attempts failed, in one transaction, and return the entries that were not yours any more.

        Parameters
        ----------
        entries
            As `claim` or `extend` returned them.
        error, trace, delay_s
            As for `nack`, for all of them.

        Returns
        -------
        list of Entry
            Those whose lease was lost, in the given order.

        Raises
        ------
        InvalidValue
            One was not claimed, or another argument breaks its rule; nothing is changed.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     mails = db.topics.subscribe("mails", "news")
        ...     _ = db.topics.publish_many("news", ["a", "b"])
        ...     mails.nack_many(mails.claim(2), "no network", delay_s=60)
        ...     mails.stats().delayed
        []
        2
        """
        given = list(entries)
        for entry in given:
            held(entry)
        with self._session.transaction():
            return [entry for entry in given if not self._fail(entry, error, trace, delay_s)]

    def redrive(self, entries: Iterable[Entry | int] | None = None, *, n: int | None = None) -> int:
        """Let what is dead be tried again, and return how many entries that are.

        Parameters
        ----------
        entries
            Only these, entries or ids; None: all. One that is not dead is left alone.
        n
            At most so many, the oldest first.

        Returns
        -------
        int
            How many are ready again, with all their attempts before them; why they failed is kept.

        Raises
        ------
        InvalidValue
            An id is none, or `n` is negative.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     mails = db.topics.subscribe("mails", "news", attempts=1)
        ...     _ = db.topics.publish("news", "hello")
        ...     mails.nack(mails.claim()[0], "no network")
        ...     mails.redrive(), mails.claim()[0].payload
        (1, 'hello')
        """
        chosen = None if entries is None else json.dumps([entry_id(entry) for entry in entries])
        most = -1 if n is None else whole(n, "n")
        back = self._session.change(BACK, (self._id, chosen, most))
        self._session.announce(self._news)
        return len(back)

    def _fail(self, entry: Entry, error: BaseException | str, trace: str | None, delay_s: float | None) -> bool:
        """Note a failure and what follows from it; return False where the lease was lost."""
        number, claim = held(entry)
        text, trace = said(error, trace)
        delay_ns = None if delay_s is None else span_ns(delay_s, "delay_s")
        session = self._session
        with session.transaction():
            rows = session.rows(FAILED, (number, self._id, claim))
            if not rows:
                return False
            attempts, most, *backoff = rows[0]
            now = clock.now_ns()
            wait = backoff_ns(attempts, *backoff) if delay_ns is None else delay_ns
            state, due = ("dead", None) if attempts >= most else ("delayed", now + wait)
            session.change(WAIT, (state, due, text, trace, now, number, self._id))
            session.announce(self._news)
        return True
