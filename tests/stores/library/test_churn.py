"""Half of a library's vectors go and others come, by every way there is: exact stays exact, and recall what is said.

Everything is compared with `naive_knn`, before, meanwhile, inside transactions that are rolled back, and after mending.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import naive_knn as naive
import neurograph
from neurograph import Library
from neurograph.derived.policy import kernels_available
from neurograph.stores.library.nearest import calibration
from neurograph.stores.library.partitions import build, measure
from stock import Module

D, N, K = 16, 2500, 10
METRICS = ("cosine", "l2", "dot")
ENGINES = ("sqlite-vec", "numba") if kernels_available() else ("sqlite-vec",)
CENTERS = np.random.default_rng(1).normal(size=(40, D)) * 2


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a library of thousands searched as one of a million is."""
    monkeypatch.setattr(build, "LEAST_ITEMS", 600)
    monkeypatch.setattr(build, "SAMPLE", 100)
    monkeypatch.setattr(measure, "BY_CODES", 40)
    monkeypatch.setattr(calibration, "LEAST_VECTORS", 600)
    monkeypatch.setattr(calibration, "LEAST_GAIN", 1)
    monkeypatch.setattr(calibration, "SAMPLE", 60)


def vectors(rng: np.random.Generator, n: int, shift: float = 0.0) -> np.ndarray:
    found: np.ndarray = CENTERS[rng.integers(0, len(CENTERS), n)] + 0.7 * rng.normal(size=(n, D)) + shift
    return found.astype(np.float32)


def rows_of(db: neurograph.Database) -> tuple[list[int], np.ndarray]:
    """Return the ids and the vectors as plain SQL says."""
    rows = db.execute("select id, vector from embedding order by id").fetchall()
    return [id for id, _ in rows], np.frombuffer(b"".join(blob for _, blob in rows), "<f4").reshape(-1, D)


def compared(db: neurograph.Database, library: Library, seed: int, asked: int = 60) -> set[float]:
    """Assert that exact answers are the naive ones, and others what they say of themselves; return which recalls."""
    queries = vectors(np.random.default_rng(seed), asked, 0.2 * (seed % 3))
    ids, rows = rows_of(db)
    place = {id: at for at, id in enumerate(ids)}
    truth = [naive.nearest(library.metric, rows, query, K, ids=ids) for query in queries[:2]]
    said = set()
    for engine in ENGINES:
        exact = library.search_many(queries, K, engine=engine)
        assert exact.recall == 1.0
        for number, expected in enumerate(truth):
            assert list(zip(exact.distances[number].tolist(), exact.ids[number].tolist(), strict=True)) == expected
        near = library.search_many(queries, K, exact=False, recall=0.9, engine=engine)
        said.add(near.recall)
        assert near.ids.shape == (asked, K)
        for query, found, distances in zip(queries[:2], near.ids.tolist(), near.distances.tolist(), strict=False):
            told = list(zip(distances, found, strict=True))
            assert told == sorted(told)
            assert told == [
                (naive.distance(library.metric, rows[place[id]].tolist(), query.tolist()), id) for id in found
            ]
        shares = [np.isin(found, true).mean() for found, true in zip(near.ids, exact.ids, strict=True)]
        assert np.mean(shares) >= near.recall - 0.04, engine
        if near.recall == 1.0 and engine == "sqlite-vec":
            assert (near.ids == exact.ids).all()
    return said


def replaced(library: Library, rng: np.random.Generator, count: int, shift: float) -> None:
    """Delete `count` of the items, wherever they lie, and add as many others."""
    ids = [item.id for item in library.list(None)]
    library.delete_many(rng.choice(ids, count, replace=False))
    library.add(vectors(rng, count, shift))


def by_others(path: Path, library: Library, rng: np.random.Generator) -> None:
    """Let a stock SQLite delete, change and add some."""
    ids = rng.choice([item.id for item in library.list(None)], 60, replace=False).tolist()
    some = [f"x'{vector.astype('<f4').tobytes().hex()}'" for vector in vectors(rng, 40)]
    said = Module().write(
        path,
        [f"delete from item where id in ({', '.join(map(str, ids[:40]))})"]
        + [f"update embedding set vector = {blob} where id = {id}" for id, blob in zip(ids[40:], some, strict=False)]
        + [f"insert into entry (library, vector) values ('v', {blob})" for blob in some[20:]],
    )
    assert set(said) == {""}


@pytest.mark.parametrize("metric", METRICS)
def test_after_half_of_them_were_replaced_answers_are_what_they_say(tmp_path: Path, metric: str) -> None:
    rng, path = np.random.default_rng(2), tmp_path / "mind.ngdb"
    with neurograph.open(path, synchronous="off") as db:
        library = db.library.create("v", dimension=D, metric=metric)
        first = library.add(vectors(rng, N))
        assert library.optimize().partitions
        assert min(compared(db, library, 0)) < 1.0
        for turn in range(3):
            replaced(library, rng, N // 5, 0.1 * turn)
            before = rows_of(db)
            db.begin()
            replaced(library, rng, N // 5, 1.0)
            compared(db, library, turn, 20)
            db.rollback()
            assert rows_of(db)[0] == before[0]
            by_others(path, library, rng)
            compared(db, library, turn, 20)
        left = np.isin(first, rows_of(db)[0]).mean()
        assert left < 0.55
        library.optimize()
        assert min(compared(db, library, 5)) < 1.0
        assert db.check() == []
