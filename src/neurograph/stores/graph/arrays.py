"""The graph as derived arrays: what kernels walk, kept true chunk by chunk.

Invariants:

1. `rows` holds the edges of each chunk of sources in order of the primary key: (source, type, target, key).
2. `adjacency` holds what `run_build` would make of all rows. The entries of a node are in order of type and neighbor
   id; among equal ones the node's own edges come first, in order of key, then the far ends of bidirectional ones.
3. A node whose edges are all gone keeps its slot, without entries, until the next build.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import apsw

from ...derived.kind import CHUNK_BITS, CHUNK_IDS, Columns, Kind, Tick

if TYPE_CHECKING:
    import numpy as np

    from ...kernels.adjacency import Adjacency
    from ...kernels.graph_build import SlotIndex

MOST_PATCHED = 2_000  # changed rows; beyond, building anew (30 ms for 1M edges) is cheaper than patching
DTYPES = ["<i8", "<i8", "<i4", "<f8", "|u1"]  # source, target, type, weight, bidirectional
ROW_BYTES = 29 + 2 * 20  # as rows, and as entries of both directions with some slack
Group = tuple[int, int, int]  # source id, type, target id: the edges that differ in their keys alone


@dataclass
class GraphArrays:
    """The edges of a graph as arrays."""

    rows: dict[int, Columns]
    adjacency: Adjacency
    index: SlotIndex

    def columns(self) -> Columns:
        """Return all rows, as `GraphKind.read` does."""
        import numpy as np

        parts = [self.rows[chunk] for chunk in sorted(self.rows)]
        if not parts:
            return [np.zeros(0, dtype) for dtype in DTYPES]
        return [np.concatenate(column) for column in zip(*parts, strict=True)]


class GraphKind(Kind["GraphArrays"]):
    """The kind of derived arrays behind `db.graph`."""

    name = "graph"
    subject = "edge"
    format = 1

    def read(self, connection: apsw.Connection, first: int, last: int) -> Columns:
        """Return source, target, type, weight and bidirectional of the edges whose source is in range."""
        import numpy as np

        rows: Any = connection.execute(
            """select source, target, type, weight, bidirectional
                 from edge
                where source between ? and ?
                order by source, type, target, key""",
            (first, last),
        ).fetchall()
        columns = zip(*rows, strict=True) if rows else ((),) * len(DTYPES)
        return [np.fromiter(column, dtype, len(rows)) for column, dtype in zip(columns, DTYPES, strict=True)]

    def valid(self, columns: Columns) -> bool:
        """Tell whether loaded columns are what `read` returns: dtypes, lengths, ranges, finite weights."""
        import numpy as np

        if [column.dtype.str for column in columns] != DTYPES:
            return False
        _, target, kind, weight, bidirectional = columns
        return not len(target) or bool(
            target.min() > 0 and kind.min() >= 0 and np.isfinite(weight).all() and bidirectional.max() <= 1
        )

    def build(self, columns: Columns) -> GraphArrays:
        """Build adjacency from all rows."""
        import numpy as np

        from ...kernels.graph_build import SlotIndex, node_ids, run_build

        source, target, kind, weight, bidirectional = columns
        ids = node_ids(source, target)
        index = SlotIndex(ids)
        adjacency = run_build(ids, index.slots(source), index.slots(target), weight, kind, bidirectional)
        chunks = source >> CHUNK_BITS
        first = np.flatnonzero(np.diff(chunks, prepend=-1))
        bounds = [*first.tolist(), len(source)]
        rows = {int(chunks[low]): [column[low:high] for column in columns] for low, high in pairwise(bounds)}
        return GraphArrays(rows, adjacency, index)

    def patch(self, arrays: GraphArrays, chunks: list[int], columns: Columns) -> GraphArrays:
        """Replace the edges that leave `chunks`. Costs what changed: one edge of 1M takes about 0.2 ms."""
        import numpy as np

        first = np.array(chunks, np.int64) << CHUNK_BITS
        lows = np.searchsorted(columns[0], first).tolist()
        highs = np.searchsorted(columns[0], first + (CHUNK_IDS - 1), "right").tolist()  # the next one's may overflow
        changed: list[tuple[Group, Columns, Columns]] = []
        empty = [column[:0] for column in columns]
        for chunk, low, high in zip(chunks, lows, highs, strict=True):
            new = [column[low:high] for column in columns]
            old = arrays.rows.get(chunk, empty)
            changed += _changed_groups(old, new) if len(changed) <= MOST_PATCHED else []
            if len(new[0]):
                arrays.rows[chunk] = new
            else:
                arrays.rows.pop(chunk, None)
        if len(changed) > MOST_PATCHED or arrays.adjacency.slack() > 0.5:
            return self.build(arrays.columns())
        _add_nodes(arrays, changed)
        for group, old, new in changed:
            _replace_group(arrays, group, old, new)
        return arrays

    def copy(self, arrays: GraphArrays, tick: Tick) -> GraphArrays:
        """Copy what `patch` changes in place."""
        return GraphArrays(dict(arrays.rows), arrays.adjacency.copy(), arrays.index)

    def nbytes(self, arrays: GraphArrays) -> int:
        """Return the bytes of rows, entries and index."""
        rows = sum(column.nbytes for columns in arrays.rows.values() for column in columns)
        return rows + arrays.adjacency.nbytes + arrays.index.nbytes

    def estimate(self, connection: apsw.Connection, chunks: int) -> tuple[int, int]:
        """Count the edges by their counters: 0.1 µs a token that has any."""
        rows: Any = connection.execute("select total(outgoing), count(*) from degree").fetchall()
        return int(rows[0][0]), int(rows[0][0]) * ROW_BYTES + rows[0][1] * 60


GRAPH = GraphKind()


def _changed_groups(old: Columns, new: Columns) -> list[tuple[Group, Columns, Columns]]:
    """Return the groups of rows that differ, each with its old and new weights and directions."""
    import numpy as np

    shared = min(len(old[0]), len(new[0]))
    same = np.ones(shared, np.bool_)
    for a, b in zip(old, new, strict=True):
        same &= a[:shared] == b[:shared]
    head = shared if same.all() else int(np.argmin(same))
    same = np.ones(shared - head, np.bool_)
    for a, b in zip(old, new, strict=True):
        same &= a[len(a) - len(same) :] == b[len(b) - len(same) :]
    tail = len(same) if same.all() else int(np.argmin(same[::-1]))
    groups: set[Group] = set()
    for side in (old, new):
        source, target, kind = (column[head : len(column) - tail].tolist() for column in side[:3])
        groups.update(zip(source, kind, target, strict=True))
    if len(groups) > MOST_PATCHED:
        return [((0, 0, 0), old, new)] * (MOST_PATCHED + 1)
    return [(group, _of_group(old, group), _of_group(new, group)) for group in sorted(groups)]


def _of_group(columns: Columns, group: Group) -> Columns:
    """Return weight and bidirectional of a group's rows."""
    source, target, kind, weight, bidirectional = columns
    mine = (source == group[0]) & (kind == group[1]) & (target == group[2])
    return [weight[mine], bidirectional[mine]]


def _add_nodes(arrays: GraphArrays, changed: list[tuple[Group, Columns, Columns]]) -> None:
    import numpy as np

    from ...kernels.graph_build import SlotIndex

    ids = np.array(sorted({id for group, _, _ in changed for id in (group[0], group[2])}), np.int64)
    if len(arrays.adjacency.ids):
        ids = ids[arrays.index.slots(ids) < 0]
    if len(ids):
        arrays.adjacency.append(ids)
        arrays.index = SlotIndex(arrays.adjacency.ids)


def _replace_group(arrays: GraphArrays, group: Group, old: Columns, new: Columns) -> None:
    """Replace the entries of one group at both ends, and those of its bidirectional edges back."""
    source, kind, target = group
    near, far = arrays.index.slot(source), arrays.index.slot(target)
    _replace_entries(arrays.adjacency, 0, near, far, kind, True, len(old[0]), new[0])
    _replace_entries(arrays.adjacency, 1, far, near, kind, True, len(old[0]), new[0])
    if near != far:
        gone, back = int(old[1].sum()), new[0][new[1] != 0]
        _replace_entries(arrays.adjacency, 0, far, near, kind, False, gone, back)
        _replace_entries(arrays.adjacency, 1, near, far, kind, False, gone, back)


def _replace_entries(
    adjacency: Adjacency, side: int, slot: int, far: int, kind: int, own: bool, gone: int, weights: np.ndarray
) -> None:
    """Replace the entries of `slot` towards `far`: its own, or the far ends of the other's; `gone` of them."""
    import numpy as np

    if not gone and not len(weights):
        return
    entries = adjacency.entries
    at = slice(*entries.span[side, slot].tolist())
    neighbor, weight, kinds = entries.neighbor[at], entries.weight[at], entries.kind[at]
    ids, id = adjacency.ids[neighbor], adjacency.ids[far]
    before = (kinds < kind) | ((kinds == kind) & (ids < id))
    if not own:
        before |= (kinds == kind) & (ids == id)
    place = int(before.sum()) - (0 if own else gone)

    def spliced(column: np.ndarray, filling: Any) -> np.ndarray:
        return np.concatenate((column[:place], np.full(len(weights), filling, column.dtype), column[place + gone :]))

    weight = np.concatenate((weight[:place], weights, weight[place + gone :]))
    adjacency.replace(side, slot, spliced(neighbor, far), weight, spliced(kinds, kind))
