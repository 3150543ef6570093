"""Opening to read: nothing is written, whatever the file's journal mode and wherever the file stands."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import neurograph
from neurograph import errors
from processes import digest, files, posix, python


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path) as db:
        db.tokens.create("cat")
    return path


def killed_while_open(path: Path) -> None:
    """Leave a log with a committed token beside the file, as a crash does."""
    code = "import neurograph, os, signal, sys; db = neurograph.open(sys.argv[1]); db.tokens.create('dog')"
    code += f"; os.kill(os.getpid(), {int(getattr(signal, 'SIGKILL', signal.SIGTERM))})"
    subprocess.run([sys.executable, "-c", code, str(path)])
    assert path.with_name("mind.ngdb-wal").stat().st_size > 0


WRITES = [
    "insert into token (label) values ('dog')",
    "update token set weight = 0.1",
    "delete from token",
    "create table mine (id integer)",
    "drop table token",
    "insert into token (label) values ('a'); insert into token (label) values ('b')",
    "pragma user_version = 7",
    "vacuum",
]


@pytest.mark.parametrize("sql", WRITES)
def test_every_write_is_refused(path: Path, sql: str) -> None:
    before = digest(path)
    with neurograph.open(path, mode="r") as db:
        with pytest.raises(errors.ReadOnlyDatabase, match='mode="rw"'):
            db.execute(sql)
        with pytest.raises(errors.ReadOnlyDatabase):
            db.executemany("insert into token (label) values (?)", [("dog",)])
        with pytest.raises(errors.ReadOnlyDatabase, match="cannot write"):
            db.tokens.create("dog")
        with pytest.raises(errors.ReadOnlyDatabase, match="cannot begin a transaction"):
            db.begin()
    assert digest(path) == before


def test_turning_the_protection_off_by_hand_does_not_help(path: Path) -> None:
    before = digest(path)
    with neurograph.open(path, mode="r") as db:
        db.execute("pragma query_only = 0")
        with pytest.raises(errors.ReadOnlyDatabase):
            db.execute("delete from token")
    assert digest(path) == before


def test_reading_works_and_leaves_one_unchanged_file(path: Path) -> None:
    before = digest(path)
    with neurograph.open(path, mode="r") as db:
        assert db.tokens.get("cat").label == "cat"
        assert db.check() == []
    assert files(path) == ["mind.ngdb"]
    assert digest(path) == before


def test_a_log_that_a_crash_left_is_read_and_kept_as_it_was(path: Path) -> None:
    killed_while_open(path)
    found = {name: path.with_name(name).read_bytes() for name in files(path) if not name.endswith("-shm")}
    with neurograph.open(path, mode="r") as db:
        assert db.execute("select label from token order by label").fetchall() == [("cat",), ("dog",)]
    assert found == {name: path.with_name(name).read_bytes() for name in files(path) if not name.endswith("-shm")}
    with neurograph.open(path) as db:
        assert db.execute("select count(*) from token").fetchall() == [(2,)]
    assert files(path) == ["mind.ngdb"]


def test_the_last_to_close_cleans_up_even_if_it_only_read(path: Path) -> None:
    writer = neurograph.open(path)
    reader = neurograph.open(path, mode="r")
    assert reader.tokens.get("cat").label == "cat"
    writer.tokens.create("dog")
    writer.close()
    assert reader.tokens.get("dog").label == "dog"
    reader.close()
    assert files(path) == ["mind.ngdb"]


def test_a_reader_sees_what_is_committed_and_no_more(path: Path) -> None:
    with neurograph.open(path) as db, db.reader() as reader:
        assert reader.path == db.path
        with db.transaction():
            db.tokens.create("dog")
            assert reader.execute("select count(*) from token").fetchall() == [(1,)]
        assert reader.execute("select count(*) from token").fetchall() == [(2,)]
        with pytest.raises(errors.ReadOnlyDatabase):
            reader.tokens.create("cow")


def test_a_reader_of_a_database_in_memory_lives_on_without_the_writer() -> None:
    db = neurograph.open(":memory:")
    db.tokens.create("cat")
    reader = db.reader()
    db.close()
    assert reader.tokens.get("cat").label == "cat"
    with pytest.raises(errors.ReadOnlyDatabase):
        reader.execute("delete from token")
    reader.close()


def test_memory_can_not_be_opened_to_read() -> None:
    with pytest.raises(errors.InvalidValue, match=r"use db\.reader"):
        neurograph.open(":memory:", mode="r")


# What follows runs as a user without rights, because root may write everywhere.
NOBODY = """
import os, sys, urllib.parse
import neurograph
from neurograph import errors
kept = neurograph.open(":memory:")  # libraries are loaded before the rights are gone
kept.check(), list(kept.stream("select 1")), kept.tokens.create("cat"), kept.tokens.get("cat")
with kept.reader() as reader, reader.snapshot():
    reader.tokens.get("cat")
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
path = sys.argv[1]
"""


@pytest.fixture
def shared(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the file in a folder that every user can look into, unlike pytest's."""
    for name in [name for name in os.environ if name.startswith("COVERAGE")]:
        monkeypatch.delenv(name)  # it would write where a user without rights may not
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    shutil.copy(path, folder / "mind.ngdb")
    yield folder / "mind.ngdb"
    folder.chmod(0o755)
    shutil.rmtree(folder)


@posix
@pytest.mark.parametrize("portable", [False, True], ids=["wal", "portable"])
def test_a_file_on_read_only_media_opens_to_read(shared: Path, portable: bool) -> None:
    with neurograph.open(shared) as db:
        if portable:
            db.close(portable=True)
    shared.chmod(0o444)
    shared.parent.chmod(0o555)
    before = digest(shared)
    out = python(
        NOBODY
        + """
with neurograph.open(path, mode="r") as db:
    print(db.tokens.get("cat").label, db.check(), *[row[0] for row in db.stream("select label from token")])
    with db.snapshot():
        print(db.execute("select count(*) from token").fetchall())
    with db.reader() as reader:
        print(reader.tokens.get("cat").label)
    try:
        db.tokens.create("dog")
    except errors.ReadOnlyDatabase as error:
        print(type(error).__name__)
""",
        shared,
    )
    assert out.split("\n")[:-1] == ["cat [] cat", "[(1,)]", "cat", "ReadOnlyDatabase"]
    assert digest(shared) == before
    assert files(shared) == ["mind.ngdb"]


@posix
def test_another_user_reads_a_portable_file_by_any_sqlite_from_a_folder_nobody_may_write(shared: Path) -> None:
    with neurograph.open(shared) as db:
        ids = db.tokens.create_many(count=1000, coordinates={"physical": [[n, 0, 0] for n in range(1000)]})
        db.graph.create_many(ids[:-1], ids[1:])
        db.optimize()
        db.close(portable=True)
    assert shared.read_bytes()[18:20] == b"\x01\x01"
    assert files(shared) == ["mind.ngdb"]
    shared.chmod(0o444)
    shared.parent.chmod(0o555)
    before = digest(shared)
    out = python(
        """
        import os, sqlite3, sys
        if os.geteuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        connection = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
        print(connection.execute("select count(*), sum(physical_x) from token").fetchall())
        print(connection.execute("select count(*) from edge").fetchall())
        print(connection.execute("pragma journal_mode").fetchall())
        """,
        shared,
    )
    assert out.splitlines() == ["[(1001, 499500.0)]", "[(999,)]", "[('delete',)]"]
    out = python(
        NOBODY
        + """
with neurograph.open(path, mode="r") as db:
    print(len(db.graph.bfs(2)), db.grid.nearest((7, 0, 0), 1, level="physical"))
""",
        shared,
    )
    assert out.splitlines() == ["1000 [Neighbor(id=9, distance=0.0)]"]
    assert digest(shared) == before
    assert files(shared) == ["mind.ngdb"]


@posix
@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o444, 0o555), (0o666, 0o555), (0o444, 0o777)])
@pytest.mark.parametrize("portable", [False, True], ids=["wal", "portable"])
def test_a_file_that_can_not_be_written_is_refused_to_writers(
    shared: Path, file_mode: int, folder_mode: int, portable: bool
) -> None:
    neurograph.open(shared).close(portable=portable)
    shared.chmod(file_mode)
    shared.parent.chmod(folder_mode)
    before = shared.read_bytes()
    out = python(
        NOBODY
        + """
try:
    neurograph.open(path)
except errors.ReadOnlyFile as error:
    print(error)
""",
        shared,
    )
    assert "can't be written" in out
    assert 'open it with mode="r"' in out
    assert shared.read_bytes() == before


@posix
def test_a_file_that_can_not_be_read_says_so(shared: Path) -> None:
    shared.chmod(0o000)
    out = python(
        NOBODY
        + """
for mode in ("r", "rw"):
    try:
        neurograph.open(path, mode=mode)
    except errors.CannotOpen as error:
        print(error)
""",
        shared,
    )
    assert out.count("check its permissions") == 2


@posix
def test_a_log_beside_a_file_on_read_only_media_is_not_walked_past(shared: Path) -> None:
    """Without its index the log can't be read there; the file alone would show an older state."""
    killed_while_open(shared)
    shared.with_name("mind.ngdb-shm").unlink()
    shared.parent.chmod(0o555)
    for file in shared.parent.iterdir():
        file.chmod(0o444)
    before = digest(shared)
    out = python(
        NOBODY
        + """
try:
    neurograph.open(path, mode="r")
except errors.CannotOpen as error:
    print(error)
""",
        shared,
    )
    assert "copy it with its -wal" in out
    assert digest(shared) == before
