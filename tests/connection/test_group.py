"""Group commit: writes of threads share a transaction, and each hears of its own fate alone."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

import neurograph
from neurograph import Database, connection
from neurograph.connection.group import Write
from neurograph.errors import Conflict, TransactionBusy
from pressing import Presser

THREADS = 6
INSERT = "insert into t values (?)"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with neurograph.open(tmp_path / "mind.ngdb", synchronous="off") as db:
        db.execute("create table t (n integer unique check (n >= 0)) strict")
        yield db


class Commits:
    """Counts the commits of a handle's writing connection, and may refuse the first."""

    def __init__(self, db: Database, refuse: bool = False) -> None:
        self.count = 0
        self.refuse = refuse
        db._session.writer.connection.set_commit_hook(self.called)

    def called(self) -> bool:
        self.count += 1
        refused, self.refuse = self.refuse, False
        return refused


def line_of(db: Database) -> list[Write]:
    return db._session._group._line


def until(true) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.001)


def together(db: Database, works) -> list[object]:
    """Run each piece of work in a thread while the turn is taken, so that all stand in line; return what each gave."""
    came: list[object] = [None] * len(works)

    def run(number: int) -> None:
        try:
            came[number] = works[number]()
        except BaseException as error:
            came[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(works))]
    with db._session.write_turn():
        for number, thread in enumerate(threads, 1):
            thread.start()
            until(lambda number=number: len(line_of(db)) == number)
    for thread in threads:
        thread.join()
    assert line_of(db) == []
    return came


def change(db: Database, n: int):
    return lambda: db._session.change(f"{INSERT} returning n", (n,))


def stored(db: Database) -> list[int]:
    return [row[0] for row in db.execute("select n from t order by rowid")]


def test_writes_of_threads_share_one_commit(db):
    commits = Commits(db)
    came = together(db, [change(db, n) for n in range(THREADS)])
    assert came == [[(n,)] for n in range(THREADS)]
    assert stored(db) == list(range(THREADS))  # in the order they came
    assert commits.count == 1


def test_each_form_of_write_has_its_answer(db):
    session = db._session
    ignored = "insert or ignore into t values (?)"
    came = together(
        db,
        [
            lambda: session.insert(INSERT, (10,)),
            lambda: session.insert_or_none(ignored, (10,)),
            lambda: session.insert_or_none(ignored, (11,)),
            lambda: session.change("update t set n = n + 90 where n = 10 returning n"),
            lambda: session.changed("update t set n = n + 1"),
        ],
    )
    assert came == [1, None, 2, [(100,)], 2]


def test_one_that_is_refused_is_refused_alone(db):
    commits = Commits(db)
    came = together(db, [change(db, n) for n in (1, -1, 1, 2)])
    assert [type(one) for one in came] == [list, apsw.ConstraintError, Conflict, list]
    assert "CHECK" in str(came[1])
    assert "unique" in str(came[2])
    assert stored(db) == [1, 2]
    assert commits.count == 1


@pytest.mark.parametrize("what", ["a statement", "the commit"])
def test_where_all_is_undone_each_is_run_again_alone(db, what):
    if what == "a statement":
        db.execute("create trigger r before insert on t when new.n = 3 begin select raise(rollback, 'no'); end")
    commits = Commits(db, refuse=what == "the commit")
    came = together(db, [change(db, n) for n in range(THREADS)])
    refused = [3] if what == "a statement" else []
    assert [isinstance(one, apsw.ConstraintError) for one in came] == [n in refused for n in range(THREADS)]
    assert sorted(stored(db)) == [n for n in range(THREADS) if n not in refused]
    assert commits.count == THREADS - len(refused) + (what == "the commit")


def test_a_file_that_another_keeps_busy_is_told_to_all(tmp_path):
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path, busy_timeout_s=0.2) as db, neurograph.open(path) as other:
        db.execute("create table t (n integer) strict")
        other.begin()
        came = together(db, [change(db, n) for n in range(3)])
        other.rollback()
        assert [type(one) for one in came] == [TransactionBusy] * 3
        assert stored(db) == []
        db._session.change(INSERT, (1,))
        assert stored(db) == [1]


def test_who_waits_too_long_leaves_the_line(tmp_path):
    with neurograph.open(tmp_path / "mind.ngdb", busy_timeout_s=0.1) as db:
        db.execute("create table t (n integer) strict")
        came: list[object] = []

        def run() -> None:
            try:
                change(db, 1)()
            except TransactionBusy as error:
                came.append(error)

        threads = [threading.Thread(target=run) for _ in range(3)]
        with db._session.write_turn():
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert len(came) == 3
        assert (line_of(db), stored(db)) == ([], [])


@pytest.mark.parametrize("position", [0, 2, 4])
def test_an_interrupt_is_whose_it_is_and_the_others_writes_happen(db, position):
    def answer(connection: apsw.Connection, cursor: apsw.Cursor) -> int:
        if threading.current_thread() is not interrupted.get("thread"):
            interrupted["thread"] = threading.current_thread()
            raise KeyboardInterrupt
        return connection.last_insert_rowid()

    interrupted: dict[str, threading.Thread] = {}
    works = [change(db, n) for n in range(5)]
    works[position] = lambda: db._session._group.run(Write(INSERT, (position,), answer))
    came = together(db, works)
    assert isinstance(came[0], KeyboardInterrupt)  # the leader's thread is the one that runs them
    assert [one for n, one in enumerate(came) if n not in (0, position)] == [
        [(n,)] for n in range(5) if n not in (0, position)
    ]
    assert set(stored(db)) >= {n for n in range(5) if n not in (0, position)}
    db._session.change(INSERT, (99,))


def test_an_interrupt_while_the_leader_waits_lets_the_next_one_lead(db, monkeypatch):
    session = db._session
    first = threading.Event()
    real = session.take_turn

    def take_turn(verb: str, *arguments: object, **named: object) -> bool:
        if threading.current_thread().name == "first" and named.get("waits", True):
            first.wait(60)
            raise KeyboardInterrupt
        return real(verb, *arguments, **named)

    came: dict[str, object] = {}

    def run(n: int) -> None:
        try:
            came[threading.current_thread().name] = change(db, n)()
        except BaseException as error:
            came[threading.current_thread().name] = type(error)

    monkeypatch.setattr(session, "take_turn", take_turn)
    threads = [threading.Thread(target=run, args=(n,), name=name) for n, name in enumerate(["first", "b", "c"])]
    with session.write_turn():
        for number, thread in enumerate(threads, 1):
            thread.start()
            until(lambda number=number: len(line_of(db)) == number)
        first.set()
        until(lambda: len(line_of(db)) == 2)
    for thread in threads:
        thread.join()
    assert came == {"first": KeyboardInterrupt, "b": [(1,)], "c": [(2,)]}
    assert stored(db) == [1, 2]


@pytest.mark.parametrize("position", [0, 2], ids=["who leads", "who stands"])
def test_ctrl_c_at_any_point_of_one_leaves_the_turn_free_and_the_others_heard(db, position):
    session, n, left = db._session, 0, 0
    while left <= 0:
        presser = Presser(n := n + 1, Path(connection.__file__).parent)
        first, came = n * 10, {}

        def run(place: int, presser: Presser = presser, first: int = first, came: dict[int, object] = came) -> None:
            if place == position:
                sys.setprofile(presser)
            try:
                came[place] = change(db, first + place)()
            except KeyboardInterrupt as error:
                came[place] = error  # with its traceback, as at a prompt
            except Exception as error:
                came[place] = error
            finally:
                sys.setprofile(None)

        threads = [threading.Thread(target=run, args=(place,), daemon=True) for place in range(4)]
        with session.write_turn():
            for place, thread in enumerate(threads):
                thread.start()
                until(lambda place=place, presser=presser: len(line_of(db)) > place or presser.left <= 0)
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive(), presser.place
        others = {place: [(first + place,)] for place in range(4) if place != position}
        assert {place: one for place, one in came.items() if place != position} == others, presser.place
        missing = {first + place for place in others} - set(stored(db))
        assert (line_of(db), session.writer.connection.in_transaction, missing) == ([], False, set()), presser.place
        free = threading.Thread(target=change(db, first + 9), daemon=True)
        free.start()
        free.join(30)
        assert first + 9 in stored(db), presser.place
        left = presser.left
    assert n > 20


def test_no_write_is_lost_or_done_twice_by_many_threads(db):
    each, failed, acked = 60, [], []

    def run(first: int) -> None:
        try:
            for n in range(first, first + each):
                db.storage.increment("a", "n")
                db._session.change(INSERT, (n,))
                db.queue.publish("c", n)
                if n % 7 == 0:
                    with pytest.raises(Conflict):
                        db._session.change(INSERT, (n,))
                if n % 5 == 0:
                    with db.transaction():
                        messages = db.queue.claim("c", 2)
                        assert db.queue.ack_many(messages) == []
                    acked.extend(messages)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(number * each,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sorted(stored(db)) == list(range(THREADS * each))
    assert db.storage.get("a", "n") == THREADS * each
    assert db.queue.stats("c").ready == THREADS * each - len(acked)
    assert db.check() == []
