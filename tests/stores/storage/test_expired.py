"""What has expired goes along with the next value that expires, by the clock of the file, and all is counted."""

from __future__ import annotations

import pytest

import neurograph

PAST, NEXT_CENTURY = 1, 5_000_000_000 * 10**9


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
