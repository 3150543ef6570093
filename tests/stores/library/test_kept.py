"""What an encoder made of a text is kept in the file, and is believed only while it is what was made."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from counting_encoders import Counting, encoder_of

import neurograph
from neurograph import Library, errors
from neurograph.stores.library.texts import kept
from processes import python

TEXTS = ["a cat asleep on the sofa", "stocks fell sharply on Monday", "the dog barks at night"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("encoders")


@pytest.fixture
def encoder(folder: Path) -> Counting:
    encoder = encoder_of(folder)
    encoder.read = []
    return encoder


@pytest.fixture
def notes(db: neurograph.Database, encoder: Counting) -> Iterator[Library]:
    notes = db.library.create("notes", model=encoder)
    yield notes
    assert db.check() == []


def test_a_text_is_read_once(notes: Library, encoder: Counting) -> None:
    vectors = notes.embed([*TEXTS, TEXTS[0]])
    assert encoder.read == TEXTS
    assert (vectors == notes.embed([*TEXTS, TEXTS[0]])).all()
    assert (vectors[0] == vectors[3]).all()
    ids = notes.add(texts=TEXTS)
    notes.set("again", text=TEXTS[1])
    assert (notes.vectors(ids) == vectors[:3]).all()
    assert notes.search(TEXTS[2], 1)[0].distance < 1e-6
    assert encoder.read == TEXTS


def test_what_items_hold_is_not_held_twice(db: neurograph.Database, notes: Library, encoder: Counting) -> None:
    notes.embed(TEXTS)
    assert db.execute("select count(vector), count(*) from text_vector").fetchall() == [(3, 3)]
    notes.add(texts=[*TEXTS, None])
    assert db.execute("select count(vector), count(*) from text_vector").fetchall() == [(0, 3)]
    other = db.library.create("other", model=encoder)
    other.add(texts=TEXTS)
    assert encoder.read == TEXTS
    db.library.drop("notes")
    other.add(texts=TEXTS)
    assert encoder.read == TEXTS
    other.delete_many([item.id for item in other])
    assert db.execute("select * from text_vector").fetchall() == []


def test_an_update_takes_the_text_s_vector_along(notes: Library, encoder: Counting) -> None:
    notes.add(keys=["a", "b"], texts=TEXTS[:2])
    notes.add(keys=["a", "c", "b"], texts=[TEXTS[2], TEXTS[0], TEXTS[1]], on_conflict="update")
    assert encoder.read == TEXTS  # of "a cat asleep" the vector was there when the call began
    assert (notes.vectors(["c", "b", "a"]) == encoder.embed_batch(TEXTS)).all()
    notes.add(keys=["a"], texts=["unseen"], on_conflict="ignore")
    notes.update("a", text=TEXTS[0])
    assert notes.get("a").text == TEXTS[0]
    assert (notes.embed(TEXTS[:1]) == notes.vector("c")).all()


def test_inside_a_transaction_what_is_kept_is_found(db: neurograph.Database, notes: Library) -> None:
    vectors = notes.embed(TEXTS)
    with db.transaction():
        ids = notes.add(texts=TEXTS)
        assert notes.search(TEXTS[1], 1)[0].id == ids[1]
        assert (notes.embed(TEXTS) == vectors).all()
        notes.set("x", text=TEXTS[0])
        with pytest.raises(errors.Misuse, match=r"make them before it with library\.embed\(texts\)"):
            notes.embed([TEXTS[0], "unseen"])
    assert (notes.vectors(ids) == vectors).all()


def test_queries_and_documents_share_what_no_prefix_tells_apart(
    db: neurograph.Database, folder: Path, encoder: Counting, notes: Library
) -> None:
    notes.embed(["cats"], "query")
    notes.embed(["cats"])
    assert encoder.read == ["cats"]
    prefixed = encoder_of(folder, query_prefix="query: ")
    asked = db.library.create("asked", model=prefixed)
    one, other = asked.embed(["cats"], "query"), asked.embed(["cats"], "document")
    assert prefixed.read == ["cats"]  # once, with the prefix: the document's is that of the encoder without prefixes
    assert (one != other).any()
    assert asked.embed(["query: cats"]).tolist() == one.tolist()


def test_another_encoder_s_vectors_are_never_taken(db: neurograph.Database, folder: Path, notes: Library) -> None:
    notes.embed(TEXTS)
    for options in ({"seed": 2}, {"max_tokens": 3}, {"normalize": False}, {"dimension": 4}):
        encoder = encoder_of(folder, **options)  # type: ignore[arg-type]
        library = db.library.create(str(options), model=encoder)
        assert (library.embed(TEXTS) == encoder.embed_batch(TEXTS)).all()


def test_those_used_least_recently_go(
    db: neurograph.Database, notes: Library, encoder: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns()
    for number in range(5):
        monkeypatch.setattr(time, "time_ns", lambda number=number: now + number * kept.HOUR_NS)
        notes.embed([f"text {number}"], keep=4)
        notes.embed(["text 0"], keep=4)  # used again each hour
    assert encoder.read == ["text 0", "text 1", "text 2", "text 3", "text 4"]
    notes.embed(["text 0", "text 2", "text 3", "text 4"], keep=4)
    assert len(encoder.read) == 5
    notes.embed(["text 1"], keep=2)
    assert encoder.read[5:] == ["text 1"]
    assert db.execute("select count(*) from text_vector").fetchall() == [(2,)]
    notes.embed(["unseen"], keep=0)
    assert db.execute("select count(*) from text_vector").fetchall() == [(2,)]
    assert db.drop_derived() == 2
    notes.embed(["text 1"])
    assert encoder.read[6:] == ["unseen", "text 1"]


@pytest.mark.parametrize(
    "damage",
    [
        "update text_vector set vector = cast(x'0000c07f' || substr(vector, 5) as blob)",
        "update text_vector set vector = substr(vector, 5)",
        "update text_vector set vector = x''",
        "update text_vector set vector = zeroblob(length(vector))",
        "update text_vector set digest = zeroblob(8)",
    ],
)
def test_what_was_damaged_is_noticed_and_made_again(
    db: neurograph.Database, notes: Library, encoder: Counting, damage: str
) -> None:
    vectors = notes.embed(TEXTS)
    db.execute(damage)
    assert {found.invariant for found in db.check()} == {"text_vector.digest"}
    assert (notes.embed(TEXTS) == vectors).all()
    assert encoder.read == TEXTS * 2
    assert db.check() == []


def test_an_item_s_vector_that_somebody_changed_answers_no_text(
    db: neurograph.Database, notes: Library, encoder: Counting
) -> None:
    ids = notes.add(texts=TEXTS)
    vectors = notes.vectors(ids)
    db.execute("update embedding set vector = (select vector from embedding where id = ?)", [int(ids[2])])
    notes.update(ids[1], vector=vectors[0])
    assert (notes.embed(TEXTS) == vectors).all()
    assert encoder.read == [*TEXTS, TEXTS[0], TEXTS[1]]
    db.execute("insert or replace into item (id, library_id, text) values (?, ?, 'other')", [int(ids[2]), notes.id])
    assert (notes.embed(TEXTS) == vectors).all()
    assert encoder.read[5:] == [TEXTS[2]]


def test_a_handle_that_only_reads_finds_what_is_kept(db: neurograph.Database, notes: Library) -> None:
    vectors = notes.embed(TEXTS)
    with db.reader() as reader:
        library = reader.library.get("notes")
        assert (library.embed(TEXTS) == vectors).all()
        with pytest.raises(errors.NotHere, match="must have its encoder"):
            library.embed(["unseen"])
        library.attach(notes._encoders._attached[notes.id])
        assert library.embed(["unseen"]).shape == (1, 8)
    assert db.execute("select count(*) from text_vector").fetchall() == [(3,)]
    with db.snapshot():
        assert notes.embed(["unseen too"]).shape == (1, 8)
    assert db.execute("select count(*) from text_vector").fetchall() == [(3,)]


def test_without_its_model_a_file_still_answers_what_is_kept(tmp_path: Path, encoder: Counting) -> None:
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path) as db:
        notes = db.library.create("notes", model=encoder)
        notes.add(keys=["cat", "stocks", "dog"], texts=TEXTS)
        notes.embed(["kitten"], "query")
        expected = notes.search("kitten", 3)
    said = python(
        """
        import sys
        for name in ("onnxruntime", "tokenizers", "wordllama"):
            sys.modules[name] = None
        import neurograph
        with neurograph.open(sys.argv[1], mode="r") as db:
            notes = db.library.get("notes")
            print([hit.key for hit in notes.search("kitten", 3)], "numpy" in sys.modules)
            print(db.execute("select key from ng_knn('notes', ng_embed('notes', 'kitten'), 1)").fetchall())
            print([hit.key for hit in notes.search(key="cat", k=1)], [h.key for h in notes.search([1] * 8, k=1)])
            try:
                notes.search("puppy")
            except neurograph.errors.NotHere as error:
                print(error)
        """,
        path,
    ).splitlines()
    assert said[0] == f"{[hit.key for hit in expected]} False"
    assert said[1] == f"[({expected[0].key!r},)]"
    hashed = encoder.identity.weights_sha256 or ""
    assert said[3].startswith(
        f"library 'notes' must have its encoder, {encoder.identity.model!r} (weights {hashed[:16]}"
    )
    assert "library.attach(EmbeddingEngine(path))" in said[3]


def test_many_texts_are_kept_in_slices(
    db: neurograph.Database, notes: Library, encoder: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neurograph.stores.library.texts import encoders

    monkeypatch.setattr(encoders, "AT_ONCE", 7)
    monkeypatch.setattr(encoders, "WRITTEN_BYTES", 100)
    texts = [f"text {n % 20}" for n in range(50)]
    vectors = notes.embed(texts)
    assert len(encoder.read) == 20
    assert np.abs(vectors - encoder.embed_batch(texts)).max() < 1e-6
    assert db.execute("select count(*) from text_vector").fetchall() == [(20,)]
    assert notes.embed([]).shape == (0, 8)


def test_a_file_that_another_keeps_busy_is_no_reason_to_fail(tmp_path: Path, encoder: Counting) -> None:
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path, busy_timeout_s=0.0) as db, neurograph.open(path) as other:
        notes = db.library.create("notes", model=encoder)
        with other.transaction():
            assert notes.embed(TEXTS).shape == (3, 8)
        assert db.execute("select count(*) from text_vector").fetchall() == [(0,)]


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda notes: notes.embed("one"), errors.InvalidValue, "texts must be a sequence of strings, got 'one'"),
        (lambda notes: notes.embed({"one": 1}), errors.InvalidValue, "texts must be a sequence of strings, got {'one'"),
        (lambda notes: notes.embed({"one"}), errors.InvalidValue, "texts must be a sequence of strings, got {'one'"),
        (lambda notes: notes.attach("one"), errors.InvalidValue, "encoder must be an EmbeddingEngine, got 'one'"),
        (lambda notes: notes.embed([1]), errors.InvalidValue, r"texts\[0\] must be"),
        (lambda notes: notes.embed(["\ud800"]), errors.InvalidValue, r"texts\[0\] must be"),
        (lambda notes: notes.search("\ud800"), errors.InvalidValue, "text must be"),
        (lambda notes: notes.embed(["a"], "poem"), errors.UnknownName, "kind must be"),
        (lambda notes: notes.embed(["a"], keep=-1), errors.InvalidValue, r"keep must be in \[0, "),
    ],
)
def test_what_is_wrong_is_said(notes: Library, call, error, said) -> None:
    with pytest.raises(error, match=said):
        call(notes)


def test_a_library_of_arrays_embeds_nothing(db: neurograph.Database) -> None:
    plain = db.library.create("plain", dimension=2)
    with pytest.raises(errors.NotHere, match="library 'plain' must have an encoder"):
        plain.embed(["a"])
    db.library.drop("plain")
    with pytest.raises(errors.LibraryNotFound):
        plain.embed(["a"])


@pytest.mark.parametrize("foreign_keys", [0, 1])
def test_what_a_stock_sqlite_takes_away_takes_its_text_along(
    tmp_path: Path, encoder: Counting, foreign_keys: int
) -> None:
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path) as db:
        for name in ("notes", "other"):
            db.library.create(name, model=encoder).add(keys=["cat", "stocks", "dog"], texts=TEXTS)
        db.library.get("notes").embed(["a question"], "query")
    python(
        """
        import sqlite3, sys
        line = sqlite3.connect(sys.argv[1])
        line.execute(f"pragma foreign_keys = {sys.argv[2]}")
        with line:
            line.execute("delete from item where key = 'stocks' and library_id = 1")
            line.execute("insert or replace into item (id, library_id, key) values (1 << 32 | 9, 1, 'cat')")
            line.execute("delete from library where id = 2")
        line.close()
        """,
        path,
        foreign_keys,
    )
    with neurograph.open(path) as db:
        assert db.check() == []
        kept_ids = db.execute("select id from text_vector order by id").fetchall()
        assert kept_ids == [(1,), (1 << 32 | 3,)]
