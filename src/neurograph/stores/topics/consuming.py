"""Entries waited for: an iterator that claims them as they come."""

from __future__ import annotations

from collections.abc import Sequence

from ...connection.scope import deadline_after
from ...connection.session import Session
from ...model.topic import Entry
from ..arguments import whole
from ..attempts import span_ns
from ..consumer import AsItComes
from . import clock
from .base import announced
from .settling import Settling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...connection.waiting import Waiting

NEXT_DUE = """
    select (select min(due_ns) from delivery where subscription_id = subscription.id and due_ns is not null)
      from subscription
     where id = ? and not paused"""


class EntryConsumer(AsItComes[Entry]):
    """Entries of a subscription as they come, each claimed for whoever iterates; made by `subscription.consume`.

    One thread or task iterates; `stop` may come from any. As a context manager it gives back what it has claimed ahead.
    """


class Source:
    """A subscription, for who consumes it."""

    __slots__ = ("_lease_s", "_n", "_number", "_session", "_subscription")

    def __init__(self, subscription: Consuming, session: Session, number: int, n: int, lease_s: float | None) -> None:
        self._subscription = subscription
        self._session = session
        self._number = number
        self._n = n
        self._lease_s = lease_s

    def claim(self) -> Sequence[Entry]:
        """Return what is there, claimed."""
        return self._subscription.claim(self._n, lease_s=self._lease_s)

    def extend(self, records: Sequence[Entry]) -> Sequence[Entry | None]:
        """Give what was claimed another lease; None for what was lost."""
        return self._subscription.extend_many(records, self._lease_s)

    def release(self, records: Sequence[Entry]) -> object:
        """Give back what was claimed."""
        return self._subscription.release_many(records)

    def lease_left_s(self, record: Entry) -> float:
        """Return how much of its lease an entry has left; the grace after it is not counted."""
        assert record.due_ns is not None
        return (record.due_ns - clock.now_ns()) / 1e9 - self._session.options.busy_timeout_s

    def next_due_s(self, waiting: Waiting) -> float | None:
        """Return when time alone will change a delivery; None: never, or nothing can be claimed."""
        rows = waiting.rows(NEXT_DUE, (self._number,))
        return None if not rows or rows[0][0] is None else (rows[0][0] - clock.now_ns()) / 1e9


class Consuming(Settling):
    """Entries taken as they come."""

    def consume(self, *, n: int = 1, lease_s: float | None = None, timeout_s: float | None = None) -> EntryConsumer:
        """Return an iterator over entries as they come, each claimed for you.

        Parameters
        ----------
        n
            How many are claimed at once. More is faster: a commit for all of them; but what is claimed ahead waits for
            you while other consumers might be free.
        lease_s
            As for `claim`. What was claimed ahead gets another lease when a third of it is over.
        timeout_s
            The iteration ends when so long none came; None waits for ever.

        Returns
        -------
        EntryConsumer
            For ``for`` and ``async for``; ``stop()`` ends it from any thread. In a ``with`` block it gives back at the
            end what it has claimed ahead.

        Raises
        ------
        Closed, Interrupted
            The database was closed, or `interrupt` called, while it waits.
        SubscriptionNotFound
            The subscription was ended.
        TransactionOpen
            The thread has a transaction open: while it has, nobody else can publish.
        InvalidValue
            An argument breaks its rule.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     mails = db.topics.subscribe("mails", "news")
        ...     _ = db.topics.publish_many("news", ["a", "b"])
        ...     for entry in mails.consume(timeout_s=0):
        ...         print(entry.payload)
        ...         mails.ack(entry)
        a
        b

        Notes
        -----
        Acking is yours. It wakes within about 0.5 ms of a commit, in this process or another (Linux; elsewhere within
        1 to 50 ms), and when a delay or a lease is over; see `connection.waiting`. Publishers never wait for it.
        """
        if lease_s is not None:
            span_ns(lease_s, "lease_s")
        deadline_after(timeout_s)  # refused here, not at the first step
        (pattern,) = self._row("pattern")
        source = Source(self, self._session, self._id, whole(n, "n", 1), lease_s)
        return EntryConsumer(source, self._session, (announced(pattern), self._news), timeout_s)
