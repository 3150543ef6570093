"""What happens exactly at a limit, and in places where only one of two orders is right: found by mutants that lived."""

from __future__ import annotations

from collections.abc import Iterator

import apsw
import pytest
from queue_clock import Clock

import neurograph
from neurograph import Database
from neurograph.errors import Conflict, RuleViolated


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock().patch(monkeypatch)


@pytest.fixture
def db(now: Clock) -> Iterator[Database]:
    with neurograph.open(":memory:", busy_timeout_s=1) as db:
        yield db
        assert db.check() == []


def test_a_message_expires_at_its_end_and_not_after_it(db: Database, now: Clock) -> None:
    db.queue.publish("c", 1, ttl_s=5)
    db.queue.publish("c", 2, ttl_s=5.000001)
    now.move(5)
    assert [message.payload for message in db.queue.claim("c", 2)] == [2]
    assert db.queue.stats("c").expired == 1


def test_a_delay_is_over_at_its_end(db: Database, now: Clock) -> None:
    db.queue.publish("c", 1, delay_s=5)
    now.move(5 - 1e-6)
    assert db.queue.claim("c") == []
    now.move(1e-6)
    assert len(db.queue.claim("c")) == 1


def test_a_lease_that_runs_out_after_the_message_has_expired_drops_it(db: Database, now: Clock) -> None:
    db.queue.publish("c", 1, ttl_s=6)
    db.queue.claim("c", lease_s=5)
    now.move(6)
    assert db.queue.claim("c") == []
    assert db.queue.stats("c").expired == 1


def test_each_lease_that_ran_out_is_a_failure_of_its_attempt(db: Database, now: Clock) -> None:
    db.queue.publish("c", 1)
    for _ in range(3):
        (message,) = db.queue.claim("c", lease_s=1)
        now.move(2)
    db.queue.claim("c")
    assert [failure.attempt for failure in db.queue.failures(message)] == [1, 2, 3]


def test_dead_letters_that_wait_go_back_and_those_worked_on_stay(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", attempts=1, dead_letter="dlq", ttl_ms=60_000)
    db.queue.update_channel("dlq", attempts=2, ttl_ms=7000, backoff_ms=1000, jitter=0)
    db.queue.publish_many("c", [1, 2, 3])
    db.queue.nack_many(db.queue.claim("c", 3), "no")
    (delayed,) = db.queue.claim("dlq")
    db.queue.nack(delayed)
    (worked_on,) = db.queue.claim("dlq")
    assert [message.state for message in db.queue.list("dlq")] == ["delayed", "claimed", "ready"]
    assert db.queue.redrive("dlq") == 2
    assert [message.payload for message in db.queue.list("dlq")] == [worked_on.payload]
    for message in db.queue.list("c"):
        assert message.due_ns == message.expires_ns == now.ns + 60 * 10**9
    now.move(0.5)
    assert [message.payload for message in db.queue.claim("c", 5)] == [1, 3]


def test_the_dead_get_the_time_to_live_of_where_they_go(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", attempts=1, dead_letter="dlq", ttl_ms=60_000)
    db.queue.update_channel("dlq", ttl_ms=7000)
    db.queue.publish("c", 1)
    db.queue.nack(db.queue.claim("c")[0])
    (dead,) = db.queue.dead("dlq")
    assert dead.due_ns == dead.expires_ns == now.ns + 7 * 10**9


def test_of_equal_messages_the_newest_is_evicted(db: Database) -> None:
    db.queue.create_channel("c", capacity=3, when_full="evict_lowest")
    db.queue.publish_many("c", ["a", "b", "c"], priority=[75, 75, 50])
    db.queue.publish("c", "d", priority=0)
    assert [message.payload for message in db.queue.list("c")] == ["a", "c", "d"]


def test_a_channel_that_begins_to_age_has_the_older_of_equals_first(db: Database, now: Clock) -> None:
    for payload in ("first", "second", "third"):
        db.queue.publish("c", payload)
        now.move(1)
    db.queue.update_channel("c", ageing_ms=1000)
    assert [message.payload for message in db.queue.peek("c", 3)] == ["first", "second", "third"]
    db.queue.update_channel("c", ageing_ms=2000)
    assert [message.payload for message in db.queue.claim("c", 3)] == ["first", "second", "third"]


@pytest.mark.parametrize("column", ["key", "name", "dead_letter"])
@pytest.mark.parametrize("wrong", ["", "a\x00b"])
def test_plain_sql_cannot_store_names_that_are_none(db: Database, column: str, wrong: str) -> None:
    db.queue.create_channel("c")
    sql = {
        "key": "insert into message (channel_id, payload, key) values (1, '1', ?)",
        "name": "insert into channel (name) values (?)",
        "dead_letter": "update channel set dead_letter = ?",
    }[column]
    with pytest.raises((apsw.ConstraintError, neurograph.NeurographError), match=r"CHECK|must"):
        db.execute(sql, [wrong])


def test_a_name_is_anothers_only_where_it_is_the_same(db: Database) -> None:
    db.queue.create_channel("c")
    with pytest.raises((Conflict, RuleViolated)):
        db.queue.create_channel("c")
    assert db.queue.create_channel("C").name == "C"
