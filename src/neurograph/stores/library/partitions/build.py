"""Making the partitions of a library, and keeping them true, while others search and write.

Invariants:

1. Vectors are read chunk after chunk, each with the nonce of the state it was read in; nothing else ties the partitions
   to the vectors (schema/0012_partition.sql, 3).
2. The write lock is held for a slice at a time, less than 100 ms. New partitions are not in use before the last of them
   is written; a build that was broken off leaves those that were in use, and the next takes its rest away.
3. Of two builds at once the one that began last goes on, and the other stops: its rows are gone.
4. Memory: what `room` says, and of each vector 4 bytes. The sample is gone before vectors are placed.
5. Whoever is told how far it is may do what he likes: nothing is open then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ....connection.session import Session
from ....derived.kind import CHUNK_BITS, CHUNK_IDS
from ....derived.saved import nonces_of
from ....progress import Told
from ..base import Space, require_library
from ..items.lengths import measure as measure_lengths
from .codes import lengths_of, unit
from .measure import SAMPLE, Measured, Truth, measure
from .nearest import DIRTY, in_use
from .places import NOWHERE, Placed, Places, between, numbers_of, place, places_at, read_places
from .room import Room
from .rows import blocks_of, chunk_range, chunks_of, read_chunks, sample, sample_ids, vectors_at
from .training import train

if TYPE_CHECKING:
    import numpy as np

LEAST_ITEMS = 10_000  # with fewer, reading all rows takes about as long
SHARE, MANY, LESS = 4.0, 1400, 1.0  # partitions by the root of the number of vectors; beyond so many, by less of it
SAMPLES = 24  # vectors of the sample for each partition
MOST_PARTITIONS = 65_000
SLICE_ROWS = 8192  # written at a time: 30 ms
PATCH_CHUNKS = 8  # likewise, where rows are replaced
MEASURE_AGAIN, TRAIN_AGAIN = 0.1, 0.5  # when so many of the vectors have other partitions
GREATEST_NORM = 2.0**40  # beyond, squares and products may not fit into single precision


class OptimizedLibrary(NamedTuple):
    """What `Library.optimize` did."""

    partitions: int
    """How many the library has now; 0 for fewer than 10,000 items, where one has a vector longer than 2**40, and where
    another call overtook this one."""
    placed: int
    """Vectors that were placed in one: all of them, or those that changed."""
    trained: bool
    """Whether the partitions were made anew."""


class OvertakenError(Exception):
    """Another build has begun, and took the rows of this one away."""


def build(session: Session, space: Space, room: Room, told: Told) -> OptimizedLibrary:
    """Make partitions anew; none for a library too small or without marks, or vectors too long."""
    import numpy as np

    chunks = chunks_of(session, space)
    items = session.rows("select count(*) from embedding where id between ? and ?", space.ids)[0][0]
    lengths = measure_lengths(session, space, told)
    if items < LEAST_ITEMS or not chunks or lengths is None or lengths[1] > GREATEST_NORM:
        _drop(session, space, keep=-1)
        return OptimizedLibrary(0, 0, False)
    for (rest,) in session.rows("select id from partitioning where library_id = ? and not complete", (space.id,)):
        _drop(session, space, only=rest)  # slice by slice: of a million `_begin` would take them in 0.7 s
    many = min(round(SHARE * items**0.5), max(MANY, round(LESS * items**0.5)), MOST_PARTITIONS)
    wanted = min(SAMPLES * many, room.sample // (4 * space.dimension)) + SAMPLE
    ids = sample_ids(session, space, chunks, wanted, items)
    held_out = np.zeros(len(ids), np.bool_)
    held_out[np.random.default_rng(items).choice(len(ids), min(SAMPLE, len(ids) // 4), replace=False)] = True
    truth = Truth(*vectors_at(session, space, ids[held_out]), space.metric)
    learned = vectors_at(session, space, ids[~held_out])[1]
    if space.metric == "cosine":
        learned /= lengths_of(learned)
    means = train(learned, min(many, len(learned) // 8), space.metric == "cosine", told, between)
    middle = learned.mean(axis=0, dtype=np.float64).astype(np.float32)
    del learned
    places = _begin(session, space, means, middle)
    try:
        count = _place_all(session, places, chunks, truth, room, told)
        reaches = measure(session, places, truth, told)
        _keep(session, places, reaches, "complete = 1, items = ?2, changed = 0, measured = 0", count)
    except OvertakenError:
        return OptimizedLibrary(0, 0, False)
    except BaseException:
        _drop(session, space, only=places.id)
        raise
    _drop(session, space, keep=places.id)
    return OptimizedLibrary(len(means), count, True)


def refresh(session: Session, space: Space, room: Room, told: Told) -> OptimizedLibrary | None:
    """Place anew what changed.

    None where there are no partitions, or so much changed that they should be made anew.
    """
    with session.reading() as line:
        using = in_use(line.connection, space)
        if using is None:
            return None
        sql = "select items, changed from partitioning where id = ?"
        rows: Any = line.connection.execute(sql, (using[0],)).fetchall()
        items, changed = rows[0]
        dirty: Any = line.connection.execute(DIRTY, (using[0], *chunk_range(space))).fetchall()
    lengths = measure_lengths(session, space, told)
    if lengths is None or lengths[1] > GREATEST_NORM:
        return None
    _drop(session, space, keep=using[0])  # what a process that was killed left of those before
    places = read_places(session, space, using)
    chunks = sorted(row[0] for row in dirty)
    if places is None or (len(chunks) << CHUNK_BITS) + changed > max(TRAIN_AGAIN * items, CHUNK_IDS << 1):
        return None
    count = 0
    try:
        step = max(1, min(PATCH_CHUNKS, (room.block // (4 * space.dimension)) >> CHUNK_BITS))
        for begin in range(0, len(chunks), step):
            told("placing", begin << CHUNK_BITS, len(chunks) << CHUNK_BITS)
            count += _patch(session, places, chunks[begin : begin + step], room)
        _measure_again(session, places, room, told)
    except OvertakenError:
        return OptimizedLibrary(0, count, False)
    return OptimizedLibrary(len(places.means), count, False)


def _begin(session: Session, space: Space, means: np.ndarray, middle: np.ndarray) -> Places:
    """Write the centroids of a partitioning that is not in use yet, and take the rest of others away."""
    import numpy as np

    with session.transaction():
        connection = session.writer.connection
        require_library(connection, space)
        connection.execute("delete from partitioning where library_id = ? and not complete", (space.id,))
        rows: Any = connection.execute(
            "insert into partitioning (library_id, middle) values (?, ?) returning id",
            (space.id, middle.astype("<f4").tobytes()),
        ).fetchall()
        id = rows[0][0]
        norms = np.sqrt(np.einsum("ij,ij->i", means, means, dtype=np.float64)).tolist()
        connection.executemany(
            "insert into partition_center values (?, ?, ?, ?)",
            [(id, j, norms[j], mean.astype("<f4").tobytes()) for j, mean in enumerate(means)],
        )
    return places_at(space, id, means, middle)


def _place_all(session: Session, places: Places, chunks: list[int], truth: Truth, room: Room, told: Told) -> int:
    """Place all vectors and write where they are, as many at a time as there is room for; return how many."""
    nonces: dict[int, int] = {}
    parts: list[Placed] = []
    done = count = 0
    for some in blocks_of(places.space, chunks, room.block):
        told("placing", done << CHUNK_BITS, len(chunks) << CHUNK_BITS)
        read = read_chunks(session, places.space, some)
        rows = unit(read.rows, places.space.metric)
        nonces |= read.nonces
        parts.append(place(places, read.ids, rows, room))
        truth.add(read.ids, rows)
        del read, rows
        done, count = done + len(some), count + len(parts[-1].ids)
        if sum(part.nbytes for part in parts) > room.codes or some[-1] == chunks[-1]:
            _write(session, places, nonces, parts, told)
            nonces, parts = {}, []
    return count


def _write(session: Session, places: Places, nonces: dict[int, int], parts: list[Placed], told: Told) -> None:
    """Write whole chunks of vectors that were placed."""
    import numpy as np

    placed = Placed(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    _write_items(session, places, placed, told)
    _write_chunks(session, places, nonces, placed.ids, placed.numbers)


def _write_items(session: Session, places: Places, placed: Placed, told: Told) -> None:
    """Write rows in the order the table keeps them in: 3 times as fast as in order of id."""
    import numpy as np

    order = np.argsort(placed.numbers, kind="stable")
    for begin in range(0, len(order), SLICE_ROWS):
        told("writing", begin, len(order))
        some = Placed(*(column[order[begin : begin + SLICE_ROWS]] for column in placed))
        with session.transaction():
            _require(session, places)
            _insert(session, places, some)


def _insert(session: Session, places: Places, placed: Placed) -> None:
    width, blob = placed.bits.shape[1], placed.bits.tobytes()
    session.writer.connection.executemany(
        f"insert or replace into partition_item values ({places.id}, ?, ?, ?, ?, ?)",
        zip(
            placed.numbers.tolist(), placed.ids.tolist(), placed.shift.tolist(), placed.factor.tolist(),
            (blob[at : at + width] for at in range(0, len(blob), width)), strict=True,
        ),
    )  # fmt: skip


def _write_chunks(
    session: Session, places: Places, nonces: dict[int, int], ids: np.ndarray, numbers: np.ndarray
) -> None:
    blobs = numbers_of(nonces, ids, numbers)
    with session.transaction():
        _require(session, places)
        session.writer.connection.executemany(
            "insert or replace into partition_chunk values (?, ?, ?, ?)",
            [(places.id, chunk, nonces[chunk], blob.tobytes()) for chunk, blob in blobs.items()],
        )


def _patch(session: Session, places: Places, chunks: list[int], room: Room) -> int:
    """Place the vectors of some chunks anew; return how many."""
    import numpy as np

    read = read_chunks(session, places.space, chunks)
    placed = place(places, read.ids, unit(read.rows, places.space.metric), room)
    with session.transaction():
        _require(session, places)
        connection = session.writer.connection
        now = nonces_of(connection, "embedding", (chunks[0], chunks[-1]))
        true = {chunk: nonce for chunk, nonce in read.nonces.items() if now.get(chunk) == nonce}
        changed = 0
        blobs = numbers_of(true, placed.ids, placed.numbers)
        for chunk, blob in blobs.items():
            before = _before(session, places, chunk)
            there = np.flatnonzero(before != NOWHERE)
            first = chunk << CHUNK_BITS
            connection.executemany(
                f"delete from partition_item where partitioning_id = {places.id} and number = ? and id = ?",
                zip(before[there].tolist(), (first + there).tolist(), strict=True),
            )
            changed += int(np.count_nonzero(before != blob))
        keep = np.isin(placed.ids >> CHUNK_BITS, np.fromiter(true, np.int64, len(true)))
        _insert(session, places, Placed(*(column[keep] for column in placed)))
        connection.executemany(
            "insert or replace into partition_chunk values (?, ?, ?, ?)",
            [(places.id, chunk, true[chunk], blob.tobytes()) for chunk, blob in blobs.items()],
        )
        connection.execute("update partitioning set changed = changed + ? where id = ?", (changed, places.id))
    return int(keep.sum())


def _before(session: Session, places: Places, chunk: int) -> np.ndarray:
    """Return where the vectors of a chunk were placed; one whose note is damaged is cleared of its rows first."""
    import numpy as np

    connection = session.writer.connection
    sql = "select numbers from partition_chunk where partitioning_id = ? and chunk = ?"
    rows: Any = connection.execute(sql, (places.id, chunk)).fetchall()
    if rows and len(rows[0][0]) == 2 * CHUNK_IDS:
        return np.frombuffer(rows[0][0], "<u2")
    if rows:
        first = chunk << CHUNK_BITS
        sql = "delete from partition_item where partitioning_id = ? and id between ? and ?"
        connection.execute(sql, (places.id, first, first + CHUNK_IDS - 1))
    return np.full(CHUNK_IDS, NOWHERE, "<u2")


def _measure_again(session: Session, places: Places, room: Room, told: Told) -> None:
    """Measure what recalls take, where enough vectors have other partitions than when it was measured."""
    sql = "select items, changed - measured from partitioning where id = ?"
    rows = session.rows(sql, (places.id,))
    if not rows or rows[0][1] <= MEASURE_AGAIN * rows[0][0]:
        return
    chunks, space = chunks_of(session, places.space), places.space
    truth = Truth(*sample(session, space, chunks, SAMPLE, rows[0][1]), space.metric)
    for some in blocks_of(space, chunks, room.block):
        told("measuring", some[0] - chunks[0], len(chunks))
        read = read_chunks(session, space, some)
        truth.add(read.ids, unit(read.rows, space.metric))
    _keep(session, places, measure(session, places, truth, told), "measured = changed")


def _keep(session: Session, places: Places, reaches: list[Measured], what: str, *values: int) -> None:
    """Write what recalls take, and what else is to be said of the partitioning."""
    with session.transaction():
        _require(session, places)
        connection = session.writer.connection
        connection.execute("delete from partition_reach where partitioning_id = ?", (places.id,))
        connection.executemany(
            "insert into partition_reach values (?, ?, ?, ?, ?, ?)",
            [(places.id, each.k, each.recall, *each.reach) for each in reaches],
        )
        connection.execute(f"update partitioning set {what} where id = ?1", (places.id, *values))


def _require(session: Session, places: Places) -> None:
    if not session.writer.connection.execute("select 1 from partitioning where id = ?", (places.id,)).fetchall():
        raise OvertakenError


def _drop(session: Session, space: Space, *, keep: int | None = None, only: int | None = None) -> None:
    """Delete partitionings of a library, a slice at a time: all but one, or one."""
    sql = "select id from partitioning where library_id = ? and (id < ? or id = ?)"
    most = (1 << 62 if keep == -1 else keep) or 0
    for (id,) in session.rows(sql, (space.id, most, only or 0)):
        session.change("update partitioning set complete = 0 where id = ?", (id,))
        last = session.rows("select max(number) from partition_center where partitioning_id = ?", (id,))[0][0] or 0
        items = session.rows("select items from partitioning where id = ?", (id,))[0][0]
        step = max(1, (last + 1) * SLICE_ROWS // max(items, 100_000))
        for begin in range(0, last + 1, step):
            sql = "delete from partition_item where partitioning_id = ? and number between ? and ?"
            session.change(sql, (id, begin, begin + step - 1))
        session.change("delete from partitioning where id = ?", (id,))
