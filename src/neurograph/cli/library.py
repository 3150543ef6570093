"""`ngdb library`: the group, and what it does with a library as a whole: `create`, `list`, `info`, `drop`."""

from __future__ import annotations

import sys
from typing import Any

import click

from .bootstrap import bootstrap
from .command import command, file_argument, group, json_option, reading, writing
from .exit_codes import FAILED
from .library_care import index, optimize, recall
from .library_facts import library_facts, unfinished
from .library_load import add, load
from .library_options import library_argument, metric_option, model_of, text_index_option
from .library_reembed import reembed
from .output import note, records, size_text, terminal_width, write_json, write_pairs, write_table


@command(
    "create",
    "ngdb library create mind.ngdb notes --model default",
    "ngdb library create mind.ngdb glosses --model models/all-MiniLM-L6-v2",
    "ngdb library create mind.ngdb pictures --dimension 512 --metric dot --model clip-vit-b32",
)
@file_argument
@click.argument("name")
@click.option("--dimension", type=click.IntRange(1, 8192), metavar="N", help="Numbers in a vector; encoders know it.")
@metric_option
@click.option(
    "--model",
    metavar="MODEL",
    help="What makes the vectors: 'default', a folder or .onnx file with an encoder, or just a name.",
)
@text_index_option
@json_option
def create(
    file: str,
    name: str,
    dimension: int | None,
    metric: str,
    model: str | None,
    text_index: bool,
    as_json: bool,
) -> None:
    """Create an empty library.

    With an encoder it reads texts: those of its items, and questions. FILE is created where there is none.
    """
    if dimension is None and model is None:
        raise click.UsageError("--dimension or --model must be given, got neither")
    made_by = model_of(model)
    if dimension is None and isinstance(made_by, str):
        raise click.UsageError(f"--dimension must be given with a model's name; no folder or file is at {model!r}")
    with writing(file, create=True) as db:
        made = db.library.create(name, dimension=dimension, metric=metric, model=made_by, text_index=text_index)
        facts = {"name": made.name, "dimension": made.dimension, "metric": made.metric, "model": made.identity.model}
    if as_json:
        write_json(facts)
    else:
        print(f"{made.name!r}: {made.dimension} dimensions, {made.metric}, by {facts['model']}")


@command("list", "ngdb library list mind.ngdb", "ngdb library list mind.ngdb --json | jq .[].name")
@file_argument
@json_option
def list_(file: str, as_json: bool) -> None:
    """List the libraries of a file."""
    columns = ("name", "dimension", "metric", "model", "items", "vectors")
    with reading(file) as db, db.snapshot():
        found = [library_facts(db, library) for library in db.library.list()]
        broken = unfinished(db)
    rows = [[facts[name] for name in columns] for facts in found]
    if as_json:
        write_json(records(columns, rows))
    elif rows:
        write_table(columns, rows, width=terminal_width())
    else:
        note("no libraries; `ngdb library create` and `ngdb library load` make one")
    for name in broken:
        note(f"{name!r} is being loaded, or its load was broken off; `ngdb library drop` takes it away")


@command("info", "ngdb library info mind.ngdb glosses", "ngdb library info mind.ngdb glosses --json")
@file_argument
@library_argument
@json_option
def info(file: str, library: str, as_json: bool) -> None:
    """Say what a library holds, what made it, and what it takes."""
    with reading(file) as db, db.snapshot():
        facts = library_facts(db, db.library.get(library), whole=True)
    if as_json:
        write_json(facts)
        return
    print(f"{facts['name']}: {facts['dimension']} dimensions, {facts['metric']}")
    write_pairs((name, text) for name, text in _told(facts) if text)
    print("\nMade by")
    write_pairs((name, str(value)) for name, value in facts["identity"].items() if value not in (None, ""))


def _told(facts: dict[str, Any]) -> list[tuple[str, str]]:
    counts = [(name, f"{facts[name]:,}") for name in ("items", "vectors", "keys", "texts", "tokens", "metadata")]
    pca = facts["pca"]
    return [
        *((name, f"{text:>12}") for name, text in counts),
        ("in the file", f"{size_text(facts['vector_bytes'])} of vectors, {size_text(facts['item_bytes'])} of items"),
        ("in memory", f"{size_text(facts['code_bytes'])} of codes, while searches use kernels"),
        ("text index", facts["text_index"] or ""),
        ("pca", pca and f"{pca['dimensions']} dimensions, {pca['explained']:.0%} of the variance"),
    ]


@command("drop", "ngdb library drop mind.ngdb glosses", "ngdb library drop mind.ngdb glosses --yes --json")
@file_argument
@library_argument
@click.option("--yes", is_flag=True, help="Don't ask; where stdin is no terminal nothing is asked anyway.")
@json_option
def drop(file: str, library: str, yes: bool, as_json: bool) -> None:
    """Delete a library with all its items, and give its pages back.

    Also one whose load was broken off. Tokens stay.
    """
    with writing(file) as db:
        if library in db.library and not yes and _at_terminal():
            items = db.library.get(library).count()
            if not click.confirm(f"drop {library!r} with {items:,} items?", err=True):
                note("left alone")
                raise click.exceptions.Exit(FAILED)
        dropped = db.library.drop(library)
    if as_json:
        write_json({"name": library, "items": dropped})
    else:
        print(f"{library!r} is gone, {dropped:,} items with it")


def _at_terminal() -> bool:
    return sys.stdin.isatty()


library = group(
    "library",
    "Make libraries of vectors, and care for them.",
    [create, load, add, list_, info, index, optimize, recall, reembed, bootstrap, drop],
    "ngdb library create mind.ngdb notes --model default",
    "ngdb library add mind.ngdb notes texts.jsonl",
    "ngdb library load mind.ngdb glove.6B.50d.txt",
    "ngdb library list mind.ngdb",
)
