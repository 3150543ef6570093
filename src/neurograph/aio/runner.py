"""Whose thread runs a call: the one kept for the task's open block, or one of the pool.

1. A block (a transaction, a snapshot) belongs to the task that entered it, and has a thread of its own from its begin
   to its end. What that task calls meanwhile runs there, in order, before its end; so does what it calls for another
   task to await, as `asyncio.gather` and `asyncio.wait_for` do.
2. A call that comes to run when its block has ended is refused: it would be committed on its own.
3. Closing waits for calls that run and for blocks that are open; calls that wait for ever are stopped.
"""

from __future__ import annotations

import asyncio
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, WeakSet, ref

from ..errors import Closed, Interrupted, Misuse, NoTransaction, TransactionOpen
from .calls import Answer, Call
from .threads import Lane, Threads

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..database import Database
    from .streams import Steps

MOST = 8
"""Calls that run at a time: as many as reading connections are kept for later; more would open them anew."""


class Block:
    """What a task has open: its thread, and how deep."""

    __slots__ = ("depth", "ending", "lane", "task", "transactions")

    def __init__(self, task: asyncio.Task[Any], lane: Lane) -> None:
        self.task = ref(task)
        self.lane = lane
        self.depth = 0
        self.transactions = 0
        self.ending = False


class Runner:
    """Runs the calls of one database; all its handles share one."""

    def __init__(self, threads: Threads) -> None:
        self.threads = threads
        self.sync: Database
        self._blocks: WeakKeyDictionary[asyncio.Task[Any], Block] = WeakKeyDictionary()
        self._open_blocks = 0
        self._calls: dict[Call, None] = {}  # that were posted and have not ended
        self.to_close: WeakSet[Steps] = WeakSet()  # streams that must be closed before the file is
        self._quiet = threading.Condition()
        self._closing = False
        self._draining = False

    # --- calls ----------------------------------------------------------------------------------------------------

    def block(self) -> Block | None:
        """Return what the running task has open."""
        if not self._blocks or asyncio._get_running_loop() is None:
            return None
        task = asyncio.current_task()
        return None if task is None else self._blocks.get(task)

    async def call(self, block: Block | None, function: Callable[[], Any]) -> Any:
        """Run a function on its thread and return what it returns; a cancelled task stops it."""
        answer = Answer(asyncio.get_running_loop())
        answer.call = Call(self, function, answer.tell)
        self.post(block or self.block(), answer.call)
        return await answer

    async def first(self, function: Callable[[], Any]) -> None:
        """Run what opens the database."""
        answer = Answer(asyncio.get_running_loop())
        answer.call = Call(self, function, answer.tell)
        self.threads.post(answer.call)
        await answer

    async def apart(self, function: Callable[[], Any]) -> Any:
        """Run a function that waits for other calls, on a thread that no call can keep from it."""
        answer = Answer(asyncio.get_running_loop())
        call = Call(self, function, answer.tell)
        threading.Thread(target=call.run, name="neurograph.aio apart", daemon=True).start()
        return await answer

    def post(self, block: Block | None, call: Call) -> None:
        """Give a call to its thread."""
        self._require_open()
        if block is not None:
            if block.ending:
                raise NoTransaction(
                    "cannot run a call after the end of the block it was called in; await it inside that block"
                )
            self._calls[call] = None
            block.lane.calls.put(call)
            return
        self._calls[call] = None
        if self._closing:
            self.ended(call, None)
            raise Closed(f"{self.sync.path!r} is being closed; open it again with neurograph.aio.open")
        self.threads.post(call)

    def ended(self, call: Call, error: BaseException | None) -> BaseException | None:
        """Note that a call has ended, and return the error to raise."""
        self._calls.pop(call, None)
        if self._draining:
            with self._quiet:
                self._quiet.notify_all()
        return error if error is None else self.said(error)

    def said(self, error: BaseException) -> BaseException:
        """Return the error to raise for one of the engine's: what closing stopped was closed."""
        if isinstance(error, Interrupted) and self._closing:
            return Closed(f"{self.sync.path!r} was closed meanwhile; open it again with neurograph.aio.open")
        if isinstance(error, Closed):
            return Closed(str(error).replace("neurograph.open", "neurograph.aio.open"))
        return error

    def _require_open(self) -> None:
        try:
            self.sync._session.require_open()
        except Closed as error:
            raise self.said(error) from None

    # --- blocks ---------------------------------------------------------------------------------------------------

    def enter_block(self) -> Block:
        """Return the running task's block, one deeper; a new one has a thread of its own."""
        task = asyncio.current_task()
        if task is None:
            raise Misuse("a transaction or snapshot must be entered in an asyncio task; none is running")
        block = self._blocks.get(task)
        if block is None:
            self._require_open()
            with self._quiet:
                if self._closing:
                    raise Closed(f"{self.sync.path!r} is being closed; open it again with neurograph.aio.open")
                self._open_blocks += 1
            block = self._blocks[task] = Block(task, self.threads.take())
        block.depth += 1
        return block

    def leave_block(self, block: Block) -> None:
        """Take a level from a block; with the last one its thread is given back."""
        block.depth -= 1
        if block.depth:
            return
        block.ending = True
        if (task := block.task()) is not None:
            self._blocks.pop(task, None)
        self.threads.give_back(block.lane)
        with self._quiet:
            self._open_blocks -= 1
            self._quiet.notify_all()

    # --- the end --------------------------------------------------------------------------------------------------

    async def close(self, portable: bool) -> None:
        """Wait for what runs, close the database, and end the threads; a second call does nothing."""
        if self.sync.closed:
            self.threads.end()
            return
        if self.block() is not None:
            raise TransactionOpen("cannot close; this task has a transaction or snapshot open; leave its block first")
        await self.apart(partial(self._close, portable))

    def _close(self, portable: bool) -> None:
        """Close on a thread of its own: the others have to end."""
        limit_s = self.sync._session.options.busy_timeout_s
        until = time.monotonic() + limit_s
        with self._quiet:
            while self._open_blocks:
                if not self._quiet.wait(until - time.monotonic()) and self._open_blocks:
                    raise TransactionOpen("cannot close; another task has a transaction or snapshot open; end it first")
            self._closing = self._draining = True
        try:
            self.threads.closing = True  # so that who begins to wait for ever is stopped
            for call in tuple(self._calls):
                call.stopping |= call.for_ever
            with self._quiet:
                while self._calls:
                    self._quiet.wait()
            for steps in tuple(self.to_close):
                steps.close_now()
            self.sync.close(portable=portable)
        except BaseException:
            self._closing = self._draining = self.threads.closing = False
            raise
        lanes = tuple(self.threads.lanes)
        self.threads.end()
        for lane in lanes:
            lane.thread.join()

    def __del__(self) -> None:
        self.threads.end()
