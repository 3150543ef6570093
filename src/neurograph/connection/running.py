"""What runs on which thread, where somebody must be able to stop one call alone and to know that a thread only waits.

`Session.interrupt` stops whatever runs on a connection; whoever runs many calls of one session in threads of his own
notes them here, and stops one.

1. Each thread looks only for its own call, at the moments at which it also looks at its deadline.
2. A stop is heard once, so that what the stopped call undoes is not stopped too.
3. A thread says before and after that it waits; whoever gave it the call may let another thread run meanwhile.
"""

from __future__ import annotations

from _thread import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Protocol

    class Running(Protocol):
        """A call that runs on a thread."""

        stopping: bool

        def waits(self, for_ever: bool) -> None:
            """Note that the call waits from now on; `for_ever` where nobody knows for how long."""

        def goes_on(self) -> None:
            """Note that the call waits no longer."""


calls: dict[int, Running] = {}
"""Thread → the call that runs there; empty where nobody noted any."""


def told_to_stop() -> bool:
    """Tell whether somebody stopped the call that runs on this thread."""
    return bool(calls) and (call := calls.get(get_ident())) is not None and call.stopping


def heard() -> bool:
    """Tell the same, once."""
    if not told_to_stop():
        return False
    calls[get_ident()].stopping = False
    return True


class Deaf:
    """A context in which the calling thread works for other calls too, and can't be stopped; its value is None."""

    __slots__ = ("_call",)

    def __enter__(self) -> None:
        self._call = calls.pop(get_ident(), None) if calls else None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._call is not None:
            calls[get_ident()] = self._call


class Idle:
    """A context in which the calling thread does nothing but wait; its value is None."""

    __slots__ = ("_call", "_for_ever")

    def __init__(self, for_ever: bool) -> None:
        self._for_ever = for_ever

    def __enter__(self) -> None:
        self._call = calls.get(get_ident()) if calls else None
        if self._call is not None:
            self._call.waits(self._for_ever)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._call is not None:
            self._call.goes_on()
