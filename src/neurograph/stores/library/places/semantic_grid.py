"""Semantic space: who is near among a library's items by their three coordinates, apart from the tokens' grid."""

from __future__ import annotations

from ....errors import InvalidValue, NotFound
from ....model.item import Hits
from ...arguments import real, whole
from ..base import ItemLike, LibraryPart, require_library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# As the tokens' grid has it: each step rounded on its own, so that rows can be ordered and cut in SQL.
_DISTANCE = "sqrt(((x - ?1) * (x - ?1) + (y - ?2) * (y - ?2)) + (z - ?3) * (z - ?3))"


class SemanticGrid(LibraryPart):
    """The semantic space of a library, reached as `library.grid`. Items get their places by `place` or `add`."""

    def neighbors(self, item: ItemLike, k: int = 10, *, timeout_s: float | None = None) -> Hits:
        """Find the k items nearest to an item, itself left out.

        Parameters
        ----------
        item
            By record, id or key.
        k
            At most so many, without a ceiling.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        Hits
            (id, key, distance) in order of distance, then id.

        Raises
        ------
        ItemNotFound
            There is no such item.
        NotFound
            It has no place.
        InvalidValue
            `k` is negative.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     words = db.library.create("words", dimension=2)
        ...     _ = words.add(keys=["a", "b", "c"], coordinates=[[0, 0, 0], [3, 4, 0], [0, 0, 1]])
        ...     words.grid.neighbors("a", k=1)[0].key, [hit.distance for hit in words.grid.in_range((0, 0, 0), 5)]
        ('c', [0.0, 1.0, 5.0])

        Notes
        -----
        Grows with the number of items.
        """
        most = whole(k, "k")
        with self._session.reading(timeout_s) as line:
            number = self._item_id(line.connection, item)
            rows: Any = line.connection.execute("select x, y, z from item where id = ?", (number,)).fetchall()
            if rows[0][0] is None:
                raise NotFound(f"item {item!r} of {self.name!r} must have a place; call place, or give it coordinates")
            return self._hits(line.connection, rows[0], f"and id <> {number} order by distance, id limit {most}")

    def in_range(self, point: Any, radius: float, *, timeout_s: float | None = None) -> Hits:
        """Find every item within a radius of a place.

        Parameters
        ----------
        point
            Three finite numbers.
        radius
            At least 0.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        Hits
            (id, key, distance) in order of distance, then id.

        Raises
        ------
        InvalidValue
            `point` is not three finite numbers, or `radius` is negative.
        LibraryNotFound
            The library was dropped.

        Notes
        -----
        Grows with the number of items.
        """
        if isinstance(point, str | bytes) or not hasattr(point, "__len__") or len(point) != 3:
            raise InvalidValue(f"point must be three numbers, got {point!r}")
        place = [real(value, f"point[{axis}]") for axis, value in enumerate(point)]
        reach = real(radius, "radius", 0.0)
        with self._session.reading(timeout_s) as line:
            require_library(line.connection, self._space)
            return self._hits(line.connection, place, f"and distance <= {reach!r} order by distance, id")

    def _hits(self, connection: Any, place: Any, which: str) -> Hits:
        first, last = self._space.ids
        rows: Any = connection.execute(
            f"""select id, key, distance
                  from (select id, key, {_DISTANCE} as distance
                          from item
                         where id between {first} and {last} and x is not null)
                 where true {which}""",
            [*place],
        ).fetchall()
        ids, keys, distances = map(list, zip(*rows, strict=True)) if rows else ([], [], [])
        return Hits(ids, keys, distances)
