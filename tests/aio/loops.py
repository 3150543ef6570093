"""What the tests of the asyncio form share."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

from neurograph.aio.runner import Runner

ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"
"""A statement that runs until somebody stops it."""


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test that is a coroutine."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class Gate:
    """Rows for `executemany` that come when they are let: until then the call keeps its thread and the write lock."""

    def __init__(self, *labels: str) -> None:
        self.labels = labels
        self.entered = threading.Event()
        self.open = threading.Event()
        self.threads: list[int] = []

    def __iter__(self) -> Iterator[tuple[str]]:
        self.threads.append(threading.get_ident())
        self.entered.set()
        assert self.open.wait(60)
        for label in self.labels:
            yield (label,)


async def until(true: Callable[[], object]) -> None:
    """Let the loop run until something is true; `timeout` of pytest ends what never is."""
    while not true():
        await asyncio.sleep(0.001)


async def raised(awaitable: Awaitable[object]) -> BaseException | None:
    """Return what awaiting raises."""
    try:
        await awaitable
    except BaseException as error:
        return error
    return None


def waiting(runner: Runner) -> int:
    """Return how many calls of the pool only wait at the moment."""
    threads = runner.threads
    taken = sum(lane.taken for lane in tuple(threads.lanes))
    return len(threads.lanes) - taken - len(threads._idle) - threads._running
