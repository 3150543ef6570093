"""Answers are remembered while a statement runs and what they were read from stays as it is; never longer."""

from __future__ import annotations

import contextlib
import gc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import apsw
import minds
import pytest
from minds import PYTHON, call, rows

from neurograph import Database, errors, tables
from neurograph.tables import answer
from neurograph.tables import function as mechanism


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count how often each function searches, on databases opened from now on."""
    counts: Counter[str] = Counter()

    def counting(function):
        def ask(*arguments):
            counts[function.name] += 1
            return function.answer(*arguments)

        shape = (function.name, function.columns, function.arguments)
        return mechanism.Function(*shape, ask, function.rows, function.order)

    monkeypatch.setattr(tables, "FUNCTIONS", tuple(counting(function) for function in tables.FUNCTIONS))
    return counts


@pytest.fixture(params=["sql", pytest.param("numba", marks=pytest.mark.kernels)])
def mind(searches: Counter[str], tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    with minds.open_mind(tmp_path / "mind.ngdb", engine=request.param) as db:
        yield db
        assert db.check() == []


def tables_of(db: Database) -> list[mechanism.Table]:
    return [found for found in gc.get_objects() if type(found) is mechanism.Table and found._line is db._session.writer]


@pytest.mark.parametrize("name", PYTHON)
def test_a_join_of_many_rows_with_equal_arguments_searches_once(mind, searches, name):
    arguments = PYTHON[name][1][0]
    f = call(name, arguments)
    expected = 8 * len(rows(mind, f"select 1 from {f}", arguments))
    for sql in (
        f"select t.id from token as t cross join {f} as f",
        f"select (select count(*) from {f} where t.id > 0) from token as t",
    ):
        searches.clear()
        found = rows(mind, sql, arguments)
        assert searches[name] == 1, sql
        assert len(found) == expected or sum(n for (n,) in found) == expected
    if arguments:
        searches.clear()
        given = ", ".join(f"case when t.id then ?{at} end" for at in range(1, len(arguments) + 1))
        assert len(rows(mind, f"select t.id from token as t, {name}({given})", arguments)) == expected
        assert searches[name] == 1


def test_a_join_searches_once_for_each_argument(mind, searches):
    rows(mind, "select a.id, b.id, f.id from token as a, token as b, ng_links(b.id) as f")
    assert searches["ng_links"] == 8


def test_equal_values_of_different_types_are_different_arguments(mind):
    mind.tokens.create("1")
    assert rows(mind, "select b.token, b.id from (select 1 as a union all select '1') as t, ng_bfs(t.a, 0) as b") == [
        (1, 1), ("1", 9)
    ]  # fmt: skip


def test_nothing_is_remembered_when_the_statement_has_ended(mind, searches):
    for _ in range(2):
        rows(mind, "select * from ng_bfs('a')")
    assert searches["ng_bfs"] == 2
    for sql in ("select * from ng_bfs('a') limit 1", "select * from ng_bfs('a') as x, ng_bfs('zebra') as y"):
        with contextlib.suppress(errors.TokenNotFound):
            rows(mind, sql)
        assert [table._answers for table in tables_of(mind)] == [{}]
        assert [table._cursors for table in tables_of(mind)] == [0]


def test_what_is_remembered_is_bounded(mind, searches, monkeypatch):
    most = []

    def remember(self, key, found, remember=mechanism.Table._remember):
        remember(self, key, found)
        most.append((len(self._answers), self._nbytes))
        assert self._nbytes == sum(kept.nbytes for kept in self._answers.values())

    monkeypatch.setattr(mechanism.Table, "_remember", remember)
    monkeypatch.setattr(mechanism, "REMEMBERED_BYTES", 900)
    sql = "select a.id, b.id from token as a, token as b, ng_bfs(b.id) order by a.id, b.id"
    few = rows(mind, sql)
    assert all(nbytes <= 900 or answers == 1 for answers, nbytes in most)
    assert max(answers for answers, _ in most) > 1
    monkeypatch.undo()
    assert rows(mind, sql) == few


def test_the_newest_answer_is_kept_however_large(mind, searches, monkeypatch):
    monkeypatch.setattr(mechanism, "REMEMBERED_BYTES", 0)
    rows(mind, "select t.id from token as t cross join ng_pagerank")
    assert searches["ng_pagerank"] == 1


def test_rows_are_handed_out_block_by_block(monkeypatch):
    numpy = pytest.importorskip("numpy")
    from neurograph.model.records import Scores

    ids, scores = numpy.arange(10), numpy.arange(10) / 4
    as_rows = [*zip(ids.tolist(), scores.tolist(), strict=True)]
    monkeypatch.setattr(answer, "BLOCK_ROWS", 4)
    for found in (Scores(ids, scores), Scores(ids.tolist(), scores.tolist()), as_rows):
        kept = answer.Answer(found, 2)
        read = []
        for at in range(kept.size):
            block, first, last = kept.block(at)
            assert first <= at < last
            assert all(type(value) in (int, float) for column in block for value in column)
            read.append((block[0][at - first], block[1][at - first]))
        assert read == as_rows
    assert answer.Answer(Scores(ids, scores), 2).nbytes == 160
    assert answer.Answer((), 2).size == 0


# --- nothing stale ------------------------------------------------------------------------------------------------


def reached(db: Database) -> int:
    """Return how many tokens `a` leads to, by SQL's function; plain SQL must say the same."""
    ((found,),) = rows(db, "select count(*) from ng_bfs('a')")
    plain = """with recursive w (id) as (
                 select 1
                 union
                 select iif(edge.source = w.id, edge.target, edge.source) from w, edge
                  where edge.source = w.id or edge.target = w.id and edge.bidirectional)
               select count(*) from w"""
    assert rows(db, plain) == [(found,)]
    return found


def test_own_uncommitted_writes_are_seen_and_undone_ones_are_not(mind):
    assert reached(mind) == 5
    with mind.transaction():
        mind.execute("insert into edge (source, target) values (1, 6)")
        assert reached(mind) == 7
        mind.begin()
        mind.graph.delete("a", "f")
        assert reached(mind) == 5
        mind.execute("delete from token where label = 'd'")
        assert reached(mind) == 3
        mind.rollback()
        assert reached(mind) == 7
        mind.begin()
        mind.graph.create("g", "h")
        mind.commit()
        assert reached(mind) == 8
    assert reached(mind) == 8
    mind.begin()
    mind.execute("delete from edge")
    assert reached(mind) == 1
    mind.rollback()
    assert reached(mind) == 8


def test_a_failed_statement_leaves_nothing_behind(mind):
    assert reached(mind) == 5
    with mind.transaction():
        with pytest.raises(errors.NeurographError):
            mind.execute("insert into edge (source, target) values (1, 6), (1, 999)")
        assert reached(mind) == 5


def test_another_connections_commit_is_seen(mind):
    assert reached(mind) == 5
    other = apsw.Connection(mind.path)
    other.execute("insert into edge (source, target) values (1, 6)")
    other.close()
    assert reached(mind) == 7


def test_an_insert_reads_everything_before_its_first_write(mind):
    # SQLite gathers the rows first, because the table has triggers.
    mind.execute("insert into edge (source, target) values (8, 1)")
    mind.execute(
        """insert into edge (source, target, key)
           select 8, t.id, 'n' || (select count(*) from ng_links(8 + 0 * t.id)) from token as t where t.id < 4"""
    )
    assert rows(mind, "select key from edge where source = 8 order by key") == [("",), ("n1",), ("n1",), ("n1",)]


def test_an_update_sees_what_it_wrote_so_far_as_plain_sql_does(mind, tmp_path):
    sql = (
        "update edge set weight = 0.9 * (select total(weight) from {} as l) / 10 returning source, target, key, weight"
    )
    with minds.open_mind(tmp_path / "twin.ngdb", engine="sql") as twin:
        for db in (mind, twin):
            db.execute("update edge set bidirectional = 0")
            db.execute("insert into edge (source, target, weight) select 8, id, 0.6 from token where id < 8")
        found = rows(mind, sql.format("ng_links(edge.source)"))
        assert found == rows(twin, sql.format("(select * from edge as e where e.source = edge.source)"))
        assert len({weight for source, _, _, weight in found if source == 8}) == 7


def test_a_stream_outside_a_transaction_keeps_its_state(mind):
    stream = mind.stream("select a.id, b.id from ng_links('a') as a, ng_links(a.id) as b")
    truth = rows(mind, "select a.id, b.id from ng_links('a') as a, ng_links(a.id) as b")
    found = [next(stream)]
    mind.execute("delete from edge")
    assert [*found, *stream] == truth
    assert rows(mind, "select * from ng_links('a')") == []


def test_a_stream_inside_a_transaction_goes_on_over_what_is_true_when_it_asks(mind):
    with mind.transaction():
        stream = mind.stream("select a.id, b.id from ng_links('a') as a, ng_links(a.id) as b")
        first = next(stream)
        assert first == (2, 4)
        mind.execute("delete from edge where source = 3")
        assert rows(mind, "select * from ng_links(3)") == [(1, 80, "x", 0.5)]
        assert {row[0] for row in stream} == {3}


def test_a_snapshot_keeps_its_state_and_a_reader_follows_commits(mind):
    with mind.reader() as reader:
        with reader.snapshot():
            assert reached(reader) == 5
            mind.execute("insert into edge (source, target) values (1, 6)")
            assert reached(reader) == 5
        assert reached(reader) == 7
        mind.begin()
        mind.execute("delete from edge")
        assert reached(mind) == 1
        assert reached(reader) == 7
        mind.rollback()


def test_the_weights_of_levels_follow_the_constitution(mind):
    sql = "select id, distance from ng_near('b', 3)"
    before = rows(mind, sql)
    mind.cdna.update(scale_emotional=20.0)
    assert rows(mind, sql) != before
    assert rows(mind, sql) == [*mind.grid.neighbors("b", 3)]


def test_a_trial_that_ends_by_the_clock_ends_for_the_functions(mind):
    sql = "select id, distance from ng_near('b', 3)"
    before = rows(mind, sql)
    mind.cdna.try_out(scale_emotional=20.0, duration_s=1000)
    during = rows(mind, sql)
    assert during != before
    connection = mind._session.writer.connection  # whose clock goes far ahead
    connection.create_scalar_function("julianday", lambda *_: 5e6, deterministic=False, flags=apsw.SQLITE_INNOCUOUS)
    assert rows(mind, sql) == before
    assert rows(mind, sql) == [*mind.grid.neighbors("b", 3)]
