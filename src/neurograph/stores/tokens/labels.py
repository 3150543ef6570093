"""Labels and ids, each from the other, singly and in bulk."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ...errors import InvalidValue, TokenNotFound
from ..arguments import TokenLike, bindable
from .base import TokenPart, not_found
from .conflicts import ids_of_labels
from .find import found_rows, keys_of

if TYPE_CHECKING:
    import numpy as np


class LabelledTokens(TokenPart):
    """Labels and ids of tokens."""

    def label_to_id(self, label: str) -> int:
        """Return the id of the token with that label.

        Parameters
        ----------
        label
            A label that a token has.

        Returns
        -------
        int
            The token's id.

        Raises
        ------
        TokenNotFound
            No token has the label; the message names labels that are close.
        InvalidValue
            `label` is no string.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat = db.tokens.create("cat")
        ...     db.tokens.label_to_id("cat"), db.tokens.id_to_label(cat.id)
        (1, 'cat')
        """
        if not isinstance(label, str):
            raise InvalidValue(f"label must be a string, got {label!r}")
        rows = self._session.rows("select id from token where label = ?", (bindable(label),))
        if not rows:
            raise not_found(self._session, label)
        return rows[0][0]  # type: ignore[no-any-return]

    def id_to_label(self, id: int) -> str | None:
        """Return the label of the token with that id, or None where it has none.

        Parameters
        ----------
        id
            A token's id.

        Returns
        -------
        str or None
            The label.

        Raises
        ------
        TokenNotFound
            Nothing has that id.
        InvalidValue
            `id` is no id.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.tokens.id_to_label(db.tokens.create("cat").id)
        'cat'
        """
        (number,) = keys_of([id])
        if not isinstance(number, int):
            raise InvalidValue(f"id must be a whole number, got {id!r}")
        rows = self._session.rows("select label from token where id = ?", (number,))
        if not rows:
            raise not_found(self._session, number)
        return rows[0][0]  # type: ignore[no-any-return]

    def labels_to_ids(self, labels: Sequence[str] | np.ndarray, *, missing: str = "error") -> np.ndarray:
        """Return the ids of many labels.

        Parameters
        ----------
        labels
            n labels; repeated ones are looked up as often.
        missing
            ``"error"`` refuses the call where no token has a label; ``"zero"`` returns 0, which is no id, for it.

        Returns
        -------
        numpy.ndarray
            (n,) int64, in the order given.

        Raises
        ------
        TokenNotFound
            No token has a label; the message names the first and its index.
        InvalidValue
            Something is no string.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     ids = db.tokens.create_many(["ant", "bee", "cat"])
        ...     db.tokens.labels_to_ids(["cat", "ant", "dog"], missing="zero")
        array([3, 1, 0])

        Notes
        -----
        Grows with n, 0.7 µs each.
        """
        if missing not in ("error", "zero"):
            raise InvalidValue(f"missing must be 'error' or 'zero', got {missing!r}")
        keys = keys_of(labels)
        strange = next((index for index, key in enumerate(keys) if isinstance(key, int)), None)
        if strange is not None:
            raise InvalidValue(f"labels must be strings, got {keys[strange]!r} at index {strange}")
        with self._session.reading() as line:
            ids = ids_of_labels(line.connection, keys)
            if missing == "error" and not ids.all():
                index = int((ids == 0).argmax())
                raise TokenNotFound(f"{not_found(self._session, str(labels[index]))} (index {index})")
        return ids

    def ids_to_labels(self, ids: Iterable[TokenLike] | np.ndarray) -> builtins.list[str | None]:
        """Return the labels of many tokens, None where one has no label.

        Parameters
        ----------
        ids
            (n,) ids, or records.

        Returns
        -------
        list of str or None
            In the order given.

        Raises
        ------
        TokenNotFound
            Nothing has one of the ids; the message names the first and its index.
        InvalidValue
            Something is no id.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     ids = db.tokens.create_many(["ant", None, "cat"])
        ...     db.tokens.ids_to_labels(ids)
        ['ant', None, 'cat']

        Notes
        -----
        Grows with n, 0.6 µs each.
        """
        keys = keys_of(ids)
        strange = next((index for index, key in enumerate(keys) if not isinstance(key, int)), None)
        if strange is not None:
            raise InvalidValue(f"ids must be whole numbers or records, got {keys[strange]!r} at index {strange}")
        with self._session.reading() as line:
            return [row[0] for row in found_rows(line.connection, "token.label", keys, "error")]
