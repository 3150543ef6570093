"""Partitions that lack rows, or whose library goes away: searches answer in full, and errors say what happened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import neurograph
from neurograph import Library, errors
from neurograph.stores.library.partitions import build, measure

D, N = 20, 1500
CENTERS = np.random.default_rng(1).normal(size=(25, D)) * 2
DAMAGE = (
    "delete from partition_item",
    "delete from partition_item where number % 3",
    "update or ignore partition_item set id = id + 10000000",
    "delete from partition_center",
    "update partition_center set number = number + 3000",
    "update partition_center set centroid = zeroblob(80)",
    "update partition_reach set partitions = 1, candidates = 1",
    "update partition_reach set candidates = 9223372036854775807",
)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "LEAST_ITEMS", 600)
    monkeypatch.setattr(build, "SAMPLE", 100)
    monkeypatch.setattr(measure, "BY_CODES", 40)


def vectors(n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    found: np.ndarray = CENTERS[rng.integers(0, len(CENTERS), n)] + 0.7 * rng.normal(size=(n, D))
    return found.astype(np.float32)


def made(db: neurograph.Database) -> Library:
    library = db.library.create("v", dimension=D)
    library.add(vectors(N, 2), keys=[f"key {n}" for n in range(N)])
    return library


@pytest.fixture
def library(db: neurograph.Database) -> Library:
    """Return one that has partitions."""
    library = made(db)
    assert library.optimize().partitions
    return library


@pytest.mark.parametrize("sql", DAMAGE)
def test_tables_that_lack_rows_take_none_of_the_answer(db: neurograph.Database, library: Library, sql: str) -> None:
    db.execute(sql)
    for query in vectors(5, 3):
        assert len(library.search(query, 10, exact=False, recall=0.9, engine="sqlite-vec")) == 10
    assert len(library.search(key="key 3", k=10, exact=False, recall=0.9, engine="sqlite-vec")) == 10
    db.drop_derived()


@pytest.mark.parametrize("stage", ["training", "placing", "writing"])
def test_a_library_dropped_meanwhile_is_named(db: neurograph.Database, stage: str) -> None:
    library = made(db)

    def told(what: str, count: int, total: int | None) -> None:
        if what == stage and "v" in db.library:
            db.library.drop("v")

    with pytest.raises(errors.LibraryNotFound, match="'v' was dropped"):
        library.optimize(progress=told)
    assert db.execute("select count(*) from partitioning").fetchone() == (0,)
    assert db.check() == []


def test_a_file_for_reading_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        made(db)
    stages: list[str] = []
    refused = pytest.raises(errors.ReadOnlyDatabase, match=r'cannot optimize.*open it with mode="rw"')
    with neurograph.open(tmp_path / "mind.ngdb", mode="r") as db, refused:
        db.library.get("v").optimize(progress=lambda what, count, total: stages.append(what))
    assert stages == []


def test_the_rest_of_partitions_that_were_replaced_is_taken_away(db: neurograph.Database, library: Library) -> None:
    """A process that was killed right after its partitions were in use leaves those before, out of use."""
    db.execute("update sqlite_sequence set seq = 100 where name = 'partitioning'")
    db.execute("delete from partitioning")
    library.optimize()
    ((id,),) = db.execute("select id from partitioning").fetchall()
    db.execute("insert into partitioning (id, library_id, middle) values (?, ?, zeroblob(80))", [id - 1, library.id])
    db.execute("insert into partition_item values (?, 3, 4, 0.0, 0.0, x'00')", [id - 1])
    assert not library.optimize().trained
    assert db.execute("select id from partitioning").fetchall() == [(id,)]
    assert db.execute("select distinct partitioning_id from partition_item").fetchall() == [(id,)]


def test_recall_measures_searches_by_partitions_where_there_are_no_kernels(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        made(db).optimize()
    with neurograph.open(tmp_path / "mind.ngdb", engine="sql") as db:
        library = db.library.get("v")
        told = library.recall(k=10, recall=0.8, sample=40)
        assert told.candidates is not None
        assert 38 <= told.sample <= 40
        shares = []
        for query in vectors(60, 4):
            near = library.search(query, 10, exact=False, recall=0.8)
            shares.append(len({*near.ids.tolist()} & {*library.search(query, 10).ids.tolist()}) / 10)
        assert near.recall < 1.0
        found = library.search_many(vectors(3, 4), 10, exact=False, recall=0.8)
        assert found.recall == near.recall
        assert library.search_many(vectors(3, 4), 10).recall == 1.0
        assert abs(told.mean - np.mean(shares)) < 0.06
        assert library.recall(k=101) == (1.0, 1.0, 0, 101, None)


def test_what_a_killed_build_left_goes_before_another_is_trained(db: neurograph.Database, library: Library) -> None:
    db.execute("update partitioning set complete = 0")
    seen: list[int] = []

    def told(what: str, count: int, total: int | None) -> None:
        if what == "training":
            seen.extend(row[0] for row in db.execute("select count(*) from partition_item").fetchall())

    assert library.optimize(progress=told).trained
    assert set(seen) == {0}


def test_without_marks_there_are_no_partitions_until_they_are_given_back(
    db: neurograph.Database, library: Library
) -> None:
    for deleted in ("subject = 'embedding'", "subject = 'embedding' and chunk % 2"):
        db.execute(f"delete from mark where {deleted}")
        library.optimize()
        db.optimize()
        assert library.optimize().partitions
        assert library.recall(k=5, recall=0.8, sample=20).mean > 0.7
        assert db.check() == []
