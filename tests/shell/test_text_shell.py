"""A text index in a SQLite without anything of ours: what it writes is found by its words, and it searches itself.

With foreign keys and recursive triggers off, as a stock SQLite has them, and on; through VACUUM, ALTER and a dump too.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import naive_texts
import neurograph
from neurograph.stores.library import Library
from processes import needs_shell
from stock import STOCK, Module, Shell

KEYS, RECURSIVE = "pragma foreign_keys = on", "pragma recursive_triggers = on"
SETTINGS = {"stock": (), "both": (KEYS, RECURSIVE)}
FIRST = (1 << 32) + 1
QUESTIONS = ("cat", "a small cat", "new", "dog new", "k1")

STEPS = (
    f"insert into item (id, library_id, key, text) values ({FIRST + 5}, 1, 'k5', 'a new small cat')",
    "insert into entry (library, key, text) values ('v', 'k6', 'new'), ('w', 'k6', 'a cat elsewhere')",
    f"insert or replace into item (id, library_id, key, text) values ({FIRST}, 1, 'k0', 'replaced by id, new')",
    f"insert or replace into item (id, library_id, key, text) values ({FIRST + 8}, 1, 'k1', 'replaced by key')",
    f"insert or replace into item (id, library_id, key, text) values ({FIRST + 2}, 1, 'k5', 'replaced by both, cat')",
    "update or replace item set key = 'k6' where key = 'k2'",
    "update or ignore item set key = 'k3', text = text || ' ignored'",
    f"insert or ignore into item (id, library_id, key) values ({FIRST + 30}, 1, 'k3'), ({FIRST + 31}, 1, 'k31')",
    "update item set text = 'a dog' where key = 'k31'",
    "update item set text = null where key = 'k31'",
    "update item set metadata = '{}', token_id = 1",
    "begin; update item set text = 'undone'; delete from item; rollback",
    "savepoint s; delete from item where key = 'k3'; rollback to s; release s",
    "alter table item add column mine text",
    "update item set mine = text, key = key || 'x' where library_id = 1",
    "vacuum",
    "delete from token",
    "delete from item where text like '%both%'",
)


@pytest.fixture(params=STOCK)
def stock(request: pytest.FixtureRequest) -> Shell | Module:
    return request.param


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a file with two libraries that have text indexes, one by stems, and a token."""
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path, synchronous="off", journal="rollback") as db:
        db.tokens.create("cat")
        library = db.library.create("v", dimension=2, text_index=True)
        library.add(
            keys=[f"k{n}" for n in range(4)], texts=["a cat", "a dog", "a small dog, a cat", None], tokens=[1] * 4
        )
        library.add(texts=["a nameless cat"])
        db.library.create("w", dimension=1, text_index="porter unicode61").add(keys=["k1"], texts=["cats purring"])
    return path


def answers(library: Library, text: str) -> list[tuple[int, float]]:
    return [(hit.id, hit.score) for hit in library.match(text, 100)]


def compare(db: neurograph.Database, step: str) -> None:
    """The handle finds what the formula says of the items that are there."""
    library = db.library.get("v")
    items = {item.id: (item.key, item.text) for item in library}
    for question in QUESTIONS:
        truth = naive_texts.match(items, question)
        found = answers(library, question)
        assert [id for id, _ in found] == [id for id, _ in truth], step
        assert [score for _, score in found] == pytest.approx([score for _, score in truth], rel=1e-12), step
    assert len(db.library.get("w").match("purr cat", 9)) == len(db.library.get("w")), step


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_what_it_writes_is_found_by_an_open_handle(path, stock, settings):
    with neurograph.open(path) as db:
        compare(db, "before")
        for step in STEPS:
            refused = stock.write(path, [*settings, *step.split("; ")])
            assert not any(refused), (step, refused)
            compare(db, step)
        assert db.check() == []


def test_it_searches_itself(path, stock):
    sql = (
        "select rowid as id, -bm25(text_1) as score from text_1 where text_1 match 'cat OR small' order by rank, rowid"
    )
    ((*found,),) = stock.rows(path, sql)
    with neurograph.open(path) as db:
        truth = answers(db.library.get("v"), "cat small")
    assert [id for id, _ in found] == [id for id, _ in truth]
    assert [score for _, score in found] == pytest.approx([score for _, score in truth], rel=1e-12)


def test_a_library_it_deletes_leaves_an_empty_index(path, stock):
    assert stock.write(path, ["delete from library where name = 'v'"]) == [""]
    assert stock.rows(path, "select count(*) as n from text_1") == [[(0,)]]
    with neurograph.open(path) as db:
        assert {violation.invariant for violation in db.check()} == {"text_index.library"}
        db.optimize()
        assert db.check() == []


@needs_shell  # Python's own `iterdump` knows no virtual tables
def test_a_dump_restores_it(path, tmp_path):
    copy = tmp_path / "copy.ngdb"
    Shell().copy(path, copy)
    with neurograph.open(path) as db, neurograph.open(copy) as restored:
        for question in QUESTIONS:
            assert answers(restored.library.get("v"), question) == answers(db.library.get("v"), question)
        restored.library.get("v").set("later", text="a cat, new")
        compare(restored, "restored")
        assert restored.check() == []
