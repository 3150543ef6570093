"""Channels: their settings, and what becomes of their messages when these change."""

from __future__ import annotations

import json
from typing import Any

import pytest
from queue_39 import channels

import neurograph
from neurograph import Database
from neurograph.errors import ChannelNotFound, Conflict, InvalidValue

SETTINGS: dict[str, Any] = {
    "capacity": 7,
    "when_full": "block",
    "block_ms": 5,
    "priority": -3,
    "ttl_ms": 1,
    "lease_ms": 2,
    "attempts": 3,
    "backoff": "fixed",
    "backoff_ms": 4,
    "backoff_most_ms": 5,
    "jitter": 0.5,
    "dead_letter": "d",
    "rate_per_s": 0.5,
    "burst": 6,
    "dedup_ms": 7,
    "ageing_ms": 8,
    "keep_ms": 9,
    "paused": True,
}


def test_a_channel_has_the_settings_it_was_given(db: Database) -> None:
    made = db.queue.create_channel("c", **SETTINGS)
    assert {name: getattr(made, name) for name in SETTINGS} == SETTINGS
    assert db.queue.channel("c") == made
    assert [channel.name for channel in db.queue.channels()] == ["c", "d"]


def test_what_was_kept_can_be_kept_no_more(db: Database) -> None:
    db.queue.create_channel("c", keep_ms=9000)
    db.queue.update_channel("c", keep_ms=0)
    message = db.queue.publish("c", 1)
    db.queue.ack_many(db.queue.claim("c"))
    assert (db.queue.channel("c").keep_ms, db.queue.list("c"), message.id) == (0, [], 1)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_can_be_changed_alone(db: Database, name: str) -> None:
    before = db.queue.create_channel("c")
    after = db.queue.update_channel("c", **{name: SETTINGS[name]})
    assert after == before._replace(**{name: SETTINGS[name]})


def test_a_channel_that_exists_is_not_created_again(db: Database) -> None:
    db.queue.publish("c", 1)
    with pytest.raises(Conflict, match="got 'c', which exists; use db"):
        db.queue.create_channel("c", capacity=1)
    db.queue.create_channel("d")
    with pytest.raises(Conflict, match="got 'c', which exists"):
        db.queue.update_channel("d", name="c")
    assert db.queue.channel("c").capacity is None


def test_a_renamed_channel_keeps_its_messages_and_its_dead_letters(db: Database) -> None:
    db.queue.create_channel("c", attempts=1, dead_letter="old")
    db.queue.publish("old", 1)
    db.queue.update_channel("old", name="new", priority="high")
    assert db.queue.peek("new")[0].payload == 1
    assert db.queue.channel("c").dead_letter == "new"
    with pytest.raises(ChannelNotFound):
        db.queue.update_channel("old", capacity=1)


def test_a_removed_channel_takes_its_messages_along(db: Database) -> None:
    db.queue.create_channel("c", dead_letter="d", dedup_ms=1000)
    db.queue.publish_many("c", [1, 2], key=["a", "b"])
    db.queue.nack(db.queue.claim("c")[0], "why")
    assert db.queue.remove_channel("c") == 2
    assert db.queue.remove_channel("d") == 0
    for table in ("channel", "message", "message_key", "failure"):
        assert db.execute(f"select count(*) from {table}").fetchall() == [(0,)]


def test_without_its_dead_letter_channel_the_dead_stay(db: Database) -> None:
    db.queue.create_channel("c", dead_letter="d")
    db.queue.remove_channel("d")
    assert db.queue.channel("c").dead_letter is None


def test_a_capacity_counts_what_is_there(db: Database) -> None:
    db.queue.publish_many("c", [1, 2, 3, 4])
    db.queue.ack(db.queue.claim("c")[0])
    db.queue.update_channel("c", capacity=3)
    with pytest.raises(neurograph.errors.ChannelFull):
        db.queue.publish("c", 5)
    db.queue.update_channel("c", capacity=None)
    db.queue.publish("c", 5)
    db.queue.update_channel("c", capacity=5)
    db.queue.publish("c", 6)
    with pytest.raises(neurograph.errors.ChannelFull):
        db.queue.publish("c", 7)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"size": 5}, "settings must be of capacity, .* got 'size' for channel 'c'"),
    ({"capacity": 0}, "capacity must be in"),
    ({"capacity": "many"}, "capacity must be a whole number"),
    ({"when_full": "drop"}, "when_full must be one of 'reject'"),
    ({"priority": "urgent"}, "priority must be"),
    ({"ttl_ms": 0}, "ttl_ms must be in"),
    ({"lease_ms": None}, "lease_ms must be a whole number"),
    ({"attempts": 0}, "attempts must be in"),
    ({"backoff": "linear"}, "backoff must be one of"),
    ({"jitter": 1.5}, "jitter must be in"),
    ({"dead_letter": "c"}, "dead_letter must be another channel"),
    ({"dead_letter": ""}, "channel must be a string"),
    ({"rate_per_s": 0}, "rate_per_s must be above 0"),
    ({"paused": "no"}, "paused must be True or False"),
    ({"when_full": "evict_oldest", "ageing_ms": 5}, "when_full must not be 'evict_oldest'"),
]


@pytest.mark.parametrize(("settings", "message"), BAD, ids=str)
def test_a_bad_setting_changes_nothing(db: Database, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        db.queue.create_channel("c", **settings)
    with pytest.raises(InvalidValue, match=message):
        db.queue.configure({"a": {}, "c": settings})
    assert db.queue.channels() == []
    before = db.queue.create_channel("c")
    with pytest.raises(InvalidValue, match=message):
        db.queue.update_channel("c", **settings)
    assert db.queue.channels() == [before]


def test_settings_that_exclude_each_other_are_refused_one_by_one(db: Database) -> None:
    db.queue.create_channel("c", ageing_ms=5)
    db.queue.create_channel("d", dead_letter="e")
    with pytest.raises(InvalidValue, match="when_full must not be 'evict_oldest' where there is an ageing_ms"):
        db.queue.update_channel("c", when_full="evict_oldest")
    with pytest.raises(InvalidValue, match="channels must map names to settings"):
        db.queue.configure({"c": 5})  # type: ignore[dict-item]


def test_the_39_channels_of_atlas_load(db: Database) -> None:
    given = json.loads(json.dumps(channels()))
    made = db.queue.configure(given)
    assert len(made) == len(db.queue.channels()) == 39
    for channel in made:
        assert given[channel.name].items() <= channel._asdict().items()
    assert db.queue.configure(given) == made
    for name in given:
        db.queue.publish(name, {"to": name})
    db.queue.publish_many("llm.stream", list(range(100)))
    assert sum(stats.ready for stats in db.queue.stats_of_all()) == 139
    assert [db.queue.claim(name)[0].priority for name in ("agent.terminate", "budget.usage")] == [0, 10]


def test_configuring_changes_what_it_names_and_no_more(db: Database) -> None:
    db.queue.create_channel("c", capacity=5, priority=7)
    db.queue.configure({"c": {"capacity": 6}, "new": {}})
    assert (db.queue.channel("c").capacity, db.queue.channel("c").priority) == (6, 7)
    db.begin()
    db.queue.configure({"c": {"capacity": 7}})
    db.rollback()
    assert db.queue.channel("c").capacity == 6
