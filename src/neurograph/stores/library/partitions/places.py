"""Where vectors are placed, and what is kept of those that were."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ....connection.session import Session
from ....derived.kind import CHUNK_BITS, CHUNK_IDS
from ..base import Space
from .codes import encode, unit
from .nearest import InUse
from .room import Room
from .training import Centroids
from .turn import turn_rows

if TYPE_CHECKING:
    import numpy as np

NOWHERE = 65_535


class Places(NamedTuple):
    """Where vectors are placed."""

    space: Space
    id: int
    means: np.ndarray
    """(k, d) float32: as the file holds them."""
    middle: np.ndarray
    """(d,) float32."""
    turned: np.ndarray
    """(k, d) float32: the means less the middle, turned."""
    centroids: Centroids
    """What the nearest is found by."""


class Placed(NamedTuple):
    """Vectors in their partitions, in order of id."""

    ids: np.ndarray
    numbers: np.ndarray
    """(n,) uint16."""
    shift: np.ndarray
    factor: np.ndarray
    bits: np.ndarray

    @property
    def nbytes(self) -> int:
        """What they take."""
        return sum(column.nbytes for column in self)


def between() -> None:
    """Let a signal be handled: between two statements Python does."""


def places_at(space: Space, id: int, means: np.ndarray, middle: np.ndarray) -> Places:
    """Return the places of a partitioning with these centroids."""
    spherical = space.metric == "cosine"
    turned = turn_rows(means - middle)
    return Places(space, id, means, middle, turned, Centroids(unit(means, space.metric), spherical, between))


def read_places(session: Session, space: Space, using: InUse) -> Places | None:
    """Return a partitioning as the file holds it, None where that is damaged."""
    import numpy as np

    sql = "select number, centroid from partition_center where partitioning_id = ? order by number"
    rows = session.rows(sql, (using[0],))
    size = 4 * space.dimension
    if not rows or any(number != place or len(blob) != size for place, (number, blob) in enumerate(rows)):
        return None
    means = np.frombuffer(b"".join(blob for _, blob in rows), "<f4").reshape(len(rows), -1).astype(np.float32)
    middle = np.frombuffer(using[1], "<f4").astype(np.float32)
    if not (np.isfinite(means).all() and np.isfinite(middle).all()):
        return None
    return places_at(space, using[0], means, middle)


def place(places: Places, ids: np.ndarray, rows: np.ndarray, room: Room) -> Placed:
    """Place vectors, of length 1 under cosine; a few at a time, which is three times as fast as all of them."""
    import numpy as np

    numbers = places.centroids.nearest(rows, between)
    step = max(1, room.placed // (4 * places.space.dimension))
    codes = [
        encode(rows[at : at + step], places.means, places.turned, numbers[at : at + step], places.space.metric)
        for at in range(0, max(len(rows), 1), step)
    ]
    shift, factor, bits = (np.concatenate(columns) for columns in zip(*codes, strict=True))
    return Placed(ids, numbers.astype(np.uint16), np.nan_to_num(shift), np.nan_to_num(factor), bits)


def numbers_of(nonces: dict[int, int], ids: np.ndarray, numbers: np.ndarray) -> dict[int, np.ndarray]:
    """Return for each chunk the partition of each of its ids."""
    import numpy as np

    of_chunk = ids >> CHUNK_BITS
    found = {}
    for chunk in nonces:
        begin, end = np.searchsorted(of_chunk, (chunk, chunk + 1))
        found[chunk] = np.full(CHUNK_IDS, NOWHERE, "<u2")
        found[chunk][ids[begin:end] & (CHUNK_IDS - 1)] = numbers[begin:end]
    return found
