"""`ngdb library bootstrap` and `ngdb associate`: a library becomes a mind, and what words bring to mind."""

from __future__ import annotations

import time
from typing import Any

import click

from ..progress import Progress, seconds_text
from .command import TOKEN, command, file_argument, json_option, reading, types_option, writing
from .graph import labels_of
from .library_options import attach, condition, encoder_option, library_argument
from .output import write_json, write_pairs, write_records


@command(
    "bootstrap",
    "ngdb library bootstrap mind.ngdb glove",
    "ngdb library bootstrap mind.ngdb glove -k 10 --decay 10 --entity-type concept",
    "ngdb library bootstrap mind.ngdb notes --no-place --where \"json_extract(metadata, '$.year') > 2020\"",
)
@file_argument
@library_argument
@click.option("--tokens/--no-tokens", default=True, help="Give each item a token.")
@click.option("--place/--no-place", default=True, help="Place items and tokens by principal components.")
@click.option("--weave/--no-weave", default=True, help="Link each token to the nearest.")
@click.option("-k", type=click.IntRange(0), metavar="N", default=5, show_default=True, help="Link to so many.")
@click.option(
    "--decay", type=click.FloatRange(0), metavar="NUMBER", default=0.1, show_default=True,
    help="A link's weight is 1 / (1 + distance * decay).",
)  # fmt: skip
@click.option("--type", metavar="NAME", default="similar_to", show_default=True, help="What the links mean.")
@click.option("--entity-type", metavar="NAME", default="concept", show_default=True, help="Of new tokens.")
@click.option("--domain", metavar="NAME", help="Of new tokens.")
@click.option("--where", metavar="SQL", help="Only items for which this holds, on columns of item and of token.")
@click.option(
    "--on-conflict", type=click.Choice(["error", "ignore", "update"]), default="ignore", show_default=True,
    help="For tokens that are there with a label or a place.",
)  # fmt: skip
@click.option(
    "--weights", type=click.Choice(["update", "ignore"]), default="update", show_default=True,
    help="For links that are there: compute them again, or keep what they learned.",
)  # fmt: skip
@json_option
def bootstrap(file: str, library: str, as_json: bool, **options: Any) -> None:
    """Make tokens of a library, and link what is near.

    Tokens get their places by principal components. Broken off, it goes on when the command is given again. What is as
    it should be is left alone.
    """
    if not (options["tokens"] or options["place"] or options["weave"]):
        raise click.UsageError("one of --tokens, --place and --weave must be left, got --no for each")
    began = time.monotonic()
    with writing(file) as db, condition(options["where"]), Progress("items") as progress:
        done = db.bootstrap(library, progress=progress, **options)
    seconds = time.monotonic() - began
    steps = {name: step and step._asdict() for name, step in done._asdict().items()}
    if as_json:
        write_json({"library": library, **steps, "seconds": round(seconds, 3)})
        return
    print(f"{library!r} in {seconds_text(seconds)}")
    write_pairs(
        [(name, ", ".join(f"{count:,} {what}" for what, count in step.items())) for name, step in steps.items() if step]
    )


@command(
    "associate",
    "ngdb associate mind.ngdb cat",
    "ngdb associate mind.ngdb paris france -k 20 --mode max",
    'ngdb associate mind.ngdb "a small feline" --library notes --json',
)
@file_argument
@click.argument("words", type=TOKEN, nargs=-1, required=True)
@click.option("--library", metavar="LIBRARY", help="WORDS are its items, or texts that it reads.")
@click.option("-k", type=click.IntRange(1), metavar="N", default=10, show_default=True, help="So many.")
@click.option(
    "--combine", type=click.Choice(["sum", "max", "average"]), default="sum", show_default=True,
    help="How what several words bring to a token combines.",
)  # fmt: skip
@click.option(
    "--decay", type=click.FloatRange(0, 1), metavar="NUMBER", default=0.2, show_default=True,
    help="What part is lost on each edge.",
)  # fmt: skip
@click.option(
    "--depth", type=click.IntRange(0, 100), metavar="N", default=3, show_default=True, help="At most so many rounds."
)
@click.option(
    "--mode", type=click.Choice(["sum", "max", "weighted_average"]), default="sum", show_default=True,
    help="How what arrives at a token from one word combines.",
)  # fmt: skip
@types_option
@encoder_option
@json_option
def associate(
    file: str,
    words: tuple[int | str, ...],
    library: str | None,
    depth: int,
    types: tuple[str, ...],
    model: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Find what words bring to mind.

    Energy spreads from each along its links. WORDS are tokens, or with --library its items. The path explains the
    energy: the way along which most of it came.
    """
    if model is not None and library is None:
        raise click.UsageError("--model needs a --library")
    with reading(file) as db:
        if library is not None:
            attach(db.library.get(library), model)
        found = db.associate(words, library=library, max_depth=depth, types=types or None, **options)
        labels = labels_of(db, {id for one in found for id in one.path})
    rows = []
    for id, label, energy, rounds, steps in found:
        way = [labels.get(step) or f"#{step}" for step in steps]
        rows.append((id, label, energy, rounds, way if as_json else " > ".join(way)))
    write_records(("id", "label", "energy", "depth", "path"), rows, as_json=as_json, empty="nothing comes to mind")
