"""Waiting until somebody commits, in this process or another: the one place that knows how.

1. What is `seen` before a read, and waited on after it, misses no commit: one in between ends the wait at once.
2. Whether anything was committed is told by `pragma data_version` on a reading connection of its own, which writes
   nothing and locks nobody out; how soon one looks is all that the rest decides. Announcements of this process
   (`news`) and the system's word that the log was written (`inotify`) come within 0.1 ms; without them one looks
   every millisecond after a commit, and less often later. So one does for the first moments, and after the system's
   word as well: it comes when a commit is written, and nothing comes once the disk has it, and others may see it.
3. Commits that were not announced may be no news: after one the next look waits for a moment, so that who waits beside
   a busy writer takes 3 % of a core and not all of it. An announcement ends that pause too.
4. A waiting thread holds no lock and keeps no state of the file: others write, checkpoint and close meanwhile.
"""

from __future__ import annotations

import os
import selectors
import socket
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..errors import TransactionOpen
from . import refusal
from .running import Idle, heard

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from .session import Session

SHORTEST_S, LONGEST_S = 0.001, 0.05
"""Between two looks: soon after a commit, and where nothing has happened for long, or the system tells."""
PATIENCE_S = 0.015
"""For so long from the first wait one looks without inotify, for Linux takes 0.5 to 5 ms to close one."""


class Waiting:
    """A reading connection of its own that tells when somebody committed; a database in memory has one for all.

    Used by one thread at a time; `wake` and `stop` may come from any.
    """

    def __init__(self, session: Session, *topics: Hashable) -> None:
        session.require_open()
        self.topics = frozenset(topics)
        self._session = session
        self._told = False  # what ended the last wait was an announcement
        self._stopped = False
        self._quiet_until = 0.0
        self._log: int | None = None
        self._watched_from: float | None = None  # when the log is watched, where it can be; None: nobody waited yet
        self._watches = False
        self._line = None if session.location.in_memory else session.borrow()
        try:
            if self._line is not None:
                self._line.busy, self._line.stopping = True, False  # so that `interrupt` is heard
                self._line.connection.execute("pragma data_version").fetchall()  # SQLite forgets an earlier one
            self._near, self._far = socket.socketpair()
            self._near.setblocking(False)
            self._far.setblocking(False)
            self._announced = selectors.DefaultSelector()
            self._announced.register(self._near, selectors.EVENT_READ)
            self._any = selectors.DefaultSelector()
            self._any.register(self._near, selectors.EVENT_READ)
            session.board.add(self)
        except BaseException:  # no more descriptors; Ctrl-C
            self._let_go()
            raise

    def _watch_log(self) -> None:
        self._watches = True
        line = self._line
        if line is None or not sys.platform.startswith("linux"):
            return
        if self.rows("pragma journal_mode") != [("wal",)]:
            return  # a file that several hosts may share: their writes are no events here
        from .inotify import watch_file

        self._log = watch_file(line.connection.filename_wal)  # where a link to the file leads
        if self._log is not None:
            self._any.register(self._log, selectors.EVENT_READ)

    def __enter__(self) -> Waiting:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give everything back; a second call does nothing."""
        self._session.board.remove(self)
        self._let_go()

    def _let_go(self) -> None:
        """Give back each thing once, though Ctrl-C or another thread comes between: a number may be a new file's."""
        line, self._line = self._line, None
        if line is not None:
            line.busy = False
            self._session.give_back(line)
        for name in ("_announced", "_any", "_near", "_far"):
            if hasattr(self, name):  # not where making it failed
                getattr(self, name).close()
        log, self._log = self._log, None
        if log is not None:
            os.close(log)  # the last, for Linux takes milliseconds for it, in which Ctrl-C may well come

    def __del__(self) -> None:
        if hasattr(self, "_line"):
            self._let_go()  # not `remove`, whose lock this thread may hold; the board knows who is gone

    def wake(self) -> None:
        """End a wait, from any thread: something that concerns the topics was committed, or the handle is closed."""
        self._told = True
        try:
            self._far.send(b"\0")
        except OSError:  # full, so it is awake; or closed a moment ago
            return

    def stop(self) -> None:
        """End this wait and all later ones, from any thread."""
        self._stopped = True
        self.wake()

    def go_on(self) -> None:
        """Undo `stop`."""
        self._stopped = False

    @property
    def stopped(self) -> bool:
        """True after `stop`."""
        return self._stopped

    def rows(self, sql: str, bindings: Sequence[Any] = ()) -> list[Any]:
        """Run one reading statement on what is committed."""
        self._session.require_open()
        line = self._line
        if line is None:
            if heard():
                raise refusal.stopped(False)
            if self._session.in_transaction:
                raise TransactionOpen(
                    "cannot watch; a transaction is open here, and a database in memory has one connection; "
                    "end it first"
                )
            return self._session.rows(sql, bindings)
        try:
            line.tick()
            return line.connection.execute(sql, bindings).fetchall()
        except BaseException as error:
            line.refuse_read(error)
            raise

    def seen(self) -> int:
        """Return a number that is another one after each commit of anybody else."""
        sql = "select total_changes()" if self._line is None else "pragma data_version"
        return self.rows(sql)[0][0]  # type: ignore[no-any-return]

    def wait(self, seen: int, until: float | None = None) -> bool:
        """Return True when somebody has committed since `seen`; False at `until` of `time.monotonic`, or by `stop`."""
        with Idle(for_ever=True):
            return self._wait(seen, until)

    def _wait(self, seen: int, until: float | None) -> bool:
        if not self._told:
            self._sleep(self._announced, self._quiet_until, until)
        pause_s = SHORTEST_S
        if self._watched_from is None:
            self._watched_from = time.monotonic() + PATIENCE_S
        while self.seen() == seen:
            self._told = False
            if self._stopped or (until is not None and time.monotonic() >= until):
                return False
            if not self._watches and time.monotonic() >= self._watched_from:
                self._watch_log()
                continue  # for what came before it was watched
            written = self._sleep(self._any, time.monotonic() + pause_s, until)
            pause_s = SHORTEST_S if written else min(pause_s * 1.5, LONGEST_S)
        self._quiet_until = time.monotonic() + SHORTEST_S
        return not self._stopped

    def _sleep(self, selector: selectors.BaseSelector, end: float, until: float | None) -> bool:
        """Sleep to the earlier end, or until there is something to read; return whether the log was written."""
        left_s = (end if until is None else min(end, until)) - time.monotonic()
        written = False
        if left_s <= 0:
            return written
        for key, _ in selector.select(left_s):
            try:
                if key.fd == self._log:
                    os.read(key.fd, 65536)
                    written = True
                else:
                    self._near.recv(4096)
            except BlockingIOError:
                continue
        return written
