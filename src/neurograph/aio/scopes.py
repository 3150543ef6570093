"""A ``with`` block of the engine as an ``async with`` block of a task.

1. It is left whole, whatever is raised: kept on a normal end, undone on an error and on cancellation.
2. Whoever is cancelled while entering has entered nothing.
3. A block whose task is gone without leaving it is undone when it is collected.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import Misuse, NeurographError
from .calls import Answer, Call

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import TracebackType

    from .runner import Block, Runner


class Scope:
    """What `Database.transaction` and `Database.snapshot` return: for ``async with``; its value is None."""

    def __init__(self, runner: Runner, make: Callable[[], AbstractContextManager[Any]], transaction: bool) -> None:
        self._runner = runner
        self._make = make
        self._transaction = transaction
        self._context: AbstractContextManager[Any] | None = None
        self._block: Block | None = None

    async def __aenter__(self) -> None:
        if self._block is not None:
            raise Misuse("a block must be entered once; call transaction() or snapshot() for each")
        block = self._block = self._runner.enter_block()
        try:
            await self._runner.call(block, self._enter)
        except BaseException as error:  # perhaps cancelled when it was done, or its task is gone before
            with suppress(Exception):
                await self._leaving(type(error), error, None)
            raise
        block.transactions += self._transaction

    def _enter(self) -> None:
        context = self._make()
        context.__enter__()
        self._context = context

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._block is None:
            raise Misuse("a block must be entered before it is left")
        self._block.transactions -= self._transaction
        await self._leaving(kind, error, trace)

    async def _leaving(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave on the block's thread, which then leaves the block: no call comes between, whoever is gone by then."""
        block, self._block = self._block, None
        loop = asyncio._get_running_loop()
        answer = None if loop is None or isinstance(error, GeneratorExit) else Answer(loop)
        if block is not None:
            self._post_leaving(block, partial(self._leave, kind, error, trace), answer)
            if answer is not None:
                await answer

    def _post_leaving(self, block: Block, leave: Callable[[], object], answer: Answer | None) -> None:
        runner = self._runner

        def told(result: None, error: BaseException | None) -> None:
            runner.leave_block(block)
            if answer is not None:
                answer.tell(result, error)

        ends = block.depth == 1
        try:
            runner.post(block, Call(runner, leave, told))
        except BaseException:
            runner.leave_block(block)
            raise
        block.ending = ends

    def _leave(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        context, self._context = self._context, None
        if context is not None:
            context.__exit__(kind, error, trace)

    def __del__(self) -> None:
        block, context = self._block, self._context
        if block is not None and context is not None:
            gone = GeneratorExit("the task of this block is gone")
            with suppress(NeurographError):
                self._post_leaving(block, partial(context.__exit__, GeneratorExit, gone, None), None)
