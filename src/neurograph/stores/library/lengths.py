"""Between which numbers the lengths of a library's vectors lie: schema/0008_library.sql, invariant 6.

Triggers forget them at every write; who writes through this package knows them and sets them again, in one transaction.
"""

from __future__ import annotations

from typing import Any

import apsw

from .base import Space

Lengths = tuple[float, float]


def after(connection: apsw.Connection, space: Space, written: Lengths | None) -> Lengths | None:
    """Return what the lengths will lie between when vectors are written, None of them or such of lengths `written`.

    None where nobody knows. Asked before they are written.
    """
    sql = """select norm_low, norm_high, exists (select 1 from embedding where id between ? and ?)
               from library where id = ?"""
    rows: Any = connection.execute(sql, (*space.ids, space.id)).fetchall()
    low, high, any_there = rows[0]
    if written is None or (low is None and any_there):
        return None if low is None else (low, high)
    return (min(low, written[0]), max(high, written[1])) if any_there else written


def keep(connection: apsw.Connection, space: Space, lengths: Lengths | None) -> None:
    """Set what `after` returned, when the vectors are written."""
    if lengths is not None:
        connection.execute(
            """update library set norm_low = ?, norm_high = ?
                where id = ? and (norm_low, norm_high) is not (?, ?)""",
            (*lengths, space.id, *lengths),
        )
