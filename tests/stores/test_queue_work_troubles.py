"""Workers in trouble: a full disk, handlers with time-outs of their own, one that stops its worker."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

import neurograph
from neurograph import Database, Message

LONG_S = 60.0


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with neurograph.open(tmp_path / "q.ngdb", synchronous="off", busy_timeout_s=1) as db:
        db.queue.create_channel("c", keep_ms=600_000, attempts=2, backoff_ms=0)
        yield db


def until(true) -> None:
    """Wait for what a thread will do."""
    end = time.monotonic() + LONG_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.mark.parametrize("error", [apsw.FullError("database or disk is full"), OSError(24, "Too many open files")])
def test_what_fails_for_a_while_ends_no_thread(db, error, caplog, monkeypatch):
    monkeypatch.setattr("neurograph.stores.queue.slot.AGAIN_S", 0.01)
    real, failed = db.queue.claim, []

    def claim(*arguments, **settings):
        if len(failed) < 2:
            failed.append(True)
            raise error
        return real(*arguments, **settings)

    monkeypatch.setattr(db.queue, "claim", claim)
    with db.queue.work("c", lambda message: message.payload):
        assert db.queue.wait_result(db.queue.publish("c", 7), timeout_s=LONG_S) == 7
    assert "it tries again" in caplog.text


def test_a_heartbeat_that_fails_is_tried_again(db, caplog, monkeypatch):
    monkeypatch.setattr("neurograph.stores.queue.worker.AGAIN_S", 0.01)
    go, extended, failing = threading.Event(), threading.Event(), [True, True]
    real = db.queue.extend_many

    def extend_many(*arguments):
        if failing:
            failing.pop()
            raise apsw.FullError("database or disk is full")
        extended.set()
        return real(*arguments)

    monkeypatch.setattr(db.queue, "extend_many", extend_many)
    with db.queue.work("c", lambda message: go.wait(LONG_S), lease_s=0.1):
        db.queue.publish("c", 1)
        assert extended.wait(LONG_S)
        go.set()
    assert "heartbeat" in caplog.text


def test_a_failure_that_can_not_be_noted_at_once_is_noted_later(db, monkeypatch):
    go, failing = threading.Event(), [True]
    real = db.queue.nack

    def nack(*arguments):
        if failing:
            failing.pop()
            raise apsw.FullError("database or disk is full")
        real(*arguments)

    monkeypatch.setattr(db.queue, "nack", nack)
    db.queue.create_channel("d", attempts=1)
    with db.queue.work("d", lambda message: go.wait(LONG_S), timeout_s=0.05, concurrency=2) as worker:
        db.queue.publish_many("d", [1, 2])
        until(lambda: worker.failed == 2)
        assert len(db.queue.dead("d")) == 2
        go.set()


def test_a_time_out_of_the_handlers_own_is_said_as_it_was_raised(db):
    async def handler(message: Message) -> None:
        async with asyncio.timeout(0):
            await asyncio.sleep(LONG_S)

    db.queue.create_channel("d", attempts=1)
    with db.queue.work("d", handler, timeout_s=LONG_S):
        db.queue.publish("d", 1)
        until(lambda: db.queue.dead("d"))
    assert db.queue.failures(1)[0].error.startswith("TimeoutError")


def test_a_handler_may_stop_its_worker(db):
    said = []
    published = db.queue.publish_many("c", [1, 2])
    worker = db.queue.work("c", lambda message: said.append(worker.stop()))
    worker.run()
    assert said == [False]
    assert [db.queue.get(one.id).state for one in published] == ["done", "ready"]
