"""`ng_embed` makes vectors of texts in SQL, never while the write lock is held."""

from __future__ import annotations

import apsw
import pytest

from neurograph import Database, EmbeddingEngine, Library, errors
from neurograph.stores.library.vectors import little_endian


@pytest.fixture(scope="module")
def encoder() -> EmbeddingEngine:
    return EmbeddingEngine.default()


@pytest.fixture
def notes(db: Database, encoder: EmbeddingEngine) -> Library:
    notes = db.library.create("notes", model=encoder)
    notes.add(keys=["cat", "market"], texts=["a cat asleep", "stocks fell"])
    return notes


def one(db: Database, call: str) -> object:
    return db.execute(f"select {call}").fetchall()[0][0]


def test_the_vector_is_python_s(db: Database, notes: Library, encoder: EmbeddingEngine) -> None:
    assert one(db, "ng_embed('notes', 'kitten')") == little_endian(encoder.embed_query("kitten"))
    assert one(db, "ng_embed('notes', 'kitten', 'document')") == little_endian(encoder.embed("kitten"))
    found = db.execute("select id, key, distance from ng_knn('notes', ng_embed('notes', 'kitten'), 5)").fetchall()
    assert found == [(hit.id, hit.key, hit.distance) for hit in notes.search("kitten", 5)]


def test_null_gives_null(db: Database, notes: Library) -> None:
    assert one(db, "ng_embed(null, 'a')") is one(db, "ng_embed('notes', null)") is None
    assert one(db, "ng_embed('notes', 'cat', null)") == one(db, "ng_embed('notes', 'cat')")


def test_no_encoder_runs_while_the_write_lock_is_held(db: Database, notes: Library) -> None:
    writes = (
        "insert into entry (library, vector) select 'notes', ng_embed('notes', 'unseen')",
        "update embedding set vector = ng_embed('notes', 'unseen')",
    )
    for sql in writes:
        with pytest.raises(errors.Misuse, match="cannot make vectors of text inside a transaction"):
            db.execute(sql)
    with db.transaction(), pytest.raises(errors.Misuse, match="cannot make vectors of text inside a transaction"):
        db.execute("select ng_embed('notes', 'unseen')")
    assert len(notes) == 2
    notes.embed(["unseen"], "query")
    with db.transaction():
        assert one(db, "ng_embed('notes', 'unseen')") == notes._vector_of("unseen")
        db.execute(writes[0])
    db.execute("insert into entry (library, vector) select 'notes', ng_embed('notes', 'stocks fell', 'document')")
    assert [hit.distance < 1e-6 for hit in notes.search("stocks fell", 2)] == [True, True]


def test_it_writes_nothing(db: Database, notes: Library) -> None:
    before = db.execute("select count(*) from text_vector").fetchall()
    assert one(db, "ng_embed('notes', 'unseen')")
    assert db.execute("select count(*) from text_vector").fetchall() == before


def test_no_view_or_trigger_of_the_file_may_need_it(db: Database, notes: Library) -> None:
    db.execute("create view v as select ng_embed('notes', 'a') as vector")
    with pytest.raises(apsw.SQLError, match="unsafe use of ng_embed"):
        db.execute("select * from v")


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        ("ng_embed('nots', 'a')", errors.LibraryNotFound, "ng_embed: no library has the name 'nots'; the closest are"),
        ("ng_embed('plain', 'a')", errors.NotHere, "library 'plain' must have an encoder"),
        ("ng_embed(1, 'a')", errors.InvalidValue, "ng_embed: library must be a name, got 1"),
        ("ng_embed('notes', x'00')", errors.InvalidValue, "ng_embed: text must be a text, got b'"),
        ("ng_embed('notes', 'a', 'poem')", errors.UnknownName, "ng_embed: kind must be"),
        ("ng_embed('notes', 'a', 1)", errors.InvalidValue, "ng_embed: kind must be 'document' or 'query', got 1"),
        ("ng_embed('notes')", apsw.SQLError, "wrong number of arguments"),
    ],
)
def test_what_is_wrong_is_said(db: Database, notes: Library, call: str, error: type[Exception], said: str) -> None:
    db.library.create("plain", dimension=2)
    with pytest.raises(error, match=said):
        one(db, call)
