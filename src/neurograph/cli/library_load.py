"""`ngdb library load` and `add`: word vectors, and rows with texts or vectors, into a library."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from ..errors import FileMissing, InvalidValue
from ..flows.transfer.items import ON_CONFLICT, import_items
from ..progress import Progress, seconds_text
from .command import command, file_argument, json_option, writing
from .library_options import attach, encoder_option, library_argument, metric_option, model_of, text_index_option
from .output import write_json
from .pipes import source_file
from .transfer import format_option, number_option, rename_option

WORD_FORMATS = click.Choice(["glove", "word2vec", "word2vec_binary", "fasttext", "npy"])


@command(
    "load",
    "ngdb library load mind.ngdb glove.6B.50d.txt --name glove",
    "ngdb library load mind.ngdb wiki.en.vec.gz --limit 100000 --normalize",
    "ngdb library load mind.ngdb vectors.npy --words words.txt --model clip-vit-b32",
    "ngdb library load mind.ngdb glove.txt --errors cp1252 --malformed skip",
)
@file_argument
@click.argument("source", type=click.Path(dir_okay=False))
@click.option("--name", help="Of the library; else the file's, without its endings.")
@metric_option
@click.option("--model", metavar="NAME", help="What made the vectors.")
@click.option("--format", type=WORD_FORMATS, help="Else it is found out from the content.")
@click.option("--words", type=click.Path(dir_okay=False), help="For npy: the word of each row, one a line.")
@click.option("--member", metavar="NAME", help="The file to read in a zip that holds several.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many words.")
@click.option("--subset", type=click.Path(dir_okay=False), help="Only the words in this file, one a line.")
@click.option("--normalize", is_flag=True, help="Divide each vector by its length.")
@click.option(
    "--errors",
    type=click.Choice(["strict", "replace", "cp1252"]),
    default="strict",
    show_default=True,
    help="For words that are not UTF-8.",
)
@click.option(
    "--malformed",
    type=click.Choice(["error", "skip"]),
    default="error",
    show_default=True,
    help="For lines that are no word with its numbers.",
)
@text_index_option
@json_option
def load(
    file: str, source: str, subset: str | None, metric: str, model: str | None, as_json: bool, **options: Any
) -> None:
    """Make a library of a file of word vectors.

    SOURCE is GloVe, word2vec, fastText or numpy, also in gz, bz2 or zip; the items' keys are the words. All of it is
    loaded, or nothing. FILE is created where there is none.
    """
    began = time.monotonic()
    words = None if subset is None else _lines(subset)
    skipped = 0

    def told(what: str, count: int, total: int | None) -> None:
        nonlocal skipped
        skipped = count if what == "left out" else skipped
        progress(what, count, total)

    with writing(file, create=True) as db, Progress("") as progress:
        made = db.library.load(source, metric=metric, model=model_of(model), subset=words, progress=told, **options)
        facts = {"name": made.name, "items": made.count(), "dimension": made.dimension, "metric": made.metric}
    seconds = time.monotonic() - began
    if as_json:
        write_json({**facts, "left_out": skipped, "seconds": round(seconds, 3)})
        return
    words_of = f"{facts['name']!r}: {facts['items']:,} words, {made.dimension} dimensions"
    left_out = f", {skipped:,} lines left out" if skipped else ""
    print(f"{words_of}, in {seconds_text(seconds)}{left_out}")


def _lines(path: str) -> list[str]:
    if not Path(path).is_file():
        raise FileMissing(f"--subset must name a file, and nothing is at {path!r}")
    try:
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise InvalidValue(f"--subset must be UTF-8, one word a line, got {path!r} ({error})") from error
    return [word for line in lines if (word := line.strip(" \t\r"))]


@command(
    "add",
    "ngdb library add mind.ngdb notes texts.jsonl",
    "ngdb library add mind.ngdb glosses glosses.csv --rename word=key --rename gloss=text --on-conflict update",
    "ngdb library add mind.ngdb notes texts.jsonl.gz --model models/all-MiniLM-L6-v2",
    "jq -c '{key: .url, text: .title}' pages.json | ngdb library add mind.ngdb pages - --format jsonl",
)
@file_argument
@library_argument
@click.argument("source", type=click.Path(dir_okay=False, allow_dash=True))
@format_option
@rename_option
@number_option
@click.option(
    "--on-conflict",
    type=click.Choice(ON_CONFLICT),
    default="error",
    show_default=True,
    help="For a key that exists: refuse, leave its row out, or give the item what the row names.",
)
@encoder_option
@json_option
def add(
    file: str,
    library: str,
    source: str,
    format: str | None,
    rename: tuple[tuple[str, str], ...],
    numbers: tuple[str, ...],
    on_conflict: str,
    model: str | None,
    as_json: bool,
) -> None:
    """Add items from a file of texts or vectors.

    SOURCE is CSV, TSV, JSON lines or Parquet with the columns key, text, token (a label, or an id) and vector (a JSON
    list), as far as there are such; other columns become metadata. Vectors that are not given are made of the texts,
    where the library has an encoder. All rows are looked at before the first is written; rows are kept a thousand at
    a time, so one that breaks off goes on with --on-conflict skip.
    """
    began = time.monotonic()
    with source_file(source, format) as path, writing(file) as db, Progress("rows") as progress:
        target = attach(db.library.get(library), model)
        done = import_items(
            db, target, path, format=format, rename=dict(rename), numbers=numbers, on_conflict=on_conflict,
            progress=progress,
        )  # fmt: skip
    seconds = time.monotonic() - began
    if as_json:
        write_json({"library": library, "source": source, **done._asdict(), "seconds": round(seconds, 3)})
        return
    left_out = f", {done.left_out:,} left out" if done.left_out else ""
    print(f"{done.rows:,} item{'' if done.rows == 1 else 's'} in {seconds_text(seconds)}{left_out}")
