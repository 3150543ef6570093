"""What benchmarks of searches share: their command line, and a table for each kind of vectors."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from kept_peers import kept_path
from measure import machine, one_thread, write
from vector_sets import KINDS, Array

Table = Callable[[Path, Array, Array, Path | None], str]
"""Given a folder to write to, rows, which it may change, questions, and where others' graphs are kept, if at all."""


def tables(name: str, about: str | None, table: Table, *, questions: int, how: str = "") -> None:
    """Print the tables of the kinds of vectors that are asked for, and write them where that is asked for, too.

    `name` is that of the script, `about` its docstring, `questions` as many as are asked unless said otherwise, and
    `how` what is said behind the machine.
    """
    one_thread()
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=questions)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--graphs", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    for kind in options.only:
        rows, asked = KINDS[kind](options.rows, options.queries)
        print(kind, rows.shape, flush=True)
        text = f"{machine()}{how}.\n\n{kind}, {len(rows):,} x {rows.shape[1]}, {len(asked):,} questions:\n\n"
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            text += table(Path(folder), rows, asked, options.graphs and kept_path(options.graphs, kind, len(rows)))
        if options.write:
            write(f"{name}, {kind}", text)
        del rows, asked
