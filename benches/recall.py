"""Searches that may miss some of the nearest, beside exact ones and beside others', in one run.

Run ``python benches/recall.py [--only wordnet clustered structureless] [--rows 1000000] [--queries 1000]
[--folder FOLDER] [--hnswlib] [--write]``. Needs numpy; faiss and sqlite-vec are asked where they are installed, and
hnswlib, which takes minutes to build, where ``--hnswlib`` is given too. All with one thread, the 10 nearest by cosine,
one question at a time, in memory; files are in the page cache. Each system answers the same questions in five turns,
all systems in each; a question's least time counts, and a ratio is the other's median by ours. ``--write`` puts the
tables into ``docs/benchmarks.md``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from measure import machine, said, write

import neurograph

K, TURNS, ENOUGH_S = 10, 5, 4.0
Array = np.ndarray
Search = Callable[[Array], Any]


class System(NamedTuple):
    """Something that answers: ids of a question, and what it took to build."""

    name: str
    search: Search
    built_s: float


def ours(folder: Path, rows: Array, questions: Array, opened: contextlib.ExitStack) -> Iterator[System]:
    path = folder / "recall.ngdb"
    path.unlink(missing_ok=True)
    db = opened.enter_context(neurograph.open(path, engine="numba", memory_budget_bytes=4 << 30))
    library = db.library.create("v", dimension=rows.shape[1])
    began = time.perf_counter()
    for first in range(0, len(rows), 100_000):
        library.add(rows[first : first + 100_000])
    library.search(questions[0])
    exact_s = time.perf_counter() - began
    library.search(questions[0], exact=False)
    all_s = time.perf_counter() - began
    first_id = library.list(1)[0].id
    for recall in (0.99, 0.95, 0.999):
        print(f"  {recall}: {library.recall(K, recall)}", flush=True)
        yield System(
            f"ours, recall {recall}",
            lambda q, recall=recall: library.search(q, K, exact=False, recall=recall).ids - first_id,
            all_s,
        )
    yield System("ours, exact", lambda q: library.search(q, K).ids - first_id, exact_s)


def with_numpy(rows: Array) -> Iterator[System]:
    def search(q: Array) -> Array:
        scores = rows @ q
        few = np.argpartition(-scores, K)[:K]
        return few[np.argsort(-scores[few])]

    yield System("numpy, product and argpartition", search, 0.0)


def with_faiss(rows: Array) -> Iterator[System]:
    try:
        import faiss
    except ImportError:
        return
    faiss.omp_set_num_threads(1)
    flat = faiss.IndexFlatIP(rows.shape[1])
    flat.add(rows)
    yield System("faiss, flat", lambda q: flat.search(q[None], K)[1][0], 0.0)
    began = time.perf_counter()
    coded = faiss.index_factory(rows.shape[1], "RaBitQfs", faiss.METRIC_INNER_PRODUCT)
    coded.train(rows)
    coded.add(rows)
    refined = faiss.IndexRefine(coded, flat)
    took = time.perf_counter() - began
    for factor in (4, 8, 15, 30, 60, 200):
        refined.k_factor = factor
        yield System(
            f"faiss, RaBitQ fast scan, {K * factor} refined",
            lambda q, factor=factor: (setattr(refined, "k_factor", factor), refined.search(q[None], K))[1][1][0],
            took,
        )


def with_hnswlib(rows: Array) -> Iterator[System]:
    try:
        import hnswlib
    except ImportError:
        return
    index, began = hnswlib.Index("ip", rows.shape[1]), time.perf_counter()
    index.init_index(len(rows), ef_construction=200, M=16)
    index.add_items(rows, num_threads=1)
    took = time.perf_counter() - began
    index.set_num_threads(1)
    for ef in (40, 100, 300):
        yield System(
            f"hnswlib, M 16, ef {ef}",
            lambda q, ef=ef: (index.set_ef(ef), index.knn_query(q, K))[1][0][0],
            took,
        )


def with_sqlite_vec(rows: Array) -> Iterator[System]:
    try:
        import apsw
        import sqlite_vec
    except ImportError:
        return
    db, began, d = apsw.Connection(":memory:"), time.perf_counter(), rows.shape[1]
    db.enable_load_extension(True)
    db.load_extension(sqlite_vec.loadable_path())
    db.execute(f"create virtual table v using vec0(vector float[{d}] distance_metric=cosine, bits bit[{d}])")
    with db:
        db.executemany(
            "insert into v (rowid, vector, bits) values (?1, ?2, vec_quantize_binary(?2))",
            ((i, row.tobytes()) for i, row in enumerate(rows)),
        )
    took = time.perf_counter() - began
    whole = "select rowid from v where vector match ? and k = 10"
    yield System("sqlite-vec, vec0 float32", lambda q: [x for (x,) in db.execute(whole, (q.tobytes(),))], took)
    few = """with few as (select rowid, vector from v where bits match vec_quantize_binary(?1) and k = 200)
             select rowid from few order by vec_distance_cosine(vector, ?1) limit 10"""
    yield System("sqlite-vec, vec0 bit, 200 re-scored", lambda q: [x for (x,) in db.execute(few, (q.tobytes(),))], took)


def asked(system: System, questions: Array) -> tuple[Array, list[set[int]]]:
    """Return how long each question took, and what was found; of a slow system fewer are asked."""
    for question in questions[:5]:
        system.search(question)
    times: list[float] = []
    found: list[set[int]] = []
    for question in questions:
        start = time.perf_counter()
        ids = system.search(question)
        times.append(time.perf_counter() - start)
        found.append({int(id) for id in ids})
        if sum(times) > ENOUGH_S and len(times) >= 20:
            break
    return np.array(times), found


def table(folder: Path, rows: Array, questions: Array, hnswlib: bool) -> str:
    truth: list[set[int]] = []
    for first in range(0, len(questions), 50):
        scores = questions[first : first + 50] @ rows.T
        truth += [set(row.tolist()) for row in np.argpartition(-scores, K, axis=1)[:, :K]]
    with contextlib.ExitStack() as opened:
        systems = [*ours(folder, rows, questions, opened), *with_numpy(rows), *with_faiss(rows)]
        systems += [*(with_hnswlib(rows) if hnswlib else ()), *with_sqlite_vec(rows)]
        turns = [[asked(system, questions) for system in systems] for _ in range(TURNS)]
    lines = [
        "| | p50 | p99 | recall@10 | its 1st percentile | beside ours | made in |",
        "|---|---|---|---|---|---|---|",
    ]
    own = 0.0
    for i, system in enumerate(systems):
        n = min(len(turn[i][0]) for turn in turns)
        times, found = np.min([turn[i][0][:n] for turn in turns], axis=0), turns[0][i][1]
        own = own or float(np.median(times))
        shares = np.array([len(a & b) / K for a, b in zip(found, truth, strict=False)])
        p50, p99 = np.percentile(times, [50, 99])
        cells = (
            system.name, said(p50), said(p99), f"{shares.mean():.4f}", f"{np.percentile(shares, 1):.1f}",
            f"{p50 / own:.2f}", said(system.built_s) if system.built_s else "",
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def unit(rows: Array) -> Array:
    return np.ascontiguousarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def wordnet(n: int, m: int) -> tuple[Array, Array]:
    named = os.environ.get("NGDB_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    rows, questions = (np.load(folder / "wordnet" / f"{name}_minilm_f16.npy") for name in ("gloss", "queries"))
    return unit(rows.astype(np.float32)), unit(questions[:m].astype(np.float32))


def made(n: int, m: int, spread: float) -> tuple[Array, Array]:
    """Return rows around 1,000 places, each as far from it as `spread`, and questions likewise; or around none."""
    rng = np.random.default_rng(0)
    places = rng.standard_normal((1000, 384), np.float32) if spread else np.zeros((1, 384), np.float32)
    rows = np.empty((n + m, 384), np.float32)
    for first in range(0, n + m, 100_000):
        part = rng.standard_normal((min(100_000, n + m - first), 384), np.float32) * np.float32(spread or 1)
        rows[first : first + len(part)] = unit(part + places[rng.integers(len(places), size=len(part))])
    return rows[:n], rows[n:]


KINDS: dict[str, Callable[[int, int], tuple[Array, Array]]] = {
    "wordnet": wordnet,
    "clustered": lambda n, m: made(n, m, 0.7),
    "structureless": lambda n, m: made(n, m, 0.0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--hnswlib", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    text = f"{machine()}."
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for kind in options.only:
            rows, questions = KINDS[kind](options.rows, options.queries)
            print(kind, rows.shape, flush=True)
            text += f"\n\n{kind}, {len(rows):,} x {rows.shape[1]}, {len(questions):,} questions:\n\n"
            text += table(Path(folder), rows, questions, options.hnswlib)
            del rows
    if options.write:
        write("recall.py", text)


if __name__ == "__main__":
    main()
