"""Nearest neighbors from blocks of points saved in the file: what a process without kernels reads instead of all rows.

`optimize` saves the points of a level in order of space (`block_build.py`): blocks of 128 points, 32 of them a group,
each with the box it lies in. A search opens the nearest boxes first and stops where none can hold a nearer point, so it
reads a few groups of a million points. It needs neither numpy nor numba. All groups, one after the other, are the
index the kernels walk (`block_load.py`).

In `derived_chunk` the subject is ``blocks.<level>``; chunk 0 is the directory, chunk g a group.

Invariants:

1. The directory holds the nonce of every chunk of tokens its points were read from. A point whose chunk has another
   nonce now is passed over, and the rows of that chunk are asked instead; so answers are true in every state.
2. A group counts only with the number of its directory, its checksum and the length its header says.
3. The bound of a box is computed by the operations of the distance, each monotone under rounding; so it is at most the
   distance of any point in the box, and the answer equals what `plain.near` gives, to the last bit.
"""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Any, NamedTuple

import apsw

from ...derived.kind import CHUNK_BITS
from ...derived.saved import checksum, nonces_of
from . import plain
from .plain import Found, Point

if TYPE_CHECKING:
    Floats = memoryview[float]
    Ints = memoryview[int]

FORMAT = 2
MAGIC = b"NGB2"
HEADER = struct.Struct("<4siqqq")  # magic, points a block, boxes, chunks (of a directory) or points (of a group), alike
VALUES = 3  # field radius, field strength, weight; bit n of `alike`: value n is the same for all points, and saved once
BLOCK = 128
GROUP = 32 * BLOCK
MOST_STALE = 0.1  # of all chunks, beside a few; beyond, reading every row is hardly slower
SOME = 8
FIRST_S = 0.003  # what a search costs: 1 to 4 ms measured on 1M points


class Directory(NamedTuple):
    """What is saved of a level."""

    number: int
    """The number all its groups carry."""
    boxes: Floats
    """Six floats a group: least x, y, z, greatest x, y, z."""
    nonces: dict[int, int]
    """Of the chunks of tokens the points were read from."""


class Group(NamedTuple):
    """Points that lie together."""

    boxes: Floats
    """Six floats a block."""
    ids: Ints
    x: Floats
    y: Floats
    z: Floats


def subject(level: str | None) -> str:
    """Return what the blocks of a level (None: of all, see `space_blocks`) are called in `derived_chunk`."""
    return "blocks" if level is None else f"blocks.{level}"


def are_saved(connection: apsw.Connection, level: str | None) -> bool:
    """Tell whether there are blocks of a level (None: of all), true or not."""
    row = connection.execute(
        "select 1 from derived_chunk where subject = ? and chunk = 0 and format = ?", (subject(level), FORMAT)
    ).fetchone()
    return row is not None and sys.byteorder == "little"


def near(
    connection: apsw.Connection,
    level: str,
    point: Point,
    k: int,
    radius: float,
    leave_out: int = 0,
    tick: Callable[[], None] = lambda: None,
) -> Found | None:
    """Return what `plain.near` returns, or None where no blocks are saved, too few are true, or one is damaged."""
    directory = read_directory(connection, level)
    if directory is None:
        return None
    stale = few_stale(connection, directory.nonces)
    if stale is None:
        return None
    best = _Best(k, radius)
    for chunk in stale:
        ids = chunk << CHUNK_BITS, ((chunk + 1) << CHUNK_BITS) - 1
        best.add(zip(*plain.near(connection, {level: point}, None, k, best.limit, leave_out, ids)[::-1], strict=True))
    groups: dict[int, Group] = {}
    heap = [(bound, at, -1) for at, bound in enumerate(_bounds(directory.boxes, point), 1)]
    heapify(heap)
    while heap and heap[0][0] <= best.limit:
        _, at, block = heappop(heap)
        if block < 0:
            tick()
            group = read_group(connection, level, at, directory.number)
            if group is None:
                return None
            groups[at] = group
            for block, bound in enumerate(_bounds(group.boxes, point)):
                if bound <= best.limit:
                    heappush(heap, (bound, at, block))
        else:
            best.add(_hits(groups[at], block, point, best.limit, stale, leave_out))
    found = best.in_order()
    return [id for _, id in found], [distance for distance, _ in found]


class _Best:
    """The best hits so far, as (distance, id), and how far another may be."""

    def __init__(self, k: int, radius: float) -> None:
        self._k = k
        self._hits: list[tuple[float, int]] = []
        self._most = k
        self.limit = radius if k > 0 else -1.0

    def add(self, hits: Iterable[tuple[float, int]]) -> None:
        """Take hits; they are put in order now and then, so that many cost no more than one sort."""
        self._hits.extend(hits)
        if len(self._hits) >= self._most > 0:
            self.limit = self.in_order()[-1][0]
            self._most = self._k + self._k // 4 + 1

    def in_order(self) -> list[tuple[float, int]]:
        """Return the best, in order of distance, then id; what is beyond them is forgotten."""
        self._hits.sort()
        del self._hits[self._k :]
        return self._hits


def _bounds(boxes: Floats, point: Point) -> Iterator[float]:
    """Yield the least distance a point in each box can have."""
    px, py, pz = point
    numbers = boxes.tolist()
    for at in range(0, len(numbers), 6):
        x, y, z, far_x, far_y, far_z = numbers[at : at + 6]
        dx = max(x - px, px - far_x, 0.0)
        dy = max(y - py, py - far_y, 0.0)
        dz = max(z - pz, pz - far_z, 0.0)
        yield math.sqrt((dx * dx + dy * dy) + dz * dz)


def _hits(
    group: Group, block: int, point: Point, limit: float, stale: set[int], leave_out: int
) -> list[tuple[float, int]]:
    """Return the points of a block within a limit."""
    (px, py, pz), found = point, []
    some = slice(block * BLOCK, (block + 1) * BLOCK)
    for id, x, y, z in zip(group.ids[some], group.x[some], group.y[some], group.z[some], strict=True):
        dx, dy, dz = x - px, y - py, z - pz
        distance = math.sqrt((dx * dx + dy * dy) + dz * dz)
        if distance <= limit and id >> CHUNK_BITS not in stale and id != leave_out:
            found.append((distance, id))
    return found


def stale_chunks(connection: apsw.Connection, nonces: dict[int, int]) -> set[int]:
    """Return the chunks of tokens whose rows changed since the blocks were saved for `nonces`."""
    now = nonces_of(connection, "token")
    if now == nonces:
        return set()
    return {chunk for chunk in now.keys() | nonces.keys() if now.get(chunk) != nonces.get(chunk)}


def few_stale(connection: apsw.Connection, nonces: dict[int, int]) -> set[int] | None:
    """Return the same chunks, or None where they are so many that reading every row is hardly slower."""
    stale = stale_chunks(connection, nonces)
    return stale if len(stale) <= SOME + MOST_STALE * len(nonces) else None


def read_directory(connection: apsw.Connection, level: str) -> Directory | None:
    """Return the directory of a level, or None where there is none that can be trusted."""
    body, number = read_body(connection, level, 0, None)
    if len(body) < HEADER.size:
        return None
    magic, points, groups, chunks, _ = HEADER.unpack_from(body)
    sound = magic == MAGIC and points == BLOCK and min(groups, chunks) >= 0
    if not sound or len(body) != HEADER.size + 48 * groups + 16 * chunks:
        return None
    middle = HEADER.size + 48 * groups
    numbers = memoryview(body)[middle:].cast("q").tolist()
    nonces = dict(zip(numbers[:chunks], numbers[chunks:], strict=True))
    return Directory(number, memoryview(body)[HEADER.size : middle].cast("d"), nonces)


def read_group(connection: apsw.Connection, level: str, at: int, number: int) -> Group | None:
    """Return a group of a directory, or None where it is missing or damaged."""
    body, _ = read_body(connection, level, at, number)
    sizes = sizes_of(body)
    if sizes is None:
        return None
    blocks, n, _ = sizes
    middle = HEADER.size + 48 * blocks
    ids, *places = (memoryview(body)[middle + 8 * n * part : middle + 8 * n * (part + 1)] for part in range(4))
    x, y, z = (place.cast("d") for place in places)
    return Group(memoryview(body)[HEADER.size : middle].cast("d"), ids.cast("q"), x, y, z)


def sizes_of(body: bytes) -> tuple[int, int, list[int]] | None:
    """Return blocks and points of a group and how many numbers of each value are saved; None if that can't be."""
    if len(body) < HEADER.size:
        return None
    magic, points, blocks, n, alike = HEADER.unpack_from(body)
    counts = [1 if alike >> at & 1 else n for at in range(VALUES)]
    whole = 0 < n <= GROUP and blocks * points >= n > (blocks - 1) * points
    if magic != MAGIC or points != BLOCK or not whole:
        return None
    return (blocks, n, counts) if len(body) == HEADER.size + 48 * blocks + 32 * n + 8 * sum(counts) else None


def read_body(connection: apsw.Connection, level: str | None, at: int, number: int | None) -> tuple[bytes, int]:
    """Return a saved body and its number; empty where it is missing, damaged, or of another number than wanted."""
    rows: Any = connection.execute(
        "select nonce, checksum, body from derived_chunk where subject = ? and chunk = ? and format = ?",
        (subject(level), at, FORMAT),
    ).fetchall()
    for found, summed, body in rows:
        if number in (None, found) and summed == checksum(subject(level), at, found, body):
            return body, found
    return b"", 0
