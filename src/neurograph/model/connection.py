"""The connection record: one row of the table `connection` with its edge's weight and properties; and its force.

1. The flag ``bidirectional`` of a connection is its edge's.
2. An immutable connection has confidence 1: the factor of a force is the confidence, whatever the mutability.
"""

from __future__ import annotations

from typing import Any

from .levels import LEVELS
from .stored_json import value_of
from .vocabulary import CONNECTION_FLAGS, CONNECTION_TYPES, MUTABILITIES

AIM_COLUMNS: tuple[str, ...] = tuple(f"aim_{level}" for level in LEVELS)
"""The columns of what a connection aims at, by level."""

CONNECTION_COLUMNS: tuple[str, ...] = (
    "id",
    "source",
    "type",
    "target",
    "key",
    "rigidity",
    "pull",
    "preferred_distance",
    "active_levels",
    "flags",
    "activation_count",
    "last_activation_ns",
    "mutability",
    "confidence",
    "evidence_count",
    "learning_rate",
    "decay_rate",
    "origin",
    "created_ns",
    "modified_ns",
    *AIM_COLUMNS,
)
"""The columns of a connection's row in the order `Connection` keeps them; three values follow, see `Connection`."""

_AFTER_AIM = len(CONNECTION_COLUMNS)
_FIRST_AIM = _AFTER_AIM - len(LEVELS)


def force(distance: float, preferred_distance: float, rigidity: float, pull: float, confidence: float) -> float:
    """Return the signed force along a connection at a distance of its ends.

    Parameters
    ----------
    distance
        Between the two tokens, in the unit of the level.
    preferred_distance
        Where the force is 0, in the same unit.
    rigidity, confidence
        In [0, 1].
    pull
        Positive attracts: beyond the preferred distance the force is negative, towards the source.

    Returns
    -------
    float
        In the unit of the distance.

    Examples
    --------
    >>> force(3.0, 1.0, 0.5, 0.5, 0.5)
    -0.25

    Notes
    -----
    (preferred distance - distance) · rigidity · pull · confidence, as the original system computes it.
    """
    return (preferred_distance - distance) * rigidity * pull * confidence


def potential(distance: float, preferred_distance: float, rigidity: float, pull: float) -> float:
    """Return the potential of a connection at a distance of its ends.

    Parameters
    ----------
    distance, preferred_distance, rigidity, pull
        As for `force`.

    Returns
    -------
    float
        At least 0 for a pull that attracts; 0 at the preferred distance.

    Examples
    --------
    >>> potential(3.0, 1.0, 0.5, 0.5)
    0.5

    Notes
    -----
    ½ · rigidity · pull · (distance - preferred distance)², of the original system's specification.
    """
    stretch = distance - preferred_distance
    return 0.5 * rigidity * pull * (stretch * stretch)


class Connection:
    """A connection as it was when it was read: an edge, and how it acts, learns and fades.

    Records compare by value and don't follow later changes; read again with `db.connections.get(connection)`. The row
    is kept as SQLite returned it and taken apart on access. It ends with the edge's weight and properties, and with
    the name of the type where it is a user's own, else None.
    """

    __slots__ = ("_row",)
    _row: tuple[Any, ...]

    def __init__(self, row: tuple[Any, ...]) -> None:
        object.__setattr__(self, "_row", row)

    @property
    def id(self) -> int:
        """The id in this file; never reused."""
        return self._row[0]  # type: ignore[no-any-return]

    @property
    def source(self) -> int:
        """Id of the token the connection leaves."""
        return self._row[1]  # type: ignore[no-any-return]

    @property
    def target(self) -> int:
        """Id of the token the connection enters."""
        return self._row[3]  # type: ignore[no-any-return]

    @property
    def type(self) -> str:
        """Name of the connection's type."""
        row = self._row
        return row[-1] or CONNECTION_TYPES[row[2]]  # type: ignore[no-any-return]

    @property
    def key(self) -> str:
        """What tells parallel connections of one type apart; usually empty."""
        return self._row[4]  # type: ignore[no-any-return]

    @property
    def weight(self) -> float:
        """The weight of the edge, in [0, 1] unless the constitution says otherwise."""
        return self._row[_AFTER_AIM]  # type: ignore[no-any-return]

    @property
    def bidirectional(self) -> bool:
        """True for a connection whose edge is followed both ways."""
        return bool(self._row[9] & CONNECTION_FLAGS["bidirectional"])

    @property
    def rigidity(self) -> float:
        """How stiff the connection is, in [0, 1]; grows by 1/255 with each activation while it is learnable."""
        return self._row[5]  # type: ignore[no-any-return]

    @property
    def pull(self) -> float:
        """How strongly it acts: positive attracts, negative repels; in [-10, 10] unless the constitution differs."""
        return self._row[6]  # type: ignore[no-any-return]

    @property
    def preferred_distance(self) -> float:
        """The distance at which it exerts no force, in [0.01, 100]."""
        return self._row[7]  # type: ignore[no-any-return]

    @property
    def active_levels(self) -> tuple[str, ...]:
        """The names of the levels it acts in."""
        mask = self._row[8]
        return tuple(level for bit, level in enumerate(LEVELS) if mask >> bit & 1)

    @property
    def flags(self) -> int:
        """Eight bits; names in `neurograph.model.vocabulary.CONNECTION_FLAGS`."""
        return self._row[9]  # type: ignore[no-any-return]

    @property
    def active(self) -> bool:
        """True once it was activated, until its confidence decayed away."""
        return bool(self._row[9] & CONNECTION_FLAGS["active"])

    @property
    def activation_count(self) -> int:
        """How often it was activated."""
        return self._row[10]  # type: ignore[no-any-return]

    @property
    def last_activation_ns(self) -> int | None:
        """When it was last activated, in nanoseconds since 1970 UTC, or None."""
        return self._row[11]  # type: ignore[no-any-return]

    @property
    def mutability(self) -> str:
        """``"immutable"``, ``"learnable"`` or ``"hypothesis"``."""
        return MUTABILITIES[self._row[12]]  # type: ignore[no-any-return]

    @property
    def confidence(self) -> float:
        """How sure it is, in [0, 1]; 1 for an immutable one."""
        return self._row[13]  # type: ignore[no-any-return]

    @property
    def evidence_count(self) -> int:
        """How many pieces of evidence confirmed it."""
        return self._row[14]  # type: ignore[no-any-return]

    @property
    def learning_rate(self) -> float:
        """What one confirmation adds to the confidence; a refutation takes half of it."""
        return self._row[15]  # type: ignore[no-any-return]

    @property
    def decay_rate(self) -> float:
        """The share of its confidence that a hypothesis loses in an hour."""
        return self._row[16]  # type: ignore[no-any-return]

    @property
    def origin(self) -> int:
        """0 for one made by hand, else the number of the proposal it came from."""
        return self._row[17]  # type: ignore[no-any-return]

    @property
    def created_ns(self) -> int:
        """When it was made, in nanoseconds since 1970 UTC."""
        return self._row[18]  # type: ignore[no-any-return]

    @property
    def modified_ns(self) -> int:
        """When it last changed, activations aside, in nanoseconds since 1970 UTC; decay counts from here."""
        return self._row[19]  # type: ignore[no-any-return]

    @property
    def aim(self) -> dict[str, float]:
        """What acting through it aims at: a value of the first axis by level, 0 left out."""
        values = self._row[_FIRST_AIM:_AFTER_AIM]
        return {level: value for level, value in zip(LEVELS, values, strict=True) if value}

    @property
    def properties(self) -> dict[str, Any]:
        """A new dict of the edge's JSON properties; empty where there are none."""
        text = self._row[_AFTER_AIM + 1]
        return value_of(text) if text else {}

    def force(self, distance: float) -> float:
        """Return the signed force along the connection if its ends were so far apart.

        Parameters
        ----------
        distance
            In the unit of the level.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog = db.tokens.create("cat"), db.tokens.create("dog")
        ...     db.connections.create(cat, dog, rigidity=0.5, pull=0.5, confidence=0.5).force(3.0)
        -0.25

        Notes
        -----
        (preferred distance - distance) · rigidity · pull · confidence; see `Connections.force`.
        """
        row = self._row
        return force(distance, row[7], row[5], row[6], row[13])

    def potential(self, distance: float) -> float:
        """Return the potential of the connection if its ends were so far apart.

        Parameters
        ----------
        distance
            In the unit of the level.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog = db.tokens.create("cat"), db.tokens.create("dog")
        ...     db.connections.create(cat, dog, rigidity=0.5, pull=0.5).potential(3.0)
        0.5

        Notes
        -----
        ½ · rigidity · pull · (distance - preferred distance)²; see `Connections.potential`.
        """
        row = self._row
        return potential(distance, row[7], row[5], row[6])

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(
            f"a Connection is a record and can't be changed; use db.connections.update(connection, {name}=…)"
        )

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a Connection is a record and can't be changed")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Connection) and self._row == other._row

    def __hash__(self) -> int:
        return hash(self._row[:5])

    def __reduce__(self) -> tuple[Any, ...]:
        return Connection, (self._row,)

    def __repr__(self) -> str:
        arrow = "↔" if self.bidirectional else "→"
        key = f" {self.key!r}" if self.key else ""
        return (
            f"<Connection {self.id} {self.source} {arrow} {self.target} {self.type}{key} {self.mutability} "
            f"confidence={self.confidence:.3g}>"
        )

    def _repr_html_(self) -> str:
        from html import escape

        names: tuple[str, ...] = (
            "id",
            "source",
            "target",
            "type",
            "key",
            "weight",
            "mutability",
            "confidence",
            "evidence_count",
        )
        names += ("rigidity", "pull", "preferred_distance", "active_levels", "activation_count")
        facts = {name: getattr(self, name) for name in names} | self.aim | self.properties
        rows = "".join(f"<tr><th>{escape(str(k))}</th><td>{escape(str(v))}</td></tr>" for k, v in facts.items())
        return f"<table>{rows}</table>"
