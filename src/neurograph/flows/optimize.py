"""`db.optimize()`: leave the file so that the next process answers fast.

Invariants:

1. Nothing it writes is needed for an answer; dropping it all changes none. Marks are the exception: it gives back those
   that somebody deleted. What it deletes of messages and stored values is what no reader finds any more.
2. The write lock is held for a slice of chunks at a time, so other writers wait for at most about 100 ms.
"""

from __future__ import annotations

from typing import NamedTuple

from ..connection.session import Session
from ..derived import saved
from ..derived.kind import CHUNK_BITS
from ..stores.grid.arrays import GridKind
from ..stores.grid.block_build import save_blocks
from ..stores.grid.blocks import are_saved
from ..stores.queue import Queue
from ..stores.storage import Storage
from ..stores.text_objects import drop_orphans
from .kinds import KINDS

SLICE_CHUNKS = 64  # of 512 ids: 30 to 90 ms of reading and writing
# Chunks without a mark, found by one look at each: for a million rows 2,000 instead of all of them.
UNMARKED = {
    subject: f"""
    with recursive there (chunk) as (
        select min({id}) >> {CHUNK_BITS} from {subject}
         union all
        select (select min({id}) >> {CHUNK_BITS} from {subject} where {id} >= (there.chunk + 1) << {CHUNK_BITS})
          from there
         where there.chunk is not null)
    select chunk from there where chunk is not null
    except select chunk from mark where subject = ?"""
    for subject, id in (("token", "id"), ("edge", "source"), ("embedding", "id"))
}


class Optimized(NamedTuple):
    """What `optimize` did."""

    saved_bytes: int
    """Arrays saved in the file."""
    freed_pages: int
    """Pages given back to the system."""


def optimize(session: Session, budget_bytes: int) -> Optimized:
    """Save derived arrays within the budget, refresh the planner's statistics, give free pages back.

    Text indexes of libraries that SQL deleted go, too, and marks that somebody deleted come back. What time does to
    messages and stored values is done.
    """
    Queue(session).sweep()
    Storage(session).purge()
    _mend_marks(session)
    total = 0
    for kind in KINDS:
        if isinstance(kind, GridKind):
            total += save_blocks(session, kind.level, budget_bytes - total)
            if _in_blocks(session, kind):
                continue
        left = 1
        while left and total < budget_bytes:
            with session.transaction():
                written, left = saved.save(session.writer.connection, kind, budget_bytes - total, SLICE_CHUNKS)
            total += written
    with session.transaction():
        drop_orphans(session.writer.connection)
        session.change("pragma optimize")
    free = session.rows("pragma freelist_count")[0][0]
    session.change(f"pragma incremental_vacuum({free})")
    return Optimized(total, free)


def _mend_marks(session: Session) -> None:
    """Give every chunk of rows its mark: arrays are made of chunks that have one."""
    missing = [(subject, chunk) for subject, sql in UNMARKED.items() for (chunk,) in session.rows(sql, (subject,))]
    if missing:
        with session.transaction():
            session.writer.connection.executemany(
                "insert into mark values (?, ?, random()) on conflict do nothing", missing
            )


def _in_blocks(session: Session, kind: GridKind) -> bool:
    """Tell whether a kind is saved as blocks; chunks of its rows, which say the same, are deleted then."""
    with session.reading() as line:
        if not are_saved(line.connection, kind.level):
            return False
    chunks = "select rowid from derived_chunk where subject = ? limit ?"
    while session.change(f"delete from derived_chunk where rowid in ({chunks}) returning 1", (kind.name, SLICE_CHUNKS)):
        pass
    return True


def drop_derived(session: Session) -> int:
    """Delete all that is derived, and return how many saved chunks, kept vectors of texts and partitionings there were.

    Chunks and vectors are made again when they are needed, partitions when `library.optimize()` is called. What was
    measured of approximate searches goes too; what a reembedding that is under way made stays.
    """
    with session.transaction():
        session.change("delete from reembedded where id >> 32 not in (select library_id from reembedding)")
        partitionings: int = session.rows("select count(*) from partitioning")[0][0]
        partitions = ("partition_item", "partition_center", "partition_chunk", "partition_reach", "partitioning")
        for table in (*partitions, "calibration"):
            session.change(f"delete from {table}")
        chunks = session.change("delete from derived_chunk returning 1")
        return len(chunks) + len(session.change("delete from text_vector returning 1")) + partitionings
