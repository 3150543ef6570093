"""One token at a time: create, get, update, delete; and lists of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...connection.session import Session
from ...errors import InvalidValue, RuleViolated, TokenNotFound
from ...model.token import TOKEN_COLUMNS, Token
from ...model.vocabulary import DOMAINS, ENTITY_TYPES
from ..arguments import TokenLike, real, row_id, session_code, whole
from .place import Coordinates, axis_values

_SELECT = f"select {', '.join(TOKEN_COLUMNS)} from token"
_BY_ID = f"{_SELECT} where id = ?"
_BY_LABEL = f"{_SELECT} where label = ?"


class Tokens:
    """The tokens of a database, reached as `db.tokens`.

    A token argument is a `Token`, an id or a label. Lists are in order of id.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

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
            are undefined.
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
            The constitution refuses the weight or the field.

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
        values: dict[str, Any] = {
            "label": _label(label),
            "entity_type": self._code("entity_type", entity_type),
            "domain": self._code("domain", domain),
            "flags": whole(flags, "flags", 0, 0xFFFF),
            "weight": real(weight, "weight"),
            "field_radius": real(field_radius, "field_radius", 0.0),
            "field_strength": real(field_strength, "field_strength"),
        }
        if coordinates:
            values.update(axis_values(coordinates))
        if properties is not None:
            values["properties"] = json_text(properties)
        sql = (
            f"insert into token ({', '.join(values)}) values ({', '.join('?' * len(values))}) "
            "returning id, uid, created_ns, modified_ns"
        )
        try:
            ((number, uid, created_ns, modified_ns),) = self._session.change(sql, tuple(values.values()))
        except RuleViolated as error:
            raise with_value(error, values) from error
        values |= {"id": number, "uid": uid, "created_ns": created_ns, "modified_ns": modified_ns}
        return self._record(tuple(map(values.get, TOKEN_COLUMNS)))

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
        if isinstance(token, str):
            rows = self._session.rows(_BY_LABEL, (token,))
        else:
            rows = self._session.rows(
                _BY_ID, (token.id if isinstance(token, Token) else row_id(token, "token"),)
            )
        if not rows:
            what = (
                f"the label {token!r}" if isinstance(token, str) else f"the id {getattr(token, 'id', token)}"
            )
            raise TokenNotFound(f"no token has {what}")
        return self._record(rows[0])

    def _record(self, row: tuple[Any, ...]) -> Token:
        kind = ENTITY_TYPES[row[3]] if row[3] < 16 else self._name("entity_type", row[3])
        domain = DOMAINS[row[4]] if row[4] < 16 else self._name("domain", row[4])
        return Token(row, kind, domain)

    def _name(self, table: str, code: int) -> str:
        return self._session.rows(f"select name from {table} where code = ?", (code,))[0][0]  # type: ignore[no-any-return]

    def _code(self, table: str, name: str | int) -> int:
        ours = ENTITY_TYPES if table == "entity_type" else DOMAINS
        return ours.index(name) if name in ours else session_code(self._session, table, name)


def _label(label: object) -> str | None:
    if label is not None and (not isinstance(label, str) or not label or "\x00" in label):
        raise InvalidValue(f"label must be a string of at least one character or None, got {label!r}")
    return label


def json_text(properties: Mapping[str, Any]) -> str:
    """Return properties as JSON text; NaN, infinities and keys that are no strings are refused."""
    if not isinstance(properties, Mapping) or not all(isinstance(key, str) for key in properties):
        raise InvalidValue(f"properties must map strings to JSON values, got {properties!r}")
    try:
        return json.dumps(dict(properties), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"properties must be JSON values, got {properties!r} ({error})") from None


def with_value(error: RuleViolated, values: Mapping[str, Any]) -> RuleViolated:
    """Add the refused value, which a trigger can't name."""
    column = error.rule.partition(".")[2]
    return RuleViolated(f"{error}, got {values[column]!r}", error.rule) if column in values else error
