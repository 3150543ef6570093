"""Answers of many rows: sequences of records over columns, which become Python objects only when looked at.

A radius query with 50 hits takes 5 µs as arrays; 50 Python objects take longer than that. Columns are lists where
plain SQL answered (a fresh process then needs no numpy) and arrays where a kernel did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, Generic, NamedTuple, TypeVar, overload

    import numpy as np
    import pandas
else:
    from .typed import Generic, NamedTuple, TypeVar

R = TypeVar("R", bound="tuple[Any, ...]")


class Records(Sequence[R], Generic[R]):
    """A sequence of named tuples kept as columns of equal length.

    Compares equal to any sequence of the same records. `to_dataframe` needs the extra ``frames``.
    """

    __slots__ = ("_columns",)
    record: ClassVar[Any]
    dtypes: ClassVar[tuple[str, ...]]

    def __init__(self, *columns: Any) -> None:
        self._columns = columns

    def _like(self, columns: Sequence[Any]) -> Records[R]:
        """Return other records that came from where these did."""
        return type(self)(*columns)

    def _array(self, place: int) -> np.ndarray:
        import numpy as np

        return np.asarray(self._columns[place], self.dtypes[place])

    def _lists(self) -> list[list[Any]]:
        return [column if isinstance(column, list) else column.tolist() for column in self._columns]

    def __len__(self) -> int:
        return len(self._columns[0])

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, at: int) -> R: ...
        @overload
        def __getitem__(self, at: slice) -> Records[R]: ...

    def __getitem__(self, at: int | slice) -> R | Records[R]:
        if isinstance(at, slice):
            return self._like([column[at] for column in self._columns])
        values = (column[at] for column in self._columns)
        return self.record(*(v.item() if hasattr(v, "item") else v for v in values))  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[R]:
        return map(self.record._make, zip(*self._lists(), strict=True))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str | bytes):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._columns

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return each record as a dict."""
        return [record._asdict() for record in self]  # type: ignore[attr-defined]

    def to_dataframe(self) -> pandas.DataFrame:
        """Return the records as a pandas DataFrame."""
        from ..errors import NotHere

        try:
            import pandas
        except ImportError as error:
            raise NotHere('pandas must be installed for a DataFrame; run pip install "neurograph[frames]"') from error
        return pandas.DataFrame(dict(zip(self.record._fields, self._lists(), strict=True)))

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, self[:6]))
        return f"[{shown}{f', … {len(self)} in all' if len(self) > 6 else ''}]"

    def _repr_html_(self) -> str:
        from html import escape

        head = "".join(f"<th>{escape(name)}</th>" for name in self.record._fields)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in record) + "</tr>" for record in self[:50]
        )
        return f"<table><tr>{head}</tr>{rows}</table>"


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
