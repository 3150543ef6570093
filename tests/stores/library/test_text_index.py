"""The text index of a library: made slice by slice, seen when it is whole, kept up by whoever writes, and mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurograph
from effort import examples
from neurograph import errors
from neurograph.stores.library import Library
from neurograph.stores.library.texts import index
from neurograph.stores.text_objects import DEFAULT_TOKENIZER, SHADOWS, text_objects

FIRST = (1 << 32) + 1


@pytest.fixture
def db() -> Iterator[neurograph.Database]:
    with neurograph.open(":memory:") as db:
        yield db
        assert db.check() == []


@pytest.fixture
def library(db: neurograph.Database) -> Library:
    library = db.library.create("v", dimension=1)
    library.add(keys=["cat", "dog", None], texts=["purrs at the cats", None, "barks"])
    return library


def found(library: Library, text: str, **options: Any) -> list[int]:
    return [hit.id - FIRST for hit in library.match(text, 10**6, **options)]


def objects(db: neurograph.Database) -> list[str]:
    sql = "select name from sqlite_schema where name glob 'text_[0-9]*' and type <> 'index'"
    return [name for (name,) in db.execute(sql)]


def indexed(db: neurograph.Database, library: Library) -> list[tuple[Any, ...]]:
    return db.execute(f"select rowid, key, text from text_{library.id} order by rowid").fetchall()


# --- made and dropped -------------------------------------------------------------------------------------------------


def test_it_is_made_once_and_says_how_it_reads_words(library):
    assert library.text_index is None
    assert library.index_text() == 3
    assert library.text_index == DEFAULT_TOKENIZER
    assert library.index_text() == library.index_text(DEFAULT_TOKENIZER) == 0
    assert found(library, "CAT") == [0]
    assert library.index_text(rebuild=True) == 3


def test_another_tokenizer_makes_it_anew_and_none_keeps_it(library):
    library.index_text("porter unicode61")
    assert found(library, "purring cat") == [0]
    assert library.index_text() == 0
    assert library.index_text("trigram") == 3
    assert (library.text_index, found(library, "ark")) == ("trigram", [2])
    assert library.index_text("unicode61 tokenchars 'k''-'") == 3
    assert found(library, "barks") == [2]


def test_it_is_dropped_with_all_that_belongs_to_it(db, library):
    before = db.execute("select type, name, sql from sqlite_schema order by 1, 2").fetchall()
    library.index_text()
    assert sorted(objects(db)) == sorted(
        [*(name for _, name, _ in text_objects(1)), *(f"text_1{shadow}" for shadow in SHADOWS)]
    )
    assert library.drop_text_index()
    assert not library.drop_text_index()
    assert (library.text_index, objects(db)) == (None, [])
    assert db.execute("select type, name, sql from sqlite_schema order by 1, 2").fetchall() == before


def test_its_objects_are_in_the_file_as_their_names_are_told_from(db, library):
    library.index_text("unicode61 tokenchars '-_'")
    sql = "select name, sql from sqlite_schema where name = 'text_1' or name glob 'text_1_*' and type = 'trigger'"
    assert dict(db.execute(sql).fetchall()) == {
        name: made for _, name, made in text_objects(1, "unicode61 tokenchars '-_'")
    }


def test_a_library_has_it_from_the_start_where_create_is_told(db):
    assert db.library.create("a", dimension=1, text_index=True).text_index == DEFAULT_TOKENIZER
    assert db.library.create("b", dimension=1, text_index="trigram").text_index == "trigram"
    assert db.library.create("c", dimension=1, text_index=False).text_index is None
    with pytest.raises(errors.InvalidValue, match="tokenizer must be"):
        db.library.create("d", dimension=1, text_index="none")
    assert "d" not in db.library


def test_a_file_of_words_is_loaded_with_it(db, tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("".join(f"word{n}_x {n} 1\n" for n in range(200)))
    library = db.library.load(path, text_index="porter unicode61")
    assert (library.text_index, [hit.key for hit in library.match("word7")]) == ("porter unicode61", ["word7_x"])
    path.write_text("cat 1 0\ndog 1\n")
    with pytest.raises(errors.ImportFailed):
        db.library.load(path, name="bad", text_index=True)
    assert len([name for name in objects(db) if "_" not in name.removeprefix("text_")]) == 1


def test_dropping_a_library_drops_it(db, library):
    library.index_text()
    assert db.library.drop("v") == 3
    assert objects(db) == []
    with pytest.raises(errors.LibraryNotFound):
        library.index_text()
    with pytest.raises(errors.LibraryNotFound):
        library.drop_text_index()


def test_a_library_deleted_by_sql_leaves_an_empty_one_which_housekeeping_drops(db, library):
    library.index_text()
    db.execute("delete from library")
    assert indexed(db, library) == []
    assert [(violation.invariant, violation.row) for violation in db.check()] == [("text_index.library", "1")]
    db.optimize()
    assert objects(db) == []


def test_it_is_undone_with_the_transaction_that_made_it(db, library):
    db.begin()
    library.add(texts=["more"] * 100)
    assert library.index_text() == 103
    assert len(found(library, "more")) == 100
    db.rollback()
    assert (objects(db), library.text_index) == ([], None)


@pytest.mark.parametrize(
    "tokenizer",
    [
        "", "none", "unicode61 nothing 1", "porter none", "trigram remove_diacritics 1", b"porter", 1, "unicode61\x00",
        "unicode61 tokenchars '", "\ud800",
    ],
)  # fmt: skip
def test_a_tokenizer_that_not_every_sqlite_knows_is_refused(library, tokenizer):
    with pytest.raises(errors.InvalidValue, match=r"^tokenizer must be"):
        library.index_text(tokenizer)


@pytest.mark.parametrize("options", [{"progress": 1}, {"rebuild": 1}])
def test_a_wrong_option_is_refused(library, options):
    with pytest.raises(errors.InvalidValue, match=f"^{next(iter(options))} must be True"):
        library.index_text(**options)


def test_a_table_of_yours_that_has_its_name_is_left_alone(db, library):
    db.execute("create table text_1_data (mine text)")
    with pytest.raises(errors.Conflict, match="'text_1_data', which a table has; rename that"):
        library.index_text()
    db.execute("drop table text_1_data; create table TEXT_1 (mine text)")
    with pytest.raises(errors.Conflict, match="'TEXT_1', which a table has"):
        library.index_text()
    db.execute("drop table text_1")
    library.index_text()
    db.execute("drop table text_1; create table text_1 (mine text); insert into text_1 values ('dear')")
    with pytest.raises(errors.Conflict, match="'text_1', which a table has"):
        library.index_text()
    db.execute("alter table text_1 rename to dear")
    assert library.index_text() == 3
    assert db.execute("select mine from dear").fetchall() == [("dear",)]


def test_what_the_file_says_of_it_is_not_believed(db, library):
    library.index_text()
    db.execute("update text_index set tokenizer = 'mine'")
    assert [violation.row for violation in db.check()] == ["table text_1"]
    with pytest.raises(errors.InvalidValue, match="tokenizer must be"):
        library.index_text()
    assert library.index_text(DEFAULT_TOKENIZER) == 3


# --- slice by slice ---------------------------------------------------------------------------------------------------


@pytest.fixture
def slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "FIRST_SLICE", 2)
    monkeypatch.setattr(index, "LAST_SLICE", 2)
    monkeypatch.setattr(index, "SLICE_S", float("inf"))  # however long two items take on a busy machine


class BrokenOffError(Exception):
    """What breaks a call off."""


def broken_off(db: neurograph.Database, library: Library, tokenizer: str | None = None) -> None:
    def told(what: str, count: int, total: int | None) -> None:
        if count >= 4:
            raise BrokenOffError

    with pytest.raises(BrokenOffError):
        library.index_text(tokenizer, progress=told)


def test_it_tells_how_far_it_is(library, slices):
    library.add(texts=["more"] * 4)
    told: list[tuple[str, int, int | None]] = []
    library.index_text(progress=lambda *what: told.append(what))
    assert told == [("items", 2, 7), ("items", 4, 7), ("items", 6, 7), ("items", 7, 7)]


def test_nobody_sees_it_before_it_is_whole(db, library, slices):
    library.add(texts=["more"] * 4)
    broken_off(db, library)
    assert library.text_index is None
    with pytest.raises(errors.NotHere, match=r"not whole; go on with library.index_text\(\)$"):
        library.match("more")
    assert db.check() == []


def test_broken_off_it_goes_on_with_what_was_written_meanwhile(db, library, slices):
    library.add(texts=["more"] * 5)
    broken_off(db, library)
    library.update(FIRST, text="changed before")
    library.update(FIRST + 6, text="changed behind")
    library.delete(FIRST + 1)
    library.delete(FIRST + 5)
    library.add(texts=["added one"])
    library.add(texts=["added many"] * 70)
    assert db.check() == []
    assert library.index_text() == 2  # of 8 four were there, one was changed, one deleted
    assert sorted(found(library, "changed added")) == [0, 6, *range(8, 79)]
    assert found(library, "more") == [3, 4, 7]


def test_broken_off_it_is_made_anew_with_another_tokenizer_or_dropped(db, library, slices):
    library.add(texts=["more"] * 5)
    broken_off(db, library)
    assert library.index_text("trigram") == 8
    broken_off(db, library, "porter")
    assert library.drop_text_index()
    assert objects(db) == []
    broken_off(db, library)
    assert db.library.drop("v") == 8
    assert objects(db) == []


def test_two_that_make_it_at_once_help_each_other(tmp_path: Path, slices):
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path, synchronous="off") as one, neurograph.open(path, synchronous="off") as other:
        library = one.library.create("v", dimension=1)
        library.add(texts=["more"] * 9)
        theirs = other.library.get("v")
        assert library.index_text(progress=lambda what, count, total: count == 4 and theirs.index_text()) == 4
        assert len(found(theirs, "more")) == len(found(library, "more")) == 9
        assert one.check() == []
        for change in (theirs.drop_text_index, lambda: theirs.index_text("trigram")):
            library.index_text(rebuild=True)
            with pytest.raises(errors.Conflict, match="was changed meanwhile; call index_text again"):
                library.index_text(rebuild=True, progress=lambda *_, change=change: change())
        with pytest.raises(errors.LibraryNotFound):
            library.index_text(rebuild=True, progress=lambda *_: other.library.drop("v"))
        assert one.check() == []


# --- kept up ----------------------------------------------------------------------------------------------------------


@st.composite
def batches(draw: st.DrawFn) -> dict[str, Any]:
    n = draw(st.sampled_from([1, 63, 64, 130]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    keys: list[str | None] = [f"k{i}" if rng.random() < 0.7 else None for i in rng.permutation(n)]
    for key in draw(st.lists(st.sampled_from([None, "cat", "k0"]), max_size=3)):
        keys[rng.integers(0, n)] = key
    batch: dict[str, Any] = {"keys": keys}
    if draw(st.booleans()):
        batch["texts"] = [(None, "", "ü雨 one", "long words " * 50)[i] for i in rng.integers(0, 4, n)]
    return batch


@settings(max_examples=examples(60), deadline=None)
@given(batch=batches(), way=st.sampled_from(["error", "ignore", "update"]), users=st.booleans())
def test_many_rows_are_indexed_as_one_by_one_and_as_all_at_the_end(batch, way, users):
    found = []
    for step in (1, 10**9, 0):
        with neurograph.open(":memory:") as db:
            if users:  # a trigger of the user's: ours stay on
                db.execute("create table log (id); create trigger mine after insert on item begin select 1; end")
            library = db.library.create("v", dimension=1)
            library.add(keys=["cat", None], texts=["purrs", "bare"])
            if step:
                library.index_text()
            size = len(batch["keys"])
            refused = False
            try:
                with db.transaction():
                    for at in range(0, size, step or size):
                        part = {name: values[at : at + (step or size)] for name, values in batch.items()}
                        library.add(on_conflict=way, **part)
            except errors.Conflict:
                refused = True
            if not step:
                library.index_text()
            assert db.check() == []
            found.append((refused, indexed(db, library), [*library.match("one purrs k0 cat long", 10**6)]))
    assert found[0] == found[1] == found[2]


CHANGES: dict[str, Callable[[neurograph.Database], Any]] = {
    "a new text": lambda db: db.library.get("v").update("cat", text="mews"),
    "a new key": lambda db: db.library.get("v").update("cat", key="lion"),
    "a text taken away": lambda db: db.library.get("v").update("cat", text=None),
    "an item set": lambda db: db.library.get("v").set("dog", text="barks"),
    "an item made": lambda db: db.library.get("v").set("bird", text="sings", metadata={"a": 1}),
    "an item deleted": lambda db: db.library.get("v").delete("cat"),
    "items deleted": lambda db: db.library.get("v").delete_many(["cat", "dog"]),
    "replaced by key": lambda db: db.execute(
        "insert or replace into item (id, library_id, key, text) values (?, 1, 'cat', 'new')", [FIRST + 9]
    ),
    "replaced by id": lambda db: db.execute(
        "insert or replace into item (id, library_id, key, text) values (?, 1, 'cow', 'new')", [FIRST]
    ),
    "replaced by id and key": lambda db: db.execute(
        "insert or replace into item (id, library_id, key, text) values (?, 1, 'dog', 'new')", [FIRST]
    ),
    "replaced by an update": lambda db: db.execute("update or replace item set key = 'dog' where key = 'cat'"),
    "ignored": lambda db: db.execute("update or ignore item set key = 'dog', text = 'x'"),
    "inserted or ignored": lambda db: db.execute(
        "insert or ignore into item (id, library_id, key, text) values (?, 1, 'dog', 'n'), (?, 1, 'new', 'n')",
        [FIRST + 8, FIRST + 9],
    ),
    "an upsert": lambda db: db.execute(
        "insert into item (id, library_id, key, text) values (?, 1, 'cat', 'n')"
        " on conflict (library_id, key) where key is not null do update set text = excluded.text",
        [FIRST + 9],
    ),
    "through the view": lambda db: db.execute(
        "insert into entry (library, key, text) values ('v', 'cow', 'moo'); update entry set text = 'moos' where"
        " key = 'cow'; delete from entry where key = 'cat'"
    ),
    "a column added": lambda db: db.execute("alter table item add column mine text; update item set mine = 'x'"),
    "packed": lambda db: db.execute("vacuum"),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("recursive", [0, 1])
def test_it_says_what_the_items_say_after(db, library, name, recursive):
    db._session.writer.connection.pragma("recursive_triggers", recursive)
    library.index_text()
    db.library.create("w", dimension=1, text_index="trigram").add(keys=["cat"], texts=["other"])
    CHANGES[name](db)
    for number, library_name in ((1, "v"), (2, "w")):
        truth = db.execute("select id, key, text from item where library_id = ? order by id", [number]).fetchall()
        assert indexed(db, db.library.get(library_name)) == truth


def test_what_concerns_no_words_does_not_touch_it(db, library):
    token = db.tokens.create("t")
    library.index_text()
    before = db.execute("select * from text_1_data").fetchall()
    library.update("cat", token=token, metadata={"n": 1}, coordinates=(1, 2, 3), vector=[1])
    library.update("cat", text="purrs at the cats", key="cat")
    db.tokens.delete("t")
    assert db.execute("select * from text_1_data").fetchall() == before


def test_ids_given_by_an_insert_are_the_items(db, library):
    library.index_text()
    db.execute("insert into item (id, library_id, text) values (?, 1, 'x')", [FIRST + 20])
    assert db.execute("select last_insert_rowid(), changes()").fetchall() == [(FIRST + 20, 1)]


# --- mended -----------------------------------------------------------------------------------------------------------

DAMAGE = [
    "drop trigger text_1_insert",
    "drop trigger text_1_displaced; drop table text_1",
    "drop trigger text_1_delete; create trigger text_1_delete after delete on item begin select 1; end",
    "delete from text_1 where rowid > 0",
    "update text_1 set text = 'else'",
    "insert into text_1 (rowid, text) values (1, 'nobody')",
]


@pytest.mark.parametrize("sql", DAMAGE)
def test_a_damaged_one_is_named_and_made_anew(db, library, sql):
    library.index_text()
    db.execute(sql)
    names = {violation.invariant for violation in db.check()}
    assert names in ({"text_index.objects"}, {"text_index.content"})
    assert library.index_text(rebuild=names == {"text_index.content"}) == 3
    assert found(library, "cats") == [0]


def test_words_damaged_in_the_file_are_no_reason_to_restore_it(tmp_path: Path):
    import apsw

    path = tmp_path / "mind.ngdb"
    with neurograph.open(path) as db:
        db.library.create("v", dimension=1, text_index=True).add(texts=["a b c"] * 100)
    connection = apsw.Connection(str(path))
    connection.execute("update text_1_data set block = zeroblob(length(block)) where id > 10")
    connection.close()
    with neurograph.open(path) as db:
        assert {violation.invariant for violation in db.check()} == {"text_index.content"}
        assert db.library.get("v").index_text(rebuild=True) == 100
        assert db.check() == []
        assert len(found(db.library.get("v"), "b")) == 100
