"""One call of the engine on a thread, and its answer on an event loop.

1. A call runs whole: it ends with its result, with its error, or, where it was stopped, with what it began undone.
2. A task that is cancelled stops its own call alone, and gets `CancelledError` when that call has ended.
3. Who awaits gets the very object that was raised, on the loop that awaits, whichever loop opened the database.
"""

from __future__ import annotations

import asyncio
from _thread import get_ident
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

from ..connection.running import calls
from ..errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable

    from .runner import Runner
    from .threads import Threads

    Told = Callable[[Any, BaseException | None], None]


class Call:
    """A function that will run on a thread, or runs there.

    Attributes
    ----------
    stopping
        True where it is to stop at the next moment at which a deadline would stop it.
    for_ever
        True while it waits, and nobody knows for how long.
    """

    __slots__ = ("_context", "_function", "_runner", "_told", "_waits", "for_ever", "stopping", "threads")

    def __init__(self, runner: Runner, function: Callable[[], Any], told: Told) -> None:
        self._runner = runner
        self._function = function
        self._told = told  # on the thread
        self._context = copy_context()  # as `asyncio.to_thread` does
        self.stopping = False
        self.for_ever = False
        self._waits = 0  # a wait may look at the file, and wait for its turn to do so
        self.threads: Threads | None = None  # those that let another thread run while this one waits

    def run(self) -> None:
        """Run it on the calling thread, and tell how it ended."""
        result, error = None, None
        calls[get_ident()] = self
        try:
            if self.stopping:
                raise Interrupted("the call was stopped before it began")
            result = self._context.run(self._function)
        except BaseException as raised:
            error = raised
        finally:
            del calls[get_ident()]
        self._told(result, self._runner.ended(self, error))
        del result, error  # the traceback holds this frame

    def waits(self, for_ever: bool) -> None:
        """Note that it waits from now on."""
        self._waits += 1
        if self._waits == 1:
            self.for_ever = for_ever
            if self.threads is not None:
                self.threads.waits(self)

    def goes_on(self) -> None:
        """Note that it waits no longer."""
        self._waits -= 1
        if self._waits == 0:
            self.for_ever = False
            if self.threads is not None:
                self.threads.goes_on()


class Answer(asyncio.Future[Any]):
    """What a task awaits while its call runs on a thread.

    A task that is cancelled cancels what it awaits, and waits on where that says no: until the call has ended.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self.call: Call | None = None  # the one to stop; None where it must run to its end

    def cancel(self, msg: Any | None = None) -> bool:
        """Stop the call where that may be done, and leave the end to it."""
        if self.call is not None:
            self.call.stopping = True
        return False

    def tell(self, result: Any, error: BaseException | None) -> None:
        """Bring the end of the call to the loop, from any thread."""
        with suppress(RuntimeError):  # the loop was closed: nobody waits any more
            self.get_loop().call_soon_threadsafe(self._end, result, error)

    def _end(self, result: Any, error: BaseException | None) -> None:
        self.call = None  # which knows its answer: what is no cycle needs no collector
        if error is None:
            self.set_result(result)
        elif isinstance(error, StopIteration):  # which no future can hold
            self.set_exception(RuntimeError("the call raised StopIteration"))
        else:
            self.set_exception(error)
