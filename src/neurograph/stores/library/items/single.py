"""One item: set, get, update, delete."""

from __future__ import annotations

from collections.abc import Mapping, Set

import apsw

from ....errors import Conflict, InvalidValue, ItemNotFound
from ....model.item import ITEM_COLUMNS, Item
from ...arguments import TokenLike, existing_token_id, json_text, real
from ..base import MOST_ITEMS, ItemLike, checked_text, require_library
from ..nearest.distance import length
from ..texts.encoders import EncodedLibrary, Made
from ..vectors import little_endian, query_array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    from numpy.typing import ArrayLike

RECORD = f"select {', '.join(ITEM_COLUMNS)} from item"
UNCHANGED: Any = ...


class SingleItems(EncodedLibrary):
    """One item at a time."""

    def set(
        self,
        key: str,
        vector: ArrayLike | None = UNCHANGED,
        *,
        text: str | None = UNCHANGED,
        token: TokenLike | None = UNCHANGED,
        coordinates: tuple[float, float, float] | None = UNCHANGED,
        metadata: Mapping[str, Any] | None = UNCHANGED,
    ) -> Item:
        """Create the item with a key, or give the one that has it what this call names, and return it.

        Parameters
        ----------
        key
            The name, unique in the library.
        vector, text, token, coordinates, metadata
            As for `update`.

        Returns
        -------
        Item
            As it is now.

        Raises
        ------
        InvalidValue
            A value has a wrong kind, shape or number; nothing was changed.
        TokenNotFound, LibraryNotFound
            There is no such token, or the library was dropped.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     pets = db.library.create("pets", dimension=2)
        ...     _ = pets.set("cat", [1, 0], text="purrs")
        ...     pets.set("cat", metadata={"legs": 4}).text, pets.get("cat").metadata
        ('purrs', {'legs': 4})

        Notes
        -----
        One transaction. Besides the commit it takes 20 µs for a text alone and 80 µs for a vector of 384 as an array,
        200 as a list (two cores, Linux). For many, use `add`, which takes 10 µs each.
        """
        name = checked_text(key, "key")
        if name is None:
            raise InvalidValue("key must be a string, got None; use add for items without a key")
        columns, blob, made = self._checked(UNCHANGED, vector, text, coordinates, metadata)
        with self._session.transaction():
            connection = self._session.writer.connection
            require_library(connection, self._space)
            try:
                connection.execute(
                    """insert into item (id, library_id, key, text)
                       select coalesce((select max(id) from item where id between ?1 and ?2), ?1 - 1) + 1, ?3, ?4, ?5
                        where not exists (select 1 from item where library_id = ?3 and key = ?4)""",
                    (*self._space.ids, self.id, name, columns.get("text")),  # with its text: a text index writes once
                )
            except apsw.ConstraintError as error:
                if "id_begins_with_library" not in str(error):
                    raise
                raise InvalidValue(f"a library must have at most {MOST_ITEMS} items, got 1 more") from None
            return self._change(connection, name, columns, token, blob, made)

    def get(self, item: ItemLike) -> Item:
        """Return an item by its id or its key.

        Parameters
        ----------
        item
            The id, the key, or a record that may be out of date.

        Returns
        -------
        Item
            As it is now.

        Raises
        ------
        ItemNotFound
            There is none; a key's message names the closest.
        InvalidValue
            It is no record, id or key.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     pets = db.library.create("pets", dimension=2)
        ...     _ = pets.add([[1, 0]], keys=["cat"], texts=["purrs"])
        ...     pets.get("cat").text
        'purrs'
        """
        with self._session.reading() as line:
            return self._read(line.connection, self._item_id(line.connection, item))

    def vector(self, item: ItemLike) -> np.ndarray:
        """Return an item's vector.

        Parameters
        ----------
        item
            By record, id or key.

        Returns
        -------
        numpy.ndarray
            (dimension,) float32.

        Raises
        ------
        ItemNotFound
            There is no such item, or it has no vector.
        InvalidValue
            It is no record, id or key.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     pets = db.library.create("pets", dimension=2)
        ...     _ = pets.add([[1, 0.5]], keys=["cat"])
        ...     pets.vector("cat").tolist()
        [1.0, 0.5]
        """
        import numpy as np

        with self._session.reading() as line:
            number = self._item_id(line.connection, item)
            rows: Any = line.connection.execute("select vector from embedding where id = ?", (number,)).fetchall()
        if not rows:
            raise ItemNotFound(f"item {item!r} of {self.name!r} must have a vector; give it one with update")
        return np.frombuffer(rows[0][0], "<f4").astype(np.float32)

    def update(
        self,
        item: ItemLike,
        *,
        key: str | None = UNCHANGED,
        vector: ArrayLike | None = UNCHANGED,
        text: str | None = UNCHANGED,
        token: TokenLike | None = UNCHANGED,
        coordinates: tuple[float, float, float] | None = UNCHANGED,
        metadata: Mapping[str, Any] | None = UNCHANGED,
    ) -> Item:
        """Change what is named of an item, and return it; None takes a value away.

        Parameters
        ----------
        item
            By record, id or key.
        key
            A name that no other item of the library has.
        vector
            `dimension` finite numbers, rounded to float32; an item without one is not found.
        text
            What the vector stands for; where the library has an encoder and `vector` is not named, it makes the vector.
            None takes the text alone away: by its vector the item is found as before, unless `vector` is None too.
        token
            The token the item belongs to.
        coordinates
            The place in the library's semantic space.
        metadata
            A mapping of JSON values, which replaces the one that was there.

        Returns
        -------
        Item
            As it is now.

        Raises
        ------
        ItemNotFound, TokenNotFound
            There is no such item or token.
        Conflict
            Another item has the key.
        InvalidValue
            A value has a wrong kind, shape or number; nothing was changed.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     pets = db.library.create("pets", dimension=2)
        ...     _ = pets.add([[1, 0]], keys=["cat"])
        ...     pets.update("cat", text="purrs", vector=[0, 1]).text
        'purrs'
        """
        columns, blob, made = self._checked(key, vector, text, coordinates, metadata)
        with self._session.transaction():
            return self._change(self._session.writer.connection, item, columns, token, blob, made)

    def _checked(
        self, key: Any, vector: Any, text: Any, coordinates: Any, metadata: Any
    ) -> tuple[dict[str, Any], bytes | None, Made | None]:
        """Return the columns that are named, and the vector: what was made of the text, where there is an encoder."""
        columns: dict[str, Any] = {}
        if key is not UNCHANGED:
            columns["key"] = checked_text(key, "key")
        if text is not UNCHANGED:
            columns["text"] = checked_text(text, "text", empty=True)
        if metadata is not UNCHANGED:
            columns["metadata"] = None if metadata is None else json_text(metadata, "metadata")
        if coordinates is not UNCHANGED:
            columns |= dict(zip("xyz", _place(coordinates), strict=True))
        if vector is UNCHANGED and columns.get("text") is not None:
            made = self._embedded([columns["text"]])
            return columns, UNCHANGED if made is None else little_endian(made.vectors[0]), made
        blob = vector if vector is UNCHANGED or vector is None else query_array(vector, self.dimension)
        return columns, blob, None

    def _change(
        self,
        connection: apsw.Connection,
        item: ItemLike,
        columns: dict[str, Any],
        token: Any,
        blob: bytes | None,
        made: Made | None,
    ) -> Item:
        """Write what is named of an item that exists, and return it."""
        number = self._item_id(connection, item)
        if made is not None:
            self._require_made_by(connection, made.made_by)
        if token is not UNCHANGED:
            columns["token_id"] = None if token is None else existing_token_id(connection, token)
        if columns:
            names = ", ".join(f"{name} = ?" for name in columns)
            try:
                self._session.change(f"update item set {names} where id = ?", (*columns.values(), number))
            except Conflict:
                raise Conflict(
                    f"key must be unique in {self.name!r}, got {columns['key']!r}, which another item has"
                ) from None
        if blob is None:
            self._session.change("delete from embedding where id = ?", (number,))
        elif blob is not UNCHANGED:
            from ..texts.kept import keep_items
            from .lengths import after, keep

            lengths = after(connection, self._space, (0.99 * length(blob), 1.01 * length(blob)))
            self._session.change(
                "insert into embedding values (?, ?) on conflict do update set vector = excluded.vector", (number, blob)
            )
            keep(connection, self._space, lengths)
            if made is not None:
                keep_items(connection, [number], made.hashes, made.vectors)
        return self._read(connection, number)

    def delete(self, item: ItemLike) -> None:
        """Delete an item with its vector.

        Parameters
        ----------
        item
            By record, id or key.

        Raises
        ------
        ItemNotFound
            There is none.
        InvalidValue
            It is no record, id or key.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     pets = db.library.create("pets", dimension=2)
        ...     _ = pets.add([[1, 0]], keys=["cat"])
        ...     pets.delete("cat")
        ...     len(pets)
        0

        Notes
        -----
        Besides the commit it takes 40 µs for one of 384 dimensions (two cores, Linux). Its pages are used again by what
        comes; `delete_many` and `db.optimize` give such pages back to the system.
        """
        with self._session.transaction():
            number = self._item_id(self._session.writer.connection, item)
            self._session.change("delete from item where id = ?", (number,))

    def _read(self, connection: apsw.Connection, number: int) -> Item:
        rows: Any = connection.execute(f"{RECORD} where id = ?", (number,)).fetchall()
        return Item(rows[0])


def _place(coordinates: Any) -> tuple[float | None, ...]:
    if coordinates is None:
        return (None, None, None)
    if (
        isinstance(coordinates, str | bytes | Mapping | Set)
        or not hasattr(coordinates, "__len__")
        or len(coordinates) != 3
    ):
        raise InvalidValue(f"coordinates must be three numbers, got {coordinates!r}")
    return tuple(real(value, f"coordinates[{axis}]") for axis, value in enumerate(coordinates))
