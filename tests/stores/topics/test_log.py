"""The log: entries published and read, topics and what they keep."""

from __future__ import annotations

import pickle
from functools import reduce
from typing import Any

import pytest

import neurograph
from hand_clock import START_NS, Clock
from neurograph import Database, Entry
from neurograph.errors import Conflict, InvalidValue, ReadOnlyDatabase, TopicNotFound, TransactionBusy
from neurograph.stores import noting
from neurograph.stores.topics import publishing, trimming


def payloads(db: Database, pattern: str = "*", **options: Any) -> list[Any]:
    return [entry.payload for entry in db.topics.read(pattern, **options)]


def test_sequences_grow_over_all_topics(db: Database) -> None:
    assert [db.topics.publish("a", 1), db.topics.publish("b", 2), db.topics.publish("a", 3)] == [1, 2, 3]
    assert db.topics.publish_many("b", [4, 5]) == range(4, 6)
    assert db.topics.publish_many("b", []) == range(0)
    assert (payloads(db), payloads(db, "a"), payloads(db, "b")) == ([1, 2, 3, 4, 5], [1, 3], [2, 4, 5])


def test_an_entry_says_what_was_published(db: Database) -> None:
    db.topics.publish("a.b", {"n": 1}, headers={"trace": "t"})
    (entry,) = db.topics.read()
    assert (entry.id, entry.topic, entry.published_ns, entry.headers) == (1, "a.b", START_NS, {"trace": "t"})
    assert (entry.payload, entry.state, entry.attempts, entry.claim, entry.due_ns) == ({"n": 1}, None, 0, None, None)
    assert (entry.error, entry.trace, entry.failed_ns) == (None, None, None)


@pytest.mark.parametrize("payload", [None, True, 0, -1.5, "žltý", [1, [2]], {"a": {"b": None}}, b"", b"\x00\xff"])
def test_a_payload_comes_back_as_it_was(db: Database, payload: Any) -> None:
    db.topics.publish("a", payload)
    db.topics.publish_many("a", [payload, 1, b"2"])
    assert payloads(db, "a") == [payload, payload, 1, b"2"]


@pytest.mark.parametrize(
    "payload",
    [float("nan"), {1: 2}, {"a": {1: 2}}, [{None: 2}], {1, 2}, "\ud800", object, reduce(lambda x, _: [x], range(300))],
)
def test_a_payload_that_is_no_json_is_refused(db: Database, payload: Any) -> None:
    with pytest.raises(InvalidValue, match="payload must"):
        db.topics.publish("a", payload)
    with pytest.raises(InvalidValue, match="payload must"):
        db.topics.publish_many("a", [1, payload])
    assert db.topics.list() == []


@pytest.mark.parametrize("name", ["", "a*", "*", "a\x00", "\ud800", 1, None])
def test_a_name_that_is_none_is_refused(db: Database, name: Any) -> None:
    for call in (
        lambda: db.topics.publish(name, 1),
        lambda: db.topics.publish_many(name, [1]),
        lambda: db.topics.create(name),
        lambda: db.topics.get(name),
        lambda: db.topics.update(name),
        lambda: db.topics.drop(name),
        lambda: db.topics.trim(name) if name is not None else db.topics.get(name),
    ):
        with pytest.raises(InvalidValue, match="topic must"):
            call()


def test_payloads_and_headers_that_are_none_are_refused(db: Database) -> None:
    for several in ("ab", b"ab", {"a": 1}, 1):
        with pytest.raises(InvalidValue, match="payloads must be a sequence"):
            db.topics.publish_many("a", several)  # type: ignore[arg-type]
    for headers in ({1: 2}, {"a": float("inf")}, "a"):
        with pytest.raises(InvalidValue, match="headers must"):
            db.topics.publish("a", 1, headers=headers)  # type: ignore[arg-type]


def test_an_undone_publish_leaves_nothing(db: Database) -> None:
    db.begin()
    db.tokens.create("cat")
    assert db.topics.publish("a", 1) == 1
    db.rollback()
    assert (db.topics.list(), payloads(db), db.topics.publish("a", 2)) == ([], [], 1)


def test_ids_are_never_used_again(db: Database) -> None:
    db.topics.publish_many("a", [1, 2, 3])
    db.execute("delete from topic_entry")
    assert db.topics.publish("a", 4) == 4
    assert db.topics.drop("a") == 1
    assert db.topics.publish("b", 5) == 5


def test_ids_noted_ahead_are_used_without_gaps(db: Database) -> None:
    ids = [db.topics.publish("a", n) for n in range(3 * noting.AFTER)]
    assert ids == [*range(1, len(ids) + 1)]
    (noted,) = db.execute("select seq from sqlite_sequence where name = 'topic_entry'").fetchone() or ()
    assert noted > ids[-1]
    db.execute("insert into topic_log (topic, payload) values ('a', '1')")
    newest = db.topics.read(after=ids[-1])[0].id
    assert newest == noted + 1
    assert db.topics.publish("a", 1) == newest + 1


def test_reading_pages_by_pattern(db: Database) -> None:
    for n, topic in enumerate(["a.b", "a", "b", "a.c", "A.b", "a_b", "a.b"], 1):
        db.topics.publish(topic, n)
    assert payloads(db, "a.*") == [1, 4, 7]
    assert payloads(db, "a*") == [1, 2, 4, 6, 7]
    assert payloads(db, "a.b") == [1, 7]
    assert payloads(db, "a.*", after=1, limit=1) == [4]
    assert payloads(db, after=db.topics.read(limit=1)[0], limit=2) == [2, 3]
    assert (payloads(db, limit=0), payloads(db, "none"), payloads(db, "none.*")) == ([], [], [])


@pytest.mark.parametrize(
    "options", [{"pattern": "a*b"}, {"pattern": ""}, {"after": -1}, {"limit": -1}, {"where": {"$x": 1}}, {"after": "1"}]
)
def test_reading_what_is_none_is_refused(db: Database, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        db.topics.read(**options)


def test_a_long_log_is_read_in_windows(db: Database) -> None:
    db.topics.publish_many("a", [{"n": n} for n in range(9000)])
    db.topics.publish_many("b", [{"n": n} for n in range(10)])
    assert payloads(db, "b*", limit=2) == [{"n": 0}, {"n": 1}]
    assert payloads(db, where={"n": {"$gt": 8997}}) == [{"n": 8998}, {"n": 8999}]
    assert payloads(db, "a", where={"n": 8999}) == [{"n": 8999}]


def test_a_topic_can_be_created_changed_listed_dropped(db: Database) -> None:
    made = db.topics.create("a", keep_entries=3, keep_ms=1000)
    assert (made.name, made.keep_entries, made.keep_ms, made.keep_bytes, made.trimmed_id) == ("a", 3, 1000, None, 0)
    assert db.topics.update("a", keep_ms=None, keep_bytes=5).keep_bytes == 5
    assert db.topics.update("a") == db.topics.get("a") == db.topics.list()[0]
    with pytest.raises(Conflict, match="which exists"):
        db.topics.create("a")
    db.topics.publish("a", 1)
    assert db.topics.drop("a") == 1
    for call in (db.topics.get, db.topics.update, db.topics.drop, db.topics.trim):
        with pytest.raises(TopicNotFound, match="no topic has the name 'a'"):
            call("a")
    with pytest.raises(TopicNotFound, match="no topic has the name 'a'"):
        db.topics.update("a", keep_ms=1)
    db.topics.create("other")
    with pytest.raises(TopicNotFound, match="the closest are 'other'"):
        db.topics.get("othe")


@pytest.mark.parametrize("settings", [{"keep": 1}, {"keep_ms": 0}, {"keep_entries": 1.5}, {"keep_bytes": "1"}])
def test_settings_that_are_none_are_refused(db: Database, settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        db.topics.create("a", **settings)
    db.topics.create("a")
    with pytest.raises(InvalidValue):
        db.topics.update("a", **settings)


def test_a_topic_is_dropped_in_slices(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurograph.stores.topics.topics.DROPPED_AT_ONCE", 4)
    db.topics.publish_many("a", [*range(9)])
    db.topics.publish("b", 0)
    assert db.topics.drop("a") == 9
    assert payloads(db) == [0]


def test_what_is_old_is_trimmed(db: Database, now: Clock) -> None:
    db.topics.create("a", keep_ms=5000)
    for n in range(4):
        db.topics.publish("a", n)
        now.move(2.5)
    assert db.topics.trim() == 2
    assert payloads(db, "a") == [2, 3]
    assert db.topics.get("a").trimmed_id == 2
    now.move(60)
    assert (db.topics.trim("a"), payloads(db)) == (2, [])


def test_the_newest_are_kept_by_count(db: Database) -> None:
    db.topics.create("a", keep_entries=2)
    db.topics.create("b")
    for n in range(5):
        db.topics.publish("a", n)
        db.topics.publish("b", n)
    assert (db.topics.trim("b"), db.topics.trim()) == (0, 3)
    assert (payloads(db, "a"), payloads(db, "b")) == ([3, 4], [0, 1, 2, 3, 4])


def test_the_newest_are_kept_by_bytes_and_the_last_in_any_case(db: Database) -> None:
    db.topics.create("a", keep_bytes=10)
    for text in (b"12345", b"123456", b"1234"):
        db.topics.publish("a", text)
    assert (db.topics.trim(), payloads(db)) == (1, [b"123456", b"1234"])
    db.topics.publish("a", b"x" * 11)
    assert (db.topics.trim(), payloads(db)) == (2, [b"x" * 11])
    db.topics.publish("a", 1, headers={"a": "12345"})
    assert (db.topics.trim(), payloads(db)) == (1, [1])


def test_limits_that_come_later_count_what_is_there(db: Database) -> None:
    db.topics.publish_many("a", [*range(6)])
    db.topics.update("a", keep_entries=4)
    assert (db.topics.trim(), payloads(db)) == (2, [2, 3, 4, 5])
    db.topics.update("a", keep_entries=None)
    db.topics.publish_many("a", [6, 7])
    assert db.execute("select entries, bytes from topic").fetchall() == [(0, 0)]
    db.topics.update("a", keep_bytes=3)
    assert (db.topics.trim(), payloads(db)) == (3, [5, 6, 7])


def test_publishing_trims_now_and_then(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "TRIM_EVERY", 4)
    db.topics.create("a", keep_entries=2)
    counts = []
    for n in range(12):
        db.topics.publish("a", n)
        counts.append(len(payloads(db)))
    assert counts == [1, 2, 3, 4, 5, 2, 3, 4, 5, 6, 2, 3]


def test_a_publish_that_is_done_is_not_denied_by_what_follows(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> None:
        raise TransactionBusy("another process writes")

    monkeypatch.setattr(publishing.Publishing, "_trim_slice", busy)
    monkeypatch.setattr(noting.NotedIds, "_note", busy)
    monkeypatch.setattr(noting, "AFTER", 2)
    monkeypatch.setattr(publishing, "TRIM_EVERY", 1)
    db.topics.create("a", keep_entries=1)
    assert [db.topics.publish("a", n) for n in range(5)] == [1, 2, 3, 4, 5]
    assert payloads(db) == [0, 1, 2, 3, 4]


def test_more_than_a_slice_is_trimmed(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trimming, "SLICE", 3)
    db.topics.publish_many("a", [*range(10)])
    db.topics.update("a", keep_entries=1)
    assert (db.topics.trim(), payloads(db)) == (9, [9])


def test_large_entries_are_trimmed_to_the_last_over_slices(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trimming, "SLICE", 3)
    db.topics.publish_many("a", [b"123456"] * 4)
    db.topics.update("a", keep_bytes=1)
    assert (db.topics.trim(), len(payloads(db))) == (3, 1)


def test_optimize_trims(db: Database, now: Clock) -> None:
    db.topics.create("a", keep_ms=1000)
    db.topics.publish("a", 1)
    now.move(2)
    db.optimize()
    assert payloads(db) == []


def test_a_reader_may_read_and_not_publish(tmp_path: Any) -> None:
    with neurograph.open(tmp_path / "a.ngdb", synchronous="off") as db:
        db.topics.publish("a", 1)
        with db.reader() as reader:
            assert [entry.payload for entry in reader.topics.read()] == [1]
            with pytest.raises(ReadOnlyDatabase):
                reader.topics.publish("a", 2)


def test_an_entry_is_a_record(db: Database) -> None:
    db.topics.publish("a", {"text": "x" * 50})
    db.topics.publish("a", b"12")
    entry, other = db.topics.read()
    assert pickle.loads(pickle.dumps(entry)) == entry != other
    assert hash(entry) == hash(db.topics.read()[0])
    assert repr(entry) == f"<Entry 1 'a' {entry._row[4][:39]}…>"
    assert repr(other) == "<Entry 2 'a' 2 bytes>"
    for call in (lambda: setattr(entry, "id", 2), lambda: delattr(entry, "id")):
        with pytest.raises(AttributeError, match="is a record"):
            call()
    assert "<th>topic</th><td>a</td>" in entry._repr_html_()
    assert isinstance(entry, Entry)
