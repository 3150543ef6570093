"""Many items and vectors in one call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, repeat
from typing import TYPE_CHECKING, Any

import apsw

from ...derived.kind import CHUNK_BITS
from ...errors import Conflict, InvalidValue, ItemNotFound
from ...model.item import Identity
from ..arguments import TokenLike, bound_ids, id_array
from ..bulk import Bulk, bulk
from .base import ItemLike, LibraryPart, require_library
from .batch import Batch, first_of_each, refuse_twice
from .identity import require_same
from .pages import give_back
from .vectors import blobs, norms, vector_array

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

ON_CONFLICT = ("error", "ignore", "update")
FEWEST_WITHOUT_TRIGGERS = 64  # below, switching triggers off costs more than it saves
SLICE_ROWS = 8192  # turned into lists at a time, so that memory stays flat


class ManyItems(LibraryPart):
    """Many items and vectors in one call."""

    def add(
        self,
        vectors: ArrayLike | None = None,
        *,
        keys: Sequence[str | None] | np.ndarray | None = None,
        texts: Sequence[str | None] | np.ndarray | None = None,
        tokens: Sequence[TokenLike | None] | np.ndarray | None = None,
        coordinates: ArrayLike | None = None,
        metadata: Sequence[Mapping[str, Any] | None] | None = None,
        model: str | Identity | None = None,
        on_conflict: str = "error",
    ) -> np.ndarray:
        """Add many items with their vectors in one transaction and return their ids.

        Parameters
        ----------
        vectors
            (n, dimension) finite numbers, rounded to float32 and not modified; None for items that get theirs later.
        keys
            n names, unique in the library, or None.
        texts
            What the vectors stand for, or None.
        tokens
            The tokens the items belong to, by record, id or label, or None.
        coordinates
            (n, 3) places in the library's semantic space; NaN in all three axes for none.
        metadata
            n mappings of JSON values, or None.
        model
            What made the vectors, where it is to be compared with what the library was created for.
        on_conflict
            What becomes of a key that exists, in the library or earlier in `keys`: ``"error"`` refuses the call,
            ``"ignore"`` keeps the item that has it, ``"update"`` gives that item what this call names.

        Returns
        -------
        numpy.ndarray
            (n,) int64, in the order given. New ids follow one another.

        Raises
        ------
        InvalidValue
            An argument has a wrong shape or kind, or a number is not finite; the message names the index.
        Conflict
            A key exists; the message names it.
        IdentityMismatch
            `model` is not what the library was created for.
        TokenNotFound
            There is no such token.
        LibraryNotFound
            The library was dropped.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     pets = db.library.create("pets", dimension=2)
        ...     ids = pets.add([[1, 0], [0, 1]], keys=["cat", "dog"])
        ...     again = pets.add([[1, 1]], keys=["cat"], texts=["purrs"], on_conflict="update")
        ...     again.tolist() == ids[:1].tolist(), pets.get("cat").text, pets.vector("cat").tolist()
        (True, 'purrs', [1.0, 1.0])

        Notes
        -----
        Grows with n times the dimension. All or nothing, in the caller's transaction or its own.
        """
        import numpy as np

        if on_conflict not in ON_CONFLICT:
            raise InvalidValue(f"on_conflict must be one of {', '.join(ON_CONFLICT)}, got {on_conflict!r}")
        array = None if vectors is None else vector_array(vectors, self.dimension)
        batch = Batch(_size(array, keys, texts, tokens, coordinates, metadata))
        batch.add_texts("keys", keys)
        batch.add_texts("texts", texts)
        batch.add_coordinates(coordinates)
        batch.add_metadata(metadata)
        if array is not None and not len(array) and batch.size:
            raise InvalidValue(f"vectors must have {batch.size} rows, one for each item, got 0")
        with bulk(self._session, "item") as items, bulk(self._session, "embedding") as embeddings:
            connection = items.connection
            require_library(connection, self._space)
            if model is not None:
                require_same(connection, self._space, model)
            batch.add_tokens(connection, tokens)
            if not batch.size:
                return np.empty(0, np.int64)
            bounds = self._bounds(connection, array)
            if on_conflict == "error" or keys is None:
                refuse_twice(batch.columns.get("key", []))
                ids = self._insert(items, embeddings, batch, array)
            else:
                ids = self._insert_or_keep(items, embeddings, batch, array, on_conflict == "update")
            self._set_bounds(connection, bounds)
        return ids

    def vectors(self, items: Iterable[ItemLike] | np.ndarray) -> np.ndarray:
        """Return the vectors of many items.

        Parameters
        ----------
        items
            Records, ids or keys, mixed or not.

        Returns
        -------
        numpy.ndarray
            (n, dimension) float32, in the order given.

        Raises
        ------
        ItemNotFound
            One is not there, or has no vector.
        InvalidValue
            Something is no record, id or key.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     pets = db.library.create("pets", dimension=2)
        ...     ids = pets.add([[1, 0], [0, 1]], keys=["cat", "dog"])
        ...     pets.vectors(["dog", ids[0]]).tolist()
        [[0.0, 1.0], [1.0, 0.0]]

        Notes
        -----
        Grows with n times the dimension, one state of the file.
        """
        import numpy as np

        _refuse_one(items)
        with self._session.reading() as line:
            ids = self._item_ids(line.connection, items)
            found = np.empty((len(ids), self.dimension), np.float32)
            sql = "select vector from embedding where id = ?"
            for place, id in enumerate(ids):
                rows: Any = line.connection.execute(sql, (id,)).fetchall()
                if not rows:
                    raise ItemNotFound(f"item {id} of {self.name!r} must have a vector; give it one with update")
                found[place] = np.frombuffer(rows[0][0], "<f4")
        return found

    def delete_many(self, items: Iterable[ItemLike] | np.ndarray) -> int:
        """Delete many items with their vectors, in one transaction, and give free pages back.

        Parameters
        ----------
        items
            Records, ids or keys, mixed or not.

        Returns
        -------
        int
            How many items were deleted; one given twice counts once.

        Raises
        ------
        ItemNotFound
            One is not there; nothing was deleted.
        InvalidValue
            Something is no record, id or key.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     pets = db.library.create("pets", dimension=2)
        ...     ids = pets.add([[1, 0], [0, 1], [1, 1]], keys=["cat", "dog", None])
        ...     pets.delete_many(["dog", ids[2]]), len(pets)
        (2, 1)

        Notes
        -----
        Grows with n. Pages that are free then go back to the system, a few thousand at a time.
        """
        _refuse_one(items)
        with self._session.transaction():
            connection = self._session.writer.connection
            ids = sorted(set(self._item_ids(connection, items)))
            if ids:
                connection.execute("delete from item where id in (select value from carray(?))", (bound_ids(ids),))
            give_back(self._session)
        return len(ids)

    def _item_ids(self, connection: apsw.Connection, items: Iterable[ItemLike] | np.ndarray) -> list[int]:
        """Return the ids of items that exist, in the order given."""
        if hasattr(items, "dtype") and items.dtype.kind in "iu":
            ids: list[int] = id_array(items, "items").tolist()
            sql = "select count(*) from item where id between ? and ? and id in (select value from carray(?))"
            wanted = sorted(set(ids))
            there: Any = connection.execute(sql, (*self._space.ids, bound_ids(wanted))).fetchall() if ids else [[0]]
            if there[0][0] == len(wanted):
                return ids
        return [self._item_id(connection, item) for item in items]

    # --- writing ----------------------------------------------------------------------------------------------

    def _insert(self, items: Bulk, embeddings: Bulk, batch: Batch, array: np.ndarray | None) -> np.ndarray:
        """Write new items and their vectors, ids one after another."""
        import numpy as np

        rows: Any = items.connection.execute(
            "select max(id) from item where id between ? and ?", self._space.ids
        ).fetchall()
        first = (rows[0][0] or self._space.first_id - 1) + 1
        last = first + batch.size - 1
        if last > self._space.last_id:
            raise InvalidValue(f"a library must have at most 2**32 - 1 items, got {batch.size} more")
        names = ["id", "library_id", *batch.columns]
        sql = f"insert into item ({', '.join(names)}) values ({', '.join('?' * len(names))})"
        columns = [range(first, last + 1), repeat(self.id, batch.size), *batch.columns.values()]
        try:
            _run(items, sql, zip(*columns, strict=True), batch.size)
        except apsw.ConstraintError as error:
            raise self._taken(items.connection, batch.columns.get("key", []), first) or error from error
        if array is not None:
            self._insert_vectors(embeddings, range(first, last + 1), array)
        return np.arange(first, last + 1)

    def _insert_vectors(self, embeddings: Bulk, ids: Sequence[int], array: np.ndarray) -> None:
        _run(embeddings, "insert into embedding values (?, ?)", zip(ids, blobs(array), strict=True), len(ids))
        if embeddings.fast:
            embeddings.mark("embedding", range(ids[0] >> CHUNK_BITS, (ids[-1] >> CHUNK_BITS) + 1))

    def _insert_or_keep(
        self, items: Bulk, embeddings: Bulk, batch: Batch, array: np.ndarray | None, update: bool
    ) -> np.ndarray:
        """Write the items whose keys are new, update the others where `update`, and return the ids of all."""
        import numpy as np

        keys = batch.columns["key"]
        known = self._ids_of(items.connection, keys)
        chosen = first_of_each(keys, last=update)
        firsts = first_of_each(keys, last=False)  # ids are given in order of these, as row by row
        new = [
            i if key is None else chosen[key]
            for i, key in enumerate(keys)
            if key is None or (key not in known and firsts[key] == i)
        ]
        part = Batch(len(new))
        part.columns = {name: [values[i] for i in new] for name, values in batch.columns.items()}
        ids = np.empty(batch.size, np.int64)
        if new:
            ids[new] = self._insert(items, embeddings, part, None if array is None else array[new])
            known |= {key: int(ids[i]) for i in new if (key := keys[i]) is not None and key not in known}
        named = [i for i, key in enumerate(keys) if key is not None]
        ids[named] = [known[keys[i]] for i in named]
        if update:
            fresh = set(new)
            self._update_rows(items.connection, [i for i in chosen.values() if i not in fresh], ids, batch, array)
        return ids

    def _update_rows(
        self, connection: apsw.Connection, places: list[int], ids: np.ndarray, batch: Batch, array: np.ndarray | None
    ) -> None:
        """Give items that are there what a batch names, through the triggers."""
        columns = [name for name in batch.columns if name != "key"]
        if columns:
            sql = f"update item set {', '.join(f'{name} = ?' for name in columns)} where id = ?"
            values = ((*(batch.columns[name][i] for name in columns), int(ids[i])) for i in places)
            connection.cursor().executemany(sql, values)
        if array is not None and places:
            sql = "insert into embedding values (?, ?) on conflict do update set vector = excluded.vector"
            connection.cursor().executemany(sql, zip(ids[places].tolist(), blobs(array[places]), strict=True))

    def _ids_of(self, connection: apsw.Connection, keys: list[str | None]) -> dict[str, int]:
        """Return key → id of the items that are there."""
        wanted = tuple({key for key in keys if key is not None})
        if not wanted:
            return {}
        sql = "select key, id from item where library_id = ? and key in (select value from carray(?))"
        rows: Any = connection.execute(sql, (self.id, apsw.carray(wanted))).fetchall()
        return dict(rows)

    def _taken(self, connection: apsw.Connection, keys: list[str | None], first: int) -> Conflict | None:
        """Return the error for a key that an item before `first` has."""
        known = self._ids_of(connection, keys)
        index = next((index for index, key in enumerate(keys) if known.get(key or "", first) < first), None)
        if index is None:
            return None
        return Conflict(
            f"keys must be unique in {self.name!r}, got {keys[index]!r} at index {index}, which is there already; pass "
            "on_conflict='update' or 'ignore'"
        )

    # --- the lengths of all vectors, see schema/0008_library.sql, invariant 6 ---------------------------------

    def _bounds(self, connection: apsw.Connection, array: np.ndarray | None) -> tuple[float, float] | None:
        """Return what the lengths will lie between when `array` is written, or None where nobody knows."""
        sql = """select norm_low, norm_high, exists (select 1 from embedding where id between ? and ?)
                   from library where id = ?"""
        rows: Any = connection.execute(sql, (*self._space.ids, self.id)).fetchall()
        low, high, any_there = rows[0]
        if array is None:
            return (low, high) if low is not None else None
        least, greatest = norms(array)
        if not any_there:
            return least, greatest
        return None if low is None else (min(low, least), max(high, greatest))

    def _set_bounds(self, connection: apsw.Connection, bounds: tuple[float, float] | None) -> None:
        if bounds is not None:
            connection.execute(
                """update library set norm_low = ?, norm_high = ?
                    where id = ? and (norm_low, norm_high) is not (?, ?)""",
                (*bounds, self.id, *bounds),
            )


def _refuse_one(items: Any) -> None:
    if isinstance(items, str | bytes | Mapping) or not hasattr(items, "__iter__"):
        raise InvalidValue(f"items must be a sequence of records, ids or keys, got {items!r}")


def _size(array: np.ndarray | None, *columns: Any) -> int:
    """Return how many items there are, by the first argument that tells."""
    for values in (array, *columns):
        if values is not None and hasattr(values, "__len__") and not isinstance(values, str | bytes):
            return len(values)
    raise InvalidValue("add must be given vectors, keys, texts, tokens, coordinates or metadata, got none of them")


def _run(work: Bulk, sql: str, rows: Iterator[tuple[Any, ...]], size: int) -> None:
    """Run one statement for each row; without triggers where that is safe and repays itself."""
    if size < FEWEST_WITHOUT_TRIGGERS:
        work.connection.cursor().executemany(sql, rows)
        return
    while some := list(islice(rows, SLICE_ROWS)):
        work.run(sql, some)
