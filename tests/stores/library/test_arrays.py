"""Codes answer as rows do, whatever changed since they were made: chunks patched, slots emptied, arrays moved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import numpy as np
import pytest

import neurograph
from neurograph import Library, errors
from neurograph.derived import mechanism
from neurograph.derived.kind import Tick
from neurograph.stores.library.nearest import kind
from neurograph.stores.library.nearest.arrays import VectorArrays
from neurograph.stores.library.nearest.kind import VectorKind
from neurograph.stores.library.nearest.scan import Question
from neurograph.stores.where import is_lasting

pytestmark = pytest.mark.kernels

DIMENSION = 5
RNG = np.random.default_rng(8)


def vectors(count: int) -> np.ndarray:
    """Return vectors among which there are equal ones, and some without length."""
    found = RNG.normal(size=(count, DIMENSION)).astype(np.float32)
    found[RNG.random(count) < 0.2] = found[0]
    found[RNG.random(count) < 0.02] = 0.0
    return found


def same(library: Library, *, where: Any = None) -> None:
    """Assert that both engines find the same, near and far."""
    for query in (*vectors(2), np.zeros(DIMENSION, np.float32)):
        for k in (1, 40, 10**6):
            by_rows = library.search(query, k, where=where, engine="sqlite-vec")
            assert library.search(query, k, where=where, engine="numba") == by_rows
        page = by_rows[len(by_rows) // 2] if len(by_rows) else None
        rest = library.search(query, 30, after=page, max_distance=1.0, engine="sqlite-vec")
        assert library.search(query, 30, after=page, max_distance=1.0, engine="numba") == rest


@pytest.fixture(params=["cosine", *(pytest.param(name, marks=pytest.mark.compiled) for name in ("l2", "dot"))])
def library(request: pytest.FixtureRequest, db: neurograph.Database) -> Library:
    library = db.library.create("v", dimension=DIMENSION, metric=request.param)
    library.add(vectors(1500), metadata=[{"n": n % 7} for n in range(1500)])
    return library


def test_changes_of_rows_are_changes_of_codes(db: neurograph.Database, library: Library) -> None:
    same(library)
    ids = np.array([item.id for item in library])
    library.update(int(ids[700]), vector=vectors(1)[0])
    same(library)
    library.delete_many(ids[600:640])
    same(library)
    library.add(vectors(3))
    same(library)
    library.add(vectors(900))  # more than there is room for
    same(library, where="json_extract(metadata, '$.n') < 3")
    library.update(int(ids[5]), vector=None)
    same(library)
    library.update(int(ids[5]), vector=vectors(1)[0])  # its slot is there still
    same(library)
    library.delete_many(ids[:500])  # more than a quarter is empty: slots are moved together
    same(library)
    library.delete_many([item.id for item in library])
    same(library)
    assert db.check() == []


def test_an_id_between_others_is_found(db: neurograph.Database, library: Library) -> None:
    ids = [item.id for item in library]
    library.delete_many([ids[3], ids[900]])
    same(library)
    for id in (ids[900], ids[3], ids[-1] + 2000, ids[-1] + 7):
        db.execute("insert into item (id, library_id) values (?, ?)", [id, library.id])
        db.execute("insert into embedding values (?, ?)", [id, vectors(1).tobytes()])
        same(library)
    same(library, where=("item.id in (?, ?)", [ids[3], ids[-1] + 7]))


def test_uncommitted_rows_are_the_transactions_own(db: neurograph.Database, library: Library) -> None:
    same(library)
    query = np.full(DIMENSION, 7.0, np.float32)
    before = library.search(query, 5, engine="numba")
    db.begin()
    mine = library.add([query])[0]
    assert mine in [hit.id for hit in library.search(query, 5, engine="numba")]
    with neurograph.open(db.path) as other:
        assert other.library.get("v").search(query, 5, engine="numba") == before
    same(library)
    db.rollback()
    assert library.search(query, 5, engine="numba") == before
    with neurograph.open(db.path) as other:
        other.library.get("v").add([query])
    same(library)


def test_however_many_chunks_changed_few_bytes_are_read_at_a_time(
    monkeypatch: pytest.MonkeyPatch, db: neurograph.Database, library: Library
) -> None:
    library.add(vectors(1500))  # six chunks
    library.search(np.ones(DIMENSION), 1, engine="numba")
    patch, read = VectorKind.patch, []

    def patched(kind: VectorKind, arrays: VectorArrays, chunks: list[int], columns: Any) -> VectorArrays:
        read.append((len(chunks), len(columns[0])))
        return patch(kind, arrays, chunks, columns)

    monkeypatch.setattr(VectorKind, "patch", patched)
    for size, expected in ((1, 1), (30_000, 2), (1 << 30, 3)):
        monkeypatch.setattr(mechanism, "PATCHED_BYTES", size)
        read.clear()
        with db.transaction():
            for item in [*library][400:1500:500]:  # in three chunks
                library.update(item, vector=vectors(1)[0])
        same(library)
        assert [chunks for chunks, _ in read] == [expected] * (3 // expected) + [3 % expected] * (3 % expected > 0)
        assert max(rows for _, rows in read) <= 512 * expected


def test_codes_that_are_being_copied_are_not_patched_meanwhile(
    monkeypatch: pytest.MonkeyPatch, db: neurograph.Database, library: Library
) -> None:
    """A reader copies what the writer holds; before the copy is made, the writer changes a row and asks."""
    ids, far, copy = [item.id for item in library], np.full(DIMENSION, 7.0, np.float32), VectorKind.copy
    library.update(ids[0], vector=-far)
    library.search(far, 1, engine="numba")

    def copied(kind: VectorKind, arrays: VectorArrays, tick: Tick) -> VectorArrays:
        monkeypatch.undo()
        library.update(ids[0], vector=far)
        assert library.search(far, 1, engine="numba")[0].id == ids[0]
        return copy(kind, arrays, tick)

    monkeypatch.setattr(VectorKind, "copy", copied)
    library.update(ids[-1], vector=far)
    reader = db._session.borrow()
    reader.connection.execute("begin")
    asked = Question((-far).tobytes(), 3)
    by_codes = library._nearest(reader, asked, [asked.query], "numba")
    assert library.search(far, 1, engine="numba")[0].id == ids[0]
    assert by_codes == library._nearest(reader, asked, [asked.query], "sqlite-vec")
    assert by_codes[0][0][0][0] == ids[0]
    db._session.give_back(reader)


@pytest.mark.parametrize("way", ["copy", "together"])
def test_moving_codes_can_be_stopped_and_loses_none(
    monkeypatch: pytest.MonkeyPatch, db: neurograph.Database, library: Library, way: str
) -> None:
    monkeypatch.setattr(kind, "MOVED_ROWS", 100)
    reader, asked = db._session.borrow(), Question(np.ones(DIMENSION, np.float32).tobytes(), 1)
    reader.connection.execute("begin")
    library.search(np.ones(DIMENSION), 1, engine="numba")
    if way == "together":
        library.delete_many([item.id for item in library][:500])  # of one chunk: others stay as they are
    else:
        library._nearest(reader, asked, [asked.query], "numba")  # it holds the arrays, too
        library.update(next(iter(library)), vector=vectors(1)[0])
    moving, moved = getattr(VectorKind, way), []

    class StopError(Exception):
        pass

    def stopped(self: VectorKind, arrays: VectorArrays, tick: Tick) -> VectorArrays:
        def stop() -> None:
            moved.append(way)
            if len(moved) == 5:
                raise StopError

        return moving(self, arrays, stop)  # type: ignore[no-any-return]

    monkeypatch.setattr(VectorKind, way, stopped)
    with pytest.raises(StopError):
        library.search(np.ones(DIMENSION), 1, engine="numba")
    monkeypatch.setattr(VectorKind, "gather", None)  # codes that took long to make are not made anew
    same(library)
    library.update(next(iter(library)), vector=vectors(1)[0])
    same(library)
    assert len(moved) > 10
    db._session.give_back(reader)


def test_vectors_that_are_no_numbers_are_never_found(db: neurograph.Database, library: Library) -> None:
    same(library)
    for value in (np.nan, np.inf, -np.inf):
        row = np.full(DIMENSION, value, np.float32).tobytes()
        db.execute("insert into entry (library, vector) values ('v', ?)", [row])
        db.execute("update embedding set vector = ? where id = ?", [row, library.list(1)[0].id])
        same(library)
    assert len(library.search(np.ones(DIMENSION), 10**6, engine="numba")) == 1499
    assert {found.invariant for found in db.check()} == {"embedding.finite"}
    db.library.drop("v")


def test_libraries_keep_apart(db: neurograph.Database, library: Library) -> None:
    other = db.library.create("other", dimension=DIMENSION)
    other.add(vectors(600))
    same(other)
    same(library)
    db.library.drop("other")
    same(library)
    with pytest.raises(errors.LibraryNotFound):
        other.search(np.ones(DIMENSION), engine="numba")


def test_many_questions_are_answered_as_one_by_one(library: Library) -> None:
    queries = vectors(70)
    ids, distances = library.search_many(queries, 12, engine="numba")
    for query, row, told in zip(queries, ids.tolist(), distances.tolist(), strict=True):
        hits = library.search(query, 12, engine="sqlite-vec")
        assert (row, told) == ([hit.id for hit in hits], [hit.distance for hit in hits])


def test_what_has_no_room_is_answered_from_rows(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "mind.ngdb", memory_budget_bytes=10_000) as db:
        library = db.library.create("v", dimension=DIMENSION)
        library.add(vectors(2000))
        assert len(library.search(np.ones(DIMENSION), 7)) == 7
        with pytest.raises(errors.NotHere, match="memory_budget_bytes"):
            library.search(np.ones(DIMENSION), engine="numba")
    with neurograph.open(tmp_path / "mind.ngdb", engine="sql") as db:
        with pytest.raises(errors.NotHere, match="engine='sql'"):
            db.library.get("v").search(np.ones(DIMENSION), engine="numba")
        with pytest.raises(errors.InvalidValue, match="engine must be one of"):
            db.library.get("v").search(np.ones(DIMENSION), engine="sql")


def test_explain_names_the_way(db: neurograph.Database, library: Library) -> None:
    ask = "select id from ng_knn('v', ?)"
    blob = np.ones(DIMENSION, np.float32).tobytes()
    assert "sqlite-vec over embedding" in str(db.explain(ask, [blob]))
    library.search(np.ones(DIMENSION), engine="numba")
    assert f"kernels over {VectorKind(library._space).name}" in str(db.explain(ask, [blob]))


def test_a_condition_is_asked_again_when_anything_changed(db: neurograph.Database, library: Library) -> None:
    few = ("json_extract(metadata, '$.n') = ?", [3])
    for engine in ("numba", "numba"):
        assert library.search(np.ones(DIMENSION), 10**6, where=few, engine=engine) == library.search(
            np.ones(DIMENSION), 10**6, where=few, engine="sqlite-vec"
        )
    db.execute("update item set metadata = '{\"n\": 3}' where id % 5 = 0")
    same(library, where=few)
    db.begin()
    db.execute("update item set metadata = null where id % 5 = 1")
    same(library, where=few)
    db.rollback()
    same(library, where=few)
    with neurograph.open(db.path) as other:
        other.execute("update item set metadata = '{\"n\": 3}' where id % 5 = 2")
    same(library, where=few)


@pytest.mark.parametrize(
    ("condition", "lasting"),
    [
        ("json_extract(metadata, '$.n') < 3 and key in ('a', 'b')", True),
        ("token.label like 'c%' or (x between 0 and 1)", True),
        ("abs(random()) % 2", False),
        ("text > date('now')", False),
        ("created < current_timestamp", False),
        ("id in (select id from other)", False),
        ("random/**/() > 0", False),
        ('"random"() > 0', False),
        ("my_own(key)", False),
        ("text match 'x'", False),
    ],
)
def test_only_what_depends_on_the_row_alone_is_remembered(condition: str, lasting: bool) -> None:
    assert is_lasting(condition, []) is lasting


def test_none_and_ids_of_others_leave_what_is_left(db: neurograph.Database, library: Library) -> None:
    other = db.library.create("other", dimension=DIMENSION).add(vectors(3))
    same(library, where="false")
    one = library.search(np.ones(DIMENSION), 1)[0].id
    for among in ([], other, [*other, 1, (1 << 63) - 1, one], [one] * 3):
        by_rows = library.search(np.ones(DIMENSION), 5, among=among, engine="sqlite-vec")
        assert library.search(np.ones(DIMENSION), 5, among=among, engine="numba") == by_rows


def test_few_that_a_condition_leaves_are_found_with_pages_and_limits(db: neurograph.Database, library: Library) -> None:
    few = "item.id % 11 = 0"
    library.search(np.ones(DIMENSION), 1, engine="numba")
    ids = [hit.id for hit in library.search(np.ones(DIMENSION), 9, where=few)]
    library.update(ids[0], vector=None)
    library.delete(ids[1])
    db.execute("update embedding set vector = ? where id = ?", (np.full(DIMENSION, np.nan, "<f4").tobytes(), ids[2]))
    same(library, where=few)
    for query in vectors(3):
        first = library.search(query, 20, where=few, engine="sqlite-vec")
        told = {"after": first[4], "max_distance": first[15].distance, "where": few}
        rest = library.search(query, 20, engine="sqlite-vec", **told)
        assert library.search(query, 20, engine="numba", **told) == rest
        assert len(rest) >= 11
    many = vectors(5)
    by_rows = library.search_many(many, 30, where=few, engine="sqlite-vec")
    by_codes = library.search_many(many, 30, where=few, engine="numba")
    assert [part.tolist() for part in by_codes] == [part.tolist() for part in by_rows]
    library.delete(ids[2])


def test_more_ids_than_a_text_holds_are_found_too(db: neurograph.Database, library: Library) -> None:
    few = "item.id % 3 > 0"
    by_rows = library.search(np.ones(DIMENSION), 50, where=few, engine="sqlite-vec")
    with db._session.reading() as line:
        usual = line.connection.limit(apsw.SQLITE_LIMIT_LENGTH, 500)
        try:
            assert library.search(np.ones(DIMENSION), 50, where=few, engine="numba") == by_rows
        finally:
            line.connection.limit(apsw.SQLITE_LIMIT_LENGTH, usual)


def test_an_id_that_a_rollback_gave_back_is_another_library(db: neurograph.Database) -> None:
    for metric in ("l2", "cosine", "dot"):
        db.begin()
        library = db.library.create("again", dimension=DIMENSION, metric=metric)
        assert library.id == 1
        library.add(vectors(100))
        same(library)
        db.rollback()
