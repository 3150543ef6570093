"""Many tokens in one call: create, get, delete, with arrays in and arrays out."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import apsw

from ...errors import Conflict, InvalidValue
from ...model.token import Token
from ..arguments import TokenLike
from ..bulk import bulk
from ..event_triggers import one_event
from .base import RECORD, TokenPart
from .batch import Batch, size_of
from .conflicts import first_conflict, insert_or_keep, not_json
from .find import found_ids, found_rows, keys_of
from .insert import insert

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

ON_CONFLICT = ("error", "ignore", "update")


class ManyTokens(TokenPart):
    """Many tokens in one call."""

    def create_many(
        self,
        labels: Sequence[str | None] | np.ndarray | None = None,
        *,
        count: int | None = None,
        entity_type: str | int | Sequence[str | int] | np.ndarray | None = None,
        domain: str | int | Sequence[str | int] | np.ndarray | None = None,
        flags: ArrayLike | None = None,
        weight: ArrayLike | None = None,
        field_radius: ArrayLike | None = None,
        field_strength: ArrayLike | None = None,
        coordinates: Mapping[str, ArrayLike] | np.ndarray | None = None,
        properties: Sequence[Mapping[str, Any] | str | None] | None = None,
        on_conflict: str = "error",
    ) -> np.ndarray:
        """Create many tokens in one transaction and return their ids.

        Parameters
        ----------
        labels
            n unique names or None; left out, none has a label.
        count
            How many tokens, where no other argument has one entry for each.
        entity_type, domain
            A name or code for all, or n of them.
        flags, weight, field_radius, field_strength
            One number for all, or an (n,) array; ranges and defaults as for `create`.
        coordinates
            Level → (n, 3) array in the units of the level, or one (n, 8, 3) array, level-major. NaN in all three
            axes leaves a token undefined in the level, as does None in a list. Not modified.
        properties
            n mappings, JSON texts of objects, or None.
        on_conflict
            What becomes of a label that exists, in the file or earlier in `labels`: ``"error"`` refuses the call,
            ``"ignore"`` returns the id of the token that has it, ``"update"`` also gives that token the columns
            named in this call.

        Returns
        -------
        numpy.ndarray
            (n,) int64, in the order given. New ids follow one another, unless a user's own trigger inserts tokens too.

        Raises
        ------
        InvalidValue
            An argument has a wrong shape or kind, or a value breaks a rule that never changes.
        UnknownName
            No such level, type or domain.
        Conflict
            A label exists; the message names it and its index.
        RuleViolated
            The constitution refuses a value; the message names it and its index.

        Examples
        --------
        >>> import neurograph
        >>> import numpy as np
        >>> with neurograph.open(":memory:") as db:
        ...     place = np.array([[0.6, 0.2, 0.1], [np.nan, np.nan, np.nan]])
        ...     db.tokens.create_many(["cat", "dog"], weight=[0.7, 0.6], coordinates={"emotional": place})
        ...     db.tokens.create_many(["dog", "eel"], on_conflict="ignore")
        array([1, 2])
        array([2, 3])

        Notes
        -----
        Grows with n; memory stays flat. On the machine of `docs/benchmarks.md` it writes faster than ``executemany``
        into the same table without triggers, for it puts many rows into a statement.
        """
        if on_conflict not in ON_CONFLICT:
            raise InvalidValue(f"on_conflict must be one of {', '.join(ON_CONFLICT)}, got {on_conflict!r}")
        given: dict[str, Any] = {"labels": labels, "entity_type": entity_type, "domain": domain, "flags": flags}
        given |= {"weight": weight, "field_radius": field_radius, "field_strength": field_strength}
        given |= {"coordinates": coordinates, "properties": properties}
        batch = Batch(size_of(count, given))
        batch.add_texts("labels", labels)
        batch.add_codes("entity_type", entity_type, self._code)
        batch.add_codes("domain", domain, self._code)
        batch.add_wholes("flags", flags, 0, 0xFFFF)
        batch.add_reals("weight", weight)
        batch.add_reals("field_radius", field_radius, 0.0)
        batch.add_reals("field_strength", field_strength)
        batch.add_coordinates(coordinates)
        batch.add_texts("properties", properties)
        return self._insert_batch(batch, on_conflict)

    def _insert_batch(self, batch: Batch, on_conflict: str = "error") -> np.ndarray:
        """Write a checked batch and return its ids, or say which row is to blame."""
        try:
            with bulk(self._session, "token") as work:
                if on_conflict == "error" or batch.labels is None:
                    return insert(work, batch)
                return insert_or_keep(work, batch, update=on_conflict == "update")
        except Conflict as error:
            raise first_conflict(self._session, batch) or error from error
        except apsw.ConstraintError as error:
            raise not_json(self._session, batch) or error from error

    def get_many(self, tokens: Iterable[TokenLike] | np.ndarray, *, missing: str = "error") -> builtins.list[Token]:
        """Return many tokens, as one state of the file holds them.

        Parameters
        ----------
        tokens
            Ids, labels or records, mixed or not; repeated ones are returned as often.
        missing
            ``"error"`` refuses the call where one does not exist; ``"skip"`` leaves it out.

        Returns
        -------
        list of Token
            In the order given.

        Raises
        ------
        TokenNotFound
            One does not exist; the message names the first and its index.
        InvalidValue
            Something is no id, label or record.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     ids = db.tokens.create_many(["ant", "bee", "cat"])
        ...     [token.label for token in db.tokens.get_many([3, "ant"])]
        ...     db.tokens.get_many(["dog", "bee"], missing="skip")[0].label
        ['cat', 'ant']
        'bee'

        Notes
        -----
        Grows with n, 3 µs each; one statement for 4,096 of them.
        """
        keys = keys_of(tokens)
        with self._session.reading() as line:
            return [*map(Token, found_rows(line.connection, RECORD, keys, missing))]

    def delete_many(self, tokens: Iterable[TokenLike] | np.ndarray, *, missing: str = "error") -> int:
        """Delete many tokens with their edges and connections, in one transaction.

        Parameters
        ----------
        tokens
            Ids, labels or records, mixed or not.
        missing
            ``"error"`` refuses the call where one does not exist; ``"skip"`` leaves it out.

        Returns
        -------
        int
            How many tokens were deleted; one given twice counts once.

        Raises
        ------
        TokenNotFound
            One does not exist; nothing was deleted.
        InvalidValue
            Something is no id, label or record.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     ids = db.tokens.create_many(["ant", "bee", "cat"])
        ...     db.tokens.delete_many(["ant", 2, "dog"], missing="skip"), db.tokens.count()
        (2, 1)

        Notes
        -----
        Grows with n, 10 µs each, and with the number of their edges.
        """
        import json

        import numpy as np

        keys = keys_of(tokens)
        with self._session.transaction():
            connection = self._session.writer.connection
            ids = np.unique(found_ids(connection, keys, missing))
            with one_event(connection, "token.deleted") as deleted:
                connection.execute(
                    "delete from token where id in (select value from json_each(?))", (json.dumps(ids.tolist()),)
                )
                deleted.add(ids)
        return len(ids)
