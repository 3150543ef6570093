"""Ctrl-C at every point of a call where Python delivers it: nothing of consequence leaks, whichever it hits.

Python looks for signals when a function begins and after each call into C. Here the n-th such point inside
`neurograph.connection` raises KeyboardInterrupt, for n = 1, 2, 3 … until the call runs through.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import neurograph
from neurograph import connection
from pressing import pressed

FOLDER = Path(connection.__file__).parent

CALLS: dict[str, Callable[[neurograph.Database], object]] = {
    "read": lambda db: db.execute("select count(*) from mine"),
    "write": lambda db: db.execute("insert into mine values (1)"),
    "several": lambda db: db.execute("insert into mine values (1); insert into mine values (2)"),
    "executemany": lambda db: db.executemany("insert into mine values (?)", [(1,), (2,)]),
    "rows": lambda db: db._session.rows("select count(*) from mine"),
    "change": lambda db: db._session.change("insert into mine values (1)"),
    "stream": lambda db: list(db.stream("select n from mine")),
    "transaction": lambda db: in_transactions(db),
    "snapshot": lambda db: in_a_snapshot(db),
    "reading": lambda db: in_a_reading(db),
}


def in_transactions(db: neurograph.Database) -> None:
    with db.transaction():
        db.execute("insert into mine values (1)")
        with db.transaction():
            db.execute("insert into mine values (2)")


def in_a_snapshot(db: neurograph.Database) -> None:
    with db.snapshot():
        db.execute("select count(*) from mine")


def in_a_reading(db: neurograph.Database) -> None:
    with db._session.reading():
        db._session.rows("select count(*) from mine")


def leaks(db: neurograph.Database) -> list[str]:
    """Name what a call left behind."""
    session = db._session
    found = []
    if session.levels or db.in_transaction:
        found.append("a transaction")
    if session.writer.connection.in_transaction:
        found.append("BEGIN")
    if session._pinned:
        found.append("a pin")
    if session.writer.deadline is not None or session.writer.busy:
        found.append("a deadline")
    free: list[bool] = []

    def look() -> None:
        free.append(session._turn.take(0))
        if free[0]:
            session._turn.give()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    if not free[0]:
        found.append("the turn")
    return found


# Where Python protects nothing and nobody is told: the first instruction of what gives the turn back. The same thread
# takes it again all the same; another one would wait for the busy timeout.
UNPROTECTED = {"call session.leave: the turn", "call transactions.give_turn: the turn", "call turn.give: the turn"}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_ctrl_c_leaves_nothing_behind_wherever_it_hits(
    tmp_path: Path, call: Callable[[neurograph.Database], object]
) -> None:
    db = neurograph.open(tmp_path / "mind.ngdb", synchronous="off")
    db.execute("create table mine (n integer)")
    left: set[str] = set()
    n = 0
    while (presser := pressed(n := n + 1, db, call, FOLDER)).left <= 0:
        if found := leaks(db):
            left.add(f"{presser.place}: {', '.join(found)}")
            db._session._turn.settle(0)
    assert n > 10
    assert left <= UNPROTECTED
    db.tokens.create("cat")
    db.close()
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        assert db.tokens.count() == 1
        assert db.check() == []


@pytest.mark.parametrize("mode", ["rw", "r"])
def test_ctrl_c_while_it_closes_leaves_no_connection(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "mind.ngdb"
    neurograph.open(path).close()
    for n in range(1, 100):
        db = neurograph.open(path, mode=mode, synchronous="off")
        if mode == "rw":
            db.tokens.create()
        presser = pressed(n, db, lambda db: db.close(), FOLDER)
        db.close()
        assert db._session.writer.closed, presser.place
        if presser.left > 0:
            break
    assert 10 < n < 99
    assert [file.name for file in tmp_path.iterdir()] == ["mind.ngdb"]


def test_the_points_are_found(tmp_path: Path) -> None:
    """Without the repair that this file is about, some of them leave something behind."""
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        db.execute("create table mine (n integer)")
        places = {pressed(n, db, in_transactions, FOLDER).place for n in range(1, 300)}
    assert {"call scope.__exit__", "c_return transactions.begin", "call transactions.commit"} <= places
