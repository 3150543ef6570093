"""Whose turn it is to use the writing connection: a re-entrant lock that serves threads in the order they came.

Invariants:

1. At most one thread has the turn; it may take it again and gives it back as often.
2. Threads that wait are served first come, first served: who has waited longest tries first, and a newcomer does not
   try while anybody waits.
3. A thread that gives up waiting, for whatever reason, leaves the queue and does not have the turn. One whose call was
   stopped gives up.
4. `take` has taken when it returns and has not when it raises, wherever Ctrl-C hits it: who has the turn is noted by
   the same call into C that takes it. (`threading.RLock` can't say how often it was taken, so nobody could repair it.)
"""

from __future__ import annotations

import sys
import time
from _thread import allocate_lock, get_ident  # `threading` takes 0.6 ms to load
from collections import deque

from .running import Idle, told_to_stop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType

WAKE_S = 0.05  # a wait is cut into such pieces: Windows delivers Ctrl-C only between them, and no wake-up can be lost


class Turn:
    """A fair re-entrant lock with a time limit. Taking it and giving it back uncontended costs about 0.3 µs."""

    __slots__ = ("_depth", "_holder", "_queue")

    def __init__(self) -> None:
        self._holder: dict[str, int] = {}
        self._depth = 0
        self._queue: deque[LockType] = deque()

    @property
    def mine(self) -> bool:
        """True where the calling thread has the turn."""
        return self._holder.get("thread") == get_ident()

    def mark(self) -> int:
        """Return how often the calling thread has the turn, for `settle`."""
        return self._depth if self.mine else 0

    def settle(self, mark: int) -> None:
        """Give back what the calling thread took since `mark`, if anything."""
        if self.mine and self._depth != mark:
            self._depth = mark
            if not mark:
                del self._holder["thread"]
                self._wake()

    def take(self, timeout_s: float) -> bool:
        """Take the turn, waiting for at most `timeout_s`; return False when that ran out."""
        me = get_ident()
        if self._holder.get("thread") == me:
            self._depth += 1
            return True
        if not self._queue and self._try(me):
            return True
        return timeout_s > 0 and self._wait(me, time.monotonic() + timeout_s)

    def _try(self, me: int) -> bool:
        try:
            if self._holder.setdefault("thread", me) != me:
                return False
            self._depth = 1
            return True
        except BaseException:
            if self.mine:
                self._depth = 1
                self.give()
            raise

    def _wait(self, me: int, end: float) -> bool:
        gate = allocate_lock()
        gate.acquire()
        taken = False
        try:
            self._queue.append(gate)
            with Idle(for_ever=False):
                while not taken:
                    taken = self._queue[0] is gate and self._try(me)
                    left = end - time.monotonic()
                    if left <= 0 or told_to_stop():
                        break
                    if not taken:
                        gate.acquire(timeout=min(left, WAKE_S))
        except BaseException:
            if taken:
                self.give()
            raise
        finally:
            try:  # noqa: SIM105 - contextlib is not loaded on the way to `open`
                self._queue.remove(gate)
            except ValueError:
                pass  # Ctrl-C came before it stood there
            self._wake()
        return taken

    def give(self) -> None:
        """Give the turn back; the last time wakes the thread that has waited longest."""
        self._depth -= 1
        if not self._depth:
            del self._holder["thread"]
            if self._queue:
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
