"""The memory budget: arrays never pass it, whatever grows; nothing is loaded where it is 0; bulk loads stay flat."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

import neurograph
from neurograph.stores.graph.arrays import GRAPH
from neurograph.stores.grid.arrays import LEVEL_KINDS, SPACE
from processes import python

pytestmark = pytest.mark.compiled

PHYSICAL = LEVEL_KINDS["physical"]


def grow(db: neurograph.Database, n: int) -> None:
    """Add n tokens on a line, each linked to the one before it."""
    first = db.tokens.count()
    ids = db.tokens.create_many(count=n, coordinates={"physical": [[first + x, 0, 0] for x in range(n)]})
    start = ids[0] - 1 if first else ids[0]
    db.graph.create_many(np.arange(start, ids[-1]), np.arange(start + 1, ids[-1] + 1), bidirectional=True)


def answers(db: neurograph.Database) -> tuple[object, ...]:
    return (
        db.graph.bfs(1, max_depth=5).ids.tolist(),
        db.grid.nearest((7.2, 0, 0), 4, level="physical").ids.tolist(),
        db.grid.nearest({"physical": (3.4, 1, 0)}, 4).ids.tolist(),
        len(db.graph.components()),
    )


@pytest.mark.parametrize("budget", [150_000, 400_000, 1_200_000, 10_000_000])
def test_arrays_that_grow_by_patches_never_pass_the_budget(budget: int) -> None:
    with (
        neurograph.open(":memory:", engine="numba", memory_budget_bytes=budget) as db,
        db.reader() as plain,
    ):
        plain._policy._usable = False
        loaded = []
        for _ in range(16):
            grow(db, 512)
            assert answers(db) == answers(plain)
            for kind in (GRAPH, PHYSICAL, SPACE):
                line = db._session.writer
                with db._session.reading():
                    loaded.append(db._derived.current(kind, line) is not None)
                assert db._derived.nbytes() <= budget, kind.name
        assert loaded[0]
        assert all(loaded) == (budget == 10_000_000)


def test_arrays_whose_estimate_fits_take_no_more_than_it() -> None:
    rng = np.random.default_rng(3)
    for tokens, edges in ((1, 0), (600, 30), (2000, 20_000)):
        with neurograph.open(":memory:", engine="numba") as db:
            ids = db.tokens.create_many(count=tokens, coordinates=rng.uniform(0, 1, (tokens, 8, 3)))
            both = rng.integers(0, 2, edges)
            ends = rng.choice(ids, (2, edges))
            both[ends[0] == ends[1]] = 0
            key = [str(n) for n in range(edges)]
            db.graph.create_many(*np.sort(ends, axis=0), key=key, bidirectional=both)
            line = db._session.writer
            for kind in (GRAPH, PHYSICAL, SPACE):
                ((chunks,),) = db.execute("select count(*) from mark where subject = ?", [kind.subject])
                with db._session.reading():
                    arrays = db._derived.current(kind, line)
                    assert kind.nbytes(arrays) <= kind.estimate(line.connection, chunks)[1] + 4096, (kind.name, tokens)


def test_versions_that_other_lines_hold_count_too(tmp_path: Path) -> None:
    """A snapshot holds arrays of its state; a budget for one and a half versions has no room for both."""
    with neurograph.open(tmp_path / "mind.ngdb", engine="numba", synchronous="off") as db:
        grow(db, 2000)
        with db._session.reading() as line:
            size = GRAPH.nbytes(db._derived.current(GRAPH, line))
        db._derived.forget()
        db._policy.budget_bytes = size * 3 // 2
        begun, go_on = threading.Event(), threading.Event()
        found = []

        def hold() -> None:
            with db.snapshot():
                found.append(len(db.graph.bfs(1)))
                begun.set()
                go_on.wait(30)
                found.append(len(db.graph.bfs(1)))

        thread = threading.Thread(target=hold)
        thread.start()
        begun.wait(30)
        for n in range(3):
            grow(db, 1)
            assert len(db.graph.bfs(1)) == 2001 + n
            assert db._derived.nbytes() <= db._policy.budget_bytes
        go_on.set()
        thread.join()
        assert found == [2000, 2000]
        assert db._derived.nbytes() <= db._policy.budget_bytes


def test_arrays_of_lines_that_are_gone_count_while_they_are_kept(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "mind.ngdb", engine="numba") as db:
        grow(db, 600)
        line = db._session.borrow()
        size = GRAPH.nbytes(db._derived.current(GRAPH, line))
        db._derived._shelves[GRAPH.name].held.pop(line)
        db._session.give_back(line)
        assert db._derived.nbytes() == size
        db._policy.budget_bytes = size + 1000
        assert db.grid.nearest((7.2, 0, 0), 1, level="physical").ids.tolist() == [8]
        assert db._derived.nbytes() <= size + 1000


FILL = """
    import gc, os, sys
    import numpy as np, psutil
    import neurograph
    process = psutil.Process()
    def taken():
        gc.collect()
        return process.memory_info().rss
"""


def test_a_process_takes_no_more_than_its_budget_beyond_what_sql_takes(tmp_path: Path) -> None:
    """Where arrays don't fit, none are built: the process stays as small as with plain SQL."""
    path = tmp_path / "mind.ngdb"
    rng = np.random.default_rng(5)
    with neurograph.open(path, synchronous="off") as db:
        ids = db.tokens.create_many(count=60_000, coordinates={"physical": rng.uniform(0, 100, (60_000, 3))})
        for step in (1, 77):
            db.graph.create_many(ids[:-step], ids[step:])
    code = (
        FILL
        + """
    def ask(db):
        return [len(db.graph.bfs(1, max_depth=2)), db.grid.nearest((1, 2, 3), 5, level="physical").ids.tolist(),
                db.grid.nearest((9, 9, 9), 5, level="physical").ids.tolist()]
    with neurograph.open(":memory:", engine="numba") as small:  # kernels are loaded
        ids = small.tokens.create_many(count=600, coordinates={"physical": np.zeros((600, 3))})
        small.graph.create_many(ids[:-1], ids[1:])
        ask(small)
    with neurograph.open(sys.argv[1], engine="sql") as db:
        expected = ask(db)
        before = taken()
    for budget in (2 << 20, 64 << 20):
        with neurograph.open(sys.argv[1], engine="numba", memory_budget_bytes=budget) as db:
            assert ask(db) == ask(db) == expected
            print(db._derived.nbytes(), taken() - before)
    """
    )
    small, beside, arrays, more = map(int, python(code, path).split())
    assert small == 0
    assert beside < 6 << 20
    assert 10 << 20 < arrays < 64 << 20
    assert more < 64 << 20


def test_a_budget_of_nothing_loads_neither_numpy_nor_numba(tmp_path: Path) -> None:
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path) as db:
        grow(db, 600)
        db.optimize()
    out = python(
        """
        import sys, neurograph
        with neurograph.open(sys.argv[1], memory_budget_bytes=0) as db:
            print(len(db.graph.bfs(1)), len(db.graph.links(1)), db.graph.shortest_path(1, 5).ids)
            print([hit.id for hit in db.grid.nearest((7.2, 0, 0), 2, level="physical")])
            db.grid.influence((1, 0, 0), level="physical"), db.grid.density((1, 0, 0), 2, level="physical")
            db.graph.spread(1), db.execute("select count(*) from ng_bfs(1, 2)").fetchall(), db.tokens.get(1)
            db.tokens.create("cat"), db.graph.create(1, "cat")
        print(sorted({"numpy", "numba"} & sys.modules.keys()))
        """,
        path,
    )
    assert out.splitlines() == ["600 1 (1, 2, 3, 4, 5)", "[8, 9]", "[]"]


@pytest.mark.parametrize("labels", [False, True], ids=["bare", "labelled"])
def test_four_times_the_rows_in_batches_take_no_more_memory_than_one_batch(tmp_path: Path, labels: bool) -> None:
    """SQLite's own pages left out: they are kept up to a bound, see tests/connection/test_open_options.py."""
    code = (
        FILL
        + """
    import apsw
    n, batches, labelled = 25_000, int(sys.argv[2]), sys.argv[3] == "True"
    with neurograph.open(sys.argv[1], synchronous="off") as db:
        def load(start, rows):
            names = [f"token {x:08}" for x in range(start, start + rows)] if labelled else None
            places = np.full((rows, 3), 0.5)
            size = {"count": None if labelled else rows}
            ids = db.tokens.create_many(names, coordinates={"physical": places, "social": places}, **size)
            db.graph.create_many(ids[:-1], ids[1:])
        def own():
            return taken() - db._session.writer.connection.status(apsw.SQLITE_DBSTATUS_CACHE_USED)[0]
        load(10**7, 2000)
        before, peak = own(), 0
        for at in range(batches):
            load(at * n, n)
            peak = max(peak, own())
        print(peak - before)
    """
    )
    one = int(python(code, tmp_path / "one.ngdb", 1, labels))
    four = int(python(code, tmp_path / "four.ngdb", 4, labels))
    assert four < one + (4 << 20)
