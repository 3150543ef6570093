"""An older file is brought up to date: whole, with its record, or not at all."""

from __future__ import annotations

import hashlib
import logging
import time
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from schemas import NEWEST, NEXT, STATEMENTS, content, fill, first, ours, schema, script, version

import neurograph
from neurograph import errors, migrate
from processes import digest, files


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "mind.ngdb"
    fill(path)
    return path


@pytest.fixture
def next_schema(tmp_path: Path) -> str:
    return ours(tmp_path / "next", script(*STATEMENTS))


@pytest.mark.parametrize("journal", ["wal", "rollback"])
def test_an_older_file_is_migrated_with_all_that_is_in_it(tmp_path: Path, next_schema: str, journal: str) -> None:
    path = tmp_path / "mind.ngdb"
    fill(path, journal=journal)
    before = content(path)
    with schema(next_schema):
        with neurograph.open(path, journal=journal) as db:
            assert db.check() == []
            assert db.execute("select mood from token where label = 'joy'").fetchall() == [(0.25,)]
            assert db.execute("select count(*), sum(seen) from trace").fetchall() == [(102, 102)]
            assert db.tokens.create("dusk").id == 103
            assert db.execute("select seen from trace where token_id = 103").fetchall() == [(0,)]
            db.tokens.delete("dusk")  # foreign keys are on again
            assert db.execute("select count(*) from trace").fetchall() == [(102,)]
        assert content(path) == before
        assert version(path) == (NEXT, NEXT, NEXT)


@pytest.mark.parametrize("older", range(1, NEWEST))
def test_a_file_of_each_of_our_first_schemas_becomes_what_a_new_file_is(tmp_path: Path, older: int) -> None:
    path, new = tmp_path / "mind.ngdb", tmp_path / "new.ngdb"
    with schema(first(tmp_path / "older", older)):
        neurograph.open(path).close()
    neurograph.open(new).close()
    with neurograph.open(path) as db, neurograph.open(new) as other:
        objects = "select type, name, sql from sqlite_schema order by type, name"
        assert db.execute(objects).fetchall() == other.execute(objects).fetchall()
        assert db.check() == []


def test_each_migration_is_recorded_with_number_hash_and_time(path: Path, tmp_path: Path) -> None:
    second = script("create table other (id integer primary key) strict")
    folder = ours(tmp_path / "two", script(*STATEMENTS), second)
    begun_ns = time.time_ns()
    with schema(folder), neurograph.open(path) as db:
        rows = db.execute("select number, name, sha256, engine from migration order by number").fetchall()
        times = [t for (t,) in db.execute("select applied_ns from migration order by number")]
    texts = [file.read_bytes() for file in sorted(Path(folder).glob("*.sql"))]
    names = [file.stem for file in sorted(Path(folder).glob("*.sql"))]
    assert rows == [
        (number, name, hashlib.sha256(text).hexdigest(), neurograph.__version__)
        for number, (name, text) in enumerate(zip(names, texts, strict=True), 1)
    ]
    assert max(times[:NEWEST]) <= begun_ns <= times[NEWEST] <= times[NEWEST + 1] <= time.time_ns()


def test_it_is_logged(path: Path, next_schema: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "neurograph"), schema(next_schema):
        neurograph.open(path).close()
    said = [record.getMessage() for record in caplog.records]
    assert [line for line in said if line.startswith(str(path))] == [
        f"{path}: kept a copy of schema {NEWEST} as {path}.schema-{NEWEST}",
        f"{path}: applied {NEXT:04}_more_{NEXT}",
    ]


# --- a migration that fails ------------------------------------------------------------------------------------------

BROKEN = {
    "no SQL": "creat table oops (id)",
    "no such table": "insert into absent values (1)",
    "refused by a rule": "update token set weight = 5.0",
    "refused by a check": "insert into meta values (null, 1)",
}


@pytest.mark.parametrize("at", range(len(STATEMENTS) + 1))
@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_one_that_fails_at_any_statement_changes_nothing(path: Path, tmp_path: Path, broken: str, at: int) -> None:
    before, rows = digest(path), content(path)
    folder = ours(tmp_path / "broken", script(*STATEMENTS[:at], broken, *STATEMENTS[at:]))
    with schema(folder):
        for _ in range(2):
            with pytest.raises(errors.CannotOpen, match=f"schema {NEXT:04}_more_{NEXT} can't be applied to"):
                neurograph.open(path)
    assert digest(path) == before  # no copy beside it either
    with neurograph.open(path) as db:
        assert db.check() == []
        db.tokens.create("dusk")
        db.tokens.delete("dusk")
    assert content(path) == rows


def test_the_error_names_the_migration_and_what_sqlite_said(path: Path, tmp_path: Path) -> None:
    folder = ours(tmp_path / "broken", script("create table token (id)"))
    with (
        schema(folder),
        pytest.raises(
            errors.CannotOpen,
            match=r"can't be applied to .*mind.ngdb' \(table token already exists\); rename what of yours",
        ),
    ):
        neurograph.open(path)


def test_rows_that_refer_to_nothing_afterwards_are_named_and_nothing_is_kept(path: Path, tmp_path: Path) -> None:
    before = digest(path)
    dangling = "create table lost (token_id integer references token (id)) strict", "insert into lost values (999)"
    with (
        schema(ours(tmp_path / "dangling", script(*dangling))),
        pytest.raises(errors.DamagedFile, match="rows that refer to rows that are gone; list them with"),
    ):
        neurograph.open(path)
    assert digest(path) == before


def test_those_before_the_one_that_fails_stay(path: Path, tmp_path: Path) -> None:
    works, fails = script(*STATEMENTS), script("create table half (id integer primary key) strict", "oops")
    with schema(ours(tmp_path / "two", works, fails)), pytest.raises(errors.CannotOpen):
        neurograph.open(path)
    assert version(path) == (NEXT, NEXT, NEXT)
    with schema(ours(tmp_path / "one", works)), neurograph.open(path) as db:
        assert db.check() == []
        assert db.execute("select count(*) from sqlite_schema where name = 'half'").fetchall() == [(0,)]


def test_a_file_that_can_not_be_created_whole_stays_empty(tmp_path: Path) -> None:
    path = tmp_path / "mind.ngdb"
    with schema(ours(tmp_path / "broken", script("oops"))), pytest.raises(errors.CannotOpen, match="can't be applied"):
        neurograph.open(path)
    with closing(apsw.Connection(str(path))) as connection:
        assert connection.execute("select * from sqlite_schema").fetchall() == []
    with neurograph.open(path) as db:
        assert db.check() == []


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["rwc", "rw", "r"])
@pytest.mark.parametrize("portable", [False, True])
def test_a_newer_file_is_refused_and_stays_byte_for_byte(
    path: Path, next_schema: str, mode: str, portable: bool
) -> None:
    with schema(next_schema):
        neurograph.open(path, backup=False).close(portable=portable)
    before = digest(path)
    with pytest.raises(
        errors.NewerSchema, match=f"has schema {NEXT}, and this version knows schemas up to {NEWEST}; upgrade"
    ):
        neurograph.open(path, mode=mode)
    assert digest(path) == before


def test_an_older_file_opened_to_read_says_how_to_upgrade_and_stays_byte_for_byte(path: Path, next_schema: str) -> None:
    before = digest(path)
    with schema(next_schema):
        with pytest.raises(errors.OlderSchema, match=f"has schema {NEWEST}, and .* reads schema {NEXT}; open it once"):
            neurograph.open(path, mode="r")
        assert digest(path) == before
        neurograph.open(path, mode="rw").close()  # what it says
        with neurograph.open(path, mode="r") as db:
            assert db.check() == []


@pytest.mark.parametrize("number", range(1, NEWEST + 1))
def test_a_file_of_ours_that_changed_since_it_was_applied_is_named(path: Path, tmp_path: Path, number: int) -> None:
    before = digest(path)
    folder = Path(ours(tmp_path / "changed"))
    changed = sorted(folder.glob("*.sql"))[number - 1]
    changed.write_text(changed.read_text(encoding="utf-8") + "-- one word more\n", encoding="utf-8", newline="\n")
    with schema(str(folder)), pytest.raises(errors.SchemaChanged, match=f"schema {changed.stem} differs from the one"):
        neurograph.open(path)
    assert digest(path) == before


@pytest.mark.parametrize("older", [False, True], ids=["of our schema", "of an older schema"])
@pytest.mark.parametrize("change", ["set sha256 = replace(sha256, substr(sha256, 1, 1), 'x')", "set number = 99"])
def test_a_record_that_does_not_fit_is_named(path: Path, next_schema: str, older: bool, change: str) -> None:
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute(f"update migration {change} where name = '0003_cdna'")
        if not older:
            connection.execute("delete from meta where name = 'schema_sum'")
    before = digest(path)
    with (
        schema(next_schema if older else migrate.schema_folder()),
        pytest.raises(errors.SchemaChanged, match="schema 0003_cdna differs from the one applied to"),
    ):
        neurograph.open(path)
    assert digest(path) == before


class TestFolders:
    def test_line_ends_of_another_system_make_no_other_schema(self, path: Path, tmp_path: Path) -> None:
        folder = Path(ours(tmp_path / "windows"))
        for file in folder.glob("*.sql"):
            file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
        with schema(str(folder)), neurograph.open(path) as db:
            assert db.check() == []

    def test_other_files_in_it_are_no_migrations(self, tmp_path: Path) -> None:
        folder = Path(ours(tmp_path / "more"))
        for name in ("README.md", "0008_draft.sql.bak", "8_draft.sql", ".0008_draft.sql"):
            (folder / name).write_text("oops")
        assert len(migrate.migrations(str(folder))) == NEWEST

    @pytest.mark.parametrize("gone", [1, 3])
    def test_a_gap_is_refused(self, tmp_path: Path, gone: int) -> None:
        folder = Path(ours(tmp_path / "gap"))
        next(folder.glob(f"{gone:04}_*.sql")).unlink()
        with pytest.raises(errors.SchemaChanged, match="must be numbered from 1 without gaps"):
            migrate.migrations(str(folder))

    def test_an_empty_one_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(errors.SchemaChanged, match="must be numbered from 1"):
            migrate.migrations(str(tmp_path))


# --- the copy --------------------------------------------------------------------------------------------------------


class TestCopy:
    @pytest.mark.parametrize("journal", ["wal", "rollback"])
    def test_it_is_kept_beside_the_file_and_opens_with_the_older_schema(
        self, tmp_path: Path, next_schema: str, journal: str
    ) -> None:
        path = tmp_path / "mind.ngdb"
        fill(path, journal=journal)
        path.chmod(0o640)
        before = content(path)
        with schema(next_schema):
            neurograph.open(path, journal=journal).close()
        copy = tmp_path / f"mind.ngdb.schema-{NEWEST}"
        assert files(path) == ["mind.ngdb", copy.name]
        assert copy.stat().st_mode == path.stat().st_mode
        header = copy.read_bytes()[:100]
        assert int.from_bytes(header[16:18], "big") * int.from_bytes(header[28:32], "big") == copy.stat().st_size
        assert version(copy) == (NEWEST, NEWEST, NEWEST)
        whole = digest(copy)
        with neurograph.open(copy, mode="r") as db:
            assert db.check() == []
        assert digest(copy) == whole
        assert content(copy) == before
        with neurograph.open(copy) as db:
            assert db.tokens.create().id == 103

    def test_none_is_kept_where_it_was_refused(self, path: Path, next_schema: str) -> None:
        with schema(next_schema):
            neurograph.open(path, backup=False).close()
        assert files(path) == ["mind.ngdb"]
        assert version(path) == (NEXT, NEXT, NEXT)

    def test_none_is_kept_of_a_new_file(self, tmp_path: Path) -> None:
        neurograph.open(tmp_path / "mind.ngdb").close()
        assert files(tmp_path / "mind.ngdb") == ["mind.ngdb"]

    def test_one_is_kept_however_many_migrations_are_missing(self, tmp_path: Path) -> None:
        path = tmp_path / "mind.ngdb"
        with schema(first(tmp_path / "older", NEWEST - 3)):
            neurograph.open(path).close()
        neurograph.open(path).close()
        assert files(path) == ["mind.ngdb", f"mind.ngdb.schema-{NEWEST - 3}"]

    def test_it_replaces_none_that_is_there(self, path: Path, next_schema: str) -> None:
        names = [f"{path}.schema-{NEWEST}", f"{path}.schema-{NEWEST}.2", f"{path}.schema-{NEWEST}.3"]
        for name in names[:2]:
            Path(name).write_text("mine")
        with schema(next_schema):
            neurograph.open(path).close()
        assert [Path(name).read_bytes()[:4] for name in names] == [b"mine", b"mine", b"SQLi"]

    def test_what_a_kill_left_of_one_is_replaced(self, path: Path, next_schema: str) -> None:
        Path(f"{path}.schema-{NEWEST}.part").write_bytes(path.read_bytes()[:20000])
        with schema(next_schema), neurograph.open(path) as db:
            assert db.check() == []
        assert files(path) == ["mind.ngdb", f"mind.ngdb.schema-{NEWEST}"]
        assert version(Path(f"{path}.schema-{NEWEST}")) == (NEWEST, NEWEST, NEWEST)
