"""Scalar SQL functions that read rows: by id, and what makes a library's vectors.

They are neither deterministic nor innocuous, and direct only: no view, trigger, index or CHECK of the file may need
them. They answer on the connection whose statement calls them, in the state it sees.
"""

from __future__ import annotations

from functools import partial

import apsw

from ..errors import Closed, InvalidValue, NotFound

KINDS = dict.fromkeys(("library", "text", "kind"), str | None)
WHAT = {"level": "a name or an index", "library": "a name", "text": "a text", "kind": "'document' or 'query'"}

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..connection.line import Line
    from ..database import Database


class RowFunction:
    """What a scalar function is called, takes and returns.

    Attributes
    ----------
    required
        How many of the arguments must be given; one that is NULL makes the result NULL.
    answer
        Called with the stores and the arguments.
    """

    __slots__ = ("answer", "arguments", "name", "required")

    def __init__(self, name: str, arguments: tuple[str, ...], required: int, answer: Callable[..., Any]) -> None:
        self.name = name
        self.arguments = arguments
        self.required = required
        self.answer = answer


def _token_distance(db: Database, a: int | str, b: int | str, level: int | str | None = None) -> float | None:
    return db.grid.distance(a, b, level=level)


def _token_record(db: Database, token: int | str) -> bytes:
    return db.tokens.to_bytes(token)


def _embed(db: Database, library: str, text: str, kind: str | None = None) -> bytes:
    return db.library.get(library)._vector_of(text, "query" if kind is None else kind)


ROW_FUNCTIONS = (
    RowFunction("ng_embed", ("library", "text", "kind"), 2, _embed),
    RowFunction("ng_token_distance", ("a", "b", "level"), 2, _token_distance),
    RowFunction("ng_token_record", ("token",), 1, _token_record),
)
"""Every scalar function that reads rows, in the order of the manual."""


def register(line: Line, stores: Any) -> None:
    """Register them on a line; `stores` is the database that answers."""
    for function in ROW_FUNCTIONS:
        for count in range(function.required, len(function.arguments) + 1):
            line.connection.create_scalar_function(
                function.name, partial(_call, function, line, stores), count, flags=apsw.SQLITE_DIRECTONLY
            )


def _call(function: RowFunction, line: Line, stores: Any, *values: Any) -> Any:
    """Answer one call."""
    if None in values[: function.required]:
        return None
    for name, value in zip(function.arguments, values, strict=False):
        if not isinstance(value, KINDS.get(name, int | str | None)):
            what = WHAT.get(name, "an id or a label")
            raise InvalidValue(f"{function.name}: {name} must be {what}, got {value!r}")
    held = None
    try:
        if line.connection.txn_state("main") == apsw.SQLITE_TXN_NONE:
            held = line.connection.execute(
                "select 1 from sqlite_schema"
            )  # a statement without tables sees no state yet
        with stores._session.inside(line):
            return function.answer(stores, *values)
    except ReferenceError:
        raise Closed("the database was closed meanwhile; open it again with neurograph.open") from None
    except (InvalidValue, NotFound) as error:
        raise type(error)(f"{function.name}: {error}") from error
    finally:
        if held is not None:
            held.close(True)
