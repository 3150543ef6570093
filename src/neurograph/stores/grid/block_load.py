"""All points from saved blocks, in the order they are saved in: an index without a build.

A point has its id negated, and 0 for one whose chunk of tokens has another nonce now. So rows from blocks and rows that
were read can be told apart: `arrays.LevelKind.build` and `SpaceKind.build` make an index of the first as they lie, and
put the second into it.
"""

from __future__ import annotations

from typing import Any

import apsw

from ...derived.kind import CHUNK_BITS, Columns
from ...derived.saved import checksum
from ...model.levels import LEVELS
from . import blocks, space_blocks

MOST_STALE = 0.25  # of all chunks; beyond, half of the points would be dead weight soon


def load(connection: apsw.Connection, level: str | None, nonces: dict[int, int]) -> dict[int, Columns]:
    """Return the points of a level (None: of all) whose chunks of tokens are as they were when blocks were saved.

    Returns
    -------
    dict of int to list of arrays
        What the kind of that level reads: id, x, y, z, field radius, field strength, weight; or id and 24 coordinates,
        NaN where undefined, points with the same levels in a row. Every chunk that is as it was has an item; which
        points it has is of no meaning, only their order over all chunks. Empty where no blocks are saved, too few are
        true, or one is damaged.
    """
    import numpy as np

    if not blocks.are_saved(connection, level):
        return {}
    if level is not None:
        one = blocks.read_directory(connection, level)
        return {} if one is None else _load(connection, level, (one.number, len(one.boxes) // 6, one.nonces), nonces)
    all_ = space_blocks.read_directory(connection)
    if all_ is None or len(np.unique(all_.patterns)) != np.count_nonzero(np.diff(all_.patterns, prepend=0)):
        return {}  # points with the same levels in two places
    return _load(connection, None, (all_.number, len(all_.patterns), all_.nonces), nonces)


def _load(
    connection: apsw.Connection, level: str | None, directory: tuple[int, int, dict[int, int]], nonces: dict[int, int]
) -> dict[int, Columns]:
    import numpy as np

    number, groups, then = directory
    stale = np.array([c for c in then.keys() | nonces.keys() if then.get(c) != nonces.get(c)], np.int64)
    fresh = sorted(chunk for chunk, nonce in nonces.items() if then.get(chunk) == nonce)
    if len(stale) > MOST_STALE * len(nonces) + blocks.SOME or not fresh:
        return {}
    rows: Any = connection.execute(
        "select chunk, nonce, checksum, body from derived_chunk "
        "where subject = ? and format = ? and chunk > 0 order by chunk",
        (blocks.subject(level), blocks.FORMAT),
    ).fetchall()
    parts: list[Columns] = []
    for at, found, summed, body in rows:
        if at != len(parts) + 1 or found != number or summed != checksum(blocks.subject(level), at, found, body):
            return {}
        columns = space_columns(body) if level is None else level_columns(body)
        if columns is None or not (columns[0] > 0).all():
            return {}
        columns[0] = -columns[0]
        if len(stale):
            columns[0][np.isin(-columns[0] >> CHUNK_BITS, stale)] = 0
        parts.append(columns)
    if not len(parts) == groups > 0:
        return {}
    if len(parts) > len(fresh):
        last = [np.concatenate(columns) for columns in zip(*parts[len(fresh) - 1 :], strict=True)]
        parts[len(fresh) - 1 :] = [last]
    return dict(zip(fresh, parts + [[column[:0] for column in parts[0]]] * (len(fresh) - len(parts)), strict=True))


def level_columns(body: bytes) -> Columns | None:
    """Return the columns of a group of one level, or None if they can't be."""
    import numpy as np

    sizes = blocks.sizes_of(body)
    if sizes is None:
        return None
    count, n, counts = sizes
    start = blocks.HEADER.size + 48 * count
    columns: Columns = [np.frombuffer(body, np.int64, n, start)]
    start += 8 * n
    for length in (n, n, n, *counts):
        column = np.frombuffer(body, np.float64, length, start)
        if not np.isfinite(column).all():
            return None
        columns.append(np.broadcast_to(column, n))
        start += 8 * length
    return columns if columns[4].min() >= 0 else None


def space_columns(body: bytes) -> Columns | None:
    """Return the columns of a group of all levels, or None if they can't be."""
    import numpy as np

    group = space_blocks.parse(body)
    if group is None or not all(np.isfinite(place).all() for place in group.places.values()):
        return None
    undefined = np.broadcast_to(np.nan, (3, len(group.ids)))
    return [group.ids, *(column for name in LEVELS for column in group.places.get(name, undefined))]
