"""`ngdb sql`: one query, or apsw's shell with the functions of this package."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import apsw
import click

from ..connection.words import first_word
from ..errors import ReadOnlyDatabase
from .command import command, file_argument, json_option, reading, writing
from .exit_codes import FAILED
from .output import note, records, terminal_width, write_csv, write_json, write_table

if TYPE_CHECKING:
    from ..connection.result import Result
    from ..database import Database

READING_WORDS = frozenset({"select", "with", "values", "explain"})
INTRO = """{path}
.help lists commands, .tables the tables; ^D ends. Functions: ng_bfs('cat'), ng_near('cat'), …
"""


@command(
    "sql",
    'ngdb sql mind.ngdb "select label, weight from token order by weight desc limit 5"',
    "ngdb sql mind.ngdb \"select * from ng_bfs('cat', 2)\" --json",
    "ngdb sql mind.ngdb \"update token set weight = 0.9 where label = 'cat'\"",
    "ngdb sql mind.ngdb - < query.sql",
    "ngdb sql mind.ngdb",
)
@file_argument
@click.argument("query", required=False)
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Write CSV with a header.")
@click.option("--read-only", is_flag=True, help="Refuse whatever writes.")
def sql(file: str, query: str | None, as_json: bool, as_csv: bool, read_only: bool) -> None:
    """Run a query and show its rows, or open a shell.

    Without QUERY, a shell opens: apsw's, which is SQLite's with more formats, and with the functions of this package.

    QUERY may be several statements: all are kept or all undone, and the rows of the last are shown. A dash
    reads it from stdin.
    """
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    if query is None:
        if as_json or as_csv:
            raise click.UsageError("--json and --csv need a query; in the shell, use .mode")
        with reading(file) if read_only else writing(file) as db:
            _shell(db)
        return
    result = _run(file, sys.stdin.read() if query == "-" else query, read_only)
    if as_json:
        write_json(records(result.columns, result.rows))
    elif as_csv:
        write_csv(result.columns, result.rows)
    elif result.columns:
        write_table(result.columns, result.rows, width=terminal_width())
        note(f"{len(result):,} row{'' if len(result) == 1 else 's'}")


def _run(file: str, query: str, read_only: bool) -> Result:
    """Run a query that reads on a file that is left alone, any other on one that is opened for writing."""
    if read_only or first_word(query) in READING_WORDS:
        try:
            with reading(file) as db:
                return db.execute(query)
        except (ReadOnlyDatabase, apsw.ReadOnlyError):
            if read_only:
                raise
    with writing(file) as db:
        return db.execute(query)


def _shell(db: Database) -> None:
    from apsw.shell import Shell

    from ..connection.lent import lend

    class Quiet(Shell):
        """A shell that leaves it to us when the program that reads it went away."""

        def handle_exception(self) -> None:
            error = sys.exc_info()[1]
            if isinstance(error, BrokenPipeError):
                raise error
            super().handle_exception()  # type: ignore[no-untyped-call]

    with lend(db._session) as connection:
        shell: Any = Quiet(db=connection)
        shell.prompt, shell.moreprompt = "ngdb> ", "  ..> "
        shell.bail = not shell.interactive
        try:
            shell.cmdloop(intro=INTRO.format(path=db.path))
        except SystemExit as error:  # .exit, with a code or none
            if error.code:
                raise click.exceptions.Exit(error.code if isinstance(error.code, int) else FAILED) from error
        except BrokenPipeError:
            raise
        except Exception as error:
            if not getattr(error, "_handle_exception_saw_this", False):  # the shell has said it already
                raise
            raise click.exceptions.Exit(FAILED) from error
        finally:
            if connection.in_transaction:
                note("the transaction that was left open was rolled back")
