"""One bit of every number: which rows are probably nearest, at an eighth of the bytes of codes. No kernel lives here.

Invariants:

1. Bits are taken from codes (`knn_codes`), so they are of the same metric, mean and turn, and depend on nothing else.
2. What comes back are rows that are there. Which of the nearest are missing nobody knows: how many of them usually are
   is measured, not proved, and is the caller's to measure.

8 bytes for every 64 numbers, and 8: 56 bytes a row of 384 numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InvalidValue
from . import knn_bits_kernel
from .knn_bits_kernel import GROUP, ROOM, Bits, Likely, scan_bits, scan_runs
from .knn_codes import FloatArray, IntArray, RowArray, Tick, capacity_of, metric_code
from .knn_codes_kernel import Planes, Turn
from .knn_parts import Asked, Centers, Parts, choose, in_none, run_asked
from .knn_signs_kernel import ask_bits, take_signs

BLOCK = 1 << 18  # bytes that queries go over in turn: they stay in the second-level cache
SCAN = 1 << 26  # bytes between ticks: 2 to 3 ms
KEYS = 1 << 26  # bytes of keys and slots of queries side by side; their candidates decide how many these are
LOOSER = 4  # times the candidates, for rows in no partition: a million in clusters need 1,378 instead of 508
SLICE = 1 << 22  # numbers whose signs are taken between ticks: 4 ms


def words_of(dimension: int) -> int:
    """Return how many words a row has.

    Examples
    --------
    >>> words_of(65)
    2
    """
    return -(-dimension // 64)


def make_bits(n: int, dimension: int) -> Bits:
    """Make places for n rows, all of them empty.

    Parameters
    ----------
    n
        At least this many places.
    dimension
        1 to 8192.

    Returns
    -------
    Bits
        Arrays of ``capacity_of(n)`` places.

    Examples
    --------
    >>> bits = make_bits(100, 70)
    >>> bits.factor.shape, bits.words.shape
    ((112,), (224,))
    """
    places = capacity_of(n)
    words = np.zeros(places * words_of(dimension), np.uint64)
    return Bits(words, np.zeros(places, np.float32), np.full(places, np.nan, np.float32))


def by_row(words: NDArray[np.uint64], dimension: int) -> NDArray[np.uint64]:
    """Return a view of words by group, row and word, (n / 16, 16, words).

    Examples
    --------
    >>> by_row(make_bits(100, 70).words, 70).shape
    (7, 16, 2)
    """
    return words.reshape(-1, words_of(dimension), GROUP).transpose(0, 2, 1)


def run_signs(
    planes: Planes,
    dimension: int,
    slots: IntArray,
    bits: Bits,
    places: IntArray,
    *,
    centers: Centers | None = None,
    numbers: IntArray | None = None,
    metric: str = "cosine",
    tick: Tick | None = None,
) -> None:
    """Take the bits of rows from their codes.

    Parameters
    ----------
    planes
        Codes, with lower planes.
    dimension
        Of the rows.
    slots
        (m,) int64: whose.
    bits
        Changed in `places` alone.
    places
        (m,) int64: where to.
    centers, numbers
        Of partitions, and (m,) int64: in which each row is, p for in none. Bits are then of the row less the center.
    metric
        What the rows were quantised with.
    tick
        Called between slices of about 4 ms; what it raises ends the call, and rows done stay done.

    Examples
    --------
    >>> from neurograph.kernels.knn_codes import make_planes, run_quantise
    >>> planes, bits = make_planes(1, 4), make_bits(1, 4)
    >>> run_quantise(planes, 0, np.array([[3, -4, 0.1, -0.1]], np.float32))
    >>> run_signs(planes, 4, np.array([0]), bits, np.array([0]))
    >>> f"{int(bits.words[0]):04b}"
    '0101'

    Notes
    -----
    1 µs a row of 384 numbers.
    """
    if len(slots) != len(places) or (len(slots) and not len(planes.low)):
        raise InvalidValue(
            f"planes must have lower planes, and places be as many as {len(slots)} slots, got {len(places)}"
        )
    points = np.zeros((1, dimension), np.float32) if centers is None else centers.points
    mine = np.zeros(len(slots), np.int64) if numbers is None else numbers
    if (
        len(mine) != len(slots)
        or points.shape[1] != dimension
        or (len(mine) and not 0 <= mine.min() <= mine.max() < len(points))
    ):
        raise InvalidValue(f"numbers must be of {len(points)} centers, for each of {len(slots)} slots, got {mine!r}")
    step, w = max(1, SLICE // dimension), -2.0 if metric == "l2" else -1.0
    for begin in range(0, len(slots), step):
        if tick is not None and begin:
            tick()
        some = slice(begin, begin + step)
        take_signs(planes, slots[some], bits, places[some], points, mine[some], w)


def run_likely(
    bits: Bits,
    queries: RowArray,
    candidates: int,
    *,
    metric: str = "cosine",
    mean: ArrayLike | None = None,
    turn: Turn | None = None,
    begin: int = 0,
    end: int | None = None,
    parts: Parts | None = None,
    partitions: int = 0,
    ordered: bool = True,
    tick: Tick | None = None,
) -> list[IntArray]:
    """Find the rows that are probably nearest to each query.

    Parameters
    ----------
    bits
        Of the rows, by slot.
    queries
        (m, d) float32, finite.
    candidates
        At most so many for each query, 1 or more.
    metric, mean, turn
        What the rows were quantised with.
    begin, end
        Only slots from `begin` to before `end`.
    parts
        Where bits are of rows less their centers: the partitions, which `begin` knows nothing of. Of rows in none,
        whose estimates are looser, LOOSER times as many candidates come after the others.
    partitions
        Only rows in so many partitions nearest to the query, and in none; 0 for all.
    ordered
        False where any order will do: 15 µs less for 256 candidates, 40 for 1,024.
    tick
        Called between slices of at most about 20 ms; what it raises ends the call.

    Returns
    -------
    list of (c,) int64
        For each query slots in order of estimated distance, then slot.

    Examples
    --------
    >>> from neurograph.kernels.knn_codes import make_planes, run_quantise
    >>> rows = np.array([[3, 1], [-1, 2], [-1, -1], [2, -2]], np.float32)
    >>> planes, bits = make_planes(4, 2), make_bits(4, 2)
    >>> run_quantise(planes, 0, rows)
    >>> run_signs(planes, 2, np.arange(4), bits, np.arange(4))
    >>> [slots.tolist() for slots in run_likely(bits, np.array([[1, 1]], np.float32), 1)]
    [[0]]

    Notes
    -----
    0.9 ns a row of 384 numbers whose bits are in the caches; where they are not, what reading 56 bytes takes.
    """
    queries = np.ascontiguousarray(queries, np.float32)
    places, dimension = len(bits.factor), queries.shape[1] if queries.ndim == 2 else 0
    count = words_of(dimension)
    if dimension < 1 or len(bits.words) != places * count or not np.isfinite(queries).all():
        raise InvalidValue(f"queries must be finite, (m, d) with the d of the bits, got shape {queries.shape!r}")
    last = places if end is None else end
    if candidates < 1 or not 0 <= begin <= last <= places:
        raise InvalidValue(
            f"candidates must be at least 1, and begin and end in [0, {places}], got {candidates!r}, {begin!r}, {end!r}"
        )
    asked = run_asked(queries, metric, mean=mean, turn=turn, centers=None if parts is None else parts.centers)
    rows = max(GROUP, SCAN // (8 * count) // GROUP * GROUP)
    found: list[IntArray] = []
    side = max(1, KEYS // (16 * ROOM * candidates * (1 if parts is None else 1 + LOOSER)))
    for j in range(0, len(queries), side):
        some = Asked(asked.turned[j : j + side], asked.along[j : j + side])
        if parts is None:
            likely = _likely(some, metric, min(candidates, max(1, last - begin)))
            _scan(bits, likely, begin, last, rows, tick)
            found += _found(likely, ordered)
        else:
            found += _in_parts(bits, some, candidates, metric, parts, partitions, last, rows, ordered, tick)
    return found


def _in_parts(
    bits: Bits,
    asked: Asked,
    candidates: int,
    metric: str,
    parts: Parts,
    partitions: int,
    end: int,
    rows: int,
    ordered: bool,
    tick: Tick | None,
) -> list[IntArray]:
    """Return each query's slots in partitions, then those in none."""
    near, alone = _likely(asked, metric, min(candidates, max(1, end))), None
    if len(parts.moved) or parts.first[-1] < end:
        alone = _likely(asked, metric, min(LOOSER * candidates, len(parts.moved) + end - int(parts.first[-1])))
    for j in range(len(asked.turned)):
        _scan_runs(bits, near, j, *choose(parts, asked, j, metric, partitions), rows, tick)
        if alone is not None:
            _scan_runs(bits, alone, j, *in_none(parts, end), rows, tick)
    if alone is None:
        return _found(near, ordered)
    return [np.concatenate(both) for both in zip(_found(near, ordered), _found(alone, ordered), strict=True)]


def _likely(asked: Asked, metric: str, candidates: int) -> Likely:
    """Return queries as a scan takes them, with room for what it finds."""
    (m, dimension), room = asked.turned.shape, ROOM * candidates + GROUP
    likely = Likely(
        np.zeros((m, words_of(dimension), 4), np.uint64), np.zeros((m, knn_bits_kernel.NUMBERS)), np.empty((m, room)),
        np.empty((m, room), np.int64), np.zeros(m, np.int64), np.full(m, np.inf), np.empty(GROUP),
    )  # fmt: skip
    for p, planes, numbers in zip(asked.turned, likely.planes, likely.numbers, strict=True):
        ask_bits(p, metric_code(metric), planes, numbers)
    return likely


def _found(likely: Likely, ordered: bool) -> list[IntArray]:
    """Return each query's slots, in order of their keys where asked."""
    if not ordered:
        return [slots[:size] for slots, size in zip(likely.slots, likely.sizes.tolist(), strict=True)]
    found = []
    for keys, slots, size in zip(likely.keys, likely.slots, likely.sizes.tolist(), strict=True):
        found.append(slots[:size][np.lexsort((slots[:size], keys[:size]))])
    return found


def _scan(bits: Bits, likely: Likely, begin: int, end: int, rows: int, tick: Tick | None) -> None:
    """Scan all rows for all queries, so many between ticks."""
    m, count = likely.planes.shape[:2]
    block = max(4 * GROUP, BLOCK // (8 * count) // GROUP * GROUP) if m > 1 else max(end - begin, 1)
    state = np.array([begin, end, 0, rows, min(block, rows)], np.int64)
    while scan_bits(bits, likely, state) != knn_bits_kernel.DONE:
        if tick is not None:
            tick()
        state[knn_bits_kernel.BUDGET] = rows


def _scan_runs(
    bits: Bits, likely: Likely, j: int, runs: IntArray, bases: FloatArray, rows: int, tick: Tick | None
) -> None:
    """Scan the runs of one query, so many rows between ticks."""
    runs, bases = _cut(runs, bases, rows)
    state = np.array([0, 0, 0, rows, 0], np.int64)
    while scan_runs(bits, likely, j, runs, bases, state) != knn_bits_kernel.DONE:
        if tick is not None:
            tick()
        state[knn_bits_kernel.BUDGET] = rows


def _cut(runs: IntArray, bases: FloatArray, most: int) -> tuple[IntArray, FloatArray]:
    """Return runs of at most so many places each."""
    if (runs[:, 1] - runs[:, 0]).max() <= most:
        return runs, bases
    edges = [np.append(np.arange(begin, end, most), end) for begin, end in runs.tolist()]
    return (
        np.concatenate([np.stack((each[:-1], each[1:]), axis=1) for each in edges]),
        np.repeat(bases, [len(each) - 1 for each in edges]),
    )
