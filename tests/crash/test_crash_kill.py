"""kill -9 at 100 random moments, 20 of each kind: what was acknowledged is there, whole, and the file is sound."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from random import Random

import crash_transactions
import pytest
from killed import Writer
from schemas import NEWEST, NEXT, STATEMENTS, content, fill, ours, schema, script, version

import neurograph
from processes import files

KILLS = int(os.environ.get("NGDB_KILLS", "20"))
JOURNALS = ("wal", "rollback")


def recovered(path: Path, journal: str, acknowledged: int, kills: int, mode: str) -> int:
    """See that all acknowledged transactions are there, at most one more for each kill, and no part of another."""
    with neurograph.open(path, journal=journal, mode=mode) as db:
        found = crash_transactions.last(db)
        assert acknowledged <= found <= acknowledged + kills
        assert crash_transactions.state(db) == crash_transactions.expected(found)
        assert db.check() == []  # SQLite's integrity_check is one of its invariants
    return found


@pytest.mark.parametrize("journal", JOURNALS)
def test_every_acknowledged_transaction_is_there_and_none_is_half(tmp_path: Path, journal: str) -> None:
    path = tmp_path / "mind.ngdb"
    neurograph.open(path, journal=journal).close()
    rng = Random(f"transactions {journal}")
    acknowledged, left = 0, KILLS
    with Writer() as writer:
        while left:
            kills = min(rng.choice((1, 1, 2)), left)  # after two in a row the second writer was the one to recover
            for _ in range(kills):
                after = rng.choice((0, 1, 2, 4, 8))
                said = writer.killed("transactions", path, rng, after=after, within_s=0.004, journal=journal)
                acknowledged = int(said[-1]) if said else acknowledged
            acknowledged = recovered(path, journal, acknowledged, kills, rng.choice(("rwc", "rw", "r")))
            left -= kills
    assert acknowledged > KILLS


def test_a_file_whose_making_was_killed_is_made_by_the_next(tmp_path: Path) -> None:
    rng = Random("create")
    with Writer() as writer:
        for turn in range(KILLS):
            path, journal = tmp_path / f"{turn}.ngdb", JOURNALS[turn % 2]
            writer.killed("create", path, rng, after=0, within_s=0.020, journal=journal)
            with neurograph.open(path, journal=journal) as db:
                assert db.check() == []
                assert [number for (number,) in db.execute("select number from migration")] == [*range(1, NEWEST + 1)]
                assert db.tokens.create("cat").id == 1
            assert files(path) == [path.name]


def test_a_migration_that_was_killed_is_done_by_the_next_and_every_copy_is_whole(tmp_path: Path) -> None:
    rng = Random("upgrade")
    older = {journal: tmp_path / f"{journal}.ngdb" for journal in JOURNALS}
    for journal, path in older.items():
        fill(path, journal=journal)
    before = {journal: content(path) for journal, path in older.items()}
    folder = ours(tmp_path / "next", script(*STATEMENTS))
    with Writer() as writer:
        for turn in range(KILLS):
            path, journal = tmp_path / f"{turn}.ngdb", JOURNALS[turn % 2]
            shutil.copy(older[journal], path)
            writer.killed("upgrade", path, rng, after=0, within_s=0.030, journal=journal, schema=folder)
            with schema(folder), neurograph.open(path, journal=journal) as db:
                assert db.check() == []
                assert db.execute("select count(*), sum(seen) from trace").fetchall() == [(102, 102)]
            assert version(path) == (NEXT,) * 3
            assert content(path) == before[journal]
            copies = [name for name in files(path) if name != path.name]
            names = [f"{path.name}.schema-{NEWEST}", f"{path.name}.schema-{NEWEST}.2"]
            assert copies in (names[:1], names)  # a second, where the kill came between the copy and the commit
            for name in copies:
                assert version(tmp_path / name) == (NEWEST,) * 3
                assert content(tmp_path / name) == before[journal]


def test_saved_arrays_are_whole_or_absent_when_saving_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "mind.ngdb"
    rng = Random("optimize")
    with neurograph.open(path) as db:
        db.tokens.create_many(coordinates={"physical": [(n, n % 7, n % 11) for n in range(3000)]})
    acknowledged = 0
    with Writer() as writer:
        for _ in range(KILLS):
            after = rng.choice((0, 0, 1))
            said = writer.killed("optimize", path, rng, after=after, within_s=0.060, journal="wal")
            acknowledged = recovered(path, "wal", int(said[-1]) if said else acknowledged, 1, "rwc")
            with neurograph.open(path) as db:
                assert len(db.tokens) == 3000 + len(crash_transactions.expected(acknowledged)["tokens"])
