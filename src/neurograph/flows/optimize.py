"""`db.optimize()`: leave the file so that the next process answers fast.

Invariants:

1. Nothing it writes is needed for an answer; dropping it all changes none.
2. The write lock is held for a slice of chunks at a time, so other writers wait for at most about 100 ms.
"""

from __future__ import annotations

from typing import NamedTuple

from ..connection.session import Session
from ..derived import saved
from ..model.levels import LEVELS
from ..stores.grid.block_build import save_blocks
from .kinds import KINDS

SLICE_CHUNKS = 64  # of 512 ids: 30 to 90 ms of reading and writing


class Optimized(NamedTuple):
    """What `optimize` did."""

    saved_bytes: int
    """Arrays saved in the file."""
    freed_pages: int
    """Pages given back to the system."""


def optimize(session: Session, budget_bytes: int) -> Optimized:
    """Save derived arrays within the budget, refresh the planner's statistics, give free pages back."""
    total = 0
    for kind in KINDS:
        left = 1
        while left and total < budget_bytes:
            with session.transaction():
                written, left = saved.save(session.writer.connection, kind, budget_bytes - total, SLICE_CHUNKS)
            total += written
    for level in LEVELS:
        total += save_blocks(session, level, budget_bytes - total)
    with session.transaction():
        session.change("pragma optimize")
    free = session.rows("pragma freelist_count")[0][0]
    session.change(f"pragma incremental_vacuum({free})")
    return Optimized(total, free)


def drop_derived(session: Session) -> int:
    """Delete all saved arrays, and return how many chunks there were; they are built again when they are needed."""
    with session.transaction():
        return len(session.change("delete from derived_chunk returning 1"))
