"""Partitions of rows in memory: their centers, and which runs of slots a query is to look at. No kernel lives here.

All is said in the numbers that codes are made of (`knn_codes_kernel`): less the mean, and turned. Invariants:

1. A center is what the codes of a mean stand for, so that rows, bits and queries mean the same by it.
2. Centers are compared with a query as rows are by the metric: by their angle under cosine, else by their keys. Of
   equally near ones the first count as the nearest, for whoever looks and whoever measures: equal vectors have several.
3. Runs share no slot, and groups none.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .knn_codes import FloatArray, IntArray, RowArray, make_planes, mean_for, metric_code, run_quantise, turning
from .knn_codes_kernel import COSINE, DOT, LARGEST, Turn
from .knn_decide import Within
from .knn_parts_kernel import choose_groups, multiply
from .knn_query_kernel import ask

FAR = 64  # times as long as the mean of all a query is made at most


class Centers(NamedTuple):
    """The centers of p partitions."""

    points: RowArray
    """(p + 1, d) float32: of each partition, and zeros, the center of rows in none."""
    codes: NDArray[np.uint8]
    """(p, d): what points are made of, ``scale * (codes - 127.5)``."""
    scale: NDArray[np.float32]
    """(p,)."""
    plus: FloatArray
    """(p,): what is added to the product with a query."""
    times: FloatArray
    """(p,): what the sum is multiplied by: then the greater, the nearer."""
    length: float
    """What means are long, roughly."""


class Parts(NamedTuple):
    """Partitions, and where their rows are."""

    centers: Centers
    first: IntArray
    """(p + 1,): the first slot of each partition, and the one behind the last."""
    moved: IntArray
    """(m,) ascending: slots before that whose rows are in no partition."""


class Asked(NamedTuple):
    """Queries as codes see them."""

    turned: FloatArray
    """(m, d)."""
    along: FloatArray
    """(m,): each query's product with the mean, of length 1, where centers are looked at by cosine; else zeros."""


def make_centers(means: RowArray, metric: str, *, mean: ArrayLike | None = None, turn: Turn | None = None) -> Centers:
    """Make centers of what vectors of p partitions are in the mean.

    Parameters
    ----------
    means
        (p, d) float32, finite.
    metric, mean, turn
        What rows are quantised with.

    Examples
    --------
    >>> make_centers(np.array([[3, 4]], np.float32), "l2").points.round(1).tolist()
    [[3.0, 4.0], [0.0, 0.0]]
    """
    count, d = means.shape
    width, square = (d + 1) // 2, metric == "l2"
    planes = make_planes(count, d)
    run_quantise(planes, 0, means, "l2" if square else "dot", mean=mean, turn=turn)
    high, low = (plane[: count * width].reshape(count, width) for plane in planes[:2])
    codes = np.concatenate(((high & 15) << 4 | low & 15, high & 240 | low >> 4), axis=1)[:, :d]
    points = np.zeros((count + 1, d), np.float32)
    points[:-1] = planes.scale[:count, None] * (codes - np.float32(127.5))
    plus = -planes.offset[:count].astype(np.float64) * (0.5 if square else 1.0)
    norms = np.sqrt(np.einsum("ij,ij->i", means, means, dtype=np.float64))
    times = 1.0 / np.maximum(norms, 1e-30) if metric == "cosine" else np.ones(count)
    scale = np.ascontiguousarray(planes.scale[:count])
    return Centers(points, np.ascontiguousarray(codes), scale, plus, times, float(norms.mean()))


def run_asked(
    queries: RowArray,
    metric: str,
    *,
    mean: ArrayLike | None = None,
    turn: Turn | None = None,
    centers: Centers | None = None,
) -> Asked:
    """Return queries, (m, d) float32, as codes see them; given centers, as rows less these are compared with them.

    Under dot the order of rows is the same for a query of any length. It is made as long as the means of partitions,
    else so that its part along the mean of all is that mean: bits tell the less, the more of it is left without. Of
    20,000 rows whose mean is long they found half as many of the nearest to queries a tenth as long as these.

    Examples
    --------
    >>> run_asked(np.array([[3, 4]], np.float32), "cosine").turned.tolist()
    [[0.6, 0.8]]
    """
    d, code = queries.shape[1], metric_code(metric)
    center, turned = mean_for(d, mean), turning(d, turn)
    found = queries.astype(np.float64)
    digits = np.empty(-(-d // 128) * 256, np.int8)  # asked by codes; nobody reads them here
    first, then = np.empty(4), np.empty(10)
    along = np.zeros(len(found))
    for j, p in enumerate(found):
        if code == COSINE and centers is not None:
            length = np.sqrt(p @ p)
            along[j] = p @ center / length if length > 0.0 else 0.0
        elif code == DOT:
            p *= _stretch(p, center, None if centers is None else centers.length)
        ask(p, center, turned, code, True, digits, first, then)
    return Asked(found, along)


def _stretch(p: FloatArray, center: FloatArray, wanted: float | None) -> float:
    """Return what a query under dot is to be multiplied by."""
    length, about = np.sqrt(p @ p), center @ center
    if length == 0.0:
        return 1.0
    if wanted is not None or about == 0.0:
        return float((wanted or 1.0) / length)
    return float(about / max(p @ center, length * np.sqrt(about) / FAR))


def run_nearness(centers: Centers, asked: Asked, j: int) -> tuple[FloatArray, NDArray[np.float32]]:
    """Return how near each partition is to a query, (p,), the greater the nearer; and its products with all points.

    Examples
    --------
    >>> centers = make_centers(np.array([[1, 0], [0, 1]], np.float32), "cosine")
    >>> run_nearness(centers, run_asked(np.array([[3, 4]], np.float32), "cosine"), 0)[0].round(1).tolist()
    [0.6, 0.8]
    """
    products = np.zeros(len(centers.points), np.float32)
    with np.errstate(over="ignore", invalid="ignore"):  # what is beyond float32 is infinitely near, or far
        query = asked.turned[j].astype(np.float32)
        multiply(centers.codes, centers.scale, query, products)  # numpy may wake threads: to 10 ms
        near = (products[:-1] + centers.plus + asked.along[j]) * centers.times
    return np.fmax(near, -np.inf), products  # of which nothing can be said, NaN, are as far as can be


def _first(near: FloatArray, many: int) -> NDArray[np.bool_]:
    """Tell which are the nearest, of equally near ones the first: as `choose_groups` does."""
    last = np.partition(near, len(near) - many)[len(near) - many]
    mask: NDArray[np.bool_] = near > last
    mask[np.flatnonzero(near == last)[: many - np.count_nonzero(mask)]] = True
    return mask


def choose(parts: Parts, asked: Asked, j: int, metric: str, partitions: int) -> tuple[IntArray, FloatArray]:
    """Return the runs of slots of the partitions nearest to a query, (r, 2), and what is added to keys there, (r,).

    Parameters
    ----------
    parts
        Partitions, and where their rows are.
    asked, j
        The query.
    metric
        That of the rows.
    partitions
        So many; 0 for all.

    Examples
    --------
    >>> centers = make_centers(np.array([[1, 0], [0, 1]], np.float32), "cosine")
    >>> parts = Parts(centers, np.array([0, 30, 50]), np.array([34]))
    >>> choose(parts, run_asked(np.array([[3, 4]], np.float32), "cosine"), 0, "cosine", 1)[0].tolist()
    [[30, 34], [35, 50]]
    """
    near, products = run_nearness(parts.centers, asked, j)
    bases = (-2.0 if metric == "l2" else -1.0) * np.clip(products.astype(np.float64), -LARGEST, LARGEST)
    mask = _first(near, partitions) if 0 < partitions < len(near) else np.ones(len(near), np.bool_)
    number = np.flatnonzero(mask)
    starts, ends = parts.first[number], parts.first[number + 1]
    if len(parts.moved):  # they are in no partition: runs end before them, and go on behind
        out = parts.moved[mask[np.searchsorted(parts.first, parts.moved, "right") - 1]]
        starts, ends = np.sort(np.concatenate((starts, out + 1))), np.sort(np.concatenate((ends, out)))
        number = np.minimum(np.searchsorted(parts.first, starts, "right") - 1, len(near) - 1)
    return np.stack((starts, ends), axis=1), bases[number]


def run_groups(parts: Parts, asked: Asked, j: int, partitions: int, end: int) -> Within:
    """Return where to look for what is nearest to a query: in the partitions nearest to it, and at what is in none.

    Parameters
    ----------
    parts
        Partitions, and where their rows are.
    asked, j
        The query.
    partitions
        So many, 1 or more.
    end
        Slots from here on have no row.

    Examples
    --------
    >>> centers = make_centers(np.array([[1, 0], [0, 1]], np.float32), "cosine")
    >>> parts = Parts(centers, np.array([0, 32, 64]), np.array([34]))
    >>> [slots.tolist() for slots in run_groups(parts, run_asked(np.array([[4, 3]], np.float32), "cosine"), 0, 1, 70)]
    [[0, 1, 4], [34]]
    """
    near, _ = run_nearness(parts.centers, asked, j)
    return Within(*choose_groups(near, partitions, parts.first, parts.moved, end))


def in_none(parts: Parts, end: int) -> tuple[IntArray, FloatArray]:
    """Return the runs of slots before `end` that are in no partition, and what is added to keys there: nothing.

    Examples
    --------
    >>> centers = make_centers(np.array([[1, 0], [0, 1]], np.float32), "cosine")
    >>> in_none(Parts(centers, np.array([0, 30, 50]), np.array([34])), 60)[0].tolist()
    [[34, 35], [50, 60]]
    """
    starts, ends = np.append(parts.moved, parts.first[-1]), np.append(parts.moved + 1, end)
    return np.stack((starts, ends), axis=1), np.zeros(len(starts))
