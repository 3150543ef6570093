"""Mutants of the queue: one comparison, constant or condition changed in a copy of the source, one at a time.

``python tests/stores/queue/queue_mutants.py --count 60`` runs the quick tests of the queue against as many, and prints
those that no test noticed. The copy is in a temporary folder; each run is a fork of one process that has pytest loaded.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import tokenize
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[3]
SCHEMA = "schema/0014_queue.sql"
FOLDER = "src/neurograph/stores/queue"
WAITING = ("consuming", "requesting", "slot", "worker", "working")
RECURRING = ("claiming", "consuming", "firing", "plan", "recurring")
COUNTED = ("looking", Path(SCHEMA).stem)
QUICK = ["boundaries", "claim", "dead", "looking", "publish", "full", "channels"]
SWAPS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "and": "or", "or": "and",
         "True": "False", "False": "True", "+": "-", "-": "+"}  # fmt: skip
SQL_WORD = re.compile(r"\b(select|update|delete|insert|where|from message|from channel)\b")
SIGNS = {"<=": "<", ">=": ">", "<": "<=", ">": ">=", "=": "<>", "<>": "="}
WORDS = {"and": "or", "or": "and", "not exists": "exists", "is not null": "is null", "is null": "is not null",
         "min": "max", "max": "min", "desc": "asc", "'ready'": "'delayed'", "null": "0"}  # fmt: skip
SQL_CHANGES = [
    *((re.compile(rf"(?<![\w'<>=:]){re.escape(old)}(?![\w'<>=])"), new) for old, new in SIGNS.items()),
    *((re.compile(rf"(?<!\w){re.escape(old)}(?!\w)"), new) for old, new in WORDS.items()),
    (re.compile(r"(?<=[+-] )1\b"), "2"),
    (re.compile(r" \+ "), " - "),
    (re.compile(r" - "), " + "),
]
LIMIT_S = 90
SURVIVED, DIED = 0, 1


class Mutant(NamedTuple):
    """A change of a file: at a place, from one text to another."""

    file: str
    place: int
    old: str
    new: str
    line: str

    def __str__(self) -> str:
        return f"{self.file}: {self.old.strip()} -> {self.new.strip()}: {self.line}"


def line_at(text: str, place: int) -> str:
    begin = text.rfind("\n", 0, place) + 1
    return text[begin : text.find("\n", place)].strip()


def mutants_of_sql(file: str, text: str, begin: int, end: int) -> Iterator[Mutant]:
    """Yield the changes of SQL between two places, comments left out."""
    for pattern, new in SQL_CHANGES:
        for found in pattern.finditer(text, begin, end):
            line_begin = text.rfind("\n", 0, found.start()) + 1
            if "--" in text[line_begin : found.start()]:
                continue
            yield Mutant(file, found.start(), found.group(), new, line_at(text, found.start()))


def mutants_of_python(file: str, text: str) -> Iterator[Mutant]:
    """Yield the changes of a module: its operators and constants, and those of the SQL in it."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    before = tokenize.NEWLINE
    words = list(tokenize.generate_tokens(io.StringIO(text).readline))
    for token, after in zip(words, [*words[1:], words[-1]], strict=True):
        if "TYPE_CHECKING" in token.line:
            continue
        place = starts[token.start[0] - 1] + token.start[1]
        found = token.string
        if token.type == tokenize.STRING:
            if before not in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.NL) and SQL_WORD.search(
                found
            ):
                yield from mutants_of_sql(file, text, place, place + len(found))
        elif token.type == tokenize.NUMBER and re.fullmatch(r"[\d_.]+", found):
            yield Mutant(file, place, found, f"({found} + 1)", line_at(text, place))
        elif found in SWAPS and not (found in "+-" and before == tokenize.OP):
            yield Mutant(file, place, found, SWAPS[found], line_at(text, place))
        elif found == "not" and after.string != "in" and not text[:place].endswith(" is "):
            yield Mutant(file, place, "not ", "", line_at(text, place))
        if token.type not in (tokenize.COMMENT, tokenize.NL):
            before = token.type


def every_mutant() -> list[Mutant]:
    """Return all of them, in order."""
    text = (REPOSITORY / SCHEMA).read_text(encoding="utf-8")
    found = list(mutants_of_sql(SCHEMA, text, text.index("create table channel"), len(text)))
    for path in sorted((REPOSITORY / FOLDER).glob("*.py")):
        if path.stem not in ("__init__", "store"):
            found += mutants_of_python(f"{FOLDER}/{path.name}", path.read_text(encoding="utf-8"))
    return found


def tests_of(file: str) -> list[str]:
    stem = Path(file).stem
    names = ["consume", "work", "requests"] if stem in WAITING else QUICK.copy()
    if stem in RECURRING:
        names += ["recurring", "recurring_troubles"]
    if stem in COUNTED:
        names += ["stats", "plans"]
    found = [Path(__file__).parent / f"test_{name}.py" for name in names]
    if file == SCHEMA:
        found.append(REPOSITORY / "tests" / "shell" / "test_queue_shell.py")
    return [str(path) for path in found]


def outcome(mutant: Mutant, copy: Path) -> int:
    """Run the tests against a mutant, in a child."""
    path = copy / mutant.file
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: mutant.place] + mutant.new + text[mutant.place + len(mutant.old) :], encoding="utf-8")
    child = os.fork()
    if not child:
        try:
            _run_tests(mutant, copy)
        finally:
            os._exit(DIED)  # nothing of the parent's is to be ended here
    end = time.monotonic() + LIMIT_S
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > end:
            os.killpg(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            break
        time.sleep(0.02)
    path.write_text(text, encoding="utf-8")
    return SURVIVED if status == 0 else DIED


def _run_tests(mutant: Mutant, copy: Path) -> None:
    os.setsid()
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(copy / "src"))
    os.environ["PYTHONPATH"] = str(copy / "src")
    said = os.open(copy / "said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, 1)
    os.dup2(said, 2)
    import pytest

    without = [word for plugin in ("cacheprovider", "hypothesispytest", "xdist") for word in ("-p", f"no:{plugin}")]
    options = ["-x", "--timeout=40", "-o", "addopts=--import-mode=importlib", "--basetemp", str(copy / "temporary")]
    os._exit(int(pytest.main([*without, *options, *tests_of(mutant.file)])))


def survivors(count: int, seed: int, only: str = "") -> list[Mutant]:
    """Return the mutants of a sample that no test noticed."""
    found = [mutant for mutant in every_mutant() if only in mutant.file]
    chosen = found if count >= len(found) else sorted(Random(seed).sample(found, count))
    alive = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        shutil.copytree(REPOSITORY / "src", copy / "src")
        shutil.copytree(REPOSITORY / "schema", copy / "schema")
        shutil.rmtree(copy / FOLDER / "__pycache__", ignore_errors=True)
        for file in (f"{FOLDER}/due.py", f"{FOLDER}/working.py"):
            assert outcome(Mutant(file, 0, "", "", ""), copy) == SURVIVED, (copy / "said").read_text(encoding="utf-8")
        for mutant in chosen:
            if outcome(mutant, copy) == SURVIVED:
                alive.append(mutant)
                print(mutant, flush=True)
    return alive


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="part of a file's name")
    options = parser.parse_args()
    import apsw  # here, so that no child has to
    import pytest

    assert apsw
    assert pytest
    began = time.monotonic()
    alive = survivors(options.count, options.seed, options.only)
    print(f"{len(alive)} survived, {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
