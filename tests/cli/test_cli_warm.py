"""`ngdb warm` compiles every kernel there is, and nothing is left to compile for what follows."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import environment, process

import neurograph

COLD = """
import json
import neurograph
from neurograph.flows.warm import kernels, warm_kernels
warm_kernels(neurograph.open)
print(json.dumps([name for name, kernel in kernels() if not kernel.signatures]))
"""

# What other data ask for must be what the small mind of `warm` asked for.
USE = """
import sys
import numpy as np
import neurograph
from neurograph.flows.warm import kernels

def ask(db):
    db.graph.bfs("cat", direction="in", types=("fears", "hypernym"))
    db.graph.dfs(2, max_depth=1)
    db.graph.shortest_path("cat", "vet")
    db.graph.shortest_path("dog", "mouse", direction="both", cost="hops", types="fears")
    db.graph.spread("cat", mode="max")
    db.graph.pagerank()
    db.graph.components(strong=True)
    db.grid.neighbors("cat", 2, level="emotional")
    db.grid.neighbors("cat", 2, weights={"emotional": 1})
    db.grid.in_range((0, 0, 0), 2, level="emotional")
    db.grid.influence((0, 0, 0), level="emotional")
    db.grid.fields(level="emotional")
    db.graph.metrics()
    db.grid.box((0, 0, 0), (1, 1, 1), level="emotional")

for _ in range(2):  # from rows, then from saved arrays
    with neurograph.open(sys.argv[1], engine="numba") as db:
        ask(db)
        db.graph.create_many(["vet"], ["cat"], type="likes", on_conflict="update")
        db.tokens.update("dog", coordinates={"emotional": (0.1, 0.1, 0.1)})
        ask(db)
        db.optimize()
print([name for name, kernel in kernels() if kernel.stats.cache_misses])
"""


def python(code: str, *arguments: object, cache: Path) -> str:
    env = environment(NUMBA_CACHE_DIR=str(cache), NGDB_KERNELS="", NUMBA_DISABLE_JIT="0")
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def called_modules() -> set[str]:
    """Return the kernel files that something outside their folder imports, and those that these import."""
    package = Path(neurograph.__file__).parent
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (package / "kernels").glob("*.py")}
    outside = [path.read_text(encoding="utf-8") for path in package.rglob("*.py") if path.parent.name != "kernels"]
    found = {name for text in outside for name in re.findall(r"kernels\.(\w+) import", text)}
    found |= {
        name
        for text in outside
        for names in re.findall(r"kernels import ([\w, ]+)", text)
        for name in names.split(", ")
    }
    while True:
        names = [re.findall(r"from \.(\w+) import|from \. import ([\w, ]+)", texts.get(name, "")) for name in found]
        more = {
            name for pairs in names for one, several in pairs for name in [one, *several.split(", ")] if name
        } - found
        if not more:
            return found
        found |= more


@pytest.mark.compiled
def test_every_kernel_is_compiled_once_and_for_all(mind, tmp_path):
    cache = tmp_path / "cache"
    cold = json.loads(python(COLD, cache=cache))
    assert [name for name in cold if name.split(".")[2] in called_modules()] == []
    done = process(
        "warm", "--json", env=environment(NUMBA_CACHE_DIR=str(cache), NGDB_KERNELS="", NUMBA_DISABLE_JIT="0")
    )
    assert done.stderr == ""
    said = json.loads(done.stdout)
    assert (said["compiled"], said["kernels"] > 40) == (0, True)
    assert [Path(folder).parent for folder in said["folders"]] == [cache]
    assert python(USE, mind, cache=cache) == "[]"
    text = process("warm", env=environment(NUMBA_CACHE_DIR=str(cache), NGDB_KERNELS="", NUMBA_DISABLE_JIT="0")).stdout
    assert text.startswith(f"{said['kernels']} kernels, all were compiled before, in ")
    assert text.endswith(f"\n  {said['folders'][0]}\n")


def test_where_kernels_are_off_there_is_nothing_to_warm():
    done = process("warm", "--json", env=environment(NGDB_KERNELS="off"))
    assert json.loads(done.stdout) == {"kernels": 0, "compiled": 0, "folders": [], "seconds": 0.0}
    assert done.stderr == "kernels are off: NGDB_KERNELS=off is set\n"
