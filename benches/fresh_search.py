"""What a process that was just started takes for its first answer from a library, beside sqlite-vec, in one run.

Run ``python benches/fresh_search.py [--only wordnet clustered structureless] [--rows 1000000] [--folder FOLDER]
[--write]``. A time is that of a whole process, less the bare interpreter's: the best of seven, ours, sqlite-vec's and
the bare one in turn; one thread each, files in the page cache. Asked are an exact search, one of recall 0.99 before
anybody called ``optimize``, and one after. The recall in a row's name is that of 100 questions which a process asks
in the same way, by rows and partitions of the file.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import Row, beside, best, faster, machine, one_thread, table, write
from vector_peers import K, fill_vec0, vec_connection
from vector_sets import KINDS, Array, shares, truth

import neurograph

ROUNDS, ASKED = 7, 100
QUERY = """
import sys
with open(sys.argv[2], 'rb') as file:
    query = file.read()
"""
OURS = QUERY + "import neurograph; neurograph.open(sys.argv[1]).library.get('v').search(query{how})[0]"
THEIRS = (
    QUERY
    + """
import apsw
from importlib.util import find_spec
connection = apsw.Connection(sys.argv[1])
connection.enable_load_extension(True)
connection.load_extension(find_spec('sqlite_vec').submodule_search_locations[0] + '/vec0')
connection.execute("select rowid, distance from vectors where v match ? and k = 10", (query,)).fetchall()
"""
)
EXACT, RECALL = "", ", exact=False"
TARGETS = {"wordnet": 2.0}  # times as fast as sqlite-vec for a recall of 0.99; 3 of a million


def process(code: str, *arguments: Path) -> Callable[[], object]:
    """Return how to run some code in a process of its own."""
    call = [sys.executable, "-c", code, *map(str, arguments)]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return lambda: subprocess.run(call, check=True, env=env)  # an install has its modules compiled


def fill(path: Path, rows: Array) -> int:
    """Make a library, and return the id of its first item."""
    with neurograph.open(path, synchronous="off") as db:
        library = db.library.create("v", dimension=rows.shape[1])
        for first in range(0, len(rows), 100_000):
            library.add(rows[first : first + 100_000])
        return library.list(1)[0].id


def found(path: Path, questions: Array, first_id: int, near: list[set[int]]) -> float:
    """Return the mean recall of searches by what the file has."""
    with neurograph.open(path, mode="r") as db:
        library = db.library.get("v")
        hits = [library.search(question, K, exact=False, engine="sqlite-vec").ids - first_id for question in questions]
    return float(shares([set(ids.tolist()) for ids in hits], near).mean())


def measured(folder: Path, kind: str, count: int) -> list[Row]:
    """Return the rows of one kind of vectors."""
    rows, questions = KINDS[kind](count, ASKED)
    path, peer, query = folder / "ours.ngdb", folder / "vec0.db", folder / "query"
    query.write_bytes(questions[0].tobytes())
    near, first_id = truth(rows, questions, K), fill(path, rows)
    with vec_connection(peer) as connection:
        fill_vec0(connection, rows)
    connection.close()
    what, target = f"{len(rows):,} {kind}", TARGETS.get(kind, 3.0)
    del rows
    bare, theirs = process("pass"), process(THEIRS, peer, query)
    exact, likely = (process(OURS.format(how=how), path, query) for how in (EXACT, RECALL))

    def less(*works: Callable[[], object]) -> list[float]:
        works[0]()  # modules and pages are read once
        nothing, *times = best(bare, *works, rounds=ROUNDS)
        return [took - nothing for took in times]

    vec, exactly, before = less(theirs, exact, likely)
    lines = [
        beside(f"{what}: exact", exactly, vec, "sqlite-vec, vec0", 1.5),
        beside(f"{what}: recall 0.99, no partitions: exact", before, vec, "sqlite-vec, vec0", 1.5),
    ]
    with neurograph.open(path, synchronous="off") as db:
        print(f"  {db.library.get('v').optimize()}", flush=True)
    vec, after = less(theirs, likely)
    share = found(path, questions, first_id, near)
    lines.append(faster(f"{what}: recall 0.99, partitions ({share:.4f})", after, vec, "sqlite-vec, vec0", target))
    return lines


def main() -> None:
    one_thread()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    lines: list[Row] = []
    for kind in options.only:
        print(kind, flush=True)
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            lines += measured(Path(folder), kind, options.rows)
        print(table(lines), flush=True)
    if options.write:
        write("fresh_search.py", f"{machine()}; one thread.\n\n{table(lines)}")


if __name__ == "__main__":
    main()
