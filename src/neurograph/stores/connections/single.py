"""One connection at a time: create, get, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, overload

import apsw

from ...errors import Conflict, ConnectionNotFound, InvalidValue, RuleViolated, TokenNotFound
from ...model.connection import Connection
from ...model.vocabulary import IMMUTABLE
from ..arguments import TokenLike, json_text, key_text, real, with_value
from ..edge_place import TypeLike, edge_place
from .base import (
    BY_ID,
    BY_KEY,
    ConnectionLike,
    ConnectionPart,
    connection_id,
    moment,
    type_mutability,
)
from .values import BIDIRECTIONAL, Aim, Flags, Levels, column_values, with_direction

# What the edge has already stays where nothing else is given.
EDGE = """
    insert into edge (source, type, target, key, weight, bidirectional, properties)
    values (?1, ?2, ?3, ?4, coalesce(?5, 1.0), coalesce(?6, 0), ?7)
        on conflict do update
       set weight = coalesce(?5, weight), bidirectional = coalesce(?6, bidirectional),
           properties = coalesce(?7, properties)"""
EDGE_OF = "(source, type, target, key) = (select source, type, target, key from connection where id = ?)"


class SingleConnections(ConnectionPart):
    """Connections made, found and deleted one at a time."""

    def create(
        self,
        source: TokenLike,
        target: TokenLike,
        *,
        type: TypeLike = "associated_with",
        key: str = "",
        weight: float | None = None,
        bidirectional: bool | None = None,
        rigidity: float = 0.5,
        pull: float | None = None,
        preferred_distance: float = 1.0,
        active_levels: Levels = (),
        flags: Flags = (),
        mutability: str | int | None = None,
        confidence: float | None = None,
        learning_rate: float = 0.125,
        decay_rate: float = 0.0625,
        origin: int = 0,
        aim: Aim | None = None,
        properties: Mapping[str, Any] | None = None,
        now_ns: int | None = None,
    ) -> Connection:
        """Create a connection, and its edge where there is none, and return it.

        Parameters
        ----------
        source, target
            The tokens it leaves and enters; they differ.
        type
            What it means: a name or a code.
        key
            Tells parallel connections of one type apart.
        weight, bidirectional, properties
            Of the edge: 1, directed and none unless given. An edge that exists keeps what is not given.
        rigidity
            How stiff it is, in [0, 1].
        pull
            Positive attracts, negative repels; None is the constitution's `default_pull`.
        preferred_distance
            Where it exerts no force, in [0.01, 100], in the unit of the level.
        active_levels
            The levels it acts in: names, or a mask of eight bits, physical lowest.
        flags
            Names of flags, or their eight bits; ``"bidirectional"`` is the edge's direction.
        mutability
            ``"immutable"``, ``"learnable"`` or ``"hypothesis"``; None is what the type has.
        confidence
            In [0, 1]; None is 0.5. An immutable connection has 1 whatever is given.
        learning_rate
            What a confirmation adds to the confidence, in [0, 1].
        decay_rate
            The share of its confidence that a hypothesis loses in an hour, in [0, 1].
        origin
            0 for one made by hand, else the number of the proposal it comes from.
        aim
            What acting through it aims at: values of the first axis by level, or eight of them.
        now_ns
            The time to record, in nanoseconds since 1970 UTC; None is now.

        Returns
        -------
        Connection
            The connection as stored.

        Raises
        ------
        TokenNotFound
            One of the ends does not exist.
        Conflict
            The edge has a connection already.
        RuleViolated
            The constitution refuses the weight, the type, a degree, the pull or the rigidity.
        InvalidValue, UnknownName
            A value that is never legal, or a name that does not exist.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, animal = db.tokens.create("cat"), db.tokens.create("animal")
        ...     db.connections.create(cat, "animal", type="hypernym")
        ...     db.graph.get(cat, animal, type="hypernym").weight
        <Connection 1 1 → 2 hypernym immutable confidence=1>
        1.0

        Notes
        -----
        One transaction, or a savepoint inside the caller's. For many connections use `create_many`.
        """
        values = column_values(
            {
                "rigidity": rigidity,
                "pull": pull,
                "preferred_distance": preferred_distance,
                "active_levels": active_levels,
                "flags": flags,
                "mutability": mutability,
                "confidence": confidence,
                "learning_rate": learning_rate,
                "decay_rate": decay_rate,
                "origin": origin,
                "aim": aim,
            }
        )
        both = with_direction(values, bidirectional)
        values["flags"] |= BIDIRECTIONAL * bool(both)
        edge = (
            None if weight is None else real(weight, "weight"),
            both,
            None if properties is None else json_text(properties),
        )
        values["created_ns"] = values["modified_ns"] = moment(now_ns)
        key_text(key)
        with self._session.transaction():
            start, end, code = edge_place(self._session, source, target, type)
            return self._insert((start, code, end, key), edge, values)

    def _insert(
        self,
        place: tuple[int, int, int, str],
        edge: tuple[float | None, bool | None, str | None],
        values: dict[str, Any],
    ) -> Connection:
        """Insert checked values, inside a transaction, and return the connection."""
        start, code, end, _ = place
        if start == end:
            raise InvalidValue(f"target must differ from source, got the token {start} twice; an edge can be a loop")
        connection = self._session.writer.connection
        if "mutability" not in values:
            values["mutability"] = type_mutability(connection, code)
        if values["mutability"] == IMMUTABLE:
            values["confidence"] = 1.0
        names = ", ".join(["source", "type", "target", "key", *values])
        holes = ", ".join("?" * (4 + len(values)))
        if "pull" not in values:
            names, holes = names + ", pull", holes + ", (select default_pull from cdna_current)"
        try:
            if edge != (None, None, None):
                connection.execute(EDGE, (*place, *edge))
            connection.execute(f"insert into connection ({names}) values ({holes})", (*place, *values.values()))
            return Connection(connection.execute(BY_ID, (connection.last_insert_rowid(),)).fetchall()[0])
        except apsw.Error as error:
            raise self._said_better(self._session.writer.failed(error), place, edge[0], values) from error

    def _said_better(
        self, error: Exception, place: tuple[int, int, int, str], weight: float | None, values: Mapping[str, Any]
    ) -> Exception:
        """Return the error that names the value a trigger could not name."""
        source, code, target, key = place
        if isinstance(error, Conflict):
            return Conflict(
                f"a connection {source} → {target} of type {self._type_name(code)!r} and key {key!r} exists already; "
                "update it, or give another key"
            )
        if isinstance(error, RuleViolated):
            if error.rule == "edge.source":
                return TokenNotFound(f"source must be a token, got the id {source}")
            if error.rule == "edge.target":
                return TokenNotFound(f"target must be a token, got the id {target}")
            said = {"weight": 1.0 if weight is None else weight, "type": self._type_name(code)}
            return with_value(error, {**values, **said})
        return error

    def _type_name(self, code: int) -> str:
        return self._session.rows("select name from connection_type where code = ?", (code,))[0][0]  # type: ignore[no-any-return]

    @overload
    def get(self, connection: ConnectionLike) -> Connection: ...
    @overload
    def get(
        self, connection: TokenLike, target: TokenLike, *, type: TypeLike = "associated_with", key: str = ""
    ) -> Connection: ...
    def get(
        self,
        connection: ConnectionLike | TokenLike,
        target: TokenLike | None = None,
        *,
        type: TypeLike = "associated_with",
        key: str = "",
    ) -> Connection:
        """Return a connection as it is now: by id, or by its ends, type and key.

        Parameters
        ----------
        connection
            A `Connection` (read again) or an id; the source's token where `target` is given.
        target, type, key
            The token it enters, and which of the connections between the two.

        Returns
        -------
        Connection
            The connection as stored.

        Raises
        ------
        ConnectionNotFound
            There is none. One in the other direction is another connection, bidirectional or not.
        TokenNotFound, UnknownName
            No such label or type.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog = db.tokens.create("cat"), db.tokens.create("dog")
        ...     made = db.connections.create(cat, dog, type="fears", weight=0.25)
        ...     db.connections.get(1) == db.connections.get("cat", "dog", type="fears") == made
        True
        """
        if target is None:
            return self._read(connection_id(connection))  # type: ignore[arg-type]
        start, end, code = edge_place(self._session, connection, target, type)  # type: ignore[arg-type]
        rows = self._session.rows(BY_KEY, (start, code, end, key_text(key)))
        if not rows:
            raise ConnectionNotFound(f"no connection {start} → {end} of type {type!r} and key {key!r}")
        return Connection(rows[0])

    def delete(self, connection: ConnectionLike, *, keep_edge: bool = False) -> None:
        """Delete a connection and its edge.

        Parameters
        ----------
        connection
            A `Connection` or an id. Its id is never given to another.
        keep_edge
            Leave the edge as a plain one.

        Raises
        ------
        ConnectionNotFound
            There is no such connection.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog = db.tokens.create("cat"), db.tokens.create("dog")
        ...     db.connections.delete(db.connections.create(cat, dog), keep_edge=True)
        ...     db.connections.count(), db.graph.count()
        (0, 1)
        """
        id = connection_id(connection)
        sql = "delete from connection where id = ?" if keep_edge else f"delete from edge where {EDGE_OF}"
        if not self._session.change(f"{sql} returning 1", (id,)):
            raise ConnectionNotFound(f"no connection has the id {id}")
