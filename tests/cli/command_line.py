"""`ngdb` as tests run it: in this process, where that is enough, and as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner, Result

from neurograph.cli.app import ngdb
from processes import unmeasured

PROGRAM = [sys.executable, "-X", "faulthandler", "-c", "from neurograph.cli import main; main()"]


def commands(group: click.Group = ngdb, prefix: str = "") -> dict[str, click.Command]:
    """Return every command by its name, those of groups too: ``library list``."""
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        nested = isinstance(command, click.Group)
        found |= commands(command, f"{prefix}{name} ") if nested else {prefix + name: command}
    return found


def run(*arguments: object, code: int = 0, input: str | None = None) -> Result:
    """Run a command here; its exit code must be `code`."""
    result = CliRunner().invoke(ngdb, [str(argument) for argument in arguments], input=input)
    assert result.exit_code == code, (arguments, result.exit_code, result.stdout, result.stderr)
    assert "Traceback" not in result.stderr
    return result


def answer(*arguments: object) -> Any:
    """Run a command with ``--json`` and return its document; nothing else is on stdout."""
    return json.loads(run(*arguments, "--json").stdout)


def refusal(*arguments: object, code: int = 1, input: str | None = None) -> str:
    """Run a command that is refused: nothing on stdout, one line on stderr, which is returned without `ngdb: `."""
    result = run(*arguments, code=code, input=input)
    assert result.stdout == ""
    assert result.stderr.startswith("ngdb: ")
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("ngdb: ").strip()


def process(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command as a process of its own."""
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=120, **options)


def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    """Begin a command as a process of its own, one that Ctrl-C may be pressed in."""
    defaults = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": unmeasured()}
    return subprocess.Popen([*PROGRAM, *map(str, arguments)], text=True, encoding="utf-8", **{**defaults, **options})


def ended(child: subprocess.Popen[str], timeout_s: float = 60) -> tuple[str, str]:
    """Wait for a command's end and return what it wrote; one that hangs is ended, and says where it hung."""
    try:
        return child.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        where = [f"{name}: {text}" for name in ("wchan", "syscall", "status") if (text := _kernel_says(child, name))]
        child.send_signal(signal.SIGABRT)  # faulthandler writes where Python is
        try:
            err = child.communicate(timeout=10)[1]
        except subprocess.TimeoutExpired:
            child.kill()
            err = child.communicate()[1]
        raise AssertionError("\n".join([f"{child.args} hung", err, *where])) from None


def _kernel_says(child: subprocess.Popen[str], name: str) -> str:
    try:
        return Path(f"/proc/{child.pid}/{name}").read_text()
    except OSError:
        return ""  # not here, or not for us


def environment(**changes: str) -> dict[str, str]:
    """Return this process's environment with changes."""
    return {**os.environ, **changes}


def companions(path: Path) -> list[str]:
    """Return the names of the files beside a file that SQLite would make."""
    return sorted(found.name for found in path.parent.glob(path.name + "-*"))
