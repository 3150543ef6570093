"""Which way finds the nearest: rows, codes in memory, bits in memory, partitions in the file."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import apsw

from ....connection.line import Line
from ....connection.passing import FewPages
from ....connection.paths import ROWS
from ....connection.settings import CACHE_BYTES
from ....derived.kind import CHUNK_BITS
from ....errors import NotHere
from ..base import require_library
from ..partitions import nearest as partitions
from ..texts.encoders import EncodedLibrary
from .approximate import Approximate, may_miss
from .bits import BitKind
from .kind import VectorKind
from .scan import Found, Question
from .scan import nearest as by_rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ROW_S, NUMBER_S = 0.33e-6, 1.2e-9  # what plain SQL takes for a row, and for each of its numbers: 0.8 µs for 384
PARTITIONS_S = 5e-3  # what partitions take for a query, roughly


class ManyWays(EncodedLibrary):
    """Finds the nearest by the way that suits."""

    def _nearest(
        self,
        line: Line,
        asked: Question,
        queries: Sequence[bytes],
        engine: str,
        recall: float | None = None,
        without: int = 0,
    ) -> tuple[list[Found], float]:
        """Return ids and distances of the items nearest to each of `queries`, by the way that suits, and the recall.

        Of what is asked for, `without` are no neighbors but what is left out.
        """
        rows: Any = line.connection.execute(
            "select norm_low, norm_high from library where id = ? and created_ns = ? and dimension = ?",
            (*self._space.itself, self.dimension),
        ).fetchall()
        if not rows:
            require_library(line.connection, self._space)
        kind, policy = VectorKind(self._space), self._derived.policy
        if recall is not None and may_miss(asked, queries):
            near = self._near(line, asked, queries, engine, recall, without, rows[0])
            if near is not None:
                return near
        if engine != "sqlite-vec":
            cost_s = 0.0 if asked.among and engine == "auto" else self._plain_cost_s(line, kind, len(queries), engine)
            arrays = self._derived.current(kind, line, cost_s)
            if arrays is not None:
                from .coded import bound_scratch
                from .coded import nearest as by_codes

                if len(queries) > 1:
                    bound_scratch(line, self._derived)
                return by_codes(line, self._space, arrays, asked, queries), 1.0
            if engine == "numba":
                why = policy.why_unusable or "memory_budget_bytes has no room for them"
                raise NotHere(f"engine='numba' needs kernels and codes, and {why}; use engine='auto'")
        line.took(ROWS, "sqlite-vec over embedding")
        began = time.perf_counter()
        try:
            with FewPages(line.connection, self._reads_once(line.connection, kind, asked, engine)):
                return [
                    by_rows(line.connection, self._space, rows[0], asked._replace(query=query), line.tick)
                    for query in queries
                ], 1.0
        finally:
            if engine != "sqlite-vec":
                policy.spend(kind.name, time.perf_counter() - began)

    def _near(
        self,
        line: Line,
        asked: Question,
        queries: Sequence[bytes],
        engine: str,
        recall: float,
        without: int,
        norms: Any,
    ) -> tuple[list[Found], float] | None:
        """Return an answer that may miss some, None where only an exact one serves.

        Bits in memory answer first, then partitions in the file; what these take counts towards loading those.
        """
        kind, policy = BitKind(self._space), self._derived.policy
        k, sql = asked.k - without, engine == "sqlite-vec"
        loaded = not sql and self._derived.loaded(kind)
        reach = None if loaded or engine == "numba" else partitions.reach_now(line, self._space, k, recall)
        if not sql:
            cost_s = self._plain_cost_s(line, kind, len(queries), engine)
            if reach is not None:
                cost_s = min(cost_s, len(queries) * PARTITIONS_S)
            few = Approximate.there(line, self._derived, self._space, cost_s)
            point = few and few.point(k, recall)
            if few and point:
                found = few.nearest(asked, queries, point, without)
                return None if found is None else (found, point.mean)
        if loaded and engine != "numba":
            reach = partitions.reach_now(line, self._space, k, recall)
        if reach is None:
            return None
        began = time.perf_counter()
        with FewPages(line.connection, not policy.spent(kind.name)):
            near = partitions.nearest(line, self._space, norms, asked, queries, recall, without)
        policy.spend(kind.name, time.perf_counter() - began)
        return near

    def _plain_cost_s(self, line: Line, kind: VectorKind, queries: int, engine: str) -> float:
        """Return what plain SQL would take, where that matters: while arrays are not loaded."""
        if engine == "numba":
            return math.inf
        if not self._derived.policy.usable or self._derived.loaded(kind):
            return 0.0
        return queries * self._most_vectors(line.connection) * (ROW_S + NUMBER_S * self.dimension)

    def _reads_once(self, connection: apsw.Connection, kind: VectorKind, asked: Question, engine: str) -> bool:
        """Tell whether pages are not worth keeping: they don't all find room, or nobody may ask a second time."""
        if engine != "sqlite-vec" and not self._derived.policy.spent(kind.name):
            return True
        return not asked.among and 4 * self.dimension * self._most_vectors(connection) > CACHE_BYTES

    def _most_vectors(self, connection: apsw.Connection) -> int:
        """Return how many vectors there are at most, told at once."""
        first, last = VectorKind(self._space).chunks
        rows: Any = connection.execute(
            "select count(*) from mark where subject = 'embedding' and chunk between ? and ?", (first, last)
        ).fetchall()
        return int(rows[0][0]) << CHUNK_BITS
