"""Searches that may miss some of the nearest, beside exact ones and beside others', in one run.

Run ``python benches/recall.py [--only wordnet clustered structureless] [--rows 1000000] [--queries 1000]
[--folder FOLDER] [--graphs FOLDER] [--write]``. Needs numpy, faiss and sqlite-vec; hnswlib, usearch, lancedb and
chroma, which take minutes to build, are asked where ``--graphs`` says where they are kept, see ``kept_peers.py``. All
with one thread, the 10 nearest by cosine, one question at a time, in memory; files are in the page cache. Each system
answers the same questions in five turns, all systems of a group in each, and our own of recall 0.99 in every group; a
question's least time counts, and a ratio is the other's median by ours. ``--write`` puts the tables into
``docs/benchmarks.md``; those of kinds that ``--only`` leaves out stay as they are.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from kept_peers import PEERS, kept_systems
from measure import said
from vector_peers import K, System, faiss_all, product, sqlite_vec_all
from vector_sets import Array, shares, truth
from vector_tables import tables

import neurograph
from neurograph.errors import NotHere

TURNS, ENOUGH_S = 5, 4.0
BITS_BUDGET = 150  # bytes of memory a vector that leave room for bits alone
HEAD = """| | p50 | p99 | recall@10 | its 1st percentile | beside ours | made in | bytes a vector |
|---|---|---|---|---|---|---|---|"""


def ours(folder: Path, rows: Array, questions: Array, opened: contextlib.ExitStack) -> Iterator[System]:
    """Exact; by bits, as they come; and after `optimize`, by partitions, or with no memory for more than bits."""
    path, optimized = folder / "recall.ngdb", folder / "optimized.ngdb"
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
    try:
        search, loaded_s = asked(db, exact=False)
    except NotHere:  # bits don't reach it, and codes find no room
        print("  bits alone do not reach 0.99", flush=True)
        return
    yield System("ours, recall 0.99, optimized, bits alone", search, added_s + made_s + loaded_s, held(db))


def held(db: neurograph.Database) -> int:
    """Return the bytes of a file's arrays in memory."""
    return db._derived.nbytes()


def asked(system: System, questions: Array) -> tuple[Array, list[set[int]]]:
    """Return how long each question took, and what was found; of a slow system fewer are asked."""
    began = time.perf_counter()
    for question in questions[:5]:
        system.search(question)
        if time.perf_counter() - began > ENOUGH_S / 10:
            break
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


def lines(systems: Sequence[System], rows: Array, questions: Array, near: list[set[int]]) -> Iterator[str]:
    """Ask a group of systems in turns, and yield a line for each; they are compared with the first."""
    turns = [[asked(system, questions) for system in systems] for _ in range(TURNS)]
    own = 0.0
    for i, system in enumerate(systems):
        n = min(len(turn[i][0]) for turn in turns)
        times, found = np.min([turn[i][0][:n] for turn in turns], axis=0), shares(turns[0][i][1], near)
        own = own or float(np.median(times))
        p50, p99 = np.percentile(times, [50, 99])
        cells = (
            system.name, said(p50), said(p99), f"{found.mean():.4f}", f"{np.percentile(found, 1):.1f}",
            f"{p50 / own:.2f}", said(system.built_s) if system.built_s else "",
            f"{system.held / len(rows):,.0f}" if system.held else "",
        )  # fmt: skip
        line = f"| {' | '.join(cells)} |"
        print(line, flush=True)
        yield line


def table(folder: Path, rows: Array, questions: Array, kept: Path | None) -> str:
    """Return the table of all systems, asked in groups, as they don't find room side by side."""
    near, missing = truth(rows, questions, K), []

    def kept_there(peer: str) -> list[System]:
        there, why = kept_systems(rows, kept, [peer]) if kept else ([], [f"{peer} is asked with --graphs"])
        missing.extend(why)
        return there

    groups: list[Callable[[], Iterable[System]]] = [
        lambda: [System("numpy, product", product(rows), 0.0, rows.nbytes)],
        lambda: faiss_all(rows),
        *(partial(kept_there, peer) for peer in PEERS),
        lambda: sqlite_vec_all(rows),
    ]
    with contextlib.ExitStack() as opened:
        systems = list(ours(folder, rows, questions, opened))
        text = [HEAD, *lines(systems, rows, questions, near)]
        for group in groups:
            text += list(lines([systems[0], *group()], rows, questions, near))[1:]
    return "\n".join(text + [f"\nLeft out: {why}." for why in missing])


if __name__ == "__main__":
    tables("recall.py", __doc__, table, questions=1000)
