"""The grid store, put together from its parts."""

from __future__ import annotations

from .influence import Influence
from .places import Places
from .search import Search


class Grid(Search, Influence, Places):
    """The space of a database, reached as `db.grid`.

    A token argument is a `Token`, an id or a label; a level its name, its number from 0, or L1 to L8.
    """
