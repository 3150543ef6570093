"""Several processes create or migrate one file at the same moment: one does it, and all go on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from schemas import NEWEST, NEXT, STATEMENTS, content, fill, ours, schema, script, together, version

import neurograph
from processes import files

ROUNDS = 5
PROCESSES = 4
JOURNALS = ["wal", "rollback"]


@pytest.mark.parametrize("journal", JOURNALS)
def test_a_file_that_several_create_has_one_schema(tmp_path: Path, journal: str) -> None:
    code = """
        folder, journal = arguments
        with neurograph.open(f"{folder}/{round}.ngdb", journal=journal) as db:
            return db.tokens.create().id
        """
    said = together(code, ROUNDS, tmp_path, journal, processes=PROCESSES)
    for turn in range(ROUNDS):
        path = tmp_path / f"{turn}.ngdb"
        assert sorted(lines[turn] for lines in said) == ["1", "2", "3", "4"]
        with neurograph.open(path, journal=journal) as db:
            assert db.check() == []
            assert len(db.tokens) == PROCESSES
            numbers = [number for (number,) in db.execute("select number from migration")]
            assert numbers == list(range(1, NEWEST + 1))
        assert files(path) == [path.name]


@pytest.mark.parametrize("journal", JOURNALS)
def test_a_file_that_several_migrate_is_migrated_once(tmp_path: Path, journal: str) -> None:
    fill(tmp_path / "older.ngdb", journal=journal)
    before = content(tmp_path / "older.ngdb")
    for turn in range(ROUNDS):
        shutil.copy(tmp_path / "older.ngdb", tmp_path / f"{turn}.ngdb")
    second = script("alter table trace add column note text", "insert into trace values (1000, 2, 'once')")
    apart = script(*STATEMENTS).replace("references token (id) on delete cascade", "")  # else 1000 must be a token
    folder = ours(tmp_path / "next", apart, second)
    code = """
        folder, journal, schema = arguments
        migrate.schema_folder = lambda: schema
        with neurograph.open(f"{folder}/{round}.ngdb", journal=journal) as db:
            return db.execute("select count(*) from trace where note = 'once'").fetchall()[0][0]
        """
    said = together(code, ROUNDS, tmp_path, journal, folder, processes=PROCESSES)
    assert said == [["1"] * ROUNDS] * PROCESSES
    for turn in range(ROUNDS):
        path = tmp_path / f"{turn}.ngdb"
        assert content(path) == before
        assert version(path) == (NEXT + 1,) * 3
        with schema(folder), neurograph.open(path, journal=journal) as db:
            assert db.check() == []
        # One process may apply the first of the two, and another the second: then each keeps what it found.
        copies = [name for name in files(path) if name != path.name]
        assert copies in ([f"{turn}.ngdb.schema-{NEWEST}"], [f"{turn}.ngdb.schema-{n}" for n in (NEWEST, NEXT)])
        with neurograph.open(tmp_path / copies[0], journal=journal) as db:
            assert db.check() == []
        assert content(tmp_path / copies[0]) == before


def test_a_file_that_one_reads_while_another_migrates_it_is_read_on(tmp_path: Path) -> None:
    """Who opened it before sees what was before, until the reading ends."""
    path = tmp_path / "mind.ngdb"
    fill(path)
    code = """
        path, schema = arguments
        migrate.schema_folder = lambda: schema
        neurograph.open(path).close()
        """
    with neurograph.open(path) as db:
        with db.snapshot():
            before = db.execute("select max(number) from migration").fetchall()
            together(code, 1, path, ours(tmp_path / "next", script(*STATEMENTS)), processes=1)
            assert db.execute("select max(number) from migration").fetchall() == before == [(NEWEST,)]
            assert db.tokens.get("sun").properties == {"far": 1.5}
        assert db.execute("select max(number) from migration").fetchall() == [(NEXT,)]
        assert db.tokens.get("sun").properties == {"far": 1.5}
        assert db.tokens.create("dusk").id == 103
