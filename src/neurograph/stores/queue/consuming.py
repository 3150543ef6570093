"""Messages waited for: an iterator that claims them as they come, for ``for`` and for ``async for``."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

from ...connection.scope import deadline_after
from ...connection.waiting import Waiting
from ...errors import InvalidValue, TransactionOpen
from ...model.message import Message
from ..arguments import whole
from . import clock
from .base import channel_name, span_ns
from .settling import Settling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor
    from types import TracebackType

    from ...connection.session import Session

NEVER_NS = 2**63 - 1
NEXT_DUE = f"""
    select min(
             coalesce((select min(turn) from message where channel_id = c.id and state = 'delayed'), {NEVER_NS}),
             coalesce((select min(turn) from message where channel_id = c.id and state = 'claimed'), {NEVER_NS}),
             coalesce((select min(turn) from message where channel_id = c.id and state = 'done'), {NEVER_NS}),
             coalesce((select min(due_ns) from message
                        where channel_id = c.id and state = 'ready' and due_ns is not null), {NEVER_NS}))
      from channel as c
     where name = ? and not paused"""
EXTENDED_AT = 1 / 3
"""The share of a lease after which it is extended: two more tries are left before others may take the message."""


class Consumer:
    """Messages of one or more channels as they come, each claimed for whoever iterates; made by `db.queue.consume`.

    One thread or task iterates; `stop` may come from any. As a context manager it gives back what it has claimed ahead.
    """

    def __init__(
        self,
        queue: Consuming,
        session: Session,
        channels: tuple[str, ...],
        n: int,
        lease_s: float | None,
        timeout_s: float | None,
    ) -> None:
        self._queue = queue
        self._session = session
        self.channels = channels
        self._n = n
        self._lease_s = lease_s
        self._timeout_s = timeout_s
        self._ahead: deque[Message] = deque()
        self._fresh_until = 0.0  # by clock.monotonic: then what is claimed ahead needs another lease
        self._waiting: Waiting | None = None
        self._stopped = self._halted = False
        self._thread: ThreadPoolExecutor | None = None

    def __iter__(self) -> Consumer:
        return self

    def __next__(self) -> Message:
        """Return the next message, waiting for it."""
        self._require_outside()
        message = self._take()
        if message is None:
            raise StopIteration
        return message

    def __aiter__(self) -> Consumer:
        return self

    async def __anext__(self) -> Message:
        """Return the next message; a thread of the consumer's own waits for it, and the event loop goes on."""
        import asyncio

        self._require_outside()
        if self._thread is None:
            from concurrent.futures import ThreadPoolExecutor

            self._thread = ThreadPoolExecutor(1, "neurograph-consumer")
        step = asyncio.get_running_loop().run_in_executor(self._thread, self._take)
        try:
            message = await asyncio.shield(step)
        except asyncio.CancelledError:
            self._halt()
            message = await step  # at once; what it has claimed meanwhile is the next step's
            self._go_on()
            if message is not None:
                self._ahead.appendleft(message)
            raise
        if message is None:
            raise StopAsyncIteration
        return message

    def stop(self) -> None:
        """End the iteration, from any thread: what was claimed ahead still comes, and nothing more."""
        self._stopped = True
        self._halt()

    def close(self) -> None:
        """End the iteration and give back, as not claimed, what was claimed ahead; a second call does nothing."""
        self.stop()
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None
        if self._waiting is not None:
            self._waiting.close()
        if self._ahead:
            messages, self._ahead = list(self._ahead), deque()
            self._queue.release_many(messages)

    def __enter__(self) -> Consumer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Consumer:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import asyncio

        await asyncio.to_thread(self.close)

    def _require_outside(self) -> None:
        if not self._ahead and self._session.in_transaction:
            raise TransactionOpen(
                "cannot wait for messages; a transaction is open here, and while it is nobody else can publish; end it "
                "first, or call claim, which does not wait"
            )

    def _halt(self) -> None:
        self._halted = True
        if self._waiting is not None:
            self._waiting.stop()

    def _go_on(self) -> None:
        if not self._stopped:
            self._halted = False
            if self._waiting is not None:
                self._waiting.go_on()

    def _take(self) -> Message | None:
        """Return the next message; None at the end."""
        if self._ahead and clock.monotonic() >= self._fresh_until:
            self._extend()
        if not self._ahead and not self._stopped:
            self._wait()
        return self._ahead.popleft() if self._ahead else None

    def _extend(self) -> None:
        """Give what was claimed ahead another lease; what was lost is somebody else's."""
        extended = self._queue.extend_many(self._ahead, self._lease_s)
        self._ahead = deque(message for message in extended if message is not None)
        self._note_lease()

    def _note_lease(self) -> None:
        if self._ahead:
            self._fresh_until = clock.monotonic() + lease_left_s(self._ahead[0], self._session) * EXTENDED_AT

    def _wait(self) -> None:
        """Claim what is there, waiting until something is."""
        queue = self._queue
        if self._waiting is None:
            self._waiting = Waiting(self._session, *self.channels)
            if self._halted:  # while it was made
                self._waiting.stop()
        end = deadline_after(self._timeout_s)
        while True:
            seen = self._waiting.seen()
            for channel in self.channels:
                self._ahead.extend(queue.claim(channel, self._n, lease_s=self._lease_s))
                if self._ahead:
                    self._note_lease()
                    return
            due = _next_due(self._waiting, self.channels)
            until = due if end is None else end if due is None else min(end, due)
            if not self._waiting.wait(seen, until) and (
                self._waiting.stopped or (end is not None and time.monotonic() >= end)
            ):
                return


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
        return Consumer(self, self._session, channels, whole(n, "n", 1), lease_s, timeout_s)


def lease_left_s(message: Message, session: Session) -> float:
    """Return how much of its lease a claimed message has left; the grace after it is not counted."""
    assert message.due_ns is not None
    return (message.due_ns - clock.now_ns()) / 1e9 - session.options.busy_timeout_s


def _next_due(waiting: Waiting, channels: tuple[str, ...]) -> float | None:
    """Return when time alone will change something in channels that can be claimed from, by `time.monotonic`."""
    found = [row[0] for name in channels for row in waiting.rows(NEXT_DUE, (name,)) if row[0] < NEVER_NS]
    return time.monotonic() + (min(found) - clock.now_ns()) / 1e9 if found else None
