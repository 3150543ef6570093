"""The last close leaves one file; a portable one leaves it as read-only media can hold it."""

from __future__ import annotations

import gc
import threading
from pathlib import Path

import pytest

import neurograph
from neurograph import errors
from processes import Held, files, posix, python


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path) as db:
        db.tokens.create("cat")
    return path


def version_bytes(path: Path) -> bytes:
    """Return bytes 18 and 19 of the header: 2/2 for a write-ahead log, 1/1 for a rollback journal."""
    return path.read_bytes()[18:20]


@pytest.mark.parametrize("synchronous", ["off", "normal", "full", "extra"])
def test_the_last_close_leaves_one_file(tmp_path: Path, synchronous: str) -> None:
    path = tmp_path / "mind.ngdb"
    db = neurograph.open(path, synchronous=synchronous)
    db.tokens.create("cat")
    assert files(path) == ["mind.ngdb", "mind.ngdb-shm", "mind.ngdb-wal"]
    db.close()
    assert files(path) == ["mind.ngdb"]
    assert version_bytes(path) == b"\x02\x02"


def test_readers_of_other_threads_and_snapshots_are_closed_with_it(path: Path) -> None:
    db = neurograph.open(path)
    thread = threading.Thread(target=lambda: db.tokens.get("cat"))
    with db.transaction():
        thread.start()
        thread.join()
    snapshot = db.snapshot()
    snapshot.__enter__()
    stream = db.stream("select label from token")
    db.close()
    assert files(path) == ["mind.ngdb"]
    snapshot.__exit__(None, None, None)
    with pytest.raises(errors.Closed):
        next(stream)


def test_a_dropped_handle_leaves_one_file_too(path: Path) -> None:
    db = neurograph.open(path)
    db.tokens.create("dog")
    del db
    gc.collect()
    assert files(path) == ["mind.ngdb"]


def test_what_is_open_is_rolled_back(path: Path) -> None:
    db = neurograph.open(path)
    db.begin()
    db.begin()
    db.tokens.create("dog")
    db.close()
    with neurograph.open(path) as db:
        assert [token.label for token in db.tokens.list()] == ["cat"]


def test_leaving_the_block_by_an_error_rolls_back_and_closes(path: Path) -> None:

    def block(db: neurograph.Database) -> None:
        with db:
            db.begin()
            db.tokens.create("dog")
            raise ZeroDivisionError

    db = neurograph.open(path)
    with pytest.raises(ZeroDivisionError):
        block(db)
    assert db.closed
    assert files(path) == ["mind.ngdb"]
    with neurograph.open(path) as db:
        assert [token.label for token in db.tokens.list()] == ["cat"]


def test_a_second_close_does_nothing(path: Path) -> None:
    db = neurograph.open(path)
    db.close()
    db.close()
    assert db.closed


def test_a_handle_that_wrote_nothing_rewrites_nothing(path: Path) -> None:
    before, changed_ns = path.read_bytes(), path.stat().st_mtime_ns
    with neurograph.open(path) as db:
        assert db.tokens.get("cat").label == "cat"
        with db.transaction():
            pass
        with db.snapshot():
            db.execute("select * from token")
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (before, changed_ns)


@pytest.mark.parametrize("journal", ["wal", "rollback"])
def test_whatever_was_done_the_last_close_leaves_one_file(path: Path, journal: str) -> None:
    """Bulk loads, indexes, saved and loaded arrays, errors, undone work, another handle, another process."""
    db = neurograph.open(path, journal=journal)
    ids = db.tokens.create_many(count=2000, coordinates={"physical": [[n, 0, 0] for n in range(2000)]})
    db.graph.create_many(ids[:-1], ids[1:])
    db.index("token", "$.year")
    with db.transaction(), pytest.raises(errors.RuleViolated), db.transaction():
        db.tokens.create("dog", weight=7)
    db.begin()
    db.tokens.create_many(count=5000)
    db.rollback()
    db.optimize()
    other = neurograph.open(path, journal=journal)
    python("import neurograph, sys\nwith neurograph.open(sys.argv[1]) as db: db.tokens.create('bird')", path)
    assert len(other.graph.bfs(2)) == len(db.graph.bfs(2)) == 2000
    db.close()
    assert other.grid.nearest((9, 0, 0), 1, level="physical").ids.tolist() == [ids[9]]
    other.tokens.delete("bird")
    other.close()
    assert files(path) == ["mind.ngdb"]
    with neurograph.open(path, mode="r") as db:
        assert db.check() == []
        assert db.tokens.count() == 2001
    assert files(path) == ["mind.ngdb"]


def test_closing_beside_a_reader_of_another_process_does_not_wait(path: Path) -> None:
    reader = """
        import neurograph, sys
        with neurograph.open(sys.argv[1]) as db, db.snapshot():
            hold()
            assert db.execute("select count(*) from token").fetchall() == [(1,)]
        """
    db = neurograph.open(path, busy_timeout_s=1e6)
    with Held(reader, path):
        db.tokens.create("dog")
        db.close()
    assert files(path) == ["mind.ngdb"]


@posix
def test_closing_while_another_process_moves_the_log_leaves_that_to_it(path: Path) -> None:
    checkpointer = """
        import fcntl, sys
        with open(sys.argv[1] + "-shm", "r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX, 1, 121)  # the lock of whoever moves the log
            hold()
        """
    db = neurograph.open(path)
    reader = neurograph.open(path, mode="r")
    db.tokens.create("dog")
    with Held(checkpointer, path):
        reader.close()
        db.close()
        assert reader.closed
        assert db.closed
    with neurograph.open(path) as db:
        assert db.tokens.get("dog").label == "dog"
        assert db.check() == []


def test_a_statement_that_an_error_keeps_half_read_does_not_stop_a_close(path: Path) -> None:
    """As Ctrl-C can leave one in a traceback."""
    for mode in ("rw", "r"):
        db = neurograph.open(path, mode=mode)
        if mode == "rw":
            db.tokens.create("dog")
        kept = db._session.writer.connection.execute("select id from token")
        next(kept)
        db.close()
        assert db.closed
    with neurograph.open(path) as db:
        assert db.check() == []
    assert files(path) == ["mind.ngdb"]


class TestPortable:
    def test_it_leaves_rollback_mode_and_no_log(self, path: Path) -> None:
        db = neurograph.open(path)
        db.tokens.create("dog")
        db.close(portable=True)
        assert db.closed
        assert version_bytes(path) == b"\x01\x01"
        assert files(path) == ["mind.ngdb"]

    def test_the_next_opening_to_write_turns_the_log_on_again(self, path: Path) -> None:
        neurograph.open(path).close(portable=True)
        neurograph.open(path, mode="r").close()
        assert version_bytes(path) == b"\x01\x01"
        neurograph.open(path).close()
        assert version_bytes(path) == b"\x02\x02"

    def test_it_is_refused_while_another_process_has_the_file_open(self, path: Path) -> None:
        db = neurograph.open(path, busy_timeout_s=0.05)
        other = "import neurograph, sys; db = neurograph.open(sys.argv[1]); hold(); db.close()"
        with Held(other, path), pytest.raises(errors.TransactionBusy, match="cannot make the file portable; another"):
            db.close(portable=True)
        assert not db.closed
        assert db.tokens.create("dog").label == "dog"
        db.close(portable=True)
        assert version_bytes(path) == b"\x01\x01"

    def test_it_is_refused_to_a_reader(self, path: Path) -> None:
        db = neurograph.open(path, mode="r")
        with pytest.raises(errors.ReadOnlyDatabase, match="cannot make the file portable"):
            db.close(portable=True)
        db.close()

    def test_memory_has_nothing_to_leave(self) -> None:
        neurograph.open(":memory:").close(portable=True)

    def test_a_stock_module_writes_it_without_a_log(self, path: Path) -> None:
        neurograph.open(path).close(portable=True)
        python(
            """
            import sqlite3, sys, os
            c = sqlite3.connect(sys.argv[1])
            c.execute("insert into token (label) values ('dog')")
            c.commit()
            assert not os.path.exists(sys.argv[1] + "-wal")
            """,
            path,
        )
        with neurograph.open(path) as db:
            assert db.tokens.get("dog").label == "dog"


CALLS = {
    "execute": lambda db: db.execute("select 1"),
    "executemany": lambda db: db.executemany("insert into token (label) values (?)", [("a",)]),
    "stream": lambda db: db.stream("select 1"),
    "explain": lambda db: db.explain("select 1"),
    "transaction": lambda db: db.transaction().__enter__(),
    "snapshot": lambda db: db.snapshot().__enter__(),
    "begin": lambda db: db.begin(),
    "commit": lambda db: db.commit(),
    "rollback": lambda db: db.rollback(),
    "reader": lambda db: db.reader(),
    "create": lambda db: db.tokens.create("dog"),
    "get": lambda db: db.tokens.get(1),
}


class TestAfterwards:
    @pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
    def test_every_call_says_that_it_is_closed(self, path: Path, call: object) -> None:
        db = neurograph.open(path)
        db.tokens.get("cat")
        db.close()
        with pytest.raises(errors.Closed, match=r"is closed; open it again with neurograph\.open"):
            call(db)  # type: ignore[operator]

    def test_results_and_records_stay(self, path: Path) -> None:
        with neurograph.open(path) as db:
            cat, result = db.tokens.get("cat"), db.execute("select label from token")
        assert (cat.label, result.fetchall()) == ("cat", [("cat",)])
        assert repr(db) == f"<Database {str(path)!r} closed>"
        assert not db.in_transaction


def test_closing_waits_for_another_threads_transaction_and_then_refuses(path: Path) -> None:
    db = neurograph.open(path, busy_timeout_s=0.05)
    begun, release = threading.Event(), threading.Event()

    def hold() -> None:
        with db.transaction():
            db.tokens.create("dog")
            begun.set()
            release.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    begun.wait(30)
    with pytest.raises(errors.TransactionOpen, match="cannot close; another thread has a transaction open"):
        db.close()
    assert not db.closed
    release.set()
    thread.join()
    db.close()
    with neurograph.open(path) as db:
        assert db.tokens.get("dog").label == "dog"
