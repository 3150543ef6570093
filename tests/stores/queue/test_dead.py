"""What failed: how long it waits, where it goes when it is dead, and how it comes back."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from hand_clock import GRACE_S, Clock
from neurograph import Database, Message


def one(db: Database, channel: str = "c", **options: Any) -> Message:
    (message,) = db.queue.claim(channel, **options)
    return message


def test_a_failed_message_waits_longer_each_time(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", attempts=5, backoff_ms=1000, backoff_most_ms=3000, jitter=0)
    db.queue.publish("c", 1)
    for attempt, wait_s in enumerate((1, 2, 3, 3), 1):
        message = one(db)
        assert message.attempts == attempt
        db.queue.nack(message, f"failure {attempt}")
        now.move(wait_s - 0.001)
        assert db.queue.claim("c") == []
        now.move(0.001)
    db.queue.nack(one(db), "the last")
    assert db.queue.get(1).state == "dead"
    assert [f.error for f in db.queue.failures(1)] == [*(f"failure {n}" for n in range(1, 5)), "the last"]


def test_jitter_takes_a_share_off_a_fixed_wait(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", backoff="fixed", backoff_ms=1000, jitter=0.5, attempts=100)
    db.queue.publish_many("c", [1] * 50)
    assert db.queue.nack_many(db.queue.claim("c", 50)) == []
    waits = [(message.due_ns or 0) - now.ns for message in db.queue.list("c", "delayed")]
    assert len(set(waits)) > 40
    assert all(5e8 <= wait <= 1e9 for wait in waits)


def test_a_wait_can_be_given(db: Database, now: Clock) -> None:
    db.queue.publish("c", 1)
    db.queue.nack(one(db), delay_s=0)
    assert one(db).attempts == 2


def test_a_failure_keeps_the_exception_and_its_trace(db: Database) -> None:
    db.queue.publish("c", 1)
    message = one(db)
    try:
        raise ValueError("no \x00 even \ud800")
    except ValueError as error:
        db.queue.nack(message, error)
    (failure,) = db.queue.failures(message)
    assert failure.error == "ValueError: no � even ?"
    assert "test_a_failure_keeps" in (failure.trace or "")
    assert pickle.loads(pickle.dumps(failure)) == failure


def test_the_dead_move_with_origin_error_trace_and_time_and_come_back(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", attempts=1, dead_letter="dlq", capacity=1, ttl_ms=60_000)
    db.queue.publish("c", {"n": 1}, priority=7, key="k")
    db.queue.nack(one(db), "no file", trace="line 1")
    (dead,) = db.queue.dead("dlq")
    assert (dead.id, dead.channel, dead.origin, dead.attempts, dead.expires_ns) == (1, "dlq", "c", 0, None)
    assert db.queue.failures(dead)[0] == (1, "no file", "line 1", now.ns)
    assert (db.queue.stats("c").ready, db.queue.stats("dlq").ready) == (0, 1)
    db.queue.publish("c", {"n": 2})  # its place is free
    assert db.queue.redrive("dlq") == 1
    assert db.queue.redrive("dlq") == 0
    back = one(db)
    assert (back.id, back.attempts, back.origin, back.priority, back.expires_ns) == (1, 1, None, 7, now.ns + 60 * 10**9)
    assert db.queue.publish("c", 1, key="k").duplicate


def test_the_dead_stay_where_no_channel_takes_them(db: Database) -> None:
    db.queue.create_channel("c", attempts=1)
    db.queue.publish_many("c", [1, 2, 3])
    db.queue.nack_many(db.queue.claim("c", 3))
    assert db.queue.claim("c") == []
    assert db.queue.stats("c").dead == 3
    assert db.queue.redrive("c", [3, 99], n=5) == 1
    assert db.queue.redrive("c", n=1) == 1
    assert [message.payload for message in db.queue.claim("c", 5)] == [1, 3]
    assert [message.payload for message in db.queue.dead("c")] == [2]


def test_a_dead_letter_that_dies_again_goes_nowhere_else(db: Database) -> None:
    db.queue.create_channel("a", attempts=1, dead_letter="b")
    db.queue.update_channel("b", attempts=1, dead_letter="a")
    db.queue.publish("a", 1)
    db.queue.nack(one(db, "a"), "first")
    db.queue.nack(one(db, "b"), "second")
    (dead,) = db.queue.dead("b")
    assert (dead.state, dead.origin) == ("dead", "a")
    assert [failure.error for failure in db.queue.failures(dead)] == ["first", "second"]
    assert db.queue.redrive("b") == 1
    assert one(db, "a").payload == 1


def test_a_lease_that_runs_out_on_the_last_attempt_kills(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", attempts=2, lease_ms=1000, dead_letter="dlq")
    db.queue.publish("c", 1)
    for _ in range(2):
        one(db)
        now.move(1 + GRACE_S)
    assert db.queue.claim("c") == []
    assert [message.origin for message in db.queue.dead("dlq")] == ["c"]


def test_a_dead_letter_outlives_the_channel_it_came_from(db: Database) -> None:
    db.queue.create_channel("c", attempts=1, dead_letter="dlq")
    db.queue.publish("c", 1)
    db.queue.nack(one(db))
    assert db.queue.remove_channel("c") == 0
    assert [message.origin for message in db.queue.dead("dlq")] == [None]
    assert db.queue.redrive("dlq") == 1
    assert db.queue.dead("dlq") == []
    assert one(db, "dlq").payload == 1


def test_an_exception_without_words_is_a_failure_all_the_same(db: Database) -> None:
    class SilentError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    db.queue.publish("c", 1)
    db.queue.nack(one(db), SilentError(), delay_s=0)
    assert db.queue.failures(1)[0].error == "SilentError: (its text can't be had: RuntimeError)"
    assert one(db).attempts == 2


def dies(db: Database, payload: Any, key: str) -> None:
    db.queue.publish("c", payload, key=key)
    db.queue.nack(one(db), "no")


@pytest.mark.parametrize("dead_letter", ["d", None])
def test_a_dead_letter_stays_while_a_newer_message_has_its_key(db: Database, dead_letter: str | None) -> None:
    db.queue.create_channel("c", attempts=1, dead_letter=dead_letter)
    dies(db, 1, "k")
    db.queue.publish("c", 2, key="k")
    assert db.queue.redrive(dead_letter or "c") == 0
    db.queue.ack(one(db))
    assert db.queue.redrive(dead_letter or "c") == 1
    assert db.queue.publish("c", 3, key="k") == (1, True, 0)
    assert one(db).payload == 1


@pytest.mark.parametrize("dead_letter", ["d", None])
def test_a_dead_letter_that_stays_takes_no_others_place(db: Database, dead_letter: str | None) -> None:
    db.queue.create_channel("c", attempts=1, dead_letter=dead_letter)
    for payload, key in [(1, "k"), (2, "l"), (3, "l"), (4, "m"), (5, "n")]:
        dies(db, payload, key)
    db.queue.publish("c", 6, key="k")
    assert db.queue.redrive(dead_letter or "c", n=2) == 2
    assert [message.payload for message in db.queue.claim("c", 9)] == [2, 4, 6]
    assert db.queue.redrive(dead_letter or "c", n=9) == 1
    assert [message.payload for message in db.queue.dead(dead_letter or "c")] == [1, 3]


def test_of_two_dead_letters_with_a_key_one_comes_back_at_a_time(db: Database) -> None:
    db.queue.create_channel("c", attempts=1, dead_letter="d")
    dies(db, 1, "k")
    dies(db, 2, "k")
    assert [(m.payload, m.key) for m in db.queue.dead("d")] == [(1, "k"), (2, "k")]
    assert [db.queue.redrive("d"), db.queue.redrive("d")] == [1, 0]
    db.queue.ack(one(db))
    assert db.queue.redrive("d") == 1


def test_a_key_is_kept_by_the_channel_and_not_by_its_dead_letters(db: Database) -> None:
    db.queue.create_channel("c", attempts=1, dead_letter="d")
    dies(db, 1, "k")
    assert not db.queue.publish("d", 2, key="k").duplicate
    assert db.queue.publish("d", 2, key="k").duplicate
