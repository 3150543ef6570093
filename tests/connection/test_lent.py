"""A connection that is lent leaves nothing behind, and no array that is not true."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

import neurograph
from neurograph.connection.lent import lend
from neurograph.errors import TransactionBusy, TransactionOpen

REACHED = "select count(*) from ng_bfs(1)"


@pytest.fixture(params=["sql", pytest.param("numba", marks=pytest.mark.kernels)])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[neurograph.Database]:
    with neurograph.open(tmp_path / "mind.ngdb", engine=request.param, busy_timeout_s=0.05) as database:
        ids = database.tokens.create_many(count=4)
        database.graph.create(ids[0], ids[1])
        yield database
        assert database.check() == []


def test_arrays_follow_what_a_shell_undoes(db):
    """Neither a rollback nor a rollback to a savepoint moves anything else that arrays look at."""
    with lend(db._session) as connection:

        def reached() -> int:
            return connection.execute(REACHED).fetchall()[0][0]

        assert reached() == 2
        connection.execute("begin")
        connection.execute("insert into edge (source, target) values (2, 3)")
        assert reached() == 3
        connection.execute("savepoint s")
        connection.execute("insert into edge (source, target) values (3, 4)")
        assert reached() == 4
        connection.execute("rollback to s")
        assert reached() == 3
        connection.execute("rollback")
        assert reached() == 2
    assert db.execute(REACHED).fetchone() == (2,)


def test_what_is_left_open_is_rolled_back(db):
    with lend(db._session) as connection:
        connection.execute("begin; insert into edge (source, target) values (2, 3)").fetchall()
        assert connection.execute(REACHED).fetchall() == [(3,)]
    assert db.execute(REACHED).fetchone() == (2,)
    db.graph.create(2, 3)
    assert db.execute(REACHED).fetchone() == (3,)


def test_it_is_given_back_after_an_error(db):
    with pytest.raises(apsw.SQLError), lend(db._session) as connection:
        connection.execute("begin immediate; select nope").fetchall()
    db.tokens.create("after")


def test_a_transaction_is_not_lent(db):
    with pytest.raises(TransactionOpen, match="a transaction is open"), db.transaction(), lend(db._session):
        pass


def test_nobody_else_writes_meanwhile(db):
    caught: list[Exception] = []

    def write() -> None:
        try:
            db.tokens.create("other")
        except TransactionBusy as error:
            caught.append(error)

    with lend(db._session):
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert len(caught) == 1


def test_a_join_searches_once_and_not_once_a_row(db, monkeypatch):
    calls: list[object] = []
    graph = type(db.graph)
    search = graph.bfs
    monkeypatch.setattr(graph, "bfs", lambda self, *a, **k: calls.append(a) or search(self, *a, **k))
    with lend(db._session) as connection:
        rows = connection.execute(
            "select * from token as t join ng_bfs(1) as b on b.id = t.id or b.id < t.id"
        ).fetchall()
    assert len(rows) > 2
    assert len(calls) == 1
