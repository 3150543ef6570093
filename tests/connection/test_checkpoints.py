"""When the log is moved into the file: by steps, whoever reads; and never to the harm of a commit."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import apsw
import pytest

import neurograph
from neurograph import Database
from neurograph.connection import checkpoints
from neurograph.connection.checkpoints import Checkpoints

BLOB = b"x" * 20_000  # three pages


class Counted(Checkpoints):
    """Checkpoints that remember what they were told, and when they were tried."""

    __slots__ = ("seen", "tries")

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[int] = []
        self.tries: list[int] = []

    def __call__(self, connection: apsw.Connection, database: str, pages: int) -> int:
        before = self._tried
        found = super().__call__(connection, database, pages)
        self.seen.append(pages)
        if self._tried not in (0, before):
            self.tries.append(pages)
        return found


@pytest.fixture
def mind(tmp_path: Path) -> Iterator[tuple[Database, Counted]]:
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        db.execute("create table notes (text blob)")
        counted = Counted()
        db._session.writer.connection.set_wal_hook(counted)
        yield db, counted
        assert db.check() == []


def write(db: Database, times: int) -> None:
    for _ in range(times):
        db.execute("insert into notes values (?)", (BLOB,))


def test_the_log_begins_anew_where_nobody_reads(mind: tuple[Database, Counted]) -> None:
    db, counted = mind
    write(db, 700)
    assert max(counted.seen) < checkpoints.FROM_PAGES + 10
    assert len(counted.tries) == sum(later < earlier for earlier, later in pairwise(counted.seen)) > 1


def test_beside_a_reader_it_is_tried_by_steps(mind: tuple[Database, Counted]) -> None:
    db, counted = mind
    reader = apsw.Connection(db.path)
    reader.execute("begin")
    there = reader.execute("select count(*) from notes").fetchall()
    write(db, 600)
    last = counted.seen[-1]
    assert last > 1700  # nothing of it could be given up
    assert 5 <= len(counted.tries) <= 1 + (last - checkpoints.FROM_PAGES) // checkpoints.STEP_PAGES
    assert reader.execute("select count(*) from notes").fetchall() == there
    reader.close()
    write(db, checkpoints.STEP_PAGES)
    assert counted.seen[-1] < checkpoints.FROM_PAGES


class Refused:
    """A connection that can't checkpoint."""

    def wal_checkpoint(self, database: str, mode: int) -> None:
        raise apsw.FullError("database or disk is full")


def test_a_checkpoint_that_fails_denies_no_commit() -> None:
    by_steps = Counted()
    assert [by_steps(Refused(), "main", pages) for pages in (999, 1000, 1001, 1128, 3, 1000)] == [0] * 6  # type: ignore[arg-type]
    assert by_steps.tries == [1000, 1128, 1000]


def test_whoever_opens_a_file_checkpoints_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def noted(self: Checkpoints, connection: apsw.Connection, database: str, pages: int) -> int:
        tries.append((database, pages))
        return 0

    monkeypatch.setattr(Checkpoints, "__call__", noted)
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        tries.clear()
        db.storage.set("a", "b", 1)
    assert [database for database, _ in tries] == ["main"]
