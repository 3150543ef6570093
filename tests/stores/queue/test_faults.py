"""Those that wait hear how it ended, and what strangers write or others change meanwhile harms nobody else."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import neurograph
from in_threads import LONG_S
from neurograph import Database
from neurograph.errors import ChannelNotFound, InvalidValue, MessageFailed, MessageNotFound

GRACE_S = 0.1


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with neurograph.open(tmp_path / "q.ngdb", synchronous="off", busy_timeout_s=GRACE_S) as db:
        db.queue.create_channel("c", keep_ms=600_000, attempts=1)
        yield db
        assert db.check() == []


# --- those that wait ------------------------------------------------------------------------------------------------


def test_who_waits_for_a_result_hears_that_time_has_ended_it(db: Database) -> None:
    with pytest.raises(MessageNotFound, match="expired"):
        db.queue.wait_result(db.queue.publish("c", 1, ttl_s=0.02), timeout_s=LONG_S)
    db.queue.update_channel("c", lease_ms=20)
    published = db.queue.publish("c", 1)
    db.queue.claim("c")  # by one that dies
    with pytest.raises(MessageFailed, match="the lease ran out"):
        db.queue.wait_result(published, timeout_s=LONG_S)


def test_who_may_not_write_waits_for_a_result_all_the_same(db: Database) -> None:
    published = db.queue.publish("c", 1, ttl_s=0.01)
    with neurograph.open(db.path, mode="r") as reader, pytest.raises(neurograph.errors.DeadlineExceeded):
        reader.queue.wait_result(published, timeout_s=0.05)


def test_who_asks_hears_that_the_last_lease_ran_out(db: Database) -> None:
    db.queue.update_channel("c", lease_ms=20)
    asked = threading.Thread(target=lambda: next(db.queue.consume("c")))  # and never settles
    asked.start()
    with pytest.raises(MessageFailed, match="the lease ran out"):
        db.queue.request("c", 1, timeout_s=LONG_S)
    asked.join()


def test_headers_of_requests_and_replies_are_checked(db: Database) -> None:
    with pytest.raises(InvalidValue, match="headers must map"):
        db.queue.request("c", 1, headers=[("a", 1)], timeout_s=0)  # type: ignore[arg-type]
    db.queue.publish("c", 1, headers={"reply_to": "r", "correlation": "1"})
    with pytest.raises(InvalidValue, match="headers must map"):
        db.queue.reply(db.queue.claim("c")[0], 1, headers=["a"])  # type: ignore[arg-type]


# --- what strangers write and others change meanwhile ---------------------------------------------------------------

LATIN_1 = "insert into outbox (channel, payload) values ('c', cast(x'22e922' as text))"


@pytest.mark.parametrize("n", [1, 9])
def test_a_text_that_is_not_utf_8_is_dead_and_harms_no_other(db: Database, n: int) -> None:
    for _ in range(2):
        db.execute(LATIN_1)
    db.queue.publish_many("c", [3, b"\xe9"])
    db.execute("insert into outbox (channel, payload, headers) values ('c', '5', cast(x'7b2261223a22e9227d' as text))")
    claimed = []
    while batch := db.queue.claim("c", n):
        claimed += batch
    assert [(m.id, m.payload, m.attempts) for m in claimed] == [(3, 3, 1), (4, b"\xe9", 1)]
    assert db.queue.ack_many(claimed) == []
    assert db.execute("select id, state from message order by id").fetchall()[:2] == [(1, "dead"), (2, "dead")]
    assert "must be UTF-8" in db.queue.failures(5)[0].error


def test_a_text_that_is_not_utf_8_is_a_dead_letter(db: Database) -> None:
    db.queue.update_channel("c", dead_letter="d")
    db.execute(LATIN_1)
    with db.transaction():
        assert db.queue.claim("c") == []
        db.queue.publish("c", 2)
        assert [message.id for message in db.queue.claim("c")] == [2]
    assert (db.queue.stats("d").ready, db.queue.claim("d"), db.queue.stats("d").dead) == (1, [], 1)


def test_a_dead_letter_that_nobody_can_read_hides_no_other(db: Database) -> None:
    db.queue.publish("c", 1)
    db.queue.nack(db.queue.claim("c")[0], "no")
    db.execute(LATIN_1)
    db.execute(
        "insert into outbox (channel, payload, headers) values ('c', x'e9', cast(x'7b2261223a22e9227d' as text))"
    )
    db.execute("insert into outbox (channel, payload, key) values ('c', '4', cast(x'e9' as text))")
    assert db.queue.claim("c", 9) == []
    one, payload, headers, key = (pickle.loads(pickle.dumps(message)) for message in db.queue.dead("c"))
    assert (one.payload, payload.headers, headers.payload, key.payload) == (1, {}, b"\xe9", 4)
    assert [message.state for message in db.queue.list("c")] == ["dead"] * 4
    for read, said in [
        (lambda: payload.payload, f"the payload of message {payload.id} must be UTF-8, got b'\"\\xe9\"'; select cast"),
        (lambda: headers.headers, f"the headers of message {headers.id} must be UTF-8"),
        (lambda: key.key, f"the key of message {key.id} must be UTF-8"),
        (lambda: db.queue.get(payload.id).payload, f"message {payload.id} must be UTF-8"),
    ]:
        with pytest.raises(InvalidValue) as told:
            read()
        assert said in str(told.value)
    assert "must be UTF-8" in db.queue.failures(payload)[0].error
    assert db.execute("select typeof(payload) from ng_messages('c') order by id").fetchall()[:2] == [
        ("text",),
        ("blob",),
    ]


def test_a_channel_whose_name_is_not_utf_8_is_told(db: Database) -> None:
    db.execute("insert into outbox (channel, payload) values (cast(x'e9' as text), '1')")
    for every in (db.queue.channels, db.queue.stats_of_all):
        with pytest.raises(InvalidValue, match=r"name of a row of channel .* where name = cast\(x'e9' as text\)"):
            every()
    with pytest.raises(ChannelNotFound, match="the closest are 'c'"):
        db.queue.stats("cc")
    assert [violation.invariant for violation in db.check()] == ["channel.utf8"]
    db.execute("update channel set name = 'e' where name = cast(x'e9' as text)")
    assert [channel.name for channel in db.queue.channels()] == ["c", "e"]


def test_a_channel_that_is_paused_while_a_claim_waits_gives_nothing(db: Database) -> None:
    db.queue.publish("c", 1)
    other = neurograph.open(db.path, synchronous="off", busy_timeout_s=LONG_S)
    look, claimed = threading.Event(), []
    rows = other._session.rows

    def looked(*arguments: Any) -> Any:
        found = rows(*arguments)
        look.set()
        return found

    other._session.rows = looked  # type: ignore[method-assign]
    with other:
        claimer = threading.Thread(target=lambda: claimed.append(other.queue.claim("c")))
        with db.transaction():
            db.queue.pause("c")
            claimer.start()
            assert look.wait(LONG_S)
        claimer.join()
    assert claimed == [[]]


def test_the_figures_are_those_after_a_sweep(db: Database) -> None:
    db.queue.update_channel("c", attempts=2, lease_ms=1)
    for attempt in range(2):
        db.queue.publish("c", "last attempt" if not attempt else "lapsed")
        db.queue.claim("c", 9, lease_s=0)
        time.sleep(GRACE_S + 0.01)
    db.queue.publish("c", "late", ttl_s=0.001, priority=0)
    db.queue.claim("c", lease_s=0)
    db.queue.claim("c", lease_s=0)
    db.queue.publish("c", "delayed", delay_s=0.01)
    time.sleep(GRACE_S + 0.02)
    before = db.queue.stats("c")
    with db.transaction():
        db.queue.sweep()
        assert db.queue.stats("c") == before


def test_a_peek_checks_the_name(db: Database) -> None:
    for name in (None, 5, "\ud800", ""):
        with pytest.raises(InvalidValue, match="channel must be a string"):
            db.queue.peek(name)  # type: ignore[arg-type]


def test_a_publish_with_a_key_wakes_at_once(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(type(db._session.board), "tell", lambda board, topics: told.extend(topics))
    db.queue.publish("c", 1, key="k")
    assert "c" in told


def test_who_did_not_wait_is_not_told_that_he_did(db: Database) -> None:
    db.queue.create_channel("b", capacity=1, when_full="block", block_ms=1)
    with pytest.raises(neurograph.errors.ChannelFull, match="0 pending messages of 1; claim"):
        db.queue.publish_many("b", [1, 2])
    db.queue.publish("b", 1)
    with pytest.raises(neurograph.errors.ChannelFull, match="of 1 after waiting; claim"):
        db.queue.publish("b", 2)
