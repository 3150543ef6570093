"""A file that can't be opened: its own error each time, which says why and what to do; the file stays as it was."""

from __future__ import annotations

import os
import shutil
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

import neurograph
from neurograph import errors, migrate
from processes import Held, digest, posix, python


def foreign(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("pragma application_id = 252006674; create table cable (id)")
    connection.close()


def plain_sqlite(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("create table shop (id integer primary key, name text)")
    connection.close()


def another_meta(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("create table meta (key, value); create table migration (number)")
    connection.close()


def ours(path: Path) -> None:
    with neurograph.open(path) as db:
        db.tokens.create("cat")


def patched(path: Path, at: int, value: bytes) -> None:
    ours(path)
    content = bytearray(path.read_bytes())
    content[at : at + len(value)] = value
    path.write_bytes(content)


def newer(path: Path) -> None:
    patched(path, 60, struct.pack(">I", 999))


def newer_by_meta(path: Path) -> None:
    """As a dump restores it: without the number in the header."""
    ours(path)
    python(
        """
        import sqlite3, sys
        c = sqlite3.connect(sys.argv[1])
        c.executescript("pragma application_id = 0; pragma user_version = 0")
        c.execute("update meta set value = 999 where name = 'schema'")
        c.commit()
        """,
        path,
    )


def truncated(path: Path) -> None:
    ours(path)
    os.truncate(path, path.stat().st_size // 2)


def cut_in_the_header(path: Path) -> None:
    ours(path)
    os.truncate(path, 60)


REFUSED: dict[str, tuple[Callable[[Path], object], str, type[errors.CannotOpen], str]] = {
    "no file": (lambda path: None, "rw", errors.FileMissing, 'no file at .*; open it with mode="rwc" to create it'),
    "no file to read": (lambda path: None, "r", errors.FileMissing, "no file at"),
    "a folder": (Path.mkdir, "rwc", errors.NotAFile, "path must name a file, got the folder"),
    "an empty file to read": (Path.touch, "r", errors.NotADatabase, "is empty; open it for writing once"),
    "no database": (
        lambda path: path.write_text("label,weight\ncat,0.5\n" * 100),
        "rwc",
        errors.NotADatabase,
        r"is not a SQLite database, or it is encrypted; it begins with b'label,weight",
    ),
    "one byte": (lambda path: path.write_bytes(b"S"), "rw", errors.NotADatabase, "is not a SQLite database"),
    "cut in the header": (cut_in_the_header, "rw", errors.DamagedFile, "must have at least 100 bytes, got 60"),
    "truncated": (truncated, "rw", errors.DamagedFile, "must have [0-9]+ bytes, got [0-9]+; restore it from a copy"),
    "truncated to read": (truncated, "r", errors.DamagedFile, "must have [0-9]+ bytes, got [0-9]+"),
    "another application's": (foreign, "rwc", errors.ForeignApplication, "must be 0x4e474442, got 0x0f055112; open a"),
    "SQLite without our tables": (plain_sqlite, "rwc", errors.ForeignApplication, "without neurograph's tables"),
    "another's table meta": (another_meta, "rwc", errors.ForeignApplication, "a table meta that is not neurograph's"),
    "a newer schema": (newer, "rw", errors.NewerSchema, "has schema 999, .* up to [0-9]+; upgrade the package"),
    "a newer schema to read": (newer, "r", errors.NewerSchema, "upgrade the package neurograph"),
    "a newer schema, restored": (newer_by_meta, "rw", errors.NewerSchema, "has schema 999"),
}


@pytest.mark.parametrize(("make", "mode", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_and_left_as_it_was(
    tmp_path: Path, make: Callable[[Path], object], mode: str, error: type[errors.CannotOpen], message: str
) -> None:
    path = tmp_path / "mind.ngdb"
    make(path)
    before = digest(path) if not path.is_dir() else ""
    with pytest.raises(error, match=message) as caught:
        neurograph.open(path, mode=mode)
    assert type(caught.value) is error
    assert path.name in str(caught.value)
    if path.is_file():
        assert digest(path) == before
    else:
        assert not path.is_file()


def test_no_folder_says_so_and_makes_none(tmp_path: Path) -> None:
    with pytest.raises(errors.FileMissing, match=r"no folder at .*; create it first"):
        neurograph.open(tmp_path / "absent" / "mind.ngdb")
    assert not (tmp_path / "absent").exists()


def test_a_missing_file_is_a_file_not_found_error_too(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        neurograph.open(tmp_path / "mind.ngdb", mode="rw")


@posix
def test_a_pipe_or_a_socket_is_refused_without_waiting_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    server = socket.socket(socket.AF_UNIX)
    server.bind("socket")
    for name in ("pipe", "socket", "/dev/null"):
        with pytest.raises(errors.NotAFile, match="must name a regular file"):
            neurograph.open(name)
    server.close()


@pytest.mark.parametrize("path", ["", "a\0b", b"mind.ngdb", 5, None])
def test_a_path_that_is_no_name_is_refused(path: object) -> None:
    with pytest.raises(errors.InvalidValue, match="path must be the name of a file"):
        neurograph.open(path)  # type: ignore[arg-type]


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    path = tmp_path / "mind.ngdb"
    path.touch()
    with neurograph.open(path, mode="rw") as db:
        assert db.check() == []


def test_a_link_to_a_file_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "mind.ngdb"
    link.symlink_to(tmp_path / "real.ngdb")
    with neurograph.open(link) as db:
        db.tokens.create("cat")
    with neurograph.open(tmp_path / "real.ngdb") as db:
        assert db.tokens.get("cat").label == "cat"
    assert [file.name for file in (tmp_path / "links").iterdir()] == ["mind.ngdb"]


def test_a_name_that_looks_like_a_uri_is_a_file_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = "file:mind.ngdb?mode=memory" if os.name == "posix" else "file mind.ngdb"
    neurograph.open(name).close()
    assert [file.name for file in Path().iterdir()] == [name]
    with neurograph.open(name, mode="r") as db:
        assert db.check() == []


@pytest.mark.parametrize("journal", ["wal", "rollback"])
def test_a_file_another_process_locked_is_refused_after_the_timeout(tmp_path: Path, journal: str) -> None:
    path = tmp_path / "mind.ngdb"
    neurograph.open(path, journal=journal).close()
    hold = """
        import sqlite3, sys
        c = sqlite3.connect(sys.argv[1], isolation_level=None)
        c.execute("pragma locking_mode = exclusive")
        c.execute("begin exclusive")
        hold()
        c.execute("rollback")
        """
    before = path.read_bytes()
    with (
        Held(hold, path),
        pytest.raises(errors.FileLocked, match=r"locked by another process for 0.05 s; try again later"),
    ):
        neurograph.open(path, journal=journal, busy_timeout_s=0.05)
    neurograph.open(path, journal=journal).close()
    assert path.read_bytes() == before


def test_a_file_whose_journal_mode_can_not_change_now_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mind.ngdb"
    neurograph.open(path).close()
    reader = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('select * from meta').fetchall(); hold()"
    with Held(reader, path), pytest.raises(errors.CannotOpen, match=r"held the file for 0\.05 s|another process uses"):
        neurograph.open(path, journal="rollback", busy_timeout_s=0.05)
    neurograph.open(path, journal="rollback").close()


def test_damage_inside_is_named_as_damage(tmp_path: Path) -> None:
    path = tmp_path / "mind.ngdb"
    ours(path)
    content = bytearray(path.read_bytes())
    content[100:108] = b"\xff" * 8  # the first page's b-tree header
    path.write_bytes(content)
    before = digest(path)
    with pytest.raises(errors.DamagedFile, match=r"is damaged .*; restore it from a copy"):
        neurograph.open(path, mode="rw")
    assert digest(path) == before


def test_a_foreign_file_that_is_open_here_already_is_not_changed(tmp_path: Path) -> None:
    """Its header can't be looked at then; what decides is its content, before anything is set."""
    path = tmp_path / "cables.db"
    foreign(path)
    before = digest(path)
    theirs = apsw.Connection(str(path))
    assert theirs.execute("select count(*) from cable").fetchall() == [(0,)]
    with pytest.raises(errors.ForeignApplication):
        neurograph.open(path)
    theirs.close()
    assert digest(path) == before


def test_an_older_schema_opened_for_reading_says_how_to_upgrade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mind.ngdb"
    ours(path)
    before = digest(path)
    newest = Path(shutil.copytree(migrate.schema_folder(), tmp_path / "schema"))
    number = migrate.newest_schema() + 1
    (newest / f"{number:04}_more.sql").write_text("create table more (id integer primary key) strict;\n")
    monkeypatch.setattr(migrate, "schema_folder", lambda: str(newest))
    with pytest.raises(
        errors.OlderSchema, match=f"has schema {number - 1}, and .* reads schema {number}; open it once"
    ):
        neurograph.open(path, mode="r")
    assert digest(path) == before
