"""Nearest neighbors over plain rows: sqlite-vec chooses candidates, `distance.distances` orders them.

sqlite-vec sums in float32. With ``u = 2**-24`` and d dimensions, its sum of d products of the numbers of q and v is
within ``d*u / (1 - d*u) * |q| * |v|`` of the true one, in whatever order it adds, while nothing over- or underflows:

- cosine is within ``(2*d + 16) * u`` of the true distance: a product over two roots, each with an error of its own;
- l2 is within ``(d + 8) * u`` of it, relatively; squares that underflow add at most ``2**-67``;
- dot, the cosine times both lengths, is within ``(4*d + 48) * u * |q| * |v|``.

Each row's bound, its estimate less that error, is at most its true distance; rows are taken in order of their bounds
until no bound left is below the k-th distance. That holds where lengths are between 2**-50 and 2**60, which `norm_low`
and `norm_high` of the library tell; the query is scaled by a power of two, which changes no angle. Where nobody knows
the lengths, each row's is looked at, and a row beyond them has the bound -infinity.

Invariants:

1. An answer is the k least (distance, id) of `distance.distances` among the rows asked for, whatever sqlite-vec says.
2. A row without a distance (NaN or infinity in its blob) is never found.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from struct import pack, unpack

import apsw

from ...arguments import bound_ids
from ..base import Space
from .distance import distances

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple
else:
    from ....model.typed import NamedTuple

LEAST_NORM, GREATEST_NORM = 2.0**-50, 2.0**60
UNIT = 2.0**-24
MORE = 16  # candidates beyond k in the first pass; on the vectors of the benchmark a second is never needed
SLICE_ROWS = 512
INFINITY = "9e999"  # as SQL
Found = tuple[list[int], list[float]]


class Question(NamedTuple):
    """What is asked of one library."""

    query: bytes
    """One vector, as the file holds it."""
    k: int
    """At most so many."""
    max_distance: float = math.inf
    """The farthest an item may be."""
    after: tuple[float, int] | None = None
    """Only items behind this (distance, id)."""
    among: str = ""
    """A query of the ids to look at; all where it is empty."""
    bindings: Sequence[Any] = ()
    """The values of its ``?``."""
    lasting: bool = False
    """Whether that query gives the same as long as the file does."""


def nearest(connection: apsw.Connection, space: Space, norms: Any, asked: Question, tick: Callable[[], None]) -> Found:
    """Return ids and distances of the nearest items, in order of distance, then id."""
    best = _Best(space.metric, asked)
    if asked.k == 0:
        return best.found()
    rows = _Rows(connection, space, bounds(space, norms, asked.query), asked)
    first = rows.first(asked.k + MORE)
    for ids in _slices([id for id, _ in first]):
        best.add(rows.vectors(ids))
        tick()
    if len(first) == asked.k + MORE and first[-1][1] <= best.reach:
        seen = {id for id, _ in first}
        for some in _slices(row for row in rows.within(best.reach) if row[0] not in seen):
            best.add(some)
            tick()
    return best.found()


class Bounds(NamedTuple):
    """SQL of numbers that a row's distance is between, and what it is asked about."""

    low: str
    """At most the distance; -infinity where nothing is known."""
    high: str
    """At least the distance."""
    query: bytes
    """What ``?1`` stands for: the query, scaled."""
    zero: bytes
    """What ``?2`` stands for: a vector without length."""


def bounds(space: Space, norms: tuple[float | None, float | None], query: bytes) -> Bounds:
    """Return the bounds of the distances from a query, see above."""
    dimension = space.dimension
    numbers = unpack(f"<{dimension}f", query)
    length = math.sqrt(math.fsum(x * x for x in numbers))
    low, high = norms
    safe = low is not None and high is not None and high <= GREATEST_NORM
    if space.metric == "l2":
        said = "vec_distance_l2(ng_vector, ?1)"
        relative = (dimension + 8) * UNIT
        least, most = f"{said} * {1 - relative!r} - {2.0**-67!r}", f"{said} * {1 + relative!r} + {2.0**-67!r}"
        known = length <= GREATEST_NORM
    else:
        known = length > 0.0
        safe = safe and low is not None and low >= LEAST_NORM
        _, exponent = math.frexp(length)
        query = pack(f"<{dimension}f", *(math.ldexp(x, -exponent) for x in numbers))
        said = "vec_distance_cosine(ng_vector, ?1)"
        error = (2 * dimension + 16) * UNIT
        least, most = f"{said} - {error!r}", f"{said} + {error!r}"
        if space.metric == "dot":
            error = (4 * dimension + 48) * UNIT
            lengths = f"vec_distance_l2(ng_vector, ?2) * {length!r}"
            least, most = (f"({said} - 1.0 {sign} {error!r}) * {lengths}" for sign in "-+")
    if not known:
        least = most = "null"
    elif not safe:
        within = f"vec_distance_l2(ng_vector, ?2) between {LEAST_NORM!r} and {GREATEST_NORM!r}"
        least, most = f"iif({within}, {least}, null)", f"iif({within}, {most}, null)"
    return Bounds(f"coalesce({least}, -{INFINITY})", f"coalesce({most}, {INFINITY})", query, bytes(4 * dimension))


class _Rows:
    """The rows a question is about, by their bounds.

    Our own values have numbers, all in front of the user's condition, so its ``?`` are numbered behind them. Our
    columns have names of their own, so that it means the same here as by itself: SQL would let it read ours, too.
    """

    _FROM = "from (select id as ng_id, vector as ng_vector from embedding)"

    def __init__(self, connection: apsw.Connection, space: Space, bounds: Bounds, asked: Question) -> None:
        self._connection = connection
        self._low = bounds.low
        self._where = "ng_id between ?5 and ?6"
        if asked.after is not None:
            self._where += f" and {bounds.high} >= ?4"
        if asked.among:
            self._where += f" and ng_id in ({asked.among})"
        self._max_distance = asked.max_distance
        after = -math.inf if asked.after is None else asked.after[0]
        self._bindings = [bounds.query, bounds.zero, asked.max_distance, after, *space.ids]
        self._bindings += asked.bindings

    def first(self, count: int) -> list[tuple[int, float]]:
        """Return ids and bounds of the `count` rows with the least bounds."""
        most = f"and {self._low} <= ?3" if self._max_distance < math.inf else ""
        rows: Any = self._connection.execute(
            f"""select ng_id, {self._low} as ng_low
                  {self._FROM}
                 where {self._where} {most}
                 order by ng_low, ng_id
                 limit {count}""",
            self._bindings,
        ).fetchall()
        return rows  # type: ignore[no-any-return]

    def within(self, reach: float) -> Iterable[tuple[int, bytes]]:
        """Return ids and vectors of all rows whose bound is at most `reach`."""
        sql = f"select ng_id, ng_vector {self._FROM} where {self._where} and {self._low} <= ?3"
        bindings = [*self._bindings[:2], reach, *self._bindings[3:]]
        rows: Any = self._connection.execute(sql, bindings)
        return rows  # type: ignore[no-any-return]

    def vectors(self, ids: list[int]) -> list[tuple[int, bytes]]:
        """Return ids and vectors."""
        rows: Any = self._connection.execute(
            "select id, vector from embedding where id in (select value from carray(?))", (bound_ids(ids),)
        ).fetchall()
        return rows  # type: ignore[no-any-return]


class _Best:
    """The k nearest of the rows seen so far."""

    def __init__(self, metric: str, asked: Question) -> None:
        self._metric = metric
        self._asked = asked
        self._found: list[tuple[float, int]] = []
        self.reach = asked.max_distance

    def add(self, rows: Sequence[tuple[int, bytes]]) -> None:
        """Look at more rows."""
        asked = self._asked
        told = distances(self._metric, asked.query, [vector for _, vector in rows])
        new = [(distance, id) for (id, _), distance in zip(rows, told, strict=True) if distance <= self.reach]
        if asked.after is not None:
            new = [pair for pair in new if pair > asked.after]
        self._found = sorted(self._found + new)[: asked.k]
        if len(self._found) == asked.k:
            self.reach = self._found[-1][0]

    def found(self) -> Found:
        """Return ids and distances."""
        return [id for _, id in self._found], [distance for distance, _ in self._found]


def _slices(rows: Iterable[Any]) -> Iterable[list[Any]]:
    """Yield the rows in lists, so that memory stays flat."""
    rows = iter(rows)
    while some := list(islice(rows, SLICE_ROWS)):
        yield some
