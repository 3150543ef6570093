"""Tokens for the items of a library: found or made, once, and nobody's taken away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import neurograph
from neurograph import Library, errors
from neurograph.flows.bootstrap import slices
from stock import STOCK, Module, Shell


@pytest.fixture
def words(db: neurograph.Database) -> Library:
    library = db.library.create("words", dimension=2)
    library.add([[1, 0], [0, 1], [1, 1]], keys=["cat", "dog", None])
    return library


def labels(db: neurograph.Database, library: Library) -> list[str | None]:
    """Return the label of each item's token, in order of items."""
    return db.tokens.ids_to_labels([item.token_id or 0 for item in library])


def labels_or_none(library: Library) -> list[int | None]:
    return [item.token_id for item in library]


def test_each_item_gets_a_token_with_its_key_as_label(db: neurograph.Database, words: Library) -> None:
    assert db.make_tokens(words) == (3, 0, 0)
    assert labels(db, words) == ["cat", "dog", None]
    assert {token.entity_type for token in db.tokens.list()} == {"concept"}


def test_a_second_run_finds_them_all(db: neurograph.Database, words: Library) -> None:
    db.make_tokens(words)
    before = db.execute("select * from token").fetchall(), db.execute("select * from item").fetchall()
    assert db.make_tokens("words") == (0, 0, 3)
    assert (db.execute("select * from token").fetchall(), db.execute("select * from item").fetchall()) == before


def test_a_token_with_the_label_is_taken_as_it_is(db: neurograph.Database, words: Library) -> None:
    dog = db.tokens.create("dog", entity_type="object", weight=0.9)
    assert db.make_tokens(words, domain=3) == (2, 1, 0)
    assert words.get("dog").token_id == dog.id
    assert db.tokens.get("dog") == dog
    assert db.tokens.get("cat").domain == db.domains.get(3).name


def test_a_token_with_the_label_gets_type_and_domain_when_asked(db: neurograph.Database, words: Library) -> None:
    db.tokens.create("dog", entity_type="object", weight=0.9)
    db.make_tokens(words, entity_type="memory", on_conflict="update")
    dog = db.tokens.get("dog")
    assert (dog.entity_type, dog.weight) == ("memory", 0.9)


def test_a_token_with_the_label_is_refused_when_asked(db: neurograph.Database, words: Library) -> None:
    db.tokens.create("dog")
    with pytest.raises(errors.Conflict, match="label must be unique, got 'dog'"):
        db.make_tokens(words, on_conflict="error")
    assert labels_or_none(words) == [None] * 3
    assert db.tokens.count() == 1


def test_a_token_that_an_item_has_stays_its(db: neurograph.Database, words: Library) -> None:
    other = db.tokens.create("feline")
    words.update("cat", token=other)
    db.tokens.create("cat")
    assert db.make_tokens(words) == (2, 0, 1)
    assert labels(db, words) == ["feline", "dog", None]


def test_two_libraries_share_the_tokens_of_their_words(db: neurograph.Database, words: Library) -> None:
    db.make_tokens(words)
    db.library.create("more", dimension=3).add(keys=["dog", "eel"])
    assert db.make_tokens("more") == (1, 1, 0)
    assert db.library.get("more").get("dog").token_id == words.get("dog").token_id


def test_only_items_that_a_condition_leaves_get_one(db: neurograph.Database, words: Library) -> None:
    assert db.make_tokens(words, where=("key > ?", ["cat"])) == (1, 0, 0)
    assert [item.key for item in words if item.token_id is not None] == ["dog"]
    assert db.make_tokens(words, where="token.label = 'dog'") == (0, 0, 1)


def test_in_a_transaction_all_of_it_is_undone(db: neurograph.Database, words: Library) -> None:
    before = [db.execute(f"select * from {table}").fetchall() for table in ("token", "item", "mark")]
    db.begin()
    assert db.make_tokens(words) == (3, 0, 0)
    db.rollback()
    assert [db.execute(f"select * from {table}").fetchall() for table in ("token", "item", "mark")] == before


def test_what_was_broken_off_is_gone_on_with(db: neurograph.Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE_ITEMS", 10)
    library = db.library.create("many", dimension=1)
    library.add(keys=[f"w{n}" for n in range(35)])
    told: list[tuple[str, int, int | None]] = []

    def press(what: str, done: int, total: int | None) -> None:
        told.append((what, done, total))
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        db.make_tokens(library, progress=press)
    assert told == [("tokens", 10, 35), ("tokens", 20, 35)]
    assert db.tokens.count() == 20
    assert db.make_tokens(library) == (15, 0, 20)
    assert labels(db, library) == [f"w{n}" for n in range(35)]


def test_a_constitution_that_refuses_new_tokens_leaves_nothing(db: neurograph.Database, words: Library) -> None:
    db.cdna.update(min_token_weight=0.8, reason="test")
    with pytest.raises(errors.RuleViolated):
        db.make_tokens(words)
    assert (db.tokens.count(), labels_or_none(words)) == (0, [None] * 3)


@pytest.mark.parametrize("stock", STOCK)
def test_what_a_stock_shell_takes_away_is_made_again(tmp_path: Path, stock: Shell | Module) -> None:
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path) as db:
        words = db.library.create("words", dimension=2)
        words.add([[1, 0], [0, 1], [1, 1]], keys=["cat", "dog", "eel"])
        db.bootstrap(words, k=2)
        assert stock.write(path, ["delete from token where label = 'dog'"]) == [""]
        assert words.get("dog").token_id is None
        done = db.bootstrap(words, k=2)
        assert (done.tokens, done.links) == ((1, 0, 2), (6, 4, 0, 0, 0))
        assert db.check() == []


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda db: db.make_tokens(3), errors.InvalidValue, "library must be a Library or its name, got 3"),
        (lambda db: db.make_tokens("word"), errors.LibraryNotFound, "no library has the name 'word'; the closest are"),
        (lambda db: db.make_tokens("words", entity_type="x"), errors.UnknownName, "entity_type must be one of"),
        (lambda db: db.make_tokens("words", domain="x"), errors.UnknownName, "domain must be one of"),
        (lambda db: db.make_tokens("words", on_conflict="x"), errors.InvalidValue, "on_conflict must be one of"),
        (lambda db: db.make_tokens("words", where="1) or (1"), errors.InvalidValue, "where must be an SQL condition"),
        (lambda db: db.make_tokens("words", progress=3), errors.InvalidValue, "progress must be True, False"),
    ],
)
def test_what_is_wrong_is_said(
    db: neurograph.Database, words: Library, call: Callable[..., Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        call(db)
    assert str(caught.value).startswith(said)
    assert db.tokens.count() == 0


def test_a_library_of_another_database_is_refused(db: neurograph.Database, words: Library) -> None:
    with neurograph.open(":memory:") as other:
        theirs = other.library.create("theirs", dimension=2)
        for step in (db.make_tokens, db.place_tokens, db.weave, db.bootstrap):
            with pytest.raises(
                errors.InvalidValue, match="library must be one of this Database, got <Library 'theirs'"
            ):
                step(theirs)
        with pytest.raises(errors.InvalidValue, match="library must be one of this Database"):
            db.associate("cat", library=theirs)


def test_a_library_that_was_dropped_is_said_to_be(db: neurograph.Database, words: Library) -> None:
    db.library.drop("words")
    for step in (db.make_tokens, db.place_tokens, db.weave, db.bootstrap):
        with pytest.raises(errors.LibraryNotFound, match="'words' was dropped"):
            step(words)
