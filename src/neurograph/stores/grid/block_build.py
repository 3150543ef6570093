"""Saving the points of a level as blocks in order of space, and comparing what is saved with the rows.

The order is sort-tile-recursive packing (Leutenegger, López, Edgington: STR, a simple and efficient algorithm for
R-tree packing, 1997): slabs of equal size along x, in each slab columns of equal size along y, in each column runs
along z; first for groups, then inside each group for its blocks.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import apsw

from ...connection.line import Line
from ...connection.session import Session
from ...derived.kind import CHUNK_BITS, Columns
from ...derived.mechanism import all_rows
from ...derived.saved import checksum, nonces_of
from .arrays import LEVEL_KINDS
from .blocks import (
    BLOCK,
    FORMAT,
    GROUP,
    HEADER,
    MAGIC,
    are_saved,
    read_directory,
    read_group,
    stale_chunks,
    subject,
)

if TYPE_CHECKING:
    import numpy as np

LEAST = 2 * GROUP  # points; reading that many rows takes about as long as a search in blocks
WORN = 0.02  # of all chunks stale: saved again
SLICE = 32  # groups written while the write lock is held: 4 MB


def save_blocks(session: Session, level: str, budget_bytes: int) -> int:
    """Save the points of a level as blocks, unless those that are saved are true for nearly all of it.

    Returns
    -------
    int
        The bytes written; 0 where there are too few points to bother, or too many for the budget.

    Notes
    -----
    Rows are read in one state and written for that state's nonces, so no lock is held meanwhile.
    """
    with session.reading() as line:
        directory = read_directory(line.connection, level) if are_saved(line.connection, level) else None
        if directory is not None and len(stale_chunks(line.connection, directory)) <= WORN * len(directory.nonces):
            return 0
        nonces = nonces_of(line.connection, "token")
        columns = _points(line, level, nonces)
    n = len(columns[0])
    if n < LEAST or 33 * n > budget_bytes:
        return 0
    number, written = secrets.randbits(62), 0
    session.change("delete from derived_chunk where subject = ?", (subject(level),))
    boxes: list[Any] = []
    groups = enumerate(_groups(columns, boxes), 1)
    left = True
    while left:  # the directory comes last: without it the groups are nothing
        with session.transaction():
            for at, body in groups:
                written += _write(session, level, at, number, body)
                if at % SLICE == 0:
                    break
            else:
                written += _write(session, level, 0, number, _directory(boxes, nonces))
                left = False
    return written


def differing_blocks(connection: apsw.Connection, level: str) -> list[tuple[str, int]]:
    """Return (subject, group) of the blocks a search would trust and that differ from the rows, group 0 for all."""
    import numpy as np

    directory = read_directory(connection, level) if are_saved(connection, level) else None
    if directory is None:
        return []
    kind, found, points = LEVEL_KINDS[level], [], []
    for at in range(1, len(directory.boxes) // 6 + 1):
        group = read_group(connection, level, at, directory.number)
        if group is None:
            continue  # a search notices it too, and reads the rows
        columns = [np.asarray(column) for column in (group.ids, group.x, group.y, group.z)]
        whole = _boxes(columns, len(columns[0]))[0].tolist() == directory.boxes[6 * at - 6 : 6 * at].tolist()
        if not whole or _boxes(columns, BLOCK).ravel().tolist() != group.boxes.tolist():
            found.append((subject(level), at))
        points.append(columns)
    fresh = directory.nonces.keys() - stale_chunks(connection, directory)
    kept = [np.concatenate(column) for column in zip(*points, strict=True)] if points else kind.read(connection, 1, 0)
    order = np.argsort(kept[0], kind="stable")
    order = order[np.isin(kept[0][order] >> CHUNK_BITS, np.array(sorted(fresh), np.int64))]
    rows = [kind.read(connection, chunk << CHUNK_BITS, (chunk + 1 << CHUNK_BITS) - 1) for chunk in sorted(fresh)]
    truth = [np.concatenate(column) for column in zip(*rows, strict=True)] if rows else kind.read(connection, 1, 0)
    if any(not np.array_equal(a[order], b) for a, b in zip(kept[:4], truth[:4], strict=True)):
        found.append((subject(level), 0))
    return found


def _points(line: Line, level: str, nonces: dict[int, int]) -> Columns:
    """Return id, x, y, z of all tokens of a level."""
    return all_rows(line, LEVEL_KINDS[level], nonces)[0][:4]


def _write(session: Session, level: str, at: int, number: int, body: bytes) -> int:
    name = subject(level)
    session.change(
        """insert into derived_chunk (subject, chunk, nonce, format, checksum, body)
           values (?, ?, ?, ?, ?, ?)
               on conflict do update
              set nonce = excluded.nonce, format = excluded.format,
                  checksum = excluded.checksum, body = excluded.body""",
        (name, at, number, FORMAT, checksum(name, at, number, body), body),
    )
    return len(body)


def _groups(columns: Columns, boxes: list[Any]) -> Iterator[bytes]:
    """Yield the groups, and put the box of each into `boxes`."""
    import numpy as np

    order = _in_tiles(columns[1:], GROUP)
    for low in range(0, len(order), GROUP):
        some = [column[order[low : low + GROUP]] for column in columns]
        inside = _in_tiles(some[1:], BLOCK)
        group = [np.ascontiguousarray(column[inside]) for column in some]
        boxes.append(_boxes(group, len(inside))[0])
        head = HEADER.pack(MAGIC, BLOCK, -(-len(inside) // BLOCK), len(inside))
        yield head + _boxes(group, BLOCK).tobytes() + b"".join(column.tobytes() for column in group)


def _directory(boxes: list[Any], nonces: dict[int, int]) -> bytes:
    import numpy as np

    head = HEADER.pack(MAGIC, BLOCK, len(boxes), len(nonces))
    numbers = np.array([[*nonces], [*nonces.values()]], np.int64)
    return head + np.concatenate(boxes).tobytes() + numbers.tobytes()


def _in_tiles(places: Columns, size: int) -> np.ndarray:
    """Return the order in which each `size` points in a row lie together."""
    import numpy as np

    x, y, z = places
    n = len(x)
    across = max(round((n / size) ** (1 / 3)), 1)
    rank = np.arange(n)
    column = max(-(-n // (size * across * across)), 1) * size  # points; a column holds whole tiles
    slab = column * across
    order = np.argsort(x, kind="stable")
    order = order[np.lexsort((y[order], rank // slab))]
    return order[np.lexsort((z[order], rank // column))]


def _boxes(columns: Columns, size: int) -> np.ndarray:
    """Return the boxes of each `size` points, (boxes, 6) float64: least x, y, z, greatest x, y, z."""
    import numpy as np

    starts = np.arange(0, len(columns[0]), size)
    least = [np.minimum.reduceat(column, starts) for column in columns[1:]]
    return np.stack([*least, *(np.maximum.reduceat(column, starts) for column in columns[1:])], axis=1)
