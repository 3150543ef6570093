"""An iterator of the engine, stepped on threads, as an asynchronous iterator.

1. It begins at the first step, or when it is awaited or entered; from then on it sees what the sync one would.
2. An item is delivered once or kept: a step whose task is cancelled goes on, and its item is the next step's.
3. One step runs at a time. What is closed while a step runs is closed by that step's thread when it has ended.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import Misuse, NeurographError
from .calls import Answer, Call

if TYPE_CHECKING:
    from types import TracebackType

    from .runner import Block, Runner

T = TypeVar("T")
Took = tuple[Sequence[Any], BaseException | None]

_NOTHING: Took = ((), None)

AHEAD, AHEAD_S = 256, 0.005
"""Rows read in one step at most, and for how long: a row a step would cost 60 µs each."""


class Steps:
    """The state of a stream, which its threads know; the stream itself is the caller's alone, and can be dropped."""

    def __init__(self, runner: Runner, block: Block | None, begin: Callable[[], Iterator[Any]], ahead: bool) -> None:
        self.runner = runner
        self.items: deque[Any] = deque()
        self.ended: BaseException | None = None
        self.closing = False
        self.lock = threading.Lock()
        self.call: Call | None = None  # the step that runs
        self.waiter: asyncio.Future[None] | None = None
        self.closers: list[Answer] = []
        self.loop: asyncio.AbstractEventLoop | None = None  # the last it was read in
        self.iterator: Iterator[Any] | None = None
        self.begun = False
        self._begin: Callable[[], Iterator[Any]] | None = begin
        self._put_back: Callable[[Any], None] | None = None
        self._block = block
        self._most = AHEAD if ahead else 1

    def post(self, function: Callable[[], Any]) -> None:
        """Let a thread take a step."""
        self.call = Call(self.runner, function, self._told)
        block = self._block if self._block is not None and not self._block.ending else None
        try:
            self.runner.post(block, self.call)
        except BaseException:
            self.call = None
            raise

    def keep(self, iterator: Iterator[Any], put_back: Callable[[Any], None]) -> None:
        """Take an iterator that is begun already, and gets back what nobody has seen when it is closed."""
        self.iterator, self._put_back, self.begun = iterator, put_back, True
        self.runner.to_close.add(self)

    def begin(self) -> Took:
        """Make the iterator."""
        if self.iterator is None and self._begin is not None:
            begin, self._begin = self._begin, None
            self.iterator = iter(begin())
        self.begun = True
        return _NOTHING

    def step(self) -> Took:
        """Return the next items, and the error that came after them."""
        self.begin()
        iterator = self.iterator
        items: list[Any] = []
        if iterator is None:
            raise StopIteration
        until = time.monotonic() + AHEAD_S
        try:
            while len(items) < self._most:
                items.append(next(iterator))
                if self._most > 1 and time.monotonic() > until:
                    break
        except BaseException as error:
            return items, self.runner.said(error)
        return items, None

    def close_later(self) -> None:
        """Let a thread close the iterator; nobody waits for it."""
        with suppress(NeurographError):  # closed meanwhile
            self.post(lambda: _NOTHING)

    def _told(self, took: Took | None, error: BaseException | None) -> None:
        """Note how a step ended, on its thread."""
        items, end = took or ((), None)
        with self.lock:
            closing, waiter, self.waiter = self.closing, self.waiter, None
            if not closing:
                self.items.extend(items)
                self.ended = error or end  # after the items: who finds it looks for items again
                self.call = None
        if closing:
            self._closed(items)
        if waiter is not None:
            with suppress(RuntimeError):  # the loop was closed; the items wait for the next step
                waiter.get_loop().call_soon_threadsafe(_wake, waiter)

    def close_now(self) -> None:
        """Close the iterator on the calling thread, where no step runs and the file is closed next."""
        self._closed(())

    def _closed(self, items: Sequence[Any]) -> None:
        error: BaseException | None = None
        iterator, self.iterator, self._begin = self.iterator, None, None
        try:
            if self._put_back is not None and iterator is not None:
                for item in reversed([*self.items, *items]):
                    self._put_back(item)
            self.items.clear()
            close = getattr(iterator, "close", None)
            if close is not None:
                close()
        except NeurographError as raised:
            error = raised
        with self.lock:
            self.call, closers = None, self.closers
            self.closers = []
        for answer in closers:
            answer.tell(None, error)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class Stream(AsyncIterator[T], Generic[T]):
    """What methods return that yield: an asynchronous iterator.

    ``async for`` begins it and reads it to its end. ``await`` begins it at once and returns it, where what it sees must
    be of that moment; ``async with`` does, and closes it at the end of the block. It belongs to the transaction or
    snapshot that was open where it was made.

    Examples
    --------
    >>> import asyncio, neurograph
    >>> async def main():
    ...     async with neurograph.aio.open(":memory:") as db:
    ...         async with db.stream("select value from json_each('[1, 2, 3]')") as rows:
    ...             async for (n,) in rows:
    ...                 if n == 2:
    ...                     return n
    >>> asyncio.run(main())
    2
    """

    def __init__(
        self, runner: Runner, block: Block | None, begin: Callable[[], Iterator[T]], ahead: bool = False
    ) -> None:
        self._steps = Steps(runner, block, begin, ahead)

    def __aiter__(self) -> Stream[T]:
        return self

    async def __anext__(self) -> T:
        steps = self._steps
        while True:
            ended = steps.ended
            if steps.items and not steps.closing:
                return steps.items.popleft()  # type: ignore[no-any-return]
            if steps.closing or isinstance(ended, StopIteration):
                raise StopAsyncIteration
            if ended is not None:
                steps.ended = StopIteration()
                raise ended
            await self._arrival(steps.step)

    async def _arrival(self, function: Callable[[], Any]) -> None:
        """Wait until a step has ended, beginning one where none runs."""
        steps = self._steps
        steps.loop = asyncio.get_running_loop()
        waiter = steps.loop.create_future()
        with steps.lock:
            if steps.waiter is not None:
                raise Misuse("a stream must be read by one task at a time; another one waits for its next item")
            if steps.items or steps.ended is not None or steps.closing:
                return
            steps.waiter = waiter
            try:
                if steps.call is None:
                    steps.post(function)
            except BaseException:
                steps.waiter = None
                raise
        try:
            await waiter
        finally:
            with steps.lock:
                if steps.waiter is waiter:
                    steps.waiter = None

    async def _begun(self) -> Stream[T]:
        steps = self._steps
        while not steps.begun and steps.ended is None and not steps.closing:
            await self._arrival(steps.begin)
        if steps.ended is not None and not steps.begun:
            await anext(self)  # raises what it began with
        return self

    def __await__(self) -> Generator[Any, None, Stream[T]]:
        return self._begun().__await__()

    async def aclose(self) -> None:
        """Close it; a step that runs is stopped first. A second call does nothing.

        Examples
        --------
        >>> import asyncio, neurograph
        >>> async def main():
        ...     async with neurograph.aio.open(":memory:") as db:
        ...         changes = await db.storage.watch("devices")
        ...         await changes.aclose()
        ...         return [change async for change in changes]
        >>> asyncio.run(main())
        []
        """
        steps = self._steps
        answer = Answer(asyncio.get_running_loop())
        with steps.lock:
            if steps.call is not None:
                steps.closers.append(answer)
                steps.closing = True
                steps.call.stopping = True
            else:
                if not steps.closing and steps.iterator is not None:
                    steps.closing = True  # before a thread can have run what is posted
                    steps.close_later()
                steps.closing = True
                if steps.call is None:
                    return
                steps.closers.append(answer)
        await answer

    async def __aenter__(self) -> Stream[T]:
        return await self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        steps = self._steps
        call, loop, begun = steps.call, steps.loop, not steps.closing and steps.iterator is not None
        steps.closing = True
        if call is not None:
            call.stopping = True
        elif begun and steps.ended is None and loop is not None:
            with suppress(RuntimeError):  # the loop was closed
                loop.call_soon_threadsafe(steps.close_later)
