"""Chunks of rows kept in the file, so that a fresh process need not read and convert rows.

Invariants:

1. A saved chunk counts only with the nonce its rows have now; a stale one is as good as none.
2. A chunk is loaded only if its checksum, its header and its structure hold: one bad index in a kernel would be a
   crash of the host.
3. Only a handle that writes saves, inside a transaction in which it compares the nonces.
"""

from __future__ import annotations

import struct
import zlib

import apsw

from .kind import CHUNK_BITS, EVERY_CHUNK, Columns, Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import numpy as np

_HEADER = struct.Struct("<4sHHq")  # magic, format, number of columns, number of rows
_MAGIC = b"NGA1"


def load(connection: apsw.Connection, kind: Kind[Any], nonces: dict[int, int]) -> dict[int, Columns]:
    """Return the saved chunks among `nonces` that are valid now, by chunk.

    What the kind loads by itself counts for the chunks it names.
    """
    found = kind.load(connection, nonces)
    left = {chunk: nonce for chunk, nonce in nonces.items() if chunk not in found}
    return found | _chunks(connection, kind, left) if left else found


def _chunks(connection: apsw.Connection, kind: Kind[Any], nonces: dict[int, int]) -> dict[int, Columns]:
    """Return the chunks of rows among `nonces` that are saved and valid now, by chunk."""
    found: dict[int, Columns] = {}
    rows = connection.execute(
        "select chunk, nonce, checksum, body from derived_chunk where subject = ? and format = ?",
        (kind.name, kind.format),
    )
    try:
        for chunk, nonce, summed, body in rows:
            if nonces.get(chunk) == nonce and summed == checksum(kind.name, chunk, nonce, body):
                columns = _unpack(body, kind.format)
                if columns is not None and _belongs(columns[0], chunk) and kind.valid(columns):
                    found[chunk] = columns
    finally:  # the traceback of Ctrl-C would keep the cursor, and with it the snapshot
        rows.close(True)
    return found


def save(
    connection: apsw.Connection, kind: Kind[Any], budget_bytes: int, most_chunks: int = 1 << 62
) -> tuple[int, int]:
    """Save chunks of `kind` that are missing or stale.

    Called inside a write transaction, so rows and nonces belong together. What was saved stays useful when a later
    call does not come.

    Returns
    -------
    tuple of (bytes, left)
        What was written, and how many chunks are left to save; none where the next would pass `budget_bytes`.
    """
    nonces = nonces_of(connection, kind.subject, kind.chunks)
    rows: Any = connection.execute(
        "select chunk, nonce from derived_chunk where subject = ? and format = ?", (kind.name, kind.format)
    ).fetchall()
    kept: dict[int, int] = dict(rows)
    stale = [chunk for chunk, nonce in sorted(nonces.items()) if kept.get(chunk) != nonce]
    written = 0
    for chunk in stale[:most_chunks]:
        columns = kind.read(connection, chunk << CHUNK_BITS, ((chunk + 1) << CHUNK_BITS) - 1)
        body = _pack(columns, kind.format)
        if written + len(body) > budget_bytes:
            return written, 0
        written += len(body)
        nonce = nonces[chunk]
        connection.execute(
            """insert into derived_chunk (subject, chunk, nonce, format, checksum, body)
               values (?, ?, ?, ?, ?, ?)
                   on conflict do update
                  set nonce = excluded.nonce, format = excluded.format,
                      checksum = excluded.checksum, body = excluded.body""",
            (kind.name, chunk, nonce, kind.format, checksum(kind.name, chunk, nonce, body), body),
        )
    connection.execute(
        "delete from derived_chunk where subject = ? and chunk not in (select chunk from mark where subject = ?)",
        (kind.name, kind.subject),
    )
    return written, max(len(stale) - most_chunks, 0)


def differing(connection: apsw.Connection, kind: Kind[Any]) -> list[tuple[str, int]]:
    """Return (name, chunk) of saved chunks that would be loaded, or claim to be current, and differ from the rows."""
    nonces = nonces_of(connection, kind.subject, kind.chunks)
    valid = _chunks(connection, kind, nonces)
    rows: Any = connection.execute(
        "select chunk, nonce from derived_chunk where subject = ? and format = ?", (kind.name, kind.format)
    ).fetchall()
    found = []
    for chunk, nonce in rows:
        if nonces.get(chunk) == nonce:
            truth = kind.read(connection, chunk << CHUNK_BITS, ((chunk + 1) << CHUNK_BITS) - 1)
            kept = valid.get(chunk)
            if kept is None or any(a.tobytes() != b.tobytes() for a, b in zip(kept, truth, strict=True)):
                found.append((kind.name, chunk))
    return found


def nonces_of(connection: apsw.Connection, subject: str, chunks: tuple[int, int] = EVERY_CHUNK) -> dict[int, int]:
    """Return the nonces in force, by chunk. Costs 0.3 µs a chunk."""
    sql = "select chunk, nonce from mark where subject = ? and chunk between ? and ?"
    rows: Any = connection.execute(sql, (subject, *chunks)).fetchall()
    return dict(rows)


def _pack(columns: Columns, format_number: int) -> bytes:
    """Return columns as bytes: header, dtypes, then each column little-endian."""
    import numpy as np

    head = _HEADER.pack(_MAGIC, format_number, len(columns), len(columns[0]))
    kinds = b"".join(column.dtype.str.encode().ljust(4) for column in columns)
    return head + kinds + b"".join(np.ascontiguousarray(column).tobytes() for column in columns)


def _unpack(body: bytes, format_number: int) -> Columns | None:
    """Return the columns of packed bytes, or None where the header does not fit the length."""
    import numpy as np

    if len(body) < _HEADER.size:
        return None
    magic, found, width, rows = _HEADER.unpack_from(body)
    start = _HEADER.size + 4 * width
    if magic != _MAGIC or found != format_number or not 0 < width < 64 or rows < 0 or len(body) < start:
        return None
    columns: Columns = []
    for at in range(_HEADER.size, start, 4):
        code = body[at : at + 4].decode("ascii", "replace").strip()
        if code not in ("<i8", "<f8", "<i4", "|u1"):
            return None
        dtype = np.dtype(code)
        if start + rows * dtype.itemsize > len(body):
            return None
        columns.append(np.frombuffer(body, dtype, rows, start))
        start += rows * dtype.itemsize
    return columns if start == len(body) else None


def _belongs(ids: np.ndarray, chunk: int) -> bool:
    """Tell whether ids ascend and lie in their chunk."""
    if ids.dtype.str != "<i8":
        return False
    return not len(ids) or bool(
        ids[0] >> CHUNK_BITS == chunk and ids[-1] >> CHUNK_BITS == chunk and (ids[1:] >= ids[:-1]).all()
    )


def checksum(name: str, chunk: int, nonce: int, body: bytes) -> int:
    """Return the checksum a saved body has where it belongs."""
    return zlib.crc32(body, zlib.crc32(f"{name} {chunk} {nonce}".encode()))
