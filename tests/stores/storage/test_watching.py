"""Storage, what changed and what changes: in order, after the commit, from every process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import neurograph
from neurograph import StorageChange
from neurograph.errors import ChangesForgotten, Closed, Interrupted, InvalidValue, TransactionOpen
from processes import Held


def forget(db: neurograph.Database) -> None:
    """Keep the newest change only."""
    db.execute("delete from storage_change where version < (select max(version) from storage_change)")


def wait(watching: Iterator[StorageChange], begun: threading.Event, raised: list[BaseException]) -> None:
    """Watch until it is ended, and keep what ended it."""
    try:
        for _ in watching:
            begun.set()
    except BaseException as error:
        raised.append(error)


def test_changes_are_all_changes_in_order(db):
    db.storage.set("a", "x", 1)
    db.storage.set_many("b", {"y": 1, "z": 2})
    db.storage.increment("b", "y")
    db.storage.delete("a", "x")
    db.storage.clear("b")
    changes = db.storage.changes()
    assert [(change.namespace, change.key, change.deleted) for change in changes] == [
        ("a", "x", False), ("b", "y", False), ("b", "z", False), ("b", "y", False),
        ("a", "x", True), ("b", "y", True), ("b", "z", True),
    ]  # fmt: skip
    assert [change.version for change in changes] == list(range(1, 8))
    assert db.storage.changes(4) == changes[4:]
    assert db.storage.changes(namespace="a") == [changes[0], changes[4]]
    assert db.storage.changes(2, prefix="y") == [changes[3], changes[5]]
    assert db.storage.changes(limit=2) == changes[:2]
    assert db.storage.changes(limit=0) == db.storage.changes(7) == db.storage.changes(99) == []


def test_what_is_rolled_back_never_changed(db):
    db.begin()
    db.storage.set("a", "x", 1)
    assert [change.key for change in db.storage.changes()] == ["x"]
    db.rollback()
    assert db.storage.changes() == []


@pytest.mark.parametrize("wrong", [-1, 1.5, "1", None, True])
def test_a_version_is_a_whole_number(db, wrong):
    with pytest.raises(InvalidValue, match="since"):
        db.storage.changes(wrong)
    if wrong is not None:
        with pytest.raises(InvalidValue, match="since"):
            db.storage.watch(since=wrong)
    with pytest.raises(InvalidValue, match="timeout_s"):
        db.storage.watch(timeout_s=-1)


def test_a_version_that_the_file_has_not_reached_is_refused(db):
    db.storage.set_many("a", {"x": 1, "y": 2})
    rule = "since must be at most 2, the newest there is, got 3, .* older copy; read what is stored anew"
    with pytest.raises(InvalidValue, match=rule):
        db.storage.watch(since=3)
    assert list(db.storage.watch(since=2, timeout_s=0)) == []
    with db.transaction():
        version = db.storage.set("a", "z", 3)
        changes = db.storage.watch(since=version, timeout_s=0)
    assert list(changes) == []


def test_a_snapshot_may_be_older_than_the_version_to_go_on_from(tmp_path):
    path = tmp_path / "s.ngdb"
    with neurograph.open(path) as db, neurograph.open(path) as other:
        with db.snapshot():
            assert db.storage.version == 0
            version = other.storage.set("a", "x", 1)
            changes = db.storage.watch(since=version, timeout_s=0)
        assert list(changes) == []


def test_changes_that_are_forgotten_are_said_to_be(db):
    db.storage.set_many("a", {"x": 1, "y": 2, "z": 3})
    forget(db)
    assert [change.key for change in db.storage.changes(2)] == ["z"]
    for since in (0, 1):
        with pytest.raises(ChangesForgotten, match=f"since must be at least 2, .*, got {since}; read what"):
            db.storage.changes(since)
        with pytest.raises(ChangesForgotten):
            next(db.storage.watch(since=since))


def test_changes_that_somebody_deleted_between_others_are_said_to_be_forgotten(db):
    for number in range(12):
        db.storage.set("a" if number % 4 else "b", "x", number)
    db.execute("delete from storage_change where namespace = 'b'")  # 1, 5 and 9
    for since in (0, 4, 5, 7):
        with pytest.raises(ChangesForgotten, match=f"since must be at least 9, .* got {since};"):
            db.storage.changes(since)
        with pytest.raises(ChangesForgotten):
            next(db.storage.watch(since=since, timeout_s=0))
    assert [change.version for change in db.storage.changes(9)] == [10, 11, 12]
    forget(db)


def test_old_changes_are_forgotten_in_time_and_versions_go_on(db):
    db.execute("insert into storage_change values (1, 'a', 'x', 0)")
    db.execute(
        "with n(i) as (select 2 union all select i + 1 from n where i < 67584)"
        " insert into storage_change select i, 'a', 'x', 0 from n"
    )
    kept = "select min(version), max(version) from storage_change"
    assert db.execute(kept).fetchone() == (67584 - 65536 + 1, 67584)
    assert db.storage.set("a", "x", 1) == 67585
    assert db.execute(kept).fetchone() == (67584 - 65536 + 1, 67585)


def test_an_iteration_begins_where_it_was_asked_for_and_ends_in_silence(db):
    db.storage.set("a", "before", 1)
    changes = db.storage.watch("a", prefix="x", timeout_s=0)
    db.storage.set_many("a", {"x1": 1, "y": 1, "x2": 2})
    db.storage.set("b", "x", 1)
    assert [change.key for change in changes] == ["x1", "x2"]
    assert [change.key for change in db.storage.watch(since=0, timeout_s=0)] == ["before", "x1", "y", "x2", "x"]
    assert list(db.storage.watch("none", since=0, timeout_s=0)) == []


def test_what_comes_after_a_transaction_that_was_undone_is_told(db):
    db.begin()
    db.storage.set_many("a", {"x": 1, "y": 2})
    watching = db.storage.watch(timeout_s=0)
    db.storage.set("a", "z", 3)
    db.rollback()
    db.storage.set_many("b", {"x": 1, "y": 2, "z": 3})
    assert [(change.namespace, change.key) for change in watching] == [("b", "x"), ("b", "y"), ("b", "z")]


def test_a_transaction_that_is_committed_later_is_told_whole(db):
    db.storage.set("a", "w", 0)
    with db.transaction():
        db.storage.set("a", "x", 1)
        watching = db.storage.watch(timeout_s=0)
        db.storage.set("a", "y", 2)
    assert [change.key for change in watching] == ["x", "y"]


def test_only_what_is_committed_is_told(db):
    changes = db.storage.watch(timeout_s=0)
    with db.transaction():
        db.storage.set("a", "x", 1)
        assert list(db.storage.watch(since=0, timeout_s=0)) == []
    assert [change.key for change in changes] == ["x"]


def test_the_loop_may_write_what_it_watches(db):
    db.storage.set("a", "n", 0)
    for change in db.storage.watch("a", since=0):
        assert change.key == "n"
        if db.storage.increment("a", "n") == 5:
            break
    assert db.storage.get("a", "n") == 5


def test_a_thread_that_waits_is_woken_by_a_commit(db):
    found: list[StorageChange] = []
    watching = db.storage.watch("a")
    thread = threading.Thread(target=lambda: found.append(next(watching)))
    thread.start()
    db.storage.set("b", "x", 1)
    db.storage.set("a", "x", 1)
    thread.join(30)
    assert found == [StorageChange(2, "a", "x", False)]


def test_another_process_is_seen(db, tmp_path: Path):
    code = """
        import sys, neurograph
        with neurograph.open(sys.argv[1]) as db:
            hold()
            db.storage.set("a", "x", 1)
        """
    watching = db.storage.watch("a", timeout_s=30)
    with Held(code, tmp_path / "mind.ngdb") as other:
        other.release()
        assert next(watching).key == "x"


def test_nothing_is_missed_and_nothing_told_twice_while_processes_write(db, tmp_path: Path):
    code = """
        import random, sys, neurograph
        with neurograph.open(sys.argv[1], synchronous="off") as db:
            dice = random.Random(int(sys.argv[2]))
            hold()
            for step in range(200):
                db.begin()
                for _ in range(dice.randrange(3)):
                    db.storage.increment("a", str(dice.randrange(5)))
                db.storage.delete("a", str(dice.randrange(5)))
                db.rollback() if dice.random() < 0.5 else db.commit()
            db.storage.set("done", sys.argv[2], True)
        """
    done, told = set(), []
    with Held(code, tmp_path / "mind.ngdb", 1) as one, Held(code, tmp_path / "mind.ngdb", 2) as two:
        threads = [threading.Thread(target=other.release) for other in (one, two)]
        for thread in threads:
            thread.start()
        for change in db.storage.watch(since=0, timeout_s=60):
            told.append(change)
            done |= {change.key} if change.namespace == "done" else set()
            if len(done) == 2:
                break
        for thread in threads:
            thread.join()
    assert [change.version for change in told] == list(range(1, len(told) + 1))
    assert told == db.storage.changes()


def test_a_file_without_a_log_is_watched_too(tmp_path: Path):
    with neurograph.open(tmp_path / "mind.ngdb", journal="rollback") as db, db.reader() as reader:
        changes = reader.storage.watch(timeout_s=30)
        told: list[str] = []
        thread = threading.Thread(target=lambda: told.append(next(changes).key))
        thread.start()
        db.storage.set("a", "x", 1)
        thread.join(30)
        assert told == ["x"]


def test_closing_and_interrupting_end_the_wait(tmp_path):
    for end, error in (("close", Closed), ("interrupt", Interrupted)):
        db = neurograph.open(tmp_path / "mind.ngdb")
        raised: list[BaseException] = []
        begun = threading.Event()
        watching = db.storage.watch(since=0)
        db.storage.set("a", end, 1)
        thread = threading.Thread(target=wait, args=(watching, begun, raised))
        thread.start()
        assert begun.wait(30)
        getattr(db, end)()
        thread.join(30)
        assert [type(problem) for problem in raised] == [error]
        db.close()


def test_a_watch_gives_its_connection_back(db):
    for _ in range(20):
        watching = db.storage.watch(since=0)
        db.storage.set("a", "x", 1)
        next(watching)
        watching.close()
    assert len(db._session.readers.lines) == 1


def test_a_database_in_memory_is_watched_too():
    with neurograph.open(":memory:") as db:
        changes = db.storage.watch(timeout_s=0)
        db.storage.set("a", "x", 1)
        assert [change.key for change in changes] == ["x"]
        found: list[str] = []
        watching = db.storage.watch("a")
        thread = threading.Thread(target=lambda: found.append(next(watching).key))
        thread.start()
        db.storage.set("a", "y", 1)
        thread.join(30)
        assert found == ["y"]
        with db.transaction(), pytest.raises(TransactionOpen, match="cannot watch"):
            next(db.storage.watch(since=0))
        with db.transaction(), pytest.raises(TransactionOpen, match="cannot watch"):
            db.storage.watch()
