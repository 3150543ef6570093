"""A worker: threads that run a handler on messages, and one that keeps their leases.

1. A message's lease is extended when a third of it is over, for as long as its handler runs; and so are those of what
   the same thread has claimed ahead: an attempt that counts must have been one.
2. Python can't end a thread: a handler that takes longer than it may has failed, its thread is left to itself and
   another takes its place. A coroutine is cancelled.
"""

from __future__ import annotations

import threading
import time
from math import inf

from ... import log
from ...connection.scope import deadline_after
from ...errors import Closed, Misuse
from ...model.message import Message
from ..consumer import EXTENDED_AT
from .consuming import lease_left_s
from .slot import AGAIN_S, Slot, Work, late, settle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

LOOKS_S = 0.5  # a wait is cut into such pieces: Windows delivers Ctrl-C only between them


class Worker:
    """Threads that run a handler on messages as they come; made by `db.queue.work`.

    Attributes
    ----------
    done
        How many messages were handled and acked.
    failed
        How many handlers raised or took too long; their messages are tried again, or are dead.
    lost
        How many messages were not ours any more when their handler had finished.
    """

    def __init__(self, work: Work, concurrency: int) -> None:
        self.done = self.failed = self.lost = 0
        self._work = work
        self._concurrency = concurrency
        self._state = threading.Condition()
        self._slots: set[Slot] = set()
        self._started = False

    def start(self) -> None:
        """Begin to work, in threads; `stop` ends it.

        Raises
        ------
        Misuse
            It was started before.
        RuntimeError
            The system starts no more threads; none of this worker works.
        """
        with self._state:
            if self._started:
                raise Misuse("a worker can be started once; make another with db.queue.work")
            self._started = True
            try:
                threading.Thread(target=self._beat, name="neurograph-heartbeat", daemon=True).start()
                for _ in range(self._concurrency):
                    self._start_slot()
            except BaseException:  # no more threads; Ctrl-C
                self.stop(0)
                raise

    def stop(self, grace_s: float | None = None) -> bool:
        """Claim nothing more, and wait for the handlers that run.

        Parameters
        ----------
        grace_s
            How long; None: until they have finished. A handler that calls it does not wait, as it runs itself.

        Returns
        -------
        bool
            True where all have finished. A message that is still worked on is acked if its handler comes to an end
            after all; else its lease runs out, and another worker gets it. A handler that calls it is not waited for,
            nor are the others: False at once.

        Raises
        ------
        InvalidValue
            `grace_s` is negative.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     worker = db.queue.work("jobs", print)
        ...     worker.start()
        ...     worker.stop(grace_s=10)
        True
        """
        end = deadline_after(grace_s)
        with self._state:
            for slot in self._slots:
                slot.stop()
            self._started = True  # it can't be started any more
            self._concurrency = 0
            self._state.notify_all()
            if any(slot.thread is threading.current_thread() for slot in self._slots):
                return False
            while self._slots:
                left_s = LOOKS_S if end is None else min(end - time.monotonic(), LOOKS_S)
                if left_s <= 0:
                    return False
                self._state.wait(left_s)
        return True

    def run(self) -> None:
        """Work until `stop` is called in another thread, or Ctrl-C, which waits for the handlers that run.

        Raises
        ------
        Misuse
            It was started before.
        """
        self.start()
        try:
            with self._state:
                while self._slots:
                    self._state.wait(LOOKS_S)
        finally:
            self.stop()

    @property
    def running(self) -> int:
        """How many handlers run at the moment."""
        with self._state:
            return sum(slot.message is not None for slot in self._slots)

    def __enter__(self) -> Worker:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        names = ", ".join(map(repr, self._work.channels))
        return f"<Worker {names} running={self.running} done={self.done} failed={self.failed} lost={self.lost}>"

    def _start_slot(self) -> None:
        slot = Slot(self._work, self._state, self._ended)
        self._slots.add(slot)
        try:
            slot.start()
        except BaseException:
            slot.stop()
            self._slots.discard(slot)
            raise

    def _ended(self, slot: Slot, how: str) -> None:
        """Note what became of a slot's message, or that it has come to its end."""
        with self._state:
            if how:
                setattr(self, how, getattr(self, how) + 1)
            else:
                self._slots.discard(slot)
                self._state.notify_all()

    # --- heartbeats -----------------------------------------------------------------------------------------------

    def _beat(self) -> None:
        """Extend the leases of what is worked on and give up what takes too long, until all threads have finished."""
        late_ones: list[tuple[Slot, Message]] = []
        while True:
            with self._state:
                if not self._slots:
                    return
                self._state.wait(self._rest_s())
                now = time.monotonic()
                busy = [(slot, slot.message) for slot in self._slots if slot.message is not None]
                over = [pair for pair in busy if pair[0].deadline is not None and pair[0].deadline <= now]
                given_up = [pair for pair in over if self._replaced(pair[0])]
                due = [pair for pair in busy if pair[0].extend_at <= now and pair not in given_up]
            late_ones += given_up
            try:
                self._extend(due)
                while late_ones:
                    slot, message = late_ones[0]
                    slot.give_back()
                    self._ended(slot, settle(self._work, message, None, late(self._work.timeout_s)))
                    del late_ones[0]
            except Closed:
                return
            except Exception as error:
                log.warning("worker of %s: heartbeat: %s; it tries again", ", ".join(self._work.channels), error)
                with self._state:
                    for slot, _ in due:
                        slot.extend_at = time.monotonic() + AGAIN_S

    def _replaced(self, slot: Slot) -> bool:
        """Leave a thread to itself and start another in its place; False where none can be started now."""
        try:
            if len(self._slots) <= self._concurrency:
                self._start_slot()
        except Exception as error:
            log.warning("worker of %s: %s; it tries again", ", ".join(self._work.channels), error)
            slot.deadline = time.monotonic() + AGAIN_S
            return False
        slot.abandon()
        self._slots.discard(slot)
        return True

    def _rest_s(self) -> float:
        """Return how long there is nothing to do."""
        busy = [slot for slot in self._slots if slot.message is not None]
        ends = [slot.extend_at for slot in busy] + [slot.deadline for slot in busy if slot.deadline is not None]
        return max(0.0, min(min(ends, default=inf) - time.monotonic(), LOOKS_S))

    def _extend(self, busy: list[tuple[Slot, Message]]) -> None:
        if not busy:
            return
        worked_on = [message for _, message in busy]
        ahead = [message for slot, _ in busy for message in slot.ahead]
        extended = self._work.queue.extend_many(worked_on + ahead, self._work.lease_s)
        with self._state:
            for (slot, message), now in zip(busy, extended, strict=False):
                if slot.message is not message:
                    continue
                if now is None:  # lost, as its end will tell
                    slot.extend_at = inf
                else:
                    slot.extend_at = time.monotonic() + lease_left_s(now, self._work.session) * EXTENDED_AT
