"""How much memory making partitions may take: what the budget leaves, so that nobody is surprised by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ....connection.session import Session

if TYPE_CHECKING:
    from ....derived.mechanism import Derived

LEAST_BYTES = 1 << 26  # a chunk of 512 vectors of 8192 dimensions is read whole, and then held twice


class Room(NamedTuple):
    """What may be held at a time, in bytes: each a share of the whole, and no more than makes it faster."""

    sample: int
    """Of vectors that centroids are trained by: held once, and twice where all of them lie together."""
    block: int
    """Of vectors read: held three times."""
    placed: int
    """Of vectors whose codes are made: held five times."""
    codes: int
    """Of codes that wait to be written: held twice."""


def room_of(session: Session, derived: Derived) -> Room:
    """Return the room that arrays in memory leave, as if there was a little where there is none."""
    return divided(session.options.memory_budget_bytes - derived.nbytes())


def divided(left_bytes: int) -> Room:
    """Return how memory is divided: training and placing follow each other, so that their shares may overlap."""
    whole = max(left_bytes, LEAST_BYTES)
    return Room(min(whole // 3, 1 << 27), min(whole // 8, 1 << 25), min(whole // 32, 1 << 23), min(whole // 8, 1 << 27))
