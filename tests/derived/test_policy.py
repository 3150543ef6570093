"""When arrays are used, what they may take, and that threads never see each other's."""

from __future__ import annotations

import random
import threading

import numpy as np
import pytest

import neurograph
from neurograph.derived.mechanism import Derived
from neurograph.derived.policy import COMPILE_S, Policy
from neurograph.errors import InvalidValue, NotHere
from neurograph.stores.graph.arrays import GRAPH
from neurograph.stores.grid.arrays import LEVEL_KINDS


def chain(db: neurograph.Database, n: int) -> None:
    ids = db.tokens.create_many(count=n)
    db.graph.create_many(ids[:-1], ids[1:])


@pytest.mark.kernels
def test_arrays_are_bought_when_sql_has_cost_as_much(monkeypatch):
    monkeypatch.setattr("neurograph.derived.policy.NUMBA_START_S", 0.0)
    monkeypatch.setattr("neurograph.derived.policy._compiled", {"graph": True, "grid": True})
    policy = Policy("auto", 1 << 30)
    assert not policy.worth("graph", 1_000_000, 0.0)
    policy.spend("graph", 0.3)
    assert not policy.worth("graph", 1_000_000, 0.1)
    policy.spend("graph", 0.1)
    assert policy.worth("graph", 1_000_000, 0.2)
    assert not policy.worth("grid", 1_000_000, 0.2)
    assert Policy("numba", 1 << 30).worth("graph", 1_000_000, 0.0)


@pytest.mark.kernels
def test_compiling_for_the_first_time_is_part_of_the_price(monkeypatch):
    monkeypatch.setattr("neurograph.derived.policy.NUMBA_START_S", 0.0)
    monkeypatch.setattr("neurograph.derived.policy._compiled", {})
    monkeypatch.setattr("neurograph.derived.kernel_cache.is_compiled", lambda family: False)
    policy = Policy("auto", 1 << 30)
    assert not policy.worth("grid.social", 1000, COMPILE_S * 0.9)
    assert policy.worth("grid.social", 1000, COMPILE_S * 1.1)
    assert policy.worth("grid", 1000, 0.1)  # by then they are compiled, for every kind of the family
    assert not policy.worth("graph", 1000, 0.1)


@pytest.mark.parametrize(("engine", "budget"), [("sql", 1 << 30), ("auto", 0)])
def test_without_an_engine_or_a_budget_sql_answers(engine, budget):
    with neurograph.open(":memory:", engine=engine, memory_budget_bytes=budget) as db:
        chain(db, 600)
        assert db._derived.current(GRAPH, db._session.writer, float("inf")) is None
        assert len(db.graph.bfs(1)) == 600
        assert db._derived.nbytes() == 0


def test_an_unknown_engine_is_named():
    with pytest.raises(InvalidValue, match="engine must be one of auto, sql, numba, got 'fast'"):
        neurograph.open(":memory:", engine="fast")


def test_kernels_that_are_not_here_are_named(monkeypatch):
    monkeypatch.setenv("NGDB_KERNELS", "off")
    with pytest.raises(NotHere, match='use engine="auto"'):
        neurograph.open(":memory:", engine="numba")
    with neurograph.open(":memory:") as db:
        chain(db, 10)
        assert len(db.graph.bfs(1)) == 10


@pytest.mark.kernels
def test_arrays_beyond_the_budget_are_not_loaded():
    with neurograph.open(":memory:", engine="numba", memory_budget_bytes=4096) as db:
        chain(db, 2000)
        assert db._derived.current(GRAPH, db._session.writer) is None
        assert len(db.graph.bfs(1)) == 2000


@pytest.mark.kernels
def test_other_arrays_make_room():
    with neurograph.open(":memory:", engine="numba", memory_budget_bytes=300_000) as db:
        chain(db, 2000)
        line = db._session.writer
        db._derived.current(GRAPH, line)
        assert db._derived.loaded(GRAPH)
        db.grid.add(1, (0, 0, 0), level="social")
        assert db.grid.nearest((0, 0, 0), level="social").ids.tolist() == [1]
        assert db._derived.loaded(LEVEL_KINDS["social"])
        assert not db._derived.loaded(GRAPH)
        assert db._derived.nbytes() <= 300_000


@pytest.mark.kernels
def test_arrays_let_go_are_loaded_again():
    with neurograph.open(":memory:", engine="numba") as db:
        chain(db, 50)
        assert len(db.graph.bfs(1)) == 50
        db._derived.forget()
        assert not db._derived.loaded(GRAPH)
        assert len(db.graph.bfs(1)) == 50


@pytest.mark.kernels
def test_threads_that_read_beside_a_writer_see_one_state_each(tmp_path):
    """Each snapshot's kernels equal its SQL, whatever is committed meanwhile."""
    with neurograph.open(tmp_path / "mind.ngdb", engine="numba", synchronous="off") as db:
        chain(db, 1500)
        stop = threading.Event()
        wrong: list[object] = []
        rounds = [0, 0, 0]

        def read(me: int) -> None:
            rng = random.Random(me)
            try:
                while not stop.is_set() or rounds[me] < 5:
                    with db.snapshot():
                        start = rng.randint(1, 1400)
                        found = db.graph.bfs(start, max_depth=4).ids.tolist()
                        rows = db.execute(
                            """with recursive r (id, depth) as (
                                 values (?, 0) union
                                 select edge.target, depth + 1 from r join edge on source = r.id where depth < 4)
                               select id from r group by id order by min(depth), id""",
                            (start,),
                        ).fetchall()
                        if found != [id for (id,) in rows]:
                            wrong.append((start, found, rows))
                    rounds[me] += 1
            except BaseException as error:
                wrong.append(error)
                raise

        threads = [threading.Thread(target=read, args=(me,)) for me in range(3)]
        for thread in threads:
            thread.start()
        rng = random.Random(9)
        for _ in range(60):
            with db.transaction():
                for _ in range(5):
                    a, b = rng.randint(1, 1500), rng.randint(1, 1500)
                    db.graph.create_many([a], [b], key=str(rng.random()))
                    db.execute("delete from edge where source = ? and target > ?", (rng.randint(1, 1500), 700))
                mine = db.graph.bfs(1, max_depth=4)
                assert mine == neurograph_sql(db)
        stop.set()
        for thread in threads:
            thread.join(60)
        assert wrong == []
        assert min(rounds) >= 5


def neurograph_sql(db: neurograph.Database) -> list[tuple[int, int]]:
    """Return the breadth-first search from 1 in plain SQL."""
    rows = db.execute(
        """with recursive r (id, depth) as (
             values (1, 0) union
             select edge.target, depth + 1 from r join edge on source = r.id where depth < 4)
           select id, min(depth) as d from r group by id order by d, id"""
    )
    return list(rows)


@pytest.mark.kernels
def test_a_line_that_holds_nothing_starts_from_the_newest_arrays(tmp_path):
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        chain(db, 600)
        derived = Derived(db._session, Policy("numba", 1 << 30))
        mine = derived.current(GRAPH, db._session.writer)
        reader = db._session.borrow()
        assert derived.current(GRAPH, reader) is mine
        db._session.give_back(reader)


@pytest.mark.kernels
def test_an_index_is_bought_for_many_searches_at_once_and_not_for_one() -> None:
    rng = np.random.default_rng(1)
    with neurograph.open(":memory:") as db:
        db.tokens.create_many(count=20_000, coordinates={"physical": rng.normal(size=(20_000, 3))})
        db.grid.nearest_many(rng.normal(size=(1, 3)), level="physical")
        assert not db._derived.loaded(LEVEL_KINDS["physical"])
        db.grid.nearest_many(rng.normal(size=(2_000, 3)), level="physical")
        assert db._derived.loaded(LEVEL_KINDS["physical"])
