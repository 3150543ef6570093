"""Entries that were claimed: acked, extended, failed, released, dead."""

from __future__ import annotations

from typing import Any

import pytest

from hand_clock import GRACE_S, Clock
from neurograph import Database, Entry, Subscription
from neurograph.errors import InvalidValue, LeaseLost


def payloads(entries: list[Entry]) -> list[Any]:
    return [entry.payload for entry in entries]


def one(subscription: Subscription, **options: Any) -> Entry:
    (entry,) = subscription.claim(**options)
    return entry


def test_acking_settles_singly_and_together(db: Database) -> None:
    reader = db.topics.subscribe("r")
    db.topics.publish_many("a", [*range(6)])
    batch = reader.claim(3)
    reader.ack(batch[1])
    assert reader.ack_many([*batch, *reader.claim(2)]) == [batch[1]]
    assert (reader.list(), reader.lag(), reader.settings.cursor) == ([], 1, 5)
    assert reader.ack_many([]) == []
    with pytest.raises(LeaseLost, match="entry 1 must still be yours"):
        reader.ack(batch[0])


def test_what_was_not_claimed_is_refused(db: Database) -> None:
    reader = db.topics.subscribe("r")
    db.topics.publish_many("a", [1, 2])
    claimed, read = one(reader), db.topics.read()[1]
    for call in (reader.ack, reader.nack, reader.extend, reader.release):
        with pytest.raises(InvalidValue, match="must be one that claim or extend returned"):
            call(read)
        with pytest.raises(InvalidValue, match="must be one that claim or extend returned"):
            getattr(reader, f"{call.__name__}_many")([claimed, 7])
    assert reader.stats().claimed == 1
    for options in ({"n": 0}, {"n": "1"}, {"lease_s": -1}):
        with pytest.raises(InvalidValue):
            reader.claim(**options)


def test_a_claim_of_one_subscription_is_none_of_another(db: Database) -> None:
    first, second = db.topics.subscribe("first"), db.topics.subscribe("second")
    db.topics.publish("a", 1)
    entry = one(first)
    with pytest.raises(LeaseLost):
        second.ack(entry)
    one(second)
    with pytest.raises(LeaseLost):
        second.ack(entry)
    first.ack(entry)


def test_a_lease_that_ran_out_is_claimed_first_and_counted(db: Database, now: Clock) -> None:
    reader = db.topics.subscribe("r", lease_ms=5000, attempts=2)
    db.topics.publish_many("a", [1, 2])
    slow = one(reader)
    now.move(5 + GRACE_S - 0.001)
    assert reader.stats().claimed == 1
    now.move(0.001)
    assert (reader.stats().claimed, reader.stats().ready) == (0, 1)
    quick, new = reader.claim(2)
    assert (quick.id, quick.attempts, quick.error, new.id, new.attempts) == (slow.id, 2, "the lease ran out", 2, 1)
    for call in (reader.ack, reader.nack, reader.extend, reader.release):
        with pytest.raises(LeaseLost):
            call(slow)
    for many in (reader.ack_many, reader.nack_many, reader.release_many):
        assert many([slow]) == [slow]
    assert reader.extend_many([slow]) == [None]
    now.move(60)
    assert (reader.stats().dead, reader.stats().ready) == (1, 1)
    assert payloads(reader.claim(2)) == [2]
    assert [(entry.id, entry.error) for entry in reader.dead()] == [(1, "the lease ran out")]


def test_extending_keeps_an_entry(db: Database, now: Clock) -> None:
    reader = db.topics.subscribe("r", lease_ms=5000)
    db.topics.publish("a", 1)
    entry = one(reader)
    for _ in range(5):
        now.move(4)
        longer = reader.extend(entry)
        assert reader.claim() == []
    assert longer.due_ns == now.ns + round((5 + GRACE_S) * 1e9)
    assert reader.extend(entry, 60).due_ns == now.ns + round((60 + GRACE_S) * 1e9)
    reader.ack(longer)
    assert reader.extend_many([entry, longer]) == [None, None]


def test_what_failed_waits_while_newer_entries_go_on(db: Database, now: Clock) -> None:
    reader = db.topics.subscribe("r", attempts=3, backoff_ms=1000, jitter=0)
    db.topics.publish_many("a", [1, 2])
    reader.nack(one(reader), ValueError("no"), trace="here")
    assert payloads(reader.claim()) == [2]
    for wait in (1, 2):
        now.move(wait - 0.001)
        assert reader.claim() == []
        assert reader.stats().delayed == 1
        now.move(0.001)
        entry = one(reader)
        assert (entry.payload, entry.error) == (1, "ValueError: no")
        reader.nack(entry, ValueError("no"))
    assert (reader.stats().dead, reader.claim()) == (1, [])
    (dead,) = reader.dead()
    assert (dead.attempts, dead.state, dead.failed_ns) == (3, "dead", now.ns)


def test_a_nack_may_say_how_long(db: Database, now: Clock) -> None:
    reader = db.topics.subscribe("r")
    db.topics.publish_many("a", [1, 2])
    first, second = reader.claim(2)
    reader.nack(first, "x\x00\ud800", delay_s=0)
    assert reader.nack_many([first, second], "why", delay_s=9) == [first]
    again = one(reader)
    assert (again.id, again.error) == (1, "x�?")
    for options in ({"error": 1}, {"trace": 1}, {"delay_s": -1}):
        with pytest.raises(InvalidValue):
            reader.nack(again, **options)
    now.move(9)
    assert payloads(reader.claim()) == [2]


def test_the_trace_of_an_exception_is_kept(db: Database) -> None:
    reader = db.topics.subscribe("r", attempts=1)
    db.topics.publish("a", 1)
    try:
        raise KeyError("x")
    except KeyError as error:
        reader.nack(one(reader), error)
    assert "raise KeyError" in (reader.dead()[0].trace or "")


def test_a_released_entry_is_as_if_it_had_not_been_claimed(db: Database) -> None:
    reader = db.topics.subscribe("r")
    db.topics.publish_many("a", [1, 2, 3])
    first, second = reader.claim(2)
    reader.release(first)
    assert reader.release_many([first, second]) == [first]
    assert [(entry.payload, entry.attempts) for entry in reader.claim(3)] == [(1, 1), (2, 1), (3, 1)]


def test_the_dead_are_listed_and_redriven(db: Database) -> None:
    reader = db.topics.subscribe("r", attempts=1)
    other = db.topics.subscribe("other", attempts=1)
    db.topics.publish_many("a", [*range(4)])
    reader.nack_many(reader.claim(4), "no")
    other.nack(one(other), "no")
    assert (payloads(reader.dead(2)), len(reader.dead(None)), payloads(other.dead())) == ([0, 1], 4, [0])
    assert payloads(reader.list("dead", 2, after=2)) == [2, 3]
    assert (reader.redrive([2, 99]), reader.redrive(n=1), reader.stats().dead) == (1, 1, 2)
    again = reader.claim(4)
    assert [(entry.payload, entry.attempts, entry.error) for entry in again] == [(0, 1, "no"), (1, 1, "no")]
    assert (reader.redrive(again), reader.redrive(), other.stats().dead) == (0, 2, 1)
    for call in (lambda: reader.list("done"), lambda: reader.dead(-1), lambda: reader.redrive(["x"])):  # type: ignore
        with pytest.raises(InvalidValue):
            call()


def test_what_is_purged_is_settled(db: Database) -> None:
    reader, other = db.topics.subscribe("r", attempts=1), db.topics.subscribe("other")
    db.topics.publish_many("a", [*range(4)])
    dead, held, back, _ = reader.claim(4)
    reader.nack(dead)
    reader.release(back)
    other.claim(4)
    assert (reader.purge("dead"), reader.purge("dead"), reader.purge("ready"), len(reader.list())) == (1, 0, 1, 2)
    assert (reader.purge(), reader.claim(9), len(other.list())) == (2, [], 4)
    with pytest.raises(LeaseLost):
        reader.ack(held)
    with pytest.raises(InvalidValue, match="state must be None or one of"):
        reader.purge("done")
