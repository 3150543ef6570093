"""Claimed entries settled: ack, extend, release; singly, and many in one transaction.

Invariant: each statement names the claim, so that who lost a lease to another changes nothing.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable

from ...model.topic import Entry
from ..arguments import bound_ids
from ..attempts import MS, by_claim, span_ns
from . import clock
from .base import held, lost
from .failing import Failing

ACK = "delete from delivery where entry_id = ? and subscription_id = ? and claim = ? returning 1"
ACK_MANY = """
    delete from delivery
     where entry_id in (select value from carray(?)) and subscription_id = ? and claim = ?
    returning entry_id"""
EXTEND = "update delivery set due_ns = ? where entry_id = ? and subscription_id = ? and claim = ? returning 1"
RELEASE = """
    update delivery set state = 'ready', claim = null, due_ns = null, attempts = attempts - 1
     where entry_id = ? and subscription_id = ? and claim = ?
    returning 1"""
DUE = 6  # where due_ns is in an entry's row


class Settling(Failing):
    """What becomes of claimed entries."""

    def ack(self, entry: Entry) -> None:
        """Say that an entry is done: this subscription has settled it.

        Parameters
        ----------
        entry
            As `claim` or `extend` returned it.

        Raises
        ------
        LeaseLost
            The lease ran out and the entry was claimed again, settled or trimmed; it is not yours to ack.
        InvalidValue
            `entry` was not claimed.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     mails = db.topics.subscribe("mails", "news")
        ...     _ = db.topics.publish("news", "hello")
        ...     [entry] = mails.claim()
        ...     mails.ack(entry)
        ...     mails.stats().claimed, mails.lag()
        (0, 0)
        """
        number, claim = held(entry)
        if not self._session.change(ACK, (number, self._id, claim)):
            raise lost(entry)

    def ack_many(self, entries: Iterable[Entry]) -> builtins.list[Entry]:
        """Say that entries are done, in one transaction, and return those that were not yours any more.

        Parameters
        ----------
        entries
            As `claim` or `extend` returned them.

        Returns
        -------
        list of Entry
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
        ...     mails = db.topics.subscribe("mails", "news")
        ...     _ = db.topics.publish_many("news", ["a", "b"])
        ...     mails.ack_many(mails.claim(2))
        []

        Notes
        -----
        Beside the commit 1.3 µs an entry, for entries that one call claimed. In one transaction with the next `claim`
        both share a commit.
        """
        given = list(entries)
        claims = by_claim(map(held, given))
        acked: builtins.list[tuple[int, int]] = []
        if not given:
            return []
        session = self._session
        with session.transaction():
            for claim, numbers in claims.items():
                rows = session.change(ACK_MANY, (bound_ids(numbers), self._id, claim))
                acked += [(row[0], claim) for row in rows]
        if len(acked) == len(given):
            return []
        done = set(acked)
        return [entry for entry in given if held(entry) not in done]

    def extend(self, entry: Entry, lease_s: float | None = None) -> Entry:
        """Keep an entry for another lease from now on, and return its record.

        Parameters
        ----------
        entry
            As `claim` or `extend` returned it; both records can be acked.
        lease_s
            How long; None: the subscription's ``lease_ms``.

        Raises
        ------
        LeaseLost
            The entry is not yours any more.
        SubscriptionNotFound
            The subscription was ended.
        InvalidValue
            `entry` was not claimed, or `lease_s` is negative.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     mails = db.topics.subscribe("mails", "news")
        ...     _ = db.topics.publish("news", "hello")
        ...     [entry] = mails.claim(lease_s=1)
        ...     mails.extend(entry, 60).due_ns > entry.due_ns
        True
        """
        (longer,) = self.extend_many([entry], lease_s)
        if longer is not None:
            return longer
        raise lost(entry)

    def extend_many(self, entries: Iterable[Entry], lease_s: float | None = None) -> builtins.list[Entry | None]:
        """Keep entries for another lease, in one transaction, and return their records.

        Parameters
        ----------
        entries
            As `claim` or `extend` returned them.
        lease_s
            As for `extend`.

        Returns
        -------
        list of Entry or None
            In the given order; None for one that is not yours any more.

        Raises
        ------
        SubscriptionNotFound
            The subscription was ended.
        InvalidValue
            One was not claimed, or `lease_s` is negative; nothing is changed.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     mails = db.topics.subscribe("mails", "news")
        ...     _ = db.topics.publish_many("news", ["a", "b"])
        ...     len(mails.extend_many(mails.claim(2), 60))
        2
        """
        given = list(entries)
        lease_ns = None if lease_s is None else span_ns(lease_s, "lease_s")
        pairs = [held(entry) for entry in given]
        with self._session.transaction():
            (lease_ms,) = self._row("lease_ms")
            until = clock.now_ns() + self._grace_ns + (lease_ms * MS if lease_ns is None else lease_ns)
            found = [bool(self._session.change(EXTEND, (until, number, self._id, claim))) for number, claim in pairs]
        return [
            Entry((*entry._row[:DUE], until, *entry._row[DUE + 1 :])) if there else None
            for entry, there in zip(given, found, strict=True)
        ]

    def release(self, entry: Entry) -> None:
        """Give an entry back as if it had not been claimed: it is ready, before all that is newer.

        Parameters
        ----------
        entry
            As `claim` or `extend` returned it.

        Raises
        ------
        LeaseLost
            The entry is not yours any more.
        InvalidValue
            `entry` was not claimed.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     mails = db.topics.subscribe("mails", "news")
        ...     _ = db.topics.publish("news", "hello")
        ...     [entry] = mails.claim()
        ...     mails.release(entry)
        ...     mails.claim()[0].attempts
        1
        """
        if self.release_many([entry]):
            raise lost(entry)

    def release_many(self, entries: Iterable[Entry]) -> builtins.list[Entry]:
        """Give entries back, in one transaction, and return those that were not yours any more.

        Parameters
        ----------
        entries
            As `claim` or `extend` returned them.

        Returns
        -------
        list of Entry
            Those whose lease was lost, in the given order.

        Raises
        ------
        InvalidValue
            One was not claimed; nothing is changed.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     mails = db.topics.subscribe("mails", "news")
        ...     _ = db.topics.publish_many("news", ["a", "b"])
        ...     mails.release_many(mails.claim(2))
        []
        """
        given = [(entry, *held(entry)) for entry in entries]
        with self._session.transaction():
            self._session.announce(self._news)
            return [
                entry for entry, number, claim in given if not self._session.change(RELEASE, (number, self._id, claim))
            ]
