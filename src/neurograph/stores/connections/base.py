"""What the parts of the connection store share: the session, the statement that reads a connection, ids and codes."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import apsw

from ...connection.session import Session
from ...errors import ConnectionNotFound, InvalidValue
from ...model.connection import CONNECTION_COLUMNS, Connection
from ...model.vocabulary import CONNECTION_TYPE_MUTABILITIES
from ..arguments import MAX_ID, id_array, row_id

if TYPE_CHECKING:
    import numpy as np

    Ids = array[int]

ConnectionLike = Connection | int

# The names of users' own types end the row; `Connection` knows the reserved ones.
SELECT = f"""
    select {", ".join("c." + name for name in CONNECTION_COLUMNS)}, e.weight, e.properties,
           case when c.type > 255 then (select name from connection_type where code = c.type) end
      from connection as c
      join edge as e on (e.source, e.type, e.target, e.key) = (c.source, c.type, c.target, c.key)"""
BY_ID = f"{SELECT} where c.id = ?"
BY_KEY = f"{SELECT} where c.source = ? and c.type = ? and c.target = ? and c.key = ?"


class ConnectionPart:
    """One part of the connection store; the parts share one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def _read(self, id: int) -> Connection:
        rows = self._session.rows(BY_ID, (id,))
        if not rows:
            raise ConnectionNotFound(f"no connection has the id {id}")
        return Connection(rows[0])

    def _missing(self, ids: Ids) -> ConnectionNotFound:
        """Return the error for the first of `ids` that no connection has."""
        sql = "select value from carray(?) where value not in (select id from connection) limit 1"
        return ConnectionNotFound(f"no connection has the id {self._session.rows(sql, (apsw.carray(ids),))[0][0]}")


def connection_id(connection: ConnectionLike) -> int:
    """Return the id of a connection given as record or id."""
    return connection.id if isinstance(connection, Connection) else row_id(connection, "connection")


def connection_ids(connections: ConnectionLike | Iterable[ConnectionLike] | np.ndarray) -> tuple[Ids, bool]:
    """Return ids in the given order, and whether it was one connection and no sequence of them."""
    if isinstance(connections, Connection | int):
        return array("q", (connection_id(connections),)), True
    if hasattr(connections, "dtype"):
        if getattr(connections, "ndim", 0) == 0:
            return array("q", (row_id(connections, "connection"),)), True  # type: ignore[arg-type]
        return array("q", id_array(connections, "connections").tolist()), False
    if isinstance(connections, str | bytes) or not isinstance(connections, Iterable):
        raise InvalidValue(f"connections must be records or ids, got {connections!r}")
    return array("q", [connection_id(connection) for connection in connections]), False


def type_mutability(connection: apsw.Connection, code: int) -> int:
    """Return the mutability that a new connection of a type gets."""
    if code < len(CONNECTION_TYPE_MUTABILITIES):
        return CONNECTION_TYPE_MUTABILITIES[code]
    row: Any = connection.execute("select mutability from connection_type where code = ?", (code,)).fetchone()
    return int(row[0])


def moment(now_ns: int | None) -> int:
    """Return `now_ns` checked, or the time."""
    if now_ns is None:
        from time import time_ns

        return time_ns()
    from ..arguments import whole

    return whole(now_ns, "now_ns", 0, MAX_ID)
