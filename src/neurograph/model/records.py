"""Answers of many rows, by what their records are."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .columns import Records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple, overload

    import numpy as np
else:
    from .typed import NamedTuple


class Neighbor(NamedTuple):
    """A token near a place."""

    id: int
    """Id of the token."""
    distance: float
    """Its distance, in the unit of the level."""


class Neighbors(Records[Neighbor]):
    """Tokens near a place, in order of distance, then id."""

    __slots__ = ()
    record = Neighbor
    dtypes = ("int64", "float64")

    @property
    def ids(self) -> np.ndarray:
        """The ids, (n,) int64."""
        return self._array(0)

    @property
    def distances(self) -> np.ndarray:
        """The distances, (n,) float64."""
        return self._array(1)


class Visit(NamedTuple):
    """A token a search came to."""

    id: int
    """Id of the token."""
    depth: int
    """How many links away from the start."""


class Visits(Records[Visit]):
    """Tokens a search came to, in the order of the search."""

    __slots__ = ()
    record = Visit
    dtypes = ("int64", "int64")

    @property
    def ids(self) -> np.ndarray:
        """The ids, (n,) int64."""
        return self._array(0)

    @property
    def depths(self) -> np.ndarray:
        """The depths, (n,) int64."""
        return self._array(1)


class Score(NamedTuple):
    """A token and its score."""

    id: int
    """Id of the token."""
    score: float
    """The score."""


class Scores(Records[Score]):
    """Tokens and their scores; the method that returns them says in what order."""

    __slots__ = ()
    record = Score
    dtypes = ("int64", "float64")

    @property
    def ids(self) -> np.ndarray:
        """The ids, (n,) int64."""
        return self._array(0)

    @property
    def scores(self) -> np.ndarray:
        """The scores, (n,) float64."""
        return self._array(1)

    def top(self, n: int = 10) -> Scores:
        """Return the n highest, highest first; equal ones in order of id.

        Parameters
        ----------
        n
            How many.

        Returns
        -------
        Scores
            At most n of these.

        Examples
        --------
        >>> Scores([1, 2, 3], [0.2, 0.5, 0.3]).top(2)
        [Score(id=2, score=0.5), Score(id=3, score=0.3)]
        """
        import numpy as np

        order = np.lexsort((self.ids, -self.scores))[:n]
        return Scores(self.ids[order], self.scores[order])


class Member(NamedTuple):
    """A token and the component it belongs to."""

    id: int
    """Id of the token."""
    component: int
    """The smallest id of a token in the component."""


class Members(Records[Member]):
    """Tokens and their components, in order of id."""

    __slots__ = ()
    record = Member
    dtypes = ("int64", "int64")

    @property
    def ids(self) -> np.ndarray:
        """The ids, (n,) int64."""
        return self._array(0)

    @property
    def components(self) -> np.ndarray:
        """The components, (n,) int64."""
        return self._array(1)


class Activation(NamedTuple):
    """A token that spreading activation reached."""

    id: int
    """Id of the token."""
    energy: float
    """What it received in all, combined by the mode."""
    depth: int
    """The round in which it was first reached."""
    path: tuple[int, ...]
    """Ids from the source to this token, along the largest arrival at each."""


class Activations(Records[Activation]):
    """What activation reached, the strongest first, equal ones in order of id.

    Attributes
    ----------
    touched
        Tokens that anything arrived at, and the source.
    rounds
        Rounds in which anything was sent.
    """

    __slots__ = ("_path", "rounds", "touched")
    record = Activation
    dtypes = ("int64", "float64", "int64")

    def __init__(
        self, ids: Any, energies: Any, depths: Any, path: Callable[[int], tuple[int, ...]], touched: int, rounds: int
    ) -> None:
        super().__init__(ids, energies, depths)
        self._path = path
        self.touched = touched
        self.rounds = rounds

    @property
    def ids(self) -> np.ndarray:
        """The ids, (n,) int64."""
        return self._array(0)

    @property
    def energies(self) -> np.ndarray:
        """The energies, (n,) float64."""
        return self._array(1)

    @property
    def depths(self) -> np.ndarray:
        """The rounds of first arrival, (n,) int64."""
        return self._array(2)

    def __iter__(self) -> Iterator[Activation]:
        for at, values in enumerate(zip(*self._lists(), strict=True)):
            id, energy, depth = values
            yield Activation(id, energy, depth, self._path(at))

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, at: int) -> Activation: ...
        @overload
        def __getitem__(self, at: slice) -> Records[Activation]: ...

    def __getitem__(self, at: int | slice) -> Activation | Records[Activation]:
        places = range(len(self))[at]
        if isinstance(places, int):
            id, energy, depth = (column[places] for column in self._lists())
            return Activation(id, energy, depth, self._path(places))
        ids, energies, depths = (column[at] for column in self._columns)
        return Activations(ids, energies, depths, lambda i: self._path(places[i]), self.touched, self.rounds)

    def __reduce__(self) -> tuple[Any, ...]:
        paths = [self._path(at) for at in range(len(self))]
        return _kept_activations, (*self._columns, paths, self.touched, self.rounds)


def _kept_activations(ids: Any, energies: Any, depths: Any, paths: Any, touched: int, rounds: int) -> Activations:
    return Activations(ids, energies, depths, paths.__getitem__, touched, rounds)


class Path(NamedTuple):
    """A path through the graph."""

    ids: tuple[int, ...]
    """Ids of the tokens from source to target; one where they are the same."""
    types: tuple[str, ...]
    """Names of the types of the edges between them."""
    costs: tuple[float, ...]
    """What it costs to come to each token, the first 0."""

    @property
    def cost(self) -> float:
        """What the whole path costs."""
        return self.costs[-1]

    @property
    def hops(self) -> int:
        """The number of edges."""
        return len(self.ids) - 1
