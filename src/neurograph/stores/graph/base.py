"""What every part of the graph store shares: the session, the derived arrays, names of directions and types."""

from __future__ import annotations

from collections.abc import Iterable

import apsw

from ...connection.session import Session
from ...derived import Derived
from ...errors import InvalidValue
from ...model.vocabulary import CONNECTION_TYPE_CODES, CONNECTION_TYPES
from ..arguments import code_of

DIRECTIONS = {"out": "out", "in": "in", "both": "both", "both_marked": "out"}
TypeLike = str | int
TypesLike = TypeLike | Iterable[TypeLike] | None


class GraphPart:
    """One part of the graph store; the parts share one session."""

    def __init__(self, session: Session, derived: Derived) -> None:
        self._session = session
        self._derived = derived


def direction_of(direction: str) -> str:
    """Return 'out', 'in' or 'both'.

    A bidirectional edge is followed both ways everywhere, so the original system's rule ``both_marked`` (all outgoing
    edges, and of the incoming ones those marked bidirectional) is 'out' here.
    """
    try:
        return DIRECTIONS[direction]
    except (KeyError, TypeError):
        raise InvalidValue(f"direction must be one of {', '.join(DIRECTIONS)}, got {direction!r}") from None


def type_code(connection: apsw.Connection, name: TypeLike) -> int:
    """Return the code of an edge's type, given as name or code."""
    code = CONNECTION_TYPE_CODES.get(name) if isinstance(name, str) else None
    return code_of(connection, "connection_type", name) if code is None else code


def type_codes(connection: apsw.Connection, types: TypesLike) -> tuple[int, ...] | None:
    """Return the codes of the types to follow, ascending; None for all."""
    if types is None:
        return None
    if isinstance(types, str | int):
        types = (types,)
    return tuple(sorted({type_code(connection, name) for name in types}))


def type_name(connection: apsw.Connection, code: int) -> str:
    """Return the name of a code that an edge has."""
    if code < len(CONNECTION_TYPES):
        return CONNECTION_TYPES[code]
    row = connection.execute("select name from connection_type where code = ?", (code,)).fetchone()
    assert row is not None  # a trigger keeps edges to types that exist
    return str(row[0])
