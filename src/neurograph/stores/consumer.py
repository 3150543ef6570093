"""Work waited for: an iterator that claims it as it comes, for ``for`` and for ``async for``.

A part of the stores layer, not a store: what is claimed, and where, is for the store to say.
"""

from __future__ import annotations

import time
from collections import deque

from ..connection.scope import deadline_after
from ..connection.waiting import Waiting
from ..errors import TransactionOpen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import CancelledError
    from collections.abc import Callable, Hashable, Sequence
    from concurrent.futures import Future
    from queue import SimpleQueue
    from types import TracebackType
    from typing import Any, Generic, Protocol, Self, TypeVar

    from ..connection.session import Session

    Record = TypeVar("Record")

    class Source(Protocol[Record]):
        """Where work is claimed."""

        def claim(self) -> Sequence[Record]:
            """Return what is there, claimed."""

        def extend(self, records: Sequence[Record]) -> Sequence[Record | None]:
            """Give what was claimed another lease; None for what was lost."""

        def release(self, records: Sequence[Record]) -> object:
            """Give back what was claimed."""

        def lease_left_s(self, record: Record) -> float:
            """Return how long something is claimed yet."""

        def next_due_s(self, waiting: Waiting) -> float | None:
            """Return in how many seconds time alone will bring something; None: never."""

else:
    from ..model.typed import Generic, TypeVar

    Record = TypeVar("Record")

EXTENDED_AT = 1 / 3
"""The share of a lease after which it is extended: two more tries are left before others may take over."""


class AsItComes(Generic[Record]):
    """Work as it comes, each piece claimed for whoever iterates.

    One thread or task iterates; `stop` may come from any. As a context manager it gives back what it has claimed ahead.
    """

    def __init__(
        self, source: Source[Record], session: Session, topics: Sequence[Hashable], timeout_s: float | None
    ) -> None:
        self._source = source
        self._session = session
        self._topics = topics
        self._timeout_s = timeout_s
        self._ahead: deque[Record] = deque()
        self._extended_below_s = 0.0  # of its lease what is claimed ahead has left: then it needs another
        self._waiting: Waiting | None = None
        self._stopped = self._halted = False
        self._steps: Steps | None = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Record:
        """Return the next piece, waiting for it."""
        self._require_outside()
        record = self._take()
        if record is None:
            raise StopIteration
        return record

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Record:
        """Return the next piece; a thread of the consumer's own waits for it, and the event loop goes on."""
        import asyncio

        self._require_outside()
        if self._steps is None:
            self._steps = Steps()
        step = asyncio.wrap_future(self._steps.post(self._take))
        cancelled: CancelledError | None = None
        while not step.done():
            try:
                await asyncio.wait([step])
            except asyncio.CancelledError as error:  # again, perhaps, before the step has ended
                cancelled = error
                self._halt()
            except GeneratorExit:  # its loop is gone
                self._halt()
                raise
        if cancelled is not None:
            self._go_on()
            if step.exception() is None and (record := step.result()) is not None:
                self._ahead.appendleft(record)  # what it has claimed meanwhile is the next step's
            raise cancelled
        if (record := step.result()) is None:
            raise StopAsyncIteration
        return record

    @property
    def ahead(self) -> tuple[Record, ...]:
        """What is claimed and has not come yet."""
        return tuple(self._ahead)

    def stop(self) -> None:
        """End the iteration, from any thread: what was claimed ahead still comes, and nothing more."""
        self._stopped = True
        self._halt()

    def close(self) -> None:
        """End the iteration and give back, as not claimed, what was claimed ahead; a second call does nothing."""
        self.stop()
        steps, self._steps = self._steps, None
        if steps is not None:
            steps.end()
        if self._waiting is not None:
            self._waiting.close()
        if self._ahead:
            records, self._ahead = list(self._ahead), deque()
            self._source.release(records)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import asyncio

        await asyncio.to_thread(self.close)

    def _require_outside(self) -> None:
        if not self._ahead and self._session.in_transaction:
            raise TransactionOpen(
                "cannot wait for work; a transaction is open here, and while it is nobody else can publish; end it "
                "first, or call claim, which does not wait"
            )

    def _halt(self) -> None:
        self._halted = True
        if (waiting := self._waiting) is not None:
            waiting.stop()

    def _go_on(self) -> None:
        if not self._stopped:
            self._halted = False
            if self._waiting is not None:
                self._waiting.go_on()

    def _take(self) -> Record | None:
        """Return the next piece; None at the end."""
        if self._ahead and self._source.lease_left_s(self._ahead[0]) <= self._extended_below_s:
            self._extend()
        if not self._ahead and not self._stopped:
            self._wait()
        try:
            return self._ahead.popleft()
        except IndexError:  # also where another thread closed it a moment ago
            return None

    def _extend(self) -> None:
        """Give what was claimed ahead another lease; what was lost is somebody else's."""
        extended = self._source.extend(self._ahead)
        self._ahead = deque(record for record in extended if record is not None)
        self._note_lease()

    def _note_lease(self) -> None:
        if self._ahead:
            self._extended_below_s = self._source.lease_left_s(self._ahead[0]) * (1 - EXTENDED_AT)

    def _claim(self) -> None:
        self._ahead.extend(self._source.claim())
        self._note_lease()

    def _wait(self) -> None:
        """Claim what is there, waiting until something is."""
        if self._waiting is None:  # it costs milliseconds, and often there is something, or no time to wait
            self._claim()
            if self._ahead or self._timeout_s == 0:
                return
            self._waiting = Waiting(self._session, *self._topics)
            if self._halted:  # while it was made
                self._waiting.stop()
        end = deadline_after(self._timeout_s)
        while True:
            seen = self._waiting.seen()
            self._claim()
            if self._ahead:
                return
            due_s = self._source.next_due_s(self._waiting)
            due = None if due_s is None else time.monotonic() + due_s
            until = due if end is None else end if due is None else min(end, due)
            if not self._waiting.wait(seen, until) and (
                self._waiting.stopped or (end is not None and time.monotonic() >= end)
            ):
                return


class Steps:
    """One thread for the steps of a consumer whose event loop must not wait; a process ends without it."""

    def __init__(self) -> None:
        import threading
        from queue import SimpleQueue

        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=_run, args=(self._calls,), name="neurograph-consumer", daemon=True)
        self._thread.start()

    def post(self, function: Callable[[], Record]) -> Future[Record]:
        """Let the thread run a function."""
        from concurrent.futures import Future

        future: Future[Record] = Future()
        self._calls.put((future, function))
        return future

    def end(self) -> None:
        """Wait for what the thread runs, and end it; a second call does nothing."""
        self._calls.put(None)
        self._thread.join()

    def __del__(self) -> None:
        self._calls.put(None)


def _run(calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None]) -> None:
    while (call := calls.get()) is not None:
        future, function = call
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)
        del call, future, function  # the last holds the consumer, which may be dropped
