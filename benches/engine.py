"""The engine beside the peers one would pick instead, and beside the limit, in one run.

Run ``python benches/engine.py [--tokens 1000000] [--nodes 100000] [--edges 1000000] [--folder FOLDER] [--write]``.
Each figure is the best of several turns, ours and the peer's in turn, so that a busy machine slows both. ``--write``
puts the table into ``docs/benchmarks.md``. Needs ``pip install ".[bench]"``. Timings are no test: nothing fails here.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from fresh import fresh
from graph import graph
from measure import Row, machine, table, write
from space import space
from tokens import tokens

PARTS = ("tokens", "space", "graph", "fresh")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--only", choices=PARTS, action="append")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = options.folder or Path(made)
        parts = {
            "tokens": lambda: tokens(folder, options.tokens),
            "space": lambda: space(folder, options.tokens),
            "graph": lambda: graph(folder, options.nodes, options.edges),
            "fresh": lambda: fresh(folder),
        }
        rows: list[Row] = []
        for name in options.only or PARTS:
            found = parts[name]()
            print(table(found), flush=True)
            rows += found
    sizes = f"{options.tokens:,} tokens, {options.nodes:,} nodes, {options.edges:,} edges"
    text = f"{machine()}; {sizes}.\n\n{table(rows)}"
    print(text)
    if options.write:
        write("engine.py", text)


if __name__ == "__main__":
    main()
