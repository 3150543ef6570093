"""Publishing: what is stored, what is refused, and what a full channel does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import neurograph
from hand_clock import START_NS, Clock
from neurograph import Database, Published
from neurograph.errors import ChannelFull, Interrupted, InvalidValue, RateLimited
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
