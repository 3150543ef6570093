"""The principal components of a library's vectors, and the places of its items by them."""

from __future__ import annotations

from collections.abc import Iterator

import apsw

from ....connection.line import Line
from ....errors import InvalidValue, NotFound
from ...arguments import real, whole
from ..base import THERE, LibraryPart, require_library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from ....codec.pca import Pca

SLICE_ROWS = 2048
WRITE_ROWS = 8192
REACH = 3.27  # what a coordinate of the original's record holds: int16 by a scale of 10,000


class ProjectedLibrary(LibraryPart):
    """A library's principal components."""

    def fit_pca(self, dimensions: int = 3, *, timeout_s: float | None = None) -> Pca:
        """Compute the principal components of all vectors, store them with the library, and return them.

        Parameters
        ----------
        dimensions
            How many, from 1 to the library's dimension.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        Pca
            Mean, components, and the share of the variance each explains. The largest number of each component is
            positive, so the same vectors give the same signs.

        Raises
        ------
        InvalidValue
            `dimensions` is out of range, or there are fewer than two vectors.
        LibraryNotFound, DeadlineExceeded
            The library was dropped, or it took longer than `timeout_s`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     points = db.library.create("points", dimension=2, metric="l2")
        ...     _ = points.add([[0, 0], [2, 2], [4, 4]])
        ...     points.fit_pca(1)
        ...     points.pca().transform([[4, 4]]).round(2).tolist()
        <Pca 2 to 1 dimensions, 100% explained>
        [[2.83]]

        Notes
        -----
        Grows with n times the square of the dimension, then its cube. Memory: the square. Computed in float64, from one
        pass over the rows; Jolliffe, Principal Component Analysis, 2002.
        """
        import numpy as np

        from ....codec.pca import Pca

        count = whole(dimensions, "dimensions", 1, self.dimension)
        with self._session.reading(timeout_s) as line:
            require_library(line.connection, self._space)
            origin: Any = None
            total, products, n = np.zeros(self.dimension), np.zeros((self.dimension, self.dimension)), 0
            for _, vectors in self._finite_vectors(line):
                origin = vectors.mean(axis=0) if origin is None else origin  # near the mean: nothing cancels
                shifted = vectors - origin
                total += shifted.sum(axis=0)
                products += shifted.T @ shifted
                n += len(vectors)
        if n < 2:
            raise InvalidValue(f"library {self.name!r} must have at least two vectors, got {n}")
        mean = total / n
        values, directions = np.linalg.eigh(products / n - np.outer(mean, mean))
        values = np.maximum(values[::-1], 0.0)
        components = directions.T[::-1][:count]
        largest = np.abs(components).argmax(axis=1)
        components = components * np.sign(components[np.arange(count), largest])[:, None]
        whole_variance = values.sum() or 1.0
        return self.use_pca(Pca(origin + mean, components, values[:count] / whole_variance))

    def use_pca(self, pca: Pca) -> Pca:
        """Store principal components made elsewhere with the library, and return them.

        Parameters
        ----------
        pca
            Of vectors of the library's dimension.

        Returns
        -------
        Pca
            The same.

        Raises
        ------
        InvalidValue
            They are of another dimension.
        LibraryNotFound
            The library was dropped.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     points = db.library.create("points", dimension=2)
        ...     points.use_pca(neurograph.Pca([0, 0], [[1, 0]], [1]))
        <Pca 2 to 1 dimensions, 100% explained>
        """
        from ....codec.pca import Pca

        if not isinstance(pca, Pca) or pca.dimension != self.dimension:
            raise InvalidValue(f"pca must be a Pca of {self.dimension} dimensions, got {pca!r}")
        with self._session.transaction():
            require_library(self._session.writer.connection, self._space)
            self._session.change(
                """insert into projection (library_id, dimensions, mean, components, explained) values (?, ?, ?, ?, ?)
                       on conflict do update
                      set dimensions = excluded.dimensions, mean = excluded.mean, components = excluded.components,
                          explained = excluded.explained, created_ns = excluded.created_ns""",
                (self.id, pca.dimensions, *(part.astype("<f4").tobytes() for part in _parts(pca))),
            )
        return pca

    def pca(self) -> Pca | None:
        """Return the principal components stored with the library, or None."""
        import numpy as np

        from ....codec.pca import Pca

        sql = f"select mean, components, explained from projection where library_id = ? and {THERE}"
        rows = self._session.rows(sql, (self.id, *self._space.itself))
        if not rows:
            return None
        mean, components, explained = (np.frombuffer(blob, "<f4") for blob in rows[0])
        return Pca(mean, components.reshape(-1, self.dimension), explained)

    def place(self, *, reach: float = REACH) -> int:
        """Give every item with a vector its place in semantic space: the first three principal components.

        Each axis is divided by its standard deviation, then all by one number, so that the farthest coordinate is
        `reach`.

        Parameters
        ----------
        reach
            The largest coordinate, above 0; the default fills the abstract level of a 64-byte record.

        Returns
        -------
        int
            How many items were placed.

        Raises
        ------
        NotFound
            There are no principal components: call `fit_pca` first.
        InvalidValue
            `reach` is not a number above 0.
        LibraryNotFound
            The library was dropped.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     points = db.library.create("points", dimension=2, metric="l2")
        ...     _ = points.add([[0, 0], [2, 2], [4, 4]], keys=["a", "b", "c"])
        ...     _ = points.fit_pca(1)
        ...     points.place(), points.get("c").coordinates
        (3, (3.27, 0.0, 0.0))

        Notes
        -----
        Grows with n times the dimension; writing takes 3 µs an item, outside a transaction in slices of 40 ms. 64 bytes
        of memory an item.
        """
        from contextlib import nullcontext

        with self._session.transaction() if self._session.in_transaction else nullcontext():
            ids, places = self._places(reach)
            for start in range(0, len(ids), WRITE_ROWS):
                some = slice(start, start + WRITE_ROWS)
                rows = zip(places[some].tolist(), ids[some].tolist(), strict=True)
                with self._session.transaction():
                    self._session.writer.connection.cursor().executemany(
                        "update item set x = ?, y = ?, z = ? where id = ?", ((*place, id) for place, id in rows)
                    )
        return len(ids)

    def _places(self, reach: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the ids of all items with a vector, (n,) int64 ascending, and their places, (n, 3)."""
        import numpy as np

        farthest = real(reach, "reach", 0.0)
        if farthest == 0.0:
            raise InvalidValue(f"reach must be above 0, got {reach!r}")
        with self._session.reading() as line:
            pca = self.pca()
            if pca is None:
                require_library(line.connection, self._space)
                raise NotFound(f"library {self.name!r} must have principal components; call fit_pca first")
            ids: list[int] = []
            parts = [np.empty((0, min(pca.dimensions, 3)))]
            for some, vectors in self._finite_vectors(line):
                ids += some
                parts.append(pca.transform(vectors)[:, :3])
        found = np.concatenate(parts)
        places = np.zeros((len(found), 3))
        if ids:
            spread = found.std(axis=0)
            found = np.divide(found, spread, out=np.zeros_like(found), where=spread > 1e-12 * (spread.max() or 1.0))
            places[:, : found.shape[1]] = found / (np.abs(found).max() or 1.0) * farthest
        return np.array(ids, np.int64), places

    def _finite_vectors(self, line: Line) -> Iterator[tuple[list[int], np.ndarray]]:
        """Yield ids and vectors, (n, d) float64, a slice at a time; rows that hold no numbers are passed over."""
        import numpy as np

        cursor = line.connection.execute(
            "select id, vector from embedding where id between ? and ? order by id", self._space.ids
        )
        try:
            while rows := _some(cursor):
                line.tick()
                vectors = np.frombuffer(b"".join(row[1] for row in rows), "<f4").reshape(len(rows), -1)
                good = np.isfinite(vectors).all(axis=1)
                if good.any():
                    ids = [row[0] for row, fine in zip(rows, good.tolist(), strict=True) if fine]
                    yield ids, vectors[good].astype(np.float64)
        finally:
            cursor.close(True)


def _some(cursor: apsw.Cursor) -> list[Any]:
    from itertools import islice

    return list(islice(cursor, SLICE_ROWS))


def _parts(pca: Pca) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return pca.mean, pca.components, pca.explained
