"""What happens exactly at a limit, and in places where only one of two orders is right: found by mutants that lived."""

from __future__ import annotations

from contextlib import nullcontext

import apsw
import pytest

import neurograph
from hand_clock import GRACE_S, Clock
from neurograph import Database
from neurograph.errors import Conflict, DeadlineExceeded, InvalidValue, RateLimited, RuleViolated


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
    db.queue.claim("c", lease_s=6 - GRACE_S)
    now.move(6)
    assert db.queue.claim("c") == []
    assert db.queue.stats("c").expired == 1


def test_each_lease_that_ran_out_is_a_failure_of_its_attempt(db: Database, now: Clock) -> None:
    db.queue.publish("c", 1)
    for _ in range(3):
        (message,) = db.queue.claim("c", lease_s=1)
        now.move(1 + GRACE_S)
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


def test_one_message_is_taken_unless_more_are_asked_for(db: Database) -> None:
    db.queue.publish_many("c", [1, 2, 3])
    assert [len(db.queue.peek("c")), len(db.queue.peek("c", 2)), len(db.queue.peek("c", 0))] == [1, 2, 0]
    assert len(db.queue.claim("c")) == 1


def test_a_name_is_anothers_only_where_it_is_the_same(db: Database) -> None:
    db.queue.create_channel("c")
    with pytest.raises((Conflict, RuleViolated)):
        db.queue.create_channel("c")
    assert db.queue.create_channel("C").name == "C"


@pytest.mark.parametrize("ageing_ms", [None, 1000])
@pytest.mark.parametrize("published", [True, False])
@pytest.mark.parametrize("priority", [None, 7])
def test_plain_sql_gets_from_the_channel_what_it_leaves_out(
    db: Database, now: Clock, ageing_ms: int | None, published: bool, priority: int | None
) -> None:
    db.queue.create_channel("c", ttl_ms=60_000, ageing_ms=ageing_ms, priority=30)
    at = now.ns if published else None
    sql = "insert into message (channel_id, payload, priority, published_ns, due_ns) values (1, '1', ?1, ?2, ?3)"
    db.execute(sql, [priority, at, None])
    if published:
        db.execute(sql, [priority, at, now.ns])
        db.execute(sql, [priority, at, now.ns + 1])
        db.execute(sql, [priority, at, now.ns + 10**18])
    messages = db.queue.list("c")
    assert [message.state for message in messages] == ["ready", "ready", "delayed", "delayed"][: len(messages)]
    for message in messages:
        assert message.priority == (30 if priority is None else priority)
        assert published == (message.published_ns == now.ns)
        assert message.expires_ns == message.published_ns + 60 * 10**9
    assert [message.due_ns for message in messages] == [
        messages[0].expires_ns, messages[0].expires_ns, now.ns + 1, messages[0].expires_ns,
    ][: len(messages)]  # fmt: skip
    assert db.check() == []  # it compares the rank with these


@pytest.mark.parametrize("delay_s", [None, 2])
@pytest.mark.parametrize("when_full", ["reject", "evict_lowest"])
def test_what_has_expired_by_the_clock_of_sql_makes_room_for_plain_sql(
    db: Database, when_full: str, delay_s: float | None
) -> None:
    db.queue.create_channel("c", capacity=1, when_full=when_full)
    db.queue.publish("c", "in 2023", ttl_s=5, delay_s=delay_s)
    db.execute("insert into message (channel_id, payload) values (1, '\"now\"')")
    assert [message.payload for message in db.queue.list("c")] == ["now"]
    stats = db.queue.stats("c")
    assert (stats.expired, stats.evicted, stats.ready) == (1, 0, 1)
    with pytest.raises(RuleViolated) if when_full == "reject" else nullcontext():
        db.execute("insert into message (channel_id, payload) values (1, '\"more\"')")
    assert [message.payload for message in db.queue.list("c")] == ["now"]
    assert db.queue.stats("c").expired == 1


@pytest.mark.parametrize("ageing_ms", [None, 1000])
def test_plain_sql_that_changes_priority_or_time_changes_the_order(
    db: Database, now: Clock, ageing_ms: int | None
) -> None:
    db.queue.create_channel("c", ageing_ms=ageing_ms)
    db.queue.publish_many("c", [1, 2, 3])
    db.execute("update message set priority = 10 where id = 3")
    db.execute("update message set published_ns = published_ns - 5000000000 where id = 2")
    order = [3, 2, 1] if ageing_ms else [3, 1, 2]
    assert db.check() == []
    assert [message.payload for message in db.queue.claim("c", 3)] == order


def test_a_message_for_now_or_the_past_is_ready(db: Database, now: Clock) -> None:
    for at_ns in (now.ns - 1, now.ns, now.ns + 1):
        db.queue.publish("c", None, at_ns=at_ns)
    assert [message.state for message in db.queue.list("c")] == ["ready", "ready", "delayed"]


def test_releasing_many_returns_the_lost_alone(db: Database) -> None:
    db.queue.publish_many("c", [1, 2])
    one, two = db.queue.claim("c", 2)
    db.queue.ack(one)
    assert db.queue.release_many([one, two]) == [one]
    assert [message.payload for message in db.queue.peek("c", 2)] == [2]


@pytest.mark.parametrize(("rate_per_s", "at_once"), [(5, 10), (0.1, 1)])
def test_without_a_burst_what_comes_in_two_seconds_may_come_at_once(
    db: Database, now: Clock, rate_per_s: float, at_once: int
) -> None:
    db.queue.create_channel("c", rate_per_s=rate_per_s)
    for _ in range(at_once):
        db.queue.publish("c", 1)
    with pytest.raises(RateLimited):
        db.queue.publish("c", 1)
    now.move(1 / rate_per_s)
    db.queue.publish("c", 1)
    with pytest.raises(RateLimited):
        db.queue.publish("c", 1)


@pytest.mark.parametrize(
    ("setting", "most"),
    [("capacity", (1 << 63) - 1), ("block_ms", 86_400_000), ("burst", 10**9), ("ageing_ms", 30 * 86_400_000)],
)
def test_a_setting_has_a_most(db: Database, setting: str, most: int) -> None:
    assert getattr(db.queue.create_channel("c", **{setting: most}), setting) == most
    with pytest.raises(InvalidValue, match=setting):
        db.queue.create_channel("d", **{setting: most + 1})


def test_ids_are_noted_ahead_by_who_publishes_much(db: Database) -> None:
    noted = []
    for _ in range(70):
        db.queue.publish("c", None)
        noted.append(db.execute("select seq from sqlite_sequence where name = 'message'").fetchall()[0][0])
    assert noted[:31] == list(range(1, 32))
    assert set(noted[31:]) == {32 + 1024}
    assert db.execute("select count(*) from sqlite_sequence where seq > 1000").fetchall() == [(1,)]


def test_a_request_that_is_given_up_is_nobodys_from_then_on(db: Database, now: Clock) -> None:
    """By the queue's clock, which stands still here, it has not expired yet."""
    with pytest.raises(DeadlineExceeded):
        db.queue.request("silent", 1, timeout_s=0.001)
    assert db.queue.claim("silent") == []
