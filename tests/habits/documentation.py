"""Run what a Markdown page shows, as its reader would.

1. The fenced blocks of a page run in order, in one namespace, in an empty folder.
2. `python`: run as it stands; with `>>>` it is a doctest, and what it prints must be what is shown.
3. `sql`: run through `db.execute` on the `db` that the page's Python opened.
4. `console`: each line after `$ ` is a command, or each line where none begins so. `ngdb`, `python` and `sqlite3`
   run; installing, cloning and testing do not. A command succeeds unless the page shows its output.
5. A `text` block right after a `sql` block, and the lines below a `$ ` line, are the expected output. `...`
   stands for anything. Rows are shown as `sqlite3` shows them: values joined by `|`.
6. `words.tsv`, a small file to import, is there.
7. What is not ours to run (other libraries, fragments) is a ```` ```{code-block} ```` and never run.
"""

from __future__ import annotations

import doctest
import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repository import ROOT, tracked_files

from processes import unmeasured

RUNNABLE = ("python", "sql", "console")
COMMANDS = ("ngdb", "python", "sqlite3")
FENCE = re.compile(r"^(?P<fence>`{3,})(?P<language>[\w-]*)[ ]*\n(?P<text>.*?)^(?P=fence)[ ]*$", re.M | re.S)
WORDS = "label\tweight\nfeline\t0.6\ncanine\t0.5\n"
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """One fenced block of a page, and the `text` block right after it, if there is one."""

    language: str
    line: int
    text: str
    shown: str | None = None


def blocks_of(path: Path) -> list[Block]:
    """Return the runnable blocks of a page, in order."""
    page = path.read_text(encoding="utf-8")
    found = list(FENCE.finditer(page))
    blocks = []
    for match, after in itertools.zip_longest(found, found[1:]):
        if match["language"] in RUNNABLE:
            shown = None
            if after and after["language"] == "text" and not page[match.end() : after.start()].strip():
                shown = after["text"]
            line = page.count("\n", 0, match.start("text")) + 1
            blocks.append(Block(match["language"], line, match["text"], shown))
    return blocks


def pages() -> list[Path]:
    """Return the tracked pages that have something to run."""
    candidates = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    return sorted(path for path in candidates if path in tracked_files() and blocks_of(path))


def fenced_commands(path: Path) -> list[str]:
    """Return every command a page shows in a `console` or `sh` block, without its `$ `."""
    page = path.read_text(encoding="utf-8")
    lines = [
        line
        for match in FENCE.finditer(page)
        if match["language"] in {"console", "sh", "bash", "shell"}
        for line in match["text"].splitlines()
    ]
    return [line.removeprefix("$ ").partition("  #")[0].strip() for line in lines if line.strip()]


def run_page(path: Path) -> None:
    """Run a page in the current folder; an AssertionError names the page and the line."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    Path("words.tsv").write_text(WORDS, encoding="utf-8")
    try:
        for block in blocks_of(path):
            place = f"{path.relative_to(ROOT).as_posix()}:{block.line}"
            if block.language == "python":
                _run_python(block, namespace, place, str(path))
            elif block.language == "sql":
                _run_sql(block, namespace, place)
            else:
                _run_console(block, place)
    finally:
        database = namespace.get("db")
        if database is not None:
            database.close()


def _run_python(block: Block, namespace: dict[str, Any], place: str, filename: str) -> None:
    if ">>>" not in block.text:
        source = "\n" * (block.line - 1) + block.text
        exec(compile(source, filename, "exec"), namespace)
        return
    test = doctest.DocTestParser().get_doctest(block.text, {}, place, filename, block.line - 1)
    test.globs = namespace
    report: list[str] = []
    doctest.DocTestRunner(optionflags=OPTIONS).run(test, out=report.append, clear_globs=False)
    assert not report, "".join(report)


def _run_sql(block: Block, namespace: dict[str, Any], place: str) -> None:
    assert "db" in namespace, f"{place}: no `db` was opened by the page's Python above this SQL"
    rows = namespace["db"].execute(block.text).fetchall()
    if block.shown is not None:
        _compare("\n".join("|".join(_shown(value) for value in row) for row in rows), block.shown, place)


def _shown(value: object) -> str:
    return "" if value is None else str(value)


def _run_console(block: Block, place: str) -> None:
    prompted = re.split(r"^\$ ", block.text, flags=re.M)[1:]
    commands = prompted or block.text.splitlines(keepends=True)
    for entry in commands:
        command, _, shown = entry.replace("\\\n", " ").partition("\n")
        program = shlex.split(command, comments=True)[0]
        if program not in COMMANDS or (program == "sqlite3" and not shutil.which("sqlite3")):
            continue
        done = subprocess.run(
            command,
            shell=True,
            env={**unmeasured(), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=120,
        )
        if shown.strip():
            _compare(done.stdout, shown, f"{place}: {command}")
        else:
            assert done.returncode == 0, f"{place}: {command}\n{done.stdout}"


def _compare(got: str, shown: str, place: str) -> None:
    same = doctest.OutputChecker().check_output(shown.strip() + "\n", got.strip() + "\n", OPTIONS)
    assert same, f"{place}\nshown:\n{shown}\ngot:\n{got}"
