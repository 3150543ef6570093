"""What `open` sets on a connection, in memory and on a file, and which options it refuses."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import apsw
import pytest

import neurograph
from neurograph import errors
from neurograph.connection import settings
from processes import digest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mind.ngdb"


def pragma(db: neurograph.Database, name: str) -> Any:
    return db.execute(f"pragma {name}").fetchone()[0]  # type: ignore[index]


BAD = {
    "mode": ["w", "", None, "a"],
    "synchronous": ["FULL", "", None, 2],
    "journal": ["delete", "WAL", None],
    "busy_timeout_s": [-1, float("nan"), float("inf"), "1", None, True],
    "memory_budget_bytes": [-1, 1.5, "1", True],
    "engine": ["numpy", "", None],
    "slow_query_s": [-1, float("nan"), "1", True],
    "backup": ["no", 0, None],
    "page_size_bytes": [0, 100, 511, 131072, "8192", None, 8191],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_an_option_that_is_none_of_those_is_refused_and_nothing_is_made(path: Path, name: str, value: object) -> None:
    with pytest.raises(errors.InvalidValue, match=f"{name} must be .*, got "):
        neurograph.open(path, **{name: value})
    assert not path.exists()


def test_a_file_is_laid_out_as_the_design_says(path: Path) -> None:
    with neurograph.open(path) as db:
        assert pragma(db, "application_id") == 0x4E474442
        assert pragma(db, "user_version") == db.execute("select value from meta where name = 'schema'").fetchone()[0]  # type: ignore[index]
        assert pragma(db, "page_size") == 8192
        assert pragma(db, "auto_vacuum") == 2
        assert pragma(db, "encoding") == "UTF-8"


@pytest.mark.parametrize("page_size_bytes", [512, 4096, 65536])
def test_the_page_size_is_chosen_once(path: Path, page_size_bytes: int) -> None:
    neurograph.open(path, page_size_bytes=page_size_bytes).close()
    with neurograph.open(path) as db:
        assert pragma(db, "page_size") == page_size_bytes
        db.execute("vacuum")
        assert pragma(db, "page_size") == page_size_bytes


def test_opening_with_another_page_size_does_not_change_it_at_the_next_vacuum(path: Path) -> None:
    neurograph.open(path, journal="rollback", page_size_bytes=4096).close()
    with neurograph.open(path, journal="rollback", page_size_bytes=16384) as db:
        db.execute("vacuum")
        assert pragma(db, "page_size") == 4096


@pytest.mark.parametrize("synchronous", settings.SYNCHRONOUS)
@pytest.mark.parametrize("journal", ["wal", "rollback"])
def test_durability_is_as_asked_and_extra_for_a_rollback_journal(path: Path, synchronous: str, journal: str) -> None:
    with neurograph.open(path, synchronous=synchronous, journal=journal) as db:
        expected = settings.SYNCHRONOUS[synchronous]
        if journal == "rollback" and synchronous == "full":
            expected = 3
        assert pragma(db, "synchronous") == expected
        assert pragma(db, "journal_mode") == ("wal" if journal == "wal" else "delete")


SET = {
    "foreign_keys": 1,
    "cell_size_check": 1,
    "mmap_size": 0,
    "cache_size": -32768,
    "journal_size_limit": 64 << 20,
    "trusted_schema": 0,
}


@pytest.mark.parametrize(("name", "value"), SET.items(), ids=SET)
def test_every_connection_is_set_up(path: Path, name: str, value: int) -> None:
    with neurograph.open(path) as db:
        assert pragma(db, name) == value
        reader = db._session.readers.borrow()
        if name != "journal_size_limit":
            assert reader.connection.pragma(name) == value
        assert reader.connection.pragma("query_only") == 1
        db._session.readers.give_back(reader)
    if name != "mmap_size":  # which memory does not have
        with neurograph.open(":memory:") as db:
            assert pragma(db, name) == value


@pytest.mark.parametrize("page_size_bytes", [4096, 8192, 65536])
def test_pages_kept_in_memory_are_bounded_from_the_first_opening_on(path: Path, page_size_bytes: int) -> None:
    for _ in range(2):
        with neurograph.open(path, page_size_bytes=page_size_bytes, synchronous="off") as db:
            db.execute("create table if not exists blob (body blob)")
            with db.transaction():
                db.executemany("insert into blob values (zeroblob(?))", [(1 << 20,)] * 45)
            db.execute("select count(*) from blob where body = 'x'")
            kept, _ = db._session.writer.connection.status(apsw.SQLITE_DBSTATUS_CACHE_USED)
            assert 30 << 20 < kept < 36 << 20


def test_the_file_can_not_be_corrupted_by_sql(path: Path) -> None:
    with neurograph.open(path) as db:
        with pytest.raises(apsw.SQLError, match="may not be modified"):
            db.execute("update sqlite_schema set sql = ''")
        db.execute("pragma writable_schema = on")
        with pytest.raises(apsw.SQLError, match="may not be modified"):
            db.execute("delete from sqlite_schema")
        with pytest.raises(apsw.SQLError, match="no such column"):
            db.execute('select "absent" from token')
        with pytest.raises(apsw.SQLError, match=r"not authorized|no such function"):
            db.execute("select load_extension('x')")


def test_sqlite_vec_is_there(path: Path) -> None:
    with neurograph.open(path) as db:
        assert db.execute("select vec_distance_l2('[1, 2]', '[4, 6]')").fetchone() == (5.0,)
        db.tokens.count()
        assert next(db.stream("select vec_length(x'00000000')")) == (1,)


def test_without_sqlite_vec_open_says_what_to_install(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "vec_library", lambda: None)
    with pytest.raises(errors.NotHere, match="sqlite-vec must be installed; run `pip install sqlite-vec`"):
        neurograph.open(path)
    monkeypatch.setattr(settings, "vec_library", lambda: str(path))
    with pytest.raises(errors.NotHere, match=r"sqlite-vec must be loadable, got .*; run `pip install"):
        neurograph.open(path)
    assert not path.exists()


@pytest.mark.parametrize("version", ["3.40.1", "3.53.2", "3.9.0", "2.99.99"])
def test_an_unsafe_sqlite_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: version)
    with pytest.raises(errors.UnsafeSQLite, match=f"SQLite must be 3.53.3 or newer, got '{version}'; upgrade .* apsw"):
        neurograph.open(path)
    assert not path.exists()


@pytest.mark.parametrize("version", ["3.53.3", "3.54.0", "3.100.0", "4.0.0"])
def test_a_safe_sqlite_is_not(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: version)
    settings.require_safe_sqlite()


@pytest.mark.parametrize("option", ["THREADSAFE=0", "OMIT_JSON", "OMIT_WAL", "OMIT_LOAD_EXTENSION"])
def test_a_sqlite_without_what_is_needed_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    monkeypatch.setattr(apsw, "compile_options", (*apsw.compile_options, option))
    with pytest.raises(errors.UnsafeSQLite, match=f"got \\['{option}'\\]; install the package apsw"):
        neurograph.open(path)
    assert not path.exists()


@pytest.mark.parametrize("option", ["ENABLE_CARRAY", "ENABLE_FTS5", "ENABLE_MATH_FUNCTIONS"])
def test_a_sqlite_that_lacks_what_is_needed_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.setattr(apsw, "compile_options", tuple(name for name in apsw.compile_options if name != option))
    with pytest.raises(errors.UnsafeSQLite, match=f"got \\['no {option}'\\]; install the package apsw"):
        neurograph.open(path)
    assert not path.exists()


def test_an_unsafe_sqlite_leaves_a_file_that_is_there_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    neurograph.open(path).close()
    before = digest(path)
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.53.2")
    for mode in ("rwc", "rw", "r"):
        with pytest.raises(errors.UnsafeSQLite):
            neurograph.open(path, mode=mode)
    assert digest(path) == before


class TestMemoryBudget:
    def test_by_default_it_is_a_quarter_of_the_ram_and_at_most_1_gib(self, path: Path) -> None:
        with neurograph.open(path) as db:
            budget = db._session.options.memory_budget_bytes
        assert budget == min(settings.memory_bytes() // 4, 1 << 30)
        assert db._policy.budget_bytes == budget

    @pytest.mark.parametrize("asked", [0, 1, 1 << 40])
    def test_what_is_asked_is_what_is_used(self, asked: int) -> None:
        with neurograph.open(":memory:", memory_budget_bytes=asked) as db, db.reader() as reader:
            assert db._policy.budget_bytes == reader._policy.budget_bytes == asked
            assert db._policy.usable == (asked > 0 and neurograph.NATIVE_AVAILABLE)

    def test_the_ram_is_known(self) -> None:
        assert 1 << 26 < settings.memory_bytes() < 1 << 50

    def test_a_small_machine_gets_a_small_budget(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(settings, "memory_bytes", lambda: 512 << 20)
        assert settings.memory_budget(None) == 128 << 20

    def test_where_nobody_can_tell_it_is_1_gib(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(settings, "os", types.SimpleNamespace(name="other"))
        monkeypatch.setattr(settings, "CONTROL_GROUPS", ())
        assert settings.memory_bytes.__wrapped__() == 4 << 30

    @pytest.mark.parametrize(("limit", "expected"), [("1000000", 1_000_000), ("max", None), ("", None)])
    def test_a_control_group_counts(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, expected: int | None
    ) -> None:
        group = tmp_path / "memory.max"
        group.write_text(limit)
        monkeypatch.setattr(settings, "CONTROL_GROUPS", (str(group), str(tmp_path / "absent")))
        found = settings.memory_bytes.__wrapped__()
        assert found == expected if expected else found > 1 << 26


def test_many_openings_at_once_in_one_process(path: Path) -> None:
    import threading

    handles: list[neurograph.Database] = []
    together = threading.Barrier(6)

    def work() -> None:
        together.wait(30)
        handles.append(neurograph.open(path, synchronous="off"))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, db in enumerate(handles):
        db.tokens.create(str(number))
    assert [db.tokens.count() for db in handles] == [6] * 6
    for db in handles:
        db.close()
    assert [file.name for file in path.parent.iterdir()] == ["mind.ngdb"]


@pytest.mark.parametrize("path", ["", "a\x00b", "mind_\udcff.ngdb", 3, None, b"mind.ngdb"])
def test_a_path_is_text_that_sqlite_takes(tmp_path: Path, path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.InvalidValue, match="path must be"):
        neurograph.open(path)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
