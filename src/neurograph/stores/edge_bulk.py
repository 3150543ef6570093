"""Many edges written at once, for the stores that make edges. A part of the stores layer, not a store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import apsw

from ..errors import RuleViolated
from .bulk import Bulk

if TYPE_CHECKING:
    import numpy as np

SLICE = 16_384  # rows as Python objects at a time, so that memory stays flat
INSERT = """insert into edge (source, target, type, key, weight, bidirectional, properties)
            values (?, ?, ?, ?, ?, ?, ?) """

Columns = tuple[Any, Any, Any, Any, Any, Any, Any]
"""Arrays of one length: source, target, type, key, weight, bidirectional, properties."""


def rows(columns: Columns, order: np.ndarray | slice) -> Iterator[tuple[Any, ...]]:
    """Yield rows as plain Python values, a slice at a time."""
    ordered = [column[order] for column in columns]
    for start in range(0, len(columns[0]), SLICE):
        yield from zip(*(column[start : start + SLICE].tolist() for column in ordered), strict=True)


def insert_edges(run: Bulk, columns: Columns) -> None:
    """Insert edges without row triggers, then write what they would have written.

    The ends exist and `refuse_beyond_limits` has passed; an edge that exists already is `apsw.ConstraintError`.
    """
    import numpy as np

    source, target, kind, _, _, both, _ = columns
    connection = run.connection
    order = np.lexsort((target, kind, source))
    run.run(INSERT, rows(columns, order))
    _refuse_reverse(connection, columns)
    touched = _count(connection, source, target, both != 0)
    _refuse_degrees(connection, touched)
    run.mark("edge", np.unique(source >> 9).tolist())


def refuse_beyond_limits(connection: apsw.Connection, kind: np.ndarray, weight: np.ndarray) -> None:
    """Refuse weights and types that the constitution does not allow."""
    import numpy as np

    row: Any = connection.execute(
        "select validation, min_edge_weight, max_edge_weight, allowed_types from cdna_current"
    ).fetchone()
    validation, low, high, allowed = row
    if not validation:
        return
    wrong = np.flatnonzero(~((weight >= low) & (weight <= high)))
    if len(wrong):
        raise RuleViolated(
            f"weight must be within the constitution's limits ([{low}, {high}]; change them with "
            f"db.cdna.update(max_edge_weight=…)), got {float(weight[wrong[0]])!r} at index {wrong[0]}",
            "edge.weight",
        )
    for code in np.unique(kind).tolist():
        row = connection.execute("select allowed, name from connection_type where code = ?", (code,)).fetchone()
        if not (allowed[code] == "1" if code < 256 else row[0]):
            raise RuleViolated(
                "type must be one the constitution allows (allow it with db.cdna.allow_type), "
                f"got {row[1]!r} at index {int((kind == code).argmax())}",
                "edge.type",
            )


def _refuse_reverse(connection: apsw.Connection, columns: Columns) -> None:
    """Refuse a bidirectional edge beside its reverse.

    Costs one lookup for each bidirectional edge of the table, or for each of the new edges where these are fewer: among
    600,000 bidirectional ones, 2,560 new ones would else take ten times as long.
    """
    some = "select count(*) from (select 1 from edge indexed by edge_bidirectional where bidirectional limit ?)"
    ((count,),) = connection.execute(some, (len(columns[0]) + 1,)).fetchall()
    found: Any
    if count <= len(columns[0]):  # type: ignore[operator]
        found = connection.execute(
            """select a.source, a.target
                 from edge as a indexed by edge_bidirectional
                 join edge as b on b.source = a.target and b.type = a.type and b.target = a.source and b.key = a.key
                where a.bidirectional and a.source <> a.target
                limit 1"""
        ).fetchone()
    else:
        cursor = connection.executemany(
            """select target, source
                 from edge
                where source = ?2 and type = ?3 and target = ?1 and key = ?4 and source <> target
                  and (bidirectional or ?5)""",
            (row[:4] + row[5:6] for row in rows(columns, slice(None))),
        )
        found = cursor.fetchone()
        cursor.close(True)  # a statement that found something would stay open, and keep the transaction from its undo
    if found:
        raise RuleViolated(
            f"a bidirectional edge and its reverse can't coexist, got both between {found[0]} and {found[1]}",
            "edge.bidirectional",
        )


def _count(connection: apsw.Connection, source: np.ndarray, target: np.ndarray, both: np.ndarray) -> np.ndarray:
    """Add the edges to the counters, and return the ids touched."""
    import numpy as np

    ids, place = np.unique(np.concatenate((source, target)), return_inverse=True)
    near, far = place[: len(source)], place[len(source) :]
    loop = near == far
    counts = [
        np.bincount(near, minlength=len(ids)) + np.bincount(far[both & ~loop], minlength=len(ids)),
        np.bincount(far, minlength=len(ids)) + np.bincount(near[both & ~loop], minlength=len(ids)),
        np.bincount(near, minlength=len(ids)) + np.bincount(far[~loop], minlength=len(ids)),
    ]
    connection.executemany(
        """insert into degree values (?, ?, ?, ?)
               on conflict do update
              set outgoing = outgoing + excluded.outgoing, incoming = incoming + excluded.incoming,
                  total = total + excluded.total""",
        zip(ids.tolist(), *(count.tolist() for count in counts), strict=True),
    )
    return ids


def _refuse_degrees(connection: apsw.Connection, ids: np.ndarray) -> None:
    """Refuse more edges at a token than the constitution allows."""
    for column, limit in (("outgoing", "out_degree"), ("incoming", "in_degree"), ("total", "total_degree")):
        found: Any = connection.execute(
            f"""select d.token_id, d.{column}, c.max_{limit}
                  from carray(?) as a
                  join degree as d on d.token_id = a.value
                  join cdna_current as c
                 where c.validation and d.{column} > c.max_{limit}
                 limit 1""",
            (apsw.carray(ids),),
        ).fetchone()
        if found:
            raise RuleViolated(
                f"a token must not have more edges than the constitution allows (max_{limit} is {found[2]}; change it "
                f"with db.cdna.update(max_{limit}=…)), got {found[1]} at the token {found[0]}",
                f"edge.{limit}",
            )
