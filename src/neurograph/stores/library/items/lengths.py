"""Between which numbers the lengths of a library's vectors lie: schema/0008_library.sql, invariant 6.

Triggers forget them at every write; who writes through this package knows them and sets them again, in one transaction.
"""

from __future__ import annotations

import apsw

from ....connection.session import Session
from ....derived.kind import CHUNK_BITS
from ....derived.saved import nonces_of
from ....progress import Told
from ..base import Space

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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


def measure(session: Session, space: Space, told: Told) -> Lengths | None:
    """Return the lengths, read from all vectors where nobody knows them; set them unless somebody writes meanwhile."""
    from ..partitions.rows import blocks_of, chunk_range, chunks_of, read_chunks
    from ..vectors import norms

    rows = session.rows("select norm_low, norm_high from library where id = ?", (space.id,))
    if not rows or rows[0][0] is not None:
        return rows[0] if rows else None
    chunks, found = chunks_of(session, space), None
    nonces: dict[int, int] = {}
    for some in blocks_of(space, chunks):
        told("reading", len(nonces) << CHUNK_BITS, len(chunks) << CHUNK_BITS)
        read = read_chunks(session, space, some)
        nonces |= read.nonces
        lengths = norms(read.rows)
        if lengths is not None:
            found = lengths if found is None else (min(found[0], lengths[0]), max(found[1], lengths[1]))
    with session.transaction():
        if nonces_of(session.writer.connection, "embedding", chunk_range(space)) == nonces:
            keep(session.writer.connection, space, found)
    return found
