"""Who waits for what in this process, so that a commit here wakes at once whom it concerns.

Commits of other processes, and those that nobody announces, are found by `waiting.Waiting` itself.

Invariants:

1. An announcement is told after the commit it is about, never before; one that was undone may be told all the same.
2. Whoever commits waits for nobody: telling is one byte into a socket that may be full.
"""

from __future__ import annotations

from _thread import allocate_lock  # `threading` takes 0.6 ms to load
from weakref import WeakValueDictionary, ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Hashable
    from typing import Protocol

    from .location import Location

    class Listener(Protocol):
        """Somebody who waits."""

        topics: frozenset[Hashable]

        def wake(self) -> None:
            """Look again; from any thread."""


class Board:
    """Those who wait for commits to one file in this process, whichever handle they belong to."""

    __slots__ = ("__weakref__", "_listeners", "_lock")

    def __init__(self) -> None:
        self._listeners: tuple[ref[Listener], ...] = ()  # replaced and never changed: `tell` takes no lock
        self._lock = allocate_lock()

    def add(self, listener: Listener) -> None:
        """Let somebody hear, for as long as anybody else holds it."""
        with self._lock:
            self._listeners = (*self._listeners, ref(listener))

    def remove(self, listener: Listener) -> None:
        """Let somebody hear no more."""
        with self._lock:
            self._listeners = tuple(other for other in self._listeners if other() not in (listener, None))

    def tell(self, topics: Collection[Hashable]) -> None:
        """Wake those that wait for one of some topics."""
        for known in self._listeners:
            listener = known()
            if listener is not None and not listener.topics.isdisjoint(topics):
                listener.wake()

    def wake_all(self) -> None:
        """Wake everybody: a handle is being closed or interrupted."""
        for known in self._listeners:
            listener = known()
            if listener is not None:
                listener.wake()


_boards: WeakValueDictionary[str, Board] = WeakValueDictionary()


def board_of(location: Location) -> Board:
    """Return the board of a file; each database in memory has its own."""
    return Board() if location.in_memory else _boards.setdefault(location.path, Board())
