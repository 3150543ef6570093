"""The asyncio forms of the engine's objects: classes made from the engine's own, method for method.

1. A handle holds the engine's object and calls it, always on a thread; it computes nothing itself.
2. A call belongs to the task that makes it, not to the one that awaits it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import cached_property, partial, wraps
from typing import TYPE_CHECKING, Any

from ..errors import Misuse
from .queues import Consumer, Handler, Worker
from .rules import AHEAD, HANDLES, LEFT_OUT, Kind, kind_of, returns_handles, sync_class
from .scopes import Scope
from .streams import Stream

if TYPE_CHECKING:
    from typing import NoReturn

    from .runner import Runner


class Handle:
    """An object of the engine whose methods are coroutines."""

    def __init__(self, runner: Runner, sync: Any) -> None:
        self._runner = runner
        self._sync = sync

    def __reduce__(self) -> NoReturn:
        raise Misuse(f"{type(self).__name__} can't be pickled or copied; pass the path and open it again")

    def __repr__(self) -> str:
        return f"<aio.{type(self).__name__} of {self._runner.sync.path!r}>"


_made: dict[str, type[Handle]] = {}


def handle_class(name: str) -> type[Handle]:
    """Return the asyncio form of a class of the engine."""
    if name not in _made:
        sync = sync_class(name)
        members = {member: _member(member, inspect.getattr_static(sync, member)) for member in public(sync)}
        if hasattr(sync, "__iter__"):
            members["__aiter__"] = _iteration
        doc = f"The asyncio form of `{name}`: the same methods, awaited.\n\n    {sync.__doc__}"
        made = type(name, (Handle,), {**members, "__doc__": doc, "__module__": "neurograph.aio"})
        _made.setdefault(name, made)
    return _made[name]


def public(sync: type[Any]) -> list[str]:
    """Return the names of the methods and properties that have an asyncio form, in order."""
    return [
        name
        for name in dir(sync)
        if not name.startswith("_") and name not in LEFT_OUT
        if isinstance(inspect.getattr_static(sync, name), property | cached_property) or callable(getattr(sync, name))
    ]


def wrapped(runner: Runner, found: Any) -> Any:
    """Return the asyncio form of what a method returned; what uses no file is returned as it is."""
    if isinstance(found, list):
        return [wrapped(runner, one) for one in found]
    name = type(found).__name__
    if name not in HANDLES or not isinstance(found, sync_class(name)):
        return found
    if name == "Database":
        from .database import Database

        return Database._over(found)
    return handle_class(name)(runner, found)


def bare(value: Any) -> Any:
    """Return an argument as the engine knows it."""
    if isinstance(value, Handle):
        return value._sync
    if isinstance(value, list | tuple) and any(isinstance(one, Handle) for one in value):
        return [bare(one) for one in value]
    return value


def _bound(function: Callable[..., Any], handle: Handle, args: Any, kwargs: Any) -> Callable[[], Any]:
    return partial(function, handle._sync, *map(bare, args), **{name: bare(value) for name, value in kwargs.items()})


def _iteration(self: Handle) -> Stream[Any]:
    returns = type(self._sync).__iter__.__annotations__["return"]
    return _streamed(self._runner, partial(iter, self._sync), "__iter__", returns)


def _streamed(runner: Runner, begin: Callable[[], Iterator[Any]], name: str, returns: str) -> Stream[Any]:
    if returns_handles(returns):
        return Stream(runner, runner.block(), lambda: (wrapped(runner, one) for one in begin()), name in AHEAD)
    return Stream(runner, runner.block(), begin, name in AHEAD)


def _member(name: str, static: Any) -> Any:
    """Return the asyncio form of one method or property."""
    if isinstance(static, property | cached_property):
        getter: Any = static.fget if isinstance(static, property) else static.func
        return _property(name, getter, kind_of(name, getter.__annotations__["return"], True))
    function: Callable[..., Any] = static
    returns = function.__annotations__["return"]
    return _METHODS[kind_of(name, returns, False)](name, function, returns)


def _property(name: str, getter: Callable[..., Any], kind: Kind) -> property:
    returns = getter.__annotations__["return"]

    def get(self: Handle) -> Any:
        if kind is Kind.HANDLE:
            kept = self.__dict__.get(name)
            if kept is None:
                kept = self.__dict__[name] = wrapped(self._runner, getattr(self._sync, name))
            return kept
        if kind is Kind.AT_ONCE:
            return getattr(self._sync, name)
        runner, read = self._runner, partial(getattr, self._sync, name)
        return runner.call(runner.block(), read if not returns_handles(returns) else lambda: wrapped(runner, read()))

    return property(get, doc=getter.__doc__)


def _call(name: str, function: Callable[..., Any], returns: str) -> Callable[..., Any]:
    wraps_answer = returns_handles(returns)

    @wraps(function)
    def call(self: Handle, *args: Any, **kwargs: Any) -> Any:
        runner, bound = self._runner, _bound(function, self, args, kwargs)
        return runner.call(runner.block(), (lambda: wrapped(runner, bound())) if wraps_answer else bound)

    return call


def _stream(name: str, function: Callable[..., Iterator[Any]], returns: str) -> Callable[..., Any]:
    @wraps(function)
    def stream(self: Handle, *args: Any, **kwargs: Any) -> Stream[Any]:
        return _streamed(self._runner, _bound(function, self, args, kwargs), name, returns)

    return stream


def _scope(name: str, function: Callable[..., Any], returns: str) -> Callable[..., Any]:
    @wraps(function)
    def scope(self: Handle, *args: Any, **kwargs: Any) -> Scope:
        return Scope(self._runner, _bound(function, self, args, kwargs), returns == "Transaction")

    return scope


def _at_once(name: str, function: Callable[..., Any], returns: str) -> Callable[..., Any]:
    @wraps(function)
    def at_once(self: Handle, *args: Any, **kwargs: Any) -> Any:
        return _bound(function, self, args, kwargs)()

    return at_once


def _consumer(name: str, function: Callable[..., Any], returns: str) -> Callable[..., Any]:
    @wraps(function)
    def consumer(self: Handle, *args: Any, **kwargs: Any) -> Consumer[Any]:
        return Consumer(self._runner, _bound(function, self, args, kwargs)())  # which only looks at its arguments

    return consumer


def _worker(name: str, function: Callable[..., Any], returns: str) -> Callable[..., Any]:
    @wraps(function)
    def worker(self: Handle, *args: Any, **kwargs: Any) -> Worker:
        given = inspect.signature(function).bind(self._sync, *args, **kwargs)
        if callable(handler := given.arguments["handler"]):
            given.arguments["handler"] = Handler(handler)
        return Worker(self._runner, function(*given.args, **given.kwargs))

    return worker


def _calls_back(name: str, function: Callable[..., Any], returns: str) -> Callable[..., Any]:
    @wraps(function)
    async def calls_back(self: Any, function: Callable[[Any], Any]) -> Any:
        async with self.transaction():
            found = function(self)
            return await found if inspect.isawaitable(found) else found

    return calls_back


_METHODS = {Kind.CALL: _call, Kind.STREAM: _stream, Kind.SCOPE: _scope, Kind.AT_ONCE: _at_once}
_METHODS |= {Kind.CONSUMER: _consumer, Kind.WORKER: _worker, Kind.CALLS_BACK: _calls_back}
