"""One item at a time; the items in order of id; the libraries of a file."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
from library_cases import contents

import neurograph
from neurograph import Identity
from neurograph.errors import Conflict, IdentityMismatch, InvalidValue, ItemNotFound, LibraryNotFound
from neurograph.stores.library import Library


@pytest.fixture
def pets(db: neurograph.Database) -> Library:
    return db.library.create("pets", dimension=2)


def test_set_creates_an_item_and_then_changes_only_what_is_named(db: neurograph.Database, pets: Library) -> None:
    token = db.tokens.create("animal")
    first = pets.set("cat", [1, 0.5], text="purrs", token=token, coordinates=(1, 2.5, -3), metadata={"legs": 4})
    assert (first.key, first.text, first.token_id, first.coordinates) == ("cat", "purrs", token.id, (1.0, 2.5, -3.0))
    assert first.metadata == {"legs": 4}
    again = pets.set("cat", text="")
    assert (again.id, again.text, again.token_id, again.metadata) == (first.id, "", token.id, {"legs": 4})
    assert pets.vector("cat").tolist() == [1.0, 0.5]
    bare = pets.set("cat", None, text=None, token=None, coordinates=None, metadata=None)
    assert (bare.text, bare.token_id, bare.coordinates, bare.metadata) == (None, None, None, {})
    with pytest.raises(ItemNotFound, match="item 'cat' of 'pets' must have a vector; give it one with update"):
        pets.vector("cat")


def test_update_changes_what_is_named_by_record_id_or_key(pets: Library) -> None:
    cat, dog = pets.set("cat", [1, 0]), pets.set("dog", [0, 1])
    assert pets.update(cat, key="kitten").key == "kitten"
    assert pets.update(cat.id, vector=(2, 3), metadata={}).metadata == {}
    assert pets.update("kitten", key=None, coordinates=np.ones(3)).coordinates == (1.0, 1.0, 1.0)
    assert pets.vector(cat).tolist() == [2.0, 3.0]
    assert pets.get(dog) == dog
    with pytest.raises(Conflict, match="key must be unique in 'pets', got 'dog', which another item has"):
        pets.update(cat, key="dog", text="never written")
    assert pets.get(cat).text is None
    assert pets.update("dog", key="dog") == dog


def test_an_id_is_above_all_that_are_there_and_begins_with_the_librarys(db: neurograph.Database, pets: Library) -> None:
    ids = [pets.set(key).id for key in "abc"]
    assert ids == [(pets.id << 32) + n for n in (1, 2, 3)]
    pets.delete("b")
    assert pets.set("d").id == ids[2] + 1
    pets.delete("d")
    assert pets.set("e").id == ids[2] + 1
    assert db.library.create("more", dimension=1).set("a").id == (pets.id + 1 << 32) + 1


def test_delete_takes_the_vector_along(db: neurograph.Database, pets: Library) -> None:
    cat = pets.set("cat", [1, 0])
    pets.delete(cat)
    assert cat not in pets
    assert db.execute("select count(*) from embedding").fetchall() == [(0,)]
    with pytest.raises(ItemNotFound, match=f"no item of 'pets' has the id {cat.id}"):
        pets.delete(cat)


def test_a_deleted_token_leaves_its_items_without_one(db: neurograph.Database, pets: Library) -> None:
    db.tokens.create("a")
    pets.set("cat", [1, 0], token="a")
    db.tokens.delete("a")
    assert pets.get("cat").token_id is None
    assert pets.vector("cat").tolist() == [1.0, 0.0]


def test_a_hit_stands_for_its_item(pets: Library) -> None:
    pets.add([[1, 0], [0, 1], [1, 1], [2, 1]], keys=["ant", "bee", "eel", "fox"])
    hit, *others = pets.search([1, 0], k=1000)
    assert hit.key == "ant"
    assert hit in pets
    assert (pets.get(hit).key, pets.vector(hit).tolist()) == ("ant", [1.0, 0.0])
    assert pets.update(hit, text="small").id == hit.id
    assert [each.key for each in pets.search(item=hit, k=1)] == ["fox"]
    near = pets.search([1, 0], k=2)
    assert pets.search([0, 1], among=near) == pets.search([0, 1], among=near.ids)
    assert len(pets.search([0, 1], among=[hit, pets.get("eel"), pets.get("bee").id])) == 3
    assert pets.similar([hit], 1)[0].key == pets.analogy(hit, hit, hit, 1)[0].key == "fox"
    assert pets.vectors(others).shape == (len(others), 2)
    assert pets.list(1, after=hit) == pets.list(1, after="ant")
    for call in (pets.vectors, pets.delete_many, pets.similar):
        with pytest.raises(InvalidValue, match=r"^items must be a sequence"):
            call(hit)
    assert pets.delete_many(pets.search([1, 0], k=2)) == 2
    with pytest.raises(ItemNotFound, match=f"no item of 'pets' has the id {hit.id}"):
        pets.delete(hit)


def test_an_item_is_a_record(pets: Library) -> None:
    item = pets.set("cat", text="x" * 50, metadata={"<b>": 1})
    assert pickle.loads(pickle.dumps(item)) == copy.deepcopy(item) == item == pets.get("cat")
    assert len({item, pets.get("cat")}) == 1
    assert repr(item) == f"<Item {item.id} 'cat' '{'x' * 39}…'>"
    assert "&lt;b&gt;" in item._repr_html_()
    with pytest.raises(AttributeError, match=r"use library.update\(item, text=…\)"):
        item.text = "new"  # type: ignore[misc]
    with pytest.raises(AttributeError, match="can't be changed"):
        del item.text
    assert item != "cat"


def test_items_are_listed_in_order_of_id_page_by_page(db: neurograph.Database, pets: Library) -> None:
    pets.add(keys=[f"k{i}" for i in range(25)], metadata=[{"n": i % 2} for i in range(25)])
    db.library.create("more", dimension=1).add(keys=["other"])
    everything = [item.key for item in pets]
    assert everything == [f"k{i}" for i in range(25)]
    found: list[str | None] = []
    page = pets.list(10)
    while page:
        found += [item.key for item in page]
        page = pets.list(10, after=page[-1])
    assert found == everything
    assert [item.key for item in pets.list(2, after="k3", where=("metadata ->> 'n' = ?", [1]))] == ["k5", "k7"]
    assert (len(pets), pets.count(), pets.count("metadata ->> 'n' = 0"), pets.count("null")) == (25, 25, 13, 0)
    assert pets.list(0) == []
    assert len(pets.list(None)) == 25
    assert len(pets.list(where="key < 'k2' or key > 'k8'")) == 13


def test_iterating_keeps_one_state_of_the_file(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        pets = db.library.create("pets", dimension=1)
        pets.add(keys=["a", "b", "c"])
        items = iter(pets)
        assert next(items).key == "a"
        pets.delete_many(["b", "c"])
        assert [item.key for item in items] == ["b", "c"]
        assert [item.key for item in pets] == ["a"]


def test_an_empty_library_is_true_and_contains_nothing(db: neurograph.Database, pets: Library) -> None:
    assert pets
    assert len(pets) == 0
    assert "cat" not in pets
    assert bool(db.library)
    assert repr(pets) == "<Library 'pets' 2 dimensions cosine>"
    assert (pets.name, pets.dimension, pets.metric, pets.identity) == ("pets", 2, "cosine", Identity())


# --- libraries ----------------------------------------------------------------------------------------------------


def test_libraries_are_listed_by_name_and_found_by_it(db: neurograph.Database) -> None:
    for name in ("pets", "birds", "it's “späť”; 雨"):
        db.library.create(name, dimension=1, metric="dot")
    assert [library.name for library in db.library] == ["birds", "it's “späť”; 雨", "pets"]
    assert len(db.library) == 3
    assert "birds" in db.library
    assert "bird" not in db.library
    assert db.library.get("pets").metric == "dot"
    with pytest.raises(LibraryNotFound, match="no library has the name 'bird'; the closest are 'birds'"):
        db.library.get("bird")


def test_libraries_do_not_see_each_other(db: neurograph.Database) -> None:
    a, b = (db.library.create(name, dimension=1, metric="l2") for name in "ab")
    ids, theirs = a.add([[1], [2]], keys=["x", "y"]), b.add([[5]], keys=["x"])
    assert a.search([0]).ids.tolist() == ids.tolist()
    assert b.search([0]).ids.tolist() == theirs.tolist()
    assert a.get("x").id != b.get("x").id
    for call in (a.get, a.vector, a.delete, lambda n: a.update(n, text="no"), lambda n: a.search(item=n)):
        with pytest.raises(ItemNotFound, match=f"no item of 'a' has the id {theirs[0]}"):
            call(int(theirs[0]))
    for many in (a.vectors, a.delete_many):
        with pytest.raises(ItemNotFound):
            many([ids[0], theirs[0]])
        with pytest.raises(ItemNotFound):
            many(np.array([ids[0], theirs[0]]))
    assert theirs[0] not in a
    assert len(a.list(where=("id = ?", [theirs[0]]))) == 0
    db.library.drop("a")
    assert b.search([0]).ids.tolist() == theirs.tolist()


def test_a_dropped_library_says_so_and_one_of_its_name_is_another(db: neurograph.Database) -> None:
    old = db.library.create("pets", dimension=2)
    old.add([[1, 0]], keys=["cat"])
    assert db.library.drop("pets") == 1
    new = db.library.create("pets", dimension=1)
    assert new.id > old.id
    for call in (
        lambda: old.get("cat"), lambda: old.set("cat"), lambda: old.add([[1, 0]]), lambda: old.search([1, 0]),
        lambda: old.list(), lambda: old.identity, lambda: old.vectors(["cat"]), lambda: old.delete("cat"),
        lambda: old.update("cat", text=""), lambda: old.search_many([[1, 0]]), lambda: "cat" in old,
        lambda: len(old), lambda: old.count("true"), lambda: next(iter(old)),
    ):  # fmt: skip
        with pytest.raises(LibraryNotFound, match=r"library 'pets' was dropped, or .* rolled back; create it again"):
            call()
    assert contents(db)["item"] == []


@pytest.mark.parametrize("way", ["drop", "delete_many", "delete"])
def test_pages_are_given_back(tmp_path: Path, way: str) -> None:
    def pages(db: neurograph.Database) -> tuple[int, int]:
        return db.execute("select page_count, freelist_count from pragma_page_count, pragma_freelist_count").fetchall()[
            0
        ]  # type: ignore[return-value]

    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        kept = db.library.create("kept", dimension=4)
        kept.add(np.eye(4), keys=[*"abcd"])
        before = pages(db)[0]
        big = db.library.create("big", dimension=500)
        ids = big.add(np.random.default_rng(1).normal(size=(1500, 500)))
        assert pages(db)[0] > before + 300
        if way == "drop":
            assert db.library.drop("big") == 1500
        elif way == "delete":
            with db.transaction():
                for id in ids[10:].tolist():
                    big.delete(id)
            db.optimize()
        else:
            assert big.delete_many(ids[10:]) == 1490
        assert pages(db)[0] < before + 40
        assert pages(db)[1] * 10 <= pages(db)[0]
        assert kept.search([1, 0, 0, 0], 1)[0].key == "a"
        assert db.check() == []


def test_a_drop_that_is_rolled_back_never_happened(db: neurograph.Database, pets: Library) -> None:
    pets.add([[1, 0], [0, 1]], keys=["a", "b"])
    before = contents(db)
    db.begin()
    db.library.drop("pets")
    assert "pets" not in db.library
    db.rollback()
    assert contents(db) == before
    assert [hit.key for hit in pets.search([1, 0])] == ["a", "b"]


def test_a_library_whose_last_id_is_given_takes_no_more(db: neurograph.Database, pets: Library) -> None:
    last = (pets.id << 32) + 2**32 - 1
    db.execute("insert into item (id, library_id, key) values (?, ?, 'last')", [last, pets.id])
    for call, more in ((lambda: pets.set("cat", [1, 0]), 1), (lambda: pets.add([[1, 0], [0, 1]]), 2)):
        with pytest.raises(InvalidValue, match=rf"a library must have at most 2\*\*32 - 1 items, got {more} more"):
            call()
    pets.delete("last")
    assert pets.set("cat", [1, 0]).id == pets.id << 32 | 1


# --- identity -----------------------------------------------------------------------------------------------------

MODEL = Identity("minilm", "a" * 64, "b" * 64, "float32", "mean", True, 256, "query: ", "", "document")


def test_the_identity_of_a_library_is_what_it_was_created_with(db: neurograph.Database) -> None:
    assert db.library.create("a", dimension=1, model=MODEL).identity == MODEL
    assert db.library.create("b", dimension=1, model="minilm").identity == Identity("minilm")
    assert db.library.create("c", dimension=1).identity.model == "unspecified"


def test_vectors_of_another_identity_are_refused(db: neurograph.Database) -> None:
    library = db.library.create("a", dimension=1, model=MODEL)
    assert len(library.add([[1]], model=MODEL)) == 1
    assert len(library.add([[1]], model="minilm")) == 1
    assert len(library.add([[1]])) == 1
    assert len(library.add([[1]], model=MODEL._replace(model="the same file by another name"))) == 1
    before = contents(db, nonces=True)
    for field in Identity._fields[1:]:
        value = {"normalize": False, "max_tokens": 9}.get(field, "c" * 64)
        with pytest.raises(IdentityMismatch, match=f"{field} must be .*, as library 'a' was created, got"):
            library.add([[1]], model=MODEL._replace(**{field: value}))
    with pytest.raises(IdentityMismatch, match="model must be 'minilm', as library 'a' was created, got 'other'"):
        library.add([[1]], model="other")
    with pytest.raises(IdentityMismatch, match="create the library with model=… to keep such vectors in it"):
        db.library.create("b", dimension=1).add([[1]], model="minilm")
    db.library.drop("b")
    assert contents(db, nonces=True) == before
