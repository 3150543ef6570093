"""Exact nearest neighbors in a library beside the peers one would pick instead, on real vectors, in one run.

The glosses of WordNet and their questions are where NGDB_DATA says, or in ``../shared/data``; ``--synthetic N`` adds N
vectors of 384 numbers without structure. One thread for everybody. ``pip install ".[bench]"`` brings the peers.
First answers of fresh processes are in ``fresh_search.py``, searches after changes in ``changed.py``.

    python benches/libraries.py [--synthetic 1000000] [--write]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from measure import Row, beside, best, faster, machine, one_thread, table, write
from vector_peers import K, Search, faiss_flat, fill_vec0, product, vec0, vec_connection
from vector_sets import wordnet

import neurograph as ng

BATCH = 64
FEW = 20  # questions in a turn to those who take tens of milliseconds


def shapeless(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return `count` unit vectors in no order, and 200 questions of the same kind."""
    random = np.random.default_rng(7)
    vectors = random.standard_normal((count + 200, 384), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors[:count], vectors[count:]


def times(search: Search, queries: np.ndarray) -> np.ndarray:
    """Return the seconds of each question, asked one after the other."""
    took = []
    for query in queries:
        began = time.perf_counter()
        search(query)
        took.append(time.perf_counter() - began)
    return np.array(took)


def in_turn(queries: np.ndarray, ours: Search, peers: dict[str, Search]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the times of ours and of the peers, in turns, so that a busy machine slows all."""
    mine: list[np.ndarray] = []
    theirs: dict[str, list[np.ndarray]] = {name: [] for name in peers}
    for some in np.array_split(queries, 5):
        mine.append(times(ours, some))
        for name, search in peers.items():
            theirs[name].append(times(search, some[:FEW]))
    return np.concatenate(mine), {name: np.concatenate(parts) for name, parts in theirs.items()}


def median(search: Search, queries: np.ndarray) -> float:
    return float(np.median(times(search, queries)))


def exact(library: Any, vectors: np.ndarray, queries: np.ndarray, what: str, wanted: dict[str, float]) -> list[Row]:
    """One question after the other; `wanted` says how many times faster than each peer."""
    makers: dict[str, Callable[[np.ndarray], Search]] = {
        "sqlite-vec, vec0": vec0,
        "numpy": product,
        "faiss, flat": faiss_flat,
    }
    mine, theirs = in_turn(queries, lambda query: library.search(query, K), {n: makers[n](vectors) for n in wanted})
    middle, slow = float(np.median(mine)), float(np.quantile(mine, 0.99))
    rows = [
        faster(f"{what}: a search, median", middle, float(np.median(theirs[name])), name, target)
        for name, target in wanted.items()
    ]
    name, target = next(iter(wanted.items()))
    rows.append(faster("  99th percentile of both", slow, float(np.quantile(theirs[name], 0.99)), name, target))
    return rows


def batch(library: Any, vectors: np.ndarray, queries: np.ndarray) -> Row:
    flat, many = faiss_flat(vectors), queries[:BATCH]
    ours, theirs = best(lambda: library.search_many(many, K), lambda: flat(many))
    return faster(f"{BATCH} questions in one call", ours, theirs, "faiss, flat", 5)


def filtered(db: ng.Database, library: Any, queries: np.ndarray) -> list[Row]:
    """Conditions that 1, 10 and 50 % pass: warm, and each time with values that were not asked for before."""
    rows = []
    free = median(lambda query: library.search(query, K), queries[:300])
    sql = "select id from item where id between ? and ? and json_extract(metadata, '$.n') < ?"
    low = library.id << 32
    for percent in (1, 10, 50):
        where = ("json_extract(metadata, '$.n') < ?", [percent])
        warm = median(lambda query: library.search(query, K, where=where), queries[:300])
        rows.append(beside(f"a condition that {percent} % pass, warm", warm, free, "without a condition", 1.1))
        fresh = iter(np.linspace(percent - 0.5, percent - 0.4, 10).tolist())
        cold = median(
            lambda query: library.search(query, K, where=("json_extract(metadata, '$.n') < ?", [next(fresh)])),
            queries[:10],
        )
        alone, _ = best(lambda: db.execute(sql, (low, low + (1 << 32), percent)).fetchall(), lambda: None)
        limit = alone + 1.1 * free
        rows.append(beside(f"a condition that {percent} % pass, cold", cold, limit, "its SELECT and 1.1 searches", 1))
    return rows


def adding(folder: Path, vectors: np.ndarray) -> list[Row]:
    """Transactions of 10,000 vectors."""
    turn = iter(range(1000))

    def ours() -> None:
        with ng.open(folder / f"ours{next(turn)}.ngdb", synchronous="normal") as db:
            library = db.library.create("v", dimension=vectors.shape[1])
            for first in range(0, len(vectors), 10_000):
                library.add(vectors[first : first + 10_000])

    def theirs() -> None:
        connection = vec_connection(folder / f"vec{next(turn)}.db")
        fill_vec0(connection, vectors)
        connection.close()

    mine, peer = best(ours, theirs, rounds=3)
    return [faster(f"adding {len(vectors):,} vectors, 10,000 a transaction", mine, peer, "sqlite-vec, vec0", 1.5)]


def on_wordnet(folder: Path) -> list[Row]:
    vectors, queries = wordnet(1_000_000, 1000)
    path = folder / "wordnet.ngdb"
    with ng.open(path, synchronous="normal") as db:
        library = db.library.create("glosses", dimension=384)
        library.add(vectors, metadata=[{"n": n * 7919 % 100} for n in range(len(vectors))])
    size = path.stat().st_size
    rows = [beside("the file, metadata included (bytes)", size, vectors.nbytes, "the numbers", 1.2)]
    rows[0] = rows[0]._replace(ours=f"{size / 1e6:.0f} MB", peer=f"the numbers: {vectors.nbytes / 1e6:.0f} MB")
    with ng.open(path, synchronous="normal") as db:
        library = db.library.get("glosses")
        library.search(queries[0], K, engine="numba")
        wanted = {"sqlite-vec, vec0": 20.0, "numpy": 1.0, "faiss, flat": 1.0}
        rows += exact(library, vectors, queries, f"{len(vectors):,} glosses", wanted)
        rows.append(batch(library, vectors, queries))
        rows += filtered(db, library, queries)
    return rows + adding(folder, vectors)


def on_shapeless(folder: Path, count: int) -> list[Row]:
    vectors, queries = shapeless(count)
    with ng.open(folder / "shapeless.ngdb", synchronous="off", memory_budget_bytes=4 << 30) as db:
        library = db.library.create("v", dimension=384)
        for first in range(0, count, 100_000):
            library.add(vectors[first : first + 100_000])
        library.search(queries[0], K, engine="numba")
        return exact(library, vectors, queries, f"{count:,} without structure", {"numpy": 1.0, "faiss, flat": 1.0})


def main() -> None:
    one_thread()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--synthetic", type=int, default=0)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        rows = on_wordnet(Path(made))
        print(table(rows), flush=True)
        if options.synthetic:
            rows += on_shapeless(Path(made), options.synthetic)
    text = f"{machine()}; one thread.\n\n{table(rows)}"
    print(text)
    if options.write:
        write("libraries.py", text)


if __name__ == "__main__":
    main()
