"""The records of a library: an item, and what a search by vector or by words finds."""

from __future__ import annotations

from collections.abc import Sequence

from .columns import Records
from .stored_json import value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple

    import numpy as np
else:
    from .typed import NamedTuple

METRICS = ("cosine", "l2", "dot")
ITEM_COLUMNS = ("id", "key", "text", "token_id", "x", "y", "z", "metadata")
"""The columns of an item's row in the order `Item` takes them."""


class Item:
    """An item of a library as it was when it was read: a key, a text, a token, metadata; its vector is read apart.

    Records compare by value and don't follow later changes.
    """

    __slots__ = ("_row",)

    _row: tuple[Any, ...]

    def __init__(self, row: tuple[Any, ...]) -> None:
        object.__setattr__(self, "_row", row)

    @property
    def id(self) -> int:
        """The id in this file: the library's, 32 bits further up, and a number within it."""
        return self._row[0]  # type: ignore[no-any-return]

    @property
    def key(self) -> str | None:
        """The name, unique in the library, or None."""
        return self._row[1]  # type: ignore[no-any-return]

    @property
    def text(self) -> str | None:
        """What the vector stands for, or None."""
        return self._row[2]  # type: ignore[no-any-return]

    @property
    def token_id(self) -> int | None:
        """The id of the token the item belongs to, or None."""
        return self._row[3]  # type: ignore[no-any-return]

    @property
    def coordinates(self) -> tuple[float, float, float] | None:
        """The place in the library's semantic space, or None."""
        return None if self._row[4] is None else self._row[4:7]

    @property
    def metadata(self) -> dict[str, Any]:
        """A new dict of the JSON metadata; empty where there is none."""
        return value_of(self._row[7]) if self._row[7] else {}

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an Item is a record and can't be changed; use library.update(item, {name}=…)")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("an Item is a record and can't be changed")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Item) and self._row == other._row

    def __hash__(self) -> int:
        return hash(self._row[0])

    def __reduce__(self) -> tuple[type[Item], tuple[tuple[Any, ...]]]:
        return Item, (self._row,)

    def __repr__(self) -> str:
        key = f" {self.key!r}" if self.key is not None else ""
        text = self.text if self.text is None or len(self.text) <= 40 else f"{self.text[:39]}…"
        return f"<Item {self.id}{key}{'' if text is None else f' {text!r}'}>"

    def _repr_html_(self) -> str:
        from html import escape

        facts = {"id": self.id, "key": self.key, "text": self.text, "token_id": self.token_id, **self.metadata}
        rows = "".join(f"<tr><th>{escape(str(k))}</th><td>{escape(str(v))}</td></tr>" for k, v in facts.items())
        return f"<table>{rows}</table>"


class Hit(NamedTuple):
    """An item that a search found."""

    id: int
    """Id of the item."""
    key: str | None
    """Its key."""
    distance: float
    """How far it is from what was asked for, by the library's metric."""


class Hits(Records[Hit]):
    """What a search found: in order of distance, then id."""

    __slots__ = ("_recall",)
    record = Hit
    dtypes = ("int64", "object", "float64")

    def __init__(self, ids: Any, keys: Any, distances: Any, recall: float = 1.0) -> None:
        super().__init__(ids, keys, distances)
        self._recall = recall

    @property
    def recall(self) -> float:
        """How many of the nearest such searches find: 1.0 for an exact one, else the mean of a sample, no proof."""
        return self._recall

    def _like(self, columns: Sequence[Any]) -> Hits:
        ids, keys, distances = columns
        return Hits(ids, keys, distances, self._recall)

    def __reduce__(self) -> tuple[Any, ...]:
        return Hits, (*self._columns, self._recall)

    @property
    def ids(self) -> np.ndarray:
        """The ids, (n,) int64."""
        return self._array(0)

    @property
    def keys(self) -> np.ndarray:
        """The keys, (n,) object: str or None."""
        return self._array(1)

    @property
    def distances(self) -> np.ndarray:
        """The distances, (n,) float64."""
        return self._array(2)


class HitArrays(tuple["np.ndarray", "np.ndarray"]):
    """What many searches found: a pair of arrays, ids and distances, that knows its recall.

    Examples
    --------
    >>> found = HitArrays(ids=[[3, 1]], distances=[[0.0, 0.5]], recall=0.97)
    >>> ids, distances = found
    >>> ids, found.recall
    ([[3, 1]], 0.97)
    """

    recall: float
    """How many of the nearest such searches find, in the mean: 1.0 for exact ones, else as it was measured."""

    def __new__(cls, ids: np.ndarray, distances: np.ndarray, recall: float = 1.0) -> HitArrays:
        """Return the pair."""
        pair = super().__new__(cls, (ids, distances))
        pair.recall = recall
        return pair

    def __getnewargs__(self) -> tuple[Any, ...]:
        return self[0], self[1], self.recall

    @property
    def ids(self) -> np.ndarray:
        """The ids, (m, k) int64; 0 where a search found less than another."""
        return self[0]

    @property
    def distances(self) -> np.ndarray:
        """The distances, (m, k) float64; infinite where a search found less than another."""
        return self[1]


class Match(NamedTuple):
    """An item that has words asked for."""

    id: int
    """Id of the item."""
    key: str | None
    """Its key."""
    score: float
    """How well it matches, above 0: BM25."""


class Matches(Records[Match]):
    """What has words asked for: in order of score, the greatest first, then id."""

    __slots__ = ()
    record = Match
    dtypes = ("int64", "object", "float64")

    @property
    def ids(self) -> np.ndarray:
        """The ids, (n,) int64."""
        return self._array(0)

    @property
    def keys(self) -> np.ndarray:
        """The keys, (n,) object: str or None."""
        return self._array(1)

    @property
    def scores(self) -> np.ndarray:
        """The scores, (n,) float64."""
        return self._array(2)
