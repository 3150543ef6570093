"""What the steps share: which library and which of its items, in slices, and telling how far they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from ...errors import InvalidValue
from ...progress import Progress, Told
from ...stores.arguments import bound_ids
from ...stores.library import Library
from ...stores.library.base import require_library
from ...stores.library.nearest.choice import chosen
from ...stores.where import Where, blamed

if TYPE_CHECKING:
    import numpy as np

    from ...database import Database

SLICE_ITEMS = 2048  # 20 to 40 ms of writing


def library_of(db: Database, library: Library | str) -> Library:
    """Return a library given as one, or by its name."""
    if isinstance(library, Library):
        if library._session is not db._session:  # the same id may be another library's there
            raise InvalidValue(f"library must be one of this Database, got {library!r} of another; pass its name")
        return library
    if not isinstance(library, str):
        raise InvalidValue(f"library must be a Library or its name, got {library!r}")
    return db.library.get(library)


def item_ids(db: Database, library: Library, where: Where | None) -> np.ndarray:
    """Return the ids of a library's items, or of those that a condition leaves, ascending, (n,) int64."""
    import numpy as np

    space = library._space
    asked, values, _ = chosen(space, where, None)
    which = f"and id in ({asked})" if asked else ""
    with blamed(db._session, where), db._session.reading() as line:
        require_library(line.connection, space)
        sql = f"select id from item where id between {space.first_id} and {space.last_id} {which} order by id"
        return np.fromiter((id for (id,) in line.connection.execute(sql, values)), np.int64)


def slices(ids: np.ndarray) -> Iterator[np.ndarray]:
    """Yield ids, a slice at a time."""
    for start in range(0, len(ids), SLICE_ITEMS):
        yield ids[start : start + SLICE_ITEMS]


def rows_of(db: Database, sql: str, ids: np.ndarray) -> list[Any]:
    """Return the rows of a query whose ``?1`` stands for ids, as ``carray(?1)``."""
    return db._session.rows(sql, (bound_ids(ids),))


def as_one(db: Database) -> AbstractContextManager[object]:
    """Return a context that undoes all of a step that fails in a transaction of the caller's, who may go on with it."""
    return db.transaction() if db.in_transaction else nullcontext()


def telling(progress: bool | Told, unit: str) -> AbstractContextManager[Told]:
    """Return a context whose value is what to tell: a line on stderr, the caller's function, or nobody."""
    if not isinstance(progress, bool) and not callable(progress):
        raise InvalidValue(f"progress must be True, False or a function, got {progress!r}")
    return Progress(unit) if progress is True else nullcontext(progress or _nobody)


def _nobody(what: str, done: int, total: int | None) -> None:
    pass
