"""The threads of one database's asyncio form.

1. At most `most` of its calls run at a time; one that only waits does not count, and another may run meanwhile.
2. A thread that was taken runs the calls of who took it, in order, and no others, until it is given back.
3. Threads are started when they are needed. Those left over when waits are over end; a process ends without them.
"""

from __future__ import annotations

import threading
from collections import deque
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .calls import Call


class Lane:
    """One thread and the calls it will run, in order."""

    __slots__ = ("calls", "taken", "thread")

    def __init__(self, threads: Threads) -> None:
        self.calls: SimpleQueue[Call | None] = SimpleQueue()
        self.taken = False
        self.thread = threading.Thread(target=_run, args=(self, threads), name="neurograph.aio", daemon=True)


def _run(lane: Lane, threads: Threads) -> None:
    while (call := lane.calls.get()) is not None:
        taken = lane.taken  # before the call: who gets its answer may give the lane back at once
        call.run()
        call = None
        if not taken:
            threads.next_call(lane)


class Threads:
    """Threads for calls; see the module for what they promise."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._idle: list[Lane] = []  # the last used on top: its caches are warm
        self._calls: deque[Call] = deque()
        self._running = 0
        self.lanes: set[Lane] = set()
        self.closing = False

    def post(self, call: Call) -> None:
        """Let a thread run a call."""
        call.threads = self
        with self._lock:
            self._calls.append(call)
            self._start_one()

    def take(self) -> Lane:
        """Take a thread for one's own calls."""
        with self._lock:
            lane = self._idle.pop() if self._idle else self._made()
            lane.taken = True
            return lane

    def give_back(self, lane: Lane) -> None:
        """Give a thread back that was taken."""
        with self._lock:
            lane.taken = False
            self._rest(lane)
            self._start_one()

    def next_call(self, lane: Lane) -> None:
        """Give a thread that ran a call its next one."""
        with self._lock:
            if self._calls and self._running <= self._most:
                lane.calls.put(self._calls.popleft())
            else:
                self._running -= 1
                self._rest(lane)

    def waits(self, call: Call) -> None:
        """Let another thread run in the place of one that waits."""
        with self._lock:
            self._running -= 1
            self._start_one()
        if self.closing and call.for_ever:
            call.stopping = True

    def goes_on(self) -> None:
        """Count a thread again that waited."""
        with self._lock:
            self._running += 1

    def end(self) -> None:
        """Let every thread end when it has run its calls; no lock, for the collector may ask for it anywhere."""
        self.closing = True
        for lane in tuple(self.lanes):
            lane.calls.put(None)

    def _start_one(self) -> None:
        if self._calls and self._running < self._most:
            self._running += 1
            lane = self._idle.pop() if self._idle else self._made()
            lane.calls.put(self._calls.popleft())

    def _made(self) -> Lane:
        lane = Lane(self)
        lane.thread.start()
        self.lanes.add(lane)
        return lane

    def _rest(self, lane: Lane) -> None:
        if len(self._idle) < self._most and not self.closing:
            self._idle.append(lane)
        else:
            self.lanes.discard(lane)
            lane.calls.put(None)
