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
    from collections.abc import Hashable, Sequence
    from concurrent.futures import ThreadPoolExecutor
    from types import TracebackType
    from typing import Generic, Protocol, Self, TypeVar

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
        self._thread: ThreadPoolExecutor | None = None

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
        if self._thread is None:
            from concurrent.futures import ThreadPoolExecutor

            self._thread = ThreadPoolExecutor(1, "neurograph-consumer")
        step = asyncio.get_running_loop().run_in_executor(self._thread, self._take)
        try:
            record = await asyncio.shield(step)
        except asyncio.CancelledError:
            self._halt()
            record = await step  # at once; what it has claimed meanwhile is the next step's
            self._go_on()
            if record is not None:
                self._ahead.appendleft(record)
            raise
        if record is None:
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
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None
        waiting, self._waiting = self._waiting, None  # two threads may close it, and descriptors are closed once
        if waiting is not None:
            waiting.close()
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
        return self._ahead.popleft() if self._ahead else None

    def _extend(self) -> None:
        """Give what was claimed ahead another lease; what was lost is somebody else's."""
        extended = self._source.extend(self._ahead)
        self._ahead = deque(record for record in extended if record is not None)
        self._note_lease()

    def _note_lease(self) -> None:
        if self._ahead:
            self._extended_below_s = self._source.lease_left_s(self._ahead[0]) * (1 - EXTENDED_AT)

    def _wait(self) -> None:
        """Claim what is there, waiting until something is."""
        if self._waiting is None:
            self._waiting = Waiting(self._session, *self._topics)
            if self._halted:  # while it was made
                self._waiting.stop()
        end = deadline_after(self._timeout_s)
        while True:
            seen = self._waiting.seen()
            self._ahead.extend(self._source.claim())
            if self._ahead:
                self._note_lease()
                return
            due_s = self._source.next_due_s(self._waiting)
            due = None if due_s is None else time.monotonic() + due_s
            until = due if end is None else end if due is None else min(end, due)
            if not self._waiting.wait(seen, until) and (
                self._waiting.stopped or (end is not None and time.monotonic() >= end)
            ):
                return
