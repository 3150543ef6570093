"""One token at a time: create, get, update, delete."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import inf, isfinite
from time import time_ns
from types import EllipsisType
from typing import Any

from ...connection.session import Session
from ...errors import Conflict, InvalidValue, RuleViolated
from ...model.levels import COORDINATE_COLUMNS
from ...model.token import Token
from ...model.vocabulary import DOMAIN_CODES, ENTITY_TYPE_CODES
from ..arguments import TokenLike, json_text, real, whole, with_value
from .base import BY_ID, BY_LABEL, RECORD, TokenPart, checked_label, key_of, not_found
from .place import COLUMNS_OF, Coordinates, points_of

_NOWHERE: tuple[float | None, ...] = (None,) * len(COORDINATE_COLUMNS)
_RESERVED_TYPES: dict[Any, tuple[int, None]] = {name: (code, None) for name, code in ENTITY_TYPE_CODES.items()}
_RESERVED_DOMAINS: dict[Any, tuple[int, None]] = {name: (code, None) for name, code in DOMAIN_CODES.items()}
_FIRST = {level: COORDINATE_COLUMNS.index(columns[0]) for level, columns in COLUMNS_OF.items()}


class SingleTokens(TokenPart):
    """One token at a time."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._uids: Iterator[bytes] = iter(())

    def create(
        self,
        label: str | None = None,
        *,
        entity_type: str | int = "undefined",
        domain: str | int = "general",
        flags: int = 1,
        weight: float = 0.5,
        field_radius: float = 1.0,
        field_strength: float = 1.0,
        coordinates: Coordinates | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> Token:
        """Create a token and return it.

        Parameters
        ----------
        label
            A unique name, or None.
        entity_type, domain
            Name or code of the vocabularies; users add their own from code 256 up.
        flags
            Sixteen bits; 1 is ``active``.
        weight
            In [0, 1] unless the constitution says otherwise.
        field_radius
            How far the token's field reaches, at least 0, in the unit of the level it is asked in.
        field_strength
            The field's strength at the token, in [0, 1] unless the constitution says otherwise.
        coordinates
            The place by level, ``{"emotional": (0.6, 0.2, 0.1)}``, in the units of the level; levels left out
            are undefined. Or an (8, 3) array, NaN where a level is undefined.
        properties
            Anything JSON holds, by name.

        Returns
        -------
        Token
            The token as stored.

        Raises
        ------
        InvalidValue
            A value breaks a rule that never changes.
        UnknownName
            No such level, type or domain.
        Conflict
            Another token has the label.
        RuleViolated
            The constitution refuses the weight, the field or the type.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat = db.tokens.create("cat", entity_type="concept", coordinates={"emotional": (0.6, 0.2, 0.1)})
        ...     cat.label, cat.coordinates
        ('cat', {'emotional': (0.6, 0.2, 0.1)})

        Notes
        -----
        One statement, which is its own transaction unless one is open.
        """
        if label is not None:
            label = checked_label(label)
        kind, kind_name = (_RESERVED_TYPES.get(entity_type) if type(entity_type) is str else None) or self._code(
            "entity_type", entity_type
        )
        area, area_name = (_RESERVED_DOMAINS.get(domain) if type(domain) is str else None) or self._code(
            "domain", domain
        )
        if type(flags) is not int or not 0 <= flags <= 0xFFFF:
            flags = whole(flags, "flags", 0, 0xFFFF)
        if type(weight) is not float or not isfinite(weight):
            weight = real(weight, "weight")
        if type(field_radius) is not float or not 0 <= field_radius < inf:
            field_radius = real(field_radius, "field_radius", 0.0)
        if type(field_strength) is not float or not isfinite(field_strength):
            field_strength = real(field_strength, "field_strength")
        text = None if properties is None else json_text(properties)
        uid = next(self._uids, None) or self._more_uids()
        now_ns = time_ns()
        start = (uid, label, kind, area, flags, weight, field_radius, field_strength)
        values: list[Any] = [*start, now_ns, now_ns, text]
        place = [*_NOWHERE]
        sql = _INSERT
        if coordinates is not None:
            points = points_of(coordinates)
            sql = _insert_sql(tuple(points))
            for level, point in points.items():
                values += point
                at = _FIRST[level]
                place[at : at + 3] = point
        try:
            number = self._session.insert(sql, values)
        except RuleViolated as error:
            refused = {"weight": weight, "field_radius": field_radius, "field_strength": field_strength}
            raise with_value(error, {**refused, "entity_type": entity_type}) from error.__cause__
        except Conflict as error:
            raise self._label_taken(label) or error from error.__cause__
        return Token((number, *start, *place, now_ns, now_ns, None, text, kind_name, area_name))

    def get(self, token: TokenLike) -> Token:
        """Return the token with that id or label, as it is now.

        Parameters
        ----------
        token
            A `Token` (read again), an id or a label.

        Returns
        -------
        Token
            The token as stored.

        Raises
        ------
        TokenNotFound
            Nothing has that id or label; the message names labels that are close.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat = db.tokens.create("cat")
        ...     db.tokens.get("cat") == db.tokens.get(cat.id) == cat
        True
        """
        condition, key = key_of(token)
        rows = self._session.rows(BY_ID if condition == "id = ?" else BY_LABEL, (key,))
        if not rows:
            raise not_found(self._session, token)
        return Token(rows[0])

    def update(
        self,
        token: TokenLike,
        *,
        label: str | EllipsisType | None = ...,
        entity_type: str | int | EllipsisType = ...,
        domain: str | int | EllipsisType = ...,
        flags: int | EllipsisType = ...,
        weight: float | EllipsisType = ...,
        field_radius: float | EllipsisType = ...,
        field_strength: float | EllipsisType = ...,
        coordinates: Coordinates | EllipsisType = ...,
        properties: Mapping[str, Any] | EllipsisType | None = ...,
        merge_properties: Mapping[str, Any] | None = None,
    ) -> Token:
        """Change what is named of a token, leave the rest, and return it.

        Parameters
        ----------
        token
            A `Token`, an id or a label.
        label
            Another label; None takes the label away.
        entity_type, domain, flags, weight, field_radius, field_strength
            As for `create`.
        coordinates
            The levels that change: ``{"emotional": (0.6, 0.2, 0.1), "social": None}`` moves the token in one
            level and undefines another; levels left out stay.
        properties
            All properties anew; None takes them away.
        merge_properties
            Properties to set beside those that are there; a value of None removes its key, mappings are merged
            (RFC 7396).

        Returns
        -------
        Token
            The token as stored.

        Raises
        ------
        TokenNotFound
            Nothing has that id or label.
        InvalidValue, UnknownName, Conflict, RuleViolated
            As for `create`; a value beyond a limit may always move towards it.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.tokens.create("cat", properties={"legs": 4, "tail": True})
        ...     cat = db.tokens.update("cat", weight=0.9, merge_properties={"tail": None, "sound": "meow"})
        ...     cat.weight, cat.properties
        (0.9, {'legs': 4, 'sound': 'meow'})

        Notes
        -----
        One statement; what it does not name, other writers may change at the same time without loss.
        """
        values: dict[str, Any] = {}
        if label is not ...:
            values["label"] = checked_label(label)
        if entity_type is not ...:
            values["entity_type"], _ = self._code("entity_type", entity_type)
        if domain is not ...:
            values["domain"], _ = self._code("domain", domain)
        if flags is not ...:
            values["flags"] = whole(flags, "flags", 0, 0xFFFF)
        if weight is not ...:
            values["weight"] = _finite(weight, "weight")
        if field_radius is not ...:
            values["field_radius"] = real(field_radius, "field_radius", 0.0)
        if field_strength is not ...:
            values["field_strength"] = _finite(field_strength, "field_strength")
        if coordinates is not ...:
            for level, point in points_of(coordinates).items():
                values.update(zip(COLUMNS_OF[level], point, strict=True))
        if properties is not ... and merge_properties is not None:
            raise InvalidValue("properties must be replaced or merged, got both properties and merge_properties")
        if properties is not ...:
            values["properties"] = None if properties is None else json_text(properties)
        changes = [f"{column} = ?" for column in values]
        if merge_properties is not None:
            changes.append("properties = json_patch(coalesce(properties, '{}'), ?)")
            values["merge_properties"] = json_text(merge_properties)
        if not values:
            return self.get(token)
        condition, key = key_of(token)
        sql = (
            f"update token set {', '.join(changes)}, modified_ns = max(modified_ns + 1, ?) "
            f"where {condition} returning {RECORD}"
        )
        try:
            rows = self._session.change(sql, (*values.values(), time_ns(), key))
        except RuleViolated as error:
            raise with_value(error, values) from error.__cause__
        except Conflict as error:
            raise self._label_taken(values.get("label")) or error from error.__cause__
        if not rows:
            raise not_found(self._session, token)
        return Token(rows[0])

    def delete(self, token: TokenLike) -> None:
        """Delete a token with its edges and their connections.

        Parameters
        ----------
        token
            A `Token`, an id or a label. Its id is never given to another token.

        Raises
        ------
        TokenNotFound
            Nothing has that id or label.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat = db.tokens.create("cat")
        ...     db.tokens.delete("cat")
        ...     "cat" in db.tokens
        False

        Notes
        -----
        Grows with the number of the token's edges.
        """
        condition, key = key_of(token)
        if not self._session.change(f"delete from token where {condition} returning id", (key,)):
            raise not_found(self._session, token)

    def _more_uids(self) -> bytes:
        """Draw 256 identities at once, which costs 0.05 µs each instead of 0.4, and return one more.

        A fork that inherits them can't use the handle, so no identity is given twice.
        """
        drawn = os.urandom(257 * 16)
        self._uids = iter([drawn[at : at + 16] for at in range(16, len(drawn), 16)])
        return drawn[:16]

    def _label_taken(self, label: str | None) -> Conflict | None:
        """Return the error for a label that another token has, if one has it."""
        taken = self._session.rows("select id from token where label = ?", (label,))
        if not taken:
            return None
        return Conflict(f"label must be unique, got {label!r}, which token {taken[0][0]} has; update that one instead")


def _finite(value: Any, what: str) -> float:
    """Return `value` as a finite float; a float that is one pays nothing for the check of its kind."""
    return value if type(value) is float and isfinite(value) else real(value, what)


@lru_cache(maxsize=256)
def _insert_sql(levels: tuple[str, ...]) -> str:
    """Return the statement for tokens defined in `levels`; one text each, so that SQLite prepares it once."""
    columns = [axis for level in levels for axis in COLUMNS_OF[level]]
    names = "uid, label, entity_type, domain, flags, weight, field_radius, field_strength, created_ns, modified_ns"
    names = ", ".join([names, "properties", *columns])
    return f"insert into token ({names}) values ({', '.join('?' * (11 + len(columns)))})"


_INSERT = _insert_sql(())
