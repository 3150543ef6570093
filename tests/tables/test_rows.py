"""Scalar functions that read rows answer on the statement's own connection, in the state it sees."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import minds
import pytest
from minds import rows

from neurograph import Database, errors


@pytest.fixture
def mind(tmp_path: Path) -> Iterator[Database]:
    with minds.open_mind(tmp_path / "mind.ngdb") as db:
        yield db
        assert db.check() == []


@pytest.mark.parametrize("level", [None, "physical", "L4", 5, "social"])
def test_the_distance_of_tokens_is_pythons(mind, level):
    found = rows(mind, "select a.id, b.id, ng_token_distance(a.id, b.label, ?) from token as a, token as b", [level])
    assert found == [(a, b, mind.grid.distance(a, b, level=level)) for a in range(1, 9) for b in range(1, 9)]


def test_without_a_level_all_are_weighted(mind):
    sql = "select ng_token_distance('b', 'd'), ng_token_distance(2, 4, null)"
    assert rows(mind, sql) == [(mind.grid.distance("b", "d"),) * 2]
    before = rows(mind, sql)
    mind.cdna.update(scale_emotional=20.0)
    assert rows(mind, sql) == [(mind.grid.distance("b", "d"),) * 2] != before


def test_the_record_of_a_token_is_pythons(mind):
    assert rows(mind, "select id, ng_token_record(id) from token") == [
        (id, mind.tokens.to_bytes(id)) for id in range(1, 9)
    ]


def test_null_gives_null(mind):
    sql = "select ng_token_distance(null, 1), ng_token_distance(1, null, 'physical'), ng_token_record(null)"
    assert rows(mind, sql) == [(None, None, None)]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        ("ng_token_distance(1, 99)", errors.TokenNotFound, "ng_token_distance: no token has the id 99"),
        ("ng_token_distance('a', 'zebra')", errors.TokenNotFound, "ng_token_distance: no token has the label 'zebra'"),
        ("ng_token_distance(1, 2, 'L9')", errors.UnknownName, "ng_token_distance: level must be a known name"),
        ("ng_token_distance(1, 2.5)", errors.InvalidValue, "ng_token_distance: b must be an id or a label, got 2.5"),
        ("ng_token_distance(1, 2, 1.5)", errors.InvalidValue, "ng_token_distance: level must be a name or an index"),
        ("ng_token_record(x'01')", errors.InvalidValue, "ng_token_record: token must be an id or a label, got b'"),
        ("ng_token_record(0)", errors.InvalidValue, "ng_token_record: token must have an id between 1 and"),
        ("ng_token_distance(1)", apsw.SQLError, "wrong number of arguments"),
        ("ng_token_distance(1, 2, 3, 4)", apsw.SQLError, "wrong number of arguments"),
    ],
)
def test_what_is_refused_is_named(mind, call, error, message):
    with pytest.raises(error, match=message):
        mind.execute(f"select {call}")
    assert rows(mind, "select ng_token_distance(1, 1, 'physical')") == [(0.0,)]


def test_uncommitted_rows_are_seen_here_and_nowhere_else(mind):
    sql = "select ng_token_distance('a', 'b', 'physical')"
    before = rows(mind, sql)
    elsewhere: list[object] = []
    with mind.transaction():
        mind.execute("update token set physical_x = 90 where label = 'b'")
        assert rows(mind, sql)[0][0] > 80
        thread = threading.Thread(target=lambda: elsewhere.append(rows(mind, sql)))
        thread.start()
        thread.join()
        mind.begin()
        mind.execute("update token set physical_x = 9000 where label = 'b'")
        mind.rollback()
        assert 80 < rows(mind, sql)[0][0] < 100
    assert elsewhere == [before]


def test_they_serve_statements_that_write(mind):
    mind.execute("update token set weight = min(1, ng_token_distance(id, 'a', 'physical') / 10) where label <> 'h'")
    assert dict(rows(mind, "select id, weight from token where label <> 'h'")) == {
        id: min(1, mind.grid.distance(id, "a", level="physical") / 10) for id in range(1, 8)
    }


def test_a_view_of_the_file_may_not_call_them(mind):
    mind.execute("create view far as select ng_token_distance(1, 2) as d")
    with pytest.raises(apsw.SQLError, match="unsafe use of ng_token_distance"):
        mind.execute("select * from far")


def test_a_statement_without_tables_reads_one_state_and_lets_go_of_it(mind):
    sql = "select ng_token_distance('a', 'b', 'physical')"
    with mind.reader() as reader:
        line = reader._session.writer
        assert rows(reader, sql) == rows(mind, sql)
        assert line.connection.txn_state("main") == apsw.SQLITE_TXN_NONE
        with pytest.raises(errors.TokenNotFound):
            rows(reader, "select ng_token_distance('a', 'zebra')")
        assert line.connection.txn_state("main") == apsw.SQLITE_TXN_NONE
