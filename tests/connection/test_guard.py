"""What else holds a file: foreign descriptors are refused where they can be found; network file systems are known."""

from __future__ import annotations

import logging
import os
import sys
import threading
from pathlib import Path

import apsw
import pytest

import neurograph
from neurograph import errors
from neurograph.connection import guard
from processes import digest, files, python

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="found through /proc, which Linux alone has")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "mind.ngdb"
    neurograph.open(path).close()
    return path


@linux
def test_a_file_object_of_this_process_is_refused_and_closing_it_helps(path: Path) -> None:
    before = digest(path)
    with path.open("rb"), pytest.raises(errors.ForeignHandle, match="held open by this process outside neurograph"):
        neurograph.open(path)
    assert digest(path) == before
    neurograph.open(path).close()


@linux
def test_a_descriptor_that_comes_later_is_found_at_the_next_opening(path: Path) -> None:
    with neurograph.open(path):
        descriptor = os.open(path, os.O_RDONLY)
        with pytest.raises(errors.ForeignHandle):
            neurograph.open(path)
        # Closing it drops this process' locks, which is what the error warns of; nobody else is here.
        os.close(descriptor)
        neurograph.open(path).close()


@linux
def test_the_standard_module_is_found(path: Path) -> None:
    out = python(
        """
        import sqlite3, sys
        import neurograph
        c = sqlite3.connect(sys.argv[1])
        c.execute("select * from meta").fetchall()
        try:
            neurograph.open(sys.argv[1])
        except neurograph.errors.ForeignHandle as error:
            print(error)
        c.close()
        neurograph.open(sys.argv[1]).close()
        """,
        path,
    )
    assert "the module sqlite3" in out
    assert "use it in another process" in out


@linux
def test_a_file_of_another_name_is_nobody_elses_business(path: Path) -> None:
    other = path.with_name("other.ngdb")
    with other.open("wb"):
        neurograph.open(path).close()


@pytest.mark.parametrize("times", [1, 3])
def test_any_number_of_handles_of_this_package_is_fine(path: Path, times: int) -> None:
    handles = [neurograph.open(path) for _ in range(times)]
    own = apsw.Connection(str(path))
    own.execute("select * from meta").fetchall()
    for number, db in enumerate(handles):
        db.tokens.create(f"cat {number}")
    neurograph.open(path).close()
    for db in handles:
        db.close()
    with neurograph.open(path) as db:
        assert db.tokens.count() == times
    own.close()
    assert files(path) == ["mind.ngdb"]


def test_opening_does_not_drop_the_locks_of_a_handle_that_another_thread_uses(path: Path) -> None:
    """The header is not looked at through a descriptor of its own then: closing that would drop the locks."""
    db = neurograph.open(path, journal="rollback")
    running, stop = threading.Event(), threading.Event()

    def slow(value: int) -> int:
        running.set()
        stop.wait(30)
        return value

    db._session.writer.connection.create_scalar_function("slow", slow)

    def write() -> None:
        with db.transaction():
            db.execute("insert into token (label) values ('dog' || slow(1))")

    writer = threading.Thread(target=write)
    writer.start()
    assert running.wait(30)
    neurograph.open(path, journal="rollback", mode="r").close()
    out = python(
        """
        import sqlite3, sys
        c = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
        try:
            c.execute("begin immediate")
            print("got in")
        except sqlite3.OperationalError as error:
            print(error)
        """,
        path,
    )
    stop.set()
    writer.join()
    db.close()
    assert out == "database is locked\n"


MOUNTS = """\
/dev/vda / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
server:/export /mnt/share nfs4 rw,vers=4.2 0 0
//server/c$ /mnt/with\\040space cifs rw 0 0
sshfs#host: /home/me/remote fuse.sshfs rw 0 0
overlay /home/me/remote/layers fuse.fuse-overlayfs rw 0 0
tmpfs /mnt/share/local tmpfs rw 0 0
broken
"""

PLACES = {
    "/mind.ngdb": "ext4",
    "/mnt/mind.ngdb": "ext4",
    "/mnt/share/mind.ngdb": "nfs4",
    "/mnt/share/local/mind.ngdb": "tmpfs",
    "/mnt/sharedless/mind.ngdb": "ext4",
    "/mnt/with space/mind.ngdb": "cifs",
    "/home/me/remote/mind.ngdb": "fuse.sshfs",
    "/home/me/remote/layers/mind.ngdb": "fuse.fuse-overlayfs",
}


@pytest.mark.parametrize(("place", "kind"), PLACES.items(), ids=PLACES)
def test_the_nearest_mount_tells_the_file_system(place: str, kind: str) -> None:
    assert guard.file_system(place, MOUNTS) == kind


@linux
def test_network_and_unknown_file_systems_are_told_from_local_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mounts"
    table.write_text(MOUNTS)
    monkeypatch.setattr(guard, "MOUNTS", str(table))
    found = {place: guard.network_file_system(place) for place in PLACES}
    assert {place for place, kind in found.items() if kind} == {
        "/mnt/share/mind.ngdb",
        "/mnt/with space/mind.ngdb",
        "/home/me/remote/mind.ngdb",
    }


def test_without_a_table_of_mounts_nothing_is_claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MOUNTS", str(tmp_path / "absent"))
    monkeypatch.setattr(guard, "DESCRIPTORS", str(tmp_path / "absent"))
    assert guard.network_file_system(str(tmp_path)) is None
    guard.refuse_foreign_handles(str(tmp_path / "mind.ngdb"))


def test_a_share_is_told_by_its_name_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert guard.network_file_system(r"\\server\share\mind.ngdb") == "a network share"
    assert guard.network_file_system(r"C:\mind.ngdb") is None


def test_on_a_network_file_system_a_rollback_journal_with_extra_is_used_and_said(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(guard, "network_file_system", lambda path: "nfs4")
    with caplog.at_level(logging.WARNING, "neurograph"), neurograph.open(path) as db:
        assert db.execute("pragma journal_mode").fetchall() == [("delete",)]
        assert db.execute("pragma synchronous").fetchall() == [(3,)]
        db.tokens.create("cat")
        assert files(path) == ["mind.ngdb"]
    assert "nfs4, where locks can't be trusted: never open it from two machines" in caplog.text
    assert path.read_bytes()[18:20] == b"\x01\x01"
