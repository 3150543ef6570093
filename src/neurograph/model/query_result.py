"""The records of a query over everything: what was found, and how each leg took part in finding it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, overload

if TYPE_CHECKING:
    import pandas

    from .feedback import Feedback

KINDS = ("token", "item")
LEGS = ("vector", "text", "graph", "space")
"""The legs, in the order in which they are told and added up."""
COLUMNS = ("kind", "id", "label", "text", "score")
SHOWN = 50  # rows of the HTML form


class QueryLeg(NamedTuple):
    """How one leg came to a hit."""

    leg: str
    """``"vector"``, ``"text"``, ``"graph"`` or ``"space"``."""
    library: str | None
    """The library it searched; None for the graph and the space."""
    rank: int
    """The hit's place in this leg, from 1."""
    score: float
    """The leg's own figure: a distance (vector, space), BM25's score (text), energy or probability (graph)."""
    share: float
    """What part of the fused score came from here; the shares of a hit add up to 1."""
    path: tuple[int, ...] = ()
    """Graph: ids of tokens from the hit the activation came from to this one; alone where none came over links."""


class QueryHit(NamedTuple):
    """One thing a query found, merged from all the legs that found it."""

    kind: str
    """``"token"``, or ``"item"`` for an item that belongs to no token."""
    id: int
    """Id of the token or item."""
    label: str | None
    """The token's label, or the item's key."""
    text: str | None
    """The text of the first of `items` that has one."""
    score: float
    """The fused score, with the hit's standing."""
    legs: tuple[QueryLeg, ...]
    """How each leg came to it, in the order of the legs, then of the libraries."""
    items: tuple[int, ...]
    """Ids of the items by which it was found, ascending; empty where only tokens led to it."""
    standing: float = 0.0
    """What feedback has made of it, from -1 to 1."""

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold of it: the fields by name, the legs as dicts.

        Examples
        --------
        >>> QueryHit("token", 1, "cat", None, 0.2, (), ()).to_dict()["label"]
        'cat'
        """
        values = self._asdict()
        values["legs"] = [leg._asdict() | {"path": list(leg.path)} for leg in self.legs]
        values["items"] = list(self.items)
        return values


class LegUsed(NamedTuple):
    """A ranking that took part in a query."""

    leg: str
    """``"vector"``, ``"text"``, ``"graph"`` or ``"space"``."""
    library: str | None
    """The library it searched, or None."""
    weight: float
    """What it weighed in the fusion."""
    found: int
    """How many candidates it brought."""


class Asked(NamedTuple):
    """What a query asked, as feedback notes it."""

    text: str | None
    """The text, or None."""
    sha256: str | None
    """The vector's bytes hashed, in hexadecimal, where one was given; else None."""


NOTHING = Asked(None, None)


class QueryResult(Sequence[QueryHit]):
    """What a query found, best first: a frozen sequence of `QueryHit`.

    Equal scores are in order of kind, then id. Compares equal to any sequence of the same hits.

    Attributes
    ----------
    asked
        The question: its text, or its vector's hash.
    legs
        The rankings that took part, in order.
    left_out
        Leg → why it did not take part; also of single libraries where the leg took part without them.
    took_ms
        How long the query took, encoding included.
    """

    __slots__ = ("_hits", "_home", "asked", "left_out", "legs", "took_ms")

    asked: Asked
    legs: tuple[LegUsed, ...]
    left_out: Mapping[str, str]
    took_ms: float
    _hits: tuple[QueryHit, ...]
    _home: Callable[[], Any] | None

    def __init__(
        self,
        hits: Sequence[QueryHit],
        asked: Asked = NOTHING,
        legs: Sequence[LegUsed] = (),
        left_out: Mapping[str, str] | None = None,
        took_ms: float = 0.0,
        home: Callable[[], Any] | None = None,
    ) -> None:
        put = object.__setattr__
        put(self, "_hits", tuple(hits))
        put(self, "asked", asked)
        put(self, "legs", tuple(legs))
        put(self, "left_out", dict(left_out or {}))
        put(self, "took_ms", took_ms)
        put(self, "_home", home)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a QueryResult is a record and can't be changed; ask again with db.query")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a QueryResult is a record and can't be changed")

    def __len__(self) -> int:
        return len(self._hits)

    @overload
    def __getitem__(self, at: int) -> QueryHit: ...
    @overload
    def __getitem__(self, at: slice) -> QueryResult: ...
    def __getitem__(self, at: int | slice) -> QueryHit | QueryResult:
        return self._with(self._hits[at]) if isinstance(at, slice) else self._hits[at]

    def __iter__(self) -> Iterator[QueryHit]:
        return iter(self._hits)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str | bytes):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return QueryResult, (self._hits, self.asked, self.legs, self.left_out, self.took_ms)

    def _with(self, hits: Sequence[QueryHit]) -> QueryResult:
        return QueryResult(hits, self.asked, self.legs, self.left_out, self.took_ms, self._home)

    def top(self, n: int = 10) -> QueryResult:
        """Return the n best.

        Parameters
        ----------
        n
            How many; at least 0.

        Returns
        -------
        QueryResult
            At most n hits, best first.

        Examples
        --------
        >>> hits = [QueryHit("token", id, None, None, 1 / id, (), ()) for id in (1, 2, 3)]
        >>> [hit.id for hit in QueryResult(hits).top(2)]
        [1, 2]
        """
        from ..errors import InvalidValue

        if isinstance(n, bool) or not isinstance(n, int) or n < 0:
            raise InvalidValue(f"n must be a whole number of at least 0, got {n!r}")
        return self[:n]

    def filter(
        self, predicate: Callable[[QueryHit], object] | None = None, *, kind: str | None = None, leg: str | None = None
    ) -> QueryResult:
        """Return the hits that pass, in the same order.

        Parameters
        ----------
        predicate
            Called with each hit; what it says true of, stays.
        kind
            Only ``"token"``, or only ``"item"``.
        leg
            Only what this leg found too.

        Returns
        -------
        QueryResult
            Never more than there were: to have k that pass, give `db.query` a `where`.

        Examples
        --------
        >>> token = QueryHit("token", 1, "cat", None, 0.2, (), ())
        >>> hits = [token, token._replace(kind="item", id=4294967297, label="a cat", score=0.1)]
        >>> [hit.label for hit in QueryResult(hits).filter(kind="item")]
        ['a cat']
        """
        from ..errors import InvalidValue

        if kind is not None and kind not in KINDS:
            raise InvalidValue(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
        if leg is not None and leg not in LEGS:
            raise InvalidValue(f"leg must be one of {', '.join(LEGS)}, got {leg!r}")
        if predicate is not None and not callable(predicate):
            raise InvalidValue(f"predicate must be a function of a hit, got {predicate!r}")
        return self._with(
            [
                hit
                for hit in self._hits
                if (kind is None or hit.kind == kind)
                and (leg is None or any(used.leg == leg for used in hit.legs))
                and (predicate is None or predicate(hit))
            ]
        )

    def feedback(
        self, kind: str, of: int | QueryHit = 0, *, value: Any = None, strength: float = 1.0, now_ns: int | None = None
    ) -> Feedback:
        """Say something of a hit, and let the mind learn from it: `db.feedback.give` with this result.

        Parameters
        ----------
        kind, of, value, strength, now_ns
            As for `db.feedback.give`.

        Returns
        -------
        Feedback
            What was stored; `db.feedback.undo` takes it back.

        Raises
        ------
        Misuse
            The result was unpickled, or its database is gone; use `db.feedback.give`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.library.create("pets", dimension=1).add([[1]], keys=["cat"])
        ...     db.query([1]).feedback("positive").changes[0].after
        {'value': 0.125}
        """
        from ..errors import Misuse

        db = None if self._home is None else self._home()
        if db is None:
            raise Misuse(
                "this result belongs to no open database: it was unpickled, or its database is gone; use "
                "db.feedback.give(result, …)"
            )
        return db.feedback.give(self, kind, of, value=value, strength=strength, now_ns=now_ns)  # type: ignore[no-any-return]

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold of it: ``asked``, ``legs``, ``left_out``, ``took_ms`` and ``hits``, best first.

        Examples
        --------
        >>> QueryResult([QueryHit("token", 1, "cat", None, 0.2, (), ())]).to_dict()["hits"][0]["label"]
        'cat'
        """
        return {
            "asked": self.asked._asdict(),
            "legs": [leg._asdict() for leg in self.legs],
            "left_out": dict(self.left_out),
            "took_ms": self.took_ms,
            "hits": [hit.to_dict() for hit in self._hits],
        }

    def to_dataframe(self) -> pandas.DataFrame:
        """Return the hits as a pandas DataFrame: kind, id, label, text, score, then rank and share of each leg."""
        from ..errors import NotHere

        try:
            import pandas
        except ImportError as error:
            raise NotHere('pandas must be installed for a DataFrame; run pip install "neurograph[frames]"') from error
        used = [leg for leg in LEGS if any(one.leg == leg for one in self.legs)]
        rows = []
        for hit in self._hits:
            row = {name: getattr(hit, name) for name in COLUMNS}
            for leg in used:
                mine = [one for one in hit.legs if one.leg == leg]
                row[f"{leg}_rank"] = min((one.rank for one in mine), default=None)
                row[f"{leg}_share"] = sum(one.share for one in mine)
            rows.append(row)
        columns = [*COLUMNS, *(f"{leg}_{what}" for leg in used for what in ("rank", "share"))]
        return pandas.DataFrame(rows, columns=columns)

    def __repr__(self) -> str:
        shown = ", ".join(f"{hit.label or hit.id!r} {hit.score:.3g}" for hit in self._hits[:6])
        more = f", … {len(self)} in all" if len(self) > 6 else ""
        return f"<QueryResult [{shown}{more}]>"

    def _repr_html_(self) -> str:
        from html import escape

        head = "".join(f"<th>{name}</th>" for name in (*COLUMNS, "legs"))
        rows = []
        for hit in self._hits[:SHOWN]:
            told = ", ".join(f"{one.leg} #{one.rank} {one.share:.0%}" for one in hit.legs)
            cells = [hit.kind, hit.id, hit.label or "", hit.text or "", f"{hit.score:.4g}", told]
            rows.append("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + "</tr>")
        return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def legs_json(hit: QueryHit) -> str:
    """Return how each leg came to a hit, as JSON."""
    return json.dumps(hit.to_dict()["legs"], ensure_ascii=False)
