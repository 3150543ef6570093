"""Partitions: exact answers know nothing of them; others miss few, whatever was written, broken off or damaged."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurograph
from neurograph import Library, errors
from neurograph.stores.library.partitions import build, measure, training
from neurograph.stores.library.partitions.turn import blocks, turn_one, turn_rows

D, N = 20, 2000
METRICS = ("cosine", "l2", "dot")
CENTERS = np.random.default_rng(1).normal(size=(25, D)) * 2


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "LEAST_ITEMS", 600)
    monkeypatch.setattr(build, "SAMPLE", 100)
    monkeypatch.setattr(measure, "BY_CODES", 40)


def vectors(rng: np.random.Generator, n: int) -> np.ndarray:
    found: np.ndarray = CENTERS[rng.integers(0, len(CENTERS), n)] + 0.7 * rng.normal(size=(n, D))
    return found.astype(np.float32)


def made(db: neurograph.Database, metric: str = "cosine", n: int = N) -> Library:
    library = db.library.create("v", dimension=D, metric=metric)
    library.add(vectors(np.random.default_rng(2), n))
    return library


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file whose library has partitions."""
    path = tmp_path_factory.mktemp("built") / "mind.ngdb"
    with pytest.MonkeyPatch.context() as patch, neurograph.open(path, synchronous="off") as db:
        patch.setattr(build, "LEAST_ITEMS", 600)
        made(db).optimize()
    return path


@pytest.fixture
def mind(built: Path, tmp_path: Path) -> Iterator[neurograph.Database]:
    """Yield a copy of it, open."""
    shutil.copy(built, tmp_path / "mind.ngdb")
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        yield db
        assert db.check() == []


def recall_of(library: Library, recall: float = 0.98, k: int = 10, count: int = 30) -> float:
    """Return the recall of some searches, each of whose hits is asserted to be true and in order."""
    found = []
    for query in vectors(np.random.default_rng(3), count):
        exact = library.search(query, 200, engine="sqlite-vec")
        near = library.search(query, k, exact=False, recall=recall, engine="sqlite-vec")
        assert len(near) == min(k, len(library))
        known = dict(zip(exact.ids.tolist(), exact.distances.tolist(), strict=True))
        assert [known[id] for id in near.ids.tolist()] == near.distances.tolist()
        assert sorted(zip(near.distances.tolist(), near.ids.tolist(), strict=True)) == list(
            zip(near.distances.tolist(), near.ids.tolist(), strict=True)
        )
        found.append(len(set(near.ids.tolist()) & set(exact.ids.tolist()[:k])) / k)
    return float(np.mean(found))


def by_partitions(library: Library) -> bool:
    return library.search([1.0] * D, 3, exact=False, recall=0.9, engine="sqlite-vec").recall < 1.0


@pytest.mark.parametrize("metric", METRICS)
def test_searches_find_as_many_as_asked(db: neurograph.Database, metric: str) -> None:
    library = made(db, metric)
    done = library.optimize()
    assert done.trained
    assert done.placed == N
    assert 100 < done.partitions < 200
    assert by_partitions(library)
    assert recall_of(library) > 0.96
    assert recall_of(library, k=60) > 0.96
    assert library.optimize() == (done.partitions, 0, False)
    assert db.check() == []


def test_nothing_but_optimize_makes_them(db: neurograph.Database) -> None:
    library = made(db)
    db.optimize()
    assert library.search([1.0] * D, exact=False, engine="sqlite-vec").recall == 1.0
    assert db.execute("select count(*) from partitioning").fetchone() == (0,)


def test_what_was_not_measured_is_answered_exactly(mind: neurograph.Database) -> None:
    library = mind.library.get("v")
    query: dict[str, Any] = {"query": [1.0] * D, "exact": False, "recall": 0.9, "engine": "sqlite-vec"}
    first = library.search(k=5, **query)
    assert first.recall < 1.0
    options: list[dict[str, Any]] = [
        {"k": 101}, {"after": first[-1]}, {"where": "item.id % 2"}, {"among": [first[0].id]}, {"max_distance": 0.5},
        {"recall": 0.9999},
    ]  # fmt: skip
    for more in options:
        assert library.search(**(query | more)).recall == 1.0
    assert library.search([0.0] * D, exact=False, engine="sqlite-vec").recall == 1.0


def test_an_item_is_no_neighbor_of_itself(mind: neurograph.Database) -> None:
    library = mind.library.get("v")
    ids = [item.id for item in library.list(20)]
    for id in ids:
        near = library.search(item=id, k=10, exact=False, recall=0.9, engine="sqlite-vec")
        assert len(near) == 10
        assert id not in near.ids


def _insert(db: neurograph.Database, library: Library, rng: np.random.Generator) -> None:
    library.add(vectors(rng, int(rng.integers(1, 60))))


def _update(db: neurograph.Database, library: Library, rng: np.random.Generator) -> None:
    ids = [row[0] for row in db.execute("select id from embedding").fetchall()]
    with db.transaction():
        for id in rng.choice(ids, 20).tolist():
            library.update(id, vector=vectors(rng, 1)[0])


def _delete(db: neurograph.Database, library: Library, rng: np.random.Generator) -> None:
    ids = [item.id for item in library.list(None)]
    library.delete_many(rng.choice(ids, int(rng.integers(1, 60)), replace=False))


def _undo(db: neurograph.Database, library: Library, rng: np.random.Generator) -> None:
    with pytest.raises(ZeroDivisionError), db.transaction():  # noqa: PT012
        _insert(db, library, rng)
        _delete(db, library, rng)
        recall_of(library, count=2)
        raise ZeroDivisionError


def _shell(db: neurograph.Database, library: Library, rng: np.random.Generator) -> None:
    assert db.path is not None
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=10); "
        "c.execute('insert into entry (library, vector) values (?, ?)', ('v', bytes.fromhex(sys.argv[2]))); c.commit()"
    )
    subprocess.run([sys.executable, "-c", code, str(db.path), vectors(rng, 1).tobytes().hex()], check=True)


def _optimize(db: neurograph.Database, library: Library, rng: np.random.Generator) -> None:
    library.optimize()
    assert by_partitions(library)


@pytest.mark.parametrize("seed", range(2))
def test_whatever_is_written_they_stay_right(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    steps: list[Callable[..., None]] = [_insert, _update, _delete, _undo, _shell, _optimize]
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        library = made(db, METRICS[seed])
        library.optimize()
        for step in rng.permutation(np.tile(np.arange(len(steps)), 2)).tolist():
            steps[step](db, library, rng)
            assert recall_of(library, count=6) > 0.9
        library.optimize()
        assert recall_of(library) > 0.96
        assert db.check() == []


def test_changed_vectors_are_looked_at_themselves(db: neurograph.Database) -> None:
    library = made(db, n=6000)
    library.optimize()
    query = vectors(np.random.default_rng(9), 1)[0]
    (new,) = library.add([query])
    near = library.search(query, 10, exact=False, recall=0.9, engine="sqlite-vec")
    assert near.recall < 1.0
    assert near[0].id == new
    library.delete(int(new))
    near = library.search(query, 10, exact=False, recall=0.9, engine="sqlite-vec")
    assert near.recall < 1.0
    assert new not in near.ids


def test_only_what_changed_is_placed_again(db: neurograph.Database) -> None:
    library = made(db, n=6000)
    library.optimize()
    library.update(library.list(1)[0].id, vector=[1.0] * D)
    done = library.optimize()
    assert not done.trained
    assert done.placed == 511
    assert db.check() == []


def test_after_half_of_them_changed_partitions_are_made_anew(db: neurograph.Database) -> None:
    library = made(db)
    library.optimize()
    library.delete_many([item.id for item in library.list(None)][::2])
    library.add(vectors(np.random.default_rng(5), N // 2) + 5)
    assert not by_partitions(library)  # too much of it
    assert library.optimize().trained
    assert recall_of(library) > 0.96
    assert db.execute("select count(*) from partitioning").fetchone() == (1,)
    assert db.check() == []


def test_recall_is_measured_again_after_a_tenth_moved(db: neurograph.Database) -> None:
    library = made(db, n=6000)
    library.optimize()
    for id in range(library.list(1)[0].id, library.list(1)[0].id + 900):
        library.update(id, vector=vectors(np.random.default_rng(id), 1)[0])
    db.execute("update partition_reach set measured = 0.123")
    assert not library.optimize().trained
    assert not db.execute("select 1 from partition_reach where measured = 0.123").fetchall()
    assert recall_of(library) > 0.96


def test_where_nothing_is_left_nothing_is_measured(db: neurograph.Database) -> None:
    library = made(db, n=900)
    library.optimize()
    library.delete_many([item.id for item in library.list(None)])
    assert library.optimize().placed == 0
    assert len(library.search([1.0] * D, exact=False, engine="sqlite-vec")) == 0
    assert db.check() == []


class BrokenOffError(Exception):
    """Stands for Ctrl-C."""


@pytest.mark.parametrize("before", [False, True])
def test_a_call_that_is_broken_off_leaves_what_was_there(mind: neurograph.Database, before: bool) -> None:
    db, library = mind, mind.library.get("v")
    if before:
        library.delete_many([item.id for item in library.list(None)][: N // 2])
        library.add(vectors(np.random.default_rng(5), N))
    else:
        db.drop_derived()
    kept = db.execute("select * from partitioning").fetchall()
    assert len(kept) == before
    for stage in ("training", "placing", "writing", "measuring"):

        def told(what: str, count: int, total: int | None, stage: str = stage) -> None:
            if what == stage:
                raise BrokenOffError

        with pytest.raises(BrokenOffError):
            library.optimize(progress=told)
        assert db.execute("select * from partitioning").fetchall() == kept
        assert db.check() == []
        assert recall_of(library, count=2) > 0.9
    library.optimize()
    assert by_partitions(library)
    assert db.execute("select count(*), min(complete) from partitioning").fetchone() == (1, 1)


def test_what_a_killed_process_left_is_taken_away(db: neurograph.Database) -> None:
    library = made(db)
    db.execute("insert into partitioning (library_id, middle) values (?, zeroblob(?))", [library.id, 4 * D])
    db.execute("insert into partition_center values (1, 0, 1.0, zeroblob(?))", [4 * D])
    assert not by_partitions(library)
    library.optimize()
    assert db.execute("select id from partitioning").fetchall() == [(2,)]
    assert db.execute("select distinct partitioning_id from partition_center").fetchall() == [(2,)]


def test_of_two_at_once_the_later_one_goes_on(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        library = made(db)
        with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as other:
            inner = []

            def told(what: str, count: int, total: int | None) -> None:
                if what == "writing" and not inner:
                    inner.append(other.library.get("v").optimize())

            assert library.optimize(progress=told).partitions == 0
        assert inner[0].placed == N
        assert by_partitions(library)
        assert db.execute("select count(*) from partitioning").fetchone() == (1,)
        assert db.check() == []


@pytest.mark.parametrize("again", [False, True])
def test_others_read_and_write_meanwhile(tmp_path: Path, again: bool) -> None:
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        library = made(db)
        if again:
            library.optimize()
            library.add(vectors(np.random.default_rng(5), 100))
        with neurograph.open(tmp_path / "mind.ngdb", synchronous="off", busy_timeout_s=0.0) as other:
            theirs, rng, stages = other.library.get("v"), np.random.default_rng(6), set()

            def told(what: str, count: int, total: int | None) -> None:
                if what not in stages:
                    stages.add(what)
                    theirs.add(vectors(rng, 5))
                    assert recall_of(theirs, count=2) > 0.9

            library.optimize(progress=told)
            assert stages >= ({"placing"} if again else {"training", "placing", "writing", "measuring"})
        assert db.check() == []
        assert recall_of(library) > 0.9


DAMAGE = {
    "codes of another length": "update partition_item set code = x'00'",
    "no codes": "update partition_item set code = x''",
    "ids that are not there": "update or ignore partition_item set id = id + 10000000",
    "ids of other libraries": "update or ignore partition_item set id = id & 4294967295",
    "infinite keys": "update partition_item set shift = 9e999, factor = -9e999",
    "no items": "delete from partition_item",
    "NaN in centroids": "update partition_center set centroid = cast(zeroblob(76) || x'0000c07f' as blob)",
    "no centroids": "delete from partition_center",
    "centroids of another length": "update partition_center set centroid = x'0000803f' where number % 2",
    "a middle of another length": "update partitioning set middle = x'0000'",
    "NaN in the middle": "update partitioning set middle = cast(zeroblob(76) || x'0000c07f' as blob)",
    "chunks that say nothing": "update partition_chunk set numbers = x''",
    "chunks that lie": "update partition_chunk set numbers = zeroblob(1024)",
    "no chunks": "delete from partition_chunk",
    "everything has to be looked at": "update partition_reach set partitions = 1 << 40, candidates = 1 << 40",
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_tables_make_no_answer_false(mind: neurograph.Database, name: str) -> None:
    db, library = mind, mind.library.get("v")
    expected = [list(library.search(query, 7)) for query in vectors(np.random.default_rng(3), 5)]
    db.execute(DAMAGE[name])
    for query, exact in zip(vectors(np.random.default_rng(3), 5), expected, strict=True):
        assert list(library.search(query, 7)) == exact
        known = {hit.id: hit.distance for hit in library.search(query, N)}
        near = library.search(query, 7, exact=False, recall=0.9, engine="sqlite-vec")
        assert all(known[hit.id] == hit.distance for hit in near)
    library.add(vectors(np.random.default_rng(4), 3))
    library.optimize()
    library.search(query, 7, exact=False, recall=0.9, engine="sqlite-vec")
    assert db.drop_derived() > 0


def test_they_go_with_the_library_and_with_all_that_is_derived(mind: neurograph.Database) -> None:
    db = mind
    db.library.drop("v")
    tables = ("partitioning", "partition_center", "partition_item", "partition_chunk", "partition_reach")
    count = " + ".join(f"(select count(*) from {table})" for table in tables)
    assert db.execute(f"select {count}").fetchone() == (0,)
    made(db).optimize()
    assert db.drop_derived() > 0
    assert db.execute(f"select {count}").fetchone() == (0,)


def test_a_shell_deletes_them_by_one_statement(built: Path, tmp_path: Path) -> None:
    shutil.copy(built, tmp_path / "mind.ngdb")
    with sqlite3.connect(tmp_path / "mind.ngdb") as shell:
        shell.execute("delete from partitioning")
        assert shell.execute("select count(*) from partition_item").fetchone() == (0,)
    shell.close()


@pytest.mark.parametrize("factor", [1e-38, 1e18, 1e30])
def test_vectors_of_any_length_are_bearable(db: neurograph.Database, factor: float) -> None:
    library = db.library.create("v", dimension=D, metric="l2")
    library.add(vectors(np.random.default_rng(2), 1000) * np.float32(factor))
    library.optimize()
    query = vectors(np.random.default_rng(3), 1)[0] * np.float32(factor)
    near = library.search(query, 5, exact=False, recall=0.8, engine="sqlite-vec")
    assert len(near) == 5
    assert by_partitions(library) <= (factor < 1e12)


def test_vectors_that_no_search_finds_are_placed_nowhere(db: neurograph.Database) -> None:
    library = made(db)
    ids = [item.id for item in library.list(3)]
    db.execute("update embedding set vector = ? where id = ?", [np.full(D, np.nan, np.float32).tobytes(), ids[0]])
    library.update(ids[1], vector=[0.0] * D)
    library.optimize()
    placed = {row[0] for row in db.execute("select id from partition_item").fetchall()}
    assert ids[0] not in placed
    assert ids[1] in placed
    assert [v.invariant for v in db.check()] == ["embedding.finite"]
    library.delete(ids[0])


def test_lengths_are_measured_where_nobody_knows_them(db: neurograph.Database) -> None:
    library = made(db, n=20)
    db.execute("insert into entry (library, vector) values ('v', ?)", [(np.ones(D, np.float32) * 100).tobytes()])
    assert db.execute("select norm_low from library").fetchone() == (None,)
    assert library.optimize() == (0, 0, False)
    low, high = db.execute("select norm_low, norm_high from library").fetchone()
    assert 0 < low < 20
    assert 447 < high < 460
    assert db.check() == []


def test_a_fresh_process_needs_no_numpy(built: Path) -> None:
    code = (
        "import sys, neurograph; db = neurograph.open(sys.argv[1]); "
        "near = db.library.get('v').search([1.0] * 20, exact=False, recall=0.95); "
        "assert len(near) == 10 and near.recall < 1; assert not {'numpy', 'numba'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code, str(built)], check=True)


def test_refusals_say_why(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        library = made(db)
        with pytest.raises(errors.InvalidValue, match="progress must be"):
            library.optimize(progress=3)  # type: ignore[arg-type]
    with neurograph.open(tmp_path / "mind.ngdb", mode="r") as db, pytest.raises(errors.ReadOnlyDatabase):
        db.library.get("v").optimize()
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        library = db.library.get("v")
        db.library.drop("v")
        with pytest.raises(errors.LibraryNotFound, match="dropped"):
            library.optimize()


def test_many_centroids_are_found_by_their_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    points, rows = vectors(rng, 300), vectors(rng, 500)
    flat = training.Centroids(points, False, lambda: None).nearest(rows, lambda: None)
    monkeypatch.setattr(training, "FLAT", 100)
    grouped = training.Centroids(points, False, lambda: None).nearest(rows, lambda: None)
    assert np.mean(flat == grouped) > 0.95
    naive = ((rows[:, None] - points) ** 2).sum(axis=2).argmin(axis=1)
    assert np.mean(flat == naive) > 0.99


@pytest.mark.parametrize("dimension", [1, 2, 3, 7, 20, 384, 1030])
def test_one_vector_is_turned_like_many(dimension: int) -> None:
    rows = np.random.default_rng(dimension).normal(size=(3, dimension)).astype(np.float32)
    turned = turn_rows(rows)
    assert np.allclose([turn_one(row.tolist()) for row in rows], turned, atol=1e-5)
    assert np.allclose(turned @ turned.T, rows @ rows.T, atol=1e-3)
    ends = [begin + length for begin, length in blocks(dimension)]
    assert not ends or ends[-1] >= dimension - 1
