"""Entries claimed: first those that come again, then what is above the cursor, both in the order of the log.

Invariants:

1. The cursor moves in the transaction that claims what it passes; so an entry is either above it, or a delivery, or
   settled, or was not asked for.
2. Nobody takes the write lock to find nothing, and nobody looks through more than a window of the log under it.
3. What is remembered of the log, to look further on next time, was committed: ids of what is undone come again.
"""

from __future__ import annotations

import builtins

from ...model.topic import DELIVERY_COLUMNS, Entry
from ..arguments import bound_ids, whole
from ..attempts import MS, new_claim, span_ns
from . import clock, passing
from .base import ENTRY
from .due import Due
from .entry_rows import Unreadable, entry_rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LOOK = """
    cursor, lease_ms, pattern, condition, paused,
    exists (select 1 from delivery where subscription_id = subscription.id and due_ns <= ?),
    exists (select 1 from delivery where subscription_id = subscription.id and state = 'ready')"""
# What was passed over in vain stays passed over only for who still asks for the same.
PASS = "update subscription set cursor = ? where id = ? and cursor = ? and pattern = ? and condition is ?"
READY = """
    select entry_id from delivery where subscription_id = ? and state = 'ready' order by entry_id limit ?"""
AGAIN = "update delivery set state = 'claimed', claim = ?, due_ns = ?, attempts = attempts + 1"
AGAIN_COLUMNS = f"{ENTRY}, {', '.join(f'd.{column}' for column in DELIVERY_COLUMNS)}"
CLAIMED_AGAIN = """
      from delivery as d
      join topic_entry as e on e.id = d.entry_id
      join topic as t on t.id = e.topic_id
     where d.subscription_id = ? and d.entry_id in (select value from carray(?)) and d.entry_id > ?
     order by d.entry_id
     limit ?"""
DEAD = "update delivery set state = 'dead', claim = null, due_ns = null, error = ?, trace = null, failed_ns = ?"
CLAIM = """
    insert into delivery (entry_id, subscription_id, state, due_ns, attempts, claim)
    select value, ?, 'claimed', ?, 1, ? from carray(?)"""


class Claiming(Due):
    """Entries taken to be worked on."""

    _asked: tuple[tuple[str, str | None], passing.Asked] | None = None
    _full = False  # the last claim took all that it asked for: there is likely to be more
    _passed: tuple[passing.Asked | None, int, int] = (None, 0, 0)  # what is asked, a cursor, and up to where in vain

    def claim(self, n: int = 1, *, lease_s: float | None = None) -> builtins.list[Entry]:
        """Take the next entries to work on them, and return them; it never waits.

        Parameters
        ----------
        n
            At most so many.
        lease_s
            How long they are yours; None: the subscription's ``lease_ms``. Who is not done by then calls `extend`.
            Afterwards others may claim them, but only once the handle's busy timeout has passed as well: so long an
            `ack` in time may have waited for a lock.

        Returns
        -------
        list of Entry
            In the order of the log; those that failed, were released or whose lease ran out come before new ones. With
            a condition that lets few pass, fewer than `n` may come though there are more. Empty where there is
            nothing, or the subscription is paused.

        Raises
        ------
        SubscriptionNotFound
            The subscription was ended.
        InvalidValue
            `n` is below 1 or `lease_s` negative.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     mails, prints = db.topics.subscribe("mails", "news"), db.topics.subscribe("prints", "news")
        ...     _ = db.topics.publish_many("news", ["a", "b"])
        ...     mails.claim(1), mails.claim(16), prints.claim(16)[0].payload
        ([<Entry 1 'news' claimed "a">], [<Entry 2 'news' claimed "b">], 'a')

        Notes
        -----
        A claim counts as an attempt; `release` takes it back. An entry whose text is not UTF-8, as other tools may
        write it, is dead at once: nobody can read it. Nothing is written where there is nothing. 2 µs an entry in a
        batch.
        """
        most = whole(n, "n", 1)
        lease_ns = None if lease_s is None else span_ns(lease_s, "lease_s")
        while True:
            now = clock.now_ns()
            begin = (-1, -1, None) if self._full else self._look(now)
            if begin is None:
                return []
            with self._session.transaction():
                taken, more = self._take(now, begin, most, lease_ns)
            self._full = len(taken) == most
            if taken or not more:
                return [Entry(row) for row in taken]

    def _look(self, now: int) -> tuple[int, int, passing.Asked | None] | None:
        """Return a cursor, up to where nothing of what is asked is above it, and that; None: nothing to claim."""
        cursor, _, pattern, condition, paused, due, ready = self._row(LOOK, now)
        if paused:
            return None
        if due:
            self._pass_time(now)
            return cursor, cursor, None
        if ready:
            return cursor, cursor, None
        session = self._session
        asked = self._asking(pattern, condition)
        committed = not session.in_transaction
        seen = self._passed[2] if committed and self._passed[:2] == (asked, cursor) else cursor
        with session.reading() as line:
            rows, end = asked.find(line, seen, 1)
        if rows:
            return cursor, rows[0][0] - 1, asked
        if end - cursor >= passing.WINDOW:
            session.change(PASS, (end, self._id, cursor, pattern, condition))
            cursor = end
        if committed:
            self._passed = (asked, cursor, end)
        return None

    def _take(
        self, now: int, begin: tuple[int, int, passing.Asked | None], most: int, lease_ns: int | None
    ) -> tuple[builtins.list[tuple[Any, ...]], bool]:
        """Claim up to so many in a transaction; return their rows, and whether it is worth to look again."""
        cursor, lease_ms, pattern, condition, paused, due, ready = self._row(LOOK, now)
        if paused:
            return [], False
        if due:
            self._pass_slice(now)
            ready = True
        until = now + (lease_ms * MS if lease_ns is None else lease_ns) + self._grace_ns
        claim = new_claim(62) + 1
        taken = self._take_again(now, most, until, claim) if ready else []
        if len(taken) == most:
            return taken, True
        asked = self._asking(pattern, condition)
        known = asked is begin[2] and cursor >= begin[0]  # else others were asked for, or it was set back, since
        after = max(cursor, begin[1]) if known else cursor
        rows, end = asked.some(self._session.writer.connection, after, most - len(taken))
        if end > cursor:
            self._session.change("update subscription set cursor = ? where id = ?", (end, self._id))
        if rows:
            ids = bound_ids([row[0] for row in rows])
            self._session.change(CLAIM, (self._id, until, claim, ids))
            tail = ("claimed", until, 1, claim, None, None, None)
            taken += [row + tail for row in self._without_unreadable(rows, now)]
        return taken, end > after

    def _take_again(self, now: int, most: int, until: int, claim: int) -> builtins.list[tuple[Any, ...]]:
        """Claim deliveries that are ready, and return their rows."""
        session = self._session
        connection = session.writer.connection
        taken: builtins.list[tuple[Any, ...]] = []
        while len(taken) < most and (ready := session.rows(READY, (self._id, most - len(taken)))):
            ids = [row[0] for row in ready]
            self._on_deliveries(AGAIN, ids, claim, until)
            rows = entry_rows(connection, AGAIN_COLUMNS, CLAIMED_AGAIN, (self._id, bound_ids(ids)), 0, len(ids))
            taken += self._without_unreadable(rows, now)
        return taken

    def _without_unreadable(self, rows: builtins.list[tuple[Any, ...]], now: int) -> builtins.list[tuple[Any, ...]]:
        """Let what was claimed and can't be read be dead, and return the rest: it would end every claim to come."""
        readable = []
        for row in rows:
            if isinstance(row, Unreadable):
                self._on_deliveries(DEAD, [row.id], row.error, now)
            else:
                readable.append(row)
        return readable

    def _asking(self, pattern: str, condition: str | None) -> passing.Asked:
        known = self._asked
        if known is None or known[0] != (pattern, condition):
            known = self._asked = (pattern, condition), passing.Asked(pattern, condition)
        return known[1]

    @property
    def _grace_ns(self) -> int:
        return round(self._session.options.busy_timeout_s * 1e9)
