"""Tasks for `crash_writer.py` in another process, and kill -9 at a moment that a seed chooses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from types import TracebackType

PROGRAM = Path(__file__).with_name("crash_writer.py")


class Writer:
    """The program, one task at a time; started when it is needed, and again where a kill ended it."""

    def __init__(self) -> None:
        self._program: subprocess.Popen[str] | None = None

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._program is not None:
            if error is not None:
                self._program.kill()
            self._program.communicate()

    def _running(self) -> subprocess.Popen[str]:
        if self._program is None or self._program.poll() is not None:
            self._program = subprocess.Popen(
                [sys.executable, str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        return self._program

    def finished(self, work: str, path: Path, **arguments: object) -> list[str]:
        """Let a piece of work run to its end and return what it said."""
        return list(self._said(self._begun(work, path, arguments, stay=False)[1]))

    def killed(
        self, work: str, path: Path, rng: Random, *, after: int, within_s: float, **arguments: object
    ) -> list[str]:
        """Kill a piece of work at random within `within_s` after it said `after` things; return all it said."""
        pid, lines = self._begun(work, path, arguments, stay=True)
        said = self._said(lines)
        found = [line for _, line in zip(range(after), said, strict=False)]  # this order loses none
        moment = time.perf_counter() + rng.random() * within_s
        while time.perf_counter() < moment:
            pass  # a sleep would be rounded to the system's ticks
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))  # without SIGKILL it is TerminateProcess
        return found + list(said)

    def _begun(self, work: str, path: Path, arguments: dict[str, object], stay: bool) -> tuple[int, Iterator[str]]:
        program = self._running()
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdin.write(json.dumps({"work": work, "path": str(path), "stay": stay, **arguments}) + "\n")
        program.stdin.flush()
        lines = iter(program.stdout.readline, "")
        word, pid = next(lines).split()
        assert word == "pid"
        return int(pid), lines

    def _said(self, lines: Iterator[str]) -> Iterator[str]:
        for line in lines:
            if line == "ended\n":
                return
            assert not line.startswith("failed "), json.loads(line.removeprefix("failed "))
            yield line.strip()
        assert self._program is not None
        self._program.communicate()  # a system without fork: the program itself was killed
