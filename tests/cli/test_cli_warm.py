"""`ngdb warm` compiles every kernel there is, and nothing is left to compile for what follows."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from command_line import environment, process

import neurograph
from neurograph.derived import kernel_cache
from processes import python, unmeasured

# What other data ask for must be what the small mind of `warm` asked for.
USE = """
import json
import sys
import numpy as np
import neurograph
from neurograph.flows.warm import kernels, warm_kernels

warm_kernels(neurograph.open)
warmed = {name: len(kernel.signatures) for name, kernel in kernels()}

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
# A kernel that others call comes compiled inside them from the cache.
met, more = set(), {name for name, signatures in warmed.items() if signatures}
functions = {name: kernel.py_func for name, kernel in kernels()}
while more:
    met |= more
    called = [functions[name].__globals__.get(used) for name in more for used in functions[name].__code__.co_names]
    inner = [kernel.py_func for kernel in called if hasattr(kernel, "py_func")]
    more = {f"{function.__module__}.{function.__name__}" for function in inner} & warmed.keys() - met
never = sorted(warmed.keys() - met)
print(json.dumps([never, [name for name, kernel in kernels() if len(kernel.signatures) > warmed[name]]]))
"""


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
def test_every_kernel_is_compiled_and_nothing_is_left_for_other_data(mind):
    never, later = json.loads(python(USE, mind))
    assert [name for name in never if name.split(".")[2] in called_modules()] == []
    assert later == []


@pytest.mark.compiled
def test_it_compiles_what_is_missing_once_and_for_all(tmp_path, monkeypatch):
    ours = json.loads(process("warm", "--json", env=unmeasured()).stdout)["folders"]
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    copy = Path(kernel_cache._our_folder())
    copy.mkdir(parents=True)
    for path in Path(ours[0]).glob("*.nb?"):
        shutil.copy2(path, copy)
    (missing,) = copy.glob(f"graph_bfs_kernel.bfs-*.py{sys.version_info.major}{sys.version_info.minor}.nbi")
    missing.unlink()
    done = process("warm", "--json", env=unmeasured())
    assert done.stderr == ""
    said = json.loads(done.stdout)
    assert (said["compiled"], said["kernels"] > 40) == (1, True)
    assert said["folders"] == [str(copy)]
    text = process("warm").stdout
    assert text.startswith(f"{said['kernels']} kernels, all were compiled before, in ")
    assert text.endswith(f"\n  {copy}\n")


def test_where_kernels_are_off_there_is_nothing_to_warm():
    done = process("warm", "--json", env=environment(NGDB_KERNELS="off"))
    assert json.loads(done.stdout) == {"kernels": 0, "compiled": 0, "folders": [], "seconds": 0.0}
    assert done.stderr == "kernels are off: NGDB_KERNELS=off is set\n"
