"""Edges one at a time: create, get, update, delete, list, count."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any

from ...errors import Conflict, EdgeNotFound, RuleViolated, TokenNotFound
from ...model.edge import Edge
from ..arguments import TokenLike, json_text, key_text, real, token_id, truth, whole, with_value
from ..edge_place import TypeLike, edge_place
from .base import GraphPart, TypesLike, type_codes

_COLUMNS = "source, target, type, key, weight, bidirectional, properties"
_KEY = "source = ? and type = ? and target = ? and key = ?"


class Edges(GraphPart):
    """The edges themselves. A token argument is a `Token`, an id or a label; a type a name or a code."""

    def create(
        self,
        source: TokenLike,
        target: TokenLike,
        *,
        type: TypeLike = "associated_with",
        key: str = "",
        weight: float = 1.0,
        bidirectional: bool = False,
        properties: Mapping[str, Any] | None = None,
    ) -> Edge:
        """Create an edge and return it.

        Parameters
        ----------
        source, target
            The tokens it leaves and enters; they may be the same.
        type
            What the edge means.
        key
            Tells parallel edges of one type apart.
        weight
            In [0, 1] unless the constitution says otherwise.
        bidirectional
            Follow the edge both ways everywhere; its reverse of the same type and key can't exist beside it.
        properties
            Anything JSON holds, by name.

        Returns
        -------
        Edge
            The edge as stored.

        Raises
        ------
        TokenNotFound
            One of the ends does not exist.
        Conflict
            There is such an edge already.
        RuleViolated
            The constitution refuses weight, type or degree.
        InvalidValue, UnknownName
            A value that is never legal, or a type that does not exist.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, animal = db.tokens.create("cat"), db.tokens.create("animal")
        ...     db.graph.create(cat, "animal", type="hypernym").type
        'hypernym'

        Notes
        -----
        One statement, which is its own transaction unless one is open. For many edges use `create_many`.
        """
        number = real(weight, "weight")
        text = None if properties is None else json_text(properties)
        both = truth(bidirectional, "bidirectional")
        key_text(key)
        start, end, code = edge_place(self._session, source, target, type)
        values = (start, end, code, key, number, both, text)
        try:
            self._session.change(f"insert into edge ({_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?)", values)
        except RuleViolated as error:
            raise self._said_better(error, start, end, {"weight": number, "type": type}) from error.__cause__
        except Conflict:
            raise Conflict(
                f"an edge {start} → {end} of type {type!r} and key {key!r} exists already; "
                "update it, or give another key"
            ) from None
        return Edge(start, end, self._type_name(code), key, number, both, text)

    def get(self, source: TokenLike, target: TokenLike, *, type: TypeLike = "associated_with", key: str = "") -> Edge:
        """Return the edge from `source` to `target` of that type and key.

        Parameters
        ----------
        source, target
            A `Token`, an id or a label.
        type
            Name or code of the edge's type.
        key
            What tells parallel edges of one type apart.

        Raises
        ------
        EdgeNotFound
            There is none. An edge in the other direction is another edge, bidirectional or not.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, animal = db.tokens.create("cat"), db.tokens.create("animal")
        ...     _ = db.graph.create(cat, animal, type="hypernym", weight=0.5)
        ...     db.graph.get(cat, animal, type="hypernym").weight
        0.5
        """
        key_text(key)
        start, end, code = edge_place(self._session, source, target, type)
        rows = self._session.rows(f"select {_COLUMNS} from edge where {_KEY}", (start, code, end, key))
        if not rows:
            raise EdgeNotFound(f"no edge {start} → {end} of type {type!r} and key {key!r}")
        return self._edge(rows[0])

    def update(
        self,
        source: TokenLike,
        target: TokenLike,
        *,
        type: TypeLike = "associated_with",
        key: str = "",
        weight: float | None = None,
        bidirectional: bool | None = None,
        properties: Mapping[str, Any] | None = None,
    ) -> Edge:
        """Change what is given and return the edge.

        Parameters
        ----------
        source, target, type, key
            Which edge.
        weight, bidirectional
            New values; None keeps the old ones.
        properties
            Replace all properties; None keeps them, ``{}`` removes them.

        Raises
        ------
        EdgeNotFound
            There is no such edge.
        RuleViolated
            The constitution refuses the weight or a degree.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog = db.tokens.create("cat"), db.tokens.create("dog")
        ...     _ = db.graph.create(cat, dog)
        ...     db.graph.update(cat, dog, weight=0.25, bidirectional=True).weight
        0.25
        """
        changes: dict[str, Any] = {}
        if weight is not None:
            changes["weight"] = real(weight, "weight")
        if bidirectional is not None:
            changes["bidirectional"] = truth(bidirectional, "bidirectional")
        if properties is not None:
            changes["properties"] = json_text(properties) if properties else None
        if not changes:
            return self.get(source, target, type=type, key=key)
        key_text(key)
        start, end, code = edge_place(self._session, source, target, type)
        sets = ", ".join(f"{column} = ?" for column in changes)
        sql = f"update edge set {sets} where {_KEY} returning {_COLUMNS}"
        try:
            rows = self._session.change(sql, (*changes.values(), start, code, end, key))
        except RuleViolated as error:
            raise with_value(error, changes) from error.__cause__
        if not rows:
            raise EdgeNotFound(f"no edge {start} → {end} of type {type!r} and key {key!r}")
        return self._edge(rows[0])

    def delete(
        self, source: TokenLike, target: TokenLike, *, type: TypeLike = "associated_with", key: str = ""
    ) -> None:
        """Delete an edge, and the connection that extends it.

        Parameters as for `get`.

        Raises
        ------
        EdgeNotFound
            There is no such edge.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog = db.tokens.create("cat"), db.tokens.create("dog")
        ...     _ = db.graph.create(cat, dog)
        ...     db.graph.delete(cat, dog)
        ...     db.graph.count()
        0
        """
        key_text(key)
        start, end, code = edge_place(self._session, source, target, type)
        if not self._session.change(f"delete from edge where {_KEY} returning 1", (start, code, end, key)):
            raise EdgeNotFound(f"no edge {start} → {end} of type {type!r} and key {key!r}")

    def list(
        self,
        *,
        source: TokenLike | None = None,
        target: TokenLike | None = None,
        types: TypesLike = None,
        limit: int | None = 100,
        offset: int = 0,
    ) -> list[Edge]:
        """Return edges in order of source, type, target and key.

        Parameters
        ----------
        source, target
            Only edges that leave, or enter, this token.
        types
            Only edges of this type, or of one of these.
        limit, offset
            At most so many (None: all), after skipping so many.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog = db.tokens.create("cat"), db.tokens.create("dog")
        ...     _ = db.graph.create(cat, dog)
        ...     [(edge.source, edge.target) for edge in db.graph.list(source="cat")]
        [(1, 2)]
        """
        where, bindings = self._filter(source, target, types)
        page = (-1 if limit is None else whole(limit, "limit"), whole(offset, "offset"))
        sql = f"select {_COLUMNS} from edge {where} order by source, type, target, key limit ? offset ?"
        return [self._edge(row) for row in self._session.rows(sql, (*bindings, *page))]

    def count(
        self, *, source: TokenLike | None = None, target: TokenLike | None = None, types: TypesLike = None
    ) -> int:
        """Return how many edges there are, with the filters of `list`.

        Parameters as for `list`.
        """
        where, bindings = self._filter(source, target, types)
        return int(self._session.rows(f"select count(*) from edge {where}", bindings)[0][0])

    def _filter(
        self, source: TokenLike | None, target: TokenLike | None, types: TypesLike
    ) -> tuple[str, builtins.list[Any]]:
        line = self._session.enter()
        try:
            connection = line.connection
            terms, bindings = [], []
            for column, token in (("source", source), ("target", target)):
                if token is not None:
                    terms.append(f"{column} = ?")
                    bindings.append(token_id(connection, token))
            codes = type_codes(connection, types)
            if codes is not None:
                terms.append(f"type in ({', '.join(map(str, codes))})")
            return ("where " + " and ".join(terms) if terms else ""), bindings
        finally:
            self._session.leave(line)

    def _edge(self, row: tuple[Any, ...]) -> Edge:
        source, target, code, key, weight, bidirectional, properties = row
        return Edge(source, target, self._type_name(code), key, weight, bool(bidirectional), properties)

    def _said_better(self, error: RuleViolated, source: int, target: int, values: Mapping[str, Any]) -> Exception:
        """Return the error that names the value a trigger could not name."""
        if error.rule == "edge.source":
            return TokenNotFound(f"source must be a token, got the id {source}")
        if error.rule == "edge.target":
            return TokenNotFound(f"target must be a token, got the id {target}")
        return with_value(error, values)
