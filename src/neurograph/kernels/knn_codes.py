"""Codes of rows for exact search by nearest neighbours: their layout and how they are made. No kernel lives here.

Invariants:

1. A place is a row's slot in 0 … capacity - 1, capacity a multiple of 16. A place without a row has offset NaN, and no
   search ever returns it; nor a row with NaN or an infinity.
2. Codes depend on the row, the metric, the mean and the turn alone: rows may be quantised again, alone or in slices,
   and give the same bytes on the same machine. Codes made on another machine are as sound, whatever its last bits.
3. Byte rows of both planes are ``(d + 1) // 2`` long and lie one after the other, with slack after the last.

d/2 bytes a plane and 16 of numbers: 400 bytes a row of 384 numbers, 208 without lower planes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InvalidValue
from .knn_codes_kernel import COSINE, DOT, GROUP, L2, Planes, Turn, quantise

Tick = Callable[[], None]
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
RowArray = NDArray[np.float32]

METRICS: dict[str, int] = {"cosine": COSINE, "dot": DOT, "l2": L2}
MAX_DIMENSION = 8192
SLACK = 64  # bytes after the last row that a scan may read
ROUNDS = 2  # of a turn: after two, a number is spread over 256
SLICE = 1 << 20  # numbers quantised between ticks: 3 ms


def metric_code(metric: str) -> int:
    """Return the code of a metric.

    Examples
    --------
    >>> metric_code("l2")
    2
    """
    if metric not in METRICS:
        raise InvalidValue(f"metric must be one of {', '.join(map(repr, METRICS))}, got {metric!r}")
    return METRICS[metric]


def make_planes(n: int, dimension: int, *, fine: bool = True) -> Planes:
    """Make places for n rows, all of them empty.

    Parameters
    ----------
    n
        At least this many places.
    dimension
        1 to 8192.
    fine
        Whether there are lower planes: without them, half the bytes, and searches fetch some 20 times as many rows.

    Returns
    -------
    Planes
        Arrays of ``capacity_of(n)`` places.

    Examples
    --------
    >>> planes = make_planes(100, 5)
    >>> planes.scale.shape, planes.high.shape
    ((112,), (400,))
    """
    if not 1 <= dimension <= MAX_DIMENSION:
        raise InvalidValue(f"dimension must be in [1, {MAX_DIMENSION}], got {dimension!r}")
    places, width = capacity_of(n), (dimension + 1) // 2
    high, low = np.zeros(places * width + SLACK, np.uint8), np.zeros(places * width + SLACK if fine else 0, np.uint8)
    scale, offset, loose, tight = (np.full(places, value, np.float32) for value in (0.0, np.nan, 0.0, 0.0))
    return Planes(high, low, scale, offset, loose, tight)


def grown(planes: Planes, n: int, dimension: int) -> Planes:
    """Return copies with places for n rows: the same rows in the same places, the others empty.

    Examples
    --------
    >>> planes = make_planes(2, 4)
    >>> run_quantise(planes, 0, np.ones((2, 4), np.float32))
    >>> wider = grown(planes, 40, 4)
    >>> wider.scale.shape, np.flatnonzero(~np.isnan(wider.offset)).tolist()
    ((48,), [0, 1])
    """
    larger = make_planes(max(n, len(planes.scale)), dimension, fine=len(planes.low) > 0)
    pairs: list[tuple[NDArray[Any], NDArray[Any]]] = list(zip(planes, larger, strict=True))
    for old, new in pairs:
        new[: len(old)] = old
    return larger


def capacity_of(n: int) -> int:
    """Return how many places arrays for n rows have.

    Examples
    --------
    >>> capacity_of(17)
    32
    """
    return -(-n // GROUP) * GROUP


def mean_for(dimension: int, mean: ArrayLike | None = None) -> FloatArray:
    """Return the mean that rows are taken from, (d,) float64; zeros where none is given."""
    if mean is None:
        return np.zeros(dimension)
    center = np.ascontiguousarray(mean, np.float64)
    if center.shape != (dimension,) or not np.isfinite(center).all():
        raise InvalidValue(f"mean must be {dimension} finite numbers, got {mean!r}")
    return center


def turn_for(dimension: int, rounds: int = ROUNDS) -> Turn:
    """Return how vectors are turned before they are quantised: the same on every machine, for ever.

    Parameters
    ----------
    dimension
        1 to 8192.
    rounds
        0 for not at all.

    Returns
    -------
    Turn
        (rounds, dimension) uint32: for `run_quantise` and `run_search`.

    Examples
    --------
    >>> turn_for(4)
    array([[5, 2, 1, 6],
           [1, 4, 3, 6]], dtype=uint32)
    """
    numbers = np.arange(1, rounds * dimension + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB), (31, 1)):  # splitmix64
        numbers = (numbers ^ (numbers >> np.uint64(shift))) * np.uint64(factor)
    numbers = numbers.reshape(rounds, dimension)
    order = np.argsort(numbers, axis=1, kind="stable").astype(np.uint32)
    return order << np.uint32(1) | (numbers & np.uint64(1)).astype(np.uint32)


def run_quantise(
    planes: Planes,
    first: int,
    rows: RowArray,
    metric: str = "cosine",
    *,
    mean: ArrayLike | None = None,
    turn: Turn | None = None,
    tick: Tick | None = None,
) -> None:
    """Quantise rows into the places from `first` on.

    Parameters
    ----------
    planes
        Changed in those places alone.
    first
        The place of the first row.
    rows
        (m, d) float32. Rows with NaN or an infinity leave their places empty.
    metric
        ``"cosine"``, ``"dot"`` or ``"l2"``; searches must name the same.
    mean
        (d,): what rows are taken from before they are quantised (after they are normalised, under cosine); searches
        must name the same. None for zeros. It pays where rows lie far from zero and near each other.
    turn
        From `turn_for`, or None for none; searches must name the same. It pays where a few numbers of a row are far
        larger than the others.
    tick
        Called between slices of about 3 ms; what it raises ends the call, and rows done stay done.

    Examples
    --------
    >>> planes = make_planes(2, 4)
    >>> run_quantise(planes, 0, np.array([[1, 0, 0, 0], [0, 3, 4, 0]], np.float32))
    >>> planes.scale[:3].tolist()
    [0.0078125, 0.0062500000931322575, 0.0]

    Notes
    -----
    0.45 µs a row of 384 numbers, 1.2 to 1.6 turned. On vectors of sentences neither mean nor turn is worth much: of
    117,659 rows the upper planes left 228 in the median as they are, 192 with both. With one number in each row that
    is 5 to 20 times as large they left 5,091 to 46,023, and with both 213 to 3,011; with the same large number in all
    rows every one of them, and 192.
    """
    rows = np.ascontiguousarray(rows, np.float32)
    if rows.ndim != 2 or not 1 <= rows.shape[1] <= MAX_DIMENSION:
        raise InvalidValue(f"rows must be (m, d) with d in [1, {MAX_DIMENSION}], got shape {rows.shape!r}")
    count, dimension = rows.shape
    width, places = (dimension + 1) // 2, len(planes.scale)
    if first < 0 or first + count > places or len(planes.high) != places * width + SLACK:
        raise InvalidValue(
            f"planes must have places for {count} rows of {dimension} from {first!r} on; make them with make_planes"
        )
    code, center, step = metric_code(metric), mean_for(dimension, mean), max(1, SLICE // dimension)
    turned = turning(dimension, turn)
    scratch = (np.zeros(dimension), np.zeros(dimension), np.zeros(2 * width, np.uint8))
    for begin in range(0, count, step):
        if tick is not None and begin:
            tick()
        quantise(rows[begin : begin + step], center, turned, code, planes, first + begin, scratch)


def turning(dimension: int, turn: Turn | None) -> Turn:
    """Return the turn as kernels take it: of no rounds where None is given."""
    if turn is None:
        return np.zeros((0, dimension), np.uint32)
    if turn.ndim != 2 or turn.shape[1] != dimension or turn.dtype != np.uint32:
        raise InvalidValue(f"turn must be turn_for({dimension}), got {turn.dtype} of shape {turn.shape!r}")
    return np.ascontiguousarray(turn)


def forget(planes: Planes, slots: IntArray) -> None:
    """Empty places: no search returns them any more.

    Examples
    --------
    >>> planes = make_planes(2, 4)
    >>> run_quantise(planes, 0, np.ones((2, 4), np.float32))
    >>> forget(planes, np.array([1]))
    >>> np.flatnonzero(~np.isnan(planes.offset)).tolist()
    [0]
    """
    planes.offset[slots] = np.nan
