"""Nearest neighbors by partitions, in SQL: a process that was just started reads few rows and loads no numpy.

The partitions whose centroids are nearest are asked for the items whose codes promise most; what lies in chunks that
changed since is asked of the rows; of what both name, the rows decide (`scan.nearest`), so distances are exact and
ordered as always, and only members of the answer may be missing.

Invariants:

1. No answer depends on partitions unless a recall below 1 was asked for.
2. Whatever the tables hold, an answer is one of items that are there, with their true distances, and of k of them
   where there are k; what can't be read is as good as no partitions.
3. An item whose chunk changed since it was placed is looked at itself, an item that is gone never found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from struct import unpack

import apsw

from ....connection.line import Line
from ....connection.paths import ROWS
from ....derived.kind import CHUNK_BITS, CHUNK_IDS
from ...arguments import bound_ids
from ..base import Space
from ..nearest.scan import MORE, Found, Question
from ..nearest.scan import nearest as by_rows
from .turn import turn_one

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple
else:
    from ....model.typed import NamedTuple

MOST_CHANGED = 0.1  # of the chunks; beyond, looking at their rows takes longer than partitions spare
MOST = 1 << 32  # candidates: more than a library holds
LEAST_NORM, GREATEST_NORM = 2.0**-50, 2.0**60  # of queries, where float32 sums neither over- nor underflow

DIRTY = """
    select mark.chunk
      from mark
      left join partition_chunk as kept on kept.partitioning_id = ?1 and kept.chunk = mark.chunk
     where mark.subject = 'embedding' and mark.chunk between ?2 and ?3 and kept.nonce is not mark.nonce"""


InUse = tuple[int, bytes]
"""The id of a partitioning, and what queries are taken from."""


class Reach(NamedTuple):
    """How far a search has to look."""

    partitions: int
    """So many of them."""
    candidates: int
    """So many items of theirs."""
    recall: float
    """The mean recall that a sample of the library had."""


def nearest(
    line: Line, space: Space, norms: Any, asked: Question, queries: Sequence[bytes], recall: float, without: int = 0
) -> tuple[list[Found], float] | None:
    """Return ids and distances of items near to each of `queries`, and the recall that a sample had with as far a look.

    None where there are no partitions, they don't reach that recall, too much changed since, or what is asked is not
    what was measured: conditions, a page behind another, more than the most neighbors that were counted; nor where they
    have fewer than that many. Of what is asked for, `without` are no neighbors but what is left out.
    """
    if asked.after is not None or asked.among or asked.max_distance < math.inf or asked.k <= without:
        return None
    try:
        using = in_use(line.connection, space)
        reach = using and reach_of(line.connection, using[0], asked.k - without, recall)
        if using is None or reach is None:
            return None
        changed = changed_chunks(line.connection, space, using[0])
        if changed is None:
            return None
        wanted, found = reach._replace(candidates=min(reach.candidates, MOST) + without), []
        for query in queries:
            ids = candidates(line.connection, space, using, query, wanted, changed)
            if ids is None:
                return None
            line.tick()
            ids += _of_chunks(line.connection, space, asked._replace(query=query), changed)
            near = asked._replace(query=query, among="select value from carray(?)", bindings=[bound_ids(ids)])
            found.append(by_rows(line.connection, space, norms, near, line.tick))
            if len(found[-1][0]) < asked.k:  # so few vectors, or tables that lack some
                return None
    except apsw.SQLError:  # blobs that are no codes and no centroids
        return None
    if line.paths is not None:
        line.took(ROWS, f"{reach.partitions} partitions, {reach.candidates} candidates")
    return found, reach.recall


def reach_now(line: Line, space: Space, k: int, recall: float) -> Reach | None:
    """Return how far partitions would have to look, None where they can't answer that."""
    try:
        using = in_use(line.connection, space)
        return None if using is None else reach_of(line.connection, using[0], k, recall)
    except apsw.SQLError:
        return None


def in_use(connection: apsw.Connection, space: Space) -> InUse | None:
    """Return the partitioning of a library that is in use."""
    rows: Any = connection.execute(
        """select id, middle
             from partitioning
            where library_id = ? and complete and length(middle) = ?
            order by id desc
            limit 1""",
        (space.id, 4 * space.dimension),
    ).fetchall()
    return rows[0] if rows else None


def reach_of(connection: apsw.Connection, partitioning: int, k: int, recall: float) -> Reach | None:
    """Return how far to look for the k nearest, None where that recall was not reached or nobody measured."""
    rows: Any = connection.execute(
        """select partitions, candidates, measured
             from partition_reach
            where partitioning_id = ? and k >= ? and recall >= ?
            order by k, recall
            limit 1""",
        (partitioning, k, recall),
    ).fetchall()
    return Reach(*rows[0]) if rows else None


def changed_chunks(connection: apsw.Connection, space: Space, partitioning: int) -> list[int] | None:
    """Return the chunks that changed since their vectors were placed, None where they are too many."""
    first, last = space.first_id >> CHUNK_BITS, space.last_id >> CHUNK_BITS
    rows: Any = connection.execute(DIRTY, (partitioning, first, last)).fetchall()
    most = "select count(*) from mark where subject = 'embedding' and chunk between ? and ?"
    if len(rows) > 1:
        counted: Any = connection.execute(most, (first, last)).fetchall()
        if len(rows) > max(MOST_CHANGED * counted[0][0], 1):
            return None
    return [row[0] for row in rows]


def candidates(
    connection: apsw.Connection, space: Space, using: InUse, query: bytes, reach: Reach, changed: Sequence[int] = ()
) -> list[int] | None:
    """Return the ids that codes promise most of, nearest first; None for a query that they can't tell of."""
    asking = _asking(space, using[1], query)
    if asking is None:
        return None
    code, spread, said, base = asking
    inside = "and item.id >> ?8 not in (select value from carray(?9))" if changed else "and ?8 and ?9 is null"
    rows: Any = connection.execute(
        f"""with {_probed(space, said, base)}
            select item.id
              from probed
             cross join partition_item as item on item.partitioning_id = ?1 and item.number = probed.number {inside}
             order by probed.base + shift + factor * (?4 - ?5 * vec_distance_hamming(vec_bit(code), vec_bit(?6))),
                      item.id
             limit ?7""",
        (
            using[0], query, reach.partitions, spread * space.dimension, 2 * spread, code,
            reach.candidates, CHUNK_BITS, bound_ids(changed),
        ),
    ).fetchall()  # fmt: skip
    return [row[0] for row in rows]


def partitions_in_order(connection: apsw.Connection, space: Space, using: InUse, query: bytes) -> list[int] | None:
    """Return the numbers of all partitions in the order `candidates` looks at them; None where it returns None."""
    asking = _asking(space, using[1], query)
    if asking is None:
        return None
    sql = f"with {_probed(space, *asking[2:])} select number from probed"
    rows: Any = connection.execute(sql, (using[0], query, -1)).fetchall()
    return [row[0] for row in rows]


def _probed(space: Space, said: str, base: str) -> str:
    """Return SQL of the ``?3`` partitions of ``?1`` that are nearest to the query ``?2``, nearest first."""
    return f"""
        center as materialized (
            select number, norm, {said} as far from partition_center where partitioning_id = ?1),
        probed as materialized (
            select number, {base} as base
              from center
             where far is not null
             order by {base if space.metric == "dot" else "far"}, number
             limit ?3)"""


def _asking(space: Space, middle: bytes, query: bytes) -> tuple[bytes, float, str, str] | None:
    """Return a query's code, what a bit of it stands for, and as SQL how far a centroid is and what it adds to keys."""
    form = f"<{space.dimension}f"
    numbers = unpack(form, query)
    length = math.sqrt(math.fsum(x * x for x in numbers))
    if not (LEAST_NORM <= length <= GREATEST_NORM or (length == 0.0 and space.metric == "l2")):
        return None
    if space.metric == "cosine":
        numbers = tuple(x / length for x in numbers)
        length = 1.0
    turned = turn_one([x - m for x, m in zip(numbers, unpack(form, middle), strict=True)])
    spread = math.fsum(map(abs, turned)) / space.dimension
    width = (space.dimension + 7) // 8
    bits = "".join(["1" if x > 0.0 else "0" for x in turned]).ljust(8 * width, "0")
    code = int(bits, 2).to_bytes(width, "big")
    if space.metric == "l2":
        return code, spread, "vec_distance_l2(centroid, ?2)", "far * far"
    return code, spread, "vec_distance_cosine(centroid, ?2)", f"(far - 1.0) * norm * {length!r}"


def _of_chunks(connection: apsw.Connection, space: Space, asked: Question, changed: Sequence[int]) -> list[int]:
    """Return the ids of what is near among the vectors of chunks."""
    if not changed:
        return []
    said = "cosine" if space.metric == "cosine" else "l2"
    far = f"vec_distance_{said}(vector, ?1)"
    if space.metric == "dot":
        far = "(vec_distance_cosine(vector, ?1) - 1.0) * vec_distance_l2(vector, ?6)"
    rows: Any = connection.execute(
        f"""select embedding.id
              from carray(?2) as changed
             cross join embedding on embedding.id between changed.value << ?3 and (changed.value << ?3) + ?4
             where length(vector) = ?5
             order by coalesce({far}, 9e999) + 0 * length(?6)
             limit {asked.k + MORE}""",
        (asked.query, bound_ids(changed), CHUNK_BITS, CHUNK_IDS - 1, 4 * space.dimension, bytes(4 * space.dimension)),
    ).fetchall()
    return [row[0] for row in rows]
