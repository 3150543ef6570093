"""Messages waited for: an iterator that claims them as they come, for ``for`` and for ``async for``."""

from __future__ import annotations

from collections.abc import Sequence

from ...connection.scope import deadline_after
from ...errors import InvalidValue
from ...model.message import Message
from ..arguments import whole
from ..attempts import span_ns
from ..consumer import AsItComes
from . import clock
from .base import channel_name
from .settling import Settling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...connection.session import Session
    from ...connection.waiting import Waiting

NEVER_NS = 2**63 - 1
# What expires while it is ready is left out: who waits has found nothing ready.
NEXT_DUE = f"""
    select min(
             coalesce((select min(turn) from message where channel_id = c.id and state = 'delayed'), {NEVER_NS}),
             coalesce((select min(turn) from message where channel_id = c.id and state = 'claimed'), {NEVER_NS}),
             coalesce((select min(turn) from message where channel_id = c.id and state = 'done'), {NEVER_NS}),
             coalesce((select min(next_ns) from recurring where channel_id = c.id and paused = 0), {NEVER_NS}))
      from channel as c
     where name = ? and not paused"""


class Consumer(AsItComes[Message]):
    """Messages of one or more channels as they come, each claimed for whoever iterates; made by `db.queue.consume`.

    One thread or task iterates; `stop` may come from any. As a context manager it gives back what it has claimed ahead.
    """

    def __init__(self, source: Source, session: Session, timeout_s: float | None) -> None:
        super().__init__(source, session, source.channels, timeout_s)
        self.channels = source.channels


class Source:
    """Channels, for who consumes them."""

    __slots__ = ("_lease_s", "_n", "_queue", "_session", "channels")

    def __init__(
        self, queue: Consuming, session: Session, channels: tuple[str, ...], n: int, lease_s: float | None
    ) -> None:
        self.channels = channels
        self._queue = queue
        self._session = session
        self._n = n
        self._lease_s = lease_s

    def claim(self) -> Sequence[Message]:
        """Return what is there, claimed: of the first channel that has something."""
        for channel in self.channels:
            if messages := self._queue.claim(channel, self._n, lease_s=self._lease_s):
                return messages
        return ()

    def extend(self, records: Sequence[Message]) -> Sequence[Message | None]:
        """Give what was claimed another lease; None for what was lost."""
        return self._queue.extend_many(records, self._lease_s)

    def release(self, records: Sequence[Message]) -> object:
        """Give back what was claimed."""
        return self._queue.release_many(records)

    def lease_left_s(self, record: Message) -> float:
        """Return how much of its lease a message has left."""
        return lease_left_s(record, self._session)

    def next_due_s(self, waiting: Waiting) -> float | None:
        """Return when time alone will bring something to channels that can be claimed from; None: never."""
        found = [row[0] for name in self.channels for row in waiting.rows(NEXT_DUE, (name,)) if row[0] < NEVER_NS]
        return (min(found) - clock.now_ns()) / 1e9 if found else None


class Consuming(Settling):
    """Messages taken as they come."""

    def consume(
        self,
        channel: str | Sequence[str],
        *,
        n: int = 1,
        lease_s: float | None = None,
        timeout_s: float | None = None,
    ) -> Consumer:
        """Return an iterator over the messages of a channel as they come, each claimed for you.

        Parameters
        ----------
        channel
            The channel's name, or several: the first that has something comes first. They need not exist yet.
        n
            How many are claimed at once. More is faster: a commit for all of them; but what is claimed ahead waits for
            you while other consumers might be free.
        lease_s
            As for `claim`. What was claimed ahead gets another lease when a third of it is over.
        timeout_s
            The iteration ends when so long none came; None waits for ever.

        Returns
        -------
        Consumer
            For ``for`` and ``async for``; ``stop()`` ends it from any thread. In a ``with`` block it gives back at the
            end what it has claimed ahead.

        Raises
        ------
        Closed, Interrupted
            The database was closed, or `interrupt` called, while it waits.
        TransactionOpen
            The thread has a transaction open: while it has, nobody else can publish.
        InvalidValue
            An argument breaks its rule.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.queue.publish_many("jobs", ["a", "b"])
        ...     for message in db.queue.consume("jobs", timeout_s=0):
        ...         print(message.payload)
        ...         db.queue.ack(message)
        a
        b

        Notes
        -----
        Acking is yours. It wakes within about 0.5 ms of a commit, in this process or another (Linux; elsewhere within
        1 to 50 ms), and when a delay or a lease is over; see `connection.waiting`. Publishers never wait for it.
        """
        channels = (channel,) if isinstance(channel, str) else tuple(channel)
        if not channels:
            raise InvalidValue("channel must be a name, or at least one, got none")
        for name in channels:
            channel_name(name)
        if lease_s is not None:
            span_ns(lease_s, "lease_s")
        deadline_after(timeout_s)  # refused here, not at the first step
        self._session.require_open()
        source = Source(self, self._session, channels, whole(n, "n", 1), lease_s)
        return Consumer(source, self._session, timeout_s)


def lease_left_s(message: Message, session: Session) -> float:
    """Return how much of its lease a claimed message has left; the grace after it is not counted."""
    assert message.due_ns is not None
    return (message.due_ns - clock.now_ns()) / 1e9 - session.options.busy_timeout_s
