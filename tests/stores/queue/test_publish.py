"""Publishing: what is stored, what is a duplicate, what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import neurograph
from hand_clock import START_NS, Clock
from neurograph import Database, Published
from neurograph.errors import InvalidValue
from neurograph.stores.queue import publishing


@pytest.fixture
def file(now: Clock, tmp_path: Path) -> Path:
    return tmp_path / "mind.ngdb"


@pytest.fixture
def kept(file: Path) -> Iterator[Database]:
    with neurograph.open(file, synchronous="off") as db:
        yield db
        assert db.check() == []


def waiting(db: Database, channel: str = "c") -> list[Any]:
    return [message.payload for message in db.queue.peek(channel, 100)]


@pytest.mark.parametrize(
    "payload", [{"a": [1, 2.5, None, True]}, [], "žltý", 0, None, b"", b"\x00\xff", {"nul": "\x00"}]
)
def test_a_payload_comes_back_as_it_was(db: Database, payload: Any) -> None:
    db.queue.publish("c", payload)
    assert db.queue.claim("c")[0].payload == payload
    assert isinstance(db.queue.publish_many("c", [payload, bytearray(b"x")])[1].id, int)
    assert [message.payload for message in db.queue.claim("c", 2)] == [payload, b"x"]


def test_ids_tell_the_order_and_are_never_used_again(db: Database) -> None:
    ids = []
    for _ in range(3):
        ids.append(db.queue.publish("c", 1).id)
        db.queue.ack(db.queue.claim("c")[0])
    ids += [published.id for published in db.queue.publish_many("c", [1] * 40)]
    db.queue.purge("c")
    for _ in range(100):
        ids.append(db.queue.publish("c", 1).id)
    db.execute("delete from message where id > (select max(id) - 3 from message)")
    ids.append(db.queue.publish("c", 1).id)
    assert ids == sorted(set(ids))


def test_priorities_are_exact_and_fifo_within(db: Database) -> None:
    given: list[int | str | None] = ["low", 26, None, "high", 25, "CRITICAL", -1000, 1000, 50, "background", "normal"]
    for n, priority in enumerate(given):
        db.queue.publish("c", n, priority=priority)
    assert [message.priority for message in db.queue.peek("c", 20)] == [-1000, 0, 25, 25, 26, 50, 50, 50, 75, 100, 1000]
    assert waiting(db) == [6, 5, 3, 4, 1, 2, 8, 10, 0, 9, 7]


def test_headers_and_key_are_kept(db: Database) -> None:
    db.queue.publish("c", 1, key="k", headers={"trace": "t1", "reply_to": "answers", "mine": [1]})
    (message,) = db.queue.claim("c")
    assert (message.key, message.headers) == ("k", {"trace": "t1", "reply_to": "answers", "mine": [1]})


def test_a_delayed_message_waits_for_its_time(db: Database, now: Clock) -> None:
    db.queue.publish("c", "later", delay_s=5, priority=0)
    db.queue.publish("c", "at", at_ns=now.ns + 2_000_000_000)
    db.queue.publish("c", "past", at_ns=now.ns - 1)
    assert waiting(db) == ["past"]
    now.move(2)
    assert [message.payload for message in db.queue.claim("c", 9)] == ["at", "past"]  # FIFO by publishing
    now.move(3)
    assert [message.payload for message in db.queue.claim("c", 9)] == ["later"]


def test_what_expires_is_never_claimed(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", ttl_ms=3000)
    db.queue.publish("c", "channel's")
    db.queue.publish("c", "own", ttl_s=1)
    db.queue.publish("c", "delayed beyond", delay_s=9)
    assert db.queue.stats("c").ready == 2
    now.move(1)
    assert waiting(db) == ["channel's"]
    now.move(8.5)
    assert db.queue.stats("c").expired == 3
    assert db.queue.claim("c", 9) == []
    stats = db.queue.stats("c")
    assert (stats.ready, stats.delayed, stats.expired) == (0, 0, 3)


def test_a_claimed_message_may_outlive_its_expiry(db: Database, now: Clock) -> None:
    db.queue.publish("c", 1, ttl_s=1)
    (message,) = db.queue.claim("c", lease_s=60)
    now.move(30)
    db.queue.ack(message)


def test_a_key_is_unique_while_its_message_is_pending(db: Database) -> None:
    first = db.queue.publish("c", 1, key="k")
    assert db.queue.publish("c", 2, key="k") == Published(first.id, duplicate=True)
    assert not db.queue.publish("d", 2, key="k").duplicate
    (message,) = db.queue.claim("c")
    assert db.queue.publish("c", 2, key="k").duplicate
    db.queue.ack(message)
    assert db.queue.publish("c", 3, key="k") == Published(first.id + 2)  # type: ignore[operator]


@pytest.mark.parametrize("how", [{}, {"delay_s": 1}, {"delay_s": 3}], ids=["ready", "delayed", "delayed beyond"])
def test_what_is_expired_leaves_its_key_to_the_next(db: Database, now: Clock, how: dict[str, Any]) -> None:
    first = db.queue.publish("c", "other"), db.queue.publish("c", "old", key="k", ttl_s=2, **how)
    now.move(1.999)
    assert db.queue.publish("c", "new", key="k") == Published(first[1].id, duplicate=True)
    now.move(0.001)
    assert not db.queue.publish("c", "new", key="k").duplicate
    assert (db.queue.stats("c").expired, waiting(db)) == (1, ["other", "new"])
    assert db.queue.publish_many("c", ["newer"], key=["k"])[0].duplicate


def test_what_is_expired_within_the_window_keeps_its_key(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", dedup_ms=5000)
    db.queue.publish("c", "old", key="k", ttl_s=1)
    now.move(4.999)
    assert db.queue.publish("c", "new", key="k").duplicate
    now.move(0.001)
    assert not db.queue.publish("c", "new", key="k").duplicate


def test_what_its_last_lease_made_a_dead_letter_leaves_its_key_to_the_next(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", attempts=2, dead_letter="dead")
    db.queue.publish("c", "old", key="k")
    for again in (True, False):
        (message,) = db.queue.claim("c", lease_s=1)
        assert message.due_ns is not None
        now.ns = message.due_ns
        assert db.queue.publish("c", "new", key="k").duplicate == again
    (dead,) = db.queue.dead("dead")
    assert [failure.error for failure in db.queue.failures(dead)] == ["the lease ran out"] * 2
    assert (dead.payload, waiting(db)) == ("old", ["new"])


def test_a_key_stays_with_who_may_still_ack(db: Database, now: Clock) -> None:
    db.queue.publish("c", "old", key="k", ttl_s=1)
    (message,) = db.queue.claim("c", lease_s=60)
    now.move(30)
    assert db.queue.publish("c", "new", key="k").duplicate
    db.queue.ack(message)


def test_a_key_is_unique_within_the_window(db: Database, now: Clock) -> None:
    db.queue.create_channel("c", dedup_ms=10_000)
    first = db.queue.publish("c", 1, key="k")
    db.queue.ack(db.queue.claim("c")[0])
    now.move(9)
    assert db.queue.publish("c", 1, key="k") == Published(first.id, duplicate=True)
    now.move(1)
    assert not db.queue.publish("c", 1, key="k").duplicate
    now.move(60)
    assert db.queue.publish("c", 1, key="k").duplicate  # pending beats the window
    assert db.queue.publish_many("c", [1, 2, 3], key=["k", "x", "x"])[0].duplicate


def test_keys_that_are_over_are_forgotten(db: Database, now: Clock) -> None:
    for n in range(5):
        db.queue.publish("c", n, key=str(n))
    db.queue.ack_many(db.queue.claim("c", 5))
    now.move(1)
    db.queue.publish("c", 9, key="9")
    assert db.execute("select key from message_key").fetchall() == [("9",)]


def test_a_publish_undone_with_its_transaction_never_was(db: Database) -> None:
    db.queue.create_channel("c", capacity=5)
    db.begin()
    db.tokens.create("cat")
    db.queue.publish("c", 1, key="k")
    db.rollback()
    assert (waiting(db), len(db.tokens)) == ([], 0)
    with db.transaction():
        db.begin()
        db.queue.publish("c", 1, key="k")
        db.rollback()
        assert not db.queue.publish("c", 2, key="k").duplicate
    assert waiting(db) == [2]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"channel": ""}, "channel must be a string"),
    ({"channel": "a\x00"}, "channel must be a string"),
    ({"channel": 5}, "channel must be a string"),
    ({"channel": "\ud800"}, "channel must be a string"),
    ({"payload": {1: 2}}, "payload must have strings as keys of its objects, got 1"),
    ({"payload": [{"a": {2: 3}}]}, "payload must have strings as keys of its objects, got 2"),
    ({"payload": json.loads("[" * 257 + "]" * 257)}, "payload must be nested at most 256 levels"),
    ({"payload": float("nan")}, "payload must be what JSON can say"),
    ({"payload": {1}}, "payload must be what JSON can say"),
    ({"payload": "\ud800"}, "payload must be what JSON can say"),
    ({"priority": "urgent"}, "priority must be a whole number or one of critical, high"),
    ({"priority": 1001}, r"priority must be in \[-1000, 1000\], got 1001"),
    ({"priority": True}, "priority must be a whole number"),
    ({"priority": 2.0}, "priority must be a whole number"),
    ({"key": ""}, "key must be None, or a string"),
    ({"key": "\ud800"}, "key must be text"),
    ({"headers": [1]}, "headers must map strings"),
    ({"headers": {1: 2}}, "headers must have strings as keys of its objects, got 1"),
    ({"headers": {"a": [{None: 2}]}}, "headers must have strings as keys of its objects, got None"),
    ({"headers": {"a": float("inf")}}, "headers must be what JSON can say"),
    ({"delay_s": -1}, "delay_s must be in"),
    ({"delay_s": 1, "at_ns": 1}, "only one of delay_s and at_ns"),
    ({"at_ns": 1.5}, "at_ns must be a whole number"),
    ({"ttl_s": float("inf")}, "ttl_s must be finite"),
]


@pytest.mark.parametrize(
    ("arguments", "message"), BAD, ids=[f"{message[:30]} {n}" for n, (_, message) in enumerate(BAD)]
)
def test_bad_input_changes_nothing(db: Database, arguments: dict[str, Any], message: str) -> None:
    given = {"channel": "c", "payload": 1, **arguments}
    with pytest.raises(InvalidValue, match=message):
        db.queue.publish(**given)
    given["payloads"] = [given.pop("payload")]
    if "key" in given:
        given["key"] = [given["key"]]
    with pytest.raises(InvalidValue, match=message):
        db.queue.publish_many(**given)
    assert db.queue.channels() == []


@pytest.mark.parametrize(
    "arguments",
    [{"payloads": "ab"}, {"payloads": {"a": 1}}, {"payloads": 5}, {"priority": [1]}, {"key": "k"}, {"key": ["k"]}],
    ids=str,
)
def test_many_need_a_value_each(db: Database, arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue, match="must"):
        db.queue.publish_many(**{"channel": "c", "payloads": [1, 2], **arguments})
    assert db.queue.channels() == []


@pytest.mark.parametrize("payloads", [["a", "b", {"c": 1}], [b"a", b"bb", b""], ["a", b"b", None]], ids=str)
@pytest.mark.parametrize(
    "options",
    [{}, {"priority": 7}, {"priority": [7, "low", 7]}, {"delay_s": 5}, {"ttl_s": 5, "delay_s": 9, "headers": {"a": 1}}],
    ids=str,
)
def test_many_are_stored_as_one_by_one(db: Database, payloads: list[Any], options: dict[str, Any]) -> None:
    db.queue.configure({name: {"capacity": 9, "ttl_ms": 7000, "ageing_ms": 10} for name in "cd"})
    many = db.queue.publish_many("c", payloads, **options)
    for n, payload in enumerate(payloads):
        each = {"priority": options["priority"][n]} if isinstance(options.get("priority"), list) else {}
        db.queue.publish("d", payload, **{**options, **each})
    rows = [db.execute("select * from message where channel_id = ? order by id", [n]).to_dicts() for n in (1, 2)]
    assert [published.id for published in many] == [row["id"] for row in rows[0]] == [1, 2, 3]
    for row in (*rows[0], *rows[1]):
        del row["id"], row["channel_id"]
    assert rows[0] == rows[1]


def test_none_published_creates_no_channel(db: Database) -> None:
    assert db.queue.publish_many("c", []) == []
    assert db.queue.channels() == []


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"priority": 7}, {"priority": 7}),
        ({"ttl_ms": 5000}, {"expires_ns": START_NS + 5 * 10**9, "due_ns": START_NS + 5 * 10**9}),
        ({"ageing_ms": 1000}, {"rank": 50 * 10**9 + START_NS}),
        ({"name": "other"}, {"channel_id": 2}),
    ],
    ids=lambda value: next(iter(value)),
)
def test_a_channel_changed_elsewhere_is_obeyed_at_once(
    kept: Database, file: Path, settings: dict[str, Any], expected: dict[str, Any]
) -> None:
    for n in range(3):
        kept.queue.publish("c", n)
    with neurograph.open(file) as other:
        other.queue.update_channel("c", **settings)
    number = kept.queue.publish("c", "after").id
    columns = ", ".join(expected)
    assert kept.execute(f"select {columns} from message where id = ?", [number]).fetchone() == (*expected.values(),)


def test_a_channel_removed_elsewhere_is_made_anew(kept: Database, file: Path) -> None:
    for n in range(3):
        kept.queue.publish("c", n)
    with neurograph.open(file) as other:
        other.queue.remove_channel("c")
        other.queue.publish("b", 1)
    kept.queue.publish("c", "after")
    assert [message.payload for message in kept.queue.list("c")] == ["after"]
    assert [stats.ready for stats in kept.queue.stats_of_all()] == [1, 1]


def test_a_channel_that_begins_to_evict_does_so_at_once(kept: Database, file: Path) -> None:
    for n in range(3):
        kept.queue.publish("c", n)
    with neurograph.open(file) as other:
        other.queue.update_channel("c", capacity=3, when_full="evict_lowest")
    assert kept.queue.publish("c", "no") == (None, False, 0)
    assert kept.queue.publish("c", "yes", priority="high").evicted == 1


def test_a_channel_of_a_transaction_that_was_undone_is_forgotten(db: Database) -> None:
    db.begin()
    for n in range(3):
        db.queue.publish("c", n)
    db.rollback()
    db.queue.publish("d", "another channel with its id")
    db.queue.publish("c", "after")
    assert [message.payload for message in db.queue.list("c")] == ["after"]


def test_more_channels_than_are_remembered_are_published_to(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "MOST_KNOWN", 2)
    for round_ in range(3):
        for n in range(5):
            db.queue.publish(f"c{n}", round_)
    assert [stats.ready for stats in db.queue.stats_of_all()] == [3] * 5
