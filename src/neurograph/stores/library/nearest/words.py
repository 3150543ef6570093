"""Questions about several items at once: what is like all of them, and what is to one as another is to a third."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ....connection.line import Line
from ....errors import InvalidValue
from ....model.item import Hit, Hits
from ...where import blamed
from ..base import ItemLike
from ..items.many import ManyItems
from ..vectors import little_endian, vector_array
from .choice import chosen
from .search import SearchedLibrary

TYPE_CHECKING = False
if TYPE_CHECKING:
    import numpy as np

    from ...where import Where

COMBINE = ("average", "sum", "max")


class WordLibrary(SearchedLibrary, ManyItems):
    """Questions about several items at once."""

    def similar(
        self,
        items: Sequence[ItemLike],
        k: int = 10,
        *,
        combine: str = "average",
        where: Where | None = None,
        timeout_s: float | None = None,
    ) -> Hits:
        """Find the k items most like several others, which are left out themselves.

        Parameters
        ----------
        items
            At least one, by record, id or key.
        k, where, timeout_s
            As for `search`.
        combine
            ``"average"`` and ``"sum"`` search near the mean or the sum of the vectors, each first divided by its length
            where the metric is cosine; ``"max"`` near any of them, an item's distance being the least.

        Returns
        -------
        Hits
            (id, key, distance) in order of distance, then id.

        Raises
        ------
        InvalidValue, ItemNotFound, LibraryNotFound, DeadlineExceeded
            As for `search`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     words = db.library.create("words", dimension=2)
        ...     _ = words.add([[1, 0], [0, 1], [1, 1], [1, 0.2]], keys=["red", "blue", "purple", "pink"])
        ...     [hit.key for hit in words.similar(["red", "blue"])]
        ...     [hit.key for hit in words.similar(["red", "blue"], combine="max")]
        ['purple', 'pink']
        ['pink', 'purple']
        """
        if combine not in COMBINE:
            raise InvalidValue(f"combine must be one of {', '.join(COMBINE)}, got {combine!r}")
        if isinstance(items, str | Hit) or not isinstance(items, Sequence) or not items:
            raise InvalidValue(f"items must be a sequence of at least one record, id or key, got {items!r}")
        among = chosen(self._space, where, None)
        with blamed(self._session, where), self._session.reading(timeout_s) as line:
            ids, vectors = self._unit_vectors(line, items)
            if combine != "max":
                vector = vectors.sum(axis=0) if combine == "sum" else vectors.mean(axis=0)
                return self._hits(line, self._question(self._query_of(vector), k, math.inf, None, among), ids)
            found: dict[int, tuple[float, str | None]] = {}
            for row in self.vectors(ids):
                asked = self._question(little_endian(row), k, math.inf, None, among)
                for hit in self._hits(line, asked, ids):
                    found[hit.id] = min(found.get(hit.id, (math.inf, hit.key)), (hit.distance, hit.key))
            best = sorted((distance, id, key) for id, (distance, key) in found.items())[: asked.k]
            return Hits([id for _, id, _ in best], [key for *_, key in best], [distance for distance, *_ in best])

    def analogy(
        self,
        a: ItemLike,
        b: ItemLike,
        c: ItemLike,
        k: int = 10,
        *,
        where: Where | None = None,
        timeout_s: float | None = None,
    ) -> Hits:
        """Find what is to `c` as `b` is to `a`: what is near ``c + (b - a)``, the three left out.

        Parameters
        ----------
        a, b, c
            By record, id or key. Their vectors are first divided by their lengths where the metric is cosine.
        k, where, timeout_s
            As for `search`.

        Returns
        -------
        Hits
            (id, key, distance) in order of distance, then id.

        Raises
        ------
        InvalidValue, ItemNotFound, LibraryNotFound, DeadlineExceeded
            As for `search`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     words = db.library.create("words", dimension=2, metric="l2")
        ...     _ = words.add([[0, 0], [0, 1], [5, 0], [5, 1]], keys=["man", "woman", "king", "queen"])
        ...     words.analogy("man", "woman", "king", k=1)[0].key
        'queen'

        Notes
        -----
        The method is 3CosAdd: Mikolov, Yih and Zweig, Linguistic Regularities in Continuous Space Word Representations,
        2013.
        """
        among = chosen(self._space, where, None)
        with blamed(self._session, where), self._session.reading(timeout_s) as line:
            ids, (va, vb, vc) = self._unit_vectors(line, (a, b, c))
            return self._hits(line, self._question(self._query_of(vc + (vb - va)), k, math.inf, None, among), ids)

    def _unit_vectors(self, line: Line, items: Sequence[ItemLike]) -> tuple[list[int], np.ndarray]:
        """Return ids and vectors, (n, dimension) float64, of unit length where the metric looks at angles."""
        import numpy as np

        ids = [self._item_id(line.connection, item) for item in items]
        vectors = self.vectors(ids).astype(np.float64)
        if self.metric == "cosine":
            lengths = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
            vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
        return ids, vectors

    def _query_of(self, vector: np.ndarray) -> bytes:
        return little_endian(vector_array(vector.reshape(1, -1), self.dimension, "the vectors together"))
