"""All connections, or those a filter leaves: list, count, get many, look whether one is there."""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import apsw

from ...errors import InvalidValue
from ...model.connection import Connection
from ...model.vocabulary import CONNECTION_FLAGS
from ..arguments import TokenLike, token_id, whole
from ..edge_place import TypeLike, type_code
from .base import BY_ID, SELECT, ConnectionLike, ConnectionPart, connection_id, connection_ids
from .values import mutability_code

if TYPE_CHECKING:
    import numpy as np

TypesLike = TypeLike | Iterable[TypeLike] | None

# Through the edge's index by target: the connection has one by source alone.
_ENTERING = """
    select k.id
      from edge as i
      join connection as k on (k.source, k.type, k.target, k.key) = (i.source, i.type, i.target, i.key)
     where i.target = ?"""


class ListedConnections(ConnectionPart):
    """Connections in order of id."""

    def list(
        self,
        *,
        token: TokenLike | None = None,
        source: TokenLike | None = None,
        target: TokenLike | None = None,
        types: TypesLike = None,
        mutability: str | int | None = None,
        active: bool | None = None,
        limit: int | None = 100,
        offset: int = 0,
        after: ConnectionLike | None = None,
    ) -> list[Connection]:
        """Return connections in order of id.

        Parameters
        ----------
        token
            Only connections that leave or enter this token.
        source, target
            Only connections that leave, or enter, this token.
        types
            Only of this type, or of one of these, by name or code.
        mutability
            Only ``"immutable"``, ``"learnable"`` or ``"hypothesis"`` ones.
        active
            Only active ones, or only others.
        limit
            At most so many; None for all.
        offset
            Leave out so many first. The cost grows with it: for page after page, use `after`.
        after
            Only connections whose id is greater than this one's: the last of the page before.

        Returns
        -------
        list of Connection
            In order of id.

        Raises
        ------
        TokenNotFound, UnknownName
            No such label, type or mutability.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog, bone = (db.tokens.create(label) for label in ("cat", "dog", "bone"))
        ...     _ = db.connections.create(cat, dog, type="fears"), db.connections.create(dog, bone, type="likes")
        ...     [connection.type for connection in db.connections.list(token="dog")]
        ['fears', 'likes']
        """
        where, bindings = self._where(token, source, target, types, mutability, active)
        if after is not None:
            where.append("c.id > ?")
            bindings.append(connection_id(after))
        page = (-1 if limit is None else whole(limit, "limit"), whole(offset, "offset"))
        sql = f"{SELECT} {_clause(where)} order by c.id limit ? offset ?"
        return [Connection(row) for row in self._session.rows(sql, (*bindings, *page))]

    def count(
        self,
        *,
        token: TokenLike | None = None,
        source: TokenLike | None = None,
        target: TokenLike | None = None,
        types: TypesLike = None,
        mutability: str | int | None = None,
        active: bool | None = None,
    ) -> int:
        """Return how many connections there are, or how many a filter leaves.

        Parameters
        ----------
        token, source, target, types, mutability, active
            As for `list`.

        Raises
        ------
        TokenNotFound, UnknownName
            As for `list`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     cat, dog = db.tokens.create("cat"), db.tokens.create("dog")
        ...     _ = db.connections.create(cat, dog, type="fears")
        ...     db.connections.count(), db.connections.count(mutability="hypothesis")
        (1, 0)
        """
        where, bindings = self._where(token, source, target, types, mutability, active)
        return int(self._session.rows(f"select count(*) from connection as c {_clause(where)}", bindings)[0][0])

    def get_many(self, connections: Iterable[ConnectionLike] | np.ndarray) -> builtins.list[Connection]:
        """Return many connections in the given order.

        Parameters
        ----------
        connections
            Records or ids.

        Raises
        ------
        ConnectionNotFound
            One of them does not exist.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     ids = db.connections.create_many(db.tokens.create_many(count=2), db.tokens.create_many(count=2))
        ...     [connection.id for connection in db.connections.get_many(ids[::-1])]
        [2, 1]

        Notes
        -----
        One statement, 3 µs a connection.
        """
        ids, _ = connection_ids(connections)
        if not ids:
            return []
        rows = self._session.rows(f"{SELECT} where c.id in (select value from carray(?))", (apsw.carray(ids),))
        known = {row[0]: row for row in rows}
        if not all(id in known for id in ids):
            raise self._missing(ids)
        return [Connection(known[id]) for id in ids]

    def __contains__(self, connection: ConnectionLike) -> bool:
        return bool(self._session.rows(BY_ID, (connection_id(connection),)))

    def __len__(self) -> int:
        return self.count()

    def _where(
        self,
        token: TokenLike | None,
        source: TokenLike | None,
        target: TokenLike | None,
        types: TypesLike,
        mutability: str | int | None,
        active: bool | None,
    ) -> tuple[builtins.list[str], builtins.list[Any]]:
        """Return conditions on `c`, the connection, and their bindings."""
        where: builtins.list[str] = []
        bindings: builtins.list[Any] = []
        line = self._session.enter()
        try:
            connection = line.connection
            if token is not None:
                where.append(f"(c.source = ? or c.id in ({_ENTERING}))")
                bindings += [token_id(connection, token)] * 2
            if source is not None:
                where.append("c.source = ?")
                bindings.append(token_id(connection, source))
            if target is not None:
                where.append(f"c.id in ({_ENTERING})")
                bindings.append(token_id(connection, target))
            if types is not None:
                names = (types,) if isinstance(types, str) or not isinstance(types, Iterable) else types
                codes = sorted({type_code(connection, name) for name in names})
                where.append(f"c.type in ({', '.join(map(str, codes))})")
        finally:
            self._session.leave(line)
        if mutability is not None:
            where.append("c.mutability = ?")
            bindings.append(mutability_code(mutability))
        if active is not None:
            if not isinstance(active, bool):
                raise InvalidValue(f"active must be True, False or None, got {active!r}")
            where.append(f"(c.flags & {CONNECTION_FLAGS['active']}) {'<>' if active else '='} 0")
        return where, bindings


def _clause(where: builtins.list[str]) -> str:
    return f"where {' and '.join(where)}" if where else ""
