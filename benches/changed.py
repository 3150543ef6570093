"""Searches of a library that has changed: with a tenth of its chunks written to, and with a tenth of its items deleted.

Run ``python benches/changed.py [--only wordnet clustered structureless] [--rows 1000000] [--queries 100]
[--folder FOLDER] [--graphs FOLDER] [--write]``. One thread, the 10 nearest by cosine, one question at a time, arrays in
memory. Three handles are asked, each with arrays of its own: exactly, with a recall of 0.99, and so where ``optimize``
has made partitions; and peers, to which the same is done, graphs from where ``kept_peers.py`` keeps them. A warm search
is a question's least time of three turns, all systems in each. Before each "first after writes" another vector is put
into one place of every tenth chunk, 512 ids each, so the arrays must be made true before they answer: those are 20
rounds, every time counts. What was written stays, then every tenth item is deleted. Recall is measured against products
with all rows there are.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from changing_peers import Changing, nothing, peers
from measure import said, seconds
from vector_peers import K
from vector_sets import Array, shares, truth, unit
from vector_tables import tables

import neurograph

TURNS, ROUNDS, FEW = 3, 20, 20
CHUNK = 512  # ids that are made true together
SLOW_S = 0.01  # who takes longer is asked only FEW questions
HEAD = """| | state | p50 | p99 | beside before | recall@10 | beside vec0 | changing took |
|---|---|---|---|---|---|---|---|"""


def ours(path: Path, first_id: int, name: str, opened: contextlib.ExitStack, **how: Any) -> Changing:
    """Open a library for searches of one kind."""
    db = opened.enter_context(neurograph.open(path, synchronous="off", memory_budget_bytes=4 << 30))
    library = db.library.get("v")

    def put(numbers: Array, vectors: Array) -> None:
        ids = (numbers + first_id).tolist()
        with db.transaction():
            for id, vector in zip(ids, vectors, strict=True):
                db.execute("update embedding set vector = ? where id = ?", (vector.tobytes(), id))

    return Changing(
        name,
        lambda query: library.search(query, K, engine="numba", **how).ids - first_id,
        put,
        lambda numbers: library.delete_many(numbers + first_id),
    )


def once(system: Changing, question: Array) -> tuple[float, set[int]]:
    """Return how long a question took, and what was found."""
    began = time.perf_counter()
    ids = system.search(question)
    return time.perf_counter() - began, {int(id) for id in ids}


class State(NamedTuple):
    """What a system did in some state."""

    name: str
    times: Array
    recall: float = np.nan
    changed_s: float = 0.0
    """How long the change took, the median of several."""


def warm(systems: Sequence[Changing], questions: Array, near: list[set[int]], name: str) -> list[State]:
    """Ask all systems in turns."""
    for system in systems:
        once(system, questions[0])  # arrays are made
    asked = [questions[:FEW] if once(s, questions[0])[0] > SLOW_S else questions for s in systems]
    turns = [[[once(s, q) for q in few] for s, few in zip(systems, asked, strict=True)] for _ in range(TURNS)]
    states = []
    for i in range(len(systems)):
        times = np.min([[took for took, _ in turn[i]] for turn in turns], axis=0)
        states.append(State(name, times, float(shares([ids for _, ids in turns[0][i]], near).mean())))
    return states


def written(systems: Sequence[Changing], rows: Array, questions: Array) -> list[State]:
    """Write to a tenth of the chunks before each question; `rows` get what is written."""
    rng = np.random.default_rng(0)
    took, putting = np.empty((2, len(systems), ROUNDS))
    for turn in range(ROUNDS):
        chunks = np.arange(turn % 10, -(-len(rows) // CHUNK), 10)
        numbers = np.minimum(chunks * CHUNK + rng.integers(CHUNK, size=len(chunks)), len(rows) - 1)
        rows[numbers] = unit(rows[numbers] + rows[rng.integers(len(rows), size=len(numbers))] / 2)
        for i, system in enumerate(systems):
            putting[i, turn] = seconds(partial(system.put, numbers, rows[numbers]))
        for i, system in enumerate(systems):
            took[i, turn] = once(system, questions[turn % len(questions)])[0]
    name = "first after writes to 10 % of the chunks"
    return [State(name, took[i], changed_s=float(np.median(putting[i]))) for i in range(len(systems))]


def table(folder: Path, rows: Array, questions: Array, kept: Path | None) -> str:
    """Return the table of one kind of vectors; `rows` are changed."""
    plain, optimized = folder / "plain.ngdb", folder / "optimized.ngdb"
    with neurograph.open(plain, synchronous="off") as db:
        library = db.library.create("v", dimension=rows.shape[1])
        for first in range(0, len(rows), 100_000):
            library.add(rows[first : first + 100_000])
        first_id = library.list(1)[0].id
    shutil.copyfile(plain, optimized)
    with neurograph.open(optimized, synchronous="off") as db:
        print(f"  {db.library.get('v').optimize()}", flush=True)
    with contextlib.ExitStack() as opened:
        systems = [
            ours(plain, first_id, "exact", opened),
            ours(plain, first_id, "recall 0.99", opened, exact=False)._replace(put=nothing, delete=nothing),  # one file
            ours(optimized, first_id, "recall 0.99, optimized", opened, exact=False),
            *peers(rows, kept),
        ]
        states = [warm(systems, questions, truth(rows, questions, K), "before")]
        states.append(written(systems, rows, questions))
        states.append(warm(systems, questions, truth(rows, questions, K), "after those writes"))
        gone = np.arange(0, len(rows), 10)
        deleting = [seconds(partial(system.delete, gone)) for system in systems]
        firsts = [np.array([once(system, questions[0])[0]]) for system in systems]
        states.append(
            [State("first after 10 % deletes", took, changed_s=s) for took, s in zip(firsts, deleting, strict=True)]
        )
        states.append(warm(systems, questions, truth(rows, questions, K, gone), "after 10 % deletes"))
    return "\n".join([HEAD, *(line(s.name, i, states) for i, s in enumerate(systems))])


def line(name: str, i: int, states: Sequence[Sequence[State]]) -> str:
    """Return the lines of one system."""
    before, text = float(np.median(states[0][i].times)), []
    for state in states:
        mine, peer = state[i], float(np.median(state[-1].times))
        p50, p99 = np.percentile(mine.times, [50, 99])
        cells = (
            name, mine.name, said(p50), said(p99) if len(mine.times) > 1 else "", f"{p50 / before:.2f}",
            "" if np.isnan(mine.recall) else f"{mine.recall:.4f}", f"{peer / p50:.1f}",
            said(mine.changed_s) if mine.changed_s > 1e-4 else "",
        )  # fmt: skip
        text.append(f"| {' | '.join(cells)} |")
    print("\n".join(text), flush=True)
    return "\n".join(text)


if __name__ == "__main__":
    tables("changed.py", __doc__, table, questions=100, how="; one thread")
