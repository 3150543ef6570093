"""Searches that may miss some of the nearest, beside exact ones and beside others', in one run.

Run ``python benches/recall.py [--only wordnet clustered structureless] [--rows 1000000] [--queries 1000]
[--folder FOLDER] [--graphs FOLDER] [--write]``. Needs numpy, faiss and sqlite-vec; hnswlib, whose graphs take minutes
to build, is asked where ``--graphs`` says where they are kept. All with one thread, the 10 nearest by cosine, one
question at a time, in memory; files are in the page cache. Each system answers the same questions in five turns, all
systems in each; a question's least time counts, and a ratio is the other's median by ours. ``--write`` puts the tables
into ``docs/benchmarks.md``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from measure import machine, said, write
from vector_peers import K, System, faiss_all, hnsw, product, sqlite_vec_all

import neurograph

TURNS, ENOUGH_S = 5, 4.0
BITS_BUDGET = 150  # bytes of memory a vector that leave room for bits alone
Array = np.ndarray


def ours(folder: Path, rows: Array, questions: Array, opened: contextlib.ExitStack) -> Iterator[System]:
    """Exact; by bits, as they come; and after `optimize`, by partitions, or with no memory for more than bits."""
    path, optimized = folder / "recall.ngdb", folder / "optimized.ngdb"
    for old in folder.glob("*.ngdb*"):
        old.unlink()
    began = time.perf_counter()
    with neurograph.open(path) as db:
        library = db.library.create("v", dimension=rows.shape[1])
        for first in range(0, len(rows), 100_000):
            library.add(rows[first : first + 100_000])
        first_id = library.list(1)[0].id
    added_s = time.perf_counter() - began

    def asked(db: neurograph.Database, **how: Any) -> tuple[Callable[[Array], Any], float]:
        library = db.library.get("v")
        search = lambda q: library.search(q, K, engine="numba", **how).ids - first_id  # noqa: E731
        began = time.perf_counter()
        search(questions[0])
        return search, time.perf_counter() - began

    db = opened.enter_context(neurograph.open(path, memory_budget_bytes=4 << 30))
    exact, coded_s = asked(db)
    codes = held(db)
    likely, bits_s = asked(db, exact=False)
    print(f"  {db.library.get('v').recall(K)}", flush=True)
    yield System("ours, recall 0.99", likely, added_s + coded_s + bits_s, held(db))
    for recall in (0.95, 0.999):
        yield System(
            f"ours, recall {recall}", asked(db, exact=False, recall=recall)[0], added_s + coded_s + bits_s, held(db)
        )
    yield System("ours, exact", exact, added_s + coded_s, codes)
    shutil.copyfile(path, optimized)
    with neurograph.open(optimized) as db:
        began = time.perf_counter()
        print(f"  {db.library.get('v').optimize()}", flush=True)
        made_s = time.perf_counter() - began
    db = opened.enter_context(neurograph.open(optimized, memory_budget_bytes=4 << 30))
    for recall in (0.99, 0.95):
        search, loaded_s = asked(db, exact=False, recall=recall)
        yield System(f"ours, recall {recall}, optimized", search, added_s + made_s + loaded_s, held(db))
    db = opened.enter_context(neurograph.open(optimized, memory_budget_bytes=BITS_BUDGET * len(rows)))
    search, loaded_s = asked(db, exact=False)
    yield System("ours, recall 0.99, optimized, bits alone", search, added_s + made_s + loaded_s, held(db))


def held(db: neurograph.Database) -> int:
    """Return the bytes of a file's arrays in memory."""
    return db._derived.nbytes()


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


def table(folder: Path, rows: Array, questions: Array, graph: Path | None) -> str:
    truth: list[set[int]] = []
    for first in range(0, len(questions), 50):
        scores = questions[first : first + 50] @ rows.T
        truth += [set(row.tolist()) for row in np.argpartition(-scores, K, axis=1)[:, :K]]
    with contextlib.ExitStack() as opened:
        systems = [*ours(folder, rows, questions, opened), System("numpy, product", product(rows), 0.0, rows.nbytes)]
        systems += [*faiss_all(rows), *(hnsw(rows, graph) if graph else ()), *sqlite_vec_all(rows)]
        turns = [[asked(system, questions) for system in systems] for _ in range(TURNS)]
    lines = [
        "| | p50 | p99 | recall@10 | its 1st percentile | beside ours | made in | bytes a vector |",
        "|---|---|---|---|---|---|---|---|",
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
            f"{system.held / len(rows):,.0f}" if system.held else "",
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
    parser.add_argument("--graphs", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    text = f"{machine()}."
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for kind in options.only:
            rows, questions = KINDS[kind](options.rows, options.queries)
            print(kind, rows.shape, flush=True)
            text += f"\n\n{kind}, {len(rows):,} x {rows.shape[1]}, {len(questions):,} questions:\n\n"
            graph = options.graphs and options.graphs / f"{kind}-{len(rows)}.hnswlib"
            text += table(Path(folder), rows, questions, graph)
            del rows
    if options.write:
        write("recall.py", text)


if __name__ == "__main__":
    main()
