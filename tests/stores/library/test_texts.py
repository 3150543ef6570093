"""Texts become vectors by an encoder that is known by what it is, never inside a transaction."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import neurograph
from neurograph import EmbeddingEngine, Identity, Library, errors
from neurograph.embed.default import DEFAULT_NAME

TEXTS = ["a cat asleep on the sofa", "stocks fell sharply on Monday", "the dog barks at night"]


@pytest.fixture(scope="module")
def encoder() -> EmbeddingEngine:
    return EmbeddingEngine.default()


@pytest.fixture
def notes(db: neurograph.Database, encoder: EmbeddingEngine) -> Iterator[Library]:
    notes = db.library.create("notes", model=encoder)
    notes.add(keys=["cat", "stocks", "dog"], texts=TEXTS)
    yield notes
    assert db.check() == []


def test_the_encoder_says_dimension_and_identity(notes: Library, encoder: EmbeddingEngine) -> None:
    assert (notes.dimension, notes.identity) == (256, encoder.identity)


def test_texts_are_stored_as_the_encoder_makes_them(notes: Library, encoder: EmbeddingEngine) -> None:
    assert (notes.vectors(["cat", "stocks", "dog"]) == encoder.embed_batch(TEXTS)).all()


def test_a_string_is_a_question_where_there_is_an_encoder(notes: Library, encoder: EmbeddingEngine) -> None:
    found = notes.search("kitten", 3)
    assert found == notes.search(text="kitten", k=3) == notes.search(encoder.embed_query("kitten"), 3)
    assert found[0].key == "cat"
    assert notes.search(key="cat", k=1)[0].key == "dog"


def test_an_encoder_says_what_made_arrays(db: neurograph.Database, notes: Library, encoder: EmbeddingEngine) -> None:
    assert len(notes.add(encoder.embed_batch(["rain"]), keys=["rain"], model=encoder)) == 1
    other = db.library.create("other", dimension=256, model="another")
    with pytest.raises(errors.IdentityMismatch, match="model must be 'another', as library 'other' was created, got"):
        other.add(encoder.embed_batch(["rain"]), model=encoder)


def test_many_texts_are_asked_as_one_by_one(db: neurograph.Database, notes: Library, encoder: EmbeddingEngine) -> None:
    questions = ["kitten", "money", "kitten", ""]
    ids, distances = notes.search_many(questions, 2, where="key <> 'dog'")
    one_by_one = [notes.search(text, 2, where="key <> 'dog'") for text in questions]
    assert ids.tolist() == [hits.ids.tolist() for hits in one_by_one]
    assert distances.tolist() == [hits.distances.tolist() for hits in one_by_one]
    for given in (tuple(questions), np.array(questions), np.array(questions, object)):
        assert (notes.search_many(given, 2, where="key <> 'dog'").ids == ids).all()
    with db.transaction():
        with pytest.raises(errors.Misuse, match="cannot make vectors of text inside a transaction"):
            notes.search_many(questions)
        assert len(notes.search_many(encoder.embed_batch(questions[:3], "query"), 1).ids) == 3
    notes.embed(questions, "query")
    with db.transaction():
        assert (notes.search_many(questions, 3).ids[:, 0] == notes.search_many(questions, 1).ids[:, 0]).all()
    assert [part.shape for part in notes.search_many([], 2)] == [(0, 0), (0, 0)]
    with pytest.raises(errors.InvalidValue, match=r"queries\[1\] must be a str, got int"):
        notes.search_many(["kitten", 5])
    with pytest.raises(errors.InvalidValue, match="queries must be several, got 'kitten'; search takes one"):
        notes.search_many("kitten")
    with pytest.raises(errors.NotHere, match="library 'plain' must have an encoder to search for text"):
        db.library.create("plain", dimension=2).search_many(questions)


def test_without_an_encoder_a_string_is_a_key(db: neurograph.Database) -> None:
    plain = db.library.create("plain", dimension=2)
    plain.add([[1, 0], [0, 1]], keys=["a", "b"], texts=["x", "y"])
    assert plain.search("a")[0].key == "b"
    with pytest.raises(errors.NotHere, match="library 'plain' must have an encoder to search for text"):
        plain.search(text="a")
    assert plain.add(texts=["later"]).shape == (1,)  # gets its vector later
    assert db.execute("select count(*) from embedding").fetchall() == [(2,)]


def test_an_item_without_a_text_gets_no_vector(notes: Library, encoder: EmbeddingEngine) -> None:
    ids = notes.add(keys=["new", "cat", None], texts=["a bird", None, "snow"], on_conflict="update")
    assert (notes.vectors([ids[0], ids[2]]) == encoder.embed_batch(["a bird", "snow"])).all()
    assert (notes.vector("cat") == encoder.embed(TEXTS[0])).all()
    assert notes.get("cat").text is None
    kept = notes.add(keys=["dog", "owl"], texts=["another", "an owl"], on_conflict="ignore")
    assert (notes.vectors(kept) == encoder.embed_batch([TEXTS[2], "an owl"])).all()


def test_a_text_that_changes_takes_its_vector_along(notes: Library, encoder: EmbeddingEngine) -> None:
    notes.update("cat", text="rain in spring")
    assert (notes.vector("cat") == encoder.embed("rain in spring")).all()
    notes.set("cat", text="sun", metadata={"n": 1})
    assert (notes.vector("cat") == encoder.embed("sun")).all()
    notes.set("fish", text="a fish")
    assert notes.search("fish", 1)[0].key == "fish"
    vector = encoder.embed("something else")
    notes.update("cat", text="said otherwise", vector=vector)
    assert (notes.vector("cat") == vector).all()
    notes.update("cat", text=None)
    assert (notes.vector("cat") == vector).all()


def test_nothing_is_encoded_inside_a_transaction(db: neurograph.Database, notes: Library) -> None:
    calls = [
        lambda: notes.add(texts=["a"]),
        lambda: notes.set("x", text="a"),
        lambda: notes.update("cat", text="a"),
        lambda: notes.search("a"),
        lambda: notes.search(text="a"),
    ]
    db.begin()
    for call in calls:
        with pytest.raises(errors.Misuse, match="cannot make vectors of text inside a transaction"):
            call()
    assert notes.search(key="cat", k=1)[0].key == "dog"
    notes.add(texts=[None])
    db.rollback()
    assert len(notes) == 3


def test_a_file_opened_again_finds_the_default_encoder(tmp_path: Path, encoder: EmbeddingEngine) -> None:
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        db.library.create("notes", model=encoder).add(keys=["cat", "stocks", "dog"], texts=TEXTS)
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        assert db.library.get("notes").search("kitten", 1)[0].key == "cat"


def test_a_file_without_its_encoder_answers_all_but_texts(db: neurograph.Database, encoder: EmbeddingEngine) -> None:
    identity = encoder.identity._replace(model="mine", weights_sha256="0" * 64)
    library = db.library.create("notes", dimension=256, model=identity)
    library.add(encoder.embed_batch(TEXTS), keys=["cat", "stocks", "dog"], texts=TEXTS)
    assert library.search(key="cat", k=1)[0].key == "dog"
    for ask in (lambda: library.search("kitten"), lambda: library.add(texts=["new"])):
        with pytest.raises(errors.NotHere, match=r"must have its encoder, 'mine' \(weights 0000000000000000…\)"):
            ask()
    with pytest.raises(errors.IdentityMismatch, match="weights_sha256 of library 'notes' must be the encoder's"):
        library.attach(encoder)
    renamed = db.library.create("renamed", dimension=256, model=encoder.identity._replace(model="by another name"))
    renamed.attach(encoder)
    renamed.add(texts=TEXTS)
    assert renamed.search("kitten", 1)[0].id == renamed.list(1)[0].id


def test_a_file_of_the_default_encoder_names_the_extra_that_brings_it(
    tmp_path: Path, encoder: EmbeddingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        db.library.create("notes", model=encoder).add(texts=TEXTS)

    def missing() -> EmbeddingEngine:
        raise errors.NotHere('the default encoder is not installed; pip install "neurograph[text]"')

    monkeypatch.setattr(EmbeddingEngine, "default", missing)
    told = r'to read text; .*; pip install "neurograph\[text\]", or search by'
    with neurograph.open(tmp_path / "mind.ngdb") as db, pytest.raises(errors.NotHere, match=told):
        db.library.get("notes").search("kitten")


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda db, e: db.library.create("a", dimension=3, model=e), errors.InvalidValue, "dimension must be 256"),
        (lambda db, e: db.library.create("a"), errors.InvalidValue, "dimension must be a whole number, got None"),
        (lambda db, e: db.library.create("a", dimension=3, model=object()), errors.InvalidValue, "model must be"),
        (
            lambda db, e: db.library.create("a", dimension=256).attach(e),
            errors.IdentityMismatch,
            "create a library with",
        ),
        (lambda db, e: db.library.create("a", dimension=2).attach("x"), errors.InvalidValue, "encoder must be"),
        (lambda db, e: db.library.create("a", model=e).search(text=5), errors.InvalidValue, "text must be a string"),
        (
            lambda db, e: db.library.create("a", dimension=2, model=Identity(DEFAULT_NAME)).search(text="x"),
            errors.NotHere,
            "must have its encoder",
        ),
    ],
)
def test_what_is_wrong_is_said(db: neurograph.Database, encoder: EmbeddingEngine, make, error, said) -> None:
    with pytest.raises(error, match=said):
        make(db, encoder)
