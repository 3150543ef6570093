"""The memory budget of vectors, by what the system says a process takes: codes within it, or none; never the rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import neurograph
from processes import python

pytestmark = pytest.mark.compiled

COUNT, DIMENSION = 50_000, 256
ROWS = COUNT * DIMENSION * 4  # what the vectors themselves would take
ASK = """
    import gc, sys
    import numpy as np, psutil
    import neurograph
    process = psutil.Process()
    def taken():
        gc.collect()
        return process.memory_info().rss
    queries = np.random.default_rng(6).normal(size=(4, 256))
    def ask(db, **options):
        library = db.library.get("points")
        found = [library.search(query, 10, **options).ids.tolist() for query in queries]
        found.append(library.search(queries[0], 10, where="id % 2 = 0", **options).ids.tolist())
        ids, _ = library.search_many(queries, 10, **options)
        return found, ids.tolist()
    with neurograph.open(":memory:", engine="numba") as small:  # kernels are loaded
        small.library.create("points", dimension=256).add(np.random.default_rng(7).normal(size=(4200, 256)))
        ask(small)
        small.library.get("points").search(queries[0], 10, exact=False)
    with neurograph.open(sys.argv[1], mode="r", engine="sql") as db:
        expected = ask(db)
        db.execute("select sum(length(vector)) from embedding").fetchall()  # what a connection keeps of pages
        before = taken()
    for budget in map(int, sys.argv[2:]):
        with neurograph.open(sys.argv[1], mode="r", engine="numba", memory_budget_bytes=budget) as db:
            assert ask(db) == ask(db) == ask(db) == expected
            for query in queries:
                assert len(db.library.get("points").search(query, 10, exact=False)) == 10
            print(db._derived.nbytes(), taken() - before)
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("budget") / "mind.ngdb"
    vectors = np.random.default_rng(5).normal(size=(COUNT, DIMENSION)).astype(np.float32)
    with neurograph.open(path, synchronous="off") as db:
        db.library.create("points", dimension=DIMENSION).add(vectors)
    return path


def test_searches_take_their_budget_at_most_and_never_hold_the_rows(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the codes' size in the budget, they are there and the rows are not; with less, next to nothing is."""
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "131072")  # else glibc keeps more of what is freed, the more there was
    too_small, enough = 4 << 20, 40 << 20
    answers = python(ASK, path, too_small, enough)
    none, beside, codes, more = map(int, answers.split())
    assert none == 0
    assert beside < 12 << 20
    assert ROWS // 8 < codes < ROWS // 3
    assert more < enough + (8 << 20) < codes + ROWS


COPIES = """
    import sys, threading
    import numpy as np, psutil
    import neurograph
    process, queries = psutil.Process(), np.random.default_rng(6).normal(size=(24, 16))
    with neurograph.open(":memory:", engine="numba") as small:  # kernels are loaded
        small.library.create("points", dimension=16).add(np.random.default_rng(7).normal(size=(4200, 16)))
        small.library.get("points").search_many(queries, 10)
    with neurograph.open(sys.argv[1], mode="r", engine="numba", memory_budget_bytes=int(sys.argv[2])) as db:
        library = db.library.get("points")
        one = library.search(queries[0], 10)
        before, peak, done = process.memory_info().rss, 0, threading.Event()
        def watch():
            global peak
            while not done.wait(0.001):
                peak = max(peak, process.memory_info().rss)
        watching = threading.Thread(target=watch)
        watching.start()
        ids, distances = library.search_many(queries, 10)
        done.set()
        watching.join()
        assert ids.tolist() == [one.ids.tolist()] * 24
        assert distances[0].tolist() == one.distances.tolist()
        print(peak - before)
"""


def test_copies_of_one_vector_are_searched_for_by_many_within_the_budget(tmp_path: Path) -> None:
    """All are as near to each question, so codes leave over all of them: 24 bytes each, of 24 questions 23 MB."""
    path, budget = tmp_path / "mind.ngdb", 12 << 20
    with neurograph.open(path, synchronous="off") as db:
        db.library.create("points", dimension=16).add(np.ones((40_000, 16), np.float32))
    assert int(python(COPIES, path, budget)) < budget
