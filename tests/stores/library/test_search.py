"""Nearest neighbors equal the naive ones, whatever the vectors, the metric and the question."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from library_cases import GREATEST, METRICS, SPREADS, D, vectors

import neurograph
from naive_vectors import nearest
from neurograph import Hit
from neurograph.errors import DeadlineExceeded, ItemNotFound, LibraryNotFound, TokenNotFound
from neurograph.stores.library import Library
from neurograph.stores.library.nearest.distance import FEW, distances

N = 150


def pairs(hits: Any) -> list[tuple[int, float]]:
    return [(hit.id, hit.distance) for hit in hits]


def forget_lengths(db: neurograph.Database) -> None:
    db.execute("update library set norm_low = null, norm_high = null")


def queries(given: np.ndarray) -> list[np.ndarray]:
    """Return vectors that are there, near one, opposite one, far away, and without length."""
    rng = np.random.default_rng(9)
    many = [given[3], given[0] * np.float32(1.5), -given[5], rng.normal(size=D), rng.normal(size=D) * 1e38, np.zeros(D)]
    return [np.clip(np.nan_to_num(query), -GREATEST, GREATEST).astype(np.float32) for query in many]


@pytest.fixture
def db() -> Iterator[neurograph.Database]:
    with neurograph.open(":memory:") as db:
        yield db
        assert db.check() == []


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("spread", SPREADS)
def test_search_equals_naive(db: neurograph.Database, metric: str, spread: str) -> None:
    given = vectors(spread, N)
    library = db.library.create("v", dimension=D, metric=metric)
    ids = library.add(given)
    for known in (True, False):
        if not known:
            forget_lengths(db)
        for query in queries(given):
            everything = nearest(metric, ids, given, query)
            for k in (1, 10, N):
                assert pairs(library.search(query, k)) == everything[:k]
            reach = everything[N // 3][1]
            assert pairs(library.search(query, N, max_distance=reach)) == [p for p in everything if p[1] <= reach]
            last = library.search(query, 40)[-1]
            assert pairs(library.search(query, 30, after=last)) == everything[40:70]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("spread", ["structureless", "duplicates", "mixed", "nearly equal"])
def test_pages_cover_everything_exactly_once(db: neurograph.Database, metric: str, spread: str) -> None:
    given = vectors(spread, N)
    library = db.library.create("v", dimension=D, metric=metric)
    ids = library.add(given)
    for query in (given[7], np.zeros(D, np.float32)):
        found: list[tuple[int, float]] = []
        after: Hit | None = None
        while page := library.search(query, 11, after=after):
            found += pairs(page)
            after = page[-1]
        assert found == nearest(metric, ids, given, query)


@pytest.mark.parametrize("metric", METRICS)
def test_items_and_tokens_choose_what_is_looked_at_before_k(db: neurograph.Database, metric: str) -> None:
    given = vectors("clustered", N)
    tokens = [None if i % 3 else db.tokens.create(f"t{i}", weight=(i % 7) / 7) for i in range(N)]
    library = db.library.create("v", dimension=D, metric=metric)
    columns = {"keys": [f"k{i:03}" for i in range(N)], "metadata": [{"n": i % 5} for i in range(N)]}
    ids = library.add(given, tokens=tokens, **columns)
    chosen: list[tuple[Any, Any]] = [
        (("json_extract(metadata, '$.n') = ?", [3]), lambda i: i % 5 == 3),
        ("key < 'k020'", lambda i: i < 20),
        (("id >= ? -- and more", [int(ids[50])]), lambda i: i >= 50),
        ("token.weight > 0.5", lambda i: i % 3 == 0 and (i % 7) / 7 > 0.5),
        ("token.id is null and id % 2", lambda i: i % 3 != 0 and ids[i] % 2),
        (("item.id = ? or token.label = ?", [int(ids[4]), "t6"]), lambda i: i in (4, 6)),
        (("exists (select 1 from token as t where t.id = token_id and t.label in (?, ?))", ["t0", "t9"]),
         lambda i: i in (0, 9)),
        ("select true", lambda i: True),
        ("false", lambda i: False),
        ("null", lambda i: False),
        (("key in ('a)', ?) /* ) ? */ or \"key\" = `key` and [key] = ?", ["k001", "k002"]), lambda i: i in (1, 2)),
    ]  # fmt: skip
    some = [int(id) for id in ids[::4]]
    for where, holds in chosen:
        among = [int(id) for i, id in enumerate(ids) if holds(i)]
        for query in (given[8], given[100]):
            assert pairs(library.search(query, 12, where=where)) == nearest(metric, ids, given, query, 12, among=among)
            both = set(among) & set(some)
            wanted = nearest(metric, ids, given, query, among=both)
            assert pairs(library.search(query, N, where=where, among=some)) == wanted
            found, told = library.search_many([query], 12, where=where, among=iter(some))
            assert [*zip(found[0].tolist(), told[0].tolist(), strict=True)] == wanted[:12]
        assert library.count("true") == N


@pytest.mark.parametrize("kind", [list, set, np.array, iter])
def test_ids_to_look_at_come_in_any_form_and_strangers_are_passed_over(db: neurograph.Database, kind: Any) -> None:
    library, other = (db.library.create(name, dimension=1, metric="l2") for name in "ab")
    ids, theirs = library.add([[1], [2], [3]]), other.add([[1]])
    asked = [int(ids[2]), int(theirs[0]), int(ids[0]), 77, 2**62]
    assert library.search([0], among=kind(asked)).ids.tolist() == [ids[0], ids[2]]
    assert pairs(library.search([0], among=kind([]))) == []
    assert library.search_many([[0]], among=kind([]))[0].shape == (1, 0)


def test_an_item_asked_about_is_left_out_whichever_way_it_is_named(db: neurograph.Database) -> None:
    given = vectors("duplicates", N)
    token = db.tokens.create("cat")
    library = db.library.create("v", dimension=D)
    ids = library.add(given, keys=[f"k{i}" for i in range(N)], tokens=[token if i == 9 else None for i in range(N)])
    wanted = nearest("cosine", ids, given, given[9], 20, leave_out=int(ids[9]))
    ways: list[dict[str, Any]] = [
        {"query": "k9"}, {"key": "k9"}, {"item": "k9"}, {"item": int(ids[9])}, {"item": library.get("k9")},
        {"token": "cat"}, {"token": token}, {"token": token.id},
    ]  # fmt: skip
    for way in ways:
        assert pairs(library.search(k=20, **way)) == wanted
        page = library.search(k=9, **way)
        assert pairs(library.search(k=11, after=page[-1], **way)) == wanted[9:]
    for form in (given[9].tolist(), given[9].astype(np.float64), given[9].astype("<f4").tobytes(), tuple(given[9])):
        assert pairs(library.search(form, 20)) == nearest("cosine", ids, given, given[9], 20)


def test_of_several_items_of_a_token_the_first_is_asked_about(db: neurograph.Database) -> None:
    db.tokens.create("cat")
    library = db.library.create("v", dimension=1, metric="l2")
    ids = library.add([[5], [1], [4]], tokens=["cat", "cat", None])
    db.library.create("w", dimension=1).add([[9]], tokens=["cat"])
    assert pairs(library.search(token="cat")) == [(ids[2], 1.0), (ids[1], 4.0)]


@pytest.mark.parametrize("metric", METRICS)
def test_search_many_equals_search(db: neurograph.Database, metric: str) -> None:
    given = vectors("mixed", N)
    library = db.library.create("v", dimension=D, metric=metric)
    library.add(given)
    asked = np.stack(queries(given))
    for k in (0, 1, 13, N, 10**9):
        found, told = library.search_many(asked, k)
        assert (found.dtype, told.dtype) == (np.int64, np.float64)
        assert found.shape == told.shape == (len(asked), min(k, N))
        for row, query in enumerate(asked):
            assert [*zip(found[row].tolist(), told[row].tolist(), strict=True)] == pairs(library.search(query, k))
    few = [library.search(query, max_distance=0.0) for query in asked]
    found, told = library.search_many(asked, max_distance=0.0)
    for row, hits in enumerate(few):
        assert found[row].tolist() == hits.ids.tolist() + [0] * (found.shape[1] - len(hits))
        assert np.isinf(told[row, len(hits) :]).all()
    assert library.search_many(np.empty((0, D)))[0].shape == (0, 0)


def test_k_has_no_ceiling_and_may_be_none_at_all(db: neurograph.Database) -> None:
    library = db.library.create("v", dimension=D)
    assert len(library.search(np.ones(D))) == 0
    library.add(vectors("structureless", N))
    assert [len(library.search(np.ones(D), k)) for k in (0, 1, N, N + 1, 10**9, 2**63 - 1)] == [0, 1, N, N, N, N]
    assert len(library.search(np.ones(D), np.int64(3))) == 3


def test_ties_are_broken_by_id(db: neurograph.Database) -> None:
    library = db.library.create("v", dimension=2)
    ids = library.add([[1, 1]] * 300)
    for k in (1, 20, 299):
        assert library.search([1, 0], k).ids.tolist() == ids[:k].tolist()
    assert library.search([1, 0], 5, after=library.search([1, 0], 100)[-1]).ids.tolist() == ids[100:105].tolist()


def test_items_without_a_vector_are_not_found(db: neurograph.Database) -> None:
    library = db.library.create("v", dimension=1, metric="l2")
    library.add(keys=["bare"])
    library.add([[1]], keys=["dressed"])
    assert library.search([0]).keys.tolist() == ["dressed"]
    library.update("dressed", vector=None)
    assert len(library.search([0])) == 0
    with pytest.raises(ItemNotFound, match="item 'bare' of 'v' must have a vector"):
        library.search("bare")


def test_a_hit_has_the_key_it_has_now(db: neurograph.Database) -> None:
    library = db.library.create("v", dimension=1, metric="l2")
    library.add([[1], [2]], keys=["a", None])
    library.update("a", key="b")
    hits = library.search([0])
    assert [hit.key for hit in hits] == ["b", None]
    assert hits.keys.tolist() == ["b", None]
    assert repr(hits[0]) == f"Hit(id={hits[0].id}, key='b', distance=1.0)"


@pytest.mark.parametrize("count", [1, FEW, FEW + 1, 1500])
@pytest.mark.parametrize("metric", METRICS)
def test_a_distance_is_the_same_alone_and_among_many(metric: str, count: int) -> None:
    given = vectors("mixed", count, seed=count)
    blobs = [vector.tobytes() for vector in given.astype("<f4")]
    for query in given[:2]:
        said = query.astype("<f4").tobytes()
        alone = [distances(metric, said, [blob])[0] for blob in blobs]
        assert distances(metric, said, blobs) == alone == [
            d for _, d in sorted(nearest(metric, range(1, count + 1), given, query))
        ]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(data=st.data(), metric=st.sampled_from(METRICS))
def test_any_vectors_are_found_as_by_the_naive_search(data: st.DataObject, metric: str) -> None:
    numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)
    d = data.draw(st.integers(1, 3))
    given = data.draw(arrays(np.float32, st.tuples(st.integers(1, 40), st.just(d)), elements=numbers))
    query = data.draw(arrays(np.float32, d, elements=numbers))
    k = data.draw(st.integers(0, 41))
    with neurograph.open(":memory:") as db:
        library = db.library.create("v", dimension=d, metric=metric)
        ids = library.add(given)
        wanted = nearest(metric, ids, given, query)
        assert pairs(library.search(query, k)) == wanted[:k]
        if wanted[:k]:
            last = library.search(query, k)[-1]
            assert pairs(library.search(query, k, after=last)) == wanted[k : 2 * k]
        forget_lengths(db)
        assert pairs(library.search(query, k)) == wanted[:k]


@pytest.mark.parametrize("d", [384, 8192])
@pytest.mark.parametrize("metric", METRICS)
def test_long_vectors_a_rounding_apart_are_told_apart(db: neurograph.Database, metric: str, d: int) -> None:
    rng = np.random.default_rng(d)
    one = rng.normal(size=d).astype(np.float32)
    given = np.tile(one, (60, 1))
    for row in range(60):
        given[row, rng.integers(0, d, 3)] += np.float32(1e-6)
    library = db.library.create("v", dimension=d, metric=metric)
    ids = library.add(given)
    for query in (one, rng.normal(size=d).astype(np.float32)):
        assert pairs(library.search(query, 5)) == nearest(metric, ids, given, query, 5)


@pytest.mark.parametrize("metric", METRICS)
def test_a_blob_that_is_not_finite_is_never_found_and_check_names_it(tmp_path: Path, metric: str) -> None:
    given = vectors("structureless", 60)
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        library = db.library.create("v", dimension=D, metric=metric)
        ids = library.add(given)
        bad = given[:4].copy()
        bad[0, 3], bad[1, 0], bad[2, 6], bad[3] = np.nan, np.inf, -np.inf, np.nan
        for id, blob in zip(ids[:4].tolist(), bad, strict=True):
            db.execute("update embedding set vector = ? where id = ?", [blob.astype("<f4").tobytes(), id])
        for query in queries(given):
            for k in (5, 60):
                assert pairs(library.search(query, k)) == nearest(metric, ids[4:], given[4:], query, k)
        assert {(v.invariant, v.row) for v in db.check()} == {("embedding.finite", str(id)) for id in ids[:4].tolist()}
        library.delete_many(ids[:4])
        assert db.check() == []


@pytest.mark.parametrize("metric", METRICS)
def test_lengths_that_are_known_stay_true_and_those_nobody_measured_stay_unknown(
    db: neurograph.Database, metric: str
) -> None:
    library = db.library.create("v", dimension=2, metric=metric)
    library.set("a", [3, 4])
    library.add([[6, 8]] * 100)
    ((low, high),) = db.execute("select norm_low, norm_high from library").fetchall()
    assert 4.9 < low <= 5.0 < 10.0 <= high < 10.2
    db.execute("update embedding set vector = vector where id = ?", [library.get("a").id])
    assert db.execute("select norm_low, norm_high from library").fetchall() == [(None, None)]
    library.set("b", [1, 1])
    assert db.execute("select norm_low, norm_high from library").fetchall() == [(None, None)]
    library.delete_many([item.id for item in library])
    library.add([[1, 0]])
    assert db.execute("select norm_low is not null, norm_high is not null from library").fetchall() == [(1, 1)]


def test_a_deadline_ends_a_search(db: neurograph.Database) -> None:
    library = db.library.create("v", dimension=D)
    library.add(vectors("structureless", N))
    with pytest.raises(DeadlineExceeded):
        library.search(np.ones(D), timeout_s=0, where="(select count(*) from item as a, item as b, item as c) > 0")
    assert len(library.search(np.ones(D), timeout_s=60)) == 10


def test_what_is_asked_about_must_be_there(db: neurograph.Database) -> None:
    db.tokens.create("cat")
    library = db.library.create("v", dimension=1)
    library.add([[1]], keys=["house"])
    with pytest.raises(ItemNotFound, match="no item of 'v' has the key 'mouse'"):
        library.search("mouse")
    with pytest.raises(ItemNotFound, match="the closest are 'house'"):
        library.search(key="hous")
    with pytest.raises(ItemNotFound, match="no item of 'v' belongs to the token 'cat'"):
        library.search(token="cat")
    with pytest.raises(TokenNotFound, match="no token has the label 'dog'"):
        library.search(token="dog")
    db.library.drop("v")
    for ask in (lambda: library.search([1]), lambda: library.search("house"), lambda: library.search_many([[1]])):
        with pytest.raises(LibraryNotFound, match="library 'v' was dropped"):
            ask()


def test_own_uncommitted_rows_are_found_and_undone_ones_are_not(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "mind.ngdb") as db, db.reader() as reader:
        library: Library = db.library.create("v", dimension=1, metric="l2")
        library.set("a", [1])
        seen = reader.library.get("v")
        db.begin()
        library.set("b", [2])
        assert [hit.key for hit in library.search([9])] == ["b", "a"]
        assert [hit.key for hit in seen.search([9])] == ["a"]
        db.rollback()
        assert [hit.key for hit in library.search([9])] == ["a"]
        with reader.snapshot():
            assert len(seen.search([9])) == 1
            library.set("c", [3])
            assert len(seen.search([9])) == 1
        assert len(seen.search([9])) == 2
        assert math.isclose(seen.search([9])[0].distance, 6.0)
        assert db.check() == []


def test_a_first_search_keeps_few_pages_and_a_second_more(tmp_path: Path) -> None:
    path = tmp_path / "mind.ngdb"
    vectors = np.random.default_rng(3).normal(size=(600, 384)).astype(np.float32)
    with neurograph.open(path) as db:
        db.library.create("v", dimension=384).add(vectors)
    with neurograph.open(path, engine="sql") as db:  # kernels that another test loaded would read all
        kept = []
        for _ in range(2):
            db.library.get("v").search(vectors[0])
            with db._session.reading() as line:
                kept.append(line.connection.status(apsw.SQLITE_DBSTATUS_CACHE_USED)[0])
        assert kept[0] < 50 * 8192 < 100 * 8192 < kept[1]
