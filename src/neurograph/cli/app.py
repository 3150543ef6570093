"""The group of all commands: its help, its errors, its exit codes.

Invariants:

1. An error is one line on stderr, `ngdb: …`; the traceback is shown with `--debug` only.
2. Exit codes are those of `exit_codes.MEANINGS` and no others.
3. A reader that goes away (`ngdb … | head`) ends the command quietly.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import apsw
import click

from .._version import __version__
from ..errors import NeurographError
from .bootstrap import associate
from .command import help_without_command
from .demo import demo
from .events import events
from .exit_codes import FAILED, INTERRUPTED, MEANINGS, OK, PIPE_CLOSED, USAGE
from .file import check, info, optimize
from .graph import bfs, components, links, pagerank, path, spread
from .grid import density, near, range_
from .kv import kv
from .library import library
from .meaning import embed, search
from .output import note
from .query import query
from .queue import queue
from .remedies import in_commands
from .shell import sql
from .topics import topics
from .transfer import export, import_
from .warm import warm
from .worker import worker

SECTIONS = (
    ("Begin", (demo, info, sql)),
    ("Graph", (links, bfs, path, spread, pagerank, components)),
    ("Space", (near, range_, density)),
    ("Meaning", (query, search, associate, library, embed)),
    ("State", (kv, queue, worker, topics, events)),
    ("Care", (import_, export, check, optimize, warm)),
)

log = logging.getLogger("neurograph")


class Sections(click.Group):
    """A group whose help lists its commands by section, and whose errors end in one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, section by section."""
        return [str(command.name) for _, commands in SECTIONS for command in commands]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections."""
        widest = max(len(name) for name in self.list_commands(ctx))
        for title, commands in SECTIONS:
            with formatter.section(title):
                formatter.write_dl(
                    [(f"{command.name:<{widest}}", command.get_short_help_str(90)) for command in commands]
                )

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> NoReturn:
        """Run a command and exit."""
        _open_closed_streams()
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")  # an answer is worth more than one of its characters
        options["standalone_mode"] = False
        self.debug = False
        try:
            code = super().main(args, *rest, **options)
            sys.stdout.flush()
        except BaseException as error:
            if self.debug and not isinstance(error, click.ClickException | click.exceptions.Exit):
                import traceback

                traceback.print_exception(error)
            code = _ended_by(error)
        sys.exit(code if isinstance(code, int) else OK)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what click would end in its own way is kept from it."""
        self.debug = ctx.params.get("debug", False)
        _say_warnings(self.debug)
        try:
            super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError as error:
            raise PipeClosedError from error
        except KeyboardInterrupt as error:
            raise InterruptedByUserError from error


def _open_closed_streams() -> None:
    """Put nothing in the place of the streams that whoever started this has closed: Python has None there."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 -- open to the end


class InterruptedByUserError(Exception):
    """Ctrl-C was pressed."""


class PipeClosedError(Exception):
    """The program that read stdout went away."""


def _ended_by(error: BaseException) -> int:
    """Say what ended a command and return the exit code."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.UsageError):
        hint = f"; see `{error.ctx.command_path} --help`" if error.ctx else ""
        note(f"ngdb: {_sentence(error.format_message())}{hint}")
        return USAGE
    if isinstance(error, click.ClickException):
        note(f"ngdb: {_sentence(error.format_message())}")
        return FAILED
    if isinstance(error, click.Abort | InterruptedByUserError | KeyboardInterrupt):
        if sys.stderr.isatty():
            note("")  # the terminal has shown ^C on this line
        note("ngdb: interrupted")
        return INTERRUPTED
    if isinstance(error, PipeClosedError | BrokenPipeError | SystemExit):
        # Python flushes stdout again at exit; what is left in its buffer must not raise there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    if isinstance(error, NeurographError | apsw.Error | OSError):
        note(f"ngdb: {_one_line(error)}")
    else:
        note(f"ngdb: a fault of ours: {type(error).__name__}: {_one_line(error)}; run `ngdb --debug …` and report it")
    return FAILED


def _one_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename!r}" if error.filename else error.strerror
    return in_commands(" ".join(str(error).split())) or type(error).__name__


def _sentence(message: str) -> str:
    """Return click's message in our grammar: lower-case start, no stop at its end."""
    text = " ".join(message.split()).rstrip(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _say_warnings(debug: bool) -> None:
    """Send what the package logs to stderr: warnings, and with `--debug` everything."""
    for handler in [handler for handler in log.handlers if isinstance(handler, Said)]:
        log.removeHandler(handler)
    log.addHandler(Said(logging.DEBUG if debug else logging.WARNING))
    if debug:
        log.setLevel(logging.DEBUG)


class Said(logging.Handler):
    """Writes records to stderr, whichever that is now."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; no thread that says something must end of it."""
        with suppress(OSError):  # stdout's, which `note` flushes
            note(f"ngdb: {record.getMessage()}")


def _exit_codes() -> str:
    return "\n".join(["\b", "Exit codes:", *(f"  {code:<5}{text}" for code, text in MEANINGS.items())])


@click.group(
    "ngdb",
    cls=Sections,
    commands=[command for _, commands in SECTIONS for command in commands],
    epilog=f"""\b
Examples:
  ngdb demo
  ngdb info mind.ngdb
  ngdb sql mind.ngdb "select label, weight from token limit 5"
  ngdb bfs mind.ngdb cat --limit 0 --json

{_exit_codes()}""",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
)
@click.version_option(__version__, prog_name="ngdb", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show where an error arose, and what the package logs.")
def ngdb(debug: bool) -> None:
    """Work with a mind: one file of tokens, the graph between them, and their rules.

    Answers go to stdout, as a table or with --json as one JSON document; everything else goes to stderr. A token is
    given by its label or by its id (7 or #7); =7 is the label 7.
    """
    help_without_command()
