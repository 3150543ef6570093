"""Other processes for tests: Python that imports the package, Python held at a point, and the stock `sqlite3` shell."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import pytest

SHELL = shutil.which("sqlite3")
needs_shell = pytest.mark.skipif(SHELL is None, reason="no stock sqlite3 shell on the path")
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX alone has this")


def unmeasured() -> dict[str, str]:
    """Return this process's environment without coverage: for a process in which Ctrl-C is pressed.

    Also for one that runs what other tests measure: coverage's start takes 0.1 s, four times what Python's takes.

    At each call of a function coverage's tracer takes a lock and gives it back, both in Python. A Ctrl-C in between
    leaves it taken, and the next call waits for ever: of 21 imports that were interrupted under coverage, 3 hung.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}


@contextmanager
def untraced() -> Iterator[None]:
    """Keep coverage from measuring this thread, for the same reason: while Ctrl-C is pressed in this process.

    Also around a test's long run over lines that other tests measure: there coverage takes a third of the time.
    """
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)


def python(code: str, *arguments: object, timeout_s: float = 60) -> str:
    """Run code in a fresh interpreter with `arguments` as `sys.argv[1:]` and return what it prints; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class Held:
    """A process that runs code up to ``hold()``, and on from there when this context ends."""

    def __init__(self, code: str, *arguments: object) -> None:
        hold = "def hold():\n    print('held', flush=True)\n    input()\n"
        self._process = subprocess.Popen(
            [sys.executable, "-c", hold + textwrap.dedent(code), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Held:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line.strip() != "held":
            self._process.kill()
            raise AssertionError(self._process.communicate()[1])
        return self

    def release(self) -> str:
        """Let the process go on to its end; return what it prints."""
        out, err = self._process.communicate("\n", timeout=60)
        assert self._process.returncode == 0, err
        return out

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            if error is None:
                self.release()
            else:
                self._process.kill()
                self._process.communicate()


def shell(path: Path, sql: str, check: bool = True) -> str:
    """Run SQL in the stock shell, another process without extensions; return what it prints, errors included."""
    done = subprocess.run(
        [SHELL or "sqlite3", "-batch", "-init", os.devnull, str(path)],
        input=sql,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    assert not check or done.returncode == 0, done.stdout
    return done.stdout


def digest(path: Path) -> str:
    """Return a hash of the file and of what stands beside it; call it while this process has no connection to it."""
    found = sorted(file for file in path.parent.iterdir() if file.name.startswith(path.name))
    return hashlib.sha256(b"".join(file.name.encode() + file.read_bytes() for file in found)).hexdigest()


def files(path: Path) -> list[str]:
    """Return the names of the file and of what stands beside it."""
    return sorted(file.name for file in path.parent.iterdir() if file.name.startswith(path.name))
