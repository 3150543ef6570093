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
3. It counts for arrays that lie by the same partitions, or by none likewise: bits less other centers, or less none, may
   need three times the candidates. What lies in no partition is measured with the candidates it has there.
4. Only `keep` writes, and no search calls it. What a search measures lives as long as its arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import apsw

from ....connection.line import Line
from ....connection.session import Session
from ....derived.kind import CHUNK_BITS
from ....derived.saved import nonces_of
from ..base import Space
from .kind import VectorKind
from .points import Calibration, Point, nonces_blob, points_text, read_nonces, read_points
from .scan import Question

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from ....derived.mechanism import Derived
    from ..partitions.layout import Layout
    from .arrays import VectorArrays

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
CANDIDATE_ROWS, POINT_ROWS, RUN_ROWS, RUNS_ROWS = 200, 10, 300, 60_000
"""What a candidate, a partition's centroid, each partition looked at, and that there are any take, in rows of bits."""
CODE_ROWS = 11  # what a row of codes takes, likewise
ERRORS = 2.0  # standard errors of the mean
ELSEWHERE = 2  # times the candidates, see invariant 1


def of(
    line: Line, derived: Derived, space: Space, bits: VectorArrays, planes: VectorArrays | None
) -> Calibration | None:
    """Return the calibration that holds for `bits`: what they have, what the file keeps, or what is measured now.

    None where nothing is known and `planes`, which give the exact answers, are not there.
    """
    rows = bits.used - bits.empty
    if bits.calibrated is not None and bits.changes - bits.calibrated[1] <= MOST_CHANGED * rows:
        return bits.calibrated[0]
    found, share = kept(line.connection, space)
    if found is None or found.partitioning != (bits.layout.partitioning if bits.layout else 0):
        if planes is None:
            return None
        found, share = measured(line, derived, space, bits, planes), 0.0
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
    then, now = read_nonces(marks), nonces_of(connection, "embedding", VectorKind(space).chunks)
    changed = sum(now.get(chunk) != then.get(chunk) for chunk in now.keys() | then.keys())
    share = changed / max(1, len(now))
    return (None if share > MOST_CHANGED else read_points(sample, points)), share


def keep(session: Session, derived: Derived, space: Space) -> Calibration | None:
    """Measure, unless what is kept still counts, and keep it in the file; None where no search would ask for it.

    Others may write while it is measured; the write itself takes no time.
    """
    from ..partitions.layout import partitioning_of
    from .bits import BitKind

    with session.reading() as line:
        found, _ = kept(line.connection, space)
        partitioning = partitioning_of(line.connection, space)
        chunks = len(nonces_of(line.connection, "embedding", VectorKind(space).chunks))
        if (found and found.partitioning == partitioning) or chunks << CHUNK_BITS < LEAST_VECTORS:
            return found
        bits, planes = (_lying_by(line, derived, kind(space), partitioning) for kind in (BitKind, VectorKind))
        if bits is None or planes is None:
            return None
        found = measured(line, derived, space, bits, planes)
        bits.calibrated = found, bits.changes
        marks = nonces_blob(nonces_of(line.connection, "embedding", VectorKind(space).chunks))
    session.change(
        """insert into calibration (library_id, sample, marks, points)
           select id, ?2, ?3, ?4 from library where id = ?1
               on conflict do update
              set sample = excluded.sample, marks = excluded.marks, points = excluded.points,
                  created_ns = excluded.created_ns""",
        (space.id, found.sample, marks, points_text(found)),
    )
    return found


def _lying_by(line: Line, derived: Derived, kind: VectorKind, partitioning: int) -> VectorArrays | None:
    """Return arrays that lie by a partitioning, 0 for none, all but a few rows; made anew where those held don't."""
    arrays = derived.current(kind, line, float("inf"))
    if arrays is not None and not _lies_by(arrays, partitioning):
        derived.forget_kind(kind)
        return derived.current(kind, line, float("inf"))
    return arrays


def _lies_by(arrays: VectorArrays, partitioning: int) -> bool:
    layout = arrays.layout
    if layout is None or layout.partitioning != partitioning:
        return layout is None and not partitioning
    return arrays.used - layout.placed + len(layout.moved) <= MOST_CHANGED * arrays.used


def measured(line: Line, derived: Derived, space: Space, bits: VectorArrays, planes: VectorArrays) -> Calibration:
    """Measure; 0.4 s for 117,659 vectors of 384."""
    from .coded import bound_scratch

    bound_scratch(line, derived)
    ids, vectors = sample_of(line, space, bits, SAMPLE, 0)
    if len(ids) == 0 or bits.used - bits.empty < LEAST_VECTORS:
        return Calibration(0, ())
    nearest = exact_ids(line, space, planes, ids, vectors, NEIGHBORS[-1])
    points: list[Point] = []
    worth = (bits.used - bits.empty) // (LEAST_GAIN * ELSEWHERE)
    for most in RANKS:
        ranks = _ranks(line, space, bits, ids, vectors, nearest, most)
        points = list(_reached(ranks, min(most, worth)))
        if most >= worth or any((point.k, point.recall) == USUAL for point in points):
            break
    partitioning = bits.layout.partitioning if bits.layout else 0
    probes: list[Point] = []
    scans: list[Point] = []
    if points and bits.layout is not None and _lies_by(bits, partitioning):
        partitions = _partition_ranks(space, bits, bits.layout, vectors, nearest)
        probes = sorted(_probes(ranks, partitions, bits.layout, bits.used, min(most, worth), points))
    if points and planes.layout is not None and _lies_by(planes, partitioning):
        partitions = _partition_ranks(space, planes, planes.layout, vectors, nearest)
        scans = sorted(_scans(partitions, planes.layout, planes.used, [*points, *probes]))
    return Calibration(len(ids), tuple(points), partitioning, tuple(probes), tuple(scans))


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
    """Return the rank of each of the nearest in the order of estimates, `most` where it is not reached.

    What lies in no partition has candidates of its own, LOOSER times as many.
    """
    import numpy as np

    from ....kernels.knn_bits import LOOSER
    from .approximate import likely

    layout, ranks = bits.layout, np.full(nearest.shape, most)
    placed = np.ones(bits.used, np.bool_)
    if layout is not None:
        placed[layout.placed :] = placed[layout.moved] = False
    side = max(1, SIDE // most if placed.all() else SIDE // ((1 + LOOSER) * most))
    chosen = (likely(line, space, bits, vectors[j : j + side], most + 1) for j in range(0, len(ids), side))
    for row, own, near, slots in zip(ranks, ids, nearest, chain.from_iterable(chosen), strict=True):
        slots = slots[bits.ids[slots] != own]
        inside, order = placed[slots], bits.ids[slots]
        rank = np.where(inside, np.cumsum(inside) - 1, (np.cumsum(~inside) - 1) // LOOSER)
        by_id = np.argsort(order)
        at = by_id[np.minimum(np.searchsorted(order, near, sorter=by_id), len(order) - 1)]
        row[:] = np.where(order[at] == near, np.minimum(rank[at], most), most)
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


def _partition_ranks(
    space: Space, arrays: VectorArrays, layout: Layout, vectors: np.ndarray, nearest: np.ndarray
) -> np.ndarray:
    """Return which one the partition of each of the nearest is, in order of nearness to the vector; from 0 on.

    What lies in no partition is looked at always, and counts as 0.
    """
    import numpy as np

    from ....kernels.knn_parts import run_asked, run_nearness

    asked = run_asked(vectors, space.metric, mean=arrays.center[0], turn=arrays.center[1], centers=layout.centers)
    near = np.array([run_nearness(layout.centers, asked, j)[0] for j in range(len(vectors))])
    order = np.argsort(-near, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(order.shape[1])[None], axis=1)
    number = layout.of_slots(arrays.slots(nearest.ravel())).reshape(nearest.shape)
    return np.where((number < 0) | (nearest == 0), 0, np.take_along_axis(rank, np.maximum(number, 0), axis=1))


def _probes(
    ranks: np.ndarray, partitions: np.ndarray, layout: Layout, used: int, most: int, points: list[Point]
) -> Iterator[Point]:
    """Yield for each k and recall the cheapest number of partitions and candidates, where it beats a scan of all."""
    import numpy as np

    least = {(point.k, point.recall): (_cost(point, layout, used), point) for point in points}
    for looked_at in _numbers(layout):
        for point in _reached(np.where(partitions < looked_at, ranks, most), most):
            point = point._replace(partitions=looked_at * ELSEWHERE)
            cost = _cost(point, layout, used)
            best = least.get((point.k, point.recall))
            if best is None or cost < best[0]:
                least[point.k, point.recall] = cost, point
    return (point for _, point in least.values() if point.partitions)


def _scans(partitions: np.ndarray, layout: Layout, used: int, others: list[Point]) -> Iterator[Point]:
    """Yield for each k and recall the least number of partitions, where to look at all in them beats others."""
    import numpy as np

    costs: dict[tuple[int, float], float] = {}
    for point in others:
        cost = _cost(point, layout, used)
        costs[point.k, point.recall] = min(cost, costs.get((point.k, point.recall), cost))
    found: set[tuple[int, float]] = set()
    for looked_at in _numbers(layout):
        for reached in _reached(np.where(partitions < looked_at, 0, NEIGHBORS[-1]), NEIGHBORS[-1]):
            point = reached._replace(candidates=0, partitions=looked_at * ELSEWHERE)
            kind = point.k, point.recall
            if kind not in found:
                found.add(kind)
                if _cost(point, layout, used) < costs.get(kind, np.inf):
                    yield point


def _numbers(layout: Layout) -> Iterator[int]:
    """Yield how many partitions a sample may look at."""
    looked_at = 1
    while looked_at * ELSEWHERE <= layout.count // 2:
        yield looked_at
        looked_at = max(looked_at + 1, int(looked_at * 1.5))


def _cost(point: Point, layout: Layout, used: int) -> float:
    """Return what a search costs, in rows of bits."""
    if not point.partitions:
        return used + CANDIDATE_ROWS * point.candidates
    a_row = 1 if point.candidates else CODE_ROWS
    rows = used - layout.placed + point.partitions * layout.placed // layout.count
    return (
        RUNS_ROWS
        + POINT_ROWS * layout.count
        + RUN_ROWS * point.partitions
        + a_row * rows
        + (CANDIDATE_ROWS * point.candidates)
    )
