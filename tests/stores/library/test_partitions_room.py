"""What making partitions takes, and what others may do meanwhile."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import neurograph
from neurograph import Library
from neurograph.stores.library.partitions import build, measure, room, rows, training
from neurograph.stores.library.partitions.turn import turn_rows

D, N = 256, 10_500


def made(db: neurograph.Database, n: int = N, metric: str = "cosine") -> Library:
    rng = np.random.default_rng(1)
    library = db.library.create("v", dimension=D, metric=metric)
    vectors = rng.normal(size=(60, D))[rng.integers(0, 60, n)] + 0.7 * rng.normal(size=(n, D))
    library.add(vectors.astype(np.float32))
    return library


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("room") / "mind.ngdb"
    with neurograph.open(path, synchronous="off") as db:
        made(db)
    return path


@pytest.mark.parametrize("trained", [True, False])
def test_memory_stays_within_the_room_there_is(path: Path, monkeypatch: pytest.MonkeyPatch, trained: bool) -> None:
    """The vectors take 10.8 MB, and what was sampled of them took three times 9.8 before there was a limit."""
    least = 3 << 20
    monkeypatch.setattr(room, "LEAST_BYTES", least)
    monkeypatch.setattr(training, "ROOM", 1 << 16)  # and what else is small beside 64 MiB
    monkeypatch.setattr(training, "ADDED_BYTES", 1 << 18)
    monkeypatch.setattr(rows, "BLOCK_BYTES", 1 << 20)
    monkeypatch.setattr(measure, "BLOCK_BYTES", 1 << 16)
    turn_rows(np.zeros((1, D), np.float32))  # its matrix is made once
    with neurograph.open(path, synchronous="off", memory_budget_bytes=0) as db:
        library = db.library.get("v")
        if trained:
            db.drop_derived()
        else:
            library.optimize()
            ids = [item.id for item in library.list(3000)]
            for id in ids[::300]:
                library.update(id, vector=library.vector(id) + 1.0)
        tracemalloc.start()
        try:
            done = library.optimize()
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert (done.trained, done.partitions > 50) == (trained, True)
        assert most < least + (1 << 20)
        assert db.check() == []


def test_with_little_memory_there_are_fewer_and_searches_still_reach_their_recall(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "LEAST_BYTES", 3 << 20)
    with neurograph.open(path, synchronous="off", engine="sql", memory_budget_bytes=0) as db:
        library = db.library.get("v")
        db.drop_derived()
        assert 50 < library.optimize().partitions < 200  # 410 where there is room
        told = library.recall(k=10, recall=0.9, sample=20)
        assert told.candidates is not None
        assert told.mean >= 0.88


def test_room_is_what_arrays_leave_of_the_budget() -> None:
    assert room.divided(-1) == room.divided(0) == room.divided(room.LEAST_BYTES)
    for whole in (room.LEAST_BYTES, 1 << 28, 1 << 30):
        sample, block, placed, codes = room.divided(whole)
        assert 2 * sample <= whole
        assert 3 * block + 5 * placed + 2 * codes <= whole
    assert room.divided(1 << 40) == room.divided(1 << 30)  # more makes nothing faster


@pytest.mark.parametrize("again", [False, True])
def test_whoever_is_told_may_write_and_nothing_is_open(
    db: neurograph.Database, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    monkeypatch.setattr(build, "LEAST_ITEMS", 600)
    monkeypatch.setattr(build, "MEASURE_AGAIN", 0.0)
    library = made(db, 1500)
    if again:
        library.optimize()
        for id in [item.id for item in library.list(5)]:
            library.update(id, vector=np.ones(D) * 9)
    stages: dict[str, int] = {}

    def told(what: str, count: int, total: int | None) -> None:
        stages[what] = stages.get(what, 0) + 1
        before = db.execute("select count(*) from token").fetchone()[0]
        db.tokens.create()
        assert db.execute("select count(*) from token").fetchone()[0] == before + 1

    library.optimize(progress=told)
    assert stages["measuring"] > 1
    assert db.check() == []


def test_a_call_that_was_overtaken_made_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "LEAST_ITEMS", 600)
    with (
        neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db,
        neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as other,
    ):
        library, later = made(db, 1500), []

        def told(what: str, count: int, total: int | None) -> None:
            if what == "writing" and not later:
                later.append(other.library.get("v").optimize())

        assert library.optimize(progress=told) == (0, 0, False)
        assert later[0].trained
        assert later[0].placed == 1500
