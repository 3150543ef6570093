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
from ....progress import Told
from ..base import Space
from .codes import unit
from .nearest import InUse, Reach, candidates

if TYPE_CHECKING:
    import numpy as np

SAMPLE = 256  # vectors
BY_CODES = 128  # of them whose candidates are listed
COUNTS = (10, 100)  # neighbors
RECALLS = (0.8, 0.9, 0.95, 0.98, 0.99, 0.995)
LOST_PLACES, LOST_CODES = 0.7, 0.08
MOST_CANDIDATES = 4000
BLOCK_ROWS = 2048  # compared at a time: what is not nearer than those of the blocks before is soon passed over
MOST_LOOKED_AT = 0.4  # of the vectors: beyond, reading all of them is nearly as fast
MORE = 1.25  # candidates for those that were counted


class Measured(NamedTuple):
    """What a recall takes."""

    k: int
    recall: float
    reach: Reach


class Truth:
    """The nearest neighbors of a sample, found as the vectors pass by."""

    def __init__(self, ids: np.ndarray, rows: np.ndarray, metric: str) -> None:
        import numpy as np

        self.own = ids
        self.rows = rows
        self._metric = metric
        self._queries = unit(rows, metric)
        width = COUNTS[-1]
        self.ids = np.full((len(ids), width), -1, np.int64)
        self._best = np.full((len(ids), width), -np.inf, np.float32)
        self._seen = 0

    def add(self, ids: np.ndarray, rows: np.ndarray) -> None:
        """Look at more vectors, of length 1 under cosine."""
        begin = 0
        while begin < len(ids):
            end = begin + max(COUNTS[-1], min(self._seen, BLOCK_ROWS))  # as many as before: few of them are nearer
            self._add(ids[begin:end], rows[begin:end])
            begin, self._seen = end, self._seen + end - begin

    def _add(self, ids: np.ndarray, rows: np.ndarray) -> None:
        import numpy as np

        near = rows @ self._queries.T
        if self._metric == "l2":
            near -= 0.5 * np.einsum("ij,ij->i", rows, rows)[:, None]
        row, query = np.nonzero(near > self._best[:, -1])
        keep = ids[row] != self.own[query]
        row, query = row[keep], query[keep]
        order = np.argsort(query, kind="stable")
        row, query = row[order], query[order]
        edges = np.searchsorted(query, np.arange(len(self.own) + 1))
        for j in np.unique(query).tolist():
            mine = row[edges[j] : edges[j + 1]]
            best = np.concatenate((self._best[j], near[mine, j]))
            first = np.argsort(-best, kind="stable")[: COUNTS[-1]]
            self._best[j], self.ids[j] = best[first], np.concatenate((self.ids[j], ids[mine]))[first]


def measure(
    session: Session, space: Space, using: InUse, truth: Truth, ranks: np.ndarray, shares: np.ndarray, told: Told
) -> list[Measured]:
    """Return what recalls take.

    Parameters
    ----------
    session
        Reads the partitions, each question by itself: whoever is told may write meanwhile.
    space, using
        The library and its partitioning.
    truth
        The neighbors of a sample.
    ranks
        (s, neighbors) int64: which one the partition of each neighbor is, in order of distance from the query.
    shares
        (k,) float64: what share of the vectors lie in the nearest 1, 2, … partitions, on average.
    told
        Called as the sample is asked.
    """
    import numpy as np

    most = int(np.searchsorted(shares, MOST_LOOKED_AT, side="right"))
    asked = [(k, recall) for k in COUNTS if (truth.ids[:, :k] >= 0).all() for recall in RECALLS]
    probes = {each: _reaching(ranks[:, : each[0]], 1.0 - LOST_PLACES * (1.0 - each[1])) + 1 for each in asked}
    within = {each: int(value) for each, value in probes.items() if value <= most}
    if not within:
        return []
    deepest = max(within.values())  # with fewer partitions nobody stands farther behind
    places = np.full((min(BY_CODES, len(truth.own)), COUNTS[-1]), MOST_CANDIDATES, np.int64)
    for j in range(len(places)):
        told("measuring", j, len(places))
        with session.reading() as line:
            listed = _listed(line, space, using, truth, j, deepest)
        for place, id in enumerate(truth.ids[j].tolist()):
            places[j, place] = listed.get(id, MOST_CANDIDATES)
    found = []
    for (k, recall), partitions in within.items():
        near, listed_at = ranks[: len(places), :k], places[:, :k]
        deep = MORE * (_reaching(listed_at[near < deepest], 1.0 - LOST_CODES * (1.0 - recall)) + 1)
        if deep <= MOST_CANDIDATES:
            candidates = max(int(deep), 2 * k)
            hit = float(((near < partitions) & (listed_at < candidates)).mean())
            if hit >= recall:
                found.append(Measured(k, recall, Reach(partitions, candidates, hit)))
    return found


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
