"""The statements that write a batch: many rows in each, without triggers where that is safe.

A statement with 128 rows writes 1.6 times as fast as 128 statements with one (three levels set): SQLite seeks and looks
up the next id once. Its parameters are numbered by column, so that bindings are slices of the columns put one after
another.

Labels that come in no order get a statement each: they touch as many pages of their index as there are rows, and SQLite
keeps a copy of every page that a statement of many rows changes (0.75 times as fast as one row each; in order, 1.6).
"""

from __future__ import annotations

import operator
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice, repeat
from typing import TYPE_CHECKING, Any

from ...derived.kind import CHUNK_BITS
from ...errors import RuleViolated
from ..bulk import Bulk
from ..event_triggers import one_event

if TYPE_CHECKING:
    import numpy as np

    from .batch import Batch

SLICE_ROWS = 16_384  # turned into lists at a time, so that memory stays flat
STATEMENT_ROWS = 128
STATEMENT_BYTES = (
    16_000  # apsw keeps no longer text prepared (16 KiB): 222 rows a statement were 15 times slower than 128
)
FEWEST_WITHOUT_TRIGGERS = 64  # below, switching triggers off costs more than it saves
LIMITED = ("weight", "field_radius", "field_strength")


def insert(bulk: Bulk, batch: Batch) -> np.ndarray:
    """Write the rows of a checked batch and return their ids in order, (n,) int64."""
    import numpy as np

    if not batch.size:
        return np.empty(0, np.int64)
    require_limits(bulk, batch)
    with one_event(bulk.connection, "token.created") as created:
        ids = _insert(bulk, batch)
        created.add(ids)
    return ids


def _insert(bulk: Bulk, batch: Batch) -> np.ndarray:
    import numpy as np

    now_ns = time.time_ns()
    same = {"created_ns": now_ns, "modified_ns": now_ns, **batch.same}
    same = {name: value for name, value in same.items() if name not in batch.each}
    if not bulk.fast or batch.size < FEWEST_WITHOUT_TRIGGERS:
        return _insert_by_row(bulk, batch, same)
    columns = batch.columns
    most = statement_rows(columns, tuple(same))
    step = SLICE_ROWS // most * most
    for start in range(0, batch.size, step):
        size = min(step, batch.size - start)
        lists = batch.rows(start, start + size)
        rows = most if batch.labels is None or _ascending(batch.labels[start : start + size]) else 1
        whole = size // rows * rows
        if whole:
            bulk.run(insert_sql(columns, tuple(same), rows), _bindings(lists, same, 0, whole, rows))
        if whole < size:
            rest = size - whole
            bulk.run(insert_sql(columns, tuple(same), rest), _bindings(lists, same, whole, size, rest))
    if "id" in batch.each:
        ids = batch.each["id"]
        bulk.mark("token", np.unique(ids >> CHUNK_BITS).tolist())
        return ids
    last = bulk.connection.last_insert_rowid()
    first = last - batch.size + 1
    bulk.mark("token", range(first >> CHUNK_BITS, (last >> CHUNK_BITS) + 1))
    return np.arange(first, last + 1)


def _ascending(labels: list[Any]) -> bool:
    """Tell whether labels stand in the order of their index; None is not in it."""
    there = [label for label in labels if label is not None]
    return all(map(operator.lt, there, there[1:]))


def _insert_by_row(bulk: Bulk, batch: Batch, same: dict[str, Any]) -> np.ndarray:
    """Write one row a statement: for a few rows, and where a user's own triggers may insert tokens in between."""
    import numpy as np

    sql = insert_sql(batch.columns, tuple(same), 1) + " returning id"
    ids: list[int] = []
    for start in range(0, batch.size, SLICE_ROWS):
        stop = min(start + SLICE_ROWS, batch.size)
        rows = _bindings(batch.rows(start, stop), same, 0, stop - start, 1)
        # A list: the traceback of Ctrl-C would keep the cursor of a comprehension, and with it the statement, open.
        ids += [number for (number,) in list(bulk.connection.cursor().executemany(sql, rows))]
    return np.array(ids, np.int64)


def _bindings(
    lists: list[list[Any]], same: dict[str, Any], start: int, stop: int, rows: int
) -> Iterator[Sequence[Any]]:
    """Yield the values of each statement: column after column, then what all rows share."""
    shared = [*same.values()]
    if rows == 1:
        each = (islice(column, start, stop) for column in lists)
        yield from zip(*each, *(repeat(value, stop - start) for value in shared), strict=True)
        return
    for at in range(start, stop, rows):
        yield [*chain.from_iterable([column[at : at + rows] for column in lists]), *shared]


@lru_cache(maxsize=64)
def statement_rows(columns: tuple[str, ...], same: tuple[str, ...]) -> int:
    """Return how many rows to write with one statement."""
    rows = STATEMENT_ROWS
    while rows > 8 and len(insert_sql(columns, same, rows)) > STATEMENT_BYTES:
        rows -= 8
    return rows


@lru_cache(maxsize=64)
def insert_sql(columns: tuple[str, ...], same: tuple[str, ...], rows: int) -> str:
    """Return the insert of `rows` rows; the n values of a column come first, those of the next after them."""
    shared = [f"?{len(columns) * rows + 1 + index}" for index in range(len(same))]
    values = (
        ", ".join([*(f"?{index * rows + row + 1}" for index in range(len(columns))), *shared]) for row in range(rows)
    )
    return f"insert into token ({', '.join((*columns, *same))}) values ({'), ('.join(values)})"


def require_limits(bulk: Bulk, batch: Batch) -> None:
    """Refuse what the constitution refuses, as the triggers do, and name the row."""
    names = ", ".join(f"min_{name}, max_{name}" for name in ("token_weight", "field_radius", "field_strength"))
    row: Any = bulk.connection.execute(f"select validation, {names} from cdna_current").fetchone()
    validation, *limits = row
    if not validation:
        return
    for name, low, high in zip(LIMITED, limits[::2], limits[1::2], strict=True):
        column = batch.each.get(name)
        value: Any = batch.same.get(name)
        where = ""
        if column is not None:
            bad = (column < low) | (column > high)
            if bad.any():
                index = int(bad.argmax())
                value, where = column[index].item(), f" at index {index}"
        if value is not None and not low <= value <= high:
            field = "max_token_weight" if name == "weight" else f"max_{name}"
            raise RuleViolated(
                f"{name} must be within the constitution's limits ([{low}, {high}]; "
                f"change them with db.cdna.update({field}=…)), got {value!r}{where}",
                f"token.{name}",
            )
    _require_allowed_types(bulk, batch)


def _require_allowed_types(bulk: Bulk, batch: Batch) -> None:
    rows: Any = bulk.connection.execute("select code from entity_type where not allowed and code > 255").fetchall()
    refused = {code for (code,) in rows}
    column = batch.each.get("entity_type")
    used = {batch.same.get("entity_type")} if column is None else set(column.tolist()) if refused else set()
    if refused & used:
        code = min(refused & used)
        where = "" if column is None else f" at index {int((column == code).argmax())}"
        raise RuleViolated(
            f"entity_type must be one whose row allows it, got {code!r}{where}; set `allowed` of its row to 1",
            "token.entity_type",
        )
