"""The statements that write a batch of items and their vectors; without triggers where that is safe.

Invariants:

1. New ids follow one another, behind all that the library has.
2. What is refused half-way (a key that is there already) leaves nothing behind: the caller holds a transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, repeat

import apsw

from ....derived.kind import CHUNK_BITS
from ....errors import Conflict, InvalidValue
from ...bulk import Bulk
from ...text_objects import has_text_index, insert_texts
from ..base import MOST_ITEMS, Space
from ..texts.kept import keep_items
from ..vectors import blobs
from .batch import Batch, first_of_each

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

FEWEST_WITHOUT_TRIGGERS = 64  # below, switching triggers off costs more than it saves
SLICE_ROWS = 8192  # turned into lists at a time, so that memory stays flat


def insert(items: Bulk, embeddings: Bulk, space: Space, batch: Batch) -> np.ndarray:
    """Write new items and their vectors, and return their ids, (n,) int64."""
    import numpy as np

    rows: Any = items.connection.execute("select max(id) from item where id between ? and ?", space.ids).fetchall()
    first = (rows[0][0] or space.first_id - 1) + 1
    last = first + batch.size - 1
    if last > space.last_id:
        raise InvalidValue(f"a library must have at most {MOST_ITEMS} items, got {batch.size} more")
    names = ["id", "library_id", *batch.columns]
    sql = f"insert into item ({', '.join(names)}) values ({', '.join('?' * len(names))})"
    columns = [range(first, last + 1), repeat(space.id, batch.size), *batch.columns.values()]
    try:
        _run(items, sql, zip(*columns, strict=True), batch.size)
    except apsw.ConstraintError as error:
        raise _taken(items.connection, space, batch, first) or error from error
    if batch.size >= FEWEST_WITHOUT_TRIGGERS and items.fast and has_text_index(items.connection, space.id):
        insert_texts(items.connection, space.id, first, last)
    ids = np.arange(first, last + 1)
    if batch.vectors is not None and len(batch.vectors):
        theirs = ids if batch.places is None else ids[batch.places]
        _insert_vectors(embeddings, theirs, batch.vectors)
        if batch.hashes:
            keep_items(items.connection, theirs.tolist(), batch.hashes, batch.vectors)
    return ids


def _insert_vectors(embeddings: Bulk, ids: np.ndarray, vectors: np.ndarray) -> None:
    import numpy as np

    rows = zip(ids.tolist(), blobs(vectors), strict=True)
    _run(embeddings, "insert into embedding values (?, ?)", rows, len(ids))
    if embeddings.fast:
        embeddings.mark("embedding", np.unique(ids >> CHUNK_BITS).tolist())


def insert_or_keep(items: Bulk, embeddings: Bulk, space: Space, batch: Batch, update: bool) -> np.ndarray:
    """Write the items whose keys are new, update the others where `update`, and return the ids of all."""
    import numpy as np

    keys = batch.columns["key"]
    known = ids_of(items.connection, space, keys)
    chosen = first_of_each(keys, last=update)
    firsts = first_of_each(keys, last=False)  # ids are given in order of these, as row by row
    new = [
        i if key is None else chosen[key]
        for i, key in enumerate(keys)
        if key is None or (key not in known and firsts[key] == i)
    ]
    ids = np.empty(batch.size, np.int64)
    if new:
        ids[new] = insert(items, embeddings, space, batch.part(new))
        known |= {key: int(ids[i]) for i in new if (key := keys[i]) is not None and key not in known}
    named = [i for i, key in enumerate(keys) if key is not None]
    ids[named] = [known[keys[i]] for i in named]
    if update:
        fresh = set(new)
        old = [i for i in chosen.values() if i not in fresh]
        _update(items.connection, ids[old], batch.part(old))
    return ids


def _update(connection: apsw.Connection, ids: np.ndarray, batch: Batch) -> None:
    """Give items that are there what a batch names, through the triggers."""
    columns = {name: values for name, values in batch.columns.items() if name != "key"}
    if columns:
        sql = f"update item set {', '.join(f'{name} = ?' for name in columns)} where id = ?"
        connection.cursor().executemany(sql, zip(*columns.values(), ids.tolist(), strict=True))
    if batch.vectors is not None and len(batch.vectors):
        theirs = ids if batch.places is None else ids[batch.places]
        sql = "insert into embedding values (?, ?) on conflict do update set vector = excluded.vector"
        connection.cursor().executemany(sql, zip(theirs.tolist(), blobs(batch.vectors), strict=True))
        if batch.hashes:
            keep_items(connection, theirs.tolist(), batch.hashes, batch.vectors)


def ids_of(connection: apsw.Connection, space: Space, keys: Sequence[str | None]) -> dict[str, int]:
    """Return key → id of the items that are there."""
    wanted = tuple({key for key in keys if key is not None})
    if not wanted:
        return {}
    sql = "select key, id from item where library_id = ? and key in (select value from carray(?))"
    rows: Any = connection.execute(sql, (space.id, apsw.carray(wanted))).fetchall()
    return dict(rows)


def _taken(connection: apsw.Connection, space: Space, batch: Batch, first: int) -> Conflict | None:
    """Return the error for a key that an item before `first` has."""
    keys: list[str | None] = batch.columns.get("key", [])
    known = ids_of(connection, space, keys)
    index = next((index for index, key in enumerate(keys) if known.get(key or "", first) < first), None)
    if index is None:
        return None
    return Conflict(
        f"keys must be unique in {space.name!r}, got {keys[index]!r} at index {batch.first + index}, which is there "
        "already; pass on_conflict='update' or 'ignore'"
    )


def _run(work: Bulk, sql: str, rows: Iterator[tuple[Any, ...]], size: int) -> None:
    """Run one statement for each row; without triggers where that is safe and repays itself."""
    if size < FEWEST_WITHOUT_TRIGGERS:
        work.connection.cursor().executemany(sql, rows)
        return
    while some := list(islice(rows, SLICE_ROWS)):
        work.run(sql, some)
