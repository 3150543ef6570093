"""What the stores of edges and of connections accept the same way: a type, and the two ends with it.

A part of the stores layer, not a store.
"""

from __future__ import annotations

import apsw

from ..connection.session import Session
from ..model.vocabulary import CONNECTION_TYPE_CODES
from .arguments import TokenLike, code_of, token_id

TypeLike = str | int


def type_code(connection: apsw.Connection, name: TypeLike) -> int:
    """Return the code of a type, given as name or code; a reserved name costs no look-up."""
    code = CONNECTION_TYPE_CODES.get(name) if isinstance(name, str) else None
    return code_of(connection, "connection_type", name) if code is None else code


def edge_place(session: Session, source: TokenLike, target: TokenLike, type: TypeLike) -> tuple[int, int, int]:
    """Return the ids of two tokens and the code of a type."""
    line = session.enter()
    try:
        connection = line.connection
        return token_id(connection, source), token_id(connection, target), type_code(connection, type)
    finally:
        session.leave(line)
