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

BLOCK_BYTES = 1 << 23  # of vectors read at a time, unless said otherwise
AT_ONCE = 4096  # ids asked for in one statement, where they lie far apart


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


def blocks_of(space: Space, chunks: list[int], block_bytes: int = BLOCK_BYTES) -> Iterator[list[int]]:
    """Yield the chunks, as many at a time as are read at a time."""
    each = max(1, (block_bytes // (4 * space.dimension)) >> CHUNK_BITS)
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
    return vectors_at(session, space, sample_ids(session, space, chunks, count, seed))


def sample_ids(session: Session, space: Space, chunks: list[int], count: int, seed: int) -> np.ndarray:
    """Return the ids of about `count` vectors, ascending, from all chunks alike."""
    import numpy as np

    draw = np.random.default_rng(seed)
    each = min(CHUNK_IDS, -(-count // len(chunks)))
    picked = draw.permuted(np.tile(np.arange(CHUNK_IDS), (min(len(chunks), 64), 1)), axis=1)[:, :each]
    local = picked[np.arange(len(chunks)) % len(picked)]
    wanted = np.sort(((np.array(chunks, np.int64) << CHUNK_BITS)[:, None] + local).ravel())
    sql = "select id from embedding where id in (select value from carray(?)) and length(vector) = ? order by id"
    found: list[int] = []
    for begin in range(0, len(wanted), AT_ONCE):
        bindings = (bound_ids(wanted[begin : begin + AT_ONCE]), 4 * space.dimension)
        found += (row[0] for row in session.rows(sql, bindings))
    ids = np.array(found, np.int64)
    return np.sort(draw.choice(ids, count, replace=False)) if len(ids) > count else ids


def vectors_at(session: Session, space: Space, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the finite vectors of those of ascending `ids` that are there, and their ids; they are held once."""
    import numpy as np

    found, rows, count = np.empty(len(ids), np.int64), np.empty((len(ids), space.dimension), np.float32), 0
    sql = (
        "select id, vector from embedding where id in (select value from carray(?)) and length(vector) = ? order by id"
    )
    step = max(1, min(AT_ONCE, BLOCK_BYTES // (8 * space.dimension)))
    for begin in range(0, len(ids), step):
        with session.reading() as line:
            bindings = (bound_ids(ids[begin : begin + step]), 4 * space.dimension)
            some, vectors = _vectors(line, sql, bindings, space.dimension)
        found[count : count + len(some)], rows[count : count + len(some)] = some, vectors
        count += len(some)
    return found[:count], rows[:count]


def _vectors(line: Line, sql: str, bindings: Any, dimension: int) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    rows: Any = line.connection.execute(sql, bindings).fetchall()
    line.tick()
    ids = np.fromiter((row[0] for row in rows), np.int64, len(rows))
    vectors = np.frombuffer(b"".join([row[1] for row in rows]), "<f4").reshape(len(rows), dimension)
    vectors = vectors.astype(np.float32, copy=False)
    finite = np.isfinite(vectors).all(axis=1)
    return (ids, vectors) if finite.all() else (ids[finite], vectors[finite])
