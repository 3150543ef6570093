"""The items of a library in order of id: list, count, iterate, look whether one is there."""

from __future__ import annotations

import builtins
from collections.abc import Iterator

from ....errors import ItemNotFound
from ....model.item import Item
from ...arguments import whole
from ...where import blamed
from ..base import ItemLike, LibraryPart, require_library
from .single import RECORD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ...where import Where


class ListedItems(LibraryPart):
    """Items in order of id."""

    def list(
        self, limit: int | None = 100, *, after: ItemLike | None = None, where: Where | None = None
    ) -> builtins.list[Item]:
        """Return items in order of id.

        Parameters
        ----------
        limit
            At most so many; None for all.
        after
            Only items whose id is greater than this one's: the last of the page before.
        where
            An SQL condition, as for `search`: on the columns of the table ``item``, and with its name before them on
            those of ``token``. It is SQL: never put a stranger's text into it.

        Returns
        -------
        list of Item
            In order of id.

        Raises
        ------
        ItemNotFound
            There is no item `after`.
        InvalidValue
            `limit` is negative, or `where` is no condition.
        LibraryNotFound
            The library was dropped.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     pets = db.library.create("pets", dimension=1)
        ...     _ = pets.add(keys=["ant", "bee", "cat"])
        ...     [item.key for item in pets.list(2, after="ant")]
        ['bee', 'cat']

        Notes
        -----
        Grows with the items passed over and returned. Iterating over the library holds one item at a time.
        """
        most = -1 if limit is None else whole(limit, "limit")
        with blamed(self._session, where), self._session.reading() as line:
            require_library(line.connection, self._space)
            first = self._space.first_id if after is None else self._item_id(line.connection, after) + 1
            clause, bindings = self._clause(where, first)
            rows: Any = line.connection.execute(f"{RECORD} {clause} order by id limit ?", (*bindings, most)).fetchall()
        return [*map(Item, rows)]

    def count(self, where: Where | None = None) -> int:
        """Return how many items there are, with or without vectors, or how many a condition leaves.

        Parameters
        ----------
        where
            As for `list`.

        Returns
        -------
        int
            At least 0.

        Raises
        ------
        InvalidValue
            `where` is no condition.
        LibraryNotFound
            The library was dropped.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     pets = db.library.create("pets", dimension=1)
        ...     _ = pets.add(keys=["ant", "bee", "cat"])
        ...     pets.count(), pets.count(("key > ?", ["ant"]))
        (3, 2)

        Notes
        -----
        Grows with the number of items: 8 ms for 117,659. ``len(library)`` is the same without a condition.
        """
        clause, bindings = self._clause(where, self._space.first_id)
        with blamed(self._session, where), self._session.reading() as line:
            require_library(line.connection, self._space)
            rows: Any = line.connection.execute(f"select count(*) from item {clause}", bindings).fetchall()
        return rows[0][0]  # type: ignore[no-any-return]

    def _clause(self, where: Where | None, first: int) -> tuple[str, builtins.list[Any]]:
        if where is None:
            return "where id between ? and ?", [first, self._space.last_id]
        from ...where import condition_of, names_table
        from ..nearest.choice import query_of

        condition, values = condition_of(where)
        if names_table(condition, "token"):
            condition = f"id in ({query_of(self._space, condition)})"
        return f"where id between ? and ? and {condition}", [first, self._space.last_id, *values]

    def __iter__(self) -> Iterator[Item]:
        """Yield every item in order of id, as one state of the file holds them, without holding them all."""
        with self._session.reading() as line:
            require_library(line.connection, self._space)
        first, last = self._space.ids
        from ....connection.streaming import stream

        return map(Item, stream(self._session, f"{RECORD} where id between {first} and {last} order by id"))

    def __len__(self) -> int:
        return self.count()

    def __bool__(self) -> bool:
        return True  # a library is there, whether or not it holds something

    def __contains__(self, item: object) -> bool:
        with self._session.reading() as line:
            try:
                self._item_id(line.connection, item)  # type: ignore[arg-type]
            except ItemNotFound:
                return False
        return True
