"""One handle, many threads: writers queue in order, readers neither wait nor keep a writer waiting, nothing is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import neurograph
from neurograph import errors


class Thread(threading.Thread):
    """A thread whose result, or error, comes back from `join`."""

    def __init__(self, work: Callable[[], Any]) -> None:
        super().__init__()
        self._work = work
        self._value: Any = None
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._value = self._work()
        except BaseException as error:
            self._error = error

    def result(self) -> Any:
        self.join(60)
        assert not self.is_alive()
        if self._error is not None:
            raise self._error
        return self._value


@pytest.fixture(params=["file", "memory"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[neurograph.Database]:
    path = ":memory:" if request.param == "memory" else tmp_path / "mind.ngdb"
    with neurograph.open(path, synchronous="off", busy_timeout_s=20) as db:
        yield db
        assert db.check() == []


@pytest.fixture
def file_db(tmp_path: Path) -> Iterator[neurograph.Database]:
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off", busy_timeout_s=20) as db:
        yield db
        assert db.check() == []


class Holding:
    """A transaction that another thread holds open until `end`."""

    def __init__(self, db: neurograph.Database, label: str = "held") -> None:
        self._begun, self._release = threading.Event(), threading.Event()

        def hold() -> None:
            with db.transaction():
                db.tokens.create(label)
                self._begun.set()
                assert self._release.wait(60)

        self._thread = Thread(hold)
        assert self._begun.wait(60)

    def end(self) -> None:
        self._release.set()
        self._thread.result()


def test_a_reader_does_not_wait_for_a_writer_and_sees_the_old_state(file_db: neurograph.Database) -> None:
    file_db.tokens.create("cat")
    holding = Holding(file_db)
    started = time.monotonic()
    assert file_db.execute("select label from token").fetchall() == [("cat",)]
    assert [token.label for token in file_db.tokens.list()] == ["cat"]
    assert [label for (label,) in file_db.stream("select label from token")] == ["cat"]
    with file_db.snapshot():
        assert file_db.tokens.count() == 1
    assert time.monotonic() - started < 5
    holding.end()
    assert file_db.tokens.count() == 2


def test_a_writer_does_not_wait_for_a_reader(file_db: neurograph.Database) -> None:
    file_db.tokens.create("cat")
    Thread(lambda: file_db.tokens.count()).result()  # from now on there is more than one thread
    reading, release = threading.Event(), threading.Event()

    def read() -> list[tuple[str]]:
        rows = file_db.stream("select label from token")
        with file_db.snapshot():
            found = file_db.execute("select label from token").fetchall()
            reading.set()
            assert release.wait(60)
            assert file_db.execute("select label from token").fetchall() == found
            return list(rows)

    thread = Thread(read)
    assert reading.wait(60)
    file_db.tokens.create("dog")
    release.set()
    assert thread.result() == [("cat",)]
    assert file_db.tokens.count() == 2


def test_a_long_statement_that_reads_does_not_keep_a_writer_waiting(file_db: neurograph.Database) -> None:
    file_db.tokens.create("cat")
    Thread(lambda: file_db.tokens.count()).result()
    slow = "with recursive n (i) as (select 1 union all select i + 1 from n) select count(*) from n"
    reading = Thread(lambda: file_db.execute(slow, timeout_s=30))
    deadline = time.monotonic() + 20
    while not file_db._session.readers.lines or file_db._session.readers._idle:
        assert time.monotonic() < deadline
    file_db.tokens.create("dog")
    with file_db.transaction():
        file_db.tokens.create("cow")
    assert reading.is_alive()
    while reading.is_alive():  # it may not have begun the first time
        file_db.interrupt()
        time.sleep(0.01)
    with pytest.raises(errors.Interrupted):
        reading.result()


def test_in_memory_readers_take_turns_with_writers() -> None:
    with neurograph.open(":memory:", busy_timeout_s=0.1) as db:
        holding = Holding(db)
        with pytest.raises(errors.TransactionBusy, match=r"cannot read; another thread kept its transaction open"):
            db.execute("select 1 from token")
        holding.end()
        assert db.tokens.count() == 1


@pytest.mark.parametrize(
    "write",
    [
        lambda db: db.tokens.create("dog"),
        lambda db: db.execute("insert into token (label) values ('dog')"),
        lambda db: db.executemany("insert into token (label) values (?)", [("dog",)]),
        lambda db: db.begin(),
        lambda db: db.execute("vacuum"),
    ],
    ids=["create", "execute", "executemany", "begin", "vacuum"],
)
def test_a_writer_waits_for_the_busy_timeout_and_is_told_who_has_the_turn(tmp_path: Path, write: Any) -> None:
    with neurograph.open(tmp_path / "mind.ngdb", busy_timeout_s=0.1) as db:
        holding = Holding(db)
        started = time.monotonic()
        with pytest.raises(errors.TransactionBusy, match=r"another thread kept its transaction open for 0\.1 s"):
            write(db)
        assert 0.05 < time.monotonic() - started < 5
        holding.end()
        db.tokens.create("dog")
        assert db.tokens.count() == 2


def test_a_deadline_cuts_the_wait_short(db: neurograph.Database) -> None:
    holding = Holding(db)
    started = time.monotonic()
    for sql in ("insert into token (label) values ('dog')", "select 1; insert into token (label) values ('dog')"):
        with pytest.raises(errors.DeadlineExceeded):
            db.execute(sql, timeout_s=0.1)
    assert time.monotonic() - started < 15
    holding.end()


@pytest.mark.parametrize("kind", ["single writes", "transactions"])
def test_writers_are_served_in_the_order_they_came(db: neurograph.Database, kind: str) -> None:
    holding = Holding(db, "0")
    threads = []
    single = kind == "single writes"

    def create(number: int) -> None:
        if single:
            db.tokens.create(str(number))
        else:
            with db.transaction():
                db.tokens.create(str(number))

    for number in range(1, 8):
        threads.append(Thread(lambda number=number: create(number)))
        deadline = time.monotonic() + 20
        while len(db._session._group._line if single else db._session._turn._queue) < number:
            assert time.monotonic() < deadline
            time.sleep(0.001)
    holding.end()
    for thread in threads:
        thread.result()
    assert [token.label for token in db.tokens.list()] == [str(number) for number in range(8)]


def test_ending_another_threads_transaction_is_refused(db: neurograph.Database) -> None:
    holding = Holding(db)
    assert not db.in_transaction
    for end in (db.commit, db.rollback):
        with pytest.raises(errors.NoTransaction, match="no transaction is open in this thread or task"):
            end()
    holding.end()
    assert db.tokens.count() == 1


def test_read_modify_write_in_transactions_loses_nothing(db: neurograph.Database) -> None:
    db.execute("create table counter (n integer)")
    db.execute("insert into counter values (0)")

    def count() -> None:
        for _ in range(40):
            with db.transaction():
                (n,) = db.execute("select n from counter").fetchone()  # type: ignore[misc]
                db.execute("update counter set n = ?", [n + 1])

    for thread in [Thread(count) for _ in range(5)]:
        thread.result()
    assert db.execute("select n from counter").fetchone() == (200,)


def test_many_threads_read_and_write_at_once(db: neurograph.Database) -> None:
    def work(number: int) -> None:
        for step in range(20):
            token = db.tokens.create(f"{number} {step}")
            assert db.tokens.get(token.id).label == f"{number} {step}"
            assert db.execute("select count(*) from token where label like ?", [f"{number} %"]).fetchone() == (
                step + 1,
            )
            assert len(list(db.stream("select id from token where label like ?", [f"{number} %"]))) == step + 1
            with db.snapshot():
                assert db.tokens.count() == db.execute("select count(*) from token").fetchone()[0]  # type: ignore[index]

    for thread in [Thread(lambda number=number: work(number)) for number in range(6)]:
        thread.result()
    assert db.tokens.count() == 120


def test_an_error_in_one_thread_undoes_only_its_own_work(db: neurograph.Database) -> None:
    def work(number: int) -> None:
        with db.transaction():
            db.tokens.create(str(number))
            if number % 2:
                raise ZeroDivisionError

    for number, thread in enumerate([Thread(lambda number=number: work(number)) for number in range(8)]):
        if number % 2:
            with pytest.raises(ZeroDivisionError):
                thread.result()
        else:
            thread.result()
    assert sorted(token.label for token in db.tokens.list()) == ["0", "2", "4", "6"]  # type: ignore[type-var]


def test_one_thread_reads_on_the_warm_connection_and_several_on_the_pools(file_db: neurograph.Database) -> None:
    session = file_db._session
    file_db.tokens.create("cat")
    file_db.tokens.get("cat")
    assert session.readers.lines == ()
    Thread(lambda: file_db.tokens.get("cat")).result()
    file_db.tokens.get("cat")
    assert len(session.readers.lines) == 1
    with file_db.transaction():
        file_db.tokens.get("cat")
    assert len(session.readers.lines) == 1


def test_a_handle_used_by_one_thread_that_did_not_open_it_needs_no_pool(file_db: neurograph.Database) -> None:
    def work() -> None:
        file_db.tokens.create("cat")
        file_db.tokens.get("cat")

    Thread(work).result()
    assert file_db._session.readers.lines == ()


def test_no_more_readers_are_kept_than_are_likely_to_be_needed(file_db: neurograph.Database) -> None:
    together = threading.Barrier(20)

    def read() -> None:
        with file_db.snapshot():
            together.wait(60)
            file_db.tokens.count()

    for thread in [Thread(read) for _ in range(20)]:
        thread.result()
    assert len(file_db._session.readers.lines) <= 8
    assert len(file_db._session.readers._idle) == len(file_db._session.readers.lines)
