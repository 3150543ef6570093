"""Many items at the door: columns checked and made what the file holds, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import apsw

from ....errors import Conflict, InvalidValue, TokenNotFound
from ...arguments import TokenLike, bound_ids, json_text, token_array
from ..base import checked_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np


class Batch:
    """The columns of new items, each a list of `size` values.

    Attributes
    ----------
    size
        How many items.
    columns
        Name → values, of the columns that were given.
    vectors
        (m, d) float32, or None.
    places
        (m,): which items the vectors belong to, ascending; None for all, one after another.
    hashes
        Of the texts the vectors were made of, m of them, or none.
    first
        At which place of what was given the batch begins.
    """

    def __init__(self, size: int, vectors: np.ndarray | None = None, places: np.ndarray | None = None) -> None:
        self.size = size
        self.columns: dict[str, list[Any]] = {}
        self.vectors = vectors
        self.places = places
        self.hashes: list[bytes] = []
        self.first = 0

    def part(self, chosen: list[int]) -> Batch:
        """Return the items at the places `chosen`, in that order."""
        import numpy as np

        vectors, places, hashes = self.vectors, None, self.hashes
        if vectors is not None:
            rows = np.array(chosen, np.intp)
            if self.places is not None:
                row_of = np.full(self.size, -1)
                row_of[self.places] = np.arange(len(self.places))
                places = np.flatnonzero(row_of[rows] >= 0)
                rows = row_of[rows][places]
            vectors = vectors[rows]
            hashes = [hashes[row] for row in rows.tolist()] if hashes else []
        part = Batch(len(chosen), vectors, places)
        part.hashes = hashes
        part.columns = {name: [values[i] for i in chosen] for name, values in self.columns.items()}
        return part

    def add_texts(self, name: str, values: Sequence[str | None] | np.ndarray | None) -> None:
        """Take keys or texts."""
        if values is not None:
            given = self.listed(name, values)
            self.columns[name.removesuffix("s")] = [
                checked_text(value, f"{name}[{index}]", empty=name == "texts") for index, value in enumerate(given)
            ]

    def add_tokens(self, connection: apsw.Connection, tokens: Sequence[TokenLike | None] | np.ndarray | None) -> None:
        """Take the tokens the items belong to, which must exist."""
        if tokens is None:
            return
        given = self.listed("tokens", tokens)
        there = [value for value in given if value is not None]
        ids = token_array(connection, there, "tokens").tolist() if there else []
        sql = "select value from carray(?) where value not in (select id from token) limit 1"
        missing: Any = connection.execute(sql, (bound_ids(sorted(set(ids))),)).fetchall() if ids else []
        if missing:
            raise TokenNotFound(f"no token has the id {missing[0][0]}; create it first")
        numbers = iter(ids)
        self.columns["token_id"] = [None if value is None else next(numbers) for value in given]

    def add_coordinates(self, coordinates: Any) -> None:
        """Take the places in semantic space: (n, 3), NaN in all three axes for none."""
        if coordinates is None:
            return
        import numpy as np

        try:
            given = np.asarray(coordinates)
        except ValueError as error:
            raise InvalidValue(f"coordinates must be numbers, three for each item ({error})") from None
        if given.dtype.kind not in "fiu":
            raise InvalidValue(f"coordinates must be real numbers, got dtype {given.dtype}")
        places = given.astype(np.float64)
        if places.shape != (self.size, 3):
            raise InvalidValue(f"coordinates must have shape ({self.size}, 3), got {places.shape}")
        nowhere = np.isnan(places)
        bad = ~(np.isfinite(places).all(axis=1) | nowhere.all(axis=1))
        if bad.any():
            index = int(bad.argmax())
            raise InvalidValue(
                f"coordinates must be three finite numbers, or NaN three times, got {places[index].tolist()!r} at "
                f"index {index}"
            )
        for axis, column, missing in zip("xyz", places.T, nowhere.T, strict=True):
            self.columns[axis] = [
                None if gone else x for x, gone in zip(column.tolist(), missing.tolist(), strict=True)
            ]

    def add_metadata(self, metadata: Sequence[Any] | None) -> None:
        """Take the metadata: mappings or None."""
        if metadata is not None:
            given = self.listed("metadata", metadata)
            self.columns["metadata"] = [
                None if value is None else json_text(value, f"metadata[{index}]") for index, value in enumerate(given)
            ]

    def listed(self, name: str, values: Any) -> list[Any]:
        """Return the values of a column as a list, one for each item."""
        if isinstance(values, str | bytes | Mapping | Set) or not hasattr(values, "__len__"):
            raise InvalidValue(f"{name} must be a sequence of {self.size} values, got {values!r}")
        if len(values) != self.size:
            raise InvalidValue(f"{name} must have {self.size} values, one for each item, got {len(values)}")
        return values.tolist() if hasattr(values, "tolist") else [*values]


def first_of_each(keys: list[str | None], last: bool) -> dict[str, int]:
    """Return key → index of its first item, or of its last."""
    places: dict[str, int] = {}
    for index, key in enumerate(keys):
        if key is not None and (last or key not in places):
            places[key] = index
    return places


def refuse_twice(keys: list[str | None]) -> None:
    """Refuse a key that comes twice."""
    places = first_of_each(keys, last=False)
    if len(places) < len(keys) - keys.count(None):
        index = next(index for index, key in enumerate(keys) if key is not None and places[key] != index)
        raise Conflict(f"keys must be unique, got {keys[index]!r} at index {places[keys[index] or '']} and {index}")
