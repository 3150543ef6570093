"""A log read by its ids, a page at a time, so that any number of rows takes little memory and no lock.

A part of the stores layer, not a store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..errors import InvalidValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol, TypeVar

    class HasId(Protocol):
        """What has a place in the log."""

        @property
        def id(self) -> int:
            """Its number."""

    Record = TypeVar("Record", bound=HasId)

PAGE = 1000
ORDERS = ("oldest", "newest")


def is_newest_first(order: str) -> bool:
    """Return what an argument `order` asks for."""
    if order not in ORDERS:
        raise InvalidValue(f"order must be one of {', '.join(ORDERS)}, got {order!r}")
    return order == "newest"


def in_pages(
    page: Callable[[int, int, int], Sequence[Record]], low: int, high: int, most: int | None, newest_first: bool
) -> Iterator[Record]:
    """Yield records with ids above `low` and up to `high`, at most so many; None: all.

    `page` returns the first so many of those between two such bounds, in the order that is asked for.
    """
    while low < high and (most is None or most > 0):
        size = PAGE if most is None else min(PAGE, most)
        found = page(low, high, size)
        yield from found
        if len(found) < size:
            return
        most = None if most is None else most - size
        low, high = (low, found[-1].id - 1) if newest_first else (found[-1].id, high)
