"""What commands share: arguments, options, help that ends with examples, and opening a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import CannotOpen, TransactionBusy
from .exit_codes import USAGE
from .output import note

if TYPE_CHECKING:
    from ..database import Database

HELP: dict[str, Any] = {"help_option_names": ["-h", "--help"]}
HOLDING = ("token", "library", "storage", "channel", "topic", "import_run")
"""Tables of which none has a row while nobody has put anything into a file."""
UNHURRIED: dict[str, Any] = {"slow_query_s": None}  # who typed a query sees for himself how long it takes


def command(name: str, *examples: str) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function a command whose help ends with examples."""
    return click.command(name, epilog=_examples(examples), context_settings=HELP)


class Listed(click.Group):
    """A group whose commands stand in the order in which they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands in that order."""
        return list(self.commands)


def group(name: str, help: str, commands: Sequence[click.Command], *examples: str) -> click.Group:
    """Make a group of commands in their order, whose help ends with examples; without a command it shows its help."""
    return Listed(
        name,
        commands=commands,
        callback=help_without_command,
        help=help,
        epilog=_examples(examples),
        context_settings=HELP,
        invoke_without_command=True,
    )


@click.pass_context
def help_without_command(ctx: click.Context) -> None:
    """Show what commands there are, on stderr, where none was given."""
    if ctx.invoked_subcommand is None:
        note(ctx.get_help())
        ctx.exit(USAGE)


def _examples(examples: Iterable[str]) -> str:
    return "\n".join(["\b", "Examples:", *(f"  {example}" for example in examples)])


file_argument = click.argument("file", type=click.Path(dir_okay=False))
json_option = click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")
limit_option = click.option(
    "-n", "--limit", type=click.IntRange(0), metavar="N", default=20, show_default=True,
    help="Show so many; 0 shows all.",
)  # fmt: skip
timeout_option = click.option(
    "--timeout", "timeout_s", type=click.FloatRange(0), metavar="SECONDS",
    help="End when so long none came; else Ctrl-C does.",
)  # fmt: skip
types_option = click.option(
    "--type", "types", metavar="NAME", multiple=True, help="Follow only edges of this type; may be repeated."
)
direction_option = click.option(
    "--direction",
    type=click.Choice(["out", "in", "both"]),
    default="out",
    show_default=True,
    help="Follow edges forwards, backwards, or both ways.",
)


class TokenParam(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.2 on
    """A token: its label, or its id as a number (``7`` or ``#7``); ``=7`` is the label ``7``."""

    name = "token"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """Return an id or a label."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]
        if value.startswith("="):
            return value[1:]
        number = value.removeprefix("#")
        return int(number) if number.isascii() and number.isdigit() and len(number) < 20 else value


TOKEN = TokenParam()


class PairParam(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.2 on
    """A name and a value: ``name=value``."""

    name = "a=b"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return the two sides."""
        if isinstance(value, tuple):
            return value
        name, sign, rest = str(value).partition("=")
        if not sign or not name:
            self.fail(f"must be two words with = between them, got {value!r}", param, ctx)
        return name, rest


PAIR = PairParam()


class PointParam(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.2 on
    """A place on a level: three numbers with commas between them."""

    name = "x,y,z"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Return the three numbers."""
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(float(part) for part in str(value).split(","))
        except ValueError:
            numbers = ()
        if len(numbers) != 3:
            self.fail(f"must be three numbers with commas between them, got {value!r}", param, ctx)
        return numbers


POINT = PointParam()


def parsed_json(text: str, what: str, remedy: str = "") -> Any:
    """Return what a text in JSON says; `what` is the argument it was given as."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{what} must be JSON, got {text[:60]!r} ({error}){remedy}") from None


@contextmanager
def reading(file: str) -> Iterator[Database]:
    """Open a file that exists, for reading, and leave it as it was found."""
    import neurograph

    _require(file)
    with neurograph.open(file, mode="r", **UNHURRIED) as db:
        yield db


@contextmanager
def writing(file: str, *, create: bool = False) -> Iterator[Database]:
    """Open a file for writing; leave it as read-only media can hold it, unless somebody else has it open.

    After an error a file that was created here goes again, unless it holds something: what was interrupted may be
    resumed, and another process may have been quicker. Any other file is left as it was found: one that read-only media
    can hold is that still.
    """
    import neurograph

    is_new = create and not Path(file).exists()
    was_portable = _is_portable(file)
    if not create:
        _require(file)
    db = neurograph.open(file, mode="rwc" if create else "rw", **UNHURRIED)
    try:
        yield db
    except BaseException:
        useless = is_new and _is_empty(db)
        _close(db, portable=was_portable)
        if useless:
            Path(file).unlink(missing_ok=True)
        raise
    _close(db, portable=True)


def _close(db: Database, *, portable: bool) -> None:
    try:
        db.close(portable=portable)
    except TransactionBusy:
        db.close()


def _is_portable(file: str) -> bool:
    """Tell whether a file says that no log stands beside it: SQLite's header, at byte 18."""
    path = Path(file)
    if not path.is_file():
        return False
    with path.open("rb") as opened:
        return opened.read(19)[18:] == b"\x01"


def _is_empty(db: Database) -> bool:
    """Tell for certain whether a file holds neither tokens nor anything else of somebody's, nor an import under way."""
    held = " or ".join(f"exists (select 1 from {table})" for table in HOLDING)
    try:
        rows = db.execute(f"select {held}").fetchall()
    except Exception:
        return False
    return rows == [(0,)]


def _require(file: str) -> None:
    if not Path(file).exists():
        raise CannotOpen(
            f"no file at {file!r}; `ngdb import`, `ngdb library create`, `ngdb queue publish` and `ngdb demo` make one"
        )
