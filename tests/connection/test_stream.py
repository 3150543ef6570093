"""Rows one by one: the state of the moment the stream began, and nothing left behind however it ends."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

import neurograph
from neurograph import errors
from processes import files

COUNT = 2000


@pytest.fixture(params=["memory", "wal", "rollback"])
def db(request: pytest.FixtureRequest, tmp_path: Path, empty_file: bytes) -> Iterator[neurograph.Database]:
    (tmp_path / "mind.ngdb").write_bytes(empty_file)
    path = ":memory:" if request.param == "memory" else tmp_path / "mind.ngdb"
    journal = "rollback" if request.param == "rollback" else "wal"
    with neurograph.open(path, synchronous="off", journal=journal, busy_timeout_s=1) as db:
        db.executemany("insert into token (label) values (?)", ((f"token {n}",) for n in range(COUNT)))
        yield db
    if path != ":memory:":
        assert files(Path(path)) == ["mind.ngdb"]


def idle_readers(db: neurograph.Database) -> int:
    return len(db._session.readers._idle)


def test_it_gives_the_rows_in_order(db: neurograph.Database) -> None:
    rows = db.stream("select id, label from token where id > ? order by id", [10])
    assert next(rows) == (11, "token 10")
    assert len(list(rows)) == COUNT - 11
    assert list(rows) == []


def test_it_sees_the_state_of_the_moment_it_began(db: neurograph.Database) -> None:
    rows = db.stream("select label from token")
    db.execute("delete from token")
    assert len(list(rows)) == COUNT
    assert list(db.stream("select label from token")) == []


def test_a_loop_over_it_may_write(db: neurograph.Database) -> None:
    for (number,) in db.stream("select id from token order by id"):
        db.execute("update token set weight = 0.25 where id = ?", [number])
        if number == 20:
            break
    assert db.execute("select count(*) from token where weight = 0.25").fetchone() == (20,)


@pytest.mark.parametrize("end", ["close", "drop", "read", "break", "error"])
def test_however_it_ends_its_connection_goes_back(tmp_path: Path, end: str) -> None:
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        db.tokens.create_many(labels=["a", "b", "c"])
        rows = db.stream("select label from token")
        assert next(rows) == ("a",)
        if end == "close":
            rows.close()  # type: ignore[attr-defined]
        elif end == "drop":
            del rows
            gc.collect()
        elif end == "read":
            assert len(list(rows)) == 2
        elif end == "break":
            del rows
            for _ in db.stream("select label from token"):
                break
        else:
            del rows
            with pytest.raises(errors.InvalidValue):
                db.stream("select ?", [])
            with pytest.raises(apsw.SQLError):
                db.stream("select absent")
        assert idle_readers(db) == 1
        assert not db._session.readers._idle[0].connection.in_transaction
        db.execute("pragma wal_checkpoint(truncate)")


def test_a_stream_that_was_never_begun_to_be_read_gives_its_connection_back_too(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        rows = db.stream("select * from token")
        assert idle_readers(db) == 0
        del rows
        gc.collect()
        assert idle_readers(db) == 1


def test_inside_a_transaction_it_sees_own_writes(db: neurograph.Database) -> None:
    with db.transaction():
        db.execute("delete from token where id > 5")
        rows = db.stream("select id from token")
        assert next(rows) == (1,)
        db.tokens.create("more")
        assert len(list(rows)) >= 4


def test_a_stream_of_a_transaction_ends_with_it(db: neurograph.Database) -> None:
    with db.transaction():
        rows = db.stream("select id from token")
        next(rows)
    with pytest.raises(errors.Misuse, match="must be read before the transaction or snapshot it began in ends"):
        next(rows)
    with pytest.raises(StopIteration):
        next(rows)
    db.tokens.create("more")


def test_a_stream_of_a_snapshot_ends_with_it(db: neurograph.Database) -> None:
    with db.snapshot():
        rows = db.stream("select id from token")
        next(rows)
        assert len(list(db.stream("select id from token"))) == COUNT
    with pytest.raises(errors.Misuse, match="must be read before"):
        next(rows)
    db.tokens.create("more")


def test_a_stream_of_a_closed_database_says_so(tmp_path: Path) -> None:
    db = neurograph.open(tmp_path / "mind.ngdb")
    db.tokens.create_many(labels=["a", "b"])
    rows = db.stream("select id from token")
    next(rows)
    db.close()
    with pytest.raises(errors.Closed):
        next(rows)
    assert files(tmp_path / "mind.ngdb") == ["mind.ngdb"]


@pytest.mark.parametrize(
    "sql",
    [
        "delete from token",
        "select 1; delete from token",
        "create table mine (id)",
        "insert into token default values returning id",
    ],
)
def test_it_refuses_to_write(db: neurograph.Database, sql: str) -> None:
    with pytest.raises(errors.Misuse, match="stream must be given a statement that reads; use execute to write"):
        list(db.stream(sql))
    with db.snapshot(), pytest.raises(errors.Misuse, match="stream must be given a statement that reads"):
        list(db.stream(sql))
    assert db.tokens.count() == COUNT


@pytest.mark.parametrize("sql", ["commit", "/* */ begin"])
def test_it_refuses_the_words_of_transactions(db: neurograph.Database, sql: str) -> None:
    with pytest.raises(errors.Misuse, match="must not be given as SQL"):
        db.stream(sql)


def test_its_deadline_counts_only_its_own_work(db: neurograph.Database) -> None:
    endless = "with recursive n (i) as (select 1 union all select i + 1 from n) select i from n where i % 500000 = 0"

    def read() -> None:
        for _ in db.stream(endless, timeout_s=0.3):
            assert len(db.execute("select id from token")) == COUNT

    with db.snapshot():
        with pytest.raises(errors.DeadlineExceeded):
            read()
        assert len(db.execute("select id from token")) == COUNT


def test_many_streams_run_side_by_side(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        db.tokens.create_many(labels=[f"token {n}" for n in range(100)])
        streams = [db.stream("select id from token order by id") for _ in range(12)]
        db.execute("delete from token")
        assert [row for rows in zip(*streams, strict=True) for row in set(rows)] == [(n,) for n in range(1, 101)]
        assert 0 < idle_readers(db) <= 8


def test_another_thread_may_read_a_stream_to_its_end(tmp_path: Path) -> None:
    found: list[int] = []
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        db.tokens.create_many(labels=["a", "b", "c"])
        rows = db.stream("select id from token")
        thread = threading.Thread(target=lambda: found.extend(number for (number,) in rows))
        thread.start()
        thread.join()
        assert idle_readers(db) == 1
    assert found == [1, 2, 3]


def test_it_reads_what_a_transaction_or_a_temporary_table_has(db: neurograph.Database) -> None:
    db.execute("create temp table mine as select 1 as n")
    if db._session.location.in_memory or db._session.options.journal == "rollback":
        assert list(db.stream("select n from mine")) == [(1,)]
    with db.transaction():
        db.execute("delete from token where id > 3")
        assert len(list(db.stream("select id from token"))) == 3
    assert list(db.stream("explain delete from token"))
