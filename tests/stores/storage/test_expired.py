"""What has expired is there for no read; it goes with the next value that expires, and all is counted."""

from __future__ import annotations

import pytest

import neurograph
from hand_clock import Clock
from neurograph import StorageItem
from neurograph.errors import InvalidValue, NotFound, VersionConflict
from neurograph.stores.storage import clock

PAST, NEXT_CENTURY = 1, 5_000_000_000 * 10**9
START_NS = 4_000_000_000 * 10**9  # in 2096: SQL's own clock finds nothing expired


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(START_NS).patch(monkeypatch, clock)


# --- by a clock of ours -----------------------------------------------------------------------------------------------


def test_what_has_expired_is_there_for_no_read(db, now):
    s = db.storage
    s.set("ns", "stays", 0)
    version = s.set("ns", "goes", 5, ttl_s=10)
    assert s.item("ns", "goes") == StorageItem("ns", "goes", 5, version, START_NS + 10 * 10**9)
    now.move(9.999999999)
    assert s.get("ns", "goes") == 5
    now.move(0.000000001)
    assert s.get("ns", "goes", "gone") == "gone"
    assert s.keys("ns") == [item.key for item in s.list("ns")] == ["stays"]
    assert s.get_many("ns", ["goes", "stays"]) == {"stays": 0}
    assert [(found.keys, found.bytes) for found in s.namespaces()] == [(1, 1)]
    with pytest.raises(NotFound, match="'goes' in 'ns'"):
        s.item("ns", "goes")
    with pytest.raises(VersionConflict):
        s.set("ns", "goes", 6, if_version=version)
    with pytest.raises(VersionConflict):
        s.delete("ns", "goes", if_version=version)
    assert s.delete("ns", "goes") is False
    assert db.execute("select count(*) from storage").fetchone() == (1,)


def test_a_key_that_expired_is_as_one_that_never_was(db, now):
    s = db.storage
    for key in ("a", "b", "c"):
        s.set("ns", key, 5, ttl_s=1)
    now.move(1)
    assert s.set("ns", "a", 6, if_version=0) > 3
    assert s.increment("ns", "b", initial=100) == 101
    s.set("ns", "c", 7)
    assert s.get_many("ns", ["a", "b", "c"]) == {"a": 6, "b": 101, "c": 7}
    assert {item.expires_ns for item in s.list("ns")} == {None}


def test_setting_anew_forgets_the_expiry_and_incrementing_keeps_it(db, now):
    s = db.storage
    s.set("ns", "n", 1, ttl_s=10)
    now.move(4)
    s.increment("ns", "n", ttl_s=100)
    assert s.item("ns", "n").expires_ns == START_NS + 10 * 10**9
    s.increment("ns", "n", 2**70)
    assert s.item("ns", "n").expires_ns == START_NS + 10 * 10**9
    s.increment("ns", "new", ttl_s=100)
    assert s.item("ns", "new").expires_ns == START_NS + 104 * 10**9
    s.set("ns", "n", 1)
    assert s.item("ns", "n").expires_ns is None


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf"), 1e10, "1", True, [1]])
def test_a_life_is_a_number_above_0(db, wrong):
    for call in (
        lambda: db.storage.set("ns", "key", 1, ttl_s=wrong),
        lambda: db.storage.increment("ns", "key", ttl_s=wrong),
        lambda: db.storage.set_many("ns", {"key": 1}, ttl_s=wrong),
    ):
        with pytest.raises(InvalidValue, match="ttl_s must be"):
            call()


def test_expired_values_go_bit_by_bit_when_others_are_stored(db):
    old = "select count(*) from storage where namespace = 'old'"
    for n in range(12):
        db.storage.set("old", str(n), n)
    db.execute("update storage set expires_ns = 1 where namespace = 'old' and key in ('1', '2')")
    assert db.execute(old).fetchone() == (11,)  # the second took the first along
    db.storage.set("ns", "a", 1)
    assert db.execute(old).fetchone() == (11,)
    db.storage.set("ns", "a", 1, ttl_s=100)
    assert db.execute(old).fetchone() == (10,)


def test_purge_deletes_what_has_expired(db, now):
    for n in range(5):
        db.storage.set("ns", str(n), n, ttl_s=1 + n)
    now.move(3)
    assert db.storage.purge() == 3
    assert db.execute("select key from storage order by key").fetchall() == [("3",), ("4",)]
    assert db.storage.purge() == 0


# --- by the file's ----------------------------------------------------------------------------------------------------


def expired(db: neurograph.Database, namespace: str, count: int) -> None:
    """Store values that have expired, and which nobody has taken along."""
    db.storage.set_many(namespace, {f"old{number}": 1 for number in range(count)})
    ((taking,),) = db.execute("select sql from sqlite_schema where name = 'storage_update_expired'").fetchall()
    db.execute("drop trigger storage_update_expired")
    db.execute("update storage set expires_ns = ?2 where namespace = ?1 and key like 'old%'", [namespace, PAST])
    db.execute(taking)


def rows_and_counted(db: neurograph.Database, namespace: str) -> tuple[int, int]:
    """Return how many rows a namespace has, and how many are counted."""
    sql = """
        select (select count(*) from storage where namespace = ?1),
               (select sum(keys) from storage_namespace where namespace = ?1)"""
    ((rows, counted),) = db.execute(sql, [namespace]).fetchall()
    return rows, counted


@pytest.mark.parametrize("count", [1, 2, 8, 9, 20])
@pytest.mark.parametrize("how", ["set", "set_many", "increment", "if_version", "insert", "replace"])
def test_a_namespace_whose_keys_have_all_expired_takes_new_ones(db, count, how):
    expired(db, "codes", count)
    if how == "set":
        db.storage.set("codes", "new", 1, ttl_s=1000)
    elif how == "set_many":
        db.storage.set_many("codes", {"new": 1, "newer": 2}, ttl_s=1000)
    elif how == "increment":
        db.storage.increment("codes", "new", ttl_s=1000)
    elif how == "if_version":
        db.storage.set("codes", "new", 1, ttl_s=1000, if_version=0)
    else:
        word = "or replace" if how == "replace" else ""
        sql = f"insert {word} into storage (namespace, key, value, expires_ns) values ('codes', 'new', '1', ?)"
        db.execute(sql, [NEXT_CENTURY])
    assert db.storage.get("codes", "new") == 1
    assert [found.keys for found in db.storage.namespaces()] == [2 if how == "set_many" else 1]
    new = 2 if how == "set_many" else 1
    assert rows_and_counted(db, "codes") == (max(count - 8 * new, 0) + new,) * 2


@pytest.mark.parametrize("recursive", [0, 1])
def test_a_row_that_displaces_another_is_counted_once_where_others_go(db, recursive):
    db.execute(f"pragma recursive_triggers = {recursive}")
    db.storage.set_many("codes", {"a": 1, "b": 2}, ttl_s=1000)
    db.storage.quota("codes", 1000)
    for count in (1, 8, 20):
        expired(db, "codes", count)
        sql = "insert or replace into storage (namespace, key, value, expires_ns) values ('codes', 'a', '[1,2]', ?)"
        db.execute(sql, [NEXT_CENTURY])
        rows, counted = rows_and_counted(db, "codes")
        assert rows == counted
        db.storage.purge()
        assert [(found.keys, found.bytes) for found in db.storage.namespaces()] == [(2, 6)]
    db.execute("pragma recursive_triggers = 1")


def test_what_does_not_expire_takes_nothing_along(db):
    expired(db, "codes", 3)
    db.storage.set("codes", "new", 1)
    assert rows_and_counted(db, "codes") == (4, 4)
    db.storage.set("other", "new", 1, ttl_s=1000)
    assert rows_and_counted(db, "codes") == (1, 1)
    assert db.storage.purge() == 0
