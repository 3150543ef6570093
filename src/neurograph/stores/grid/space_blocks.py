"""Nearest neighbors over several weighted levels from points saved in the file: what is asked where no arrays are.

`optimize` saves the points of all levels in groups of 1,024 that lie together and define the same levels, each with
the box it lies in. A search reads the nearest groups first and stops where none can hold a nearer point. It needs
numpy, and no kernel: reading and comparing every group of a million tokens takes a third of what their rows take.

In `derived_chunk` the subject is ``blocks``; chunk 0 is the directory, chunk g a group. Invariants 1 to 3 of `blocks`
hold here as well, with the distance over several levels.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import apsw

from ...derived.kind import CHUNK_BITS
from ...model.levels import LEVELS
from . import plain
from .blocks import few_stale, read_body
from .plain import Found, Places

if TYPE_CHECKING:
    import numpy as np

MAGIC = b"NGS1"
HEADER = struct.Struct("<4siqq")  # magic, points a group, groups, chunks; of a group: magic, levels defined, 0, points
GROUP = 1024
FIRST_S = 0.06  # what a first search costs, 50 ms of it numpy's import; 1 to 10 ms each one more, on 1M tokens


class Directory(NamedTuple):
    """What is saved of all levels."""

    number: int
    """The number all its groups carry."""
    patterns: np.ndarray
    """(groups,) int64: the levels the points of each group define, bit n for level n."""
    boxes: np.ndarray
    """(groups, 8, 6) float64: least x, y, z, greatest x, y, z; NaN where a level is not defined."""
    nonces: dict[int, int]
    """Of the chunks of tokens the points were read from."""


class Group(NamedTuple):
    """Points that lie together and define the same levels."""

    ids: np.ndarray
    """(n,) int64."""
    places: dict[str, np.ndarray]
    """By level that is defined: (3, n) float64."""


def near(
    connection: apsw.Connection,
    places: Places,
    weights: Mapping[str, float],
    k: int,
    radius: float,
    leave_out: int = 0,
    tick: Callable[[], None] = lambda: None,
) -> Found | None:
    """Return what `plain.near` returns, or None where no blocks are saved, too few are true, or one is damaged."""
    import numpy as np

    directory = read_directory(connection)
    if directory is None:
        return None
    stale = few_stale(connection, directory.nonces)
    if stale is None:
        return None
    best = _Best(k, radius)
    for chunk in stale:
        some = chunk << CHUNK_BITS, ((chunk + 1) << CHUNK_BITS) - 1
        found = plain.near(connection, places, weights, k, best.limit, leave_out, some)
        best.add(np.array(found[0], np.int64), np.array(found[1], np.float64))
    gone = np.array(sorted(stale), np.int64)
    bounds = _bounds(directory, places, weights)
    for at in np.argsort(bounds, kind="stable").tolist():
        if not bounds[at] <= best.limit:  # NaN: no level in common
            break
        tick()
        group = read_group(connection, at + 1, directory.number)
        if group is None:
            return None
        far = _distances({name: group.places.get(name) for name in places}, places, weights)
        kept = (far <= best.limit) & (group.ids != leave_out)
        if len(gone):
            kept &= ~np.isin(group.ids >> CHUNK_BITS, gone)
        if kept.any():
            best.add(group.ids[kept], far[kept])
    ids, distances = best.in_order()
    return ids.tolist(), distances.tolist()


class _Best:
    """The best hits so far, and how far another may be."""

    def __init__(self, k: int, radius: float) -> None:
        self._k = k
        self._parts: list[tuple[np.ndarray, np.ndarray]] = []
        self._held = 0
        self._most = k
        self.limit = radius if k > 0 else -1.0

    def add(self, ids: np.ndarray, distances: np.ndarray) -> None:
        """Take hits; they are put in order now and then, so that many cost no more than one sort."""
        self._parts.append((ids, distances))
        self._held += len(ids)
        if self._held >= self._most > 0:
            self.limit = float(self.in_order()[1][-1])
            self._most = self._k + self._k // 4 + 1

    def in_order(self) -> tuple[np.ndarray, np.ndarray]:
        """Return ids and distances of the best, in order of distance, then id; what is beyond them is forgotten."""
        import numpy as np

        parts = [(np.zeros(0, np.int64), np.zeros(0)), *self._parts]
        ids, distances = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        order = np.lexsort((ids, distances))[: self._k]
        self._parts, self._held = [(ids[order], distances[order])], len(order)
        return self._parts[0]


def _distances(there: Mapping[str, np.ndarray | None], places: Places, weights: Mapping[str, float]) -> np.ndarray:
    """Return the distance of each point, by the operations of `plain` in their order."""
    import numpy as np

    total, norm = np.zeros(1), 0.0
    with np.errstate(over="ignore", under="ignore"):
        for name in LEVELS:
            points = there.get(name)
            if points is not None:
                dx, dy, dz = (axis - here for axis, here in zip(points, places[name], strict=True))
                total = total + ((dx * dx + dy * dy) + dz * dz) * weights[name]
                norm += weights[name]
        found: np.ndarray = np.sqrt(total) / math.sqrt(norm)
    return found


def _bounds(directory: Directory, places: Places, weights: Mapping[str, float]) -> np.ndarray:
    """Return the least distance a point of each group can have; NaN where no level is in common."""
    import numpy as np

    bounds = np.full(len(directory.patterns), np.nan)
    for pattern in np.unique(directory.patterns).tolist():
        member = np.flatnonzero(directory.patterns == pattern)
        nearest: dict[str, np.ndarray | None] = {}
        for at, name in enumerate(LEVELS):
            if name in places and pattern >> at & 1:
                box = directory.boxes[member, at].T
                nearest[name] = np.clip(np.array(places[name])[:, None], box[:3], box[3:])
        if nearest:
            bounds[member] = _distances(nearest, places, weights)
    return bounds


def read_directory(connection: apsw.Connection) -> Directory | None:
    """Return the directory, or None where there is none that can be trusted."""
    import numpy as np

    body, number = read_body(connection, None, 0, None)
    if len(body) < HEADER.size:
        return None
    magic, points, groups, chunks = HEADER.unpack_from(body)
    sound = magic == MAGIC and points == GROUP and min(groups, chunks) >= 0
    if not sound or len(body) != HEADER.size + (8 + 384) * groups + 16 * chunks:
        return None
    patterns = np.frombuffer(body, np.int64, groups, HEADER.size)
    boxes = np.frombuffer(body, np.float64, 48 * groups, HEADER.size + 8 * groups).reshape(groups, 8, 6)
    numbers = np.frombuffer(body, np.int64, 2 * chunks, len(body) - 16 * chunks).tolist()
    return Directory(number, patterns, boxes, dict(zip(numbers[:chunks], numbers[chunks:], strict=True)))


def read_group(connection: apsw.Connection, at: int, number: int) -> Group | None:
    """Return a group of a directory, or None where it is missing or damaged."""
    return parse(read_body(connection, None, at, number)[0])


def parse(body: bytes) -> Group | None:
    """Return the group of a body, or None where it can't be one."""
    import numpy as np

    if len(body) < HEADER.size:
        return None
    magic, pattern, _, n = HEADER.unpack_from(body)
    levels = [name for at, name in enumerate(LEVELS) if pattern >> at & 1]
    if (
        magic != MAGIC
        or not 0 < pattern < 256
        or not 0 < n <= GROUP
        or len(body) != HEADER.size + 8 * n * (1 + 3 * len(levels))
    ):
        return None
    ids = np.frombuffer(body, np.int64, n, HEADER.size)
    points = np.frombuffer(body, np.float64, 3 * n * len(levels), HEADER.size + 8 * n).reshape(-1, 3, n)
    return Group(ids, dict(zip(levels, points, strict=True)))
