"""SQLites without anything of ours, each in a process of its own: the `sqlite3` shell, and Python's `sqlite3`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from processes import SHELL, needs_shell


class Shell:
    """The `sqlite3` command."""

    def write(self, path: Path, statements: Sequence[str]) -> list[str]:
        """Run statements, each by itself; return the message of each, '' where it was not refused."""
        lines = [statement.replace("\n", " ") for statement in ("pragma busy_timeout = 5000", *statements)]
        text = "".join(f"{line};\n" for line in lines)
        said = self._run(path, text, ".output " + os.devnull).stderr
        refused = dict(re.findall(r"near line (\d+): (?:stepping, )?(.*)", said))
        return [refused.get(str(line), "") for line in range(2, len(statements) + 2)]

    def rows(self, path: Path, *queries: str) -> list[list[tuple[Any, ...]]]:
        """Return the rows of each query; the columns of a query have different names."""
        done = self._run(path, "\n".join(f"{sql};\n.print next" for sql in queries), ".mode json")
        assert not done.stderr, done.stderr
        found = [json.loads(text or "[]") for text in done.stdout.split("next\n")[:-1]]
        return [[tuple(row.values()) for row in rows] for rows in found]

    def lines(self, path: Path, *statements: str) -> tuple[list[str], str]:
        """Run statements; return the lines they wrote, and what was refused."""
        done = self._run(path, "\n".join(f"{statement};" for statement in statements))
        return done.stdout.splitlines(), done.stderr

    def copy(self, path: Path, target: Path) -> None:
        """Dump a file and restore the dump into a new one."""
        done = self._run(target, self._run(path, ".dump").stdout)
        assert not done.stderr, done.stderr

    def _run(self, path: Path, text: str, *first: str) -> subprocess.CompletedProcess[str]:
        settings = [word for command in first for word in ("-cmd", command)]
        return subprocess.run(
            [SHELL or "sqlite3", "-batch", "-init", os.devnull, *settings, str(path)],
            input=text, capture_output=True, text=True, timeout=60, encoding="utf-8",
        )  # fmt: skip


class Module:
    """The `sqlite3` module of a Python that does not know us."""

    def write(self, path: Path, statements: Sequence[str]) -> list[str]:
        """As `Shell.write`."""
        said: list[str] = self._run(
            """
            for sql in json.loads(sys.stdin.read()):
                try:
                    connection.execute(sql).fetchall()
                    said.append("")
                except sqlite3.Error as error:
                    said.append(str(error))
            """,
            json.dumps(statements),
            path,
        )
        return said

    def rows(self, path: Path, *queries: str) -> list[list[tuple[Any, ...]]]:
        """As `Shell.rows`."""
        code = "said = [connection.execute(sql).fetchall() for sql in json.loads(sys.stdin.read())]"
        return [[tuple(row) for row in rows] for rows in self._run(code, json.dumps(queries), path)]

    def copy(self, path: Path, target: Path) -> None:
        """As `Shell.copy`."""
        self._run("sqlite3.connect(sys.argv[2]).executescript('\\n'.join(connection.iterdump()))", "", path, target)

    def _run(self, code: str, text: str, *paths: Path) -> Any:
        begin = "import json, sqlite3, sys\nsaid = []\n"
        begin += "connection = sqlite3.connect(sys.argv[1], timeout=5, isolation_level=None)\n"
        body = "\n".join(line.removeprefix(" " * 12) for line in code.splitlines())
        done = subprocess.run(
            [sys.executable, "-S", "-c", f"{begin}{body}\nprint(json.dumps(said))", *map(str, paths)],
            input=text, capture_output=True, text=True, timeout=60, encoding="utf-8",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


STOCK = [pytest.param(Shell(), marks=needs_shell, id="shell"), pytest.param(Module(), id="module")]
"""Both, as parameters of a test; a machine without the shell skips it."""
