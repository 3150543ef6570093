"""Rows of a file as items of a library: keys, texts, tokens, vectors; all other columns are metadata.

1. Every row is looked at before the first is written: its columns, its key, its token.
2. Rows are written `ROWS_AT_ONCE` at a time, each batch in a transaction of its own, and texts become vectors before
   it: nobody waits for an encoder.
3. With ``on_conflict="skip"`` a row whose key exists is not embedded, so a call that broke off can be repeated.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import ImportFailed, InvalidValue
from ...progress import Told
from .formats import read_rows, readable
from .rows import Mapped

if TYPE_CHECKING:
    from ...database import Database
    from ...stores.library.library import Library

ON_CONFLICT = ("error", "skip", "update")
ROWS_AT_ONCE = 1000
Item = dict[str, Any]


class Added(NamedTuple):
    """What came of a file."""

    rows: int
    """Items written."""
    left_out: int
    """Rows whose key existed."""


def import_items(
    db: Database,
    library: Library,
    path: Path,
    *,
    format: str | None = None,
    rename: Mapping[str, str] | None = None,
    numbers: Collection[str] = (),
    on_conflict: str = "error",
    progress: Told = lambda *_: None,
) -> Added:
    """Add the rows of a file to a library.

    Parameters
    ----------
    db, library
        Where they go.
    path
        CSV, TSV, JSON lines or Parquet with the columns ``key``, ``text``, ``token`` (a label, or a whole number: an
        id), ``vector`` (a list of numbers, or its JSON) and ``metadata`` (an object, or its JSON), as far as there are
        such.
    format
        ``"csv"``, ``"tsv"``, ``"jsonl"`` or ``"parquet"``; None: the file's name tells.
    rename
        Column of the file → column of ours.
    numbers
        Columns that become metadata and are numbers: CSV and TSV tell nothing but texts.
    on_conflict
        For a key that exists, in the library or further up: ``"error"`` refuses the file, ``"skip"`` leaves the row
        out, ``"update"`` gives the item what the row names.
    progress
        Called with what is done and how many rows.

    Returns
    -------
    Added
        How many items were written and how many rows left out.

    Raises
    ------
    ImportFailed
        A row can't be used; its line is named, and nothing was written.
    InvalidValue
        `on_conflict` is none of the three.
    NotHere
        The library's encoder is not on this machine.

    Examples
    --------
    >>> import neurograph, tempfile
    >>> path = Path(tempfile.mkdtemp()) / "pets.jsonl"
    >>> _ = path.write_text('{"key": "cat", "vector": [1, 0], "legs": 4}', encoding="utf-8")
    >>> with neurograph.open(":memory:") as db:
    ...     pets = db.library.create("pets", dimension=2)
    ...     import_items(db, pets, path), pets.get("cat").metadata
    (Added(rows=1, left_out=0), {'legs': 4})
    """
    if on_conflict not in ON_CONFLICT:
        raise InvalidValue(f"on_conflict must be one of {', '.join(ON_CONFLICT)}, got {on_conflict!r}")
    mapped = Mapped(rename or {}, numbers=numbers)
    seen: set[str] = set()
    done = 0
    for batch in _batches(path, format, mapped):
        _check(db, library, batch, seen, on_conflict)
        done += len(batch)
        progress("reading", done, None)
    total, left_out = done, 0
    done = 0
    for batch in _batches(path, format, mapped):
        items = [item for _, item in batch]
        if on_conflict == "skip":
            items = _new(db, library, items)
        left_out += len(batch) - len(items)
        for names, group in groupby(items, key=_names if on_conflict == "update" else _has_vector):
            _add(library, names, list(group), on_conflict)
        done += len(batch)
        progress("writing", done, total)
    return Added(done - left_out, left_out)


def _batches(path: Path, format: str | None, mapped: Mapped) -> Iterator[list[tuple[int, Item]]]:
    rows = ((line, mapped.item(line, readable(row))) for line, row in read_rows(path, format))
    while batch := list(islice(rows, ROWS_AT_ONCE)):
        yield batch


def _check(db: Database, library: Library, batch: list[tuple[int, Item]], seen: set[str], on_conflict: str) -> None:
    """Refuse rows that can't be written."""
    items = [item for _, item in batch]
    there = _existing(db, library, items) if on_conflict == "error" else set()
    unknown = _unknown_tokens(db, items)
    for line, item in batch:
        key, size = item.get("key"), len(item.get("vector", ()))
        if not item.keys() & {"key", "text", "vector"}:
            raise ImportFailed(f"line {line}: must have a key, a text or a vector; rename a column", line)
        if "vector" in item and size != library.dimension:
            raise ImportFailed(f"line {line}: vector must have {library.dimension} numbers, got {size}", line)
        if item.get("token") in unknown:
            known = f"token must be the label or the id of one that is there, got {item['token']!r}; create it first"
            raise ImportFailed(f"line {line}: {known}", line)
        if key is not None and on_conflict == "error" and (key in there or key in seen):
            raise ImportFailed(
                f"line {line}: key must be unique, got {key!r}; pass on_conflict='skip' or 'update' "
                "(ngdb library add --on-conflict)",
                line,
            )
        if key is not None and on_conflict == "error":
            seen.add(key)


def _existing(db: Database, library: Library, items: Iterable[Item]) -> set[str]:
    """Return the keys of items that the library has already."""
    sql = "select key from item where library_id = ? and key in (select value from json_each(?))"
    return {key for (key,) in db.execute(sql, [library.id, json.dumps([item.get("key") for item in items])])}


def _unknown_tokens(db: Database, items: Iterable[Item]) -> set[Any]:
    """Return the tokens that are named and not there."""
    named = {item["token"] for item in items if "token" in item}
    for kind, column in ((str, "label"), (int, "id")):
        some = [token for token in named if isinstance(token, kind)]
        sql = f"select {column} from token where {column} in (select value from json_each(?))"
        named -= {token for (token,) in db.execute(sql, [json.dumps(some)])} if some else set()
    return named


def _new(db: Database, library: Library, items: list[Item]) -> list[Item]:
    """Return the items whose keys are not there, the first of each key."""
    taken: set[Any] = _existing(db, library, items)
    found = []
    for item in items:
        key = item.get("key")
        if key is None or key not in taken:
            found.append(item)
            taken.add(key)
    return found


def _names(item: Item) -> tuple[str, ...]:
    return tuple(sorted(item))


def _has_vector(item: Item) -> tuple[str, ...]:
    given = ("key", "metadata", "text", "token")
    return (*given, "vector") if "vector" in item else given


def _add(library: Library, names: tuple[str, ...], items: list[Item], on_conflict: str) -> None:
    columns: dict[str, Any] = {name: [item.get(name) for item in items] for name in names}
    library.add(
        columns.get("vector"),
        keys=columns.get("key"),
        texts=columns.get("text"),
        tokens=columns.get("token"),
        metadata=columns.get("metadata"),
        on_conflict="update" if on_conflict == "update" else "error",
    )
