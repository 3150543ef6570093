"""`ngdb library index`: what makes a library's answers possible, or fast."""

from __future__ import annotations

import time

import click

from ..progress import Progress, seconds_text
from .command import command, file_argument, json_option, writing
from .library_options import library_argument
from .output import write_json


@command(
    "index",
    "ngdb library index mind.ngdb notes",
    "ngdb library index mind.ngdb notes --tokenizer 'porter unicode61'",
    "ngdb library index mind.ngdb notes --drop",
)
@file_argument
@library_argument
@click.option("--tokenizer", metavar="TEXT", help="How words are read, as FTS5 names it; else as before.")
@click.option("--rebuild", is_flag=True, help="Make it anew where it is there.")
@click.option("--drop", is_flag=True, help="Drop it, and give its pages back.")
@json_option
def index(file: str, library: str, tokenizer: str | None, rebuild: bool, drop: bool, as_json: bool) -> None:
    """Make the text index, by which items are found by words.

    Every change of an item keeps it from then on. Broken off, it goes on when the command is given again.
    """
    if drop and (rebuild or tokenizer is not None):
        raise click.UsageError("--drop excludes --rebuild and --tokenizer")
    began = time.monotonic()
    with writing(file) as db, Progress("") as progress:
        target = db.library.get(library)
        dropped = drop and target.drop_text_index()
        written = 0 if drop else target.index_text(tokenizer, rebuild=rebuild, progress=progress)
        now = target.text_index
    seconds = time.monotonic() - began
    if as_json:
        write_json({"library": library, "text_index": now, "items": written, "seconds": round(seconds, 3)})
    elif drop:
        print(f"the text index of {library!r} is gone" if dropped else f"{library!r} has no text index")
    else:
        print(f"{written:,} items indexed by {now} in {seconds_text(seconds)}")
