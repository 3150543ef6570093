"""Nearest neighbors where some of them may be missing: partitions or bits choose, codes and float32 rows decide.

What comes back are rows of the snapshot with their exact distances, in order; only some may be missing, as many as the
calibration said. Where nothing is known of that, where it can't be reached, or where exact searches are as fast, the
caller is told to search exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from struct import unpack

from ....connection.line import Line
from ....errors import InvalidValue
from ...arguments import real
from ..base import Space
from .bits import BitKind
from .kind import VectorKind
from .scan import SLICE_ROWS, Found, Question

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from ....derived.mechanism import Derived
    from ....kernels.knn_decide import Within
    from .arrays import VectorArrays
    from .points import Calibration, Point

USUAL_RECALL = 0.99
DEVIATIONS = 5.0
"""By how many standard deviations codes are off at most, where some rows may be missed. A bound always holds; as rows
are turned, what codes leave over lies in any direction, and the root of the mean square of errors is 1/sqrt(d) of the
bound: 0.99 of that on WordNet's glosses and on made vectors, of 384 numbers and of 64; the worst of 100,000 was 4.8. So
12 rows are fetched of 532 candidates, where 26 may be nearest."""


class Approximate:
    """What answers approximate searches of one library on one line."""

    def __init__(
        self,
        line: Line,
        space: Space,
        bits: VectorArrays,
        planes: VectorArrays | None,
        calibration: Calibration,
        derived: Derived,
    ) -> None:
        self.line = line
        self._derived = derived
        self._space = space
        self.bits = bits
        self.planes = planes
        self.calibration = calibration

    @classmethod
    def there(cls, line: Line, derived: Derived, space: Space, cost_s: float) -> Approximate | None:
        """Return it where bits are loaded, or repay themselves where plain SQL would cost `cost_s`, else None."""
        kind, codes = BitKind(space), VectorKind(space)
        bits = derived.current(kind, line, cost_s)
        if bits is None:
            return None
        from . import calibration

        planes = None
        if derived.loaded(codes) or _has_room(line, derived, kind, codes):
            planes = derived.current(codes, line, math.inf)
        found = calibration.of(line, derived, space, bits, planes)
        return None if found is None else cls(line, space, bits, planes, found, derived)

    def point(self, k: int, recall: float) -> Point | None:
        """Return how far to look for a recall, None where no number of candidates reaches it."""
        layout = None if self.planes is None else self.planes.layout
        there = layout is not None and layout.partitioning == self.calibration.partitioning
        return self.calibration.point(k, recall, there)

    def rows_at(self, point: Point) -> int:
        """Return how many rows a search looks at closely."""
        layout = None if self.planes is None else self.planes.layout
        return point.candidates or (point.partitions * layout.placed // layout.count if layout else 0)

    def nearest(self, asked: Question, queries: Sequence[bytes], point: Point, without: int = 0) -> list[Found] | None:
        """Return ids and distances of the nearest as far as a point says to look, None where a query has fewer than k.

        Of what is asked for, `without` are no neighbors but what is left out.
        """
        from .coded import as_array, bound_scratch
        from .coded import nearest as by_codes

        vectors = as_array(self._space, queries)
        if len(queries) > 1:
            bound_scratch(self.line, self._derived)
        doubt = min(1.0, DEVIATIONS / math.sqrt(self._space.dimension))
        if self.planes is not None and not point.candidates:
            within = within_of(self._space, self.planes, vectors, point.partitions)
            found = by_codes(self.line, self._space, self.planes, asked, queries, within=within, doubt=doubt)
            return found if all(len(ids) == asked.k for ids, _ in found) else None
        candidates = point.candidates + without
        chosen = likely(self.line, self._space, self.bits, vectors, candidates, point.partitions, ordered=False)
        if self.planes is None:
            found = [self._by_rows(asked, query, slots) for query, slots in zip(vectors, chosen, strict=True)]
        else:
            places = [self._places(slots) for slots in chosen]
            found = by_codes(self.line, self._space, self.planes, asked, queries, places, doubt=doubt)
        if all(len(ids) == asked.k for ids, _ in found):
            return found
        if not point.partitions:
            return None
        return self.nearest(asked, queries, point._replace(partitions=0), without)  # so few are left in them

    def _places(self, slots: np.ndarray) -> np.ndarray:
        """Return where the codes of those rows are: mostly at the same slots."""
        planes, ids = self.planes, self.bits.ids[slots]
        assert planes is not None
        if len(ids) and slots.max() < planes.used and (planes.ids[slots] == ids).all():
            return slots
        found = planes.slots(ids)
        return found[found >= 0]

    def _by_rows(self, asked: Question, query: np.ndarray, slots: np.ndarray) -> Found:
        """Return the nearest of the rows of some slots."""
        import numpy as np

        from ....kernels.knn_codes import metric_code
        from ....kernels.knn_query_kernel import measure
        from .coded import rows_of

        ids, metric = np.sort(self.bits.ids[slots]), metric_code(self._space.metric)
        distances, wide = np.empty(len(ids)), query.astype(np.float64)
        for first in range(0, len(ids), SLICE_ROWS):
            some = slice(first, first + SLICE_ROWS)
            rows = np.ascontiguousarray(rows_of(self.line, self._space, ids[some]).T)
            measure(rows, wide, metric, distances[some])
            self.line.tick()
        order = np.argsort(distances, kind="stable")[: asked.k]
        return ids[order].tolist(), distances[order].tolist()


def recall_of(exact: object, recall: float | None) -> float | None:
    """Return the recall an approximate search is to reach, or None for an exact one."""
    if not isinstance(exact, bool):
        raise InvalidValue(f"exact must be True or False, got {exact!r}")
    if exact:
        if recall is not None:
            raise InvalidValue(f"recall must be left out of an exact search, got {recall!r}; add exact=False")
        return None
    return checked_recall(USUAL_RECALL if recall is None else recall)


def checked_recall(recall: float) -> float:
    """Return a recall, if it is one."""
    number = real(recall, "recall")
    if not 0.0 < number <= 1.0:
        raise InvalidValue(f"recall must be above 0 and at most 1, got {recall!r}")
    return number


def may_miss(asked: Question, queries: Sequence[bytes]) -> bool:
    """Tell whether an approximate search serves: all are asked for, and from somewhere.

    A query without length is as far from everything under cosine; what is asked for a part is not what was measured.
    """
    whole = not asked.among and asked.max_distance == math.inf and asked.after is None
    return bool(whole and asked.k and queries and all(map(_has_length, queries)))


def _has_length(query: bytes) -> bool:
    """Tell whether a number is not zero; of zeros, -0.0 among them, all bytes are 00 or 80."""
    return bool(query.strip(b"\0\x80")) or any(unpack(f"<{len(query) // 4}f", query))


def likely(
    line: Line,
    space: Space,
    bits: VectorArrays,
    vectors: np.ndarray,
    candidates: int,
    partitions: int = 0,
    *,
    ordered: bool = True,
) -> list[np.ndarray]:
    """Return for each vector the slots of the items that are probably nearest, ordered by estimate if asked."""
    from ....kernels.knn_bits import run_likely

    mean, turn = bits.center
    return run_likely(
        bits.bits,
        vectors,
        candidates,
        metric=space.metric,
        mean=mean,
        turn=turn,
        end=bits.used,
        parts=None if bits.layout is None else bits.layout.parts,
        partitions=partitions,
        ordered=ordered,
        tick=line.tick,
    )


def within_of(space: Space, planes: VectorArrays, vectors: np.ndarray, partitions: int) -> list[Within]:
    """Return for each vector where to look: in so many partitions nearest to it, and at what is in none."""
    from ....kernels.knn_parts import run_asked, run_groups

    mean, turn = planes.center
    assert planes.layout is not None
    parts = planes.layout.parts
    asked = run_asked(vectors, space.metric, mean=mean, turn=turn, centers=parts.centers)
    return [run_groups(parts, asked, j, partitions, planes.used) for j in range(len(vectors))]


def _has_room(line: Line, derived: Derived, *kinds: VectorKind) -> bool:
    """Tell whether the budget holds the arrays of all kinds side by side: else each would push the other out."""
    first, last = kinds[0].chunks
    rows: Any = line.connection.execute(
        "select count(*) from mark where subject = 'embedding' and chunk between ? and ?", (first, last)
    ).fetchall()
    sizes = [kind.estimate(line.connection, rows[0][0])[1] for kind in kinds]
    return sum(sizes) <= derived.policy.budget_bytes
