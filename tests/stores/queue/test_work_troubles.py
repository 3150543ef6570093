"""Workers go on, whatever handlers return or raise, files refuse or strangers write."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

import neurograph
from in_threads import LONG_S, until
from neurograph import Database, Message
from neurograph.errors import Interrupted, InvalidValue, MessageFailed, TransactionBusy

GRACE_S = 0.1


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with neurograph.open(tmp_path / "q.ngdb", synchronous="off", busy_timeout_s=GRACE_S) as db:
        db.queue.create_channel("c", keep_ms=600_000, attempts=1)
        yield db
        assert db.check() == []


# --- what the file refuses for a while ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        apsw.FullError("database or disk is full"),
        OSError(24, "Too many open files"),
        TransactionBusy("cannot write"),
        RuntimeError("odd"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_fails_for_a_while_ends_no_thread(
    db: Database, error: Exception, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neurograph.stores.queue.slot.AGAIN_S", 0.01)
    real, failing = db.queue.claim, [True, True]

    def claim(*arguments: Any, **settings: Any) -> Any:
        if failing:
            failing.pop()
            raise error
        return real(*arguments, **settings)

    monkeypatch.setattr(db.queue, "claim", claim)
    with db.queue.work("c", lambda message: message.payload):
        assert db.queue.wait_result(db.queue.publish("c", 7), timeout_s=LONG_S) == 7
    assert not failing
    assert "it tries again" in caplog.text


def test_a_heartbeat_that_fails_is_tried_again(
    db: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neurograph.stores.queue.worker.AGAIN_S", 0.01)
    real, go, extended, failing = db.queue.extend_many, threading.Event(), threading.Event(), [True, True]

    def extend_many(*arguments: Any) -> Any:
        if failing:
            failing.pop()
            raise apsw.FullError("database or disk is full")
        extended.set()
        return real(*arguments)

    monkeypatch.setattr(db.queue, "extend_many", extend_many)
    with db.queue.work("c", lambda message: go.wait(LONG_S), lease_s=0.15):
        published = db.queue.publish("c", 1)
        assert extended.wait(LONG_S)
        go.set()
        assert db.queue.wait_result(published, timeout_s=LONG_S) is True
    assert "heartbeat" in caplog.text


@pytest.mark.parametrize("method", ["ack", "reply", "nack"])
@pytest.mark.parametrize(
    "error", [apsw.FullError("database or disk is full"), TransactionBusy("cannot write")], ids=["full", "busy"]
)
def test_what_a_handler_did_is_settled_once_the_file_can_be_written(
    db: Database, method: str, error: Exception, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neurograph.stores.queue.slot.AGAIN_S", 0.01)
    real, failing, ran = getattr(db.queue, method), [True, True], []

    def settle(*arguments: Any) -> Any:
        if failing:
            failing.pop()
            raise error
        return real(*arguments)

    def handler(message: Message) -> int:
        ran.append(message.id)
        if method == "nack":
            raise ValueError("odd")
        return 7

    monkeypatch.setattr(db.queue, method, settle)
    with db.queue.work("c", handler) as worker:
        if method == "reply":
            assert db.queue.request("c", 1, timeout_s=LONG_S).payload == 7
        else:
            published = db.queue.publish("c", 1)
            until(lambda: worker.done + worker.failed)
            assert db.queue.get(published).state == ("dead" if method == "nack" else "done")
            assert [one.error for one in db.queue.failures(published)] == ["ValueError: odd"] * (method == "nack")
    assert (len(ran), worker.done, worker.failed) == (1, method != "nack", method == "nack")
    assert "it is settled later" in caplog.text


def test_a_worker_that_is_stopped_waits_for_no_file(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = threading.Event()

    def ack(*arguments: Any) -> Any:
        tried.set()
        raise apsw.FullError("database or disk is full")

    monkeypatch.setattr(db.queue, "ack", ack)
    published = db.queue.publish("c", 1)
    with db.queue.work("c", lambda message: 7) as worker:
        assert tried.wait(LONG_S)
        assert worker.stop(LONG_S)
    assert db.queue.get(published).state == "claimed"  # and ready again once its lease has run out


def test_a_lease_that_is_far_from_its_end_is_not_extended(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    go, extended = threading.Event(), []
    monkeypatch.setattr("neurograph.stores.queue.worker.LOOKS_S", 0.001)
    monkeypatch.setattr(db.queue, "extend_many", lambda *arguments: extended.append(arguments) or [])

    def handler(message: Message) -> bool:
        return message.payload == "short" or go.wait(LONG_S)

    with db.queue.work("c", handler, lease_s=600, concurrency=2) as worker:
        db.queue.publish_many("c", ["long"] + ["short"] * 20)
        until(lambda: worker.done == 20)
        time.sleep(0.02)
        go.set()
    assert extended == []


def test_a_failure_that_can_not_be_noted_at_once_is_noted_later(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    go, failing = threading.Event(), [True]
    real = db.queue.nack

    def nack(*arguments: Any) -> None:
        if failing:
            failing.pop()
            raise apsw.FullError("database or disk is full")
        real(*arguments)

    monkeypatch.setattr(db.queue, "nack", nack)
    with db.queue.work("c", lambda message: go.wait(LONG_S), timeout_s=0.05, concurrency=2) as worker:
        db.queue.publish_many("c", [1, 2])
        until(lambda: worker.failed == 2)
        assert len(db.queue.dead("c")) == 2
        go.set()


def test_an_interrupt_ends_no_worker(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    with db.queue.work("c", lambda message: message.payload, concurrency=2) as worker:
        for n in range(5):
            until(lambda: all(slot._consumer and slot._consumer._waiting for slot in worker._slots))
            db.interrupt()
            assert len(worker._slots) == 2
            assert db.queue.wait_result(db.queue.publish("c", n), timeout_s=LONG_S) == n
    assert (worker.done, worker.failed) == (5, 0)
    assert caplog.text == ""


def test_an_interrupt_keeps_no_message_from_being_settled(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted = {"ack": [True, True], "nack": [True]}

    def settling(real: Any, times: list[bool]) -> Any:
        def settle(*arguments: Any) -> None:
            if times:
                times.pop()
                raise Interrupted("stopped by interrupt")
            real(*arguments)

        return settle

    for name, times in interrupted.items():
        monkeypatch.setattr(db.queue, name, settling(getattr(db.queue, name), times))
    handled = []

    def handler(message: Message) -> None:
        handled.append(message.payload)
        if message.payload == 2:
            raise ValueError

    with db.queue.work("c", handler) as worker:
        db.queue.publish_many("c", [1, 2, 3])
        until(lambda: worker.done == 2 and worker.failed == 1)
    assert handled == [1, 2, 3]
    assert interrupted == {"ack": [], "nack": []}


# --- leases -----------------------------------------------------------------------------------------------------------


def test_a_lost_lease_does_not_end_the_heartbeats_of_what_comes_after(db: Database) -> None:
    db.queue.update_channel("c", lease_ms=150)
    began, go, leases = threading.Event(), threading.Event(), set()

    def handler(message: Message) -> None:
        began.set()
        go.wait(LONG_S)

    with db.queue.work("c", handler) as worker:
        db.queue.publish("c", "taken away")
        assert began.wait(LONG_S)
        db.queue.purge("c")
        until(lambda: any(slot.extend_at == float("inf") for slot in worker._slots))
        time.sleep(0.01)  # the heartbeat rests now
        go.set()
        until(lambda: worker.lost)
        go.clear()
        later = db.queue.publish("c", "kept")
        until(lambda: db.queue.get(later.id).state == "claimed")

        def extended() -> bool:
            leases.add(db.queue.get(later.id).due_ns)
            return len(leases) > 2

        until(extended)
        go.set()
        db.queue.wait_result(later, timeout_s=LONG_S)


def test_what_is_claimed_ahead_keeps_its_lease_while_a_handler_runs(db: Database) -> None:
    db.queue.update_channel("c", lease_ms=150)
    go = threading.Event()

    def handler(message: Message) -> int:
        go.wait(LONG_S)
        return message.attempts

    published = db.queue.publish_many("c", ["slow", "a", "b"])
    with db.queue.work("c", handler, n=3):
        until(lambda: db.queue.get(published[0].id).state == "claimed")
        end = time.monotonic() + 0.15 + GRACE_S + 0.2
        while time.monotonic() < end:
            assert db.queue.claim("c") == []
            time.sleep(0.01)
        go.set()
        assert [db.queue.wait_result(one, timeout_s=LONG_S) for one in published] == [1, 1, 1]


# --- what handlers do -----------------------------------------------------------------------------------------------


class OddList(list):  # type: ignore[type-arg]
    def __iter__(self) -> Iterator[Any]:
        raise RuntimeError("no walk")


def test_a_result_that_raises_while_it_is_read_is_its_messages_failure(db: Database) -> None:
    with db.queue.work("c", lambda message: {"a": OddList([[1]])} if message.payload else 7) as worker:
        first, second = db.queue.publish_many("c", [1, 0])
        assert db.queue.wait_result(second, timeout_s=LONG_S) == 7
    assert (worker.failed, worker.done) == (1, 1)
    assert [failure.error for failure in db.queue.failures(first.id)] == ["RuntimeError: no walk"]


def test_headers_that_python_can_not_read_are_their_messages_failure(db: Database) -> None:
    db.execute("insert into outbox (channel, payload, headers) values ('c', '1', ?)", ['{"n":' + "1" * 5000 + "}"])
    with db.queue.work("c", lambda message: 7) as worker:
        until(lambda: worker.failed)
        assert db.queue.wait_result(db.queue.publish("c", 2), timeout_s=LONG_S) == 7
    (dead,) = db.queue.dead("c")
    with pytest.raises(InvalidValue, match="headers of message 1 must be JSON that Python reads"):
        _ = dead.headers


@pytest.mark.parametrize("when_full", ["reject", "evict_lowest", "evict_oldest"])
def test_a_reply_without_room_fails_its_request_and_keeps_the_worker(db: Database, when_full: str) -> None:
    db.queue.create_channel("c.replies", capacity=1, when_full=when_full)
    db.queue.publish("c.replies", "in the way", priority="critical")
    if when_full == "evict_oldest":
        db.queue.claim("c.replies")
    with db.queue.work("c", lambda message: 1) as worker:
        with pytest.raises(MessageFailed, match="ChannelFull"):
            db.queue.request("c", 1, timeout_s=LONG_S)
        until(lambda: worker.failed)
    (dead,) = db.queue.dead("c")
    assert db.queue.failures(dead)[0].error.startswith("ChannelFull: channel 'c.replies' must have room")
    assert (db.queue.stats("c.replies").evicted, worker.done) == (0, 0)


@pytest.mark.parametrize("own", [TimeoutError("no answer from the printer"), None], ids=["raised", "awaited"])
def test_a_timeout_of_the_handlers_own_is_told_as_it_is(db: Database, own: TimeoutError | None) -> None:
    async def handler(message: Message) -> None:
        if own:
            raise own
        async with asyncio.timeout(0):
            await asyncio.sleep(LONG_S)

    with (
        db.queue.work("c", handler, timeout_s=LONG_S),
        pytest.raises(MessageFailed, match=f"for good: TimeoutError.*{own or ''}"),
    ):
        db.queue.wait_result(db.queue.publish("c", 1), timeout_s=LONG_S)


@pytest.mark.parametrize("concurrency", [1, 2])
def test_handlers_may_stop_their_worker(db: Database, concurrency: int) -> None:
    together = threading.Barrier(concurrency, timeout=LONG_S)

    def handler(message: Message) -> bool:
        together.wait()
        return worker.stop()

    worker = db.queue.work("c", handler, concurrency=concurrency)
    *handled, left = db.queue.publish_many("c", list(range(concurrency + 1)))
    worker.run()
    assert [db.queue.wait_result(one, timeout_s=LONG_S) for one in handled] == [False] * concurrency
    assert db.queue.get(left.id).state == "ready"


# --- what the system refuses for a while ----------------------------------------------------------------------------


class FewThreads:
    """A system that starts so many threads more of a worker, and refuses the next."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, left: int) -> None:
        self.left = left
        self.refused = 0
        start = threading.Thread.start

        def start_one(thread: threading.Thread) -> None:
            if thread.name.startswith("neurograph-"):
                if not self.left:
                    self.refused += 1
                    raise RuntimeError("can't start new thread")
                self.left -= 1
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", start_one)


@pytest.mark.parametrize("left", [0, 1, 3], ids=["none", "only the one that keeps leases", "not all"])
def test_a_worker_that_can_not_start_all_its_threads_does_nothing(
    db: Database, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    db.queue.publish("c", 1)
    FewThreads(monkeypatch, left)
    worker = db.queue.work("c", lambda message: 1, concurrency=3)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        worker.start()
    until(lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("neurograph-")])
    assert worker.stop(LONG_S) is True
    assert db.queue.stats("c").ready == 1


def test_who_takes_too_long_has_his_place_until_another_thread_can_be_started(
    db: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("neurograph.stores.queue.worker.AGAIN_S", 0.01)
    gone_on, threads = threading.Event(), FewThreads(monkeypatch, 2)
    worker = db.queue.work("c", lambda message: message.payload and gone_on.wait(LONG_S), timeout_s=0.05)
    with worker:
        late = db.queue.publish("c", 1)
        until(lambda: threads.refused > 1)
        assert (worker.failed, db.queue.get(late.id).state) == (0, "claimed")
        assert "can't start new thread" in caplog.text
        threads.left = 1
        until(lambda: worker.failed == 1)
        assert db.queue.wait_result(db.queue.publish("c", 0), timeout_s=LONG_S) == 0
        gone_on.set()
    assert db.queue.stats("c").dead == 1
