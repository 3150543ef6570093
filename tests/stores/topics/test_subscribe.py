"""Subscriptions: what they ask for, what they pass over, what is missed, the way back."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

import neurograph
from hand_clock import GRACE_S, START_NS, Clock
from neurograph import Database, Entry, Subscription
from neurograph.errors import Conflict, InvalidValue, LeaseLost, SubscriptionNotFound
from neurograph.stores.topics import claiming, passing


def payloads(entries: list[Entry]) -> list[Any]:
    return [entry.payload for entry in entries]


def one(subscription: Subscription, **options: Any) -> Entry:
    (entry,) = subscription.claim(**options)
    return entry


def test_each_subscription_gets_all_and_its_consumers_share_them(db: Database) -> None:
    first, second = db.topics.subscribe("first", "a"), db.topics.subscribe("second", "a")
    again = db.topics.subscription("first")
    db.topics.publish_many("a", [1, 2, 3])
    assert payloads(first.claim(2)) == [1, 2]
    assert payloads(again.claim(2)) == [3]
    assert payloads(second.claim(5)) == [1, 2, 3]
    assert first.claim() == again.claim(2) == []


def test_a_claimed_entry_says_so(db: Database) -> None:
    reader = db.topics.subscribe("r", lease_ms=5000)
    db.topics.publish("a", 1, headers={"h": 1})
    entry = one(reader)
    assert (entry.topic, entry.headers, entry.state, entry.attempts) == ("a", {"h": 1}, "claimed", 1)
    assert entry.due_ns == START_NS + round((5 + GRACE_S) * 1e9)
    assert one_more(reader, lease_s=60) == []
    assert repr(entry) == "<Entry 1 'a' claimed 1>"
    assert "claimed" in entry._repr_html_()
    assert reader.list()[0].claim is None


def one_more(subscription: Subscription, **options: Any) -> list[Entry]:
    return subscription.claim(**options)


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [("*", [1, 2, 3, 4, 5]), ("a", [2]), ("a.*", [1, 4]), ("a*", [1, 2, 4, 5]), ("x", []), ("a.b", [1])],
)
def test_a_pattern_names_topics(db: Database, pattern: str, wanted: list[int]) -> None:
    reader = db.topics.subscribe("r", pattern)
    for n, topic in enumerate(["a.b", "a", "b", "a.c", "a_b"], 1):
        db.topics.publish(topic, n)
    assert reader.lag() == len(wanted)
    assert payloads(reader.claim(9)) == wanted
    assert reader.lag() == 0


def test_where_it_starts(db: Database, now: Clock) -> None:
    for n in range(4):
        db.topics.publish("a", n)
        now.move(1)
    starts: list[tuple[dict[str, Any], list[int]]] = [
        ({}, [9]),
        ({"start": "new"}, [9]),
        ({"start": "first"}, [0, 1, 2, 3, 9]),
        ({"start": 2}, [1, 2, 3, 9]),
        ({"start": 5}, [9]),
        ({"start": db.topics.read(after=2)[0]}, [2, 3, 9]),
        ({"at_ns": 0}, [0, 1, 2, 3, 9]),
        ({"at_ns": START_NS + 10**9}, [1, 2, 3, 9]),
        ({"at_ns": START_NS + 10**9 + 1}, [2, 3, 9]),
        ({"at_ns": START_NS + 10**12}, [9]),
    ]
    readers = [db.topics.subscribe(str(n), **options) for n, (options, _) in enumerate(starts)]
    db.topics.publish("a", 9)
    for reader, (options, wanted) in zip(readers, starts, strict=True):
        assert payloads(reader.claim(9)) == wanted, options


def test_subscribing_again_finds_the_same(db: Database) -> None:
    made = db.topics.subscribe("r", "a", where={"n": {"$gt": 1}}, attempts=3)
    db.topics.publish("a", {"n": 2})
    one(made)
    found = db.topics.subscribe("r", "a", where={"n": {"$gt": 1}}, start="first")
    assert (found.name, found.claim(), found.settings.attempts, found.settings.where) == ("r", [], 3, {"n": {"$gt": 1}})
    for other in ({"pattern": "b"}, {"where": None}, {"where": {"n": 1}}, {"attempts": 4}, {"paused": True}):
        with pytest.raises(Conflict, match=f"with {next(iter(other))} "):
            db.topics.subscribe("r", **{"pattern": "a", "where": {"n": {"$gt": 1}}, **other})
    assert [repr(reader) for reader in db.topics.subscriptions()] == ["<Subscription 'r' of 'a'>"]


@pytest.mark.parametrize(
    "options",
    [
        {"name": ""}, {"name": 1}, {"pattern": "a*b"}, {"pattern": "**"}, {"pattern": None}, {"start": "last"},
        {"start": 3}, {"start": 0}, {"start": 1, "at_ns": 1}, {"at_ns": -1}, {"attempts": 0}, {"lease_ms": 0}, {"n": 1},
        {"backoff": "x"}, {"jitter": 2}, {"paused": 3}, {"where": []}, {"where": {"$x": 1}}, {"start": 1.5},
    ],
)  # fmt: skip
def test_subscribing_to_what_is_none_is_refused(db: Database, options: dict[str, Any]) -> None:
    db.topics.publish("a", 1)
    with pytest.raises(InvalidValue):
        db.topics.subscribe(**{"name": "r", **options})
    assert db.topics.subscriptions() == []


def test_an_ended_subscription_is_not_found(db: Database) -> None:
    reader = db.topics.subscribe("mails")
    db.topics.publish_many("a", [1, 2])
    entry, _ = reader.claim(2)
    db.topics.unsubscribe("mails")
    for ask in (
        lambda: db.topics.subscription("mails"),
        lambda: db.topics.unsubscribe("mails"),
        reader.claim,
        reader.stats,
        reader.lag,
        reader.consume,
        reader.pause,
        reader.resume,
        reader.update,
        lambda: reader.seek(sequence=1),
        lambda: reader.extend(entry),
        lambda: reader.settings,
    ):
        with pytest.raises(SubscriptionNotFound, match="'mails'"):
            ask()
    for settle in (reader.ack, reader.nack, reader.release):
        with pytest.raises(LeaseLost):
            settle(entry)
    assert repr(reader) == "<Subscription 'mails' ended>"
    db.topics.subscribe("mail")
    with pytest.raises(SubscriptionNotFound, match="the closest are 'mail'"):
        db.topics.subscription("mails")


def test_a_subscription_of_a_closed_file_can_be_printed() -> None:
    with neurograph.open(":memory:") as db:
        reader = db.topics.subscribe("mails", "news")
    assert repr(reader) == "<Subscription 'mails'>"


def test_seeking_back_brings_entries_again(db: Database, now: Clock) -> None:
    reader = db.topics.subscribe("r", attempts=1)
    for n in range(4):
        db.topics.publish("a", n)
        now.move(1)
    first, second, third, _ = reader.claim(4)
    reader.ack(third)
    reader.nack(second)
    assert reader.seek(sequence=second)
    reader.ack(first)
    with pytest.raises(LeaseLost):
        reader.ack(second)
    assert payloads(reader.claim(9)) == [1, 2, 3]
    assert reader.seek(at_ns=START_NS + 2 * 10**9)
    assert payloads(reader.claim(9)) == [2, 3]
    assert reader.seek(sequence=1)
    assert payloads(reader.claim(9)) == [0, 1, 2, 3]


def test_seeking_on_passes_over_entries_and_leaves_what_is_before(db: Database) -> None:
    reader = db.topics.subscribe("r")
    db.topics.publish_many("a", [*range(4)])
    entry = one(reader)
    assert reader.seek(sequence=4)
    assert payloads(reader.claim(9)) == [3]
    reader.ack(entry)
    assert reader.seek(sequence=5)
    assert (reader.claim(), reader.stats().missed) == ([], 0)


def test_a_seek_beyond_what_is_next_is_refused(db: Database) -> None:
    reader = db.topics.subscribe("r")
    db.topics.publish("a", 1)
    for options in ({}, {"sequence": 1, "at_ns": 1}, {"sequence": 3}, {"sequence": 0}, {"at_ns": "x"}):
        with pytest.raises(InvalidValue):
            reader.seek(**options)


def test_what_was_trimmed_is_counted_and_a_seek_says_that_it_is_gone(db: Database) -> None:
    db.topics.create("a", keep_entries=2)
    slow, fast = db.topics.subscribe("slow", "a*", start="first"), db.topics.subscribe("fast", "a")
    lazy, elsewhere = db.topics.subscribe("lazy", "a", attempts=1), db.topics.subscribe("elsewhere", "b")
    for n in range(5):
        db.topics.publish("a", n)
    held, _ = slow.claim(2)
    fast.ack_many(fast.claim(9))
    lazy.nack(one(lazy))
    assert db.topics.trim() == 3
    assert [reader.stats().missed for reader in (slow, fast, lazy, elsewhere)] == [3, 0, 2, 0]
    assert (lazy.dead(), slow.list()) == ([], [])
    with pytest.raises(LeaseLost, match="trimmed"):
        slow.ack(held)
    assert payloads(slow.claim(9)) == [3, 4]
    assert (slow.seek(sequence=3), slow.seek(sequence=4), slow.seek(at_ns=0)) == (False, True, False)
    assert elsewhere.seek(sequence=1)
    assert payloads(slow.claim(9)) == [3, 4]


def test_a_pause_stops_claims_alone(db: Database) -> None:
    reader = db.topics.subscribe("r")
    db.topics.publish_many("a", [1, 2])
    entry = one(reader)
    reader.pause()
    assert (reader.claim(), reader.stats().paused, reader.lag()) == ([], True, 1)
    reader.ack(entry)
    reader.resume()
    assert payloads(reader.claim()) == [2]


def test_a_pause_holds_after_a_full_claim_and_for_what_is_due(db: Database, now: Clock) -> None:
    reader = db.topics.subscribe("r")
    db.topics.publish_many("a", [1, 2])
    reader.claim()
    now.move(3600)
    reader.pause()
    assert reader.claim() == reader.claim() == []
    reader.resume()
    assert payloads(reader.claim(2)) == [1, 2]


def test_an_update_holds_for_what_comes(db: Database) -> None:
    reader = db.topics.subscribe("r", "a", where={"n": 1})
    db.topics.publish_many("a", [{"n": 1}, {"n": 2}])
    assert len(reader.claim(9)) == 1
    assert reader.update(where=None, pattern="*", lease_ms=1).where is None
    db.topics.publish("b", 3)
    assert payloads(reader.claim(9)) in ([3], [{"n": 2}, 3])
    for options in ({"pattern": "a*b"}, {"where": 1}, {"attempts": 0}, {"name": "x"}):
        with pytest.raises(InvalidValue):
            reader.update(**options)


def test_a_subscription_with_a_condition_claims_few_of_many(db: Database) -> None:
    db.topics.publish_many("a", [{"n": n} for n in range(3 * passing.WINDOW)])
    last = 3 * passing.WINDOW - 1
    some = db.topics.subscribe("some", "a*", where={"n": {"$gte": last - 1}}, start="first")
    none = db.topics.subscribe("none", "a", where={"n": -1}, start="first")
    assert payloads(some.claim(9)) == [{"n": last - 1}, {"n": last}]
    assert none.claim() == []
    assert none.settings.cursor == last + 1
    assert none._passed[1:] == (last + 1, last + 1)
    db.topics.publish("a", {"n": -1})
    assert payloads(none.claim(9)) == [{"n": -1}]


def test_a_claim_after_a_full_one_looks_beyond_the_window(db: Database) -> None:
    reader = db.topics.subscribe("r", where={"n": 1})
    db.topics.publish_many("a", [{"n": 1}, *[{"n": 0}] * (2 * passing.WINDOW), {"n": 1}, {"n": 1}])
    assert [entry.id for entry in reader.claim()] == [1]
    assert [entry.id for entry in reader.claim()] == [2 * passing.WINDOW + 2]
    assert [entry.id for entry in reader.claim(2)] == [2 * passing.WINDOW + 3]


def test_what_was_passed_over_in_an_undone_transaction_is_looked_at_again(db: Database) -> None:
    reader = db.topics.subscribe("r", where={"n": 1})
    db.begin()
    db.topics.publish("a", {"n": 0})
    assert reader.claim() == []
    db.rollback()
    db.topics.publish("a", {"n": 1})
    assert payloads(reader.claim()) == [{"n": 1}]


def test_a_cursor_that_was_set_back_between_look_and_claim_is_heeded(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, other = db.topics.subscribe("r", where={"n": 1}), db.topics.subscription("r")
    db.topics.publish_many("a", [{"n": 1}, {"n": 0}])
    assert len(reader.claim(9)) == 1
    db.topics.publish("a", {"n": 1})
    look = claiming.Claiming._look

    def meddle(self: Any, now: int) -> Any:
        found = look(self, now)
        other.seek(sequence=1)
        return found

    monkeypatch.setattr(claiming.Claiming, "_look", meddle)
    assert [entry.id for entry in reader.claim(9)] == [1, 3]


@pytest.mark.parametrize(
    ("change", "wanted"),
    [({"where": {"n": 0}}, [1, 3]), ({"where": None}, [1, 3, 5]), ({"pattern": "b", "where": {"n": 0}}, [2, 4])],
)
def test_an_update_between_look_and_claim_is_heeded(
    db: Database, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], wanted: list[int]
) -> None:
    reader, other = db.topics.subscribe("r", "a", where={"n": 1}), db.topics.subscription("r")
    for topic, n in (("a", 0), ("b", 0), ("a", 0), ("b", 0), ("a", 1)):
        db.topics.publish(topic, {"n": n})
    look = claiming.Claiming._look

    def meddle(self: Any, now: int) -> Any:
        found = look(self, now)
        other.update(**change)
        return found

    monkeypatch.setattr(claiming.Claiming, "_look", meddle)
    assert [entry.id for entry in reader.claim(9)] == wanted


def test_who_passes_over_entries_does_not_do_it_for_who_asks_for_them_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passing, "WINDOW", 2)
    find = passing.Asked.find

    with neurograph.open(tmp_path / "a.ngdb", synchronous="off") as db, neurograph.open(tmp_path / "a.ngdb") as other:
        reader = db.topics.subscribe("r", where={"n": 1})
        db.topics.publish_many("a", [{"n": 0}] * 9)

        def meddle(self: Any, *arguments: Any) -> Any:
            found = find(self, *arguments)
            other.topics.subscription("r").update(where=None)
            return found

        with monkeypatch.context() as patched:
            patched.setattr(passing.Asked, "find", meddle)
            assert reader.claim(16) == []
        assert len(reader.claim(16)) == 9


def test_what_is_true_and_what_is_1_are_two_conditions(db: Database) -> None:
    reader = db.topics.subscribe("r", where={"n": True, "$or": [{"m": 1}]})
    assert repr(db.topics.subscribe("r", where={"$or": [{"m": 1.0}], "n": True})) == repr(reader)
    for other in ({"n": 1, "$or": [{"m": 1}]}, {"n": True, "$or": [{"m": True}]}):
        with pytest.raises(Conflict, match="with where "):
            db.topics.subscribe("r", where=other)


def test_nothing_is_written_where_there_is_nothing(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "a.ngdb", synchronous="off") as db, db.reader() as reader:
        for name, options in {"plain": {}, "some": {"pattern": "a*", "where": {"n": 1}}}.items():
            db.topics.subscribe(name, **options)
            db.topics.publish("a", {"n": 0})
            db.topics.subscription(name).seek(sequence=3 if name == "some" else 2)
            assert reader.topics.subscription(name).claim(3) == []


@pytest.mark.parametrize("where", [None, {"n": {"$gte": 0}}])
def test_threads_of_one_subscription_take_each_entry_once(tmp_path: Path, where: dict[str, Any] | None) -> None:
    with neurograph.open(tmp_path / "a.ngdb", synchronous="off") as db:
        db.topics.subscribe("r", "a*", where=where)
        taken: list[int] = []

        def work() -> None:
            reader = db.topics.subscription("r")
            while batch := reader.claim(7):
                assert reader.ack_many(batch) == []
                taken.extend(entry.payload["n"] for entry in batch)

        db.topics.publish_many("ab", [{"n": n} for n in range(300)])
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(taken) == [*range(300)]
        assert db.topics.subscription("r").stats()[2:7] == (0, 0, 0, 0, 0)
        assert db.check() == []


def test_what_is_refused_is_named_as_the_caller_named_it(db: Database) -> None:
    news = db.topics.subscribe("news")
    with pytest.raises(InvalidValue, match="start must be in"):
        db.topics.subscribe("late", start=-1)
    with pytest.raises(InvalidValue, match="start must be at most 1, what is published next, got 9"):
        db.topics.subscribe("late", start=9)
    with pytest.raises(InvalidValue, match="after must be in"):
        news.list(after=-1)
    with pytest.raises(InvalidValue, match="after must be in"):
        db.topics.read("news", after=-1)
