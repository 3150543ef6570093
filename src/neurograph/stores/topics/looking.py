"""What a subscription has before it and with whom, read without claiming."""

from __future__ import annotations

import builtins

from ...model.topic import Entry, SubscriptionStats
from ..arguments import whole
from . import clock
from .base import DELIVERY, ENTRY, delivery_state, entry_id
from .entry_rows import entries, entry_rows
from .part import SubscriptionPart
from .passing import Asked

# Each figure by an index of its own.
STATS = """
    name, cursor,
    (select count(*) from delivery where subscription_id = subscription.id and state = 'ready')
    + (select count(*) from delivery where subscription_id = subscription.id and due_ns <= ?1
        and (state = 'delayed' or attempts < subscription.attempts)),
    (select count(*) from delivery where subscription_id = subscription.id and due_ns > ?1 and state = 'delayed'),
    (select count(*) from delivery where subscription_id = subscription.id and due_ns > ?1 and state = 'claimed'),
    (select count(*) from delivery where subscription_id = subscription.id and state = 'dead')
    + (select count(*) from delivery where subscription_id = subscription.id and due_ns <= ?1
        and state = 'claimed' and attempts >= subscription.attempts),
    missed, paused, pattern, condition"""
LIST = """
      from delivery as d
      join topic_entry as e on e.id = d.entry_id
      join topic as t on t.id = e.topic_id
     where d.subscription_id = ? {state} and d.entry_id > ?
     order by d.entry_id
     limit ?"""


class Looking(SubscriptionPart):
    """Figures and deliveries."""

    def lag(self) -> int:
        """Return how many entries that it asks for are above the cursor: nobody has claimed them yet.

        Raises
        ------
        SubscriptionNotFound
            The subscription was ended.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     mails = db.topics.subscribe("mails", "news")
        ...     _ = db.topics.publish_many("news", ["a", "b"]), mails.claim()
        ...     mails.lag()
        1

        Notes
        -----
        Grows with what is above the cursor: 0.1 µs an entry, with a condition 0.4 µs and more.
        """
        return self.stats().lag

    def stats(self) -> SubscriptionStats:
        """Return how far the subscription is, seen in one state.

        Raises
        ------
        SubscriptionNotFound
            The subscription was ended.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     mails = db.topics.subscribe("mails", "news")
        ...     _ = db.topics.publish_many("news", ["a", "b"]), mails.claim()
        ...     stats = mails.stats()
        ...     stats.claimed, stats.lag, stats.missed
        (1, 1, 0)

        Notes
        -----
        Counts as of now, also what is due and nobody has claimed since. Grows with the deliveries, and as `lag` does.
        """
        with self._session.reading() as line:
            name, cursor, *counts, missed, paused, pattern, condition = self._row(STATS, clock.now_ns())
            lag = Asked(pattern, condition).count(line, cursor)
        ready, delayed, claimed, dead = counts
        return SubscriptionStats(name, cursor, lag, ready, delayed, claimed, dead, missed, bool(paused))

    def list(self, state: str | None = None, n: int | None = 100, *, after: Entry | int = 0) -> builtins.list[Entry]:
        """Return the entries below the cursor that are not settled, in order.

        Parameters
        ----------
        state
            Only those ``"claimed"``, ``"ready"``, ``"delayed"`` or ``"dead"``.
        n
            At most so many; None: all.
        after
            Only those after this one: the last of the page before.

        Raises
        ------
        InvalidValue
            No such state, or `n` is negative; or a text of an entry, which the message names, is not UTF-8.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     mails = db.topics.subscribe("mails", "news")
        ...     _ = db.topics.publish_many("news", ["a", "b"])
        ...     mails.release(mails.claim(2)[0])
        ...     mails.list()
        [<Entry 1 'news' ready "a">, <Entry 2 'news' claimed "b">]
        """
        most = -1 if n is None else whole(n, "n")
        first = 0 if after == 0 else entry_id(after, "after")
        only, chosen = ("", ()) if delivery_state(state) is None else ("and d.state = ?", (state,))
        with self._session.reading() as line:
            source = LIST.format(state=only)
            rows = entry_rows(line.connection, f"{ENTRY}, {DELIVERY}", source, (self._id, *chosen), first, most)
        return entries(rows)

    def dead(self, n: int | None = 100) -> builtins.list[Entry]:
        """Return the entries that failed for good, each with its last error, in order.

        Parameters
        ----------
        n
            At most so many; None: all.

        Raises
        ------
        InvalidValue
            `n` is negative; or a text of an entry, which the message names, is not UTF-8: `list` goes on after it.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     mails = db.topics.subscribe("mails", "news", attempts=1)
        ...     _ = db.topics.publish("news", "hello")
        ...     mails.nack(mails.claim()[0], ValueError("no address"))
        ...     [(entry.payload, entry.error) for entry in mails.dead()]
        [('hello', 'ValueError: no address')]
        """
        return self.list("dead", n)
