"""The one line of SQL in `docs/sql.md` finds the neighbors that `ng_knn` finds, in a stock SQLite with sqlite-vec.

Two such SQLites take the part, each in a process of its own and only where it can load an extension: the `sqlite3`
shell, and Python's own `sqlite3` module.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import neurograph
from processes import SHELL

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "sql.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("### Nearest neighbors without this package\n")[2].partition("\n### ")[0]
LINE = re.findall(r"```sql\n(.*)\n```", SECTION)[0]
COSINE = re.findall(r"order by (vec_distance_cosine\(vector, (.*)\)) nulls last", LINE)[0]
ORDERS = {
    "cosine": COSINE[0],
    "l2": COSINE[0].replace("cosine", "L2"),
    "dot": re.findall(r"^`(\(vec_distance_cosine.*)`", SECTION, re.M)[0].replace("…", COSINE[1]),
}
PROGRAM = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.enable_load_extension(True)
connection.load_extension(sys.argv[2])
for row in connection.execute(sys.argv[3]):
    print(row[0])
"""
Ids = list[int]


def extension() -> str:
    import sqlite_vec

    return sqlite_vec.loadable_path()


def by_shell(path: Path, sql: str) -> Ids:
    if SHELL is None:
        pytest.skip("no stock sqlite3 shell on the path")
    done = subprocess.run(
        [SHELL, "-batch", "-init", os.devnull, "-cmd", f'.load "{Path(extension()).as_posix()}"', str(path), sql],
        capture_output=True, text=True, timeout=60, encoding="utf-8",
    )  # fmt: skip
    if "load" in done.stderr:
        pytest.skip(f"this shell loads no extensions: {done.stderr.strip()}")
    assert not done.stderr, done.stderr
    return [*map(int, done.stdout.split())]


def by_module(path: Path, sql: str) -> Ids:
    import sqlite3

    if not hasattr(sqlite3.Connection, "enable_load_extension"):
        pytest.skip("this Python's sqlite3 loads no extensions")
    command = [sys.executable, "-c", PROGRAM, str(path), extension(), sql]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return [*map(int, done.stdout.split())]


@pytest.mark.parametrize("run", [by_shell, by_module])
@pytest.mark.parametrize("metric", ORDERS)
def test_the_line_finds_what_ng_knn_finds(tmp_path: Path, metric: str, run: Callable[[Path, str], Ids]) -> None:
    import numpy as np

    path = tmp_path / "mind.ngdb"
    random = np.random.default_rng(3)
    vectors = random.normal(size=(300, 16))
    vectors[7] = vectors[3]  # at the same distance: in order of id
    with neurograph.open(path, synchronous="off") as db:
        for name in ("before", "pets", "behind"):
            library = db.library.create(name, dimension=16, metric=metric)
            library.add(vectors, keys=["tom" if n == 3 else None for n in range(300)])
            library.add(np.zeros((1, 16)), keys=["without length"])
        sql = "select id from ng_knn('pets', (select vector from entry where library = 'pets' and key = 'tom'), 10)"
        wanted = [id for (id,) in db.execute(sql)]
        assert len(wanted) == 10
        assert run(path, LINE.replace(ORDERS["cosine"], ORDERS[metric])) == wanted
