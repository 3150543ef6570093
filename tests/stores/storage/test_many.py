"""Storage, many values at once: pages, prefixes, several by name, namespaces and what they may take."""

from __future__ import annotations

import pytest

from neurograph import StorageNamespace
from neurograph.errors import InvalidValue, ReadOnlyDatabase, RuleViolated, StorageQuotaExceeded
from neurograph.stores.storage import clock
from neurograph.stores.storage.texts import after_prefix

KEYS = ["", "a", "a:", "a:1", "a:10", "a:2", "aé", "b", "\ud7ff", "\ue000", "雨", "\U0010ffff", "\U0010ffff\U0010ffff"][
    1:
]


@pytest.mark.parametrize("prefix", ["", "a", "a:", "a:1", "b", "c", "\ud7ff", "雨", "\U0010ffff", "a\U0010ffff"])
def test_a_page_is_what_python_finds_and_sorts(db, prefix):
    db.storage.set_many("ns", {key: n for n, key in enumerate(KEYS)})
    db.storage.set("other", "a", 1)
    wanted = sorted(key for key in KEYS if key.startswith(prefix))
    assert db.storage.keys("ns", prefix) == wanted
    assert [item.value for item in db.storage.list("ns", prefix)] == [KEYS.index(key) for key in wanted]
    found, after = [], None
    while page := db.storage.list("ns", prefix, after=after, limit=2):
        assert len(page) <= 2
        after = page[-1].key
        found += [item.key for item in page]
    assert found == wanted


def test_the_end_of_a_prefix_is_the_least_text_above_it():
    assert [after_prefix(text) for text in ("a", "ab", "a\U0010ffff", "\U0010ffff", "\ud7ff")] == [
        "b", "ac", "b", None, "\ue000",
    ]  # fmt: skip


def test_a_list_ends_at_100_unless_more_are_asked_for(db):
    db.storage.set_many("ns", {f"{n:03}": n for n in range(150)})
    assert len(db.storage.list("ns")) == 100
    assert len(db.storage.list("ns", limit=None)) == len(db.storage.keys("ns")) == 150
    assert db.storage.list("ns", limit=0) == []
    for wrong in (-1, 1.5, "1", True):
        with pytest.raises(InvalidValue, match="limit"):
            db.storage.list("ns", limit=wrong)


def test_several_are_read_in_the_order_asked_for(db):
    db.storage.set_many("ns", {"a": 1, "b": None, "c": 3})
    assert list(db.storage.get_many("ns", iter(["c", "x", "b", "c"])).items()) == [("c", 3), ("b", None)]
    assert db.storage.get_many("ns", []) == {}
    for wrong in ("abc", b"abc", 5, None):
        with pytest.raises(InvalidValue, match="keys must be several names"):
            db.storage.get_many("ns", wrong)


def test_several_are_stored_all_or_none(db):
    assert db.storage.set_many("ns", {"a": 1, "b": 2}) == 2
    with pytest.raises(InvalidValue):
        db.storage.set_many("ns", {"a": 5, "c": float("nan")})
    db.storage.quota("ns", 5)
    with pytest.raises(StorageQuotaExceeded):
        db.storage.set_many("ns", {"a": 5, "c": 1, "d": "12345"})
    assert db.storage.get_many("ns", ["a", "b", "c", "d"]) == {"a": 1, "b": 2}
    assert db.storage.set_many("ns", {}) == 0
    for wrong in ([("a", 1)], None, "ab"):
        with pytest.raises(InvalidValue, match="values must map keys to values"):
            db.storage.set_many("ns", wrong)


def test_several_are_deleted_and_counted(db, monkeypatch):
    db.storage.set_many("ns", {"a": 1, "b": 2, "c": 3})
    db.storage.set("ns", "old", 1, ttl_s=60)
    later = clock.now_ns() + 61 * 10**9
    monkeypatch.setattr(clock, "now_ns", lambda: later)
    assert db.storage.delete_many("ns", ["a", "x", "a", "old"]) == 1
    assert db.storage.delete_many("ns", []) == 0
    assert db.storage.keys("ns") == ["b", "c"]


def test_clearing_counts_what_was_there_and_spares_the_others(db, monkeypatch):
    db.storage.set_many("ns", {"a": 1, "b": 2})
    db.storage.set("ns", "old", 1, ttl_s=60)
    db.storage.set("other", "a", 1)
    later = clock.now_ns() + 61 * 10**9
    monkeypatch.setattr(clock, "now_ns", lambda: later)
    assert db.storage.clear("ns") == 2
    assert db.storage.clear("ns") == 0
    assert [found.name for found in db.storage.namespaces()] == ["other"]
    assert db.execute("select namespace from storage_namespace").fetchall() == [("other",)]


def test_bytes_are_those_of_compact_json_in_utf8(db):
    db.storage.set("ns", "a", {"é": [1, 2]})
    db.storage.set("ns", "b", "雨")
    assert db.storage.namespaces() == [StorageNamespace("ns", 2, len('{"é":[1,2]}'.encode()) + 5, None)]


def test_a_quota_counts_bytes_to_the_last(db):
    db.storage.quota("ns", 6)
    db.storage.set("ns", "a", "雨a")
    with pytest.raises(StorageQuotaExceeded) as refused:
        db.storage.set("ns", "a", "雨ab")
    assert isinstance(refused.value, RuleViolated)
    assert refused.value.rule == "storage_namespace.quota_bytes"
    assert db.storage.get("ns", "a") == "雨a"


def test_sql_is_told_what_to_do_about_a_quota(db):
    db.storage.quota("ns", 6)
    with pytest.raises(RuleViolated, match=r"must fit its quota \(delete some, or raise it with db.storage.quota\)"):
        db.execute("insert into storage (namespace, key, value) values ('ns', 'a', '1234567')")


def test_what_takes_too_much_already_may_shrink(db):
    db.storage.set_many("ns", {"a": "1" * 98, "b": 1})
    db.storage.quota("ns", 10)
    db.storage.set("ns", "a", "1" * 48)
    with pytest.raises(StorageQuotaExceeded):
        db.storage.set("ns", "b", 12)
    db.storage.set("ns", "b", 2)
    db.storage.delete("ns", "a")
    db.storage.set("ns", "b", 12)
    db.storage.quota("ns", None)
    db.storage.set("ns", "a", "1" * 98)
    assert db.storage.namespaces() == [StorageNamespace("ns", 2, 102, None)]


def test_what_has_expired_makes_room_before_a_quota_refuses(db):
    db.storage.quota("ns", 10)
    db.execute("insert into storage (namespace, key, value, expires_ns) values ('ns', 'old', '12345678', 1)")
    db.storage.set("ns", "a", 1)
    db.storage.set("ns", "b", "12345")
    assert db.execute("select key from storage order by key").fetchall() == [("a",), ("b",)]


def test_a_quota_is_there_before_and_after_its_keys(db):
    db.storage.quota("ns", 100)
    assert db.storage.namespaces() == [StorageNamespace("ns", 0, 0, 100)]
    db.storage.set("ns", "a", 1)
    db.storage.clear("ns")
    assert db.storage.namespaces() == [StorageNamespace("ns", 0, 0, 100)]
    db.storage.quota("ns", None)
    db.storage.quota("none", None)
    assert db.storage.namespaces() == []
    for wrong in (-1, 1.5, "1", True):
        with pytest.raises(InvalidValue, match="bytes"):
            db.storage.quota("ns", wrong)


def test_many_are_purged_in_slices(db, monkeypatch):
    monkeypatch.setattr("neurograph.stores.storage.many.PURGED_AT_ONCE", 2)
    db.storage.set_many("ns", {str(n): n for n in range(5)}, ttl_s=60)
    later = clock.now_ns() + 61 * 10**9
    monkeypatch.setattr(clock, "now_ns", lambda: later)
    assert db.storage.purge() == 5
    assert db.execute("select count(*) from storage").fetchone() == (0,)


def test_a_reader_is_told_that_it_only_reads(db):
    with db.reader() as reader:
        for call in (
            lambda: reader.storage.set_many("ns", {"a": 1}),
            lambda: reader.storage.delete("ns", "a"),
            lambda: reader.storage.clear("ns"),
            lambda: reader.storage.quota("ns", 1),
            lambda: reader.storage.purge(),
        ):
            with pytest.raises(ReadOnlyDatabase):
                call()
