"""Workers: each message is handled and settled, whatever its handler does, and its lease kept meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import neurograph
from in_threads import LONG_S, until
from neurograph import Database, Message
from neurograph.errors import DeadlineExceeded, InvalidValue, Misuse


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with neurograph.open(tmp_path / "q.ngdb", synchronous="off", busy_timeout_s=1) as db:
        db.queue.create_channel("c", keep_ms=600_000, attempts=2, backoff_ms=0)
        yield db


def results(db: Database, published) -> list[object]:
    return [db.queue.wait_result(one, timeout_s=LONG_S) for one in published]


async def doubled(message: Message) -> int:
    await asyncio.sleep(0)
    return message.payload * 2


@pytest.mark.parametrize("handler", [lambda message: message.payload * 2, doubled], ids=["function", "coroutine"])
@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("n", [1, 4])
def test_what_a_handler_returns_is_the_result(db, handler, concurrency, n):
    published = db.queue.publish_many("c", list(range(10)))
    with db.queue.work("c", handler, concurrency=concurrency, n=n) as worker:
        assert results(db, published) == [n * 2 for n in range(10)]
        late = db.queue.publish("c", 100)
        assert db.queue.wait_result(late, timeout_s=LONG_S) == 200
    assert (worker.done, worker.failed, worker.lost, worker.running) == (11, 0, 0, 0)


@pytest.mark.parametrize("error", [ValueError("odd"), SystemExit(1), asyncio.CancelledError(), "no JSON"])
def test_what_a_handler_raises_fails_its_message_alone(db, error):
    def handler(message: Message) -> object:
        if message.payload == 2:
            if error == "no JSON":
                return object()
            raise error
        return message.payload

    published = db.queue.publish_many("c", [1, 2, 3])
    with db.queue.work("c", handler) as worker:
        assert results(db, [published[0], published[2]]) == [1, 3]
        until(lambda: db.queue.dead("c"))
    [dead] = db.queue.dead("c")
    failures = db.queue.failures(dead)
    assert [failure.attempt for failure in failures] == [1, 2]
    expected = "InvalidValue: result must be" if error == "no JSON" else type(error).__name__
    assert expected in failures[0].error
    if error != "no JSON":
        assert "in handler" in failures[0].trace
    assert (worker.done, worker.failed) == (2, 2)


def test_handlers_overlap_as_far_as_they_may(db):
    together = threading.Barrier(3, timeout=LONG_S)
    published = db.queue.publish_many("c", list(range(3)))
    with db.queue.work("c", lambda message: together.wait() and None, concurrency=3):
        results(db, published)
    most, now, lock = [0], [0], threading.Lock()

    def counted(message: Message) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.002)
        with lock:
            now[0] -= 1

    published = db.queue.publish_many("c", list(range(20)))
    with db.queue.work("c", counted, concurrency=2, n=3):
        results(db, published)
    assert most[0] <= 2


def test_one_thread_keeps_the_order(db):
    order = []
    published = db.queue.publish_many("c", list(range(30)), priority=[0, 50, 25] * 10)
    with db.queue.work("c", lambda message: order.append(message.payload), n=7):
        results(db, published)
    assert order == sorted(range(30), key=lambda n: ([0, 50, 25][n % 3], n))


@pytest.mark.parametrize("kind", ["function", "coroutine"])
def test_a_lease_is_kept_for_as_long_as_the_handler_runs(tmp_path, kind):
    go, leases = threading.Event(), []
    with neurograph.open(tmp_path / "q.ngdb", synchronous="off", busy_timeout_s=2) as db:

        def handler(message: Message) -> int:
            go.wait(LONG_S)
            return message.attempts

        async def awaited(message: Message) -> int:
            return await asyncio.to_thread(handler, message)

        db.queue.create_channel("c", lease_ms=900, keep_ms=600_000)
        published = db.queue.publish("c", 1)
        with db.queue.work("c", handler if kind == "function" else awaited) as worker:
            until(lambda: db.queue.get(published.id).state == "claimed")

            def extended() -> bool:
                assert db.queue.claim("c") == []
                leases.append(db.queue.get(published.id).due_ns)
                return len(set(leases)) > 2

            until(extended)
            go.set()
            assert db.queue.wait_result(published, timeout_s=LONG_S) == 1
        assert worker.lost == 0


def test_a_lease_that_was_lost_is_told_and_nothing_acked_twice(db, caplog):
    taken, go = threading.Event(), threading.Event()

    def handler(message: Message) -> str:
        taken.set()
        go.wait(LONG_S)
        return "late"

    published = db.queue.publish("c", 1)
    with db.queue.work("c", handler) as worker:
        taken.wait(LONG_S)
        db.execute("update message set claim = 1 where id = ?", [published.id])  # as if another had claimed it
        go.set()
        until(lambda: worker.lost)
    assert db.queue.get(published.id).state == "claimed"
    assert worker.done == 0
    assert "the lease was lost" in caplog.text


@pytest.mark.parametrize("kind", ["function", "coroutine", "coroutine that hides"])
def test_a_handler_that_takes_too_long_has_failed_and_others_go_on(db, kind, monkeypatch):
    monkeypatch.setattr("neurograph.stores.queue.slot.SLACK_S", 0.05)
    go = threading.Event()

    def slow(message: Message) -> str:
        if message.payload == "slow":
            go.wait(LONG_S)
        return message.payload

    async def cancelled(message: Message) -> str:
        if message.payload == "slow":
            await asyncio.sleep(LONG_S)
        return message.payload

    async def hides(message: Message) -> str:
        return slow(message)  # blocks its loop, so that it can't be cancelled

    handler = {"function": slow, "coroutine": cancelled}.get(kind, hides)
    db.queue.create_channel("d", attempts=1, keep_ms=600_000)
    with db.queue.work("d", handler, timeout_s=0.05, n=3) as worker:
        first, *others = db.queue.publish_many("d", ["slow", "a", "b"])
        assert results(db, others) == ["a", "b"]
        until(lambda: db.queue.dead("d"))
        until(lambda: worker.failed)
        go.set()
    assert db.queue.failures(first.id)[0].error == "DeadlineExceeded: the handler took longer than its 0.05 s"
    assert db.queue.get(first.id).state == "dead"
    assert (worker.done, worker.failed, worker.lost) == (2, 1, 0)


def test_a_handler_may_settle_its_message_in_the_transaction_of_its_writes(db):
    def handler(message: Message) -> None:
        with db.transaction():
            db.tokens.create(message.payload)
            db.queue.ack(message)
            if message.payload == "bad":
                raise ValueError("bad")
        if message.payload == "late":
            raise ValueError("after the ack")

    published = db.queue.publish_many("c", ["good", "bad", "late", "last"])
    with db.queue.work("c", handler, settles=True) as worker:
        results(db, [published[0], published[2], published[3]])
        until(lambda: db.queue.dead("c"))
    assert [token.label for token in db.tokens.list()] == ["good", "late", "last"]
    assert [dead.payload for dead in db.queue.dead("c")] == ["bad"]
    assert (worker.done, worker.failed, worker.lost) == (2, 3, 0)


def test_stopping_waits_for_what_runs_and_gives_back_what_was_claimed_ahead(db):
    begun, go = threading.Event(), threading.Event()

    def handler(message: Message) -> str:
        begun.set()
        go.wait(LONG_S)
        return "done"

    first, *_ = db.queue.publish_many("c", list(range(5)))
    worker = db.queue.work("c", handler, n=4)
    worker.start()
    begun.wait(LONG_S)
    assert worker.running == 1
    assert worker.stop(grace_s=0.01) is False
    go.set()
    assert worker.stop() is True
    assert db.queue.get(first.id).result == "done"
    assert db.queue.stats("c").ready == 4
    assert [message.attempts for message in db.queue.claim("c", 9)] == [1] * 4


def test_run_ends_by_stop_and_a_worker_runs_once(db):
    worker = db.queue.work("c", lambda message: None, concurrency=2)
    thread = threading.Thread(target=worker.run)
    thread.start()
    db.queue.wait_result(db.queue.publish("c", 1), timeout_s=LONG_S)
    worker.stop()
    thread.join()
    with pytest.raises(Misuse, match="once"):
        worker.start()
    with db.queue.work("c", print) as running, pytest.raises(Misuse, match="once"):
        running.start()
    stopped = db.queue.work("c", print)
    assert stopped.stop() is True
    with pytest.raises(Misuse, match="once"):
        stopped.start()


def test_closing_the_database_ends_a_worker(tmp_path):
    db = neurograph.open(tmp_path / "q.ngdb")
    worker = db.queue.work("c", print, concurrency=2)
    worker.start()
    db.close()
    assert worker.stop(grace_s=LONG_S) is True


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"channel": ""}, "channel"),
        ({"handler": "print"}, "handler must be callable"),
        ({"concurrency": 0}, "concurrency"),
        ({"n": 0}, "n must"),
        ({"lease_s": -1}, "lease_s"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"timeout_s": -1}, "timeout_s"),
        ({"settles": "yes"}, "settles"),
    ],
)
def test_wrong_arguments_are_refused(db, arguments, what):
    with pytest.raises(InvalidValue, match=what):
        db.queue.work(**{"channel": "c", "handler": print, **arguments})
    with pytest.raises(InvalidValue, match="timeout_s"):
        db.queue.work("c", print).stop(grace_s=-1)


def test_the_text_of_a_worker_says_what_it_does(db):
    assert repr(db.queue.work(["c", "d"], print)) == "<Worker 'c', 'd' running=0 done=0 failed=0 lost=0>"


# --- results and replies --------------------------------------------------------------------------------------------


def test_a_result_is_waited_for_and_its_failure_told(db):
    published = db.queue.publish("c", 1)
    with pytest.raises(DeadlineExceeded, match="was not done within"):
        db.queue.wait_result(published, timeout_s=0.01)
    [message] = db.queue.claim("c")
    db.queue.ack(message, b"\x00")
    assert db.queue.wait_result(published) == b"\x00"
    assert db.queue.wait_result(message) == db.queue.wait_result(message.id) == b"\x00"
    failed = db.queue.publish("c", 2)
    for _ in range(2):
        db.queue.nack(db.queue.claim("c")[0], "no network")
    with pytest.raises(neurograph.errors.MessageFailed, match="failed for good: no network"):
        db.queue.wait_result(failed)
    db.queue.create_channel("d", attempts=1, dead_letter="d.dead")
    moved = db.queue.publish("d", 3)
    db.queue.nack(db.queue.claim("d")[0])
    with pytest.raises(neurograph.errors.MessageFailed, match="failed for good"):
        db.queue.wait_result(moved)
    gone = db.queue.publish("d", 4)
    db.queue.ack(db.queue.claim("d")[0], 5)
    with pytest.raises(neurograph.errors.MessageNotFound, match="without keep_ms"):
        db.queue.wait_result(gone)
    with pytest.raises(InvalidValue, match="message must have been stored"):
        db.queue.wait_result(neurograph.Published(None))
    with db.transaction(), pytest.raises(neurograph.errors.TransactionOpen, match="cannot wait for a result"):
        db.queue.wait_result(published)
