"""Many items in one call: bulk equals row by row, table for table, on each way a batch can go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from library_cases import contents

import neurograph
from effort import examples
from naive_vectors import nearest
from neurograph.errors import Conflict, ItemNotFound, TokenNotFound
from neurograph.stores.library import Library

WAYS = ("error", "ignore", "update")
Batch = dict[str, Any]


@pytest.fixture
def db() -> Iterator[neurograph.Database]:
    with neurograph.open(":memory:") as db:
        yield db
        assert db.check() == []


def mind() -> neurograph.Database:
    """Return a database with tokens, a library of three items, the last without a vector, and another library."""
    db = neurograph.open(":memory:")
    db.tokens.create_many(["cat", "dog", None])
    db.library.create("other", dimension=2).add([[1, 1]] * 3, keys=["k0", "old", None])
    library = db.library.create("v", dimension=2, metric="l2")
    library.add([[1, 2], [3, 4]], keys=["old", None], texts=["was here", None])
    library.set("bare")
    return db


@st.composite
def batches(draw: st.DrawFn, keyed: bool = False) -> Batch:
    """Columns of a batch that is legal, but for keys that may exist or come twice."""
    n = draw(st.sampled_from([1, 2, 7, 63, 64, 130]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    batch: Batch = {}
    if draw(st.booleans()):
        batch["vectors"] = (rng.normal(size=(n, 2)) * 10.0 ** rng.integers(-30, 30)).astype(
            draw(st.sampled_from([np.float32, np.float64, ">f4"]))
        )
    if keyed or draw(st.booleans()) or "vectors" not in batch:
        keys: list[str | None] = [f"k{i}" for i in (rng.permutation(n) if draw(st.booleans()) else range(n))]
        for key in draw(st.lists(st.sampled_from([None, "old", "bare", "k0", "k1"]), max_size=4)):
            keys[rng.integers(0, n)] = key
        batch["keys"] = keys
    if draw(st.booleans()):
        batch["texts"] = [(None, "", "ü雨", "long " * 50)[i] for i in rng.integers(0, 4, n)]
    if draw(st.booleans()):
        batch["tokens"] = [(None, "cat", 2)[i] for i in rng.integers(0, 3, n)]
    if draw(st.booleans()):
        places = rng.normal(size=(n, 3))
        places[rng.random(n) < 0.4] = np.nan
        batch["coordinates"] = places
    if draw(st.booleans()):
        batch["metadata"] = [(None, {}, {"a": [1.5, None]}, {"ü": "x"})[i] for i in rng.integers(0, 4, n)]
    return batch


def rows_of(batch: Batch) -> Iterator[Batch]:
    """Return the same batch as calls with one item each."""
    for index in range(len(next(iter(batch.values())))):
        yield {name: values[index : index + 1] for name, values in batch.items()}


def outcome(library: Library, calls: Iterator[Batch], **options: Any) -> Any:
    try:
        with library._session.transaction():
            return [id for call in calls for id in library.add(**call, **options).tolist()]
    except Conflict:
        return Conflict


@settings(max_examples=examples(25), deadline=None)
@given(batch=batches(), more=batches(keyed=True), way=st.sampled_from(WAYS), unknown=st.booleans())
def test_bulk_equals_row_by_row(batch: Batch, more: Batch, way: str, unknown: bool) -> None:
    with mind() as fast, mind() as slow, mind() as single:
        for db in (fast, slow, single):
            if unknown:
                db.execute("update library set norm_low = null, norm_high = null")
        for calls in (batch, more):
            with pytest.MonkeyPatch.context() as patch:
                told = []
                for db, fewest in ((fast, 1), (slow, 10**9), (single, 10**9)):
                    patch.setattr("neurograph.stores.library.items.writing.FEWEST_WITHOUT_TRIGGERS", fewest)
                    library = db.library.get("v")
                    each = rows_of(calls) if db is single else iter([calls])
                    told.append(outcome(library, each, on_conflict=way))
            assert told[0] == told[1] == told[2]
            found = [contents(db) for db in (fast, slow, single)]
            # Bounds that are wider than they need be change no answer, and nor does who measured them.
            bounds = [[row[-2:] for row in tables["library"]] for tables in found]
            for tables in found:
                tables["library"] = [row[:-2] for row in tables["library"]]
            assert found[0] == found[1] == found[2]
            assert bounds[0] == bounds[1]
        assert fast.check() == slow.check() == single.check() == []


def test_ids_are_contiguous_int64_and_above_all_that_are_there(db: neurograph.Database) -> None:
    library = db.library.create("v", dimension=1)
    for n in (0, 1, 63, 64, 500):
        first = max((item.id for item in library), default=(library.id << 32)) + 1
        ids = library.add(np.ones((n, 1)))
        assert ids.dtype == np.int64
        assert ids.tolist() == [*range(first, first + n)]


def test_every_column_is_stored_as_given(db: neurograph.Database) -> None:
    cat, dog = db.tokens.create("cat"), db.tokens.create("dog")
    library = db.library.create("v", dimension=3)
    given = np.random.default_rng(4).normal(size=(100, 3))
    places = np.arange(300.0).reshape(100, 3)
    places[7] = np.nan
    ids = library.add(
        given,
        keys=np.array([f"k{i}" for i in range(100)]),
        texts=[f"text {i}" if i % 2 else None for i in range(100)],
        tokens=[cat, "dog", None, cat.id] * 25,
        coordinates=places,
        metadata=[{"n": i} if i % 3 else None for i in range(100)],
    )
    items = library.list(None)
    assert [item.id for item in items] == ids.tolist()
    assert [item.key for item in items] == [f"k{i}" for i in range(100)]
    assert [item.text for item in items] == [f"text {i}" if i % 2 else None for i in range(100)]
    assert [item.token_id for item in items] == [cat.id, dog.id, None, cat.id] * 25
    assert [item.coordinates for item in items] == [None if i == 7 else tuple(places[i]) for i in range(100)]
    assert [item.metadata for item in items] == [{"n": i} if i % 3 else {} for i in range(100)]
    assert np.array_equal(library.vectors(ids), given.astype(np.float32))
    mixed = [items[5], "k3", ids[9], int(ids[9])]
    assert np.array_equal(library.vectors(mixed), given.astype(np.float32)[[5, 3, 9, 9]])
    assert library.vectors([]).shape == (0, 3)


@pytest.mark.parametrize("form", ["f2", "f4", ">f4", "f8", "i2", "u1", "F", "strided", "read-only", "list"])
def test_vectors_of_any_real_form_are_rounded_to_float32(db: neurograph.Database, form: str) -> None:
    given: Any = np.arange(400).reshape(200, 2) % 251
    if form == "F":
        given = np.asfortranarray(given, np.float64)
    elif form == "strided":
        given = np.repeat(given.astype(np.float32), 2, axis=1)[:, ::2]
    elif form == "read-only":
        given = given.astype(np.float32)
        given.flags.writeable = False
    else:
        given = given.tolist() if form == "list" else given.astype(form)
    library = db.library.create("v", dimension=2)
    ids = library.add(given)
    assert np.array_equal(library.vectors(ids), np.asarray(given, np.float32))


def test_the_callers_array_is_left_as_it_is(db: neurograph.Database) -> None:
    given = np.random.default_rng(2).normal(size=(200, 2)).astype(np.float32)
    before = given.copy()
    library = db.library.create("v", dimension=2)
    ids = library.add(given)
    given[:] = 9
    assert np.array_equal(library.vectors(ids), before)


@pytest.mark.parametrize("n", [3, 100])
def test_a_key_that_exists_is_refused_kept_or_updated(db: neurograph.Database, n: int) -> None:
    library = db.library.create("v", dimension=1, metric="l2")
    old = library.add([[7]], keys=["k1"], texts=["old"])[0]
    keys, texts, given = [f"k{i}" for i in range(n)], [f"new {i}" for i in range(n)], np.arange(n).reshape(n, 1)
    before = contents(db, nonces=True)
    with pytest.raises(
        Conflict, match="keys must be unique in 'v', got 'k1' at index 1, which is there already; pass on_"
    ):
        library.add(given, keys=keys, texts=texts)
    assert contents(db, nonces=True) == before
    ids = library.add(given, keys=keys, texts=texts, on_conflict="ignore")
    assert (ids[1], library.get("k1").text, library.vector("k1").tolist()) == (old, "old", [7.0])
    again = library.add(given, keys=keys, texts=texts, on_conflict="update")
    assert again.tolist() == ids.tolist()
    assert (library.get("k1").text, library.vector("k1").tolist()) == ("new 1", [1.0])
    assert len(library) == n
    hits = library.search([0], 2)
    assert [(hit.id, hit.distance) for hit in hits] == nearest("l2", ids, given, [0], 2)


@pytest.mark.parametrize("n", [0, 100])
def test_a_key_twice_in_one_batch_is_refused_or_its_first_or_last_row_counts(db: neurograph.Database, n: int) -> None:
    library = db.library.create("v", dimension=1)
    keys = ["a", "b", "a", *map(str, range(n))]
    texts = ["first", "b", "last", *[None] * n]
    with pytest.raises(Conflict, match="keys must be unique, got 'a' at index 0 and 2"):
        library.add(keys=keys, texts=texts)
    assert len(library) == 0
    ids = library.add(keys=keys, texts=texts, on_conflict="ignore")
    assert ids[0] == ids[2] == ids[1] - 1
    assert library.get("a").text == "first"
    library.delete_many(set(ids.tolist()))
    ids = library.add(keys=keys, texts=texts, on_conflict="update")
    assert ids[0] == ids[2] == ids[1] - 1
    assert library.get("a").text == "last"
    assert len(library) == n + 2


def test_an_update_leaves_alone_what_it_does_not_name(db: neurograph.Database) -> None:
    db.tokens.create("t")
    library = db.library.create("v", dimension=1)
    library.add([[1]], keys=["a"], texts=["text"], tokens=["t"], coordinates=[[1, 2, 3]], metadata=[{"n": 1}])
    library.add([[2]], keys=["a"], on_conflict="update")
    item = library.get("a")
    assert (item.text, item.token_id, item.coordinates, item.metadata) == ("text", 1, (1.0, 2.0, 3.0), {"n": 1})
    library.add(keys=["a"], metadata=[None], on_conflict="update")
    assert (library.get("a").metadata, library.vector("a").tolist()) == ({}, [2.0])


@pytest.mark.parametrize("n", [5, 200])
def test_add_is_part_of_the_callers_transaction(db: neurograph.Database, n: int) -> None:
    library = db.library.create("v", dimension=1)
    library.set("kept", [1])
    before = contents(db, nonces=True)
    db.begin()
    library.add(np.ones((n, 1)), keys=map_keys(n))
    assert len(library) == n + 1
    db.begin()
    library.add(np.ones((n, 1)))
    db.rollback()
    with pytest.raises(Conflict):
        library.add(np.ones((n, 1)), keys=map_keys(n))
    assert len(library.search([1], 10**9)) == n + 1
    db.rollback()
    assert contents(db, nonces=True) == before
    assert [hit.key for hit in library.search([1], 5)] == ["kept"]
    with db.transaction():
        library.add(np.ones((n, 1)))
    assert len(library) == n + 1


def map_keys(n: int) -> list[str | None]:
    return [f"k{i}" for i in range(n)]


@pytest.mark.parametrize("n", [5, 200])
def test_a_trigger_of_the_users_own_sees_every_row_of_a_bulk_call(db: neurograph.Database, n: int) -> None:
    db.execute("create table seen (id integer primary key)")
    for table in ("item", "embedding"):
        db.execute("delete from seen")
        db.execute(f"create trigger spy after insert on {table} begin insert into seen values (new.id); end")
        ids = db.library.create(table, dimension=1).add(np.ones((n, 1)))
        assert db.execute("select id from seen").fetchall() == [(id,) for id in ids.tolist()]
        db.execute("drop trigger spy")


def test_every_chunk_that_changed_has_a_new_nonce(db: neurograph.Database) -> None:
    def nonces() -> dict[int, int]:
        return dict(db.execute("select chunk, nonce from mark where subject = 'embedding'").fetchall())

    library = db.library.create("v", dimension=1)
    ids = library.add(np.ones((1500, 1)))
    before = nonces()
    assert before.keys() == {id >> 9 for id in ids.tolist()}
    library.update(int(ids[600]), vector=[2])
    library.delete(int(ids[1400]))
    library.update(int(ids[0]), text="no vector changes")
    after = nonces()
    changed = {chunk for chunk in before if before[chunk] != after[chunk]}
    assert changed == {int(ids[600]) >> 9, int(ids[1400]) >> 9}
    library.add(np.ones((70, 1)))
    assert {chunk for chunk in after if after[chunk] != nonces()[chunk]} == {int(ids[1490]) >> 9}


def test_delete_many_counts_an_item_once_and_deletes_all_or_none(db: neurograph.Database) -> None:
    library = db.library.create("v", dimension=1)
    ids = library.add(np.ones((10, 1)), keys=map_keys(10))
    before = contents(db, nonces=True)
    for wrong in (["k1", "nobody"], [ids[0], 77], np.array([ids[0], ids[9] + 1])):
        with pytest.raises(ItemNotFound):
            library.delete_many(wrong)
    assert contents(db, nonces=True) == before
    assert library.delete_many(["k1", ids[1], library.get("k1"), "k4"]) == 2
    assert library.delete_many(ids[5:7]) == 2
    assert library.delete_many([]) == library.delete_many(np.array([], np.int64)) == 0
    assert [item.key for item in library] == ["k0", "k2", "k3", "k7", "k8", "k9"]


def test_a_token_that_is_not_there_refuses_the_whole_batch(db: neurograph.Database) -> None:
    db.tokens.create("cat")
    library = db.library.create("v", dimension=1)
    for tokens in (["cat", "dog"], [1, 99], np.array([1, 99])):
        with pytest.raises(TokenNotFound, match=r"no token has the (label 'dog'|id 99)"):
            library.add([[1], [2]], tokens=tokens)
    assert len(library) == 0
