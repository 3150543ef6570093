"""Work done in threads of one's own process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...connection.scope import deadline_after
from ...errors import InvalidValue
from ...model.message import Message
from ..arguments import truth, whole
from .consuming import Consuming

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .worker import Worker


class Working(Consuming):
    """Handlers run on messages."""

    def work(
        self,
        channel: str | Sequence[str],
        handler: Callable[[Message], Any],
        *,
        concurrency: int = 1,
        n: int = 1,
        lease_s: float | None = None,
        timeout_s: float | None = None,
        settles: bool = False,
    ) -> Worker:
        """Return a worker that runs a handler on the messages of a channel as they come.

        Parameters
        ----------
        channel
            The channel's name, or several: the first that has something comes first.
        handler
            Called with each `Message`, in a thread; a coroutine function runs on an event loop of that thread. What it
            returns is the result that the message is acked with, or the reply where the message is a request. What it
            raises is the message's failure, as is a result that can't be kept or a reply without room: it is tried
            again, or is dead.
        concurrency
            How many handlers may run at once, each in a thread of its own.
        n
            How many messages each thread claims at once. More is faster where handlers are quick.
        lease_s
            As for `claim`; it is extended for as long as the handler runs, with those of the messages that its thread
            has claimed ahead, so that it only says how soon others take over from a process that died.
        timeout_s
            A handler that takes longer has failed. A coroutine is cancelled; a function can't be ended, so that it goes
            on in its thread, and what it returns is dropped.
        settles
            True where the handler acks its message itself: in the transaction of its own writes, so that both happen
            once or not at all.

        Returns
        -------
        Worker
            ``with`` it to work in the background until the end of the block, or ``run()`` it.

        Raises
        ------
        InvalidValue
            An argument breaks its rule.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     published = [db.queue.publish("sums", [n, n]) for n in range(3)]
        ...     _ = db.queue.create_channel("answers")
        ...
        ...     def add(message):
        ...         with db.transaction():
        ...             db.queue.publish("answers", sum(message.payload))
        ...             db.queue.ack(message)
        ...
        ...     with db.queue.work("sums", add, settles=True):
        ...         [answer.payload for _, answer in zip(range(3), db.queue.consume("answers", timeout_s=10))]
        [0, 2, 4]

        Notes
        -----
        Handlers should not be slow inside a transaction of their own: it keeps all other writers waiting. What a
        handler has done is settled later where the file can't be written for now, busy or full, and its lease holds.
        """
        from .slot import Work
        from .worker import Worker

        if not callable(handler):
            raise InvalidValue(f"handler must be callable with a message, got {handler!r}")
        if timeout_s is not None and (deadline_after(timeout_s) is None or timeout_s == 0):
            raise InvalidValue(f"timeout_s must be None or a number of seconds above 0, got {timeout_s!r}")
        with self.consume(channel, n=n, lease_s=lease_s) as consumer:  # refuses here what it would refuse there
            channels = consumer.channels
        work = Work(self, self._session, channels, handler, n, lease_s, timeout_s, truth(settles, "settles"))  # type: ignore[arg-type]
        return Worker(work, whole(concurrency, "concurrency", 1))
