"""Many items and vectors in one call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import apsw

from ....errors import InvalidValue, ItemNotFound
from ....model.item import Hit
from ...arguments import TokenLike, bound_ids, id_array, whole
from ..base import THERE, ItemLike, require_library
from ..texts.encoders import EncodedLibrary
from ..vectors import norms, vector_array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    from numpy.typing import ArrayLike

    from ....embed.engine import EmbeddingEngine
    from ....model.identity import Identity
    from .batch import Batch

ON_CONFLICT = ("error", "ignore", "update")


class ManyItems(EncodedLibrary):
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
        model: str | Identity | EmbeddingEngine | None = None,
        on_conflict: str = "error",
        commit_every: int | None = None,
    ) -> np.ndarray:
        """Add many items with their vectors in one transaction and return their ids.

        Parameters
        ----------
        vectors
            (n, dimension) finite numbers, rounded to float32 and not modified; None makes them of the texts where the
            library has an encoder, else the items get theirs later.
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
            What made the vectors, by name, identity or encoder, where it is to be compared with what the library was
            created for.
        on_conflict
            What becomes of a key that exists, in the library or earlier in `keys`: ``"error"`` refuses the call,
            ``"ignore"`` keeps the item that has it, ``"update"`` gives that item what this call names.
        commit_every
            Commit after so many items, from 1, and make vectors of so many texts at a time: others write in between,
            and what was committed stays when a later item is refused. None is all or nothing. In a transaction of the
            caller's nothing is committed before that ends.

        Returns
        -------
        numpy.ndarray
            (n,) int64, in the order given. New ids follow one another, those of one commit at least.

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
        ...     again.tolist() == [ids[0]], pets.get("cat").text, pets.vector("cat").tolist()
        (True, 'purrs', [1.0, 1.0])

        Notes
        -----
        Grows with n times the dimension: 1.1 s for 117,659 vectors of 384 with keys and metadata (two cores,
        Linux), and as long other writers wait; with ``commit_every=4096`` for about 0.1 s. All or nothing otherwise,
        in the caller's transaction or its own. Texts are made vectors of before the transaction.
        """
        from .batch import Batch, refuse_twice

        if on_conflict not in ON_CONFLICT:
            raise InvalidValue(f"on_conflict must be one of {', '.join(ON_CONFLICT)}, got {on_conflict!r}")
        array = None if vectors is None else vector_array(vectors, self.dimension)
        named = {"keys": keys, "texts": texts, "tokens": tokens, "coordinates": coordinates, "metadata": metadata}
        batch = Batch(_size(array, named), array)
        batch.add_texts("keys", keys)
        batch.add_texts("texts", texts)
        batch.add_coordinates(coordinates)
        batch.add_metadata(metadata)
        if array is not None and not len(array) and batch.size:
            raise InvalidValue(f"vectors must have {batch.size} rows, one for each item, got 0")
        if on_conflict == "error":
            refuse_twice(batch.columns.get("key", []))
        step = batch.size if commit_every is None else whole(commit_every, "commit_every", 1)
        if step >= batch.size or self._session.in_transaction:
            return self._add(batch, tokens, model, on_conflict)
        given = None if tokens is None else batch.listed("tokens", tokens)
        import numpy as np

        ids = []
        for first in range(0, batch.size, step):
            part = batch.part([*range(first, min(first + step, batch.size))])
            part.first = first
            ids.append(self._add(part, given and given[first : first + step], model, on_conflict))
        return np.concatenate(ids)

    def _add(
        self, batch: Batch, tokens: Any, model: str | Identity | EmbeddingEngine | None, on_conflict: str
    ) -> np.ndarray:
        """Write a batch in one transaction and return the ids; vectors are made of its texts before."""
        import numpy as np

        from ...bulk import bulk
        from ..texts.identity import require_same
        from .lengths import after, keep
        from .writing import insert, insert_or_keep

        made = None if batch.vectors is not None else self._embedded(batch.columns.get("text", []))
        if made is not None:
            batch.vectors, batch.hashes = made.vectors, made.hashes
            batch.places = None if len(made.places) == batch.size else np.array(made.places, np.intp)
        with bulk(self._session, "item") as items, bulk(self._session, "embedding") as embeddings:
            connection = items.connection
            require_library(connection, self._space)
            if made is not None:
                self._require_made_by(connection, made.made_by)
            if model is not None:
                require_same(connection, self._space, model)
            batch.add_tokens(connection, tokens)
            if not batch.size:
                return np.empty(0, np.int64)
            lengths = after(connection, self._space, norms(batch.vectors))
            if on_conflict == "error" or "key" not in batch.columns:
                ids = insert(items, embeddings, self._space, batch)
            else:
                ids = insert_or_keep(items, embeddings, self._space, batch, on_conflict == "update")
            keep(connection, self._space, lengths)
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
        Grows with n times the dimension, 4 ms for 1,000 of 384; one state of the file.
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
        Grows with n: 110 ms for 10,000 of 384 dimensions. Where more than a tenth of the file's pages are free then,
        they all go back to the system.
        """
        from ..pages import give_back

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
            sql = f"""select count(*) from item
                       where id between ? and ? and id in (select value from carray(?)) and {THERE}"""
            wanted = sorted(set(ids))
            values = (*self._space.ids, bound_ids(wanted), *self._space.itself)
            there: Any = connection.execute(sql, values).fetchall() if ids else [[0]]
            if there[0][0] == len(wanted):
                return ids
        return [self._item_id(connection, item) for item in items]


def _refuse_one(items: Any) -> None:
    if isinstance(items, str | bytes | Mapping | Hit) or not hasattr(items, "__iter__"):
        raise InvalidValue(f"items must be a sequence of records, ids or keys, got {items!r}")


def _size(array: np.ndarray | None, columns: Mapping[str, Any]) -> int:
    """Return how many items there are, by the first argument that tells."""
    given = {name: values for name, values in {"vectors": array, **columns}.items() if values is not None}
    for values in given.values():
        if hasattr(values, "__len__") and not isinstance(values, str | bytes):
            return len(values)
    for name, values in given.items():
        raise InvalidValue(f"{name} must be a sequence with a value for each item, got {values!r}")
    raise InvalidValue("add must be given vectors, keys, texts, tokens, coordinates or metadata, got none of them")
