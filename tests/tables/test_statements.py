"""Functions inside statements that write, streams, threads, views; and what is left when one of them fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import minds
import pytest
from minds import rows

import neurograph
from neurograph import Database, errors
from neurograph.tables import function as mechanism


@pytest.fixture(params=["sql", pytest.param("numba", marks=pytest.mark.kernels)])
def mind(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    with minds.open_mind(tmp_path / "mind.ngdb", engine=request.param) as db:
        yield db
        assert not db.in_transaction
        assert rows(db, "select count(*) from ng_bfs('h', 0)") == [(1,)]
        assert db.check() == []


# --- statements that write ----------------------------------------------------------------------------------------


def test_answers_are_inserted(mind):
    mind.execute("create table near_a (id integer primary key, depth integer)")
    mind.execute("insert into near_a select id, depth from ng_bfs('a')")
    assert rows(mind, "select * from near_a order by id") == sorted(mind.graph.bfs("a"))
    mind.execute("create table ranks as select * from ng_pagerank")
    assert rows(mind, "select * from ranks") == [*mind.graph.pagerank()]


def test_edges_are_made_from_neighbors_in_space(mind):
    truth = sorted((t, n) for t in range(1, 8) for n in mind.grid.neighbors(t, 2, level="physical").ids.tolist())
    made = rows(
        mind,
        """insert into edge (source, target, type, weight)
           select t.id, n.id, (select code from connection_type where name = 'similar_to'), 1 / (1 + n.distance)
             from token as t, ng_near(t.id, 2, 'physical') as n
        returning source, target""",
    )
    assert sorted(made) == truth
    assert rows(mind, "select count(*) from ng_links(1, 'out', 'similar_to')") == [(2,)]


def test_edges_are_deleted_by_what_a_function_finds(mind):
    mind.execute("delete from edge where source = 1 and target in (select id from ng_links('a', 'out', 'hypernym'))")
    assert rows(mind, "select target from edge where source = 1 order by target, key") == [(3,), (3,)]
    mind.execute("delete from edge where exists (select 1 from ng_links(edge.target, 'out', 'cause') as l)")
    assert rows(mind, "select source, target from edge where source > 1") == [(5, 1), (6, 7)]


def test_tokens_are_updated_from_ranks(mind):
    truth = dict(mind.graph.pagerank())
    mind.execute("update token set weight = r.score from ng_pagerank as r where r.id = token.id")
    assert dict(rows(mind, "select id, weight from token")) == truth
    mind.execute("update token set weight = (select max(depth) from ng_bfs(token.id)) / 10.0")
    assert dict(rows(mind, "select id, weight from token")) == {
        id: max(mind.graph.bfs(id).depths.tolist()) / 10.0 for id in truth
    }


def test_upserts_take_answers(mind):
    mind.execute("create table visit (id integer primary key, depth integer)")
    for start in ("d", "a"):
        mind.execute(
            """insert into visit select id, depth from ng_bfs(?) where true
                   on conflict do update set depth = min(depth, excluded.depth)""",
            [start],
        )
    d, a = dict(mind.graph.bfs("d")), dict(mind.graph.bfs("a"))
    assert dict(rows(mind, "select * from visit")) == {id: min(d.get(id, 9), a.get(id, 9)) for id in {*a, *d}}


def test_a_function_is_not_written_to(mind):
    for sql in (
        "insert into ng_bfs (id) values (1)",
        "delete from ng_bfs where token = 1",
        "update ng_bfs set depth = 1 where token = 1",
    ):
        with pytest.raises(apsw.SQLError, match="may not be modified"):
            mind.execute(sql)


TRIGGER = """create trigger v after update of weight on token begin
               delete from edge where source in (select id from ng_bfs(1));
             end"""


@pytest.mark.parametrize("create", ["create view v as select * from ng_bfs(1)", TRIGGER], ids=["view", "trigger"])
def test_the_files_own_views_and_triggers_may_not_call_them(mind, create):
    mind.execute(create)
    with pytest.raises(apsw.SQLError, match='unsafe use of virtual table "ng_bfs"'):
        mind.execute("select * from v" if "view" in create else "update token set weight = 0.1")
    mind.execute(f"drop {create.split()[1]} v")


def test_temporary_views_and_common_table_expressions_may(mind):
    reach = [*mind.graph.bfs("a")]
    assert rows(mind, "with reach as (select * from ng_bfs('a')) select * from reach") == reach
    mind.execute("create temp view reach as select * from ng_bfs('a')")
    assert rows(mind, "select * from reach") == reach
    sql = "with r as materialized (select * from ng_bfs('a')) select count(*) from r join r as s using (id)"
    assert rows(mind, sql) == [(5,)]


# --- streams, threads ---------------------------------------------------------------------------------------------


def test_two_cursors_of_one_function_are_open_at_once(mind):
    with mind.transaction():
        one, two = (mind.stream("select id from ng_bfs(?)", [label]) for label in "ad")
        found = [*zip(one, two, strict=False)]
    assert found == [*zip(*(((id,) for id in mind.graph.bfs(label).ids.tolist()) for label in "ad"), strict=False)]
    assert rows(mind, "select a.id, b.id from ng_bfs('f') as a, ng_bfs('f') as b") == [(6, 6), (6, 7), (7, 6), (7, 7)]


def test_a_stream_that_is_dropped_leaves_the_connection_usable(mind):
    for _ in range(3):
        stream = mind.stream("select a.id from ng_bfs('a') as a, ng_bfs(a.id) as b")
        next(stream)
        del stream
    mind.execute("insert into edge (source, target) values (8, 1)")


def test_another_thread_reads_what_is_committed_while_this_one_writes(mind):
    found: list[object] = []
    with mind.transaction():
        mind.execute("insert into edge (source, target) values (1, 6)")
        thread = threading.Thread(target=lambda: found.append(rows(mind, "select count(*) from ng_bfs('a')")))
        thread.start()
        thread.join()
        assert rows(mind, "select count(*) from ng_bfs('a')") == [(7,)]
    assert found == [[(5,)]]


def test_threads_ask_at_the_same_time(mind):
    sql = "select b.id, l.id from ng_bfs(?) as b, ng_links(b.id) as l"
    truth = {label: rows(mind, sql, [label]) for label in "abcd"}
    wrong: list[object] = []

    def ask(label: str) -> None:
        for _ in range(10):
            found = rows(mind, sql, [label])
            if found != truth[label]:
                wrong.append((label, found))

    threads = [threading.Thread(target=ask, args=[label]) for label in truth]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# --- failures -----------------------------------------------------------------------------------------------------


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch):
    """Make the n-th search from now on raise an error."""

    def arm(error: BaseException, after: int) -> None:
        left = [after]

        def ask(self, arguments, ask=mechanism.Table._ask):
            left[0] -= 1
            if left[0] == 0:
                raise error
            return ask(self, arguments)

        monkeypatch.setattr(mechanism.Table, "_ask", ask)

    return arm


@pytest.mark.parametrize(
    "error",
    [KeyboardInterrupt(), MemoryError(), RuntimeError("odd"), errors.DeadlineExceeded("late")],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("after", [1, 3])
def test_an_exception_inside_a_function_leaves_the_connection_usable(mind, failing, monkeypatch, error, after):
    sql = "select t.id, b.id from token as t, ng_bfs(t.id) as b"
    truth = rows(mind, sql)
    failing(error, after)
    with pytest.raises(type(error)):
        mind.execute(sql)
    monkeypatch.undo()
    assert rows(mind, sql) == truth
    with mind.transaction():
        mind.execute("insert into edge (source, target) values (8, 6)")
        failing(error, after)
        with pytest.raises(type(error)):
            mind.execute("insert into edge (source, target) select t.id, 8 from token as t, ng_bfs(t.id, 0) as b")
        monkeypatch.undo()
        assert rows(mind, "select source from edge where target = 8") == []
        assert rows(mind, "select id from ng_bfs(8)") == [(8,), (6,), (7,)]
    assert rows(mind, "select id from ng_bfs(8)") == [(8,), (6,), (7,)]


def test_a_deadline_ends_a_statement_of_functions(mind):
    sql = (
        "select count(*) from token as a, token as b, token as c, token as d, token as e, ng_bfs(a.id + 0 * e.id) as f"
    )
    with pytest.raises(errors.DeadlineExceeded):
        mind.execute(sql, timeout_s=1e-4)
    assert rows(mind, "select count(*) from ng_bfs('a')") == [(5,)]


def test_a_function_cannot_write(mind, monkeypatch):
    refused: list[errors.ReadOnlyDatabase] = []

    def ask(self, arguments, ask=mechanism.Table._ask):
        with self._stores._session.inside(self._line):
            try:
                mind.tokens.create("z")
            except errors.ReadOnlyDatabase as error:
                refused.append(error)
        return ask(self, arguments)

    monkeypatch.setattr(mechanism.Table, "_ask", ask)
    assert rows(mind, "select count(*) from ng_bfs('a')") == [(5,)]
    assert len(refused) == 1
    assert "a statement is running" in str(refused[0])


def test_a_handle_that_is_gone_says_so(mind, tmp_path):
    stream = neurograph.open(tmp_path / "mind.ngdb").stream("select b.id from token as t, ng_bfs(t.id) as b")
    with pytest.raises(errors.NeurographError, match="the database was closed meanwhile"):
        for _ in stream:
            pass
