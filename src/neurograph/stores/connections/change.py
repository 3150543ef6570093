"""Changing one connection: its place, its edge, its dynamics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import Conflict, InvalidValue, NeurographError, RuleViolated
from ...model.connection import Connection
from ...model.vocabulary import IMMUTABLE
from ..arguments import TokenLike, json_text, key_text, real
from ..edge_place import TypeLike, edge_place
from .base import ConnectionLike, connection_id, moment
from .single import EDGE_OF, SingleConnections
from .values import BIDIRECTIONAL, Aim, Flags, Levels, column_values, with_direction

_PLACE = ((1, "source"), (2, "type"), (3, "target"), (4, "key"))


class ChangedConnections(SingleConnections):
    """Connections changed one at a time."""

    def update(
        self,
        connection: ConnectionLike,
        *,
        source: TokenLike | None = None,
        target: TokenLike | None = None,
        type: TypeLike | None = None,
        key: str | None = None,
        weight: float | None = None,
        bidirectional: bool | None = None,
        rigidity: float | None = None,
        pull: float | None = None,
        preferred_distance: float | None = None,
        active_levels: Levels | None = None,
        flags: Flags | None = None,
        mutability: str | int | None = None,
        confidence: float | None = None,
        learning_rate: float | None = None,
        decay_rate: float | None = None,
        origin: int | None = None,
        aim: Aim | None = None,
        properties: Mapping[str, Any] | None = None,
        now_ns: int | None = None,
    ) -> Connection:
        """Change what is given and return the connection; None keeps what it has.

        Nothing is too immutable to be updated: mutability binds what learns, not who owns the file.

        Parameters
        ----------
        connection
            A `Connection` or an id.
        source, target, type, key
            Move the connection and its edge. A new type brings its mutability, unless one is given.
        weight, bidirectional
            Of the edge.
        rigidity, pull, preferred_distance, active_levels, mutability, learning_rate, decay_rate, origin, aim
            As for `create`.
        flags
            All eight bits; the direction is among them, unless `bidirectional` says it.
        confidence
            In [0, 1]; 1 for an immutable connection.
        properties
            Replace all properties of the edge; ``{}`` removes them.
        now_ns
            The time to record; None is now. Decay counts from it.

        Returns
        -------
        Connection
            The connection as it is now.

        Raises
        ------
        ConnectionNotFound, TokenNotFound, UnknownName
            No such connection, token, type, level or flag.
        Conflict
            There is an edge already where the connection would move.
        RuleViolated
            The constitution refuses a value.
        InvalidValue
            A value that is never legal.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog = db.tokens.create("cat"), db.tokens.create("dog")
        ...     made = db.connections.create(cat, dog, type="fears")
        ...     db.connections.update(made, type="antonym", pull=-2.0)
        ...     db.graph.list(source=cat)[0].type
        <Connection 1 1 → 2 antonym immutable confidence=1>
        'antonym'

        Notes
        -----
        One transaction, or a savepoint inside the caller's.
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
        edge: dict[str, Any] = {} if weight is None else {"weight": real(weight, "weight")}
        if properties is not None:
            edge["properties"] = json_text(properties) if properties else None
        if key is not None:
            key_text(key)
        time_ns = moment(now_ns)
        id = connection_id(connection)
        with self._session.transaction():
            old = self._read(id)
            moved = self._place(old, source, target, type, key)
            if bidirectional is not None and "flags" not in values:
                values["flags"] = (old.flags & ~BIDIRECTIONAL) | BIDIRECTIONAL * bool(both)
            try:
                if moved:
                    if "flags" in values:
                        moved["flags"] = values.pop("flags")  # the new place is judged with the new direction
                    self._set(id, moved, time_ns)
                if edge:
                    sets = ", ".join(f"{column} = ?" for column in edge)
                    self._session.change(f"update edge set {sets} where {EDGE_OF}", (*edge.values(), id))
                if values:
                    self._require_certainty(id, values)
                if values or edge:
                    self._set(id, values, time_ns)
            except (RuleViolated, Conflict) as error:
                place = tuple(moved.get(name, old._row[at]) for at, name in _PLACE)
                raise self._update_refused(error, place, {**values, **edge}) from error
            return self._read(id)

    def _place(
        self,
        old: Connection,
        source: TokenLike | None,
        target: TokenLike | None,
        type: TypeLike | None,
        key: str | None,
    ) -> dict[str, Any]:
        """Return the columns of the key that change."""
        if source is target is type is key is None:
            return {}
        start, end, code = edge_place(
            self._session,
            old.source if source is None else source,
            old.target if target is None else target,
            old._row[2] if type is None else type,
        )
        if start == end:
            raise InvalidValue(f"target must differ from source, got the token {start} twice; an edge can be a loop")
        wanted = {"source": start, "type": code, "target": end, "key": old.key if key is None else key}
        return {name: wanted[name] for at, name in _PLACE if wanted[name] != old._row[at]}

    def _set(self, id: int, values: Mapping[str, Any], time_ns: int) -> None:
        sets = "".join(f"{column} = ?, " for column in values)
        sql = f"update connection set {sets}modified_ns = max(modified_ns + 1, ?) where id = ?"
        self._session.change(sql, (*values.values(), time_ns, id))

    def _require_certainty(self, id: int, values: Mapping[str, Any]) -> None:
        """Refuse another confidence than 1 for what is, or will be, immutable."""
        if values.get("confidence", 1.0) == 1.0:
            return
        code = values.get("mutability")
        if code is None:
            code = self._session.rows("select mutability from connection where id = ?", (id,))[0][0]
        if code == IMMUTABLE:
            raise InvalidValue(
                f"confidence of an immutable connection must be 1, got {values['confidence']!r}; "
                "give it another mutability as well"
            )

    def _update_refused(
        self, error: NeurographError, place: tuple[Any, ...], values: Mapping[str, Any]
    ) -> NeurographError:
        source, code, target, key = place
        if isinstance(error, Conflict) or error.rule == "connection.edge":  # type: ignore[attr-defined]
            return Conflict(
                f"an edge {source} → {target} of type {self._type_name(code)!r} and key {key!r} exists already; "
                "delete it first, or give another key"
            )
        return self._said_better(error, place, values.get("weight"), values)  # type: ignore[return-value]
