"""Messages waited for and worked on by tasks: the asyncio forms of `Consumer` and `Worker`.

1. A consumer whose step is cancelled claims nothing until the next step; what it had claimed is that step's.
2. A coroutine that handles messages runs on the loop that asked for it; a worker's threads only wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from ..connection.scope import deadline_after
from ..model.message import Message
from ..stores.queue.slot import HandlerGoneError
from .calls import Answer
from .streams import Stream, T

if TYPE_CHECKING:
    from types import TracebackType

    from ..stores.consumer import AsItComes
    from ..stores.queue.worker import Worker as SyncWorker
    from .runner import Runner

_run_by: ContextVar[Run | None] = ContextVar("neurograph_run_by", default=None)
"""The run of a handler that a task or thread belongs to, as do tasks that the handler makes."""


class Run:
    """One run of a worker's handler."""

    __slots__ = ("ended", "handler")

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.ended = False


class Consumer(Stream[T]):
    """Messages, or entries of a subscription, as they come, each claimed for whoever iterates; made by `consume`.

    At its end, of the ``async with`` block or when it is closed, it gives back what it has claimed ahead.

    Examples
    --------
    >>> import asyncio, neurograph
    >>> async def main():
    ...     async with neurograph.aio.open(":memory:") as db:
    ...         await db.queue.publish("jobs", "a")
    ...         async with db.queue.consume("jobs") as messages:
    ...             async for message in messages:
    ...                 await db.queue.ack(message)
    ...                 messages.stop()
    ...         return await db.queue.peek("jobs")
    >>> asyncio.run(main())
    []
    """

    def __init__(self, runner: Runner, consumer: AsItComes[T]) -> None:
        super().__init__(runner, runner.block(), lambda: consumer)
        self._consumer = consumer
        self._steps.keep(consumer, consumer._ahead.appendleft)

    def stop(self) -> None:
        """End the iteration, from any task or thread: what was claimed ahead still comes, and nothing more."""
        self._consumer.stop()

    async def aclose(self) -> None:
        """End the iteration and give back, as not claimed, what was claimed ahead; a second call does nothing."""
        self._consumer.stop()
        await super().aclose()

    async def _arrival(self, function: Callable[[], Any]) -> None:
        try:
            await super()._arrival(function)
        except asyncio.CancelledError:
            await self._halted()
            raise

    async def _halted(self) -> None:
        """Wait for the end of the step that runs, which claims nothing from now on."""
        steps, answer = self._steps, Answer(asyncio.get_running_loop())
        self._consumer._halt()
        try:
            with steps.lock:
                runs = steps.call is not None and not steps.closing
                if runs:
                    steps.waiter = answer
            if runs:
                await answer
        finally:
            if isinstance(steps.ended, StopIteration):
                steps.ended = None  # it was halted; one that was stopped ends again
            self._consumer._go_on()


class Worker:
    """Threads that run a handler on messages as they come; made by `db.queue.work`.

    ``async with`` it to work in the background until the end of the block, or await `run`. A handler that is a
    coroutine function runs on the loop that called `work`; any other runs in the worker's threads.

    Examples
    --------
    >>> import asyncio, neurograph
    >>> async def main():
    ...     async with neurograph.aio.open(":memory:") as db:
    ...         async def add(message):
    ...             return sum(message.payload)
    ...         async with db.queue.work("sums", add):
    ...             return (await db.queue.request("sums", [1, 2, 3])).payload
    >>> asyncio.run(main())
    6
    """

    def __init__(self, runner: Runner, worker: SyncWorker) -> None:
        self._runner = runner
        self._worker = worker

    @property
    def done(self) -> int:
        """How many messages were handled and acked."""
        return self._worker.done

    @property
    def failed(self) -> int:
        """How many handlers raised or took too long; their messages are tried again, or are dead."""
        return self._worker.failed

    @property
    def lost(self) -> int:
        """How many messages were not ours any more when their handler had finished."""
        return self._worker.lost

    @property
    def running(self) -> int:
        """How many handlers run at the moment."""
        return self._worker.running

    def start(self) -> None:
        """Begin to work, in threads; `stop` ends it.

        Raises
        ------
        Misuse
            It was started before.
        """
        self._worker.start()

    async def stop(self, grace_s: float | None = None) -> bool:
        """Claim nothing more, and wait for the handlers that run.

        Parameters
        ----------
        grace_s
            How long, in seconds; None: until they have finished. A handler that awaits it does not wait, as it runs
            itself.

        Returns
        -------
        bool
            True where all have finished. A handler that awaits it is not waited for, nor are the others: False at once.

        Raises
        ------
        InvalidValue
            `grace_s` is negative.

        Examples
        --------
        >>> import asyncio, neurograph
        >>> async def main():
        ...     async with neurograph.aio.open(":memory:") as db:
        ...         worker = db.queue.work("jobs", print)
        ...         worker.start()
        ...         return await worker.stop(grace_s=10)
        >>> asyncio.run(main())
        True
        """
        run = _run_by.get()
        if run is not None and not run.ended and run.handler is self._worker._work.handler:
            deadline_after(grace_s)  # refused here as well
            grace_s = 0
        return await self._runner.apart(partial(self._worker.stop, grace_s))  # type: ignore[no-any-return]

    async def run(self) -> None:
        """Work until `stop` is called, or the task is cancelled, which waits for the handlers that run.

        Raises
        ------
        Misuse
            It was started before.
        """
        ended = asyncio.ensure_future(self._runner.apart(self._worker.run))
        try:
            await asyncio.shield(ended)
        except asyncio.CancelledError:
            await self.stop()
            await asyncio.wait([ended])
            raise

    async def __aenter__(self) -> Worker:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def __repr__(self) -> str:
        return repr(self._worker)


class Handler:
    """A handler for a worker's threads, which runs coroutines on the loop that was running when it was made."""

    def __init__(self, handler: Callable[[Message], Any]) -> None:
        self._handler = handler
        self._loop = asyncio.get_running_loop()

    def __call__(self, message: Message) -> Any:
        """Run it; of a coroutine return one that waits for it."""
        if self._loop.is_closed():
            raise HandlerGoneError("the event loop of its handler was closed")
        run, goes_on = Run(self), False
        token = _run_by.set(run)
        try:
            result = self._handler(message)
            goes_on = isawaitable(result)
            return self._elsewhere(result, run) if goes_on else result
        finally:
            run.ended = not goes_on
            _run_by.reset(token)

    async def _elsewhere(self, result: Any, run: Run) -> Any:
        """Wait, on the loop of a worker's thread, for a coroutine that runs on another."""

        async def on_loop() -> Any:
            _run_by.set(run)
            try:
                return await result
            finally:
                run.ended = True

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(on_loop(), self._loop))
