"""The token record: one row of the table `token`, frozen and picklable."""

from __future__ import annotations

from .levels import COORDINATE_COLUMNS, LEVELS
from .stored_json import value_of
from .vocabulary import DOMAINS, ENTITY_TYPES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Point = tuple[float, float, float]

TOKEN_COLUMNS: tuple[str, ...] = (
    "id",
    "uid",
    "label",
    "entity_type",
    "domain",
    "flags",
    "weight",
    "field_radius",
    "field_strength",
    *COORDINATE_COLUMNS,
    "created_ns",
    "modified_ns",
    "legacy_id",
    "properties",
)
"""The columns of a token's row in the order `Token` keeps them; two names follow, see `Token`."""

_FIRST_COORDINATE = TOKEN_COLUMNS.index(COORDINATE_COLUMNS[0])
_AFTER_COORDINATES = _FIRST_COORDINATE + len(COORDINATE_COLUMNS)


class Token:
    """A token as it was when it was read: a thing the mind holds, at a place in up to eight levels.

    Records compare by value and don't follow later changes; read again with `db.tokens.get(token)`.
    Building one costs 0.2 µs: the row is kept as SQLite returned it and taken apart on access. It ends with the names
    of the token's type and domain where they are a user's own, else None twice.
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
    def uid(self) -> bytes:
        """Sixteen random bytes that identify the token across copies of the file."""
        return self._row[1]  # type: ignore[no-any-return]

    @property
    def label(self) -> str | None:
        """The unique label, or None."""
        return self._row[2]  # type: ignore[no-any-return]

    @property
    def entity_type(self) -> str:
        """The name of the token's type."""
        row = self._row
        name: str = row[-2] or ENTITY_TYPES[row[3]]
        return name

    @property
    def domain(self) -> str:
        """The name of the token's domain."""
        row = self._row
        name: str = row[-1] or DOMAINS[row[4]]
        return name

    @property
    def flags(self) -> int:
        """Sixteen bits; names in `neurograph.model.vocabulary.TOKEN_FLAGS`."""
        return self._row[5]  # type: ignore[no-any-return]

    @property
    def weight(self) -> float:
        """The weight, in [0, 1] unless the constitution says otherwise."""
        return self._row[6]  # type: ignore[no-any-return]

    @property
    def field_radius(self) -> float:
        """How far the token's field reaches, in the unit of the level it is asked in."""
        return self._row[7]  # type: ignore[no-any-return]

    @property
    def field_strength(self) -> float:
        """The strength of the field at the token itself."""
        return self._row[8]  # type: ignore[no-any-return]

    @property
    def coordinates(self) -> dict[str, Point]:
        """The place in each level that is defined, in the units of the level."""
        row = self._row
        return {
            level: row[at : at + 3]
            for level, at in zip(LEVELS, range(_FIRST_COORDINATE, _AFTER_COORDINATES, 3), strict=True)
            if row[at] is not None
        }

    @property
    def created_ns(self) -> int:
        """When the row was made, in nanoseconds since 1970 UTC."""
        return self._row[_AFTER_COORDINATES]  # type: ignore[no-any-return]

    @property
    def modified_ns(self) -> int:
        """When the row last changed, in nanoseconds since 1970 UTC."""
        return self._row[_AFTER_COORDINATES + 1]  # type: ignore[no-any-return]

    @property
    def legacy_id(self) -> int | None:
        """The composite id of the record the token was imported from, or None."""
        return self._row[_AFTER_COORDINATES + 2]  # type: ignore[no-any-return]

    @property
    def properties(self) -> dict[str, Any]:
        """A new dict of the JSON properties; empty where there are none."""
        text = self._row[_AFTER_COORDINATES + 3]
        return value_of(text) if text else {}

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Token is a record and can't be changed; use db.tokens.update(token, {name}=…)")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a Token is a record and can't be changed")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Token) and self._row == other._row

    def __hash__(self) -> int:
        return hash(self._row[1])

    def __reduce__(self) -> tuple[type[Token], tuple[tuple[Any, ...]]]:
        return Token, (self._row,)

    def __repr__(self) -> str:
        label = f" {self.label!r}" if self.label is not None else ""
        return f"<Token {self.id}{label} {self.entity_type} weight={self.weight:g}>"

    def _repr_html_(self) -> str:
        from html import escape

        facts = {
            "id": self.id,
            "label": self.label,
            "entity_type": self.entity_type,
            "domain": self.domain,
            "weight": self.weight,
            **{level: tuple(round(axis, 4) for axis in point) for level, point in self.coordinates.items()},
            **self.properties,
        }
        rows = "".join(f"<tr><th>{escape(str(k))}</th><td>{escape(str(v))}</td></tr>" for k, v in facts.items())
        return f"<table>{rows}</table>"
