"""Channels that have no room for a message, or get them too fast."""

from __future__ import annotations

from typing import Any

import pytest

import neurograph
from hand_clock import START_NS, Clock
from neurograph import Database, Published
from neurograph.errors import ChannelFull, Interrupted, RateLimited
from neurograph.stores.queue import publishing


def waiting(db: Database, channel: str = "c") -> list[Any]:
    return [message.payload for message in db.queue.peek(channel, 100)]


def test_a_full_channel_rejects(db: Database) -> None:
    db.queue.create_channel("c", capacity=2)
    db.queue.publish_many("c", [1, 2])
    with pytest.raises(ChannelFull, match=r"channel 'c' must have room, got 2 pending messages of 2; claim and ack"):
        db.queue.publish("c", 3)
    (message,) = db.queue.claim("c")
    with pytest.raises(ChannelFull):
        db.queue.publish("c", 3)
    db.queue.ack(message)
    db.queue.publish("c", 3)
    assert waiting(db) == [2, 3]


def test_many_find_room_together_or_not_at_all(db: Database) -> None:
    db.queue.create_channel("c", capacity=3)
    with pytest.raises(ChannelFull):
        db.queue.publish_many("c", [1, 2, 3, 4])
    assert waiting(db) == []


def test_evict_lowest_drops_the_least_urgent_even_the_new_one(db: Database) -> None:
    db.queue.create_channel("c", capacity=3, when_full="evict_lowest")
    for n in (5, 9, 9):
        db.queue.publish("c", n, priority=n)
    dropped = db.queue.publish("c", "equal", priority=9)
    assert dropped == Published(None)
    assert db.queue.publish("c", 1, priority=1).evicted == 1
    assert waiting(db) == [1, 5, 9]
    assert db.queue.stats("c").evicted == 2


def test_evict_oldest_drops_the_first_published(db: Database) -> None:
    db.queue.create_channel("c", capacity=3, when_full="evict_oldest")
    for n in (5, 1, 9):
        db.queue.publish("c", n, priority=n)
    assert db.queue.publish("c", 7, priority=100).evicted == 1
    assert waiting(db) == [1, 9, 7]
    assert [p.evicted for p in db.queue.publish_many("c", [2, 3], priority=[2, 3])] == [1, 1]
    assert waiting(db) == [2, 3, 7]


@pytest.mark.parametrize("policy", ["evict_lowest", "evict_oldest"])
def test_what_is_claimed_or_delayed_is_not_evicted(db: Database, policy: str) -> None:
    db.queue.create_channel("c", capacity=2, when_full=policy)
    db.queue.publish("c", 1, priority=100)
    db.queue.publish("c", 2, priority=100, delay_s=60)
    (message,) = db.queue.claim("c")
    assert db.queue.publish("c", 3, priority=0) == Published(None)
    db.queue.ack(message)
    assert db.queue.publish("c", 3, priority=0).id is not None


@pytest.mark.parametrize("policy", ["evict_lowest", "evict_oldest"])
def test_a_lowered_capacity_is_reached_at_the_next_publish(db: Database, policy: str) -> None:
    db.queue.publish_many("c", list(range(10)))
    db.queue.update_channel("c", capacity=4, when_full=policy)
    assert db.queue.publish("c", 10, priority=0).evicted == 7
    assert db.queue.stats("c").ready == 4


def test_what_expired_makes_room(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", capacity=2, ttl_ms=1000)
    db.queue.publish_many("c", [1, 2])
    now.move(1)
    db.queue.publish("c", 3)
    assert waiting(db) == [3]
    assert db.queue.stats("c").expired == 2


@pytest.mark.parametrize("delay_s", [None, 1])
def test_what_expires_at_this_moment_makes_room_and_is_counted_in_its_own_channel(
    db: Database, now: Clock, delay_s: float | None
) -> None:
    for name in ("c", "other"):
        db.queue.create_channel(name, capacity=1)
        db.queue.publish(name, 1, ttl_s=1, delay_s=delay_s)
    now.move(1)
    db.queue.publish("c", 2)
    assert (waiting(db), db.queue.channel("c").expired, db.queue.channel("other").expired) == ([2], 1, 0)


def test_block_waits_for_its_time_and_then_refuses(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", capacity=1, when_full="block", block_ms=200)
    db.queue.publish("c", 1)
    with pytest.raises(ChannelFull, match="1 pending messages of 1 after waiting"):
        db.queue.publish("c", 2)
    assert sum(now.slept) == pytest.approx(0.2)


@pytest.mark.parametrize("when_full", ["reject", "evict_lowest", "evict_oldest"])
def test_what_expired_makes_room_whatever_its_state_as_far_as_room_is_wanted(
    db: Database, now: Clock, when_full: str
) -> None:
    db.queue.create_channel("c", capacity=3, when_full=when_full, ttl_ms=9000)
    db.queue.publish_many("c", [1, 2])
    db.queue.publish("c", 3, delay_s=2)
    now.move(40)
    published = [db.queue.publish("c", number) for number in (4, 5, 6)]
    assert [one.evicted for one in published] == [0, 0, 0]
    assert [message.payload for message in db.queue.claim("c", 9)] == [4, 5, 6]
    assert db.queue.channel("c").expired == 3


def test_block_goes_on_as_soon_as_there_is_room(db: Database, now: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    db.queue.create_channel("c", capacity=1, when_full="block", block_ms=60_000)
    db.queue.publish("c", 1)
    (message,) = db.queue.claim("c")

    def sleep(seconds: float) -> None:
        now.sleep(seconds)
        if len(now.slept) == 3:
            db.queue.ack(message)

    monkeypatch.setattr(neurograph.stores.queue.clock, "sleep", sleep)
    db.queue.publish("c", 2)
    assert len(now.slept) == 3


@pytest.mark.parametrize("delay_s", [None, 0.2])
def test_block_goes_on_as_soon_as_something_expires(db: Database, now: Clock, delay_s: float | None) -> None:
    db.queue.create_channel("c", capacity=1, when_full="block", block_ms=60_000)
    db.queue.publish("c", 1, ttl_s=0.3, delay_s=delay_s)
    db.queue.publish("c", 2)
    assert (waiting(db), db.queue.stats("c").expired) == ([2], 1)
    assert 0.3 <= sum(now.slept) < 0.4


@pytest.mark.parametrize("sleeps", [1, 2])
def test_block_ends_with_its_channel_which_is_made_anew(
    db: Database, now: Clock, monkeypatch: pytest.MonkeyPatch, sleeps: int
) -> None:
    db.queue.create_channel("c", capacity=1, when_full="block", block_ms=60_000)
    db.queue.publish("c", 1)

    def sleep(seconds: float) -> None:
        now.sleep(seconds)
        if len(now.slept) == sleeps:
            db.queue.remove_channel("c")

    monkeypatch.setattr(publishing.clock, "sleep", sleep)
    db.queue.publish("c", 2)
    assert (len(now.slept), waiting(db), db.queue.channel("c").capacity) == (sleeps, [2], None)


def test_block_ends_when_it_is_interrupted(db: Database, now: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    db.queue.create_channel("c", capacity=1, when_full="block", block_ms=60_000)
    db.queue.publish("c", 1)

    def sleep(seconds: float) -> None:
        now.sleep(seconds)
        if len(now.slept) == 3:
            db.interrupt()

    monkeypatch.setattr(neurograph.stores.queue.clock, "sleep", sleep)
    with pytest.raises(Interrupted):
        db.queue.publish("c", 2)
    assert (len(now.slept), waiting(db)) == (3, [1])
    monkeypatch.setattr(neurograph.stores.queue.clock, "sleep", now.sleep)
    with pytest.raises(ChannelFull):  # an interrupt stops what runs, and not what comes
        db.queue.publish("c", 2)


def test_block_is_reject_inside_a_transaction(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", capacity=1, when_full="block")
    with db.transaction():
        db.queue.publish("c", 1)
        with pytest.raises(ChannelFull):
            db.queue.publish("c", 2)
    assert (now.slept, waiting(db)) == ([], [1])


def test_a_rate_refuses_what_comes_faster(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", rate_per_s=2, burst=3)
    db.queue.publish_many("c", [1, 2, 3])
    said = "messages must not come faster than 2 a second in channel 'c', and no more than 3 at once; publish later"
    with pytest.raises(RateLimited, match=said):
        db.queue.publish("c", 4)
    now.move(0.5)
    db.queue.publish("c", 4)
    with pytest.raises(RateLimited):
        db.queue.publish("c", 5)
    now.move(3600)
    with pytest.raises(RateLimited):
        db.queue.publish_many("c", [1, 2, 3, 4])
    assert len(db.queue.publish_many("c", [1, 2, 3])) == 3


@pytest.mark.parametrize(("rate", "most"), [(0.001, 1), (0.75, 1), (1, 2), (2.5, 5), (1e9, 2_000_000_000)])
def test_who_is_refused_by_a_rate_learns_how_many_may_come_at_once(db: Database, rate: float, most: int) -> None:
    db.queue.create_channel("c", rate_per_s=rate)
    db.execute("update channel set bucket = -1, bucket_ns = ?", [START_NS])
    with pytest.raises(RateLimited, match=f"and no more than {most} at once"):
        db.queue.publish("c", 1)


def test_a_rate_that_goes_while_it_refuses_is_told(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    db.queue.create_channel("c", rate_per_s=1, burst=1)
    db.queue.publish("c", 1)
    refused = publishing.Publishing._refused

    def late(queue: publishing.Publishing, *said: Any) -> Exception:
        db.queue.update_channel("c", rate_per_s=None)
        return refused(queue, *said)

    monkeypatch.setattr(publishing.Publishing, "_refused", late)
    with pytest.raises(RateLimited, match="channel 'c' had a rate_per_s, which is gone since; publish again"):
        db.queue.publish("c", 2)
    db.queue.publish("c", 2)


def test_a_clock_set_back_gives_nothing_away(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", rate_per_s=1, burst=1)
    db.queue.publish("c", 1)
    now.move(-3600)
    with pytest.raises(RateLimited):
        db.queue.publish("c", 2)
