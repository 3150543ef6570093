"""Rows known by a name, which may be no text: SQLite takes any bytes for one. A part of the stores layer, not a store.

Invariant: a row whose text is not UTF-8, as a shell may write it, is told, and keeps no hint from who asks for another.
"""

from __future__ import annotations

from ..errors import InvalidValue
from .arguments import closest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ..connection.session import Session


def named_rows(
    session: Session, table: str, columns: Sequence[str], sql: str, bindings: Sequence[Any] = ()
) -> list[tuple[Any, ...]]:
    """Return the rows of a query; where a text is not UTF-8 in `columns` of the table, say in which row.

    Raises
    ------
    InvalidValue
        One is not; the message names the row and the remedy.
    """
    try:
        return session.rows(sql, bindings)
    except InvalidValue:
        for column in columns:
            texts = f"select cast(name as blob), cast({column} as blob) from {table} where typeof({column}) = 'text'"
            for name, text in session.rows(texts):
                if not is_utf8(text):
                    raise InvalidValue(
                        f"{column} of a row of {table} must be UTF-8, got {text[:60]!r}; mend or delete the row with "
                        f"SQL, where name = cast(x'{name.hex()}' as text)"
                    ) from None
        raise


def closest_in(session: Session, table: str, name: str, order: str = "id") -> str:
    """Name up to three of a table that are much like one that is not there, for an error message."""
    rows = session.rows(f"select cast(name as blob) from {table} order by {order} limit 1000")
    return closest(name, [text.decode() for (text,) in rows if is_utf8(text)])


def is_utf8(text: Any) -> bool:
    """Tell whether bytes are a text."""
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
