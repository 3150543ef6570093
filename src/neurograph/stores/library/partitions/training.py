"""Where partitions lie: centroids of a sample of the vectors, and which of them is nearest to a vector.

Centroids are trained in two steps, groups of vectors and then centroids in each group, and settled by rounds over all
of them (Lloyd). Many centroids are looked for by their groups.
numpy alone, in single precision: who is placed a little
wrong costs a little recall, which is measured.

Invariants:

1. The nearest centroid has the least Euclidean distance; under cosine all have length 1, so it is that of the angle.
2. No centroid is without a vector of the sample, as long as there are enough of them.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

from ....progress import Told

if TYPE_CHECKING:
    import numpy as np

    Tick = Callable[[], None]

ROUNDS, SETTLING = 5, 3
ADDED_BYTES = 1 << 22  # of vectors put in order at a time
ROOM = 1 << 21  # products at a time: 8 MB
FLAT = 2100  # centroids up to which all are compared; above, those of the PROBED nearest groups, which then is faster
PROBED = (
    12  # with 2,000 centroids of structureless clusters 0.99 of the vectors come to the nearest, with 3 of them 0.92
)


class Centroids:
    """Centroids, and groups of them to find the nearest by.

    Parameters
    ----------
    points
        (k, d) float32.
    spherical
        Whether their length is 1.
    tick
        Called between slices of a few milliseconds.
    """

    def __init__(self, points: np.ndarray, spherical: bool, tick: Tick) -> None:
        import numpy as np

        self.points = points
        self._groups: np.ndarray | None = None
        if len(points) > FLAT:
            draw = np.random.default_rng(len(points))
            self._groups = _lloyd(points, round(len(points) ** 0.5), ROUNDS, spherical, draw, tick)
            group = _flat(points, self._groups, tick)
            self._order = np.argsort(group, kind="stable")
            self._first = np.searchsorted(group[self._order], np.arange(len(self._groups) + 1))
            self._sorted = points[self._order]

    def nearest(self, rows: np.ndarray, tick: Tick) -> np.ndarray:
        """Return the number of the centroid nearest to each row, (n,) int64."""
        if self._groups is None:
            return _flat(rows, self.points, tick)
        import numpy as np

        found, step = np.empty(len(rows), np.int64), max(1, ROOM // len(self._groups))
        for begin in range(0, len(rows), step):
            found[begin : begin + step] = self._by_groups(rows[begin : begin + step], self._groups, tick)
        return found

    def _by_groups(self, rows: np.ndarray, groups: np.ndarray, tick: Tick) -> np.ndarray:
        import numpy as np

        best, number, width = np.full(len(rows), -np.inf, np.float32), np.zeros(len(rows), np.int64), PROBED
        near = _nearness(rows, groups)
        top = np.argpartition(np.negative(near, out=near), width - 1, axis=1)[:, :width].ravel()
        order = np.argsort(top, kind="stable")
        edges = np.searchsorted(top[order], np.arange(len(groups) + 1))
        for group, (low, high) in enumerate(pairwise(edges)):
            start, end = self._first[group : group + 2]
            if low == high or start == end:
                continue
            mine = order[low:high] // width
            near = _nearness(rows[mine], self._sorted[start:end])
            place = near.argmax(axis=1)
            near = near[np.arange(len(mine)), place]
            better = near > best[mine]
            best[mine[better]], number[mine[better]] = near[better], start + place[better]
            tick()
        return self._order[number]


def train(sample: np.ndarray, count: int, spherical: bool, told: Told, tick: Tick) -> np.ndarray:
    """Return about `count` means of vectors that lie together, (k, d) float32; under cosine shorter than 1.

    Parameters
    ----------
    sample
        (n, d) float32, at least `count` of them; of length 1 where `spherical`.
    count
        How many are wanted.
    spherical
        Whether only directions count.
    told
        Called with what is done, how many of its steps are, and of how many.
    tick
        Called between slices of a few milliseconds.
    """
    import numpy as np

    draw = np.random.default_rng(count)
    groups = _lloyd(sample, max(1, round(count**0.5)), ROUNDS, spherical, draw, tick)
    nearest = _flat(sample, groups, tick)
    sizes = np.bincount(nearest, minlength=len(groups))
    shares = np.minimum(np.maximum(np.round(count * sizes / len(sample)).astype(int), 1), sizes)
    parts, steps = [], len(groups) + SETTLING
    for group in np.flatnonzero(shares).tolist():
        told("training", group, steps)
        parts.append(_lloyd(sample[nearest == group], shares[group], ROUNDS, spherical, draw, tick))
    points = np.concatenate(parts)
    for step in range(SETTLING):
        told("training", len(groups) + step, steps)
        nearest = Centroids(points, spherical, tick).nearest(sample, tick)
        points = _means(sample, nearest, points, spherical and step < SETTLING - 1, draw)
    return points


def _lloyd(
    rows: np.ndarray, count: int, rounds: int, spherical: bool, draw: np.random.Generator, tick: Tick
) -> np.ndarray:
    points = rows[draw.choice(len(rows), min(count, len(rows)), replace=False)]
    for _ in range(rounds):
        points = _means(rows, _flat(rows, points, tick), points, spherical, draw)
    return points


def _means(
    rows: np.ndarray, nearest: np.ndarray, points: np.ndarray, spherical: bool, draw: np.random.Generator
) -> np.ndarray:
    """Return the mean of each centroid's rows; one that has none moves to some row."""
    import numpy as np

    counts = np.bincount(nearest, minlength=len(points))
    there = counts > 0
    sums = np.zeros_like(points)
    order = np.argsort(nearest, kind="stable")
    step = max(1, ADDED_BYTES // (4 * rows.shape[1]))
    for begin in range(0, len(order), step):
        some = order[begin : begin + step]
        numbers, starts = np.unique(nearest[some], return_index=True)
        sums[numbers] += np.add.reduceat(rows[some], starts, axis=0)
    means = np.where(there[:, None], sums / np.maximum(counts, 1)[:, None].astype(np.float32), points)
    bare = np.flatnonzero(counts == 0)
    means[bare] = rows[draw.choice(len(rows), len(bare))]
    if spherical:
        means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-20)
    return means


def _nearness(rows: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return (n, k): the greater, the nearer."""
    import numpy as np

    near: np.ndarray = rows @ points.T
    near -= 0.5 * np.einsum("ij,ij->i", points, points)
    return near


def _flat(rows: np.ndarray, points: np.ndarray, tick: Tick) -> np.ndarray:
    import numpy as np

    found, step = np.empty(len(rows), np.int64), max(1, ROOM // len(points))
    for begin in range(0, len(rows), step):
        found[begin : begin + step] = _nearness(rows[begin : begin + step], points).argmax(axis=1)
        tick()
    return found
