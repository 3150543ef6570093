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

# Modules of Python's own that cost as much as `open` itself, or lead to those: in milliseconds dataclasses (with
# inspect) 9, logging 7, typing 5, pathlib 5, urllib.parse 5, traceback 5, json 3, hashlib (with OpenSSL) 3, re 3,
# enum 1, ctypes 1, importlib.util 1, threading 0.6, contextlib 0.4. A program that only opens a file and reads it with
# SQL, or asks a library for what is near, needs none.
UNNEEDED = (
    "contextlib",
    "ctypes",
    "dataclasses",
    "enum",
    "hashlib",
    "importlib.util",
    "inspect",
    "json",
    "logging",
    "pathlib",
    "re",
    "threading",
    "traceback",
    "typing",
    "urllib.parse",
)

OPEN = "db = neurograph.open('mind.ngdb')"
READ = f"{OPEN}; db.execute('select count(*) from token').fetchall(); db.close()"
WRITE = f"{OPEN}; db.tokens.create('cat', weight=0.5); db.tokens.get('cat')"
FILL = f"{OPEN}; db.library.create('v', dimension=2).set('a', [1, 0])"
SEARCH = f"{OPEN}; db.library.get('v').search(bytes(8))[0]; db.library.get('v').search([1.0, 0.0], exact=False)"


def loaded(then: str, folder: Path) -> set[str]:
    """Return what a fresh process loads by the import and `then`, without what the interpreter had loaded itself."""
    code = f"import sys; before = set(sys.modules)\nimport neurograph\n{then}\nprint(*(set(sys.modules) - before))"
    # coverage measures child processes and loads sqlite3 for its own file
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return set(done.stdout.split())


@pytest.mark.parametrize("then", ["", OPEN, WRITE], ids=["import", "open", "create and get"])
def test_nothing_heavy_is_loaded_by(then: str, tmp_path: Path) -> None:
    assert not loaded(then, tmp_path) & set(HEAVY)


@pytest.mark.parametrize("then", ["", OPEN, READ], ids=["import", "open", "open and read"])
def test_a_file_that_is_there_needs_little_of_python_either(then: str, tmp_path: Path) -> None:
    loaded(OPEN, tmp_path)  # makes the file, for which the schema is hashed
    assert not loaded(then, tmp_path) & set(UNNEEDED)


def test_a_first_search_needs_as_little(tmp_path: Path) -> None:
    loaded(FILL, tmp_path)
    assert not loaded(SEARCH, tmp_path) & {*HEAVY, *UNNEEDED}
