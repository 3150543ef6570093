"""What `explain` says: SQLite's plan, what was read, and which way each of our functions took."""

from __future__ import annotations

import pickle
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

import neurograph
from neurograph import errors
from neurograph.connection.explanation import Explanation
from processes import python

BFS = "select id from ng_bfs(1)"
NEAR = "select id from ng_near(1, 3, 'physical')"


def fill(db: neurograph.Database, n: int = 1200) -> neurograph.Database:
    """Make a chain of tokens, placed on a line."""
    ids = db.tokens.create_many(count=n, coordinates={"physical": [[x, 0, 0] for x in range(n)]})
    db.graph.create_many(ids[:-1], ids[1:])
    return db


@pytest.fixture(params=["sql", "auto", pytest.param("numba", marks=pytest.mark.kernels)])
def engine(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def mind(engine: str) -> Iterator[neurograph.Database]:
    with neurograph.open(":memory:", engine=engine) as db:
        yield fill(db)


@pytest.fixture
def fast() -> Iterator[neurograph.Database]:
    with neurograph.open(":memory:", engine="numba") as db:
        yield fill(db)


def without_times(paths: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(re.sub(r"in [\d.]+ ms$", "in … ms", path) for path in paths)


# --- the plan and what was read --------------------------------------------------------------------------------------


def test_it_says_plan_rows_and_what_was_scanned() -> None:
    with neurograph.open(":memory:") as db:
        db.tokens.create_many(labels=[f"token {n}" for n in range(100)])
        found = db.explain("select * from token where weight > ? order by weight", [0.1])
        assert isinstance(found, Explanation)
        assert found.plan == ("scan token", "use temp b-tree for order by")
        assert (found.rows, found.scanned, found.paths) == (100, 99, ())
        assert found.steps is not None
        assert found.steps > 100
        assert found.time_ms is not None
        assert str(found).startswith("scan token\nuse temp b-tree for order by\n100 rows, 99 scanned, ")
        by_index = db.explain("select id from token where label = :label", {"label": "token 7"})
        assert (by_index.rows, by_index.scanned) == (1, 0)
        assert by_index.plan[0].startswith("search token using covering index")


def test_it_shows_what_is_part_of_what() -> None:
    with neurograph.open(":memory:") as db:
        plan = db.explain("select * from token where id in (select source from edge where weight > 0.5)").plan
    assert any(line.startswith("  ") for line in plan)


def test_a_write_is_planned_and_not_run() -> None:
    with neurograph.open(":memory:") as db:
        db.tokens.create("cat")
        found = db.explain("delete from token where weight > 0")
        assert (found.rows, found.scanned, found.steps, found.time_ms, found.paths) == (None, None, None, None, ())
        assert "scan token" in found.plan
        assert str(found).endswith("not run: it writes")
        assert db.tokens.count() == 1


@pytest.mark.parametrize("sql", ["commit", "pragma user_version", "vacuum"])
def test_what_is_no_query_is_refused(sql: str) -> None:
    with neurograph.open(":memory:") as db, pytest.raises(errors.Misuse):
        db.explain(sql)


def test_one_statement_is_explained_at_a_time() -> None:
    with neurograph.open(":memory:") as db:
        with pytest.raises(errors.Misuse, match="explain must be given one statement"):
            db.explain("select 1; select 2")
        with pytest.raises(apsw.SQLError):
            db.explain("select absent")
        assert pickle.loads(pickle.dumps(db.explain("select 1"))).rows == 1


def test_what_a_function_scans_is_counted_once_each_time_it_scans() -> None:
    """SQLite keeps the statements inside prepared, and they count on from one run to the next."""
    with neurograph.open(":memory:", engine="sql") as db:
        fill(db, 100)
        many = "select count(*) from token, ng_near(token.id, 3, 'physical') where token.id <= 20"
        for _ in range(3):
            assert db.explain("select * from ng_near(1, 3, 'physical')").scanned == 99
            assert db.explain(many).scanned == 20 * 99
            assert db.explain("select * from token where weight > 0").scanned == 99


# --- the ways taken --------------------------------------------------------------------------------------------------


def test_what_calls_no_function_of_ours_takes_no_way(mind: neurograph.Database) -> None:
    assert mind.explain("select * from token join edge on edge.source = token.id limit 3").paths == ()


def test_functions_that_look_rows_up_say_so_with_every_engine(mind: neurograph.Database) -> None:
    paths = mind.explain("select * from ng_links(2) union all select 1, 2, 3, version from ng_cdna_at(1)").paths
    assert paths == ("ng_links: rows", "ng_cdna_at: rows")


def test_engine_sql_answers_from_rows() -> None:
    with neurograph.open(":memory:", engine="sql") as db:
        fill(db)
        for function in ("ng_bfs(1)", "ng_near(1, 3, 'physical')", "ng_components()", "ng_spread(1)"):
            name = function.partition("(")[0]
            assert db.explain(f"select * from {function}").paths == (f"{name}: rows, engine='sql'",)


@pytest.mark.kernels
def test_a_budget_of_nothing_answers_from_rows() -> None:
    with neurograph.open(":memory:", memory_budget_bytes=0) as db:
        fill(db, 10)
        assert db.explain(BFS).paths == ("ng_bfs: rows, memory_budget_bytes=0",)


def test_kernels_turned_off_by_the_environment_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NGDB_KERNELS", "off")
    with neurograph.open(":memory:") as db:
        fill(db)
        assert db.explain(BFS).paths == ("ng_bfs: rows, NGDB_KERNELS=off is set",)
        assert db.explain(NEAR).paths == ("ng_near: rows, NGDB_KERNELS=off is set",)


@pytest.mark.kernels
def test_engine_numba_says_what_its_arrays_cost_and_then_that_they_are_current(fast: neurograph.Database) -> None:
    first = fast.explain(BFS).paths
    assert without_times(first) == ("ng_bfs: kernels over graph, 3 of 3 chunks read in … ms",)
    assert fast.explain(BFS).paths == ("ng_bfs: kernels over graph, arrays current",)
    near = without_times(fast.explain(NEAR).paths)
    assert near == ("ng_near: kernels over grid.physical, 3 of 3 chunks read in … ms",)


@pytest.mark.kernels
def test_saved_arrays_are_told_from_rows(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        fill(db)
        db.optimize()
        db.tokens.update(1, weight=0.25)
    with neurograph.open(tmp_path / "mind.ngdb", engine="numba") as db:
        assert without_times(db.explain(BFS).paths) == ("ng_bfs: kernels over graph, 0 of 3 chunks read in … ms",)
        near = without_times(db.explain(NEAR).paths)
        assert near == ("ng_near: kernels over grid.physical, 1 of 3 chunks read in … ms",)


@pytest.mark.kernels
def test_a_change_by_another_process_is_read_again_chunk_by_chunk(tmp_path: Path) -> None:
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path, engine="numba") as db:
        fill(db)
        assert db.explain(BFS).rows == 1200
        code = "import neurograph, sys\nwith neurograph.open(sys.argv[1]) as db: db.graph.delete(600, 601)"
        python(code, path)
        found = db.explain(BFS)
        assert found.rows == 600
        assert without_times(found.paths) == ("ng_bfs: kernels over graph, 1 of 3 chunks read in … ms",)
        python("import neurograph, sys\nwith neurograph.open(sys.argv[1]) as db: db.tokens.create('cat')", path)
        assert db.explain(BFS).paths == ("ng_bfs: kernels over graph, arrays current",)  # no edge was touched


@pytest.mark.kernels
def test_own_uncommitted_changes_are_read_again_too(fast: neurograph.Database) -> None:
    fast.explain(BFS)
    with fast.transaction():
        fast.graph.delete(1, 2)
        found = fast.explain(BFS)
        assert found.rows == 1
        assert without_times(found.paths) == ("ng_bfs: kernels over graph, 1 of 3 chunks read in … ms",)


@pytest.mark.kernels
def test_engine_auto_says_what_rows_have_cost_and_what_arrays_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurograph.derived.policy.NUMBA_START_S", 50.0)
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    with neurograph.open(":memory:") as db:
        fill(db)
        (path,) = db.explain(BFS).paths
        words = r"ng_bfs: rows, plain SQL until it has cost what arrays would: 0 of 5\d s"
        assert re.fullmatch(words, path), path


@pytest.mark.kernels
def test_a_search_that_rows_gave_up_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurograph.stores.graph.base.ROWS_BEFORE_ARRAYS", 100)
    monkeypatch.setattr("neurograph.derived.policy.NUMBA_START_S", 50.0)
    monkeypatch.setattr("neurograph.derived.policy.ROW_READ_S", 1.0)
    with neurograph.open(":memory:") as db:
        fill(db)
        assert without_times(db.explain(BFS).paths) == (
            "ng_bfs: rows, given up after 100 of them",
            "ng_bfs: kernels over graph, 3 of 3 chunks read in … ms",
        )


@pytest.mark.kernels
def test_arrays_beyond_the_budget_are_named() -> None:
    with neurograph.open(":memory:", engine="numba", memory_budget_bytes=20_000) as db:
        fill(db)
        (path,) = db.explain(BFS).paths
        assert re.fullmatch(r"ng_bfs: rows, arrays of \d+ bytes exceed the memory budget of 20000", path), path


@pytest.mark.kernels
def test_a_function_that_is_called_for_every_row_is_named_once(fast: neurograph.Database) -> None:
    sql = "select count(*) from token, ng_near(token.id, 3, 'physical') as n, ng_bfs(n.id, 1) where token.id < 20"
    first = without_times(fast.explain(sql).paths)
    assert first == (
        "ng_near: kernels over grid.physical, 3 of 3 chunks read in … ms",
        "ng_bfs: kernels over graph, 3 of 3 chunks read in … ms",
    )
    second = fast.explain(sql)
    assert second.paths == (
        "ng_near: kernels over grid.physical, arrays current",
        "ng_bfs: kernels over graph, arrays current",
    )
    assert "\n".join((*second.plan, *second.paths, "1 rows")) in str(second)


@pytest.mark.kernels
def test_a_statement_that_fails_leaves_nothing_noted(fast: neurograph.Database) -> None:
    with pytest.raises(errors.TokenNotFound):
        fast.explain("select * from ng_bfs('absent')")
    assert fast._session.writer.paths is None
    assert fast.explain("select * from ng_links(1)").paths == ("ng_links: rows",)


def test_nothing_is_noted_while_nobody_asks(mind: neurograph.Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("neurograph.connection.paths.Paths.__init__", fail)
    monkeypatch.setattr("neurograph.connection.paths.Paths.note", fail)
    assert len(mind.execute(BFS).fetchall()) == 1200
    assert len(mind.execute(BFS).fetchall()) == 1200
    assert mind.grid.neighbors(1, 3, level="physical").ids.tolist() == [2, 3, 4]


@pytest.mark.parametrize("off", ["", "off"])
def test_the_command_line_names_the_same_reason(monkeypatch: pytest.MonkeyPatch, off: str) -> None:
    from neurograph.cli.facts import kernels_path

    monkeypatch.setenv("NGDB_KERNELS", off)
    with neurograph.open(":memory:") as db:
        fill(db, 20)
        path = kernels_path()
        assert path["on"] == db._policy.usable
        assert path["on"] or db.explain(BFS).paths == (f"ng_bfs: rows, {path['why']}",)
