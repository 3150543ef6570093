"""The vectors of a library, chunk by chunk, and a sample of them, as those who make partitions read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from ....connection.line import Line
from ....connection.session import Session
from ....derived.kind import CHUNK_BITS, CHUNK_IDS
from ....derived.saved import nonces_of
from ...arguments import bound_ids
from ..base import Space

if TYPE_CHECKING:
    import numpy as np

BLOCK_BYTES = 1 << 25  # of vectors read at a time


class Chunks(NamedTuple):
    """The vectors of some chunks."""

    nonces: dict[int, int]
    """Of each chunk, also of those that have no vectors left."""
    ids: np.ndarray
    """(n,) int64, ascending."""
    rows: np.ndarray
    """(n, d) float32, finite."""


def chunk_range(space: Space) -> tuple[int, int]:
    """Return the first and the last chunk there can be."""
    return space.first_id >> CHUNK_BITS, space.last_id >> CHUNK_BITS


def chunks_of(session: Session, space: Space) -> list[int]:
    """Return all chunks that have or had vectors, ascending."""
    with session.reading() as line:
        return sorted(nonces_of(line.connection, "embedding", chunk_range(space)))


def blocks_of(space: Space, chunks: list[int]) -> Iterator[list[int]]:
    """Yield the chunks, as many at a time as are read at a time."""
    each = max(1, (BLOCK_BYTES // (4 * space.dimension)) >> CHUNK_BITS)
    return (chunks[begin : begin + each] for begin in range(0, len(chunks), each))


def read_chunks(session: Session, space: Space, chunks: list[int]) -> Chunks:
    """Return the vectors of ascending chunks and the nonces that belong to them, of one state."""
    with session.reading() as line:
        all_nonces = nonces_of(line.connection, "embedding", (chunks[0], chunks[-1]))
        sql = f"""select id, vector
                    from carray(?1) as wanted
                   cross join embedding
                      on id between wanted.value << {CHUNK_BITS} and (wanted.value << {CHUNK_BITS}) + {CHUNK_IDS - 1}
                   where length(vector) = ?2"""
        ids, rows = _vectors(line, sql, (bound_ids(chunks), 4 * space.dimension), space.dimension)
    return Chunks({chunk: all_nonces[chunk] for chunk in chunks if chunk in all_nonces}, ids, rows)


def sample(session: Session, space: Space, chunks: list[int], count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ids and vectors of about `count` items, from all chunks alike."""
    import numpy as np

    draw = np.random.default_rng(seed)
    each = min(CHUNK_IDS, -(-count // len(chunks)))
    picked = draw.permuted(np.tile(np.arange(CHUNK_IDS), (min(len(chunks), 64), 1)), axis=1)[:, :each]
    local = picked[np.arange(len(chunks)) % len(picked)]
    wanted = np.sort(((np.array(chunks, np.int64) << CHUNK_BITS)[:, None] + local).ravel())
    sql = (
        "select id, vector from embedding where id in (select value from carray(?)) and length(vector) = ? order by id"
    )
    with session.reading() as line:
        parts = [
            _vectors(line, sql, (bound_ids(some), 4 * space.dimension), space.dimension)
            for some in np.array_split(wanted, -(-len(wanted) // 4096))
        ]
    ids, rows = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    if len(ids) > count:
        kept = np.sort(draw.choice(len(ids), count, replace=False))
        ids, rows = ids[kept], rows[kept]
    return ids, rows


def _vectors(line: Line, sql: str, bindings: Any, dimension: int) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    rows: Any = line.connection.execute(sql, bindings).fetchall()
    line.tick()
    ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
    vectors = np.frombuffer(b"".join([row[1] for row in rows]), "<f4").reshape(len(rows), dimension)
    vectors = vectors.astype(np.float32, copy=False)
    finite = np.isfinite(vectors).all(axis=1)
    return (ids, vectors) if finite.all() else (ids[finite], vectors[finite])
