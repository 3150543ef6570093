"""`ngdb embed` and `ngdb search`: texts into vectors, and what is near by meaning."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import InvalidValue
from ..model.item import Hits
from ..progress import Progress
from .command import TOKEN, command, file_argument, json_option, reading
from .library_options import RECALL, attach, condition, encoder, encoder_option, library_argument, require_words
from .output import note, write_json, write_records

if TYPE_CHECKING:
    import numpy as np

    from ..database import Database
    from ..embed.engine import EmbeddingEngine
    from ..model.item import Matches

LONGEST_TEXT = 200  # characters of an item's text in a table; JSON has all of it


class VectorParam(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.2 on
    """A vector: numbers with commas between them, a JSON list, or a dash for one that stdin brings."""

    name = "vector"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[float]:
        """Return the numbers."""
        if isinstance(value, list):
            return value
        text = (sys.stdin.read() if value == "-" else str(value)).strip()
        try:
            return [float(part) for part in text.removeprefix("[").removesuffix("]").split(",")]
        except ValueError:
            shown = text if len(text) <= 60 else f"{text[:60]}…"
            self.fail(f"must be numbers with commas between them, got {shown!r}", param, ctx)


VECTOR = VectorParam()


@command(
    "search",
    'ngdb search mind.ngdb notes "how do cats sleep"',
    "ngdb search mind.ngdb glove cat -k 20 --max-distance 0.5 --json",
    "ngdb search mind.ngdb notes --token cat --where \"json_extract(metadata, '$.year') > 2020\"",
    "ngdb search mind.ngdb notes --words 'small cat' --syntax all",
    "ngdb embed 'small feline' | ngdb search mind.ngdb notes --vector -",
)
@file_argument
@library_argument
@click.argument("query", required=False)
@click.option("--text", help="A text, also where QUERY would be a key.")
@click.option("--key", help="Near the item with this key, which is left out itself.")
@click.option("--token", type=TOKEN, help="Near the item that belongs to this token.")
@click.option("--vector", type=VECTOR, help="Numbers with commas between them, or - for those of stdin.")
@click.option("--words", help="By words instead: what has them in its key or text, by the text index.")
@click.option(
    "--syntax",
    type=click.Choice(["words", "all", "fts5"]),
    help="With --words: any of them, all of them, or a query in FTS5's own language.",
)
@click.option("-k", type=click.IntRange(1), metavar="N", default=10, show_default=True, help="So many.")
@click.option(
    "--recall",
    type=RECALL,
    metavar="NUMBER",
    help="Some may be missing, but so many of the nearest are found in the mean, such as 0.99.",
)
@click.option("--max-distance", type=float, metavar="NUMBER", default=math.inf, help="Nothing farther away than this.")
@click.option("--where", metavar="SQL", help="Only items for which this holds, on columns of item and of token.")
@encoder_option
@json_option
def search(
    file: str,
    library: str,
    query: str | None,
    words: str | None,
    syntax: str | None,
    k: int,
    recall: float | None,
    max_distance: float,
    where: str | None,
    model: str | None,
    as_json: bool,
    **instead: Any,
) -> None:
    """Find the items nearest to a text, an item or a vector.

    QUERY is a text where the library reads texts, else the key of an item. With --words no vectors are asked.
    """
    given = {name: value for name, value in {"query": query, **instead}.items() if value is not None}
    if len(given) + (words is not None) != 1:
        raise click.UsageError(
            "one of QUERY, --text, --key, --token, --vector and --words must be given, got "
            f"{len(given) + (words is not None)}"
        )
    require_words(query=query, text=instead["text"], words=words)
    if words is not None and recall is not None:
        raise click.UsageError("--recall is for searches by vectors, got --words")
    if words is None and syntax is not None:
        raise click.UsageError("--syntax is for --words")
    given = {"query" if name == "vector" else name: value for name, value in given.items()}
    with reading(file) as db, db.snapshot(), condition(where):
        target = attach(db.library.get(library), model)
        if words is not None:
            found: Hits | Matches = target.match(words, k, where=where, syntax=syntax or "words")
        else:
            options: dict[str, Any] = {} if recall is None else {"exact": False, "recall": recall}
            found = target.search(k=k, max_distance=max_distance, where=where, **options, **given)
        _show(db, found, as_json)
    if isinstance(found, Hits) and recall is not None:
        note(f"{found.recall:.4g} of the nearest are found by such searches")


def _show(db: Database, found: Hits | Matches, as_json: bool) -> None:
    """Write hits with what is known of their items."""
    facts = _items(db, [hit.id for hit in found])
    columns = [*found.record._fields, "label", "text"]
    rows: list[tuple[Any, ...]] = []
    for hit in found:
        label, text, metadata = facts[hit.id]
        row = (*hit, label, text if as_json else short(text))
        rows.append((*row, json.loads(metadata) if metadata else {}) if as_json else row)
    if as_json:
        columns.append("metadata")
    else:
        told = [at for at in range(len(columns)) if any(row[at] is not None for row in rows)]
        columns = [columns[at] for at in told]
        rows = [tuple(row[at] for at in told) for row in rows]
    write_records(columns, rows, as_json=as_json, empty="nothing is found")


def _items(db: Database, ids: Sequence[int]) -> dict[int, tuple[str | None, str | None, str | None]]:
    """Return label, text and metadata of items, by id."""
    rows = db.execute(
        """select item.id, token.label, item.text, item.metadata
             from item
             left join token on token.id = item.token_id
            where item.id in (select value from json_each(?))""",
        [json.dumps(ids)],
    )
    return {id: (label, text, metadata) for id, label, text, metadata in rows}


def short(text: str | None) -> str | None:
    """Return a text on one line, as a table shows it."""
    if text is None:
        return None
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"


@command(
    "embed",
    'ngdb embed "a cat asleep on the sofa"',
    "ngdb embed --query --library mind.ngdb notes 'where do cats sleep?'",
    "ngdb embed --model models/all-MiniLM-L6-v2 --json 'one text' 'another'",
    "ngdb embed --npy vectors.npy < texts.txt && ngdb library load mind.ngdb vectors.npy --words texts.txt",
)
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option("--model", metavar="PATH", help="The folder or file of an encoder; else the default one.")
@click.option("--library", nargs=2, metavar="FILE NAME", help="As this library's encoder makes them.")
@click.option("--query", "as_query", is_flag=True, help="As questions, not as documents.")
@click.option("--npy", type=click.Path(dir_okay=False), help="Write them to this file, as numpy reads it.")
@json_option
def embed(
    texts: tuple[str, ...],
    model: str | None,
    library: tuple[str, str] | None,
    as_query: bool,
    npy: str | None,
    as_json: bool,
) -> None:
    """Make vectors of texts.

    Each TEXT, or else each line of stdin, becomes a JSON list of numbers, one a line. With --json they are one document
    with the encoder's name.
    """
    if as_json and npy:
        raise click.UsageError("--json and --npy exclude each other")
    if npy and not Path(npy).parent.is_dir():
        raise InvalidValue(f"--npy must be in a folder that exists, got {npy!r}")
    engine = _engine(model, library)
    input_type = "query" if as_query else "document"
    lines = list(texts) if texts else [line.rstrip("\r\n") for line in sys.stdin]
    with Progress("texts") as progress:
        parts = _told(engine.embed_stream(lines, input_type), len(lines), progress)
        if npy:
            saved = _save(npy, parts, engine.dimension)
        elif as_json:
            vectors = [{"text": text, "vector": vector} for text, vector in zip(lines, _lists(parts), strict=True)]
        else:
            for vector in _lists(parts):
                print(json.dumps(vector))
    if npy:
        note(f"{saved:,} vectors of {engine.dimension} numbers in {npy}")
    elif as_json:
        write_json({"model": engine.identity.model, "dimension": engine.dimension, "vectors": vectors})


def _engine(model: str | None, library: tuple[str, str] | None) -> EmbeddingEngine:
    if library is None:
        return encoder(model or "default")
    file, name = library
    with reading(file) as db:
        found = attach(db.library.get(name), model)
        with db._session.reading() as line:
            return found._required_encoder(line.connection)


def _told(parts: Iterable[np.ndarray], count: int, progress: Progress) -> Iterator[np.ndarray]:
    """Yield each part and show how far that is; not where the vectors themselves are shown."""
    done = 0
    for part in parts:
        yield part
        done += len(part)
        if not sys.stdout.isatty():
            progress("embedding", done, count)


def _lists(parts: Iterable[np.ndarray]) -> Iterator[list[float]]:
    """Yield each vector as numbers that give the same float32 again, none longer than it must be."""
    for part in parts:
        for vector in part:
            yield [float(str(number)) for number in vector]


def _save(path: str, parts: Iterable[np.ndarray], dimension: int) -> int:
    """Write all vectors to a file that is there when it is whole, and return how many."""
    import numpy as np

    vectors = np.concatenate([np.empty((0, dimension), np.float32), *parts])
    with Path(path).open("wb") as file:
        np.save(file, vectors)
    return len(vectors)
