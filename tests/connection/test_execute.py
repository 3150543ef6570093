"""A user's own SQL: one call, all of it or none of it, values of every kind, nothing left open."""

from __future__ import annotations

import contextlib
import datetime
import decimal
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import apsw
import pytest

import neurograph
from neurograph import errors

PLACES = ["memory", "file"]


def opened(place: str, folder: Path, empty_file: bytes) -> neurograph.Database:
    if place == "memory":
        return neurograph.open(":memory:", synchronous="off", busy_timeout_s=2)
    (folder / "mind.ngdb").write_bytes(empty_file)
    return neurograph.open(folder / "mind.ngdb", synchronous="off", busy_timeout_s=2)


@pytest.fixture(params=PLACES)
def db(request: pytest.FixtureRequest, tmp_path: Path, empty_file: bytes) -> Iterator[neurograph.Database]:
    with opened(request.param, tmp_path, empty_file) as db:
        yield db
        assert db.check() == []


@pytest.fixture(scope="module", params=PLACES)
def shared_db(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, empty_file: bytes
) -> Iterator[neurograph.Database]:
    with opened(request.param, tmp_path_factory.mktemp("shared"), empty_file) as db:
        db.tokens.create("cat")
        yield db
        assert db.check() == []


def labels(db: neurograph.Database) -> list[str]:
    return [label for (label,) in db.execute("select label from token order by id")]


# --- the words that control transactions -----------------------------------------------------------------------------

WORDS = [
    "begin",
    "BEGIN IMMEDIATE",
    "commit",
    "end",
    "End Transaction",
    "rollback",
    "savepoint a",
    "release a",
    "  \n\t commit",
    "-- a note\ncommit",
    "--\n-- two\n  commit;",
    "/* a\n * note */ commit",
    "/**//*;*/commit",
    "; ; commit",
    "\ufeffcommit",
    "COMMIT--",
    "commit/**/",
    "select 1; commit",
    "select ';'; commit",
    "insert into token (label) values ('dog'); commit",
    "insert into token (label) values ('dog'); /* ; */ -- x\n begin; select 1",
    "rollback to a",
]


@pytest.mark.parametrize("sql", WORDS)
@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in a transaction"])
def test_a_word_that_controls_transactions_is_refused_wherever_it_stands(
    unchanged: neurograph.Database, sql: str, inside: bool
) -> None:
    block = unchanged.transaction() if inside else contextlib.nullcontext()
    with pytest.raises(errors.Misuse, match=r"must not be given as SQL; use `with db.transaction\(\):`"), block:
        unchanged.execute(sql)


@pytest.mark.parametrize("sql", ["commit", "insert into token (label) values (?); commit", "/**/rollback"])
def test_nor_does_executemany_take_it(unchanged: neurograph.Database, sql: str) -> None:
    with pytest.raises(errors.Misuse, match="must not be given as SQL"):
        unchanged.executemany(sql, [("dog",)])


@pytest.mark.parametrize("sql", ["explain commit", "select 'commit'", "select 1 as commit_", "select 1 -- commit"])
def test_the_word_elsewhere_is_no_matter(unchanged: neurograph.Database, sql: str) -> None:
    assert len(unchanged.execute(sql).fetchall()) > 0


# --- several statements ----------------------------------------------------------------------------------------------


def test_several_statements_are_all_kept(db: neurograph.Database) -> None:
    result = db.execute("insert into token (label) values ('a'); insert into token (label) values ('b'); select 7 as n")
    assert (result.columns, result.fetchall()) == (("n",), [(7,)])
    assert labels(db) == ["a", "b"]


@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in a transaction"])
def test_several_statements_are_all_undone_by_an_error_in_one(db: neurograph.Database, inside: bool) -> None:
    sql = "insert into token (label) values ('a'); insert into token (weight) values (7)"
    if not inside:
        with pytest.raises(errors.RuleViolated, match="weight must be within"):
            db.execute(sql)
        assert labels(db) == []
        return
    with db.transaction():
        db.execute("insert into token (label) values ('before')")
        with pytest.raises(errors.RuleViolated):
            db.execute(sql)
        assert labels(db) == ["before"]
    assert labels(db) == ["before"]


def test_a_syntax_error_in_a_later_statement_undoes_the_earlier(db: neurograph.Database) -> None:
    with pytest.raises(apsw.SQLError, match="syntax error"):
        db.execute("insert into token (label) values ('a'); selec 1")
    assert labels(db) == []


def test_reads_and_writes_mixed_see_one_state_and_count_once(db: neurograph.Database) -> None:
    result = db.execute("""
        select count(*) from token;
        insert into token (label) values ('a');
        select count(*) as n, max(id) from token;
        insert into token (label) values ('b');""")
    assert (result.columns, result.rows) == (("n", "max(id)"), [(1, 1)])
    assert labels(db) == ["a", "b"]


def test_parameters_are_taken_in_order_across_statements(db: neurograph.Database) -> None:
    db.execute("insert into token (label) values (?); insert into token (label) values (?)", ["a", "b"])
    assert labels(db) == ["a", "b"]


def test_a_semicolon_in_a_string_separates_nothing(db: neurograph.Database) -> None:
    assert db.execute("select 'a;b'").fetchall() == [("a;b",)]
    db.execute("insert into token (label) values ('x;y')")
    assert labels(db) == ["x;y"]


@pytest.mark.parametrize("sql", ["", " ", ";", "-- nothing", "/* nothing */"])
def test_nothing_gives_nothing(unchanged: neurograph.Database, sql: str) -> None:
    result = unchanged.execute(sql)
    assert (result.columns, result.rows) == ((), [])


# --- what must stand alone -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["pragma user_version", "vacuum", "attach ':memory:' as o", "detach o"])
def test_it_is_refused_among_others(unchanged: neurograph.Database, word: str) -> None:
    with pytest.raises(errors.Misuse, match=f"{word.split()[0]} must be given alone"):
        unchanged.execute(f"insert into token (label) values ('a'); {word}")


def test_a_pragma_alone_reads_and_sets(db: neurograph.Database) -> None:
    assert db.execute("pragma table_info(meta)").rows[0][1] == "name"
    db.execute("pragma cache_size = -4096")
    assert db.execute(" /* how much? */ pragma cache_size").fetchone() == (-4096,)
    with db.transaction():
        assert db.execute("pragma foreign_keys").fetchall() == [(1,)]
    with db.snapshot():
        assert db.execute("pragma foreign_keys").fetchall() == [(1,)]


def test_vacuum_alone_gives_pages_back(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        db.execute("create table mine (body blob)")
        db.execute("insert into mine values (zeroblob(1000000))")
        db.execute("drop table mine")
        before = db.execute("pragma page_count").fetchone()
        db.execute("vacuum")
        assert db.execute("pragma page_count").fetchone() < before  # type: ignore[operator]
        with pytest.raises(apsw.SQLError, match="VACUUM"), db.transaction():
            db.execute("vacuum")


def test_an_attached_file_can_be_joined_also_while_other_threads_read(tmp_path: Path) -> None:
    other = apsw.Connection(str(tmp_path / "other.db"))
    other.execute("create table t as select 7 as n")
    other.close()
    found: list[object] = []
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        db.execute("attach ? as other", [str(tmp_path / "other.db")])
        assert db.execute("select n from other.t").fetchall() == [(7,)]
        thread = threading.Thread(target=lambda: found.append(db.execute("select n from other.t").fetchall()))
        thread.start()
        thread.join()
        db.execute("detach other")
        with pytest.raises(apsw.SQLError, match=r"no such table: other\.t"):
            db.execute("select n from other.t")
    assert found == [[(7,)]]


def test_a_temporary_table_is_seen_by_other_threads_too(tmp_path: Path) -> None:
    found: list[object] = []
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        db.execute("create temp table mine (n)")
        db.execute("insert into temp.mine values (7)")
        thread = threading.Thread(target=lambda: found.append(db.execute("select n from mine").fetchall()))
        thread.start()
        thread.join()
        assert db.execute("select n from mine").fetchall() == [(7,)]
        db.execute("drop table temp.mine")  # reads go to other connections now, which don't know the table
        assert db.execute("select count(*) from pragma_table_list where name = 'mine'").fetchall() == [(0,)]
    assert found == [[(7,)]]


# --- values ----------------------------------------------------------------------------------------------------------

VALUES = {
    "none": (None, None),
    "true": (True, 1),
    "int": (5, 5),
    "largest": (2**63 - 1, 2**63 - 1),
    "smallest": (-(2**63), -(2**63)),
    "float": (1.5, 1.5),
    "infinity": (float("inf"), float("inf")),
    "nan is null": (float("nan"), None),
    "text": ("zażółć 🐈\n", "zażółć 🐈\n"),
    "empty text": ("", ""),
    "nul in text": ("a\0b", "a\0b"),
    "bytes": (b"\0\xff", b"\0\xff"),
    "empty bytes": (b"", b""),
    "bytearray": (bytearray(b"ab"), b"ab"),
    "memoryview": (memoryview(b"ab"), b"ab"),
    "zeroblob": (apsw.zeroblob(3), b"\0\0\0"),
}


@pytest.mark.parametrize(("value", "stored"), VALUES.values(), ids=VALUES)
def test_a_value_comes_back_as_it_went_in(db: neurograph.Database, value: object, stored: object) -> None:
    assert db.execute("select ?", [value]).fetchone() == (stored,)
    assert db.execute("select :v as v", {"v": value}).to_dicts() == [{"v": stored}]
    db.execute("create temp table mine (v)")
    db.executemany("insert into mine values (?)", [(value,)])
    assert db.execute("select v from temp.mine").fetchall() == [(stored,)]


def test_numbers_of_numpy_are_numbers(db: neurograph.Database) -> None:
    np = pytest.importorskip("numpy")
    values = [np.int64(3), np.uint8(4), np.float32(0.5), np.float64(2.5), np.bool_(True), np.array(7)]
    expected = (3, 4, 0.5, 2.5, 1, 7)
    assert db.execute("select ?, ?, ?, ?, ?, ?", values).fetchone() == expected
    names = dict(zip("abcdef", values, strict=True))
    assert db.execute("select :a, :b, :c, :d, :e, :f", names).fetchone() == expected
    db.executemany("insert into token (id, weight) values (?, ?)", zip(np.arange(1, 4), np.ones(3), strict=True))
    db.executemany("insert into token (id, weight) values (?, ?)", np.array([[4, 0.5], [5, 0.25]]))
    assert db.execute("select id, weight, typeof(id) from token where id > 3").rows == [
        (4, 0.5, "integer"),
        (5, 0.25, "integer"),
    ]
    assert list(db.stream("select ?", [np.int64(3)])) == [(3,)]


def test_an_array_is_a_blob(db: neurograph.Database) -> None:
    np = pytest.importorskip("numpy")
    vector = np.array([1, 2], np.float32)
    assert db.execute("select ?, length(?1)", [vector]).fetchone() == (vector.tobytes(), 8)


@pytest.mark.parametrize("make", [list, tuple, iter, dict, MappingProxyType], ids=lambda make: make.__name__)
def test_any_sequence_or_mapping_binds(db: neurograph.Database, make: type) -> None:
    bindings = make({"a": 1, "b": 2} if make in (dict, MappingProxyType) else [1, 2])
    sql = "select :a, :b" if hasattr(bindings, "keys") else "select ?, ?"
    assert db.execute(sql, bindings).fetchall() == [(1, 2)]


BAD_BINDINGS = {
    "too few": ([], "bindings must be values SQLite knows .* one for each parameter"),
    "too many": ([1, 2], "uses 1 and there are 2"),
    "none given": (None, "one for each parameter"),
    "a string": ("a", r"must be a sequence or a mapping of values, got 'a'; write \[value\]"),
    "bytes": (b"a", "must be a sequence or a mapping"),
    "a set": ({1}, "must be a sequence or a mapping"),
    "a number": (5, "must be a sequence or a mapping of values, got 5"),
    "too large": ([2**63], "int too big"),
    "a date": ([datetime.date(2026, 11, 21)], r"datetime.date; got \[datetime.date\(2026, 11, 21\)\]"),
    "a decimal": ([decimal.Decimal("1.5")], "Decimal"),
    "a uuid": ([uuid.UUID(int=0)], "UUID"),
    "an object": ([object()], "object"),
    "a list in a list": ([[1]], "list"),
    "a lone surrogate": (["\ud800"], "surrogates not allowed"),
    "the wrong name": ({"b": 1}, "no name|no value for 'a'"),
}


@pytest.mark.parametrize(("bindings", "message"), BAD_BINDINGS.values(), ids=BAD_BINDINGS)
@pytest.mark.parametrize("sql", ["select :a", "insert into token (label) values (:a)"], ids=["read", "write"])
def test_values_that_do_not_fit_are_refused_by_name(
    unchanged: neurograph.Database, sql: str, bindings: object, message: str
) -> None:
    with pytest.raises(errors.InvalidValue, match=message):
        unchanged.execute(sql, bindings)  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidValue, match=message):
        unchanged.stream("select :a", bindings)  # type: ignore[arg-type]


@pytest.mark.parametrize("bindings", [["a", "b"], {"a": 1}, [1]], ids=repr)
def test_values_for_no_parameter_are_refused(unchanged: neurograph.Database, bindings: object) -> None:
    if isinstance(bindings, dict):
        assert unchanged.execute("select 1", bindings).fetchall() == [(1,)]  # names nobody asks for do no harm
    else:
        with pytest.raises(errors.InvalidValue, match="one for each parameter"):
            unchanged.execute("select 1", bindings)  # type: ignore[arg-type]


@pytest.mark.parametrize("sql", [None, 5, b"select 1", "select 1\0"])
def test_sql_must_be_text(unchanged: neurograph.Database, sql: object) -> None:
    for call in (unchanged.execute, unchanged.stream, unchanged.explain):
        with pytest.raises(errors.InvalidValue, match="sql must be a string"):
            call(sql)  # type: ignore[operator]


@pytest.mark.parametrize("timeout_s", [-1, float("nan"), float("inf"), "1", True])
def test_a_timeout_must_be_a_duration(unchanged: neurograph.Database, timeout_s: object) -> None:
    with pytest.raises(errors.InvalidValue, match="timeout_s must be a number of seconds"):
        unchanged.execute("select 1", timeout_s=timeout_s)  # type: ignore[arg-type]


def test_text_that_is_not_utf8_is_named_and_leaves_nothing_open(db: neurograph.Database) -> None:
    with pytest.raises(
        errors.InvalidValue, match=r"must be UTF-8, got b'\\xffA'; select cast\(column as blob\)"
    ) as caught:
        db.execute("select cast(x'ff41' as text)")
    assert caught.value.__traceback__ is not None  # an open cursor would hang on it
    with pytest.raises(errors.InvalidValue, match="must be UTF-8"):
        list(db.stream("select 'fine' union all select cast(x'ff41' as text)"))
    db.tokens.create("cat")
    assert db.execute("select cast(cast(x'ff41' as text) as blob)").fetchall() == [(b"\xffA",)]


def test_text_that_a_shell_wrote_and_is_not_utf8_is_named_by_every_store(db: neurograph.Database) -> None:
    notes = db.library.create("notes", dimension=1, text_index=True)
    db.execute("insert into token (label) values (cast(x'ff41' as text))")
    db.execute("insert into entry (library, key, text) values ('notes', 'cat', cast(x'ff41' as text))")
    calls = [lambda: db.tokens.get(1), db.tokens.list, lambda: notes.get("cat"), notes.list, lambda: list(notes)]
    for call in (*calls, lambda: db.query("cat")):
        with pytest.raises(errors.InvalidValue, match=r"must be UTF-8, got b'\\xffA'; select cast\(column as blob\)"):
            call()
    assert not db.in_transaction
    assert notes.match("cat")[0].key == "cat"
    assert [wrong.invariant for wrong in db.check()] == ["token.utf8", "item.utf8"]
    db.execute("delete from token")
    db.execute("delete from entry")


def test_a_caller_s_own_text_that_is_not_utf8_is_not_the_file_s(db: neurograph.Database) -> None:
    for context in (db.transaction, db.snapshot):
        with pytest.raises(UnicodeDecodeError), context():
            b"\xff".decode()


def test_a_large_blob_and_a_large_result_come_whole(db: neurograph.Database) -> None:
    body = bytes(range(256)) * 40_000
    db.execute("create table mine (body blob)")
    db.execute("insert into mine values (?)", [body])
    assert db.execute("select body from mine").fetchone() == (body,)
    count = 200_000
    numbers = "with recursive n (i) as (select 1 union all select i + 1 from n where i < ?) select i from n"
    rows = db.execute(numbers, [count])
    assert (len(rows), rows.rows[-1]) == (count, (count,))
    assert sum(i for (i,) in db.stream(numbers, [count])) == count * (count + 1) // 2


# --- writes ----------------------------------------------------------------------------------------------------------


def test_rows_of_returning_come_back(db: neurograph.Database) -> None:
    result = db.execute("insert into token (label) values ('a'), ('b') returning id, label")
    assert (result.columns, result.fetchall()) == (("id", "label"), [(1, "a"), (2, "b")])


def test_a_failing_row_undoes_its_statement_only(db: neurograph.Database) -> None:
    with db.transaction():
        db.execute("insert into token (label) values ('a')")
        with pytest.raises(errors.Conflict, match=r"token\.label must be unique"):
            db.execute("insert into token (label) values ('b'), ('a')")
        db.execute("insert into token (label) values ('c')")
    assert labels(db) == ["a", "c"]


def test_executemany_is_one_transaction(db: neurograph.Database) -> None:
    with pytest.raises(errors.Conflict):
        db.executemany("insert into token (label) values (?)", [("a",), ("b",), ("a",)])
    assert labels(db) == []
    db.executemany("insert into token (label) values (:label)", ({"label": label} for label in "ab"))
    assert labels(db) == ["a", "b"]


def test_an_error_in_the_rows_themselves_undoes_all(db: neurograph.Database) -> None:
    def rows() -> Iterator[tuple[str]]:
        yield ("a",)
        assert labels(db) == ["a"]  # they may look at what was written so far
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        db.executemany("insert into token (label) values (?)", rows())
    assert labels(db) == []
    assert not db.in_transaction


@pytest.mark.parametrize("rows", [None, 5, "ab", b"ab", {"label": "a"}])
def test_rows_must_be_rows(unchanged: neurograph.Database, rows: object) -> None:
    with pytest.raises(errors.InvalidValue, match="rows must be an iterable of sequences or mappings"):
        unchanged.executemany("insert into token (label) values (?)", rows)  # type: ignore[arg-type]


@pytest.mark.parametrize("row", [5, "a", None, [...], [], ["a", "b"], [2**64]], ids=repr)
def test_a_bad_row_is_refused_by_value(unchanged: neurograph.Database, row: object) -> None:
    with pytest.raises(errors.InvalidValue, match="bindings must be"):
        unchanged.executemany("insert into token (label) values (?)", [("fine",), row])


def test_or_rollback_ends_the_transaction_and_the_block_says_so(db: neurograph.Database) -> None:
    db.tokens.create("a")

    def block() -> None:
        with db.transaction():
            db.tokens.create("b")
            with pytest.raises(errors.Conflict):
                db.execute("insert or rollback into token (label) values ('a')")

    with pytest.raises(errors.NoTransaction, match="the transaction was already rolled back"):
        block()
    assert labels(db) == ["a"]


def test_after_the_transaction_is_gone_nothing_in_its_block_is_committed_on_its_own(db: neurograph.Database) -> None:
    db.tokens.create("a")

    def block() -> None:
        with db.transaction():
            with pytest.raises(errors.Conflict):
                db.execute("insert or rollback into token (label) values ('a')")
            with pytest.raises(errors.NoTransaction):
                db.execute("select 1")
            with pytest.raises(errors.NoTransaction):
                db.begin()
            db.tokens.create("b")

    with pytest.raises(errors.NoTransaction, match="cannot go on; the transaction was already"):
        block()
    assert labels(db) == ["a"]
    assert not db.in_transaction
    db.tokens.create("c")


def test_a_table_of_ones_own_is_a_table(db: neurograph.Database) -> None:
    db.execute("create table author (id integer primary key, name text) strict")
    db.execute("create index author_by_name on author (name)")
    db.execute("insert into author (name) values ('Ada')")
    assert db.execute("select a.name from author as a left join token as t on t.id = a.id").fetchall() == [("Ada",)]
    db.execute("drop table author")


def test_explain_as_sql_runs_nothing(db: neurograph.Database) -> None:
    assert len(db.execute("explain insert into token (label) values ('a')")) > 5
    assert "token" in db.execute("explain query plan select * from token").rows[0][3].lower()
    assert labels(db) == []
