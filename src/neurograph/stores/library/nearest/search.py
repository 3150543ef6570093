"""Nearest neighbors in a library."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from struct import unpack

import apsw

from ....connection.line import Line
from ....errors import InvalidValue, ItemNotFound
from ....model.item import Hit, HitArrays, Hits, Item
from ...arguments import TokenLike, existing_token_id, real, whole
from ...where import blamed
from ..base import ItemLike, require_library
from ..vectors import little_endian, query_array, vector_array
from .approximate import recall_of
from .choice import Chosen, arrays_of, chosen, keys_of
from .scan import Question
from .ways import ManyWays

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    from numpy.typing import ArrayLike

    from ....model.identity import Identity
    from ...where import Where

ENGINES = ("auto", "sqlite-vec", "numba")
EVERY = 1 << 32  # more than a library holds


class SearchedLibrary(ManyWays):
    """Searches for what is near."""

    def search(
        self,
        query: ArrayLike | bytes | str | None = None,
        k: int = 10,
        *,
        text: str | None = None,
        key: str | None = None,
        item: ItemLike | None = None,
        token: TokenLike | None = None,
        max_distance: float = math.inf,
        after: Hit | None = None,
        where: Where | None = None,
        among: Iterable[Item | Hit | int] | None = None,
        exact: bool = True,
        recall: float | None = None,
        engine: str = "auto",
        timeout_s: float | None = None,
    ) -> Hits:
        """Find the k items nearest to a vector, or to an item, which is left out itself.

        Parameters
        ----------
        query
            A vector of `dimension` finite numbers, rounded to float32, or its bytes as the file holds them; or a
            string: a text where the library was made with an encoder, else the key of an item.
        k
            At most so many, without a ceiling.
        text, key, item, token
            Instead of `query`: a text, a key, an item by record, id or key, or the token an item belongs to (of
            several, the first).
        max_distance
            The farthest an item may be; at least 0, but under dot, where distances may be below.
        after
            Only what comes behind this hit: the last one of the page before.
        where
            An SQL condition on the columns of the table ``item`` (the id is ``item.id`` here), and with its name before
            them on those of ``token``, alone or with the values of its ``?``:
            ``("json_extract(metadata, '$.pos') = ?", ["n"])``. It applies before `k`. It is SQL: never put a stranger's
            text into it.
        among
            Only these items, by id, hit or record; those that are none of the library are passed over. It applies
            before `k`.
        exact
            False where some of the k nearest may be missing, which is faster. What comes back is in order still, with
            true distances.
        recall
            With ``exact=False``: how many of the k nearest are to be found in the mean, above 0 and up to 1; 0.99
            unless given. It's measured on the library's own vectors; where it can't be reached the answer is exact.
        engine
            ``"auto"`` uses kernels where they repay themselves, ``"sqlite-vec"`` never, ``"numba"`` always; the answer
            is the same, but for what ``exact=False`` may miss.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        Hits
            (id, key, distance) in order of distance, then id. The distance is ``1 - cos`` (cosine; 1 for a vector
            without length), the Euclidean one (l2), or the negative product (dot). Its `recall` says which mean recall
            was measured for such searches: 1.0 where the answer is exact. With ``exact=False`` it's the mean of a
            sample, so 1.0 is no proof.

        Raises
        ------
        InvalidValue
            The query has a wrong shape, kind or number; `where` is no condition; not one query was given, but none
            or several; `recall` is out of range, or given without ``exact=False``.
        ItemNotFound
            No item has that key or id, or it has no vector; a key's message names the closest.
        TokenNotFound
            There is no such token.
        NotHere
            A text is asked about, and the library has no encoder, or not on this machine; or ``engine="numba"``, and
            kernels can't be used.
        Misuse
            A text is asked about inside a transaction, where no encoder runs, and the file does not know it.
        LibraryNotFound
            The library was dropped.
        DeadlineExceeded
            It took longer than `timeout_s`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     colors = db.library.create("colors", dimension=3)
        ...     _ = colors.add([[1, 0, 0], [0, 1, 0], [1, 1, 0]], keys=["red", "green", "yellow"])
        ...     [hit.key for hit in colors.search([1, 0.1, 0], k=2)]
        ...     [hit.key for hit in colors.search("yellow", k=2, where="key <> 'red'")]
        ['red', 'yellow']
        ['green']

        Notes
        -----
        Exact: every path gives the same ids in the same order, from float64 sums over the stored float32. It grows with
        the number of vectors times their dimension: for 117,659 of 384 it takes 75 ms by sqlite-vec, 0.9 ms by kernels
        (two cores, Linux). With `where` or `among` it grows with what they leave, and with what the condition reads.

        With ``exact=False`` one bit of each number chooses candidates, or partitions do where there are large ones, and
        codes and rows of those decide: 0.4 ms there, 0.35 ms of a million in clusters after `optimize`.
        Questions about a part (`where`, `among`, `max_distance`, `after`), for k above 100, or to less than 4,096
        vectors are answered exactly. The first such search measures the library, 0.6 s there, unless the file keeps
        what was measured.
        """
        if text is None and isinstance(query, str) and key is None and item is None and token is None:
            text, query = (query, None) if self._reads_text() else (None, query)
        if text is not None and query is None:
            query, made_by = self._question_of(text)
        reached = recall_of(exact, recall)
        with blamed(self._session, where), self._session.reading(timeout_s) as line:
            if text is not None:
                self._require_made_by(line.connection, made_by)
            vector, own = self._query(line.connection, query, key, item, token)
            asked = self._question(vector, k, max_distance, after, chosen(self._space, where, among))
            return self._hits(line, asked, own, engine_of(engine), reached)

    def search_many(
        self,
        queries: ArrayLike | Sequence[str],
        k: int = 10,
        *,
        max_distance: float = math.inf,
        where: Where | None = None,
        among: Iterable[Item | Hit | int] | None = None,
        exact: bool = True,
        recall: float | None = None,
        engine: str = "auto",
        timeout_s: float | None = None,
    ) -> HitArrays:
        """Find the k items nearest to each of many vectors, or texts.

        Parameters
        ----------
        queries
            (m, dimension) finite numbers; rounded to float32. Or m texts, where the library was made with an encoder.
        k, max_distance, where, among, exact, recall, engine, timeout_s
            As for `search`.

        Returns
        -------
        HitArrays
            A pair of arrays that knows its `recall`, as `Hits` do: ids, (m, k) int64, and distances, (m, k) float64,
            each row in order of distance, then id. Where no query finds k there are fewer columns; where one finds
            fewer than another, its row is filled up with id 0 at an infinite distance.

        Raises
        ------
        InvalidValue, NotHere, Misuse, LibraryNotFound, DeadlineExceeded
            As for `search`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     points = db.library.create("points", dimension=2, metric="l2")
        ...     ids = points.add([[0, 0], [3, 4], [6, 8]])
        ...     found, distances = points.search_many([[0, 0], [6, 8]], k=2)
        ...     found.tolist() == ids[[[0, 1], [2, 1]]].tolist(), distances.tolist()
        (True, [[0.0, 5.0], [0.0, 5.0]])

        Notes
        -----
        Grows with m times what one search costs. One state of the file for all of them.
        """
        vectors, made_by = self._vectors_asked(queries)
        among_these, reached = chosen(self._space, where, among), recall_of(exact, recall)
        with blamed(self._session, where), self._session.reading(timeout_s) as line:
            if made_by is not None:
                self._require_made_by(line.connection, made_by)
            asked = self._question(b"", k, max_distance, None, among_these)
            vectors_given = [little_endian(vector) for vector in vectors]
            found, measured = self._nearest(line, asked, vectors_given, engine_of(engine), reached)
        return HitArrays(*arrays_of(found), measured)

    def _vectors_asked(self, queries: Any) -> tuple[np.ndarray, Identity | None]:
        """Return the vectors of many questions, and of texts what made them."""
        if isinstance(queries, str):
            raise InvalidValue(f"queries must be several, got {queries!r}; search takes one")
        texts = (
            queries.tolist() if getattr(queries, "dtype", None) is not None and queries.dtype.kind in "UO" else queries
        )
        if not isinstance(texts, list | tuple) or not texts or not isinstance(texts[0], str):
            return vector_array(queries, self.dimension, "queries"), None
        return self._questions_of(texts)

    def _query(
        self,
        connection: apsw.Connection,
        query: ArrayLike | bytes | str | None,
        key: str | None,
        item: ItemLike | None,
        token: TokenLike | None,
    ) -> tuple[bytes, tuple[int, ...]]:
        """Return the vector that is asked about, and the id of the item it belongs to, if it does."""
        given = [value for value in (query, key, item, token) if value is not None]
        if len(given) != 1:
            raise InvalidValue(
                f"search must be given one of query, text, key, item and token, got {len(given)} of them"
            )
        if query is not None and not isinstance(query, str):
            return query_array(query, self.dimension), ()
        if token is not None:
            number = self._item_of(connection, token)
        else:
            if key is not None and not isinstance(key, str):
                raise InvalidValue(f"key must be a string, got {key!r}")
            number = self._item_id(connection, item if item is not None else key if query is None else query)  # type: ignore[arg-type]
        rows: Any = connection.execute("select vector from embedding where id = ?", (number,)).fetchall()
        if not rows:
            raise ItemNotFound(f"item {given[0]!r} of {self.name!r} must have a vector; give it one with update")
        numbers = unpack(f"<{self.dimension}f", rows[0][0])
        if not all(map(math.isfinite, numbers)):  # SQL can't see what is in a blob
            broken = next(x for x in numbers if not math.isfinite(x))
            raise InvalidValue(
                f"item {given[0]!r} of {self.name!r} must have a vector that is finite, got {broken!r}; give it one "
                "with update"
            )
        return rows[0][0], (number,)

    def _item_of(self, connection: apsw.Connection, token: TokenLike) -> int:
        number = existing_token_id(connection, token)
        rows: Any = connection.execute(
            "select min(id) from item where token_id = ? and id between ? and ?", (number, *self._space.ids)
        ).fetchall()
        if rows[0][0] is None:
            require_library(connection, self._space)
            raise ItemNotFound(f"no item of {self.name!r} belongs to the token {token!r}")
        return int(rows[0][0])

    def _question(
        self, vector: bytes, k: int, max_distance: float, after: Hit | None, chosen: Chosen = ("", (), False)
    ) -> Question:
        most = min(whole(k, "k"), EVERY)
        least = -math.inf if self.metric == "dot" else 0.0
        reach = max_distance if max_distance == math.inf else real(max_distance, "max_distance", least)
        if after is not None and not isinstance(after, Hit):
            raise InvalidValue(f"after must be a hit of the page before, got {after!r}")
        behind = None if after is None else (real(after.distance, "after.distance"), whole(after.id, "after.id"))
        return Question(vector, most, reach, behind, *chosen)

    def _hits(
        self,
        line: Line,
        asked: Question,
        without: Collection[int] = (),
        engine: str = "auto",
        recall: float | None = None,
    ) -> Hits:
        """Return the nearest items, some left out."""
        wanted = asked._replace(k=asked.k + len(without)) if asked.k else asked
        ((ids, distances),), reached = self._nearest(line, wanted, [asked.query], engine, recall, len(without))
        for id in without:
            if id in ids:
                at = ids.index(id)
                del ids[at], distances[at]
        return Hits(ids[: asked.k], keys_of(line.connection, ids[: asked.k]), distances[: asked.k], reached)


def engine_of(engine: str) -> str:
    """Return the engine, if it is one."""
    if engine not in ENGINES:
        raise InvalidValue(f"engine must be one of {', '.join(ENGINES)}, got {engine!r}")
    return engine
