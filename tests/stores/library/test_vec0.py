"""A library as a temporary `vec0` table: sqlite-vec's own SQL, and nothing of it in the file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import neurograph
from neurograph.errors import Conflict, DeadlineExceeded, InvalidValue, LibraryNotFound, ReadOnlyDatabase

NEAR = "select id, distance from {} where vector match ? and k = ?"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[neurograph.Database]:
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as database:
        yield database


def filled(db: neurograph.Database, metric: str = "cosine", count: int = 300) -> neurograph.Library:
    vectors = np.random.default_rng(4).normal(size=(count, 16))
    library = db.library.create("points", dimension=16, metric=metric)
    library.add(vectors, keys=[f"p{n}" for n in range(count)])
    library.set("bare", text="without a vector")
    db.library.create("others", dimension=16).add(vectors[:9])
    return library


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_it_finds_what_search_finds(db: neurograph.Database, metric: str) -> None:
    library = filled(db, metric)
    table = library.vec0()
    assert table == "temp.points_vec0"
    query = np.random.default_rng(5).normal(size=16).astype(np.float32)
    found = db.execute(NEAR.format(table), [query.tobytes(), 20]).fetchall()
    expected = library.search(query, k=20)
    assert [id for id, _ in found] == expected.ids.tolist()
    assert [distance for _, distance in found] == pytest.approx(expected.distances.tolist(), rel=1e-5)
    assert db.execute(f"select count(*) from {table}").fetchall() == [(300,)]


def test_nothing_of_it_is_in_the_file(db: neurograph.Database) -> None:
    library = filled(db)
    before = db.execute("select name from sqlite_schema order by name").fetchall()
    library.vec0()
    assert db.execute("select name from sqlite_schema order by name").fetchall() == before
    with neurograph.open(db.path, mode="r") as other:
        assert other.check() == []
        assert other.execute("select count(*) from pragma_table_list where name like 'points%'").fetchall() == [(0,)]


def test_other_threads_find_and_drop_it(db: neurograph.Database) -> None:
    table = filled(db).vec0()
    told: list[object] = []

    def other() -> None:
        told.append(db.execute(f"select count(*) from {table}").fetchall())
        db.execute(f"delete from {table} where id = (select min(id) from {table})")
        told.append(db.execute(f"select count(*) from {table}").fetchall())
        db.execute(f"drop table {table}")

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert told == [[(300,)], [(299,)]]
    assert db.library.get("points").vec0() == table


def test_it_does_not_follow_later_changes(db: neurograph.Database) -> None:
    library = filled(db)
    table = library.vec0("earlier")
    library.delete("p0")
    assert db.execute(f"select count(*) from {table}").fetchall() == [(300,)]


def test_it_is_undone_with_the_caller_s_transaction(db: neurograph.Database) -> None:
    library = filled(db)
    with pytest.raises(ZeroDivisionError), db.transaction():
        1 / (library.vec0() is None)
    with db.transaction():
        library.delete("p0")
        table = library.vec0()
    assert db.execute(f"select count(*) from {table}").fetchall() == [(299,)]


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("item", "item"),
        ("TOKEN", "token"),
        ("points_vec0", "points_vec0"),
        ("vec0", "vec0"),
        ("my", "my_chunks"),
    ],
)
def test_a_name_that_stands_for_something_is_refused(db: neurograph.Database, name: str, beside: str) -> None:
    library = filled(db)
    library.vec0()
    db.execute("create table my_chunks (n)")
    with pytest.raises(Conflict, match=rf"^name must be free, got '{name}', beside '{beside}"):
        library.vec0(name)
    assert db.execute("select count(*) from item").fetchall() == [(310,)]
    assert library.vec0("points") == "temp.points"


@pytest.mark.parametrize("name", ["", "1st", "two words", "a;b", "é", "then", "ng_mine", "sqlite_mine", "json_each", 7])
def test_a_name_that_is_no_word_is_refused(db: neurograph.Database, name: str) -> None:
    with pytest.raises(InvalidValue, match=r"^name must be a word"):
        filled(db).vec0(name)


def test_a_library_whose_name_is_no_word_needs_one(db: neurograph.Database) -> None:
    library = db.library.create("my notes", dimension=2)
    with pytest.raises(InvalidValue, match=r"got 'my notes_vec0', the library's name; pass name=$"):
        library.vec0()
    assert library.vec0("notes") == "temp.notes"


def test_dot_is_refused(db: neurograph.Database) -> None:
    with pytest.raises(InvalidValue, match="the metric must be one of cosine, l2 for a vec0 table, got 'dot'"):
        filled(db, "dot").vec0()


def test_a_library_that_is_gone_and_a_file_opened_for_reading_are_refused(db: neurograph.Database) -> None:
    library = filled(db)
    with (
        neurograph.open(db.path, mode="r") as reader,
        pytest.raises(ReadOnlyDatabase, match="cannot build a vec0 table"),
    ):
        reader.library.get("points").vec0()
    db.library.drop("points")
    with pytest.raises(LibraryNotFound):
        library.vec0()


def test_a_deadline_leaves_nothing(db: neurograph.Database) -> None:
    library = filled(db, count=20_000)
    with pytest.raises(DeadlineExceeded):
        library.vec0(timeout_s=0.001)
    with pytest.raises(DeadlineExceeded), db.transaction():
        library.vec0(timeout_s=0.001)
    assert len(library.search("p7", k=3)) == 3
    assert library.vec0() == "temp.points_vec0"
