"""Whose turn it is to use the writing connection: a re-entrant lock that serves threads in the order they came.

Invariants:

1. At most one thread has the turn; it may take it again and gives it back as often.
2. Threads that wait are served first come, first served: who has waited longest tries first, and a newcomer does not
   try while anybody waits.
3. A thread that gives up waiting, for whatever reason, leaves the queue and does not have the turn.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from threading import Lock, RLock, get_ident

WAKE_S = 0.05  # a wait is cut into such pieces: Windows delivers Ctrl-C only between them, and no wake-up can be lost


class Turn:
    """A fair re-entrant lock with a time limit. Taking it and giving it back uncontended costs about 0.2 µs."""

    __slots__ = ("_held", "_mine", "_queue")

    def __init__(self) -> None:
        self._held = RLock()
        self._mine = self._held._is_owned  # type: ignore[attr-defined]  # what threading.Condition relies on
        self._queue: deque[Lock] = deque()

    @property
    def mine(self) -> bool:
        """True where the calling thread has the turn."""
        return self._mine()  # type: ignore[no-any-return]

    def take(self, timeout_s: float) -> bool:
        """Take the turn, waiting for at most `timeout_s`; return False when that ran out."""
        if (not self._queue or self._mine()) and self._held.acquire(blocking=False):
            return True
        return timeout_s > 0 and self._wait(time.monotonic() + timeout_s)

    def _wait(self, end: float) -> bool:
        gate = Lock()
        gate.acquire()
        self._queue.append(gate)
        try:
            while not (self._queue[0] is gate and self._held.acquire(blocking=False)):
                left = end - time.monotonic()
                if left <= 0:
                    return False
                gate.acquire(timeout=min(left, WAKE_S))
        except BaseException:
            if self._mine():  # an interrupt right after the lock was acquired
                self._held.release()
            raise
        finally:
            self._queue.remove(gate)
            self._wake()
        return True

    def give(self) -> None:
        """Give the turn back; the last time wakes the thread that has waited longest."""
        self._held.release()
        if self._queue and not self._mine():
            self._wake()

    def _wake(self) -> None:
        try:  # noqa: SIM105 - contextlib.suppress costs 0.4 µs
            self._queue[0].release()
        except (IndexError, RuntimeError):
            pass  # nobody waits, or it is awake already


Owner = tuple[int, object]


def current_task() -> object:
    """Return the running asyncio task, or None; asyncio is not imported for it."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return None
    try:
        loop = asyncio._get_running_loop()  # None costs 0.03 µs; the RuntimeError of current_task() costs 0.4
        return None if loop is None else asyncio.current_task(loop)
    except AttributeError:  # another thread is importing asyncio at this moment
        return None


def current_owner() -> Owner:
    """Return what owns a transaction or a snapshot: the calling thread and its asyncio task."""
    return get_ident(), current_task()
