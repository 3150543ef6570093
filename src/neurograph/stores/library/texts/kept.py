"""Vectors of texts that the file keeps: found by what was read and by what read it.

Invariants, of schema/0009_text_vector.sql:

1. A vector is found by a hash of the text with its prefix and of the encoder's identity; so queries and documents share
   theirs where no prefix tells them apart, and another encoder's are never taken.
2. The vector of an item is not stored twice: the row says which item has it. It counts while its digest is the one that
   was taken when it was made, so neither damage nor somebody else's update answers a text.
3. Of vectors without an item a bounded number is kept; the ones used least recently go.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from functools import cache

import apsw

from ..vectors import blobs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from ....model.identity import Identity

HOUR_NS = 3_600_000_000_000  # a use is noted once in so long: most calls that find everything write nothing
FIRST_ITEM = 1 << 32
AT_ONCE = 4096  # hashes looked up in one statement
NAMES_NO_FILE = ("model", "input_type", "query_prefix", "document_prefix")


class Hashes:
    """The hashes of texts for one encoder and one kind of text.

    Parameters
    ----------
    made_by
        The encoder's identity, or the library's.
    kind
        ``"document"`` or ``"query"``.
    """

    def __init__(self, made_by: Identity, kind: str) -> None:
        import json

        said = {name: value for name, value in made_by._asdict().items() if name not in NAMES_NO_FILE}
        prefix = made_by.query_prefix if kind == "query" else made_by.document_prefix
        start = json.dumps(said, sort_keys=True) + "\0" + (prefix or "")
        self._begun = _blake2b()(start.encode(), digest_size=16)

    def of(self, text: str) -> bytes:
        """Return the 16 bytes a text is found by."""
        hashed = self._begun.copy()
        hashed.update(text.encode())
        taken: bytes = hashed.digest()
        return taken


def digest(vector: bytes | memoryview) -> bytes:
    """Return the 8 bytes a vector is known again by."""
    taken: bytes = _blake2b()(vector, digest_size=8).digest()
    return taken


@cache
def _blake2b() -> Any:
    from hashlib import blake2b  # OpenSSL takes 3 ms to load, and most processes ask for no text

    return blake2b


def find(connection: apsw.Connection, hashes: Sequence[bytes], size: int) -> dict[bytes, bytes]:
    """Return hash → vector, of those that are kept and sound; `size` bytes each.

    Costs 2 µs for one that is not there, 5 for one that is.
    """
    sql = """select kept.hash, kept.digest, coalesce(kept.vector, embedding.vector)
               from text_vector as kept
               left join embedding on embedding.id = kept.id
              where kept.hash in (select value from carray(?))"""
    found: dict[bytes, bytes] = {}
    for start in range(0, len(hashes), AT_ONCE):
        some = tuple(hashes[start : start + AT_ONCE])
        rows: Any = connection.execute(sql, (apsw.carray(some),))
        found |= {
            hashed: vector
            for hashed, known, vector in rows
            if vector is not None and len(vector) == size and digest(vector) == known
        }
    return found


def keep(connection: apsw.Connection, hashes: Sequence[bytes], vectors: np.ndarray, most: int) -> None:
    """Keep vectors of texts without an item, at most so many in all."""
    forget(connection, hashes)
    now = time.time_ns() // HOUR_NS * HOUR_NS
    first: Any = connection.execute("select max(id) from text_vector where id < ?", (FIRST_ITEM,)).fetchall()
    rows = (
        (id, hashed, digest(vector), bytes(vector), now)
        for id, (hashed, vector) in enumerate(zip(hashes, blobs(vectors), strict=True), (first[0][0] or 0) + 1)
    )
    connection.cursor().executemany("insert into text_vector values (?, ?, ?, ?, ?)", rows)
    bound(connection, most)


def bound(connection: apsw.Connection, most: int) -> None:
    """Let the vectors used least recently go, where there are more than `most`."""
    rows: Any = connection.execute("select count(*) from text_vector where used_ns is not null").fetchall()
    if rows[0][0] > most:
        connection.execute(
            """delete from text_vector
                where id in (select id from text_vector where used_ns is not null order by used_ns, id limit ?)""",
            (rows[0][0] - most,),
        )


def forget(connection: apsw.Connection, hashes: Iterable[bytes]) -> None:
    """Delete the vectors of texts that are kept here and not by an item."""
    connection.cursor().executemany(
        "delete from text_vector where hash = ? and vector is not null", ((hashed,) for hashed in hashes)
    )


def unused(connection: apsw.Connection, hashes: Sequence[bytes]) -> list[bytes]:
    """Return those of `hashes` whose use was not noted within the last hour."""
    now = time.time_ns() // HOUR_NS * HOUR_NS
    rows: Any = (
        connection.execute(
            "select hash from text_vector where used_ns < ? and hash in (select value from carray(?))",
            (now, apsw.carray(tuple(hashes))),
        ).fetchall()
        if hashes
        else []
    )
    return [row[0] for row in rows]


def touch(connection: apsw.Connection, hashes: Iterable[bytes]) -> None:
    """Note that vectors were used."""
    now = time.time_ns() // HOUR_NS * HOUR_NS
    connection.cursor().executemany(
        "update text_vector set used_ns = ? where hash = ? and used_ns < ?", ((now, hashed, now) for hashed in hashes)
    )


def keep_items(connection: apsw.Connection, ids: Iterable[int], hashes: Sequence[bytes], vectors: np.ndarray) -> None:
    """Say of items that their vectors are those of these texts."""
    keep_items_of(connection, list(zip(ids, hashes, blobs(vectors), strict=True)))


def keep_items_of(connection: apsw.Connection, rows: Sequence[tuple[int, bytes, bytes | memoryview]]) -> None:
    """Say of items, by id, the hash of a text and the vector, that their vectors are those of these texts."""
    forget(connection, (hashed for _, hashed, _ in rows))
    connection.cursor().executemany(
        """insert into text_vector values (?, ?, ?, null, null)
               on conflict (id) do update set hash = excluded.hash, digest = excluded.digest""",
        ((id, hashed, digest(vector)) for id, hashed, vector in rows),
    )
