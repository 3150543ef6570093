"""`ngdb library reembed`: another encoder takes a library over."""

from __future__ import annotations

import time

import click

from ..progress import Progress, seconds_text
from .command import command, file_argument, json_option, writing
from .library_options import encoder, library_argument
from .output import write_json


@command(
    "reembed",
    "ngdb library reembed mind.ngdb notes --model default",
    "ngdb library reembed mind.ngdb glosses --model models/bge-small-en-v1.5 --json",
)
@file_argument
@library_argument
@click.option("--model", required=True, metavar="MODEL", help="'default', or a folder or file with an encoder.")
@json_option
def reembed(file: str, library: str, model: str, as_json: bool) -> None:
    """Make the vectors of all texts anew with another encoder.

    The old ones answer until all new ones are there. A command that was broken off goes on where it was when it is
    given again.
    """
    began = time.monotonic()
    with writing(file) as db, Progress("texts") as progress:
        target = db.library.get(library)
        count = target.reembed(encoder(model), progress=progress)
        facts = {"name": library, "items": count, "dimension": target.dimension, "model": target.identity.model}
    seconds = time.monotonic() - began
    if as_json:
        write_json({**facts, "seconds": round(seconds, 3)})
    else:
        print(
            f"{library!r}: {count:,} vectors of {facts['dimension']} dimensions by {facts['model']}, in "
            f"{seconds_text(seconds)}"
        )
