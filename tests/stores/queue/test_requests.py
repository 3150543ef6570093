"""Requests and their replies: each its own, in time or not at all."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import neurograph
from in_threads import LONG_S
from neurograph import Database, Message
from neurograph.errors import ChannelFull, DeadlineExceeded, InvalidValue, LeaseLost
from neurograph.stores.queue import clock


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with neurograph.open(tmp_path / "q.ngdb", synchronous="off", busy_timeout_s=1) as db:
        db.queue.create_channel("c", keep_ms=600_000, attempts=2, backoff_ms=0)
        yield db


@pytest.mark.parametrize("reply_to", [None, "answers"])
def test_a_request_gets_its_own_reply(db, reply_to):
    def handler(message: Message) -> dict[str, object]:
        return {"sum": sum(message.payload), "trace": message.headers["trace"]}

    got: dict[int, object] = {}

    def ask(n: int) -> None:
        reply = db.queue.request("sums", [n, n], timeout_s=LONG_S, headers={"trace": n}, reply_to=reply_to)
        got[n] = reply.payload

    with db.queue.work("sums", handler, concurrency=2):
        threads = [threading.Thread(target=ask, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert got == {n: {"sum": 2 * n, "trace": n} for n in range(6)}
    assert db.queue.list(reply_to or "sums.replies") == db.queue.list("sums") == []


def test_a_request_that_nobody_can_answer_says_so(db):
    with pytest.raises(DeadlineExceeded, match="nobody replied to message 1 in channel 'silent' within"):
        db.queue.request("silent", 1, timeout_s=0.01)
    assert db.queue.claim("silent") == []  # dropped, as nobody waits any more
    db.queue.create_channel("bad", attempts=1)
    with (
        db.queue.work("bad", lambda message: 1 / 0),
        pytest.raises(neurograph.errors.MessageFailed, match="ZeroDivisionError"),
    ):
        db.queue.request("bad", 1, timeout_s=LONG_S)
    for channel in ("c", "mute"):  # one keeps what is done, one does not
        with (
            db.queue.work(channel, db.queue.ack, settles=True),
            pytest.raises(neurograph.errors.MessageFailed, match="nobody replied"),
        ):
            db.queue.request(channel, 1, timeout_s=LONG_S)
    db.queue.create_channel("full", capacity=1, when_full="evict_lowest")
    db.queue.publish("full", 1, priority=0)
    with pytest.raises(neurograph.errors.MessageFailed, match="dropped the request"):
        db.queue.request("full", 1, timeout_s=LONG_S)
    with db.transaction(), pytest.raises(neurograph.errors.TransactionOpen, match="cannot wait for a reply"):
        db.queue.request("c", 1)
    with pytest.raises(InvalidValue, match="timeout_s"):
        db.queue.request("c", 1, timeout_s=None)
    with pytest.raises(InvalidValue, match="channel"):
        db.queue.request("c", 1, reply_to="")


def test_a_request_blocks_for_no_longer_than_it_waits_for_the_reply(db, monkeypatch):
    db.queue.create_channel("full", capacity=1, when_full="block", block_ms=600_000)
    first = db.queue.publish("full", 1)
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        assert sum(slept) <= 0.02
        time.sleep(seconds)

    monkeypatch.setattr(clock, "sleep", sleep)
    with pytest.raises(ChannelFull, match="channel 'full' must have room"):
        db.queue.request("full", 2, timeout_s=0.02)
    assert slept
    assert [message.id for message in db.queue.list("full")] == [first.id]
    monkeypatch.setattr(clock, "sleep", lambda seconds: db.queue.cancel(first.id))
    with pytest.raises(DeadlineExceeded, match="nobody replied"):
        db.queue.request("full", 2, timeout_s=1)


def test_who_looks_late_for_a_reply_is_told_of_the_time(db, monkeypatch):
    real = db.queue._settled

    def late(*arguments):
        time.sleep(0.02)  # by now the request has expired
        return real(*arguments)

    monkeypatch.setattr(db.queue, "_settled", late)
    with pytest.raises(DeadlineExceeded, match="nobody replied"):
        db.queue.request("silent", 1, timeout_s=0.01)


@pytest.mark.parametrize("back", [None, "", 5, "r"])
@pytest.mark.parametrize("correlation", [None, "", 5, "x"])
def test_who_did_not_ask_gets_no_reply(db, back, correlation):
    db.queue.publish("c", 1, headers={"reply_to": back, "correlation": correlation})
    (message,) = db.queue.claim("c")
    if (back, correlation) == ("r", "x"):
        db.queue.reply(message, 2)
        return
    with pytest.raises(InvalidValue, match="must have the headers reply_to and correlation"):
        db.queue.reply(message, 2)
    assert [one.state for one in db.queue.list("c")] == ["claimed"]


def test_a_reply_and_its_ack_are_one(db):
    db.queue.publish("c", 1)
    [message] = db.queue.claim("c")
    with pytest.raises(InvalidValue, match="must have the headers reply_to and correlation"):
        db.queue.reply(message, 2)
    db.queue.ack(message)
    db.queue.publish("c", 1, headers={"reply_to": "r", "correlation": "x"})
    [message] = db.queue.claim("c")
    db.queue.release(message)
    with pytest.raises(LeaseLost):
        db.queue.reply(message, 2)
    assert db.queue.stats("c").ready == 1
    with pytest.raises(neurograph.errors.ChannelNotFound):
        db.queue.stats("r")
    [message] = db.queue.claim("c")
    db.queue.reply(message, 2, headers={"note": "yes"})
    [reply] = db.queue.claim("r")
    assert (reply.payload, reply.headers) == (2, {"note": "yes", "correlation": "x"})
