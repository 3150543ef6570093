"""One thread of a worker: it claims messages, runs the handler on each, and settles it.

1. What a handler raises is its message's failure, and touches no other message and no other thread.
2. No transaction is open while a handler runs, unless it opens one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from inspect import isawaitable

import apsw

from ... import log
from ...errors import Closed, DeadlineExceeded, Interrupted, LeaseLost, TransactionBusy
from ...model.message import Message
from ..consumer import EXTENDED_AT
from .consuming import Consumer, lease_left_s

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Runner
    from collections.abc import Awaitable
    from typing import Any, NamedTuple

    from ...connection.session import Session
    from .requesting import Requesting
else:
    from ...model.typed import NamedTuple

AGAIN_S = 1.0  # who found the file busy or broken tries again after so long
FOR_NOW = (TransactionBusy, apsw.FullError, apsw.IOError, apsw.CantOpenError)
"""What is the file's trouble and not a message's: what a handler did is done, and its ack is tried again."""
SLACK_S = 1.0  # a coroutine that is cancelled may need so long to see it


class HandlerGoneError(Exception):
    """A handler can't run any more, through no fault of its message: that goes back, and the worker ends."""


class Work(NamedTuple):
    """What a worker does."""

    queue: Requesting
    session: Session
    channels: tuple[str, ...]
    handler: Callable[[Message], Any]
    n: int
    lease_s: float | None
    timeout_s: float | None
    settles: bool


class Slot:
    """One thread of a worker. What is not private is read and written under the worker's lock.

    Attributes
    ----------
    message
        What the handler works on, or None.
    extend_at, deadline
        When its lease is to be extended, and when the handler has taken too long, by `time.monotonic`.
    abandoned
        True once the handler has taken too long: the thread is left to itself, and another has its place.
    thread
        The thread itself.
    """

    def __init__(self, work: Work, state: threading.Condition, ended: Callable[[Slot, str], None]) -> None:
        self.message: Message | None = None
        self.extend_at = 0.0
        self.deadline: float | None = None
        self.abandoned = False
        self.stopping = False
        self.thread = threading.Thread(target=self._run, name=f"neurograph-worker {work.channels[0]}", daemon=True)
        self._work = work
        self._state = state
        self._ended = ended  # called with "done", "failed" or "lost" after each message, with "" at the end
        self._consumer: Consumer | None = None
        self._runner: Runner | None = None

    def start(self) -> None:
        """Begin to work."""
        self.thread.start()

    def stop(self) -> None:
        """Claim nothing more; the caller has the lock."""
        self.stopping = True
        if self._consumer is not None:
            self._consumer.stop()

    def abandon(self) -> None:
        """Leave the thread to itself; the caller has the lock."""
        self.abandoned = True
        self.stop()

    @property
    def ahead(self) -> tuple[Message, ...]:
        """What the thread has claimed besides the message that the handler works on."""
        return () if self._consumer is None else self._consumer.ahead

    def give_back(self) -> None:
        """Let others have what an abandoned thread has claimed ahead."""
        if self._consumer is not None:
            self._consumer.close()

    def _run(self) -> None:
        try:
            while not self.stopping:
                try:
                    self._consume()
                except Closed:
                    return
                except Interrupted:  # meant for what others run: nobody would hear that the worker has ended
                    continue
                except Exception as error:  # a full disk, no more descriptors: nobody else would hear of it
                    log.warning("worker of %s: %s; it tries again", ", ".join(self._work.channels), error)
                    with self._state:
                        self._state.wait_for(lambda: self.stopping, AGAIN_S)
        finally:
            if self._runner is not None:
                self._runner.close()
            self._ended(self, "")

    def _consume(self) -> None:
        work = self._work
        with work.queue.consume(work.channels, n=work.n, lease_s=work.lease_s) as consumer:
            with self._state:
                self._consumer = consumer
                if self.stopping:
                    return
            for message in consumer:
                if self.stopping:  # it was claimed ahead
                    work.queue.release_many([message])
                else:
                    self._handle(message)

    def _handle(self, message: Message) -> None:
        """Run the handler on one message, and settle that, unless it took too long."""
        work, began = self._work, time.monotonic()
        with self._state:
            self.message = message
            self.extend_at = began + lease_left_s(message, work.session) * EXTENDED_AT
            self.deadline = None if work.timeout_s is None else began + work.timeout_s
            self._state.notify_all()
        result, failure = None, None
        try:
            result = work.handler(message)
            if isawaitable(result):
                result = self._awaited(result)
        except HandlerGoneError as error:
            log.warning("worker of %s: %s; it ends", ", ".join(work.channels), error)
            with self._state:
                self.message = None
                self.stop()
            work.queue.release_many([message])
            return
        except BaseException as error:  # SystemExit too: it is the handler's, not ours
            failure = error
        with self._state:
            self.message = None
            if self.abandoned:
                return
        while True:
            try:
                how = settle(work, message, result, failure)
            except Interrupted:  # what it had begun is undone, and what the handler did is done
                continue
            except FOR_NOW as error:
                if self.stopping:
                    raise
                log.warning("message %d of %r: %s; it is settled later", message.id, message.channel, error)
                with self._state:
                    self._state.wait_for(lambda: self.stopping, AGAIN_S)
                continue
            self._ended(self, how)
            return

    def _awaited(self, result: Awaitable[Any]) -> Any:
        """Run a coroutine on an event loop of this thread."""
        import asyncio

        timeout_s = self._work.timeout_s

        async def within() -> Any:
            limit = asyncio.timeout(timeout_s)
            try:
                async with limit:
                    return await result
            except TimeoutError as error:
                if limit.expired():
                    raise late(timeout_s) from error
                raise  # the handler's own

        if self._runner is None:
            self._runner = asyncio.Runner()
        with self._state:
            if self.deadline is not None:
                self.deadline += SLACK_S
        return self._runner.run(within())


def late(timeout_s: float | None) -> DeadlineExceeded:
    """Return the error of a handler that took too long."""
    return DeadlineExceeded(f"the handler took longer than its {timeout_s} s")


def settle(work: Work, message: Message, result: Any, failure: BaseException | None) -> str:
    """Ack a message, answer it, or say why it failed; return what it came to: "done", "failed" or "lost"."""
    try:
        if failure is None:
            try:
                _finish(work, message, result)
                return "done"
            except (LeaseLost, Closed, Interrupted, *FOR_NOW):
                raise
            except Exception as error:  # no JSON value, no room for the reply
                failure = error
        log.warning("message %d of %r failed: %r", message.id, message.channel, failure)
        work.queue.nack(message, failure)
        return "failed"
    except LeaseLost:
        if work.settles:  # it was settled before it failed
            return "failed"
        log.warning("message %d of %r: the lease was lost while it was worked on", message.id, message.channel)
        return "lost"


def _finish(work: Work, message: Message, result: Any) -> None:
    said = message.headers
    if work.settles:
        return
    if isinstance(said.get("reply_to"), str) and isinstance(said.get("correlation"), str):
        work.queue.reply(message, result)
    else:
        work.queue.ack(message, result)
