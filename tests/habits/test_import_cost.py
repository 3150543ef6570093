"""`import neurograph` and `open` load apsw and little else.

What is loaded is looked at, not how long it takes: a list of modules is the same on every machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Milliseconds each of them costs where it was measured: numpy 52, numba 134 and more, onnxruntime 67,
# sqlite_vec 46 (it imports numpy), apsw.ext 45, asyncio 33.
HEAVY = (
    "apsw.bestpractice",
    "apsw.ext",
    "asyncio",
    "click",
    "llvmlite",
    "networkx",
    "numba",
    "numpy",
    "onnxruntime",
    "pandas",
    "pyarrow",
    "scipy",
    "sqlite3",
    "sqlite_vec",
    "tokenizers",
)


OPEN = "db = neurograph.open('mind.ngdb')"
WRITE = f"{OPEN}; db.tokens.create('cat', weight=0.5); db.tokens.get('cat')"


@pytest.mark.parametrize("then", ["", OPEN, WRITE], ids=["import", "open", "create and get"])
def test_nothing_heavy_is_loaded_by(then: str, tmp_path: Path) -> None:
    code = f"import neurograph, sys\n{then}\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    # coverage measures child processes and loads sqlite3 for its own file
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, [], "")
