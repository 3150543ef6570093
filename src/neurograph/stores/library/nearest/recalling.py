"""How much approximate searches of a library find."""

from __future__ import annotations

import math

from ....connection.line import Line
from ...arguments import whole
from ..base import require_library
from ..partitions import nearest as partitions
from .approximate import Approximate, checked_recall
from .points import Point
from .scan import Question
from .search import SearchedLibrary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ....model.recall import Recall

SEED = 1  # not that of the calibration: other vectors are asked


class RecalledLibrary(SearchedLibrary):
    """Measures what ``search(…, exact=False)`` finds."""

    def recall(self, k: int = 10, recall: float = 0.99, *, sample: int = 256, timeout_s: float | None = None) -> Recall:
        """Measure which recall ``search(k=k, exact=False, recall=recall)`` has.

        Some of the library's own vectors are searched for, each without itself, both exactly and not.

        Parameters
        ----------
        k
            How many nearest, 1 or more.
        recall
            The mean recall that is asked for, above 0 and up to 1.
        sample
            How many vectors, 1 or more. They are not those that the number of candidates was measured by.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        Recall
            (mean, first_percentile, sample, k, candidates). Where such searches are exact, `candidates` is None, the
            recall 1.0 and nothing is measured.

        Raises
        ------
        InvalidValue
            An argument breaks its rule.
        LibraryNotFound
            The library was dropped.
        DeadlineExceeded
            It took longer than `timeout_s`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     points = db.library.create("points", dimension=2)
        ...     _ = points.add([[0, 1], [1, 0]])
        ...     points.recall(k=1)
        Recall(mean=1.0, first_percentile=1.0, sample=0, k=1, candidates=None)

        Notes
        -----
        0.3 s for 117,659 vectors of 384, and before that what a first approximate search takes (two cores, Linux). It
        uses kernels whether or not they have repaid themselves; where there are none, or bits don't reach the recall,
        it measures searches by partitions, each beside an exact one: 37 s without kernels, so ask for a smaller sample.
        """
        from ....model.recall import Recall

        near, size, wanted = whole(k, "k", 1), whole(sample, "sample", 1), checked_recall(recall)
        with self._session.reading(timeout_s) as line:
            require_library(line.connection, self._space)
            few = Approximate.there(line, self._derived, self._space, math.inf)
            point = None if few is None else few.point(near, wanted)
            if few is None or point is None or few.planes is None:
                return self._of_partitions(line, near, wanted, size) or Recall(1.0, 1.0, 0, near, None)
            return self._measured(few, near, point, size)

    def _measured(self, few: Approximate, k: int, point: Point, size: int) -> Recall:
        import numpy as np

        from ....model.recall import Recall
        from .calibration import exact_ids, sample_of
        from .coded import bound_scratch

        bound_scratch(few.line, self._derived)
        ids, vectors = sample_of(few.line, self._space, few.bits, size, SEED)
        assert few.planes is not None
        exact = exact_ids(few.line, self._space, few.planes, ids, vectors, k)
        queries = [vector.astype("<f4").tobytes() for vector in vectors]
        found = few.nearest(Question(b"", k + 1), queries, point, 1)
        if found is None:
            return Recall(1.0, 1.0, 0, k, None)
        shares = np.array([np.isin(row, near).mean() for row, (near, _) in zip(exact, found, strict=True)])
        return Recall(float(shares.mean()), float(np.percentile(shares, 1)), len(ids), k, few.rows_at(point))

    def _of_partitions(self, line: Line, k: int, recall: float, size: int) -> Recall | None:
        """Measure searches by partitions, None where these don't answer."""
        reach = partitions.reach_now(line, self._space, k, recall)
        if reach is None:
            return None
        import numpy as np

        from ....model.recall import Recall
        from ..partitions.rows import chunks_of, sample

        ids, vectors = sample(self._session, self._space, chunks_of(self._session, self._space), size, SEED)
        long = vectors.any(axis=1)
        ids, queries = ids[long].tolist(), [vector.astype("<f4").tobytes() for vector in vectors[long]]
        asked, shares = Question(b"", k + 1), []
        norms: Any = line.connection.execute(
            "select norm_low, norm_high from library where id = ?", (self.id,)
        ).fetchall()
        for own, query in zip(ids, queries, strict=True):
            near = partitions.nearest(line, self._space, norms[0], asked, [query], recall, 1)
            if near is None:
                continue  # such a search is exact
            ((exact, _),), _ = self._nearest(line, asked, [query], "auto")
            wanted = [id for id in exact if id != own][:k]
            shares.append(len({*wanted} & {*near[0][0][0]}) / len(wanted))
        if not shares:
            return None
        return Recall(float(np.mean(shares)), float(np.percentile(shares, 1)), len(shares), k, reach.candidates)
