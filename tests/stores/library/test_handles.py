"""A handle answers for the library it was made of, never for another one that was given the same id."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neurograph
from neurograph.errors import LibraryNotFound
from neurograph.stores.library import Library

VECTORS = np.eye(4, 3, dtype=np.float32) + 0.5
KEYS = ["a", "b", "c", "d"]

CALLS: dict[str, Callable[[neurograph.Database, Library, np.ndarray], Any]] = {
    "get": lambda db, old, ids: old.get("a"),
    "get by id": lambda db, old, ids: old.get(int(ids[0])),
    "vector": lambda db, old, ids: old.vector("a"),
    "vectors": lambda db, old, ids: old.vectors(ids),
    "set": lambda db, old, ids: old.set("a", [9, 9, 9]),
    "set new": lambda db, old, ids: old.set("new", [9, 9, 9]),
    "add": lambda db, old, ids: old.add([[9, 9, 9]]),
    "update": lambda db, old, ids: old.update("a", vector=[9, 9, 9]),
    "update by id": lambda db, old, ids: old.update(int(ids[0]), text="changed"),
    "delete": lambda db, old, ids: old.delete("a"),
    "delete_many": lambda db, old, ids: old.delete_many(ids),
    "list": lambda db, old, ids: old.list(),
    "count": lambda db, old, ids: old.count(),
    "len": lambda db, old, ids: len(old),
    "iter": lambda db, old, ids: list(old),
    "contains": lambda db, old, ids: "a" in old,
    "search": lambda db, old, ids: old.search([1, 0, 0]),
    "search by key": lambda db, old, ids: old.search(key="a"),
    "search by token": lambda db, old, ids: old.search(token="t"),
    "search approximately": lambda db, old, ids: old.search([1, 0, 0], exact=False),
    "search by rows": lambda db, old, ids: old.search([1, 0, 0], engine="sqlite-vec"),
    "search_many": lambda db, old, ids: old.search_many([[1, 0, 0]]),
    "similar": lambda db, old, ids: old.similar(["a", "b"]),
    "analogy": lambda db, old, ids: old.analogy("a", "b", "c"),
    "recall": lambda db, old, ids: old.recall(k=1),
    "optimize": lambda db, old, ids: old.optimize(),
    "index_text": lambda db, old, ids: old.index_text(),
    "drop_text_index": lambda db, old, ids: old.drop_text_index(),
    "match": lambda db, old, ids: old.match("one"),
    "fit_pca": lambda db, old, ids: old.fit_pca(2),
    "use_pca": lambda db, old, ids: old.use_pca(neurograph.Pca([0, 0, 0], [[1, 0, 0]], [1])),
    "place": lambda db, old, ids: old.place(),
    "grid.neighbors": lambda db, old, ids: old.grid.neighbors("a"),
    "grid.in_range": lambda db, old, ids: old.grid.in_range((0, 0, 0), 9),
    "vec0": lambda db, old, ids: old.vec0("mine"),
    "identity": lambda db, old, ids: old.identity,
    "embed": lambda db, old, ids: old.embed(["one"]),
    "attach": lambda db, old, ids: old.attach(neurograph.EmbeddingEngine.default()),
    "reembed": lambda db, old, ids: old.reembed(neurograph.EmbeddingEngine.default()),
    "query": lambda db, old, ids: db.query([1, 0, 0], library=old),
    "query for words": lambda db, old, ids: db.query("one", library=old),
    "weave": lambda db, old, ids: db.weave(old),
    "make_tokens": lambda db, old, ids: db.make_tokens(old),
    "place_tokens": lambda db, old, ids: db.place_tokens(old),
}
SILENT = {"id", "name", "dimension", "metric", "grid", "text_index", "pca"}  # what asks nothing, or answers None


def made(db: neurograph.Database, name: str) -> tuple[Library, np.ndarray]:
    library = db.library.create(name, dimension=3, metric="l2" if name == "old" else "cosine", text_index=True)
    ids = library.add(VECTORS, keys=KEYS, texts=["one", "two", "three", "four"])
    return library, ids


@pytest.fixture
def both(tmp_path: Path) -> Any:
    """A handle of a library whose making was rolled back, and another library that has its id."""
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        token = db.tokens.create(label="t")
        db.begin()
        old, _ = made(db, "old")
        old.fit_pca(2)
        db.rollback()
        new, ids = made(db, "new")
        new.fit_pca(2)
        new.place()
        new.update("a", token=token)
        assert (new.id, new.dimension) == (old.id, old.dimension)
        yield db, old, new, ids


def file_of(db: neurograph.Database) -> list[Any]:
    names = [
        row[0] for row in db.execute("select name from sqlite_schema where type = 'table' and sql not like '%virtual%'")
    ]
    return [(name, db.execute(f"select * from {name}").fetchall()) for name in sorted(names) if "stat" not in name]


@pytest.mark.parametrize("call", CALLS)
def test_a_library_rolled_back_is_gone_though_another_has_its_id(both: Any, call: str) -> None:
    db, old, _, ids = both
    before = file_of(db)
    with pytest.raises(LibraryNotFound, match="'old' was dropped, or what made it was rolled back"):
        CALLS[call](db, old, ids)
    assert file_of(db) == before


def test_what_answers_without_asking_says_nothing_of_the_other_library(both: Any) -> None:
    _, old, new, _ = both
    assert (old.text_index, old.pca()) == (None, None)
    assert None not in (new.text_index, new.pca())


def test_every_method_of_a_library_is_among_the_calls() -> None:
    public = {name for name in dir(Library) if not name.startswith("_")}
    assert public - SILENT - {call.split()[0] for call in CALLS} == set()


def test_a_savepoint_rolled_back_takes_its_library_along_too(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db, db.transaction():
        try:
            with db.transaction():
                old, _ = made(db, "old")
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        new, _ = made(db, "new")
        assert old.id == new.id
        with pytest.raises(LibraryNotFound, match="'old' was dropped"):
            old.search([1, 0, 0])
        assert len(new.search([1, 0, 0])) == 4


def test_a_library_that_a_shell_renamed_is_the_same_one(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        library, _ = made(db, "new")
        db.execute("update library set name = 'renamed'")
        assert [hit.key for hit in library.search([1, 0, 0], k=1)] == ["a"]
        assert library.set("e", [0, 0, 1]).key == "e"
