"""`ngdb import` and `ngdb export`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..progress import Progress, seconds_text
from .command import PAIR, command, file_argument, json_option, reading, writing
from .output import note, write_json
from .pipes import DASH, name_of, source_file, target_file

if TYPE_CHECKING:
    from ..database import Database

KINDS = click.Choice(["tokens", "edges"])
FORMATS = click.Choice(["csv", "tsv", "jsonl", "parquet"])
ENDS = click.Choice(["label", "id"])
format_option = click.option(
    "--format", type=FORMATS, help="Where the file's name does not tell. Names that end in .gz are gzipped."
)
rename_option = click.option(
    "--rename", type=PAIR, multiple=True, metavar="THEIRS=OURS", help="Take a column under another name."
)
number_option = click.option(
    "--number", "numbers", multiple=True, metavar="COLUMN", help="A column that is not ours and is a number, not text."
)
ends_option = click.option(
    "--ends", type=ENDS, default="label", show_default=True, help="Edges: source and target are labels, or ids."
)


@command(
    "import",
    "ngdb import mind.ngdb tokens words.csv --rename word=label --set entity_type=concept",
    "ngdb import mind.ngdb edges links.tsv.gz --type '@=hypernym' --type '!=antonym'",
    "ngdb import mind.ngdb edges links.jsonl --ends id --on-conflict skip",
    "ngdb import mind.ngdb tokens words.csv --resume",
    "zcat words.gz | ngdb import mind.ngdb tokens - --format tsv",
)
@file_argument
@click.argument("kind", type=KINDS)
@click.argument("source", type=click.Path(dir_okay=False, allow_dash=True))
@format_option
@rename_option
@number_option
@click.option("--set", "constants", type=PAIR, multiple=True, metavar="COLUMN=VALUE", help="For rows without it.")
@click.option("--type", "types", type=PAIR, multiple=True, metavar="RAW=NAME", help="Edges: what a type's word means.")
@click.option("--types", "types_file", type=click.Path(dir_okay=False), help="Edges: the same, as a JSON object.")
@ends_option
@click.option(
    "--on-conflict",
    type=click.Choice(["error", "skip", "update", "number"]),
    default="error",
    show_default=True,
    help="For what exists already; 'number' keeps both edges and numbers the later one's key.",
)
@click.option(
    "--bad-rows",
    type=click.Choice(["error", "skip"]),
    default="error",
    show_default=True,
    help="For a row that is refused; 'skip' says which lines were left out.",
)
@click.option("--resume", is_flag=True, help="Go on with an import of this file that broke off.")
@click.option("--drop", is_flag=True, help="Drop an import of this file that broke off, and import nothing.")
@json_option
def import_(
    file: str,
    kind: str,
    source: str,
    format: str | None,
    rename: tuple[tuple[str, str], ...],
    numbers: tuple[str, ...],
    constants: tuple[tuple[str, str], ...],
    types: tuple[tuple[str, str], ...],
    types_file: str | None,
    ends: str,
    on_conflict: str,
    bad_rows: str,
    resume: bool,
    drop: bool,
    as_json: bool,
) -> None:
    """Read tokens or edges from a file.

    SOURCE is CSV, TSV, JSON lines or Parquet; the first three may be gzipped; - is stdin. All rows are imported, or
    none. Columns that are not ours become properties. FILE is created where there is none.
    """
    from ..flows.transfer import drop_import

    if drop:
        if resume:
            raise click.UsageError("--resume and --drop exclude each other")
        with writing(file) as db:
            dropped = drop_import(db, name_of("stdin", source, format), kind)
        _say(as_json, {"dropped": dropped}, "dropped" if dropped else f"no import of {source} had broken off")
        return
    if resume and source == DASH:
        raise click.UsageError("--resume needs a file: what stdin brought is gone; use --drop")
    options: dict[str, Any] = {
        "format": format,
        "rename": dict(rename),
        "constants": dict(constants),
        "numbers": numbers,
        "on_conflict": on_conflict,
        "bad_rows": bad_rows,
        "resume": resume,
    }
    if kind == "edges":
        options |= {"types": _types(types_file) | dict(types), "ends": ends}
    elif types or types_file or ends != "label" or on_conflict == "number":
        raise click.UsageError("--type, --types, --ends and --on-conflict number are for edges, got tokens")
    began = time.monotonic()
    with (
        source_file(source, format) as path,
        writing(file, create=True) as db,
        Progress("rows", _lines(path, format)) as progress,
    ):
        remedy = "drop it with --drop" if source == DASH else "go on with --resume, or drop it with --drop"
        rows, skipped = _imported(db, kind, path, options, progress, f"the import of {source} broke off; {remedy}")
    seconds = time.monotonic() - began
    left_out = f", {skipped:,} left out" if skipped else ""
    _say(
        as_json,
        {"kind": kind, "source": source, "rows": rows, "left_out": skipped, "seconds": round(seconds, 3)},
        f"{_counted(rows, kind)} in {seconds_text(seconds)}{left_out}",
    )


def _imported(
    db: Database, kind: str, path: Path, options: dict[str, Any], progress: Progress, broken: str
) -> tuple[int, int]:
    from ..flows.transfer import import_edges, import_tokens

    try:
        return (import_tokens if kind == "tokens" else import_edges)(db, path, progress=progress, **options)
    except KeyboardInterrupt:
        progress.__exit__(None, None, None)
        note(broken)
        raise


def _types(types_file: str | None) -> dict[str, str]:
    """Return the mapping in a JSON file."""
    if types_file is None:
        return {}
    try:
        found = json.loads(Path(types_file).read_text(encoding="utf-8"))
    except ValueError as error:
        raise click.UsageError(f"--types must name a file of JSON, got {types_file!r} ({error})") from error
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise click.UsageError(f"--types must be a JSON object of names of types, got {types_file!r}")
    return found


def _lines(path: Path, format: str | None) -> int | None:
    """Return about how many rows a plain text file has, or None: counting 100 MB takes some 50 ms."""
    if path.suffix.lower() in {".gz", ".parquet"} or format == "parquet" or not path.is_file():
        return None
    with path.open("rb") as file:
        lines = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    return max(lines - (path.suffix.lower() in {".csv", ".tsv"}), 0)


@command(
    "export",
    "ngdb export mind.ngdb tokens tokens.csv",
    "ngdb export mind.ngdb edges edges.jsonl.gz --ends id",
    "ngdb export mind.ngdb tokens tokens.parquet",
    "ngdb export mind.ngdb tokens - --format jsonl | jq .label",
)
@file_argument
@click.argument("kind", type=KINDS)
@click.argument("target", type=click.Path(dir_okay=False, allow_dash=True))
@format_option
@ends_option
@json_option
def export(file: str, kind: str, target: str, format: str | None, ends: str, as_json: bool) -> None:
    """Write all tokens or edges to a file.

    TARGET is CSV, TSV, JSON lines or Parquet; the first three may be gzipped; - is stdout. `ngdb import` gives them
    back. An existing TARGET is replaced once the new one is whole.
    """
    from ..flows.transfer import export_edges, export_tokens

    if kind == "tokens" and ends != "label":
        raise click.UsageError("--ends is for edges, got tokens")
    began = time.monotonic()
    if target == DASH and as_json:
        raise click.UsageError("--json and - both write to stdout; leave one out")
    with target_file(target, format) as path, reading(file) as db, Progress(kind) as progress:
        if kind == "tokens":
            rows = export_tokens(db, path, format=format, progress=progress)
        else:
            rows = export_edges(db, path, format=format, ends=ends, progress=progress)
    seconds = time.monotonic() - began
    _say(
        as_json,
        {"kind": kind, "target": target, "rows": rows, "seconds": round(seconds, 3)},
        f"{_counted(rows, kind)} in {seconds_text(seconds)}",
        aside=target == DASH,
    )


def _counted(rows: int, kind: str) -> str:
    return f"{rows:,} {kind.removesuffix('s') if rows == 1 else kind}"


def _say(as_json: bool, document: dict[str, Any], text: str, *, aside: bool = False) -> None:
    if as_json:
        write_json(document)
    elif aside:
        note(text)
    else:
        print(text)
