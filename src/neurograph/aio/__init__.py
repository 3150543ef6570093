"""The engine for asyncio: the same methods, awaited, on threads of its own.

    >>> import asyncio, neurograph
    >>> async def main():
    ...     async with neurograph.aio.open(":memory:") as db:
    ...         return (await db.tokens.create("cat")).label
    >>> asyncio.run(main())
    'cat'

1. One implementation: each class here is made from the engine's class of that name, by the rules of `rules.py`.
2. The event loop never waits for the engine.
3. A transaction belongs to the task that entered it, and runs on one thread.
4. What a cancelled task called has ended when the task gets `CancelledError`: done, or undone whole.

What has which type is in ``__init__.pyi``, made by ``python tests/aio/make_stub.py``.
"""

from __future__ import annotations

from typing import Any

from .database import Database, Opening, open
from .queues import Consumer, Worker
from .rules import HANDLES
from .scopes import Scope
from .streams import Stream

__all__ = [
    "Cdna",
    "ConnectionTypes",
    "Connections",
    "Consumer",
    "Database",
    "Domains",
    "EntityTypes",
    "Events",
    "Experiences",
    "Feedbacks",
    "Graph",
    "Grid",
    "Libraries",
    "Library",
    "Opening",
    "Queue",
    "Scope",
    "SemanticGrid",
    "Storage",
    "StorageObjects",
    "Stream",
    "Subscription",
    "Tokens",
    "Topics",
    "Worker",
    "open",
]


def __getattr__(name: str) -> Any:
    if name in HANDLES:
        from .handles import handle_class

        return handle_class(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
