"""How each method and property of the engine is answered for a task.

1. A method that returns an iterator is a `Stream`, one that returns a transaction or a snapshot a block for
   ``async with``; consumers and workers have asyncio forms of their own; every other method is a coroutine.
2. A property is a coroutine too, for it may read the file. Named here are those that read nothing.
3. Objects that use the file themselves, such as a `Library`, are returned in their asyncio form.

The stub is made by these rules as well, so that types and behaviour can't differ.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import cache
from importlib import import_module
from typing import Any

HANDLES = {
    "Cdna": "stores.cdna",
    "ConnectionTypes": "stores.vocabulary",
    "Connections": "stores.connections",
    "Database": "database",
    "Domains": "stores.vocabulary",
    "EntityTypes": "stores.vocabulary",
    "Events": "stores.events",
    "Experiences": "stores.experience",
    "Feedbacks": "flows.feedback",
    "Graph": "stores.graph",
    "Grid": "stores.grid",
    "Libraries": "stores.library",
    "Library": "stores.library",
    "Queue": "stores.queue",
    "SemanticGrid": "stores.library.places.semantic_grid",
    "Storage": "stores.storage",
    "StorageObjects": "stores.storage.objects",
    "Subscription": "stores.topics",
    "Tokens": "stores.tokens",
    "Topics": "stores.topics",
}
"""The classes that use the file, and where they are."""

PLAIN = frozenset({"closed", "dimension", "id", "in_transaction", "metric", "name", "path"})
"""Properties that read nothing: their value is there at once."""

CONSUMED = {"Consumer": "Message", "EntryConsumer": "Entry"}
"""What consumers yield."""

AT_ONCE = frozenset({"interrupt"})
"""Methods that never wait, and must not: they run where they are called."""

CALLS_BACK = frozenset({"transaction_callback"})
"""Methods that call a function in a transaction: here it runs on the loop, and may be a coroutine function."""

LEFT_OUT = frozenset({"begin", "commit", "rollback"})
"""At a prompt, where they belong, each line is a task of its own: none could end what another began."""

AHEAD = frozenset({"__iter__", "stream"})
"""Iterators whose items are there already, so that several are read in one step."""


class Kind(Enum):
    """How something is answered."""

    CALL = "a coroutine"
    STREAM = "an asynchronous iterator"
    SCOPE = "a block for async with"
    AT_ONCE = "its value"
    CONSUMER = "an asynchronous iterator that can be stopped"
    WORKER = "a worker"
    CALLS_BACK = "a coroutine that calls back on the loop"
    HANDLE = "an object of the same kind"


def kind_of(name: str, returns: str, is_property: bool) -> Kind:
    """Return how something is answered, by its name and the annotation of what it returns."""
    if is_property:
        return Kind.HANDLE if returns in HANDLES else Kind.AT_ONCE if name in PLAIN else Kind.CALL
    if returns.startswith("Iterator["):
        return Kind.STREAM
    if returns in ("Transaction", "Snapshot"):
        return Kind.SCOPE
    if returns in CONSUMED:
        return Kind.CONSUMER
    if returns == "Worker":
        return Kind.WORKER
    return Kind.AT_ONCE if name in AT_ONCE else Kind.CALLS_BACK if name in CALLS_BACK else Kind.CALL


def returns_handles(returns: str) -> bool:
    """Tell whether what is returned is an object that uses the file, or a list of them."""
    return any(name in HANDLES for name in re.findall(r"\w+", returns))


@cache
def sync_class(name: str) -> type[Any]:
    """Return the class of the engine that has a name."""
    found: type[Any] = getattr(import_module(f"neurograph.{HANDLES[name]}"), name)
    return found
