"""Every kernel run once on a small mind, so that its compiled code is in numba's cache.

Invariants:

1. Kernels are met only through the stores' own calls and those of `neurograph.vectors`, so what is compiled is what
   those calls need. The one that reads text is called as the reader of word vectors calls it, the one that scans
   partitions as libraries of hundreds of thousands call it.
2. No file of the user's is touched.
"""

from __future__ import annotations

import importlib
import pkgutil
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ..database import Database

TOKENS = 600  # more than a chunk of 512, so that joined and single chunks are both met
VECTORS = 4200  # so many that approximate searches are worth it; 40 at a place, so that they reach their recall


class Warmed(NamedTuple):
    """What warming did."""

    kernels: int
    """Kernels of the package; those that other kernels call are among them."""
    compiled: int
    """Kernels that had to be compiled; the others were in the cache."""
    folders: tuple[str, ...]
    """Where compiled code is kept."""
    seconds: float


def warm_kernels(open_database: Callable[..., Database]) -> Warmed:
    """Run every kernel once.

    Parameters
    ----------
    open_database
        `neurograph.open`, handed in because flows stand below the handle.

    Returns
    -------
    Warmed
        Counts, folders, seconds.

    Raises
    ------
    NotHere
        Kernels can't be used here.

    Notes
    -----
    Compiling all takes about half a minute of one core of two busy ones; where that was done, loading takes 1.6 s.
    """
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="ngdb-warm-") as folder:
        path = Path(folder) / "warm.ngdb"
        with open_database(path, engine="numba") as db:
            _fill(db)
            _ask(db)
            _change(db)
            _ask(db)
            db.optimize()
        with open_database(path, engine="numba") as db:
            _ask(db)
    with open_database(":memory:", engine="numba") as db:
        _fill_simply(db)
        _ask(db)
    _read_text()
    _scan_partitions()
    _ask_vectors()
    found = [kernel for _, kernel in kernels()]
    folders = sorted({str(kernel.stats.cache_path) for kernel in found if kernel.stats.cache_path})
    compiled = sum(bool(kernel.stats.cache_misses) for kernel in found)
    return Warmed(len(found), compiled, tuple(folders), time.perf_counter() - began)


def kernels() -> Iterator[tuple[str, Any]]:
    """Yield the name and the dispatcher of every kernel that is compiled by itself, not inside its callers alone."""
    from .. import kernels as package

    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        module = importlib.import_module(found.name)
        for name, value in vars(module).items():
            own = hasattr(value, "py_func") and value.py_func.__module__ == module.__name__
            if own and value.targetoptions.get("inline") != "always":
                yield f"{found.name}.{name}", value


def _fill(db: Database) -> None:
    import numpy as np

    numbers = np.random.default_rng(1)
    ids = db.tokens.create_many(
        count=TOKENS, coordinates=numbers.uniform(0, 1, (TOKENS, 8, 3)), field_radius=numbers.uniform(0, 0.5, TOKENS)
    )
    source = numbers.choice(ids, 4 * TOKENS)
    target = numbers.choice(ids, 4 * TOKENS)
    weight = numbers.uniform(0.1, 1, 4 * TOKENS)
    db.graph.create_many(source, target, weight=weight, on_conflict="ignore")
    db.graph.create_many(ids[:-1], ids[1:], type="before", weight=0.5, bidirectional=numbers.integers(0, 2, TOKENS - 1))


def _fill_simply(db: Database) -> None:
    """Write edges in one direction between consecutive ids, which are read into arrays by a way of their own."""
    ids = db.tokens.create_many(count=TOKENS)
    db.graph.create_many(ids[:-1], ids[1:], type="before", weight=0.5)


def _read_text() -> None:
    from ..kernels.text_rows import run_text_rows

    run_text_rows(b"word 1 -2.5e1\n", 2)


def _scan_partitions() -> None:
    import numpy as np

    from ..kernels.knn_bits import make_bits, run_likely, run_signs
    from ..kernels.knn_codes import make_planes, run_quantise
    from ..kernels.knn_parts import Parts, make_centers, run_asked, run_groups

    rows, slots = np.eye(4, dtype=np.float32), np.arange(4)
    planes, bits, centers = make_planes(4, 4), make_bits(4, 4), make_centers(rows[:2], "l2")
    run_quantise(planes, 0, rows, "l2")
    run_signs(planes, 4, slots, bits, slots, centers=centers, numbers=slots // 2, metric="l2")
    parts = Parts(centers, np.array([0, 2, 4]), slots[:0])
    run_likely(bits, rows[:1], 1, metric="l2", parts=parts, partitions=1)
    run_groups(parts, run_asked(rows[:1], "l2"), 0, 1, 4)


def _change(db: Database) -> None:
    """Write a little, so that arrays are patched."""
    pick = random.Random(1)
    with db.transaction():
        new = db.tokens.create(coordinates={"physical": (0.1, 0.2, 0.3)}, field_radius=0.2)
        for _ in range(3):
            db.graph.create(pick.randint(1, TOKENS), new, type="after", weight=0.3)
        db.execute("delete from edge where source = 5")
        db.execute("delete from token where id = 7")
        db.execute("update token set physical_x = 0.9 where id = 9")


def _ask(db: Database) -> None:
    _ask_graph(db)
    _ask_grid(db)
    _ask_library(db)


def _ask_graph(db: Database) -> None:
    graph = db.graph
    for direction in ("out", "both"):
        graph.bfs(1, direction=direction)
        graph.bfs(1, max_depth=2, direction=direction, types="before")
        graph.dfs(1, direction=direction)
        for cost in ("hops", "weight", "inverse_weight"):
            graph.shortest_path(1, TOKENS, cost=cost, direction=direction)
    graph.shortest_path(1, TOKENS, cutoff=3.0, types="before")
    graph.pagerank()
    graph.pagerank(personalization={1: 1.0}, types="before")
    for strong in (False, True):
        graph.components(strong=strong)
    graph.spread(1)
    graph.metrics()
    graph.metrics(types="before", sources=2)


def _ask_grid(db: Database) -> None:
    import numpy as np

    grid = db.grid
    point, points = (0.5, 0.5, 0.5), np.full((3, 3), 0.5)
    grid.neighbors(1, 5, level="physical")
    grid.neighbors(1, 5)
    grid.nearest(point, 5, level="physical")
    grid.in_range(point, 0.3, level="physical")
    grid.in_range({"physical": point, "social": point}, 0.3)
    grid.nearest_many(points, 5, level="physical")
    grid.in_range_many(points, 0.3, level="physical")
    grid.box((0, 0, 0), point, level="physical")
    grid.density(point, 0.3, level="physical")
    grid.fields(level="physical", threshold=0.1, min_nodes=1)
    for falloff in ("linear", "quadratic", "gaussian"):
        grid.influence(point, level="physical", falloff=falloff)


def _ask_library(db: Database) -> None:
    if "warm" not in db.library:
        numbers = random.Random(1)
        places = [[numbers.gauss(0, 1) for _ in range(9)] for _ in range(VECTORS // 40)]
        vectors = [[x + numbers.gauss(0, 0.01) for x in place] for place in places for _ in range(40)]
        db.library.create("warm", dimension=9, metric="l2").add(vectors)
    library = db.library.get("warm")
    library.search([0.0] * 9, 5, engine="numba")
    library.search([1.0] * 9, 5, engine="numba", where="id % 2 = 0")
    library.search_many([[1.0] * 9] * 3, 5, engine="numba")
    library.search([1.0] * 9, 5, exact=False, recall=0.8, engine="numba")


def _ask_vectors() -> None:
    import numpy as np

    from .. import vectors
    from ..derived.policy import Policy
    from ..vectors import engine

    engine.set_policy(Policy("numba", 1))
    rows = np.random.default_rng(2).normal(size=(2100, 8)).astype(np.float32)  # more than a block of `top_k`
    vectors.cosine_similarity(rows[0], rows[1])
    vectors.normalize_batch(rows)
    vectors.cosine_similarity_batch(rows[:40], rows)
    for few in (rows[:1], rows[:2]):
        vectors.dot_product_batch(few, rows)
        vectors.euclidean_distance_batch(few, rows)
    vectors.top_k(rows[:40], rows, 5)
    vectors.top_k(rows[:40], rows, 5, metric="dot")
    engine.set_policy(None)
