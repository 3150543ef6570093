"""Storage in a stock SQLite: another process, no extension, nothing of ours.

Whatever it writes, versions grow, counters are right and quotas hold; what is illegal is refused.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

import neurograph
from neurograph.errors import InvalidValue
from processes import python
from stock import STOCK

NEXT_CENTURY = 5_000_000_000 * 10**9


@pytest.fixture
def path(tmp_path: Path, empty_file: bytes) -> Path:
    file = tmp_path / "mind.ngdb"
    file.write_bytes(empty_file)
    return file


def literal(value: object) -> str:
    return "null" if value is None else str(value) if isinstance(value, int) else f"'{value}'"


class Model:
    """Two namespaces of three keys as dicts, and the statements that change both."""

    def __init__(self, seed: int, recursive: bool) -> None:
        self.recursive = recursive
        self.rows: dict[tuple[str, str], tuple[str, int | None]] = {}
        self.quota: dict[str, int | None] = {}
        self.random = random.Random(seed)

    def taken(self, namespace: str) -> int:
        return sum(len(value) for place, (value, _) in self.rows.items() if place[0] == namespace)

    def put(self, place: tuple[str, str], row: tuple[str, int | None], deletes: bool = False) -> bool:
        """Store a row unless the quota forbids it; `deletes` where what it replaces is deleted first."""
        before, old = self.taken(place[0]), self.rows.get(place)
        before -= len(old[0]) if old and deletes else 0
        self.rows[place] = row
        after, quota = self.taken(place[0]), self.quota.get(place[0])
        if quota is None or after <= quota or after <= before:
            return True
        if old is None:
            del self.rows[place]
        else:
            self.rows[place] = old
        return False

    def statement(self) -> tuple[str, bool]:
        """Return the next statement, and whether it is accepted; it is done here already."""
        pick = self.random.choice
        place = pick("ab"), pick("xyz")
        row = (pick(["1", "22", "[1,2,3]", '"0123456789"']), pick([None, NEXT_CENTURY, NEXT_CENTURY + 1]))
        words = f"'{place[0]}', '{place[1]}', '{row[0]}', {literal(row[1])}"
        columns = "storage (namespace, key, value, expires_ns)"
        where = f"where namespace = '{place[0]}' and key = '{place[1]}'"
        kind = pick(["insert", "replace", "ignore", "upsert", "update", "version", "delete", "quota", "quotas", "move"])
        there = place in self.rows
        if kind == "insert":
            return f"insert into {columns} values ({words})", not there and self.put(place, row)
        if kind == "ignore":
            return f"insert or ignore into {columns} values ({words})", there or self.put(place, row)
        if kind == "replace":
            return f"insert or replace into {columns} values ({words})", self.put(place, row, self.recursive)
        if kind == "upsert":
            sql = f"insert into {columns} values ({words}) on conflict do update set value = excluded.value"
            return sql, self.put(place, (row[0], self.rows[place][1]) if there else row)
        if kind == "update":
            sql = f"update storage set value = '{row[0]}', expires_ns = {literal(row[1])} {where}"
            return sql, not there or self.put(place, row)
        if kind == "version":
            return f"update or replace storage set version = {self.random.randrange(50)} {where}", True
        if kind == "move":
            return f"update or replace storage set key = 'w' {where}", not there
        if kind == "delete":
            self.rows.pop(place, None)
            return f"delete from storage {where}", True
        quota = pick([None, 5, 15, 30])
        if kind == "quotas":
            if not any(namespace == place[0] for namespace, _ in self.rows):
                self.quota.pop(place[0], None)
                return f"delete from storage_namespace where namespace = '{place[0]}'", True
            return f"delete from storage_namespace where namespace = '{place[0]}'", False
        self.quota[place[0]] = quota
        sql = f"insert into storage_namespace (namespace, quota_bytes) values ('{place[0]}', {literal(quota)})"
        return f"{sql} on conflict (namespace) do update set quota_bytes = excluded.quota_bytes", True


@pytest.mark.parametrize("stock", STOCK)
@pytest.mark.parametrize("recursive", ["off", "on"])
def test_random_statements_equal_the_model(path: Path, stock: Any, recursive: str) -> None:
    model = Model(7, recursive == "on")
    steps = [model.statement() for _ in range(1500)]
    setting = [f"pragma recursive_triggers = {recursive}", "begin"]
    said = stock.write(path, [*setting, *(sql for sql, _ in steps), "commit"])[2:-1]
    wrong = [(sql, text) for (sql, accepted), text in zip(steps, said, strict=True) if accepted != (text == "")]
    assert wrong == []
    with neurograph.open(path) as db:
        assert db.check() == []
        rows = db.execute("select namespace, key, value, expires_ns from storage").fetchall()
        assert {row[:2]: row[2:] for row in rows} == model.rows
        quotas = {found.name: found.quota_bytes for found in db.storage.namespaces()}
        assert {name: quota for name, quota in quotas.items() if quota is not None} == {
            name: quota for name, quota in model.quota.items() if quota is not None
        }
        assert db.storage.version > 500


REFUSED = {
    "insert into storage (namespace, key, value) values ('', 'k', '1')": "text_of_namespace",
    "insert into storage (namespace, key, value) values ('n', '', '1')": "text_of_key",
    "insert into storage (namespace, key, value) values ('n', 'a' || char(0), '1')": "text_of_key",
    "insert into storage (namespace, key, value) values ('n', 'k', 'NaN')": "json_of_value",
    "insert into storage (namespace, key, value) values ('n', 'k', '{1: 2}')": "json_of_value",
    "update storage set value = 'x' where key = 'a'": "json_of_value",
    "update storage set key = 'b' where key = 'a'": "ng:storage.key: namespace and key can't be changed",
    "update storage set namespace = 'b' where key = 'a'": "ng:storage.key: namespace and key can't be changed",
    "update or replace storage set rowid = 2 where key = 'a'": "ng:storage.key: namespace and key can't be changed",
    "insert or replace into storage (rowid, namespace, key, value) values (1, 'n', 'd', '1')": "a row must not dis",
    "insert or ignore into storage (oid, namespace, key, value) values (-1, 'n', 'd', '1')": "rowid must be above 0",
    "update storage set expires_ns = 'soon' where key = 'a'": "cannot store TEXT value in INTEGER column",
    "insert into storage_namespace (namespace, quota_bytes) values ('n', -1)": "CHECK constraint failed",
    "insert into storage_namespace (namespace) values ('')": "CHECK constraint failed",
    "update storage_namespace set namespace = 'm'": "ng:storage_namespace.namespace: the name of a namespace can't be",
    "delete from storage_namespace": "ng:storage_namespace.namespace: a namespace with keys must stay",
    "insert into storage_change values (1, 'n', 'k', 0)": "ng:storage_change.version: version must be the next number",
    "insert or replace into storage_change values (2, 'n', 'k', 0)": "version must be the next number",
    "insert into storage_change values (99, 'n', 'k', 0)": "ng:storage_change.version: version must be the next number",
    "update storage_change set deleted = 1": "ng:storage_change.version: what changed can't be rewritten",
    "delete from storage_change": "ng:storage_change.version: the newest change must stay",
}


@pytest.mark.parametrize("stock", STOCK)
def test_what_can_never_be_is_refused(path: Path, stock: Any) -> None:
    with neurograph.open(path) as db:
        db.storage.set_many("n", {"a": 1, "c": 2})
    for (sql, reason), text in zip(REFUSED.items(), stock.write(path, list(REFUSED)), strict=True):
        assert reason in text, sql
    with neurograph.open(path) as db:
        assert (db.check(), db.storage.version) == ([], 2)


@pytest.mark.parametrize("stock", STOCK)
def test_the_view_shows_what_has_not_expired(path: Path, stock: Any) -> None:
    values = "('n', 'old', '1', 1), ('n', 'new', '2', null), ('n', 'soon', '3', 5000000000000000000)"
    assert stock.write(path, [f"insert into storage (namespace, key, value, expires_ns) values {values}"]) == [""]
    found = stock.rows(path, "select key, value, version from stored order by key")
    with neurograph.open(path) as db:
        assert found == [[(item.key, str(item.value), item.version) for item in db.storage.list("n")]]
        assert db.storage.keys("n") == ["new", "soon"]


@pytest.mark.parametrize("stock", STOCK)
def test_what_it_writes_is_watched(path: Path, stock: Any) -> None:
    with neurograph.open(path) as db:
        changes = db.storage.watch("n", timeout_s=0)
        stock.write(
            path, ["insert into storage (namespace, key, value) values ('n', 'a', '[1]')", "delete from storage"]
        )
        assert [(change.key, change.deleted) for change in changes] == [("a", False), ("a", True)]


@pytest.mark.parametrize("stock", STOCK)
def test_a_dump_keeps_everything(path: Path, stock: Any, tmp_path: Path) -> None:
    with neurograph.open(path) as db:
        db.storage.set_many("n", {"a": [1], "b": None}, ttl_s=1e6)
        db.storage.delete("n", "b")
        db.storage.quota("n", 100)
        before = db.storage.list("n"), db.storage.namespaces(), db.storage.changes()
    stock.copy(path, tmp_path / "copy.ngdb")
    with neurograph.open(tmp_path / "copy.ngdb") as db:
        assert (db.storage.list("n"), db.storage.namespaces(), db.storage.changes()) == before
        assert db.check() == []
        assert db.storage.set("n", "a", 1) == before[2][-1].version + 1


def test_a_text_that_is_no_utf8_is_named(path: Path) -> None:
    with neurograph.open(path) as db:
        db.storage.set("n", "a", 1)
    python(
        """
        import sqlite3, sys
        connection = sqlite3.connect(sys.argv[1])
        connection.execute("update storage set value = cast(x'22ff22' as text)")
        connection.commit()
        """,
        path,
    )
    with neurograph.open(path) as db:
        with pytest.raises(InvalidValue, match="must be UTF-8"):
            db.storage.get("n", "a")
        assert [violation.invariant for violation in db.check()] == ["storage.text"]
