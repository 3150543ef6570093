"""Libraries in a SQLite without anything of ours: what it writes the next search of an open handle finds.

It does so with foreign keys and recursive triggers off, as a stock SQLite has them, and on; it is refused what would
leave a vector without its item, or an item without its library, in words that name the rule.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import neurograph
from conftest import KERNELS_OFF
from naive_vectors import nearest
from neurograph.errors import RuleViolated
from stock import STOCK, Module, Shell

KEYS, RECURSIVE = "pragma foreign_keys = on", "pragma recursive_triggers = on"
SETTINGS = {"stock": (), "keys": (KEYS,), "recursive": (RECURSIVE,), "both": (KEYS, RECURSIVE)}
QUERIES = ([1.0, 0.5], [0.0, 0.0], [-3.0, 2.0])
FIRST = (1 << 32) + 1  # the id of the first item of the first library; those of the second begin a 2**32 later
OTHER = (2 << 32) + 1
TABLES = ("library", "item", "embedding", "displaced_item", "token", "mark")


def blob(*numbers: float) -> str:
    """Return a vector as SQL has it."""
    return f"x'{struct.pack(f'<{len(numbers)}f', *numbers).hex()}'"


@pytest.fixture(params=STOCK)
def stock(request: pytest.FixtureRequest) -> Shell | Module:
    return request.param


@pytest.fixture(params=SETTINGS.values(), ids=SETTINGS)
def settings(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return request.param


@pytest.fixture(scope="module")
def two_libraries(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("two") / "mind.ngdb"
    with neurograph.open(path, synchronous="off") as db:
        db.tokens.create_many(["cat", "dog"])
        library = db.library.create("v", dimension=2, metric="l2")
        library.add([[1, 0], [0, 1], [3, 4], [-1, 1]], keys=["a", "b", "c", None], tokens=["cat", None, "dog", "cat"])
        library.add(keys=["bare"])
        db.library.create("w", dimension=1).add([[7]], keys=["a"], tokens=["cat"])
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, two_libraries: bytes) -> Path:
    """Return a file with tokens 1 and 2, and two libraries: of five items, the last without a vector, and of one."""
    path = tmp_path / "mind.ngdb"
    path.write_bytes(two_libraries)
    return path


@pytest.fixture
def handles(path: Path) -> Iterator[list[neurograph.Database]]:
    """Yield the file open with each engine, for as long as the test runs."""
    with ExitStack() as stack:
        engines = ("auto", "sql") if KERNELS_OFF else ("numba", "sql")
        yield [stack.enter_context(neurograph.open(path, engine=engine)) for engine in engines]


def compare(handles: Sequence[neurograph.Database], step: str) -> None:
    """Search in every handle; plain SQL and the naive search must say the same."""
    for db in handles:
        for library in db.library:
            sql = "select item.id, key, hex(vector) from embedding join item using (id) where library_id = ? order by 1"
            rows = db.execute(sql, [library.id]).fetchall()
            given = [struct.unpack(f"<{library.dimension}f", bytes.fromhex(row[2])) for row in rows]
            keys = {row[0]: row[1] for row in rows}
            for query in (query[: library.dimension] for query in QUERIES):
                truth = nearest(library.metric, keys, given, query)
                hits = library.search(query, 100)
                assert [(hit.id, hit.distance) for hit in hits] == truth, step
                assert [hit.key for hit in hits] == [keys[id] for id, _ in truth], step
                sql = "select id, distance from ng_knn(?, ?, 3)"
                packed = struct.pack(f"<{library.dimension}f", *query)
                assert db.execute(sql, [library.name, packed]).fetchall() == truth[:3], step
    assert handles[0].check() == [], step


STEPS: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "inserts through the view": (
        f"""insert into entry (library, key, text, metadata, vector)
            values ('v', 'v1', 'text', '{{"n": 1}}', {blob(1, 1)})""",
        f"""insert into entry (library, key, x, y, z, vector)
            values ('v', 'v2', 1, 2, 3, {blob(1, 0)}), ('w', 'v2', 0, 0, 0, {blob(2)})""",
        "insert into entry (library, token_id) values ('v', 2)",
        f"insert into entry (library, vector) select 'v', {blob(5, 5)} union all select 'v', {blob(6, 6)}",
    ),
    "inserts into the tables": (
        "insert into item (id, library_id, key) select max(id) + 1, 1, 't1' from item where library_id = 1",
        f"insert into embedding select id, {blob(0.5, 0.5)} from item where key = 't1'",
        f"insert into item (id, library_id, token_id) values ({FIRST + 99}, 1, 2), ({FIRST + 4000}, 1, null)",
        f"insert into embedding values ({FIRST + 99}, {blob(0, 2)}), ({FIRST + 4000}, {blob(2, 0)})",
    ),
    "upserts": (
        f"""insert into item (id, library_id, key, text) values ({FIRST + 5000}, 1, 'a', 'new')
                on conflict (library_id, key) where key is not null do update set text = excluded.text""",
        f"insert into item (id, library_id) values ({FIRST}, 1) on conflict (id) do update set key = 'aa'",
        f"insert into embedding values ({FIRST}, {blob(9, 9)}) on conflict do update set vector = excluded.vector",
        f"insert into embedding values ({FIRST}, {blob(8, 8)}) on conflict do nothing",
    ),
    "ignored inserts": (
        f"insert or ignore into item (id, library_id, key) values ({FIRST + 5000}, 1, 'b')",
        f"insert or ignore into item (id, library_id, key) values ({FIRST + 1}, 1, 'never')",
        f"insert or ignore into embedding values ({FIRST + 1}, {blob(8, 8)})",
        f"insert or ignore into entry (library, key, vector) values ('v', 'b', {blob(8, 8)})",
    ),
    "replaces by key": (
        f"insert or replace into item (id, library_id, key) values ({FIRST + 5001}, 1, 'b')",
        f"insert or replace into entry (library, key, vector) values ('v', 'c', {blob(4, 3)})",
        f"update or replace item set key = 'c' where id = {FIRST + 3}",
        f"replace into item (id, library_id, key) values ({OTHER + 7}, 2, 'a')",
    ),
    "replaces by id": (
        f"insert or replace into item (id, library_id, key) values ({FIRST}, 1, 'again')",
        f"replace into item (id, library_id, key, token_id) values ({FIRST + 3}, 1, null, 1)",
    ),
    "replaces by both": (
        f"insert into embedding values ({FIRST}, {blob(1, 0)}), ({FIRST + 3}, {blob(1, 1)})",
        f"insert into embedding values ({FIRST + 4}, {blob(1, 2)})",
        f"insert or replace into item (id, library_id, key) values ({FIRST}, 1, 'bare')",
        f"insert or replace into embedding values ({FIRST + 3}, {blob(-1, -1)}), ({FIRST}, {blob(-1, 0)})",
    ),
    "updates of vectors": (
        f"update embedding set vector = {blob(2, 2)} where id = {FIRST + 3}",
        f"update entry set vector = {blob(-2, -2)} where key = 'c' or key = 't1'",
        f"update entry set vector = {blob(3, -3)} where vector is null and library = 'v'",
        "update entry set vector = null where key = 't1'",
        "update embedding set vector = vector",
        f"update or ignore embedding set vector = {blob(1e-30, 1e30)} where id = {FIRST + 99}",
    ),
    "updates of items": (
        "update item set key = 'called' where key = 'bare'",
        "update entry set key = 'told', text = 'text', metadata = '{}' where key = 't1'",
        "update or ignore item set key = 'c' where key = 'called'",
        "update item set token_id = 2, x = 1, y = 1, z = 1 where token_id is null",
        "update library set name = 'renamed' where name = 'w'",
    ),
    "deletes of tokens": (
        "delete from token where id = 2",
        "insert into token (label) values ('bird')",
        "update item set token_id = 3 where id % 2",
        "insert or replace into token (id, label) values (3, 'stone')",
        "update item set token_id = 1 where id % 3 = 0",
        "insert or replace into token (label) values ('cat')",
    ),
    "deletes": (
        "delete from item where key = 'c'",
        "delete from entry where key = 'called'",
        f"delete from embedding where id = {FIRST + 99}",
        f"delete from item where id > {FIRST + 3000} and library_id = 1",
    ),
    "what is rolled back": ("begin", "delete from library", f"update embedding set vector = {blob(0, 0)}", "rollback"),
    "a savepoint": ("savepoint a", "delete from item where library_id = 1", "rollback to a",
                    f"insert into entry (library, key, vector) values ('v', 'sp', {blob(1, 7)})", "release a"),
    "the library goes": ("delete from library where name = 'renamed'", "vacuum"),
    "one of its name comes": (
        "insert into library (name, dimension, metric) values ('renamed', 1, 'dot')",
        f"insert into entry (library, key, vector) values ('renamed', 'a', {blob(3)}), ('renamed', 'b', {blob(-3)})",
    ),
    "all go": ("delete from library",),
}  # fmt: skip

NAME = "ng:library.name: a library must have an id and a name of its own"
LENGTH = "ng:embedding.vector: vector must have four bytes for each dimension of its library"
ITEM = "ng:item.id: the id of an item can't be changed, nor its library"
REFUSED = {
    "insert into library (name, dimension) values ('v', 3)": NAME,
    "insert or replace into library (name, dimension) values ('v', 3)": NAME,
    "insert or ignore into library (id, name, dimension) values (1, 'q', 3)": NAME,
    "update or replace library set name = 'w' where name = 'v'": NAME,
    "update library set dimension = 3": "ng:library.dimension: the dimension of a library can't be changed",
    "update library set metric = 'dot'": "ng:library.metric: the metric of a library can't be changed",
    "update library set id = 9 where id = 1": "ng:library.id: the id of a library can't be changed",
    "insert into library (name, dimension) values ('q', 0)": "CHECK constraint failed",
    "insert into library (name, dimension) values ('q', 8193)": "CHECK constraint failed",
    "insert into library (name, dimension, metric) values ('q', 1, 'L2')": "CHECK constraint failed",
    "insert into library (name, dimension) values ('', 1)": "CHECK constraint failed",
    "update library set norm_low = 2, norm_high = 1": "CHECK constraint failed: norms",
    "insert into item (id, library_id) values (5, 1)": "CHECK constraint failed: id_begins_with_library",
    f"insert into item (id, library_id) values ({1 << 32}, 1)": "CHECK constraint failed: id_begins_with_library",
    f"insert into item (id, library_id) values ({OTHER + 9}, 1)": "CHECK constraint failed: id_begins_with_library",
    f"insert into item (id, library_id) values ({(9 << 32) + 1}, 9)": "ng:item.library_id: library_id must be the id",
    f"insert or ignore into item (id, library_id) values ({(9 << 32) + 1}, 9)": "ng:item.library_id: ",
    f"insert into item (id, library_id, token_id) values ({FIRST + 9}, 1, 99)": "ng:item.token_id: token_id must be",
    f"insert or replace into item (id, library_id, key, token_id) values ({FIRST + 9}, 1, 'a', 99)": "ng:item.token_id",
    "update item set token_id = 99 where key = 'b'": "ng:item.token_id: ",
    "update or ignore item set token_id = 99": "ng:item.token_id: ",
    "update item set id = id + 100": ITEM,
    f"update or replace item set rowid = {FIRST} where key = 'b'": ITEM,
    f"update item set library_id = 2, id = {OTHER + 9} where key = 'b'": ITEM,
    f"insert into item (id, library_id, key) values ({FIRST + 9}, 1, 'a')": "UNIQUE constraint failed: item.library_id",
    "update item set key = 'a' where key = 'b'": "UNIQUE constraint failed: item.library_id, item.key",
    "update item set key = ''": "CHECK constraint failed",
    "update item set x = 1": "CHECK constraint failed: place",
    "update item set x = 1, y = 2, z = 9e999": "CHECK constraint failed: place",
    "update item set metadata = '[]'": "CHECK constraint failed",
    "update item set metadata = '{'": "CHECK constraint failed",
    f"insert into embedding values ({FIRST + 77}, {blob(1, 2)})": "ng:embedding.id: id must be the id of an item",
    f"insert or replace into embedding values ({FIRST + 77}, {blob(1, 2)})": "ng:embedding.id: ",
    f"insert into embedding values ({FIRST + 4}, {blob(1)})": LENGTH,
    f"insert or ignore into embedding values ({FIRST + 4}, {blob(1, 2, 3)})": LENGTH,
    f"insert or replace into embedding values ({FIRST}, {blob(1, 2, 3)})": LENGTH,
    f"update embedding set vector = {blob(1)} where id = {FIRST}": LENGTH,
    f"insert into embedding values ({FIRST}, {blob(1)}) on conflict do update set vector = excluded.vector": LENGTH,
    f"update embedding set id = {FIRST + 4} where id = {FIRST}": "ng:embedding.id: the id of a vector can't be changed",
    f"update or replace embedding set rowid = {FIRST + 1} where id = {FIRST}": "ng:embedding.id: ",
    "update embedding set vector = null": "NOT NULL constraint failed: embedding.vector",
    "update embedding set vector = x''": "CHECK constraint failed",
    "update embedding set vector = '1, 2'": "cannot store TEXT value in BLOB column",
    "insert into entry (library, key) values ('nobody', 'x')": "ng:entry.library: library must be the name of a",
    "insert into entry (key) values ('x')": "ng:entry.library: ",
    f"insert into entry (id, library) values ({FIRST + 9}, 'v')": "ng:entry.id: id must be left out; the new item",
    f"insert into entry (library, vector) values ('v', {blob(1)})": LENGTH,
    f"insert into entry (library, key, vector) values ('v', 'a', {blob(1, 2)})": "UNIQUE constraint failed: item",
    "update entry set id = id + 100": "ng:entry.id: the id of an item can't be changed, nor its library",
    "update entry set library = 'w' where key = 'b'": "ng:entry.id: ",
    f"update entry set vector = {blob(1, 2, 3)}": LENGTH,
}  # fmt: skip


def test_what_it_writes_the_next_search_finds(
    stock: Shell | Module, settings: tuple[str, ...], path: Path, handles: list[neurograph.Database]
) -> None:
    for step, statements in STEPS.items():
        messages = stock.write(path, [*settings, *statements]) if statements else []
        assert not any(messages), (step, messages)
        compare(handles, step)
    counts = [handles[0].execute(f"select count(*) from {table}").fetchall()[0][0] for table in TABLES[:3]]
    assert counts == [0, 0, 0]


def test_each_step_leaves_what_it_says(stock: Shell | Module, settings: tuple[str, ...], path: Path) -> None:
    def after(*steps: str) -> dict[str | None, tuple[Any, ...]]:
        assert not any(stock.write(path, [*settings, *(sql for step in steps for sql in STEPS[step])]))
        with neurograph.open(path) as db:
            sql = "select key, text, token_id, vector from entry where library = 'v' order by id"
            rows = db.execute(sql).fetchall()
            return {row[0]: (*row[1:3], row[3] and struct.unpack("<2f", row[3])) for row in rows}

    found = after("inserts through the view", "inserts into the tables")
    assert (found["v1"], found["t1"]) == (("text", None, (1.0, 1.0)), (None, None, (0.5, 0.5)))
    found = after("upserts")
    assert "a" not in found
    assert found["aa"] == ("new", 1, (9.0, 9.0))
    found = after("ignored inserts")
    assert found["b"] == (None, None, (0.0, 1.0))
    assert "never" not in found
    found = after("replaces by key")
    assert (found["b"], found["c"]) == ((None, None, None), (None, 1, (-1.0, 1.0)))
    found = after("replaces by id")
    assert (found["again"], "c" in found, found[None]) == ((None, None, None), False, (None, None, (2.0, 0.0)))
    found = after("deletes of tokens")
    assert {row[1] for row in found.values()} == {None}


@pytest.mark.parametrize("keys", [(), (KEYS, RECURSIVE)], ids=["stock", "both"])
def test_it_is_refused_what_everyone_is_refused(stock: Shell | Module, path: Path, keys: tuple[str, ...]) -> None:
    def everything() -> list[Any]:
        with neurograph.open(path) as db:
            assert db.check() == []
            return [db.execute(f"select * from {table}").fetchall() for table in TABLES]

    before = everything()
    messages = stock.write(path, [*keys, *REFUSED])[len(keys) :]
    for (sql, rule), message in zip(REFUSED.items(), messages, strict=True):
        assert rule in message, (sql, message)
    assert everything() == before


def test_the_engine_refuses_in_the_same_words(path: Path) -> None:
    with neurograph.open(path) as db:
        for sql, rule in REFUSED.items():
            if rule.startswith("ng:"):
                name, _, text = rule.removeprefix("ng:").partition(": ")
                with pytest.raises(RuleViolated) as caught:
                    db.execute(sql)
                assert caught.value.rule == name
                assert str(caught.value).startswith(text)


def test_vectors_it_can_not_see_the_wrong_in_are_never_found_and_named_by_check(
    stock: Shell | Module, path: Path
) -> None:
    nan = "x'0000c07f0000803f'"
    with neurograph.open(path) as db:
        assert not any(stock.write(path, [f"insert into entry (library, key, vector) values ('v', 'nan', {nan})"]))
        assert "nan" not in [hit.key for hit in db.library.get("v").search([1, 0], 100)]
        assert [violation.invariant for violation in db.check()] == ["embedding.finite"]
        db.library.get("v").delete("nan")
        assert db.check() == []


def test_it_reads_the_vectors_as_float32(stock: Shell | Module, path: Path) -> None:
    (rows,) = stock.rows(path, "select key, hex(vector) as v from entry where library = 'v' and key is not null")
    read = {key: text and struct.unpack("<2f", bytes.fromhex(text)) for key, text in rows}
    assert {key: value or None for key, value in read.items()} == {
        "a": (1.0, 0.0), "b": (0.0, 1.0), "c": (3.0, 4.0), "bare": None,
    }  # fmt: skip


def test_an_ignored_insert_through_the_view_gives_nobody_a_vector(
    stock: Shell | Module, settings: tuple[str, ...], path: Path
) -> None:
    statements = [
        f"insert or ignore into entry (library, key, vector) values ('v', 'bare', {blob(1, 2)})",
        f"""insert or ignore into entry (library, key, vector)
            values ('v', 'a', {blob(5, 6)}), ('v', null, {blob(7, 8)})""",
    ]
    assert not any(stock.write(path, [*settings, *statements]))
    with neurograph.open(path) as db:
        library = db.library.get("v")
        assert [item.id - FIRST for item in library] == [0, 1, 2, 3, 4, 5]
        assert "bare" not in [hit.key for hit in library.search([1, 2])]
        assert library.vector("a").tolist() == [1.0, 0.0]
        assert library.vector(FIRST + 5).tolist() == [7.0, 8.0]
        assert db.check() == []
