"""Labels that exist: which one stood in the way of a batch, and how a batch goes on past them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import apsw

from ...connection.session import Session
from ...errors import Conflict, InvalidValue
from ..bulk import Bulk
from ..event_triggers import one_event
from .batch import Batch, properties_text
from .insert import SLICE_ROWS, insert

if TYPE_CHECKING:
    import numpy as np

_IDS_OF_LABELS = """
    select coalesce(token.id, 0)
      from json_each(?) as wanted
      left join token on token.label = wanted.value
     order by wanted.key"""


def ids_of_labels(connection: apsw.Connection, labels: list[Any]) -> np.ndarray:
    """Return the id of each label's token, 0 where there is none, (n,) int64."""
    import numpy as np

    ids: list[int] = []
    for start in range(0, len(labels), SLICE_ROWS):
        rows: Any = connection.execute(_IDS_OF_LABELS, (json.dumps(labels[start : start + SLICE_ROWS]),)).fetchall()
        ids += [number for (number,) in rows]
    return np.array(ids, np.int64)


def insert_or_keep(work: Bulk, batch: Batch, update: bool) -> np.ndarray:
    """Insert the rows whose labels are new; for the others return, and perhaps update, the token that has the label.

    The same as an upsert row by row: of equal labels in the batch the first inserts, the later ones find it.
    """
    import numpy as np

    labels = batch.labels
    assert labels is not None
    for start in range(0, batch.size, SLICE_ROWS):  # checked before JSON is made of them
        Batch(batch.size, labels=labels).rows(start, start + SLICE_ROWS)
    ids = ids_of_labels(work.connection, labels)
    first: dict[str, int] = {}
    new: list[int] = []
    for index in np.flatnonzero(ids == 0).tolist():
        label = labels[index]
        if label is None or first.setdefault(label, index) == index:
            new.append(index)
    ids[new] = insert(work, batch.take(new))
    later = np.setdiff1d(np.arange(batch.size), new)
    for index in later[ids[later] == 0].tolist():
        ids[index] = ids[first[labels[index]]]
    if update:
        with one_event(work.connection, "token.updated") as updated:
            _update(work.connection, batch.take(later.tolist()), ids[later])
            updated.add(np.unique(ids[later]))
    return ids


def _update(connection: apsw.Connection, batch: Batch, ids: np.ndarray) -> None:
    """Give tokens that exist the columns of their rows, one after the other, through the triggers."""
    names = [name for name in (*batch.columns, *batch.same) if name != "label"]
    if not names or not batch.size:
        return
    changes = ", ".join(f"{name} = ?{index}" for index, name in enumerate(names, 1))
    now, key = len(names) + 1, len(names) + 2
    sql = f"update token set {changes}, modified_ns = max(modified_ns + 1, ?{now}) where id = ?{key}"
    same, now_ns = tuple(batch.same.values()), time.time_ns()
    for start in range(0, batch.size, SLICE_ROWS):
        stop = min(start + SLICE_ROWS, batch.size)
        lists = [values for name, values in zip(batch.columns, batch.rows(start, stop), strict=True) if name != "label"]
        each = zip(*lists, strict=True) if lists else [()] * (stop - start)
        numbers = ids[start:stop].tolist()
        connection.executemany(sql, [(*row, *same, now_ns, number) for row, number in zip(each, numbers, strict=True)])


def first_conflict(session: Session, batch: Batch) -> Conflict | None:
    """Return the error for the first row whose id or label is taken, in the file or earlier in the batch."""
    if "id" in batch.each:
        found = _first_taken(session, "id", batch.each["id"].tolist())
        if found is not None:
            return found
    return None if batch.labels is None else _first_taken(session, "label", batch.labels)


def _first_taken(session: Session, column: str, values: list[Any]) -> Conflict | None:
    seen: dict[Any, int] = {}
    sql = f"select wanted.key, token.id from json_each(?) as wanted join token on token.{column} = wanted.value"
    for start in range(0, len(values), SLICE_ROWS):
        part = values[start : start + SLICE_ROWS]
        taken: dict[Any, Any] = dict(session.rows(f"{sql} order by wanted.key limit 1", (json.dumps(part),)))
        for index, value in enumerate(part, start):
            if index - start in taken:
                other = f"which token {taken[index - start]} has" if column == "label" else "which a token has"
                return Conflict(
                    f"{column} must be unique, got {value!r} at index {index}, {other}; "
                    + ("pass on_conflict='update' or 'ignore'" if column == "label" else "pass ids='remap'")
                )
            if value is not None and seen.setdefault(value, index) != index:
                return Conflict(f"{column} must be unique, got {value!r} at index {seen[value]} and at index {index}")
    return None


def not_json(session: Session, batch: Batch) -> InvalidValue | None:
    """Return the error for the first text in `properties` that is no JSON object."""
    for index, value in enumerate(batch.properties or ()):
        text = properties_text(value, index) if isinstance(value, str) else None
        if text is not None and not _is_object(session, text):
            return InvalidValue(f"properties must be the JSON text of an object, got {value!r} at index {index}")
    return None


def _is_object(session: Session, text: str) -> bool:
    """Ask SQLite twice: one expression of both would look at the type of what is no JSON, which is an error."""
    return session.rows("select json_valid(?)", (text,)) == [(1,)] and session.rows("select json_type(?)", (text,)) == [
        ("object",)
    ]
