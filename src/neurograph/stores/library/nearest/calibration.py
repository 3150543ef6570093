"""How many candidates a scan of bits must leave so that enough of the nearest are among them: measured, and kept.

A sample of the library's own vectors are the queries, each without itself. Their nearest are found exactly, and each
has a rank in the order of the estimates; that `candidates` reach a recall for `k` is read off these ranks.

Invariants:

1. A point says that the mean recall over the sample, less twice its standard error, is at least `recall` with half of
   its candidates; `mean` and `first_percentile` are those of the half. The other half is for questions from elsewhere,
   which are farther from everything than a library's own vectors: those of WordNet take 1.2 to 1.3 times the candidates
   of its 117,659 glosses, and 1.6 times those of the first 20,000.
2. What was measured counts until a tenth of the vectors changed. Arrays count their own changes row by row; of what is
   kept in the file it is known by the marks of its chunks, so one changed row counts for the 512 ids of its chunk: it
   is measured again too early rather than too late.
3. Only `keep` writes, and no search calls it. What a search measures lives as long as its arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

import apsw

from ....connection.line import Line
from ....connection.session import Session
from ....derived.kind import CHUNK_BITS
from ....derived.saved import nonces_of
from ..base import Space
from .arrays import VectorKind
from .scan import Question

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple

    import numpy as np

    from ....derived.mechanism import Derived
    from .arrays import VectorArrays
else:
    from ....model.typed import NamedTuple

SAMPLE = 256
LEAST_VECTORS = 4096  # below, exact searches are as fast
LEAST_GAIN = 20  # times as many vectors as candidates; else exact searches are about as fast
MOST_CHANGED = 0.1
NEIGHBORS = (10, 20, 50, 100)  # a fewer nearest are found more surely, and say too little of a sample to count on
RECALLS = (0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999)
RANKS = (1024, 4096, 24_576)  # looked at, and how many where those don't do: of a million 2, 3 and 6 ms a query
SIDE = 1 << 18  # ranks looked at side by side: 12 MB
USUAL = (10, 0.99)
GROWTH = 1.05  # from one number of candidates to the next
ERRORS = 2.0  # standard errors of the mean
ELSEWHERE = 2  # times the candidates, see invariant 1


class Point(NamedTuple):
    """What a number of candidates reaches."""

    k: int
    recall: float
    candidates: int
    mean: float
    first_percentile: float


class Calibration(NamedTuple):
    """What was measured of a library."""

    sample: int
    points: tuple[Point, ...]
    """In order of k, then recall."""

    def point(self, k: int, recall: float) -> Point | None:
        """Return the cheapest point that holds for `k` and `recall`, or None where no number of candidates does."""
        return next((point for point in self.points if point.k >= k and point.recall >= recall), None)


def of(line: Line, space: Space, bits: VectorArrays, planes: VectorArrays | None) -> Calibration | None:
    """Return the calibration that holds for `bits`: what they have, what the file keeps, or what is measured now.

    None where nothing is known and `planes`, which give the exact answers, are not there.
    """
    rows = bits.used - bits.empty
    if bits.calibrated is not None and bits.changes - bits.calibrated[1] <= MOST_CHANGED * rows:
        return bits.calibrated[0]
    found, share = kept(line.connection, space)
    if found is None:
        if planes is None:
            return None
        found, share = measured(line, space, bits, planes), 0.0
    bits.calibrated = found, bits.changes - int(share * rows)
    return found


def kept(connection: apsw.Connection, space: Space) -> tuple[Calibration | None, float]:
    """Return the calibration that the file keeps, if it still counts, and the share of chunks that changed since."""
    rows: Any = connection.execute(
        "select sample, marks, points from calibration where library_id = ?", (space.id,)
    ).fetchall()
    if not rows:
        return None, 1.0
    sample, marks, points = rows[0]
    then, now = _nonces(marks), nonces_of(connection, "embedding", VectorKind(space).chunks)
    changed = sum(now.get(chunk) != then.get(chunk) for chunk in now.keys() | then.keys())
    share = changed / max(1, len(now))
    return (None if share > MOST_CHANGED else Calibration(sample, tuple(sorted(_points(points))))), share


def keep(session: Session, derived: Derived, space: Space) -> Calibration | None:
    """Measure, unless what is kept still counts, and keep it in the file; None where no search would ask for it.

    Others may write while it is measured; the write itself takes no time.
    """
    from .bits import BitKind

    with session.reading() as line:
        found, _ = kept(line.connection, space)
        chunks = len(nonces_of(line.connection, "embedding", VectorKind(space).chunks))
        if found is not None or chunks << CHUNK_BITS < LEAST_VECTORS:
            return found
        bits = derived.current(BitKind(space), line, float("inf"))
        planes = None if bits is None else derived.current(VectorKind(space), line, float("inf"))
        if bits is None or planes is None:
            return None
        found = measured(line, space, bits, planes)
        bits.calibrated = found, bits.changes
        marks = _packed(nonces_of(line.connection, "embedding", VectorKind(space).chunks))
    import json

    session.change(
        """insert into calibration (library_id, sample, marks, points)
           select id, ?2, ?3, ?4 from library where id = ?1
               on conflict do update
              set sample = excluded.sample, marks = excluded.marks, points = excluded.points,
                  created_ns = excluded.created_ns""",
        (space.id, found.sample, marks, json.dumps(found.points)),
    )
    return found


def measured(line: Line, space: Space, bits: VectorArrays, planes: VectorArrays) -> Calibration:
    """Measure; 0.4 s for 117,659 vectors of 384."""
    ids, vectors = sample_of(line, space, bits, SAMPLE, 0)
    if len(ids) == 0 or bits.used - bits.empty < LEAST_VECTORS:
        return Calibration(0, ())
    nearest = exact_ids(line, space, planes, ids, vectors, NEIGHBORS[-1])
    points: list[Point] = []
    worth = (bits.used - bits.empty) // (LEAST_GAIN * ELSEWHERE)
    for most in RANKS:
        points = list(_reached(_ranks(line, space, bits, ids, vectors, nearest, most), min(most, worth)))
        if most >= worth or any((point.k, point.recall) == USUAL for point in points):
            break
    return Calibration(len(ids), tuple(points))


def sample_of(line: Line, space: Space, arrays: VectorArrays, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ids and vectors of some items, the same for the same arrays and seed; none without length."""
    import numpy as np

    from .coded import rows_of

    there = np.flatnonzero(np.isfinite(arrays.codes.offset[: arrays.used]))
    some = np.random.default_rng(seed).choice(there, min(size, len(there)), replace=False)
    ids = np.sort(arrays.ids[some])
    vectors = rows_of(line, space, ids)
    long = vectors.any(axis=1)
    return ids[long], vectors[long]


def exact_ids(
    line: Line, space: Space, planes: VectorArrays, ids: np.ndarray, vectors: np.ndarray, k: int
) -> np.ndarray:
    """Return the k items nearest to each vector of a sample but itself, (m, k) int64; 0 where there are no more."""
    import numpy as np

    from .coded import nearest

    found = np.zeros((len(ids), k), np.int64)
    queries = [vector.astype("<f4").tobytes() for vector in vectors]
    for row, own, (near, _) in zip(
        found, ids.tolist(), nearest(line, space, planes, Question(b"", k + 1), queries), strict=True
    ):
        others = [id for id in near if id != own][:k]
        row[: len(others)] = others
    return found


def _ranks(
    line: Line,
    space: Space,
    bits: VectorArrays,
    ids: np.ndarray,
    vectors: np.ndarray,
    nearest: np.ndarray,
    most: int,
) -> np.ndarray:
    """Return the rank of each of the nearest in the order of estimates, `most` where it is not reached."""
    import numpy as np

    from .approximate import likely

    ranks, side = np.full(nearest.shape, most), max(1, SIDE // most)
    chosen = (likely(line, space, bits, vectors[j : j + side], most + 1) for j in range(0, len(ids), side))
    for row, own, near, slots in zip(ranks, ids, nearest, chain.from_iterable(chosen), strict=True):
        order = bits.ids[slots]
        order = order[order != own][:most]
        by_id = np.argsort(order)
        at = np.minimum(np.searchsorted(order, near, sorter=by_id), len(order) - 1)
        row[:] = np.where(order[by_id[at]] == near, by_id[at], most)
        row[near == 0] = 0  # there are no more: nothing to miss
    return ranks


def _reached(ranks: np.ndarray, most: int) -> Iterator[Point]:
    """Yield what each number of candidates up to `most` reaches: for each k and recall the least of them."""
    import numpy as np

    for k in NEIGHBORS:
        candidates, wanted = k, list(RECALLS)
        while wanted and candidates <= most:
            shares = (ranks[:, :k] < candidates).mean(axis=1)
            mean, error = float(shares.mean()), float(shares.std()) / len(shares) ** 0.5
            while wanted and mean - ERRORS * error >= wanted[0]:
                yield Point(k, wanted.pop(0), candidates * ELSEWHERE, mean, float(np.percentile(shares, 1)))
            candidates = max(candidates + 1, int(candidates * GROWTH))


def _packed(nonces: dict[int, int]) -> bytes:
    """Return chunks and their nonces as bytes: int64, little-endian, one after the other."""
    from struct import pack

    return b"".join(pack("<qq", *pair) for pair in sorted(nonces.items()))


def _nonces(marks: bytes) -> dict[int, int]:
    from struct import iter_unpack

    return dict(iter_unpack("<qq", marks)) if len(marks) % 16 == 0 else {}


def _points(text: str) -> Iterator[Point]:
    """Yield the points of a file, whoever wrote them; what is no point is passed over."""
    import json

    try:
        rows: Sequence[Any] = json.loads(text)
    except ValueError:
        return
    for row in rows:
        if not isinstance(row, list) or len(row) != 5 or not all(isinstance(x, int | float) for x in row):
            continue
        k, recall, candidates, mean, least = row
        if 1 <= k <= candidates <= ELSEWHERE * RANKS[-1] and all(0.0 <= x <= 1.0 for x in (recall, mean, least)):
            yield Point(int(k), float(recall), int(candidates), float(mean), float(least))
