"""`ngdb library index`, `optimize` and `recall`: what makes answers possible or fast, and how good they are."""

from __future__ import annotations

import time

import click

from ..progress import Progress, seconds_text
from .command import command, file_argument, json_option, reading, writing
from .library_options import RECALL, library_argument
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


@command("optimize", "ngdb library optimize mind.ngdb glove", "ngdb library optimize mind.ngdb glove --json")
@file_argument
@library_argument
@json_option
def optimize(file: str, library: str, as_json: bool) -> None:
    """Make or mend partitions for searches that may miss some.

    A later call places what changed since. Others search and write meanwhile; no exact answer depends on it.
    """
    began = time.monotonic()
    with writing(file) as db, Progress("") as progress:
        done = db.library.get(library).optimize(progress=progress)
    seconds = time.monotonic() - began
    if as_json:
        write_json({"library": library, **done._asdict(), "seconds": round(seconds, 3)})
        return
    if not done.partitions:
        print("no partitions: fewer than 10,000 items, vectors longer than 2**40, or another call overtook this one")
        return
    how = "made" if done.trained else "mended"
    print(f"{done.partitions:,} partitions {how}, {done.placed:,} vectors placed in {seconds_text(seconds)}")


@command(
    "recall",
    "ngdb library recall mind.ngdb glove",
    "ngdb library recall mind.ngdb glove -k 100 --recall 0.95 --json",
)
@file_argument
@library_argument
@click.option("-k", type=click.IntRange(1), metavar="N", default=10, show_default=True, help="Of so many nearest.")
@click.option(
    "--recall",
    type=RECALL,
    metavar="NUMBER",
    default=0.99,
    show_default=True,
    help="What the searches are asked for.",
)
@click.option(
    "--sample", type=click.IntRange(1), metavar="N", default=256, show_default=True, help="Ask for so many vectors."
)
@json_option
def recall(file: str, library: str, k: int, recall: float, sample: int, as_json: bool) -> None:
    """Measure what searches find that may miss some."""
    with reading(file) as db:
        found = db.library.get(library).recall(k, recall, sample=sample)
    if as_json:
        write_json(found._asdict())
    elif found.candidates is None:
        print(f"{found.mean} of the {k:,} nearest in the mean; such searches are exact here")
    else:
        print(
            f"{found.mean:.4f} of the {k:,} nearest in the mean, {found.first_percentile:.2f} in 99 of 100 searches, "
            f"by {found.candidates:,} candidates ({found.sample:,} vectors asked)"
        )
