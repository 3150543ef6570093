"""What other tests go by where they say that nothing was changed: no write goes unseen."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

import neurograph
from unchanged import STORED, contents, written

WRITES: dict[str, Callable[[neurograph.Database], object]] = {
    "a row": lambda db: db.execute("insert into token (label) values ('cat')"),
    "a value": lambda db: db.events.enable("token.*"),
    "a table": lambda db: db.execute("create table mine (n integer)"),
    "a library": lambda db: db.library.create("v", dimension=2),
    "another connection": lambda db: apsw.Connection(db.path).execute("insert into token (label) values ('cat')"),
}


@pytest.fixture
def path(tmp_path: Path, empty_file: bytes) -> Path:
    path = tmp_path / "mind.ngdb"
    path.write_bytes(empty_file)
    os.utime(path, ns=(0, 0))
    return path


@pytest.mark.parametrize("journal", ["wal", "rollback"])
@pytest.mark.parametrize("write", WRITES.values(), ids=[*WRITES])
def test_every_write_is_seen(path: Path, write: Callable[[neurograph.Database], object], journal: str) -> None:
    with neurograph.open(path, journal=journal) as db:
        before = contents(db)
        write(db)
        assert contents(db) != before
        assert written(path)


def test_a_write_that_was_checkpointed_is_seen(path: Path) -> None:
    with neurograph.open(path) as db:
        db.tokens.create("cat")
        apsw.Connection(path.as_posix()).execute("pragma wal_checkpoint(truncate)").fetchall()
        assert path.with_name("mind.ngdb-wal").stat().st_size == 0
        assert written(path)


def test_what_was_read_or_undone_is_no_write(path: Path) -> None:
    with neurograph.open(path) as db:
        before = contents(db)
        db.begin()
        db.tokens.create("cat")
        db.rollback()
        assert contents(db) == before
        assert not written(path)


def test_rows_of_every_table_are_compared(db: neurograph.Database) -> None:
    db.library.create("v", dimension=2).index_text()
    names = {name for (name,) in db.execute(STORED).fetchall()}
    assert {"token", "edge", "mark", "cdna", "sqlite_sequence", "text_1_data"} < names
    assert contents(db).keys() == names | {"sqlite_schema"}
