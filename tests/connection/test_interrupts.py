"""Deadlines, `interrupt` and Ctrl-C: what runs stops soon, what it began is undone, and the handle works on."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import neurograph
from neurograph import errors
from processes import Held, posix, unmeasured, untraced

ENDLESS = "with recursive n (i) as (select 1 union all select i + 1 from n) "
READ = f"{ENDLESS} select count(*) from n"
WRITE = f"insert into mine {ENDLESS} select i from n"
SEVERAL = f"insert into mine values (1); insert into mine {ENDLESS} select i from n"

LOCKED = """
import sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("begin immediate")
hold()
c.execute("rollback")
"""


@pytest.fixture(params=["file", "memory"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[neurograph.Database]:
    path = ":memory:" if request.param == "memory" else tmp_path / "mind.ngdb"
    with neurograph.open(path, synchronous="off", busy_timeout_s=30) as db:
        db.execute("create table mine (n integer)")
        yield db
        works_on(db)


def works_on(db: neurograph.Database) -> None:
    """The handle is as good as new: for this thread and for another."""
    assert not db.in_transaction
    assert db.execute("select count(*) from mine").fetchone() == (0,)
    with db.transaction():
        db.tokens.create("afterwards")
    thread = threading.Thread(target=lambda: db.tokens.create("in a thread"))
    thread.start()
    thread.join(30)
    assert db.tokens.count() == 2


def run_many(db: neurograph.Database, timeout_s: float | None = None) -> None:
    def rows() -> Iterator[tuple[int]]:
        number = 0
        while True:
            yield ((number := number + 1),)

    db.executemany("insert into mine values (?)", rows(), timeout_s=timeout_s)


def in_a_transaction(db: neurograph.Database, sql: str) -> None:
    with db.transaction():
        db.execute("insert into mine values (0)")
        db.execute(sql)


def drain(rows: Iterator[object]) -> None:
    for _ in rows:
        pass


CALLS: dict[str, Callable[[neurograph.Database], object]] = {
    "read": lambda db: db.execute(READ),
    "write": lambda db: db.execute(WRITE),
    "several": lambda db: db.execute(SEVERAL),
    "read in a transaction": lambda db: in_a_transaction(db, READ),
    "write in a transaction": lambda db: in_a_transaction(db, WRITE),
    "stream": lambda db: drain(db.stream(f"{ENDLESS} select i from n where i < 0")),
    "explain": lambda db: db.explain(READ),
}

DEADLINES: dict[str, Callable[[neurograph.Database, float], object]] = {
    "read": lambda db, s: db.execute(READ, timeout_s=s),
    "write": lambda db, s: db.execute(WRITE, timeout_s=s),
    "several": lambda db, s: db.execute(SEVERAL, timeout_s=s),
    "stream": lambda db, s: drain(db.stream(f"{ENDLESS} select i from n", timeout_s=s)),
    "explain": lambda db, s: db.explain(READ, timeout_s=s),
    "executemany": lambda db, s: db.executemany(f"insert into mine {ENDLESS} select i + ? from n", [(1,)], timeout_s=s),
    "many": lambda db, s: run_many(db, s),
}


@pytest.mark.parametrize("call", DEADLINES.values(), ids=DEADLINES)
def test_a_deadline_stops_it_and_undoes_what_it_began(
    db: neurograph.Database, call: Callable[[neurograph.Database, float], object]
) -> None:
    started = time.monotonic()
    with pytest.raises(errors.DeadlineExceeded, match="the call took longer than its timeout_s"):
        call(db, 0.1)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("call", DEADLINES.values(), ids=DEADLINES)
def test_no_time_at_all_is_a_deadline_too(
    db: neurograph.Database, call: Callable[[neurograph.Database, float], object]
) -> None:
    with pytest.raises(errors.DeadlineExceeded):
        call(db, 0)


@pytest.mark.parametrize("sql", [READ, WRITE], ids=["read", "write"])
def test_a_deadline_inside_a_transaction(db: neurograph.Database, sql: str) -> None:
    """A read leaves the transaction as it was; a write takes all of it along, as SQLite does, and the block says so."""

    def block() -> None:
        with db.transaction():
            db.execute("insert into mine values (0)")
            with pytest.raises(errors.DeadlineExceeded):
                db.execute(sql, timeout_s=0.1)
            db.execute("delete from mine")

    if sql is READ:
        block()
    else:
        with pytest.raises(errors.NoTransaction, match="the transaction was already rolled back"):
            block()


def test_a_call_that_is_in_time_is_not_stopped_and_leaves_no_deadline_behind(db: neurograph.Database) -> None:
    assert db.execute("select 1", timeout_s=0.05).fetchone() == (1,)
    started = time.monotonic()
    bounded = f"{READ.replace('from n)', 'from n where i < 3000000)')}"
    assert db.execute(bounded).fetchone() == (3_000_000,)
    assert time.monotonic() - started > 0.05


def test_an_interrupt_between_two_rows_of_executemany_is_not_lost(db: neurograph.Database) -> None:
    """No statement runs at that moment, and SQLite forgets an interrupt when the next one begins."""

    def rows() -> Iterator[tuple[int]]:
        yield (1,)
        db.interrupt()
        yield (2,)
        yield (3,)

    with pytest.raises(errors.Interrupted):
        db.executemany("insert into mine values (?)", rows())


def test_an_interrupt_after_executemany_stops_nothing_later(db: neurograph.Database) -> None:
    def rows() -> Iterator[tuple[int]]:
        yield (1,)
        db.interrupt()

    db.executemany("insert into mine values (?)", rows())
    db.executemany("insert into mine values (?)", [(2,), (3,)])
    assert db.execute("delete from mine returning n").fetchall() == [(1,), (2,), (3,)]


def interrupting(db: neurograph.Database, call: Callable[[neurograph.Database], object]) -> None:
    """Interrupt again and again until the call has ended: it may not have begun the first time."""
    ended = threading.Event()

    def press() -> None:
        while not ended.wait(0.01):
            db.interrupt()

    thread = threading.Thread(target=press)
    thread.start()
    try:
        call(db)
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("call", [*CALLS.values(), run_many], ids=[*CALLS, "executemany"])
def test_interrupt_stops_what_runs(db: neurograph.Database, call: Callable[[neurograph.Database], object]) -> None:
    with pytest.raises(errors.Interrupted, match=r"stopped by interrupt\(\)"):
        interrupting(db, call)


def test_interrupt_stops_an_algorithm_between_its_statements(db: neurograph.Database) -> None:
    def work(db: neurograph.Database) -> None:
        with db._session.reading() as line:
            while True:
                line.tick()

    with pytest.raises(errors.Interrupted):
        interrupting(db, work)


def test_a_deadline_stops_an_algorithm_between_its_statements(db: neurograph.Database) -> None:
    def work() -> None:
        with db._session.reading(timeout_s=0.05) as line:
            while True:
                line.tick()

    with pytest.raises(errors.DeadlineExceeded):
        work()
    with db._session.reading() as line:
        line.tick()


def test_interrupt_when_nothing_runs_does_nothing(db: neurograph.Database) -> None:
    for _ in range(3):
        db.interrupt()
        assert db.execute("select 1").fetchone() == (1,)
    with db.transaction():
        db.interrupt()
        db.execute("insert into mine values (1)")
        db.execute("delete from mine")
    with db.snapshot():
        db.interrupt()
        assert db.execute("select count(*) from mine").fetchone() == (0,)
        with db._session.reading() as line:
            line.tick()


def test_interrupt_stops_every_thread(tmp_path: Path) -> None:
    found: list[BaseException] = []

    def run(db: neurograph.Database) -> None:
        try:
            db.execute(READ)
        except errors.Interrupted as error:
            found.append(error)

    with neurograph.open(tmp_path / "mind.ngdb") as db:
        threads = [threading.Thread(target=run, args=(db,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        end = time.monotonic() + 30
        while len(found) < 3 and time.monotonic() < end:
            db.interrupt()
            time.sleep(0.01)
        for thread in threads:
            thread.join()
    assert len(found) == 3


@pytest.mark.parametrize("how", ["deadline", "interrupt"])
def test_waiting_for_another_process_can_be_stopped_too(tmp_path: Path, how: str) -> None:
    path = tmp_path / "mind.ngdb"
    neurograph.open(path).close()
    with neurograph.open(path, busy_timeout_s=60) as db, Held(LOCKED, path):
        started = time.monotonic()
        if how == "deadline":
            with pytest.raises(errors.DeadlineExceeded):
                db.execute("insert into token (label) values ('cat')", timeout_s=0.1)
            with pytest.raises(errors.DeadlineExceeded):
                db.executemany("insert into token (label) values (?)", [("cat",)], timeout_s=0.1)
        else:
            with pytest.raises(errors.Interrupted):
                interrupting(db, lambda db: db.tokens.create("cat"))
            with pytest.raises(errors.Interrupted):
                interrupting(db, lambda db: db.begin())
        assert time.monotonic() - started < 30
    with neurograph.open(path) as db:
        assert db.tokens.create("cat").id == 1


# --- Ctrl-C ----------------------------------------------------------------------------------------------------------


def pressing(call: Callable[[], object]) -> None:
    """Press Ctrl-C a moment after the call began."""
    timer = threading.Timer(0.15, signal.raise_signal, [signal.SIGINT])
    with untraced():
        timer.start()
        try:
            call()
        finally:
            timer.join()


@posix
@pytest.mark.parametrize("call", [*CALLS.values(), run_many], ids=[*CALLS, "executemany"])
def test_ctrl_c_stops_what_runs(db: neurograph.Database, call: Callable[[neurograph.Database], object]) -> None:
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        pressing(lambda: call(db))
    assert time.monotonic() - started < 10


@posix
def test_ctrl_c_stops_a_wait_for_another_process(tmp_path: Path) -> None:
    path = tmp_path / "mind.ngdb"
    neurograph.open(path).close()
    with neurograph.open(path, busy_timeout_s=60) as db, Held(LOCKED, path):
        for call in (lambda: db.tokens.create("cat"), db.begin, lambda: db.execute("delete from token")):
            with pytest.raises(KeyboardInterrupt):
                pressing(call)
            assert not db.in_transaction
    with neurograph.open(path) as db:
        assert db.tokens.create("cat").id == 1


@posix
def test_ctrl_c_ends_a_program_and_its_file_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "mind.ngdb"
    code = f"""
import neurograph, sys
with neurograph.open(sys.argv[1]) as db:
    db.execute("create table mine (n integer)")
    print("ready", flush=True)
    db.execute({WRITE!r})
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=unmeasured(),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert "KeyboardInterrupt" in err
    assert [file.name for file in tmp_path.iterdir()] == ["mind.ngdb"]
    with neurograph.open(path) as db:
        works_on(db)
