"""What the way from a library to a mind returns: counts of each step, and what words bring to mind."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .columns import Records

if TYPE_CHECKING:
    import numpy as np


class MadeTokens(NamedTuple):
    """What `make_tokens` did, in items."""

    created: int
    """Got a token that was made for them."""
    found: int
    """Got the token that has their key as its label."""
    kept: int
    """Had one already."""


class PlacedWords(NamedTuple):
    """What `place_tokens` did."""

    items: int
    """Items that have a place in the library's semantic space."""
    tokens: int
    """Tokens that have the same place in the level ``abstract``."""
    kept: int
    """Tokens that were left where they are, for somebody else placed them."""


class Woven(NamedTuple):
    """What `weave` did."""

    links: int
    """Links of this weave that there are now."""
    created: int
    """Of those, new ones."""
    changed: int
    """Of those, links whose weight changed."""
    deleted: int
    """Links of an earlier run that don't belong to it any more."""
    kept: int
    """Of those that don't, links that stay all the same, for they carry a connection."""


class Bootstrapped(NamedTuple):
    """What `bootstrap` did; None for a step that was left out."""

    tokens: MadeTokens | None
    """The items' tokens."""
    places: PlacedWords | None
    """The places of both."""
    links: Woven | None
    """The links between the tokens."""


class Association(NamedTuple):
    """A token that words bring to mind."""

    id: int
    """Id of the token."""
    label: str | None
    """Its label."""
    energy: float
    """What arrived at it, combined over the words."""
    depth: int
    """How many links away from the nearest of the words."""
    path: tuple[int, ...]
    """Ids from a token of the words to this one, for the word that brought it the most."""


class Associations(Records[Association]):
    """What words bring to mind: the highest energy first, equal ones in order of id."""

    __slots__ = ()
    record = Association
    dtypes = ("int64", "object", "float64", "int64", "object")

    @property
    def ids(self) -> np.ndarray:
        """The ids, (n,) int64."""
        return self._array(0)

    @property
    def labels(self) -> np.ndarray:
        """The labels, (n,) object: str or None."""
        return self._array(1)

    @property
    def energies(self) -> np.ndarray:
        """The energies, (n,) float64."""
        return self._array(2)
