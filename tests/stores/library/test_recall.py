"""An approximate search returns true rows at their true distances, misses as few as was asked, and says how many."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from library_cases import METRICS, SPREADS, D
from library_cases import vectors as spread

import neurograph
from neurograph import Hits, Library, Recall, errors
from neurograph.stores.library.nearest import calibration
from neurograph.stores.library.nearest.bits import BitKind
from neurograph.stores.library.nearest.calibration import keep
from neurograph.stores.library.nearest.points import Calibration, read_points

pytestmark = pytest.mark.kernels

DIMENSION = 12
FEW = {"exact": False, "engine": "numba"}


@pytest.fixture(autouse=True)
def small_libraries_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have libraries of hundreds searched approximately, so that plain Python can run these tests too."""
    monkeypatch.setattr(calibration, "LEAST_VECTORS", 50)
    monkeypatch.setattr(calibration, "LEAST_GAIN", 1)
    monkeypatch.setattr(calibration, "SAMPLE", 24)
    monkeypatch.setattr(calibration, "NEIGHBORS", (1, 5, 10))
    monkeypatch.setattr(calibration, "RANKS", (60, 200))


@pytest.fixture
def measurements(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that has one element more after each measurement."""
    seen: list[int] = []
    real = calibration.measured

    def counted(*args: Any) -> Any:
        seen.append(1)
        return real(*args)

    monkeypatch.setattr(calibration, "measured", counted)
    return seen


def clustered(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centers = np.random.default_rng(0).normal(size=(12, DIMENSION))
    found: np.ndarray = centers[rng.integers(12, size=count)] + 0.3 * rng.normal(size=(count, DIMENSION))
    return found.astype(np.float32)


@pytest.fixture(params=METRICS)
def library(request: pytest.FixtureRequest, db: neurograph.Database) -> Library:
    library = db.library.create("v", dimension=DIMENSION, metric=request.param)
    library.add(clustered(1, 300), keys=[f"k{i}" for i in range(300)])
    return library


@pytest.fixture
def cosine(db: neurograph.Database) -> Library:
    library = db.library.create("v", dimension=DIMENSION)
    library.add(clustered(1, 300))
    return library


def true(library: Library, queries: np.ndarray, k: int = 5) -> float:
    """Assert that what approximate searches find is true and in order; return how much of the nearest it is."""
    shares = []
    for query in queries:
        every = library.search(query, 10**6, engine="sqlite-vec")
        found = library.search(query, k, **FEW)
        pairs = [(hit.distance, hit.id) for hit in found]
        assert pairs == sorted(pairs)
        assert set(found) <= set(every)
        assert len(found) == min(k, len(every))
        shares.append(len({hit.id for hit in found} & {hit.id for hit in every[:k]}) / max(1, len(found)))
    return float(np.mean(shares))


def test_most_of_the_nearest_are_found_and_the_rest_is_true(library: Library) -> None:
    queries = clustered(2, 12)
    assert true(library, queries) > 0.95
    assert 0.99 <= library.search(queries[0], 5, **FEW).recall <= 1.0
    assert library.search(queries[0], 5, recall=0.8, **FEW).recall >= 0.8
    assert library.search(queries[0], 5).recall == 1.0
    told = library.recall(5, sample=30)
    assert (told.sample, told.k, told.mean >= 0.98) == (30, 5, True)
    assert 0.5 <= told.first_percentile <= told.mean
    assert told.candidates is not None
    assert 5 <= told.candidates < 300


def test_changes_are_seen_whoever_made_them(db: neurograph.Database, library: Library) -> None:
    queries = clustered(3, 4)
    near = queries * (10 if library.metric == "dot" else 1)  # a vector is not what is nearest to itself there
    true(library, queries)
    ids = np.array([item.id for item in library])
    library.update(int(ids[7]), vector=near[0])
    library.delete_many(ids[100:130])
    assert true(library, queries) > 0.9
    assert library.search(queries[0], 1, **FEW).ids.tolist() == [ids[7]]
    before = library.search(queries[1], 5, **FEW)
    db.begin()
    mine = library.add(near[1:2])[0]
    assert library.search(queries[1], 1, **FEW).ids.tolist() == [mine]
    with neurograph.open(db.path) as other:
        assert other.library.get("v").search(queries[1], 5, **FEW) == before
    db.rollback()
    assert library.search(queries[1], 5, **FEW) == before
    with neurograph.open(db.path) as other:
        theirs = other.library.get("v").add([near[2]] * 300)
    true(library, queries)
    assert library.search(queries[2], 1, **FEW).ids.tolist() == [theirs[0]]
    library.delete_many(theirs)
    true(library, queries)
    library.delete_many([item.id for item in library][30:])
    assert true(library, queries) == 1.0


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", SPREADS)
def test_what_is_found_is_true_of_vectors_of_any_kind(db: neurograph.Database, name: str, metric: str) -> None:
    library = db.library.create("v", dimension=D, metric=metric)
    library.add(spread(name, 100))
    true(library, np.concatenate([spread(name, 2, 1), spread("structureless", 1, 1), np.zeros((1, D), np.float32)]))


def test_a_batch_finds_what_its_questions_find_one_by_one(library: Library) -> None:
    queries = clustered(4, 7)
    found = library.search_many(queries, 5, **FEW)
    ids, distances = found
    assert found.recall == library.search(queries[0], 5, **FEW).recall
    assert library.search_many(queries, 5).recall == library.search_many(queries[:0], 5).recall == 1.0
    again = pickle.loads(pickle.dumps(found))
    assert (again.ids.tolist(), again.distances.tolist(), again.recall) == (
        *map(np.ndarray.tolist, found),
        found.recall,
    )
    for query, row, told in zip(queries, ids.tolist(), distances.tolist(), strict=True):
        hits = library.search(query, 5, **FEW)
        assert (row, told) == (hits.ids.tolist(), hits.distances.tolist())


def test_an_item_that_is_asked_about_is_left_out(library: Library) -> None:
    found = library.search("k7", 5, **FEW)
    assert len(found) == 5
    assert "k7" not in [hit.key for hit in found]
    assert set(found) <= set(library.search("k7", 10**6))


def test_questions_about_a_part_are_answered_exactly(library: Library) -> None:
    query = clustered(5, 1)[0]
    page = library.search(query, 3)
    for asked in (
        {"where": "key like '%7'"}, {"among": list(range(1, 99))}, {"max_distance": 2.0}, {"after": page[-1]}
    ):  # fmt: skip
        found = library.search(query, 5, **asked, **FEW)
        assert found == library.search(query, 5, **asked)
        assert found.recall == 1.0


def test_what_cannot_be_reached_is_answered_exactly(library: Library, db: neurograph.Database) -> None:
    query = clustered(5, 1)[0]
    for k, asked in ((5, {"recall": 1.0}), (11, {}), (0, {}), (5, {"engine": "sqlite-vec"})):
        found = library.search(query, k, **FEW | asked)
        assert found == library.search(query, k)
        assert found.recall == 1.0
    assert library.recall(11) == Recall(1.0, 1.0, 0, 11, None)
    assert library.recall(5, 1.0).candidates is None
    loose = db.library.create("loose", dimension=D)
    loose.add(spread("structureless", 49))  # fewer than are worth it
    assert loose.search(spread("structureless", 1, 1)[0], **FEW).recall == 1.0


def test_hits_carry_their_recall_along(cosine: Library) -> None:
    found = cosine.search(clustered(6, 1)[0], 5, recall=0.9, **FEW)
    assert 0.9 <= found.recall < 1.0
    assert found[1:].recall == pickle.loads(pickle.dumps(found)).recall == found.recall
    assert pickle.loads(pickle.dumps(found)) == found
    assert Hits([1], [None], [0.5]).recall == 1.0


def test_it_is_measured_once_and_again_after_a_tenth_has_changed(cosine: Library, measurements: list[int]) -> None:
    query = clustered(7, 1)[0]
    for _ in range(3):
        cosine.search(query, 5, **FEW)
    assert len(measurements) == 1
    cosine.add(clustered(8, 20))
    cosine.delete_many([item.id for item in cosine.list(7)])
    cosine.update(cosine.list(1)[0], vector=query)
    cosine.update(cosine.list(1)[0], vector=query)
    cosine.search(query, 5, **FEW)
    assert len(measurements) == 1  # 28 of 313
    cosine.add(clustered(9, 8))
    cosine.search(query, 5, **FEW)
    cosine.search(query, 5, **FEW)
    assert len(measurements) == 2


def test_what_is_kept_serves_a_reader_which_writes_nothing(
    db: neurograph.Database, cosine: Library, measurements: list[int]
) -> None:
    kept = keep(db._session, db._derived, cosine._space)
    assert kept is not None
    assert keep(db._session, db._derived, cosine._space) == kept
    rows = db.execute("select * from calibration").fetchall()
    with neurograph.open(db.path, mode="r") as reader:
        theirs = reader.library.get("v")
        assert theirs.search(clustered(7, 1)[0], 5, **FEW).recall == kept.point(5, 0.99).mean  # type: ignore[union-attr]
        assert theirs.recall(5, sample=9).sample == 9
    assert len(measurements) == 1
    cosine.update(cosine.list(1)[0], vector=clustered(9, 1)[0])  # its chunk is another
    with neurograph.open(db.path, mode="r") as reader:
        reader.library.get("v").search(clustered(7, 1)[0], 5, **FEW)
    assert len(measurements) == 2
    assert db.execute("select * from calibration").fetchall() == rows
    assert keep(db._session, db._derived, cosine._space) is not None
    assert (len(measurements), db.execute("select count(*) from calibration").fetchall()) == (3, [(1,)])
    db.library.drop("v")
    assert db.execute("select * from calibration").fetchall() == []


def test_optimize_keeps_what_it_measured(db: neurograph.Database, cosine: Library, measurements: list[int]) -> None:
    for _ in range(2):
        cosine.optimize()
        assert (len(measurements), db.execute("select count(*) from calibration").fetchall()) == (1, [(1,)])
    with neurograph.open(db.path, mode="r") as reader:
        reader.library.get("v").search(clustered(7, 1)[0], 5, **FEW)
    assert len(measurements) == 1


@pytest.mark.parametrize(
    "points", ["[]", "[1, [2], [5, 0.99, 1e9, 1, 1], [5, 0.99, -1, 1, 1], [5, 2, 9, 1, 1], [5, 0.99, null, 1, 1]]"]
)
def test_what_is_no_calibration_is_passed_over(db: neurograph.Database, cosine: Library, points: str) -> None:
    keep(db._session, db._derived, cosine._space)
    db.execute("update calibration set points = ?", [points])
    with neurograph.open(db.path, mode="r") as reader:
        assert reader.library.get("v").search(clustered(7, 1)[0], 5, **FEW).recall == 1.0
    db.execute("update calibration set points = ?", [json.dumps([[5, 0.99, 5, 0.99, 0.5]])])
    with neurograph.open(db.path, mode="r") as reader:
        assert reader.library.get("v").search(clustered(7, 1)[0], 5, **FEW).recall == 0.99


@pytest.mark.parametrize("text", [f"[[5, 0.9, 0, 1, 1, {1 << 65}]]", f"[[5, 0.9, 9, 1, 1, {1 << 65}]]", "[" * 100_000])
def test_what_no_kernel_takes_is_no_point(text: str) -> None:
    assert read_points(9, text) == Calibration(9, ())


def test_bits_alone_serve_where_codes_have_no_room(tmp_path: Path) -> None:
    queries = clustered(2, 6)
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        library = db.library.create("v", dimension=DIMENSION)
        library.add(clustered(1, 300))
        keep(db._session, db._derived, library._space)
        whole = [library.search(query, 5, recall=0.9, **FEW) for query in queries]
    with neurograph.open(tmp_path / "mind.ngdb", memory_budget_bytes=20_000) as db:
        library = db.library.get("v")
        assert [library.search(query, 5, recall=0.9, **FEW) for query in queries] == whole
        assert library.search(queries[0], 5, recall=0.9, **FEW).recall < 1.0
        assert [shelf.kind.name for shelf in db._derived._shelves.values() if shelf.held] == [
            BitKind(library._space).name
        ]
        db.execute("delete from calibration")
        db._derived.forget()
        assert library.search(queries[0], 5, exact=False).recall == 1.0  # nothing to measure it by
        assert library.recall(5).candidates is None


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda v: v.search([1.0] * DIMENSION, exact=False, recall=0), errors.InvalidValue, "recall must be above 0"),
        (lambda v: v.search([1.0] * DIMENSION, exact=False, recall=1.01), errors.InvalidValue, "recall must be above"),
        (lambda v: v.search([1.0] * DIMENSION, exact=False, recall="9"), errors.InvalidValue, "recall must be a num"),
        (lambda v: v.search([1.0] * DIMENSION, exact=1), errors.InvalidValue, "exact must be True or False, got 1"),
        (lambda v: v.search([1.0] * DIMENSION, recall=0.9), errors.InvalidValue, "recall must be left out of an exact"),
        (lambda v: v.search_many([[1.0] * DIMENSION], recall=0.9), errors.InvalidValue, "recall must be left out"),
        (lambda v: v.recall(0), errors.InvalidValue, "k must be"),
        (lambda v: v.recall(recall=2), errors.InvalidValue, "recall must be above 0 and at most 1, got 2"),
        (lambda v: v.recall(sample=0), errors.InvalidValue, "sample must be"),
        (lambda v: v.recall(timeout_s=0), errors.DeadlineExceeded, "timeout_s"),
    ],
)
def test_refused(cosine: Library, ask: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ask(cosine)


def test_a_library_that_was_dropped_has_no_recall(db: neurograph.Database, cosine: Library) -> None:
    db.library.drop("v")
    for ask in (lambda: cosine.recall(), lambda: cosine.search([1.0] * DIMENSION, **FEW)):
        with pytest.raises(errors.LibraryNotFound):
            ask()


@pytest.mark.parametrize("engine", ["auto", "sqlite-vec", "numba"])
def test_a_question_of_zeros_is_answered_exactly_whatever_their_sign(db: neurograph.Database, engine: str) -> None:
    library = db.library.create("v", dimension=DIMENSION, metric="dot")
    library.add(clustered(1, 300))
    library.search([1.0] * DIMENSION, 5, **FEW)
    zeros = [0.0, -0.0] * (DIMENSION // 2)
    found = library.search(zeros, 5, exact=False, engine=engine)
    assert list(found) == list(library.search(zeros, 5, engine="sqlite-vec"))
    assert found.recall == 1.0


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("engine", ["auto", "sqlite-vec", "numba"])
def test_an_item_whose_vector_is_not_finite_is_named(
    db: neurograph.Database, cosine: Library, engine: str, exact: bool
) -> None:
    id = cosine.set("broken", vector=[1.0] * DIMENSION).id
    db.execute("update embedding set vector = ? where id = ?", [np.full(DIMENSION, np.inf, "<f4").tobytes(), id])
    with pytest.raises(errors.InvalidValue, match=r"item 'broken' .* must have a vector that is finite, got .*update"):
        cosine.search(key="broken", k=3, engine=engine, exact=exact)
    cosine.delete("broken")


def test_of_vectors_that_are_equal_as_many_are_found_as_was_measured(db: neurograph.Database) -> None:
    library = db.library.create("v", dimension=DIMENSION)
    library.add(np.eye(DIMENSION)[np.random.default_rng(1).integers(4, size=300)])
    told = library.recall(5, 0.8, sample=100)
    assert told.mean >= 0.8
    assert told.candidates is not None
