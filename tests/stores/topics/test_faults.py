"""What a shell in Latin-1 puts into topics harms nobody but itself: each subscription has it dead, with the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hand_clock import GRACE_S, Clock
from neurograph import Database
from neurograph.errors import InvalidValue, SubscriptionNotFound, TopicNotFound
from neurograph.stores.topics import passing

LATIN_1 = "cast(x'22e922' as text)"
HEADERS = "cast(x'7b2261223a22e9227d' as text)"
PAYLOAD = f"insert into topic_log (topic, payload) values ('a', {LATIN_1})"
IN_HEADERS = f"insert into topic_log (topic, payload, headers) values ('a', '5', {HEADERS})"
IN_ENTRY = f"insert into topic_entry (topic_id, payload) values (1, {LATIN_1})"
IN_NAME = "insert into topic_log (topic, payload) values (cast(x'61e9' as text), '7')"

PATTERNS = ["a", "a*", "*"]
CONDITIONS: list[Any] = [None, {"$ne": 7}, {"$headers": {"x": None}}]


def spoilt(db: Database) -> None:
    """Publish 1, 2, 3 as entries 1, 4 and 6; nobody can read those between."""
    db.topics.publish("a", 1)
    db.execute(PAYLOAD)
    db.execute(IN_HEADERS)
    db.topics.publish("a", 2)
    db.execute(IN_ENTRY)
    db.topics.publish("a", 3)


def states(db: Database) -> list[tuple[Any, ...]]:
    sql = "select entry_id, state, attempts, substr(error, 1, 36) from delivery order by entry_id"
    return db.execute(sql).fetchall()


def words(number: int) -> str:
    return f"a text of entry {number} must be UTF-8, got .*; select cast.* as blob"


# --- claimed ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [1, 2, passing.WINDOW])
@pytest.mark.parametrize("n", [1, 2, 3, 9])
@pytest.mark.parametrize("where", CONDITIONS)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_text_that_is_not_utf_8_is_dead_and_harms_no_other(
    db: Database, monkeypatch: pytest.MonkeyPatch, pattern: str, where: Any, n: int, window: int
) -> None:
    monkeypatch.setattr(passing, "WINDOW", window)
    first, second = (db.topics.subscribe(name, pattern, where=where) for name in ("first", "second"))
    spoilt(db)
    claimed = []
    while batch := first.claim(n):
        assert len(batch) <= n
        claimed += batch
    assert [(entry.id, entry.payload, entry.attempts) for entry in claimed] == [(1, 1, 1), (4, 2, 1), (6, 3, 1)]
    assert first.ack_many(claimed) == []
    assert [row[:3] for row in states(db)] == [(2, "dead", 1), (3, "dead", 1), (5, "dead", 1)]
    assert states(db)[0][3].startswith("a text of entry 2 must be UTF-8")
    assert (first.lag(), first.stats().dead) == (0, 3)
    assert (second.lag(), second.stats().dead) == (6, 0)
    assert [entry.payload for entry in second.consume(n=n, timeout_s=0)] == [1, 2, 3]
    assert second.stats().dead == 3


def test_nothing_else_than_what_can_not_be_read_ends_a_claim(db: Database) -> None:
    reader = db.topics.subscribe("r", "a")
    db.topics.publish("a", 1)
    assert reader.ack_many(reader.claim()) == []
    for _ in range(5):
        db.execute(PAYLOAD)
    assert reader.claim(2) == reader.claim() == []
    assert reader.stats().dead == 5
    with db.transaction():
        db.execute(PAYLOAD)
        db.topics.publish("a", 2)
        assert [entry.payload for entry in reader.claim()] == [2]
    assert reader.stats().dead == 6


def test_an_undone_claim_leaves_all_as_it_was(db: Database) -> None:
    reader = db.topics.subscribe("r")
    spoilt(db)
    db.begin()
    assert len(reader.claim(9)) == 3
    db.rollback()
    assert (states(db), reader.lag()) == ([], 6)
    assert [entry.payload for entry in reader.claim(9)] == [1, 2, 3]


def test_a_condition_passes_over_what_it_refuses_unread(db: Database) -> None:
    reader = db.topics.subscribe("r", where={"n": 1})
    spoilt(db)
    db.topics.publish("a", {"n": 1})
    assert [entry.id for entry in reader.claim(9)] == [7]
    assert reader.stats().dead == 0


def test_what_lapsed_comes_again_beside_what_can_not_be_read(db: Database, now: Clock) -> None:
    reader = db.topics.subscribe("r", lease_ms=1000)
    spoilt(db)
    assert len(reader.claim(9)) == 3
    now.move(1 + GRACE_S)
    assert [(entry.id, entry.attempts, entry.error) for entry in reader.claim(2)] == [
        (1, 2, "the lease ran out"), (4, 2, "the lease ran out"),
    ]  # fmt: skip
    assert [entry.id for entry in reader.claim(2)] == [6]


@pytest.mark.parametrize("n", [1, 2, 9])
def test_what_is_redriven_and_can_not_be_read_is_dead_again(db: Database, n: int) -> None:
    reader = db.topics.subscribe("r")
    spoilt(db)
    held = reader.claim(9)
    assert reader.redrive() == 3
    assert reader.release_many(held) == []
    db.topics.publish("a", 4)
    claimed = []
    while batch := reader.claim(n):
        claimed += batch
    assert [(entry.payload, entry.attempts) for entry in claimed] == [(1, 1), (2, 1), (3, 1), (4, 1)]
    assert reader.ack_many(claimed) == []
    assert reader.stats().dead == 3


def test_who_consumes_is_not_left_waiting_behind_what_is_redriven(db: Database) -> None:
    reader = db.topics.subscribe("r")
    spoilt(db)
    held = reader.claim(9)
    reader.redrive()
    reader.release_many(held)
    with reader.consume(timeout_s=0) as consumer:
        assert [entry.payload for entry in consumer] == [1, 2, 3]


@pytest.mark.parametrize("state", ["claimed", "delayed"])
def test_a_delivery_that_a_shell_made_is_dead_when_it_is_due(db: Database, now: Clock, state: str) -> None:
    reader = db.topics.subscribe("r")
    spoilt(db)
    db.execute("update subscription set cursor = 3")
    claim = "7" if state == "claimed" else "null"
    db.execute(f"insert into delivery values (2, 1, '{state}', {now.ns - 1}, 1, {claim}, null, null, null)")
    assert [entry.payload for entry in reader.claim(1)] == [2]
    assert db.execute("select state, error from delivery where entry_id = 2 and state = 'dead'").fetchall()


def test_a_reason_that_is_not_utf_8_is_told_by_another(db: Database) -> None:
    """The entry can be read, why it failed can't: it is dead with a reason that can, and can be redriven."""
    reader = db.topics.subscribe("r")
    db.topics.publish_many("a", [1, 2])
    reader.release_many(reader.claim(2))
    db.execute("update delivery set error = cast(x'e9' as text) where entry_id = 1")
    with pytest.raises(InvalidValue, match=words(1)):
        reader.list()
    assert [entry.payload for entry in reader.claim(9)] == [2]
    assert [(entry.payload, entry.error[:24]) for entry in reader.dead() if entry.error] == [
        (1, "a text of entry 1 must b")
    ]
    assert reader.redrive() == 1
    assert [entry.payload for entry in reader.claim(9)] == [1]


@pytest.mark.parametrize("pattern", ["a*", "*"])
def test_a_topic_whose_name_is_not_utf_8_harms_no_other(db: Database, pattern: str) -> None:
    reader = db.topics.subscribe("r", pattern)
    db.topics.publish("a", 1)
    db.execute(IN_NAME)
    db.topics.publish("ab", 2)
    assert [entry.payload for entry in reader.claim(9)] == [1, 2]
    assert reader.stats().dead == int(pattern != "a")
    assert {violation.invariant for violation in db.check()} == {"topic.utf8"}
    db.execute("delete from topic where name = cast(x'61e9' as text)")


def test_all_others_are_trimmed_beside_a_name_that_is_not_utf_8(db: Database) -> None:
    db.topics.create("a", keep_entries=1)
    db.execute(IN_NAME)
    db.execute("update topic set keep_entries = 1 where name <> 'a'")
    db.topics.create("b", keep_entries=1)
    publish = "insert into topic_entry (topic_id, payload) select id, '1' from topic"
    db.execute(publish)
    db.execute(publish)
    assert db.topics.trim() == 4
    db.execute(publish)
    db.optimize()
    assert db.execute("select count(*) from topic_entry").fetchall() == [(3,)]
    with pytest.raises(InvalidValue, match=r"name of a row of topic must be UTF-8, .* name = cast\(x'61e9' as text\)"):
        db.topics.list()
    with pytest.raises(TopicNotFound, match="the closest are 'a'"):
        db.topics.get("aa")
    db.execute("delete from topic where name = cast(x'61e9' as text)")
    assert [topic.name for topic in db.topics.list()] == ["a", "b"]


def test_a_subscription_whose_name_is_not_utf_8_is_told(db: Database) -> None:
    reader = db.topics.subscribe("r")
    db.execute("insert into subscription (name, pattern, condition) values (cast(x'e9' as text), '*', '{}')")
    with pytest.raises(InvalidValue, match=r"name of a row of subscription .* name = cast\(x'e9' as text\)"):
        db.topics.subscriptions()
    with pytest.raises(SubscriptionNotFound, match="the closest are 'r'"):
        db.topics.subscription("rr")
    assert [violation[:2] for violation in db.check()] == [("subscription.utf8", "2, name")]
    db.execute("update subscription set name = 'e' where name = cast(x'e9' as text)")
    assert [one.name for one in db.topics.subscriptions()] == [reader.name, "e"]


# --- looked at --------------------------------------------------------------------------------------------------------

LOOKS: list[Callable[[Database], object]] = [
    lambda db: db.topics.read("a"),
    lambda db: db.topics.read("*", limit=2, timeout_s=60),
    lambda db: db.topics.read("a*", where={"$ne": 7}),
    lambda db: db.topics.subscription("r").dead(),
    lambda db: db.topics.subscription("r").list(n=None),
    lambda db: db.topics.subscription("r").list("dead", 1),
]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("inside", [False, True])
def test_who_looks_is_told_which_entry_it_is(db: Database, look: Callable[[Database], object], inside: bool) -> None:
    reader = db.topics.subscribe("r")
    spoilt(db)
    reader.claim(9)
    if inside:
        with db.transaction(), pytest.raises(InvalidValue, match=words(2)):
            look(db)
    else:
        with pytest.raises(InvalidValue, match=words(2)):
            look(db)


def test_who_looks_goes_on_after_it(db: Database) -> None:
    reader = db.topics.subscribe("r")
    spoilt(db)
    reader.claim(9)
    assert [entry.payload for entry in db.topics.read(limit=1)] == [1]
    assert [entry.payload for entry in db.topics.read(after=3, limit=1)] == [2]
    assert [entry.payload for entry in db.topics.read(after=5)] == [3]
    assert [entry.payload for entry in reader.list("claimed")] == [1, 2, 3]
    assert [entry.payload for entry in reader.list(after=5)] == [3]
    with pytest.raises(InvalidValue, match=words(5)):
        reader.list("dead", after=3)
    assert reader.purge("dead") == 3
    assert reader.dead() == []
