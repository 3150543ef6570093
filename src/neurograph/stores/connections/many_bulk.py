"""Many connections and their edges written without row triggers, where nothing stands in the way.

Invariants:

1. What is written is what the triggers would have written, table for table; a test compares the two.
2. Nothing is refused here. Where anything would be, all of it is undone and None is returned: the row path then says
   what is wrong, and where.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apsw

from ...connection.session import Session
from ...errors import Conflict, RuleViolated
from ..bulk import Bulk, bulk
from ..edge_bulk import insert_edges, refuse_beyond_limits
from .columns import Column
from .values import BIDIRECTIONAL

if TYPE_CHECKING:
    import numpy as np

FEWEST_ROWS = 512  # below, the triggers cost less than switching them off and counting in bulk
Places = tuple[Column, Column, Column, Column]  # source, type, target, key
Edges = tuple[Column | None, Column | None, Column | None]  # weight, bidirectional, properties; None: not given

# One row for each run, whether the edge is there or not.
_EDGE = """
    select e.weight, e.bidirectional
      from (select 1)
      left join edge as e on e.source = ? and e.type = ? and e.target = ? and e.key = ?"""


class _InTheWayError(Exception):
    """The row path has to do it."""


def insert(session: Session, places: Places, edges: Edges, values: dict[str, Column]) -> np.ndarray | None:
    """Insert checked columns and return the ids; None where the row path has to do it, and nothing was written."""
    if len(places[0]) < FEWEST_ROWS:
        return None
    try:
        with bulk(session, "edge") as edge_run, bulk(session, "connection") as run:
            if not (edge_run.fast and run.fast):
                raise _InTheWayError
            return _insert(edge_run, run, places, edges, values)
    except (_InTheWayError, RuleViolated, Conflict, apsw.ConstraintError):
        return None


def _insert(edge_run: Bulk, run: Bulk, places: Places, edges: Edges, values: dict[str, Column]) -> np.ndarray:
    import numpy as np

    connection = run.connection
    flags = np.array(values["flags"], np.int64)
    weight, missing = _edges_there(connection, places, edges, flags)
    if len(missing):
        insert_edges(edge_run, _new_edges(connection, places, edges, flags, missing))
    _refuse_beyond_limits(connection, places[1], weight, values)
    columns = {**values, "flags": flags.tolist()}
    if "pull" not in columns:
        row: Any = connection.execute("select default_pull from cdna_current").fetchone()
        columns["pull"] = [row[0]] * len(flags)
    names = ["source", "type", "target", "key", *columns]
    sql = f"insert into connection ({', '.join(names)}) values ({', '.join('?' * len(names))})"
    run.run(sql, zip(*places, *columns.values(), strict=True))
    last = connection.last_insert_rowid()
    return np.arange(last - len(flags) + 1, last + 1)


def _edges_there(
    connection: apsw.Connection, places: Places, edges: Edges, flags: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weight of each edge, and which are not there; add the directions of those that are to `flags`."""
    import numpy as np

    found: Any = connection.executemany(_EDGE, zip(*places, strict=True)).fetchall()
    weights = np.array([row[0] for row in found], np.float64)  # NaN: not there
    there = ~np.isnan(weights)
    both = np.array([row[1] or 0 for row in found], np.int64)
    if there.any():
        turned = there & ((flags & BIDIRECTIONAL) != 0) & (both == 0)
        if any(column is not None for column in edges) or turned.any():
            raise _InTheWayError  # edges that exist would change
        flags |= both * BIDIRECTIONAL
    missing = np.flatnonzero(~there)
    weights[missing] = 1.0 if edges[0] is None else np.array(edges[0], np.float64)[missing]
    return weights, missing


def _new_edges(
    connection: apsw.Connection, places: Places, edges: Edges, flags: np.ndarray, missing: np.ndarray
) -> tuple[Any, ...]:
    """Return the columns of the edges that are not there, within the constitution's limits."""
    import numpy as np

    n = len(flags)
    source, kind, target = (np.array(column, np.int64)[missing] for column in places[:3])
    weight = np.array([1.0] * n if edges[0] is None else edges[0], np.float64)[missing]
    key, properties = (
        np.array(column, object)[missing] for column in (places[3], edges[2] if edges[2] is not None else [None] * n)
    )
    refuse_beyond_limits(connection, kind, weight)
    both = (flags[missing] & BIDIRECTIONAL) // BIDIRECTIONAL
    return source, target, kind, key, weight, both, properties


def _refuse_beyond_limits(
    connection: apsw.Connection, kinds: Column, weight: np.ndarray, values: dict[str, Column]
) -> None:
    """Leave what a connection's own limits refuse to the row path."""
    import numpy as np

    row: Any = connection.execute(
        """select validation, min_pull, max_pull, min_rigidity, max_rigidity, min_connection_weight,
                  max_connection_weight, default_pull, allowed_types
             from cdna_current"""
    ).fetchone()
    validation, *limits, default_pull, allowed = row
    if not validation:
        return
    columns = (values.get("pull", [default_pull]), values["rigidity"], weight)
    for column, low, high in zip(columns, limits[::2], limits[1::2], strict=True):
        array = np.asarray(column, np.float64)
        if not ((array >= low) & (array <= high)).all():
            raise _InTheWayError
    for code in set(kinds):
        sql = "select allowed from connection_type where code = ?"
        switch: Any = (allowed[code] == "1",) if code < 256 else connection.execute(sql, (code,)).fetchone()
        if not switch[0]:
            raise _InTheWayError
