"""How far a search by partitions has to look for a recall: measured on vectors of the library that trained nothing.

For each of the sample its true neighbors are found by comparing it with every vector. Then a recall r is reached when
no more than ``LOST_PLACES * (1 - r)`` of the neighbors lie in partitions that are not looked at, and no more than
``LOST_CODES * (1 - r)`` stand behind the candidates. Both leave some over: people's questions are not the library's own
vectors. (WordNet: its queries need 1.3 times as many partitions as its glosses for a recall of 0.99.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ....connection.line import Line
from ....connection.session import Session
from ....derived.kind import CHUNK_BITS, CHUNK_IDS
from ....progress import Told
from ..base import Space
from ..nearest.scan import UNIT
from .codes import lengths_of, unit
from .nearest import InUse, Reach, candidates, partitions_in_order
from .places import NOWHERE, Places

if TYPE_CHECKING:
    import numpy as np

SAMPLE = 256  # vectors
BY_CODES = 128  # of them whose candidates are listed
COUNTS = (10, 100)  # neighbors
RECALLS = (0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
LOST_PLACES, LOST_CODES = 0.7, 0.08
MOST_CANDIDATES = 4000
BLOCK_BYTES = 1 << 21  # compared at a time: what is not nearer than those of the blocks before is soon passed over
MOST_LOOKED_AT = 0.4  # of the vectors: beyond, reading all of them is nearly as fast
MORE = 1.25  # candidates for those that were counted


class Measured(NamedTuple):
    """What a recall takes."""

    k: int
    recall: float
    reach: Reach


class Truth:
    """The nearest neighbors of a sample, found as the vectors pass by.

    Products in float32, less their greatest error (see `nearest.scan`), tell which rows are looked at; products in
    float64 decide, as the distances of searches do.
    """

    def __init__(self, ids: np.ndarray, rows: np.ndarray, metric: str) -> None:
        import numpy as np

        self.own = ids
        self.rows = rows
        self._metric = metric
        self._queries = unit(rows, metric)
        self._lengths = lengths_of(rows.astype(np.float64)) if metric == "cosine" else np.ones((len(rows), 1))
        self._length = float(np.sqrt(np.einsum("ij,ij->i", self._queries, self._queries).max(initial=0.0)))
        width = COUNTS[-1]
        self.ids = np.full((len(ids), width), -1, np.int64)
        self._best = np.full((len(ids), width), -np.inf)
        self._seen = 0

    def add(self, ids: np.ndarray, rows: np.ndarray) -> None:
        """Look at more vectors, of length 1 under cosine."""
        begin, most = 0, max(32, BLOCK_BYTES // (4 * rows.shape[1]))
        while begin < len(ids):
            end = begin + min(max(COUNTS[-1], self._seen), most)  # as many as before: few of them are nearer
            self._add(ids[begin:end], rows[begin:end])
            begin, self._seen = end, self._seen + end - begin

    def _add(self, ids: np.ndarray, rows: np.ndarray) -> None:
        import numpy as np

        squares = np.einsum("ij,ij->i", rows, rows)
        off = (2 * rows.shape[1] + 16) * UNIT * (np.sqrt(squares) * self._length + 0.5 * squares)
        near = rows @ self._queries.T
        near += (off - 0.5 * squares if self._metric == "l2" else off)[:, None]
        maybe = near >= self._best[:, -1]
        some = np.flatnonzero(maybe.any(axis=1))
        ids, rows = ids[some], unit(rows[some].astype(np.float64), self._metric)
        half = 0.5 * np.einsum("ij,ij->i", rows, rows) if self._metric == "l2" else 0.0
        for j in np.flatnonzero(maybe.any(axis=0)).tolist():
            products = rows @ (self.rows[j] / self._lengths[j]) - half
            nearer = np.flatnonzero((products > self._best[j, -1]) & (ids != self.own[j]))
            if len(nearer):
                best = np.concatenate((self._best[j], products[nearer]))
                first = np.argsort(-best, kind="stable")[: COUNTS[-1]]
                self._best[j], self.ids[j] = best[first], np.concatenate((self.ids[j], ids[nearer]))[first]


def measure(session: Session, places: Places, truth: Truth, told: Told) -> list[Measured]:
    """Return what recalls take, nothing where there is no sample.

    Parameters
    ----------
    session
        Reads the partitions, each question by itself: whoever is told may write meanwhile.
    places
        The partitioning.
    truth
        The neighbors of a sample.
    told
        Called as the sample is asked.
    """
    import numpy as np

    using = (places.id, places.middle.astype("<f4").tobytes())
    found = _ranks(session, places, using, truth)
    if found is None:
        return []
    ranks, shares = found
    most = int(np.searchsorted(shares, MOST_LOOKED_AT, side="right"))
    asked = [(k, recall) for k in COUNTS if (truth.ids[:, :k] >= 0).all() for recall in RECALLS]
    probes = {each: _reaching(ranks[:, : each[0]], 1.0 - LOST_PLACES * (1.0 - each[1])) + 1 for each in asked}
    within = {each: int(value) for each, value in probes.items() if value <= most}
    if not within:
        return []
    deepest = max(within.values())  # with fewer partitions nobody stands farther behind
    stands = np.full((min(BY_CODES, len(truth.own)), COUNTS[-1]), MOST_CANDIDATES, np.int64)
    for j in range(len(stands)):
        told("measuring", j, len(stands))
        with session.reading() as line:
            listed = _listed(line, places.space, using, truth, j, deepest)
        for place, id in enumerate(truth.ids[j].tolist()):
            stands[j, place] = listed.get(id, MOST_CANDIDATES)
    reached = []
    for (k, recall), partitions in within.items():
        near, listed_at = ranks[: len(stands), :k], stands[:, :k]
        deep = MORE * (_reaching(listed_at[near < deepest], 1.0 - LOST_CODES * (1.0 - recall)) + 1)
        if deep <= MOST_CANDIDATES:
            candidates = max(int(deep), 2 * k)
            hit = float(((near < partitions) & (listed_at < candidates)).mean())
            if hit >= recall:
                reached.append(Measured(k, recall, Reach(partitions, candidates, hit)))
    return reached


def _ranks(session: Session, places: Places, using: InUse, truth: Truth) -> tuple[np.ndarray, np.ndarray] | None:
    """Return which partitions hold the neighbors, in the order that searches look at them.

    Asked of the searches' own SQL: where clusters are so tight that float32 hardly tells their centroids apart, another
    order of sums is another order of partitions. That found 0.885 of the neighbors where 0.922 were promised.

    Returns
    -------
    tuple or None
        (s, neighbors) int64: the place of each neighbor's partition; and (k,) float64: what share of the vectors lie in
        the nearest 1, 2, … partitions, on average. None where nothing is known.
    """
    import numpy as np

    with session.reading() as line:
        sql = "select chunk, numbers from partition_chunk where partitioning_id = ? and length(numbers) = ?"
        rows: Any = line.connection.execute(sql, (places.id, 2 * CHUNK_IDS)).fetchall()
    if not rows or not len(truth.own):
        return None
    chunks = np.fromiter((row[0] for row in rows), np.int64, len(rows))
    numbers = np.frombuffer(b"".join([row[1] for row in rows]), "<u2").reshape(len(rows), CHUNK_IDS)
    count = len(places.means)
    sizes = np.bincount(numbers[numbers != NOWHERE], minlength=count)[:count]
    rank, passed = np.full((len(truth.own), count), count), np.zeros((len(truth.own), count))
    for j, query in enumerate(truth.rows.astype("<f4")):
        with session.reading() as line:
            order = partitions_in_order(line.connection, places.space, using, query.tobytes()) or []
        rank[j, order] = np.arange(len(order))
        passed[j, : len(order)] = sizes[order]
    shares = np.cumsum(passed, axis=1).mean(axis=0) / max(sizes.sum(), 1)
    at = np.minimum(np.searchsorted(chunks, truth.ids >> CHUNK_BITS), len(chunks) - 1)
    number = numbers[at, truth.ids & (CHUNK_IDS - 1)].astype(np.int64)
    known = (chunks[at] == truth.ids >> CHUNK_BITS) & (number < count)
    ranks = np.take_along_axis(rank, np.where(known, number, 0), axis=1)
    ranks[~known] = count
    return ranks, shares


def _reaching(values: np.ndarray, share: float) -> float:
    """Return the least value that at least so many of the values don't pass."""
    import numpy as np

    return float(np.quantile(values, share, method="higher")) if values.size else float("inf")


def _listed(line: Line, space: Space, using: InUse, truth: Truth, j: int, partitions: int) -> dict[int, int]:
    """Return at which place each candidate of a vector of the sample stands, itself left out."""
    query: Any = truth.rows[j].astype("<f4").tobytes()
    ids = candidates(line.connection, space, using, query, Reach(partitions, MOST_CANDIDATES, 0.0)) or []
    own = int(truth.own[j])
    return {id: place for place, id in enumerate(id for id in ids if id != own)}
