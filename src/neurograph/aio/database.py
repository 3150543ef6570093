"""The asyncio form of an open file, and opening one."""

from __future__ import annotations

import os
from collections.abc import Generator
from functools import partial
from typing import TYPE_CHECKING, Any

from .. import database as engine
from .handles import handle_class
from .rules import HANDLES
from .runner import MOST, Runner
from .threads import Threads

if TYPE_CHECKING:
    from types import TracebackType


class Database(handle_class("Database")):  # type: ignore[misc]  # made at run time; its types are in the stub
    """An open file whose methods are coroutines. Made by `neurograph.aio.open`.

    It has the attributes of `neurograph.Database`. Tasks and event loops may share one: a transaction belongs to its
    task, writes of others wait for it, reads don't.
    """

    @classmethod
    def _over(cls, sync: engine.Database) -> Database:
        """Return the asyncio form of an open file."""
        return cls._adopted(Runner(Threads(MOST)), sync)

    @classmethod
    def _adopted(cls, runner: Runner, sync: engine.Database) -> Database:
        runner.sync = sync
        return cls(runner, sync)

    @property
    def in_transaction(self) -> bool:
        """True where the running task has a transaction open."""
        block = self._runner.block()
        return block is not None and block.transactions > 0

    async def close(self, *, portable: bool = False) -> None:
        """Wait for calls that run, and close the file; a second call does nothing.

        What waits for ever, such as `storage.watch`, is stopped and raises `Closed`; calls made later raise it too.

        Parameters
        ----------
        portable
            As for `neurograph.Database.close`.

        Raises
        ------
        TransactionOpen
            This task has a transaction or snapshot open; or another task has, for longer than the busy timeout. The
            handle stays open.
        TransactionBusy
            `portable`, and another process or handle has the file open; the handle stays open.

        Examples
        --------
        >>> import asyncio, neurograph
        >>> async def main():
        ...     db = await neurograph.aio.open(":memory:")
        ...     await db.close()
        ...     return db.closed
        >>> asyncio.run(main())
        True
        """
        await self._runner.close(portable)

    async def __aenter__(self) -> Database:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<aio.Database {self.path!r}{' closed' if self.closed else ''}>"


class Opening:
    """What `open` returns: awaited it is the open `Database`, and ``async with`` closes that at its end."""

    def __init__(self, path: str | os.PathLike[str], options: dict[str, Any]) -> None:
        self._open = partial(_open, path, options)
        self._db: Database | None = None

    async def _opened(self) -> Database:
        threads = Threads(MOST)
        runner = Runner(threads)
        opened: list[engine.Database] = []
        try:
            await runner.first(lambda: opened.append(self._open()))
        except BaseException:
            if opened:  # cancelled when it was done
                await Database._adopted(runner, opened[0]).close()
            threads.end()
            raise
        return Database._adopted(runner, opened[0])

    def __await__(self) -> Generator[Any, None, Database]:
        return self._opened().__await__()

    async def __aenter__(self) -> Database:
        self._db = await self
        return self._db

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._db is not None:
            await self._db.close()


def _open(path: str | os.PathLike[str], options: dict[str, Any]) -> engine.Database:
    """Open a file and load its stores, on a thread: each takes 2 to 30 ms the first time in a process."""
    db = engine.open(path, **options)
    for name in HANDLES:
        handle_class(name)
    for name in ("cdna", "connections", "tokens"):
        getattr(db, name)
    return db


def open(path: str | os.PathLike[str], **options: Any) -> Opening:
    """Open a file for asyncio, creating it where there is none.

    Parameters
    ----------
    path
        As for `neurograph.open`.
    **options
        As for `neurograph.open`.

    Returns
    -------
    Opening
        For ``async with``, which closes the file at its end, or ``await``; both lead to the open `Database`.

    Raises
    ------
    NeurographError
        As `neurograph.open`, when it is entered or awaited.

    Examples
    --------
    >>> import asyncio, neurograph
    >>> async def main():
    ...     async with neurograph.aio.open(":memory:") as db:
    ...         async with db.transaction():
    ...             cat = await db.tokens.create("cat")
    ...             await db.queue.publish("tokens.created", {"id": cat.id})
    ...         return [message.payload for message in await db.queue.peek("tokens.created")]
    >>> asyncio.run(main())
    [{'id': 1}]

    Notes
    -----
    Runs the engine on threads of its own: eight calls at a time, and one more for each that waits.
    """
    return Opening(path, options)
