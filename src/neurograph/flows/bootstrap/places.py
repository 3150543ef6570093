"""Places by principal components: of a library's items in its semantic space, of their tokens in the level abstract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import Conflict
from ...model.bootstrapped import PlacedWords
from ...progress import Told
from ...stores.library import Library
from .slices import as_one, library_of, rows_of, slices, telling
from .tokens import require_policy

if TYPE_CHECKING:
    import numpy as np

    from ...database import Database

LEVEL = "abstract"
COMPONENTS = 3

# A token that several items belong to is placed by the first of them.
BEFORE = """
    select item.id, item.x, item.y, item.z,
           case when item.id = (select min(id) from item as other
                                 where other.token_id = item.token_id and other.id >> 32 = item.id >> 32)
                then item.token_id end,
           abstract_x, abstract_y, abstract_z
      from item
      left join token on token.id = item.token_id
     where item.id in (select value from carray(?1))
     order by item.id"""


def place_tokens(
    db: Database, library: Library | str, reach: float, on_conflict: str, progress: bool | Told
) -> PlacedWords:
    """Place the items of a library and their tokens, see `Database.place_tokens`."""
    require_policy(on_conflict)
    ours = library_of(db, library)
    items = tokens = kept = 0
    with telling(progress, "items") as told, as_one(db):
        if ours.pca() is None:
            ours.fit_pca(min(COMPONENTS, ours.dimension))
        ids, points = ours._places(reach)
        for some in slices(ids):
            with db.transaction():
                here, placed, left = _place(db, some, points[items_before(ids, some)], on_conflict)
            items, tokens, kept = items + here, tokens + placed, kept + left
            told("places", int(ids.searchsorted(some[-1])) + 1, len(ids))
    return PlacedWords(items, tokens, kept)


def items_before(ids: np.ndarray, some: np.ndarray) -> slice:
    """Return where in `ids`, which ascend, the slice `some` of them is."""
    start = int(ids.searchsorted(some[0]))
    return slice(start, start + len(some))


def _place(db: Database, ids: np.ndarray, points: np.ndarray, on_conflict: str) -> tuple[int, int, int]:
    """Place some items and their tokens, in the caller's transaction; return how many of each, and how many stay."""
    wanted = dict(zip(ids.tolist(), map(tuple, points.tolist()), strict=True))
    moved, targets, kept, tokens = [], {}, 0, 0
    rows = rows_of(db, BEFORE, ids)
    for id, x, y, z, token, *place in rows:
        before, now, point = (x, y, z), tuple(place), wanted[id]
        if before != point:
            moved.append((*point, id))
        if token is None:
            continue
        if now not in (point, before, (None, None, None)):  # somebody else put it there
            if on_conflict == "error":
                raise Conflict(
                    f"token {token} must have no place in the level {LEVEL!r} but its item's, got {now!r}; pass "
                    "on_conflict='ignore' or 'update'"
                )
            if on_conflict == "ignore":
                kept += 1
                continue
        tokens += 1
        if now != point:
            targets[token] = point
    db._session.writer.connection.cursor().executemany("update item set x = ?, y = ?, z = ? where id = ?", moved)
    if targets:
        db.tokens.set_coordinates([*targets], [*targets.values()], LEVEL)
    return len(rows), tokens, kept
