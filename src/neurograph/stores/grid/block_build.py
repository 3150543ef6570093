"""Saving points as blocks in order of space, and comparing what is saved with the rows.

`blocks` says what is saved of one level, `space_blocks` what of all of them. Every group but the last one of those with
the same levels is full, and in each the points lie leaf by leaf, as the kernels' index has them.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import apsw

from ...connection.session import Session
from ...derived.kind import CHUNK_BITS, Columns
from ...derived.mechanism import all_rows
from ...derived.saved import checksum, nonces_of
from ...model.levels import LEVELS
from . import blocks, space_blocks
from .arrays import LEVEL_KINDS, SPACE, GridKind
from .block_load import level_columns, load, space_columns
from .blocks import BLOCK, FORMAT, VALUES, are_saved, stale_chunks, subject
from .order import in_halves

if TYPE_CHECKING:
    import numpy as np

LEAST = 2 * blocks.GROUP  # points; reading that many rows takes about as long as a search in blocks
WORN = 0.02  # of all chunks stale: saved again
SLICE = 1 << 22  # bytes written while the write lock is held
LEAF = 32  # points in a leaf of the kernels' index of one level
SPACE_LEAF = 128  # the same over all levels


def save_blocks(session: Session, level: str | None, budget_bytes: int) -> int:
    """Save the points of a level (None: of all) as blocks, unless those that are saved are true for nearly all of it.

    Returns
    -------
    int
        The bytes written; 0 where there are too few points to bother, or too many for the budget. Blocks that nobody
        could load are deleted then, so that chunks of rows may take their place.

    Notes
    -----
    Rows are read in one state and written for that state's nonces, so no lock is held meanwhile.
    """
    if sys.byteorder != "little":  # numbers are written as they are, and blocks say nothing of their order
        return 0
    with session.reading() as line:
        nonces = nonces_of(line.connection, "token")
        sound = bool(load(line.connection, level, nonces))
        then = _nonces_saved(line.connection, level) if sound else None
        if then is not None and len(stale_chunks(line.connection, then)) <= WORN * len(then):
            return 0
        columns = all_rows(line, _kind(level), nonces)[0]
    there = columns[0] != 0  # what comes from blocks that are worn: see `block_load`
    columns = columns if there.all() else [column[there] for column in columns]
    columns[0] = abs(columns[0])
    few = len(columns[0]) < LEAST
    if few or _size(columns) + 16 * len(nonces) > budget_bytes:
        if few or not sound:
            session.change("delete from derived_chunk where subject = ?", (subject(level),))
        return 0
    boxes: list[Any] = []
    groups = _groups(columns, boxes) if level is not None else _space_groups(columns, boxes)
    return _write(session, level, groups, lambda: _directory(boxes, nonces, level))


def differing_blocks(connection: apsw.Connection, level: str | None) -> list[tuple[str, int]]:
    """Return (subject, group) of the blocks a search would trust and that differ from the rows, group 0 for all."""
    import numpy as np

    then, kind = _nonces_saved(connection, level), _kind(level)
    if then is None:
        return []
    found, parts = [], []
    for at, columns in _saved_groups(connection, level):
        if columns is None:
            found.append((subject(level), at))
        else:
            parts.append(columns)
    empty, fresh = kind.read(connection, 1, 0), sorted(then.keys() - stale_chunks(connection, then))
    kept = [np.concatenate(column) for column in zip(empty, *parts, strict=True)]
    order = np.argsort(kept[0], kind="stable")
    order = order[np.isin(kept[0][order] >> CHUNK_BITS, np.array(fresh, np.int64))]
    rows = [kind.read(connection, chunk << CHUNK_BITS, (chunk + 1 << CHUNK_BITS) - 1) for chunk in fresh]
    truth = [np.concatenate(column) for column in zip(empty, *rows, strict=True)]
    if any(not np.array_equal(a[order], b, equal_nan=True) for a, b in zip(kept, truth, strict=True)):
        found.append((subject(level), 0))
    return found


def _size(columns: Columns) -> int:
    """Return about how many bytes blocks of these points take, rather more than less."""
    import numpy as np

    return len(columns[0]) + 8 * sum(int(np.count_nonzero(~np.isnan(column))) for column in columns)


def _kind(level: str | None) -> GridKind:
    return SPACE if level is None else LEVEL_KINDS[level]


def _nonces_saved(connection: apsw.Connection, level: str | None) -> dict[int, int] | None:
    """Return the nonces blocks were saved for, None where there are none."""
    if not are_saved(connection, level):
        return None
    directory: Any = (
        space_blocks.read_directory(connection) if level is None else blocks.read_directory(connection, level)
    )
    return None if directory is None else directory.nonces


def _saved_groups(connection: apsw.Connection, level: str | None) -> Iterator[tuple[int, Columns | None]]:
    """Yield the columns of each group that can be read, None for one that is not what its boxes say."""
    import numpy as np

    if level is None:
        space: Any = space_blocks.read_directory(connection)
        for at, pattern in enumerate(space.patterns.tolist(), 1):
            columns = space_columns(blocks.read_body(connection, None, at, space.number)[0])
            if columns is not None:
                there = [n for n in range(len(LEVELS)) if not np.isnan(columns[1 + 3 * n][0])]
                box = _boxes([columns[0], *(columns[1 + 3 * n + axis] for n in there for axis in range(3))], 1 << 62)
                true = space.boxes[at - 1, there].ravel().tolist() == _by_level(box)[0].ravel().tolist()
                yield at, columns if true and pattern == sum(1 << n for n in there) else None
        return
    directory: Any = blocks.read_directory(connection, level)
    for at in range(1, len(directory.boxes) // 6 + 1):
        columns = level_columns(blocks.read_body(connection, level, at, directory.number)[0])
        group = blocks.read_group(connection, level, at, directory.number)
        if columns is not None and group is not None:
            places = columns[:4]
            true = _boxes(places, 1 << 62)[0].tolist() == directory.boxes[6 * at - 6 : 6 * at].tolist()
            true = true and _boxes(places, BLOCK).ravel().tolist() == group.boxes.tolist()
            yield at, columns if true else None


def _write(session: Session, level: str | None, groups: Iterator[bytes], directory: Callable[[], bytes]) -> int:
    """Write groups and, after them, their directory: without it they are nothing. Return the bytes.

    Who finds at the end that another process wrote its own groups over these leaves the place to it, and returns 0.
    """
    name, number, total, at, left = subject(level), secrets.randbits(62), 0, 0, True
    session.change("delete from derived_chunk where subject = ?", (name,))
    while left:
        bodies, size = [], 0  # made before the lock is taken: 1M points are put in order with the first one, 0.4 s
        while left and size < SLICE:
            body = next(groups, b"")
            bodies += [body] if body else []
            left, size = bool(body), size + len(body)
        with session.transaction():
            for body in bodies:
                at += 1
                total += _put(session, name, at, number, body)
            if not left:
                if not _undisturbed(session, name, number, at):
                    return 0
                total += _put(session, name, 0, number, directory())
    return total


def _put(session: Session, name: str, chunk: int, number: int, body: bytes) -> int:
    """Write one body, and return its bytes."""
    session.change(
        """insert into derived_chunk (subject, chunk, nonce, format, checksum, body)
           values (?, ?, ?, ?, ?, ?)
               on conflict do update
              set nonce = excluded.nonce, format = excluded.format,
                  checksum = excluded.checksum, body = excluded.body""",
        (name, chunk, number, FORMAT, checksum(name, chunk, number, body), body),
    )
    return len(body)


def _undisturbed(session: Session, name: str, number: int, groups: int) -> bool:
    """Tell whether all groups written are still there, and delete what is of no use: others' groups, or these."""
    counted = "select count(*) from derived_chunk where subject = ? and nonce = ?"
    if session.rows(counted, (name, number))[0][0] == groups:
        session.change("delete from derived_chunk where subject = ? and nonce <> ?", (name, number))
        return True
    session.change("delete from derived_chunk where subject = ? and (nonce = ? or chunk = 0)", (name, number))
    return False


def _groups(columns: Columns, boxes: list[Any]) -> Iterator[bytes]:
    """Yield the groups of one level, and put the box of each into `boxes`."""
    import numpy as np

    order = in_halves(columns[1:4], LEAF)
    for low in range(0, len(order), blocks.GROUP):
        group = [column[order[low : low + blocks.GROUP]] for column in columns]
        places, values, alike = group[:4], group[4:], 0
        for at in range(VALUES):
            if (values[at].view(np.int64) == values[at].view(np.int64)[0]).all():  # bits: -0.0 is not 0.0
                values[at], alike = values[at][:1], alike | 1 << at
        boxes.append(_boxes(places, 1 << 62)[0])
        inside = _boxes(places, BLOCK)
        head = blocks.HEADER.pack(blocks.MAGIC, BLOCK, len(inside), len(group[0]), alike)
        yield head + inside.tobytes() + b"".join(column.tobytes() for column in (*places, *values))


def _space_groups(columns: Columns, boxes: list[Any]) -> Iterator[bytes]:
    """Yield the groups of all levels, and put the levels defined and the box of each into `boxes`."""
    import numpy as np

    there = ~np.isnan(np.stack(columns[1::3]))
    patterns = (there * (1 << np.arange(len(LEVELS)))[:, None]).sum(axis=0)
    for pattern in np.unique(patterns).tolist():
        member = np.flatnonzero(patterns == pattern)
        levels = [at for at in range(len(LEVELS)) if pattern >> at & 1]
        places = [columns[1 + 3 * at + axis][member] for at in levels for axis in range(3)]
        order = in_halves(places, SPACE_LEAF)
        for low in range(0, len(order), space_blocks.GROUP):
            some = order[low : low + space_blocks.GROUP]
            group = [columns[0][member[some]], *(place[some] for place in places)]
            box = np.full((len(LEVELS), 6), np.nan)
            box[levels] = _by_level(_boxes(group, 1 << 62))[0]
            boxes.append((pattern, box))
            head = space_blocks.HEADER.pack(space_blocks.MAGIC, pattern, 0, len(some))
            yield head + b"".join(column.tobytes() for column in group)


def _directory(boxes: list[Any], nonces: dict[int, int], level: str | None) -> bytes:
    import numpy as np

    numbers = np.array([[*nonces], [*nonces.values()]], np.int64).tobytes()
    if level is not None:
        head = blocks.HEADER.pack(blocks.MAGIC, BLOCK, len(boxes), len(nonces), 0)
        return head + np.concatenate(boxes).tobytes() + numbers
    head = space_blocks.HEADER.pack(space_blocks.MAGIC, space_blocks.GROUP, len(boxes), len(nonces))
    patterns = np.array([pattern for pattern, _ in boxes], np.int64)
    return head + patterns.tobytes() + np.stack([box for _, box in boxes]).tobytes() + numbers


def _boxes(columns: Columns, size: int) -> np.ndarray:
    """Return the boxes of each `size` points, (boxes, 2 * columns) float64: all least, then all greatest values."""
    import numpy as np

    starts = np.arange(0, len(columns[0]), size)
    least = [np.minimum.reduceat(column, starts) for column in columns[1:]]
    return np.stack([*least, *(np.maximum.reduceat(column, starts) for column in columns[1:])], axis=1)


def _by_level(boxes: np.ndarray) -> np.ndarray:
    """Return boxes over several levels as (boxes, levels, 6): least x, y, z, greatest x, y, z."""
    import numpy as np

    sides = boxes.reshape(len(boxes), 2, -1, 3)
    return np.concatenate([sides[:, 0], sides[:, 1]], axis=2)
