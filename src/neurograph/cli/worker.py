"""`ngdb worker`: a function of yours, run on messages until somebody says stop.

1. SIGTERM and Ctrl-C let the handlers that run come to their end; a second one does not wait for them.
2. No handler runs before the function is known to be there.
"""

from __future__ import annotations

import inspect
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import InvalidValue
from .command import command, file_argument, json_option, writing
from .output import note, write_json
from .queue_care import note_missing

if TYPE_CHECKING:
    from types import FrameType

    from ..database import Database
    from ..model.message import Message


class Terminated(BaseException):
    """SIGTERM came; no Exception, so that nobody takes it for an error."""


@command(
    "worker",
    "ngdb worker mind.ngdb jobs:handle jobs",
    "ngdb worker mind.ngdb package.jobs:handle urgent jobs --concurrency 4 --timeout 60",
    "ngdb worker mind.ngdb jobs:handle jobs --lease 10 --json",
)
@file_argument
@click.argument("handler", metavar="MODULE:FUNCTION")
@click.argument("channels", nargs=-1, required=True, metavar="CHANNEL...")
@click.option(
    "--concurrency", type=click.IntRange(1), metavar="N", default=1, show_default=True, help="So many at once."
)
@click.option(
    "--batch", "n", type=click.IntRange(1), metavar="N", default=1, show_default=True, help="Each claims so many."
)
@click.option(
    "--lease", "lease_s", type=float, metavar="SECONDS", help="How soon others take over; else as the channel says."
)
@click.option(
    "--timeout", "timeout_s", type=float, metavar="SECONDS", help="What takes longer has failed; else nothing has."
)
@click.option("--settles", is_flag=True, help="FUNCTION acks the message itself.")
@json_option
def worker(
    file: str,
    handler: str,
    channels: Sequence[str],
    concurrency: int,
    n: int,
    lease_s: float | None,
    timeout_s: float | None,
    settles: bool,
    as_json: bool,
) -> None:
    """Run a function on messages as they come, until SIGTERM or Ctrl-C.

    FUNCTION takes a message, or a message and the open database; MODULE is looked for in this folder, too. A message
    that it returns from is done, one that it raises on is tried again. What was begun is finished first; a second
    Ctrl-C does not wait.
    """
    function = _imported(handler)
    with writing(file) as db:
        made = db.queue.work(
            channels, _with_database(function, db, handler), concurrency=concurrency, n=n, lease_s=lease_s,
            timeout_s=timeout_s, settles=settles,
        )  # fmt: skip
        note_missing(db, channels, "handled")
        note(f"{handler} works on {', '.join(map(repr, channels))}; Ctrl-C ends it")
        try:
            with _sigterm_raises():
                made.run()
        except Terminated:
            pass
        finally:
            if as_json:
                write_json({"done": made.done, "failed": made.failed, "lost": made.lost})
            else:
                print(f"{made.done:,} done, {made.failed:,} failed, {made.lost:,} lost")


def _imported(name: str) -> Callable[..., Any]:
    """Return a function by the name of its module and its own."""
    from importlib import import_module

    module_name, _, path = name.partition(":")
    if not module_name or not path:
        raise click.UsageError(f"MODULE:FUNCTION must be two names with : between them, got {name!r}")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = import_module(module_name)
        for part in path.split("."):
            found = getattr(found, part)
    except (Exception, SystemExit) as error:  # whatever a module does when it is loaded
        raise InvalidValue(
            f"the handler must be what Python can import from here, got {name!r} "
            f"({type(error).__name__}: {error}); run it in the folder of the module, or set PYTHONPATH"
        ) from error
    if not callable(found):
        raise InvalidValue(f"the handler must be a function, got {name!r}, which is {found!r}")
    return found  # type: ignore[no-any-return]


def _with_database(function: Callable[..., Any], db: Database, name: str) -> Callable[[Message], Any]:
    """Return a function of a message: of one that needs two arguments, the second is the database."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return function  # written in C
    for arguments in ((None,), (None, db)):
        try:
            signature.bind(*arguments)
        except TypeError:
            continue
        return function if len(arguments) == 1 else lambda message: function(message, db)
    raise InvalidValue(f"the handler must take a message, or a message and the database, got {name}{signature}")


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, before)  # the second ends the process
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
