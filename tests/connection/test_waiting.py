"""Waiting for commits: each is heard of, in this process or another, and whoever waits leaves nothing behind."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from pathlib import Path

import pytest

import neurograph
from neurograph.connection import inotify, waiting
from neurograph.connection.waiting import LONGEST_S, SHORTEST_S, Waiting
from neurograph.errors import Closed, Interrupted
from pressing import pressed
from processes import Held

FAR_S = 60.0  # a wait that is not ended fails the test long after


@pytest.fixture
def db(tmp_path):
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        yield db


@pytest.fixture(params=["told by the system", "looking"])
def how(request, monkeypatch):
    monkeypatch.setattr(waiting, "PATIENCE_S", 0.0)
    if request.param == "looking":
        monkeypatch.setattr(inotify, "watch_file", lambda path: None)
    return request.param


def waits(one: Waiting, seen: int) -> tuple[threading.Thread, list[object]]:
    """Begin to wait in a thread, and return it with what came of it."""
    came: list[object] = []

    def run() -> None:
        try:
            came.append(one.wait(seen, time.monotonic() + FAR_S))
        except Exception as error:
            came.append(type(error))

    thread = threading.Thread(target=run)
    thread.start()
    return thread, came


def store(db: neurograph.Database) -> None:
    db.storage.set("a", "b", 1)


def test_a_commit_after_the_look_ends_the_wait_at_once(db, how):
    with Waiting(db._session) as one:
        for _ in range(5):
            seen = one.seen()
            store(db)
            assert one.seen() != seen
            assert one.wait(seen, time.monotonic()) is True


def test_a_commit_during_the_wait_ends_it(db, how):
    with Waiting(db._session) as one:
        thread, came = waits(one, one.seen())
        store(db)
        thread.join()
        assert came == [True]


def test_a_commit_of_another_process_ends_it(db, how):
    code = """
        import neurograph, sys
        with neurograph.open(sys.argv[1]) as db:
            hold()
            db.storage.set("a", "b", 1)
            db.execute("select 1").fetchall()
    """
    with Waiting(db._session) as one, Held(code, db.path) as other:
        thread, came = waits(one, one.seen())
        other.release()
        thread.join()
        assert came == [True]


def test_no_commit_no_news(db, how):
    with Waiting(db._session) as one:
        seen = one.seen()
        db.begin()
        store(db)
        db.rollback()
        assert one.wait(seen, time.monotonic() + 0.01) is False


def test_in_memory_too():
    with neurograph.open(":memory:") as db, Waiting(db._session) as one:
        thread, came = waits(one, one.seen())
        store(db)
        thread.join()
        assert came == [True]


def told(db: neurograph.Database, work) -> list[str]:
    """Return which topics some work announces."""
    heard: list[str] = []

    class Listener:
        topics = frozenset(["a", "b"])

        def wake(self) -> None:
            heard.append("woken")

    listener = Listener()
    db._session.board.add(listener)
    work()
    db._session.board.remove(listener)
    return heard


def test_an_announcement_is_told_after_the_commit_and_only_then(db):
    session = db._session

    def in_transaction():
        heard = []
        with db.transaction():
            with db.transaction():
                session.announce("a")
                session.announce("b")
            heard += told(db, lambda: None)
        return heard

    def rolled_back():
        db.begin()
        session.announce("a")
        db.rollback()
        with db.transaction():
            store(db)

    assert told(db, lambda: session.announce("a")) == ["woken"]
    assert told(db, lambda: session.announce("c")) == []
    assert told(db, in_transaction) == ["woken"]
    assert told(db, rolled_back) == []


def test_handles_of_one_file_hear_each_other(db):
    with neurograph.open(db.path) as other:
        assert told(other, lambda: db._session.announce("a")) == ["woken"]
    with neurograph.open(":memory:") as one, neurograph.open(":memory:") as other:
        assert told(other, lambda: one._session.announce("a")) == []


def test_the_longer_nothing_happens_the_less_often_one_looks(db, monkeypatch):
    monkeypatch.setattr(inotify, "watch_file", lambda path: None)
    pauses, now = [], [0.0]

    class Time:
        monotonic = staticmethod(lambda: now[0])

    def sleep(self, selector, end, until):
        pauses.append(end - now[0])
        now[0] = min(end, until)

    with Waiting(db._session) as one:
        monkeypatch.setattr(waiting, "time", Time)
        monkeypatch.setattr(Waiting, "_sleep", sleep)
        assert one.wait(one.seen(), 1.0) is False
    first, *rest = pauses
    assert first <= 0  # nothing was heard before, so there is no pause
    assert (rest[0], max(rest)) == (SHORTEST_S, pytest.approx(LONGEST_S))
    assert rest[:-1] == sorted(rest[:-1])


@pytest.mark.parametrize("told_at", [0, 20])
def test_after_a_write_to_the_log_one_looks_soon_for_its_disk_takes_a_while(db, monkeypatch, told_at):
    pauses, now = [], [0.0]

    class Time:
        monotonic = staticmethod(lambda: now[0])

    def sleep(self, selector, end, until):
        if selector is self._any:
            pauses.append(end - now[0])
        now[0] = min(end, until)
        return len(pauses) == told_at

    with Waiting(db._session) as one:
        monkeypatch.setattr(waiting, "time", Time)
        monkeypatch.setattr(Waiting, "_sleep", sleep)
        assert one.wait(one.seen(), 2.0) is False
    for later in pauses[told_at : told_at + 5]:
        assert later <= SHORTEST_S * 1.5**4 + 1e-9
    assert pauses[told_at] == pytest.approx(SHORTEST_S)


def test_after_what_was_not_announced_one_waits_for_a_moment(db, monkeypatch):
    sleeps = []
    real = Waiting._sleep

    def sleep(self, selector, end, until):
        sleeps.append((selector is self._announced, end > time.monotonic()))
        real(self, selector, end, until)

    with Waiting(db._session, "jobs") as one:
        monkeypatch.setattr(Waiting, "_sleep", sleep)
        monkeypatch.setattr(waiting, "SHORTEST_S", FAR_S)
        seen = one.seen()
        store(db)
        assert one.wait(seen)
        thread, came = waits(one, one.seen())
        db._session.announce("jobs")  # ends the pause, which would else outlast the test
        store(db)
        thread.join()
        assert came == [True]
    assert sleeps[0] == (True, False)
    assert sleeps[1] == (True, True)


@pytest.mark.parametrize(("end", "error"), [("close", Closed), ("interrupt", Interrupted)])
def test_closing_and_interrupting_end_a_wait(tmp_path, end, error):
    db = neurograph.open(tmp_path / "mind.ngdb")
    one = Waiting(db._session)
    thread, came = waits(one, one.seen())
    getattr(db, end)()
    thread.join()
    one.close()
    one.close()
    db.close()
    assert came == [error]


def test_stop_ends_this_wait_and_later_ones(db):
    with Waiting(db._session) as one:
        seen = one.seen()
        thread, came = waits(one, seen)
        one.stop()
        thread.join()
        assert came == [False]
        store(db)
        assert one.wait(seen) is False
        one.go_on()
        assert one.wait(seen) is True


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors where the system lists them")
def test_nothing_is_left_open(db):
    store(db)
    with Waiting(db._session):
        pass  # its connection stays in the pool
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with Waiting(db._session) as one:
            one.wait(one.seen(), time.monotonic() + 0.001)
    dropped = Waiting(db._session)
    del dropped
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def closed_at_once(one: Waiting) -> list[object]:
    """Close it in two threads at once, and return what they raised."""
    together, raised = threading.Barrier(2), []

    def close() -> None:
        together.wait()
        try:
            one.close()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=close) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_closed_by_two_threads_it_gives_each_thing_back_once(db):
    for _ in range(20):
        one = Waiting(db._session)
        assert closed_at_once(one) == []  # a descriptor closed twice may be somebody else's by then
        idle = db._session.readers._idle
        assert len(set(idle)) == len(idle) == 1


def test_where_it_can_not_be_made_nothing_is_left(db, monkeypatch):
    def no_more() -> None:
        raise OSError(24, "Too many open files")

    with Waiting(db._session):
        pass
    for name, module in (("socketpair", waiting.socket), ("DefaultSelector", waiting.selectors)):
        with monkeypatch.context() as without:
            without.setattr(module, name, no_more)
            with pytest.raises(OSError, match="Too many"):
                Waiting(db._session)
        assert len(db._session.readers._idle) == len(db._session.readers.lines) == 1


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors where the system lists them")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # pressed while it was dropped
def test_ctrl_c_at_any_point_of_a_wait_leaves_nothing_behind(db, monkeypatch):
    def wait(db: neurograph.Database) -> None:
        with Waiting(db._session) as one:
            one.wait(one.seen(), time.monotonic() + 0.001)

    def left() -> tuple[int, int, bool]:
        gc.collect()
        readers = db._session.readers
        idle = len(set(readers._idle))
        assert idle == len(readers._idle)
        busy = any(line.busy for line in readers.lines)
        return len(list(Path("/proc/self/fd").iterdir())), len(readers.lines) - idle, busy

    closed: list[int] = []
    real = os.close

    def close(number: int) -> None:
        assert number not in closed, "closed twice: by then it may be somebody else's"
        closed.append(number)
        real(number)

    monkeypatch.setattr(waiting.os, "close", close)
    store(db)
    wait(db)
    before, n, ran = left(), 0, False
    while not ran:
        closed.clear()
        presser = pressed(n := n + 1, db, wait, Path(waiting.__file__))
        ran = presser.left > 0
        if presser.place != "c_return waiting.__init__":  # of what was not stored yet
            assert left() == before, presser.place
    assert n > 30


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="inotify is Linux's")
def test_the_system_is_asked_where_it_can_tell(tmp_path, monkeypatch):
    def watches(one: Waiting, patience_s: float = 0.0) -> bool:
        monkeypatch.setattr(waiting, "PATIENCE_S", patience_s)
        assert not one.wait(one.seen(), time.monotonic() + 0.005)
        return one._log is not None

    assert inotify.watch_file(str(tmp_path / "nothing")) is None
    with neurograph.open(tmp_path / "wal.ngdb") as db, Waiting(db._session) as one:
        assert watches(one)
    with neurograph.open(tmp_path / "wal.ngdb") as db, Waiting(db._session) as one:
        assert not watches(one, patience_s=FAR_S)  # who waits for a moment alone need not close it
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "link.ngdb").symlink_to(tmp_path / "wal.ngdb")
    with neurograph.open(tmp_path / "links" / "link.ngdb") as db, Waiting(db._session) as one:
        assert watches(one)  # the log of a link stands beside the file it leads to
    with neurograph.open(tmp_path / "other.ngdb", journal="rollback") as db, Waiting(db._session) as one:
        assert not watches(one)  # several hosts may share it, and others' writes are no events here
        thread, came = waits(one, one.seen())
        store(db)
        thread.join()
        assert came == [True]


def test_an_interrupt_of_what_ran_before_is_none_of_this_wait(db):
    for _ in range(3):
        with Waiting(db._session) as one:
            seen = one.seen()
            store(db)
            assert one.wait(seen, time.monotonic() + FAR_S)
        db.interrupt()
