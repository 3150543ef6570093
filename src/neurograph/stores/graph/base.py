"""What every part of the graph store shares: the session, the derived arrays, names of directions and types."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import apsw

from ...connection.line import Line
from ...connection.paths import ROWS
from ...connection.session import Session
from ...derived.mechanism import Derived, StaleError
from ...errors import InvalidValue
from ...model.vocabulary import CONNECTION_TYPES
from ..arguments import existing_token_id
from ..edge_place import TypeLike, type_code
from .arrays import GRAPH, GraphArrays
from .plain import UNLIMITED, TooMuchError

if TYPE_CHECKING:
    from ...kernels.adjacency import BoolArray
    from ...kernels.scratch import Scratch

T = TypeVar("T")
ROWS_BEFORE_ARRAYS = 200_000  # reading them takes about as long as numba's start
DIRECTIONS = {"out": "out", "in": "in", "both": "both", "both_marked": "out"}
TypesLike = TypeLike | Iterable[TypeLike] | None


class GraphPart:
    """One part of the graph store; the parts share one session."""

    def __init__(self, session: Session, derived: Derived) -> None:
        self._session = session
        self._derived = derived

    def _scratch(self, line: Line) -> Scratch:
        """Return the memory that kernels reuse between calls on one line; two calls never share it."""
        if line.scratch is None:
            from ...kernels.scratch import Scratch

            line.scratch = Scratch()
        return line.scratch  # type: ignore[no-any-return]

    def _slot(self, line: Line, arrays: GraphArrays, id: int) -> int:
        """Return the slot of a token, or -1 where it has no edges; one that has edges need not be looked up."""
        slot: int = arrays.index.slot(id)
        if slot < 0 or not arrays.adjacency.has_entries(slot):
            existing_token_id(line.connection, id)
        return slot

    def _type_name(self, code: int) -> str:
        """Return the name of an edge's type."""
        if code < len(CONNECTION_TYPES):
            return CONNECTION_TYPES[code]
        line = self._session.enter()
        try:
            return type_name(line.connection, code)
        finally:
            self._session.leave(line)

    def _ask(self, question: Callable[[Line], T], timeout_s: float | None) -> T:
        """Answer a question in one state."""
        return self._derived.ask(GRAPH, question, timeout_s)

    def _answer(self, line: Line, by_arrays: Callable[[GraphArrays], T], by_rows: Callable[[int], T]) -> T:
        """Answer with arrays where they are loaded or repay themselves, else from rows.

        `by_rows` is given how many rows it may read before it raises `TooMuchError`.
        """
        if not line.holds_state:
            arrays = self._derived.true_still(GRAPH, line)
            if arrays is None:
                raise StaleError
            return by_arrays(arrays)
        policy = self._derived.policy
        arrays = self._derived.current(GRAPH, line)
        if arrays is not None:
            return by_arrays(arrays)
        if not policy.usable:
            return by_rows(UNLIMITED)
        began = time.perf_counter()
        try:
            return by_rows(ROWS_BEFORE_ARRAYS)
        except TooMuchError:
            line.took(ROWS, f"given up after {ROWS_BEFORE_ARRAYS} of them")
            arrays = self._derived.current(GRAPH, line, sql_cost_s=float("inf"))
            return by_rows(UNLIMITED) if arrays is None else by_arrays(arrays)
        finally:
            policy.spend(GRAPH.name, time.perf_counter() - began)


def allowed_kinds(codes: tuple[int, ...] | None) -> BoolArray:
    """Return the table of the types to follow, as kernels take it."""
    return _allowed_kinds()(codes)


@cache  # an import inside a function costs 0.6 µs a call
def _allowed_kinds() -> Callable[[tuple[int, ...] | None], BoolArray]:
    from ...kernels.adjacency import allowed_kinds

    return allowed_kinds


def direction_of(direction: str) -> str:
    """Return 'out', 'in' or 'both'.

    A bidirectional edge is followed both ways everywhere, so the original system's rule ``both_marked`` (all outgoing
    edges, and of the incoming ones those marked bidirectional) is 'out' here.
    """
    try:
        return DIRECTIONS[direction]
    except (KeyError, TypeError):
        raise InvalidValue(f"direction must be one of {', '.join(DIRECTIONS)}, got {direction!r}") from None


def type_codes(connection: apsw.Connection, types: TypesLike) -> tuple[int, ...] | None:
    """Return the codes of the types to follow, ascending; None for all."""
    if types is None:
        return None
    if isinstance(types, str) or not isinstance(types, Iterable):
        types = (types,)
    return tuple(sorted({type_code(connection, name) for name in types}))


def type_name(connection: apsw.Connection, code: int) -> str:
    """Return the name of a code that an edge has."""
    if code < len(CONNECTION_TYPES):
        return CONNECTION_TYPES[code]
    row = connection.execute("select name from connection_type where code = ?", (code,)).fetchone()
    assert row is not None  # a trigger keeps edges to types that exist
    return str(row[0])
