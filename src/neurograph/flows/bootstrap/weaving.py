"""The weave: a link from each token of a library to the tokens of the items nearest to its own.

Invariants:

1. The links of a weave are the edges of its type with its key; nobody else's are touched.
2. After a whole run they are exactly: from each item with a token and a vector to the k nearest such items, as
   `Library.search_many` finds them, itself left out; none between items of one token; of two between the same tokens
   the shorter. Besides, links of earlier runs that carry a connection: what was learned is nothing to delete unasked.
3. A block of tokens is searched without the write lock, then its links are compared with those that are there and the
   difference is written, in one transaction, or in several where many are to be deleted. Items that meanwhile lost
   their token are passed over.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import InvalidValue
from ...model.bootstrapped import Woven
from ...progress import Told
from ...stores.arguments import bound_ids, key_text, real, whole
from ...stores.edge_place import TypeLike, type_code
from ...stores.library import Library
from ...stores.library.base import require_library
from ...stores.library.nearest.choice import chosen
from ...stores.where import Where, blamed, condition_of
from .slices import as_one, library_of, rows_of, slices, telling

if TYPE_CHECKING:
    import numpy as np

    from ...database import Database

BLOCK_LINKS, MOST_TOKENS = 2560, 512  # written, and searched for, at a time: 25 ms, and 0.3 s among 117,659 of 384
MOST_DELETED = 512  # at a time: a row's triggers take up to 70 µs
POLICIES = ("update", "ignore")
Link = tuple[int, int]

DELETE = "delete from edge where source = ? and target = ? and type = ? and key = ?"
CHANGE = "update edge set weight = ? where source = ? and target = ? and type = ? and key = ?"


class Asked(NamedTuple):
    """What a caller asks for, see `Database.weave`."""

    library: Library | str
    k: int
    decay: float
    type: TypeLike
    key: str | None
    max_distance: float
    where: Where | None
    on_conflict: str
    resume: bool
    called: str = "on_conflict"
    """What the caller calls the policy."""


class Weave(NamedTuple):
    """What is to be woven."""

    library: Library
    k: int
    decay: float
    code: int
    key: str
    where: Where | None
    max_distance: float
    keep_weights: bool


def weave(db: Database, given: Asked, progress: bool | Told, timeout_s: float | None) -> Woven:
    """Link the tokens of what is near, see `Database.weave`."""
    began = monotonic()
    with telling(progress, "items") as told, as_one(db):
        with blamed(db._session, given.where), db._session.reading(timeout_s) as line:
            asked = _checked(db, line.connection, given)
            tokens, items = _sources(line.connection, asked)
            left = _unlinked(line.connection, asked, tokens) if given.resume else slice(None)
        created = changed = deleted = kept = done = 0
        todo = len(tokens[left])
        for sources, its_items in _blocks(tokens[left], items[left], asked.k):
            rest = None if timeout_s is None else max(timeout_s - (monotonic() - began), 1e-9)
            near = _search(db, asked, its_items, rest)
            stay: int | None = None
            while stay is None:
                with db.transaction():
                    counts, stay = _write(db, asked, sources, _wanted(db, sources, near, asked.decay))
                created, changed, deleted = (a + b for a, b in zip((created, changed, deleted), counts, strict=True))
            kept += stay
            done += len(its_items)
            told("links", done, todo)
        swept, stay = _sweep(db, asked, tokens)
        deleted, kept = deleted + swept, kept + stay
    total = db._session.rows("select count(*) from edge where type = ? and key = ?", (asked.code, asked.key))[0][0]
    return Woven(total, created, changed, deleted, kept)


def require_weavable(db: Database, given: Asked) -> None:
    """Refuse what `weave` would refuse before it searches for anything."""
    with db._session.reading() as line:
        _checked(db, line.connection, given)


def _checked(db: Database, connection: Any, given: Asked) -> Weave:
    """Return what is to be woven, if it can be."""
    library = library_of(db, given.library)
    require_library(connection, library._space)
    if library.metric == "dot":
        raise InvalidValue(
            f"library must have the metric 'cosine' or 'l2', got {library.name!r} with 'dot', whose distances may be "
            "below 0; add its vectors to a library with metric='cosine'"
        )
    if given.on_conflict not in POLICIES:
        raise InvalidValue(f"{given.called} must be one of {', '.join(POLICIES)}, got {given.on_conflict!r}")
    k, decay, reach = whole(given.k, "k"), real(given.decay, "decay", 0.0), given.max_distance
    reach = reach if reach == math.inf else real(reach, "max_distance", 0.0)
    key = library.name if given.key is None else key_text(given.key)
    code = type_code(connection, given.type)
    return Weave(library, k, decay, code, key, given.where, reach, given.on_conflict == "ignore")


def _condition(asked: Weave) -> tuple[str, list[Any]]:
    """Return a query of the ids of items that are woven, and its values."""
    first, last = asked.library._space.ids
    among, values, _ = chosen(asked.library._space, asked.where, None)
    which = f"and id in ({among})" if among else ""
    return f"select id from item where id between {first} and {last} and token_id is not null {which}", [*values]


def _sources(connection: Any, asked: Weave) -> tuple[np.ndarray, np.ndarray]:
    """Return the tokens, ascending, and the items of all that are woven and have a vector, (n,) int64 each."""
    import numpy as np

    sql, values = _condition(asked)
    rows = connection.execute(
        f"select token_id, id from item where id in ({sql}) and exists (select 1 from embedding where id = item.id)"
        " order by token_id, id",
        values,
    )
    pairs = np.fromiter(rows, "i8, i8")
    return pairs["f0"].copy(), pairs["f1"].copy()


def _unlinked(connection: Any, asked: Weave, tokens: np.ndarray) -> np.ndarray:
    """Return which of `tokens` have fewer than k links of this weave, (n,) bool."""
    import numpy as np

    sql = """select source from edge
              where source in (select value from carray(?)) and type = ? and key = ?
              group by source having count(*) >= ?"""
    rows = connection.execute(sql, (bound_ids(tokens), asked.code, asked.key, asked.k))
    return ~np.isin(tokens, np.fromiter((source for (source,) in rows), np.int64))


def _blocks(tokens: np.ndarray, items: np.ndarray, k: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield tokens and their items, a block at a time, all items of one token in one block."""
    import numpy as np

    size = max(1, min(BLOCK_LINKS // max(k, 1), MOST_TOKENS))
    each, starts = np.unique(tokens, return_index=True)
    bounds = [*starts[::size].tolist(), len(tokens)]
    for at, (start, stop) in enumerate(pairwise(bounds)):
        yield each[at * size : (at + 1) * size], items[start:stop]


def _search(
    db: Database, asked: Weave, items: np.ndarray, timeout_s: float | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the items of each link found, from and to, and the distances, (links,) each."""
    import numpy as np

    library = asked.library
    with db._session.reading(timeout_s) as line:
        require_library(line.connection, library._space)
        rows = rows_of(db, "select id, vector from embedding where id in (select value from carray(?1))", items)
        vectors = np.frombuffer(b"".join([row[1] for row in rows]), "<f4").reshape(len(rows), library.dimension)
        good = np.isfinite(vectors).all(axis=1)
        sources = np.array([row[0] for row in rows], np.int64)[good]
        if not len(sources):
            return sources, sources, np.empty(0)
        ids, distances = library.search_many(
            vectors[good], asked.k + 1, max_distance=asked.max_distance, where=_where(db, asked)
        )
    others = (ids != sources[:, None]) & (ids > 0)
    others &= np.cumsum(others, axis=1) <= asked.k  # where it is not among its own k + 1 nearest, one too many
    return np.broadcast_to(sources[:, None], ids.shape)[others], ids[others], distances[others]


def _where(db: Database, asked: Weave) -> Where | None:
    """Return the condition for what a link may lead to; None where that is everything, which is searched faster."""
    if asked.where is not None:
        condition, values = condition_of(asked.where)
        return f"item.token_id is not null and {condition}", values
    first, last = asked.library._space.ids
    without = db._session.rows(f"select 1 from item where id between {first} and {last} and token_id is null limit 1")
    return "token_id is not null" if without else None


def _wanted(
    db: Database, sources: np.ndarray, near: tuple[np.ndarray, np.ndarray, np.ndarray], decay: float
) -> dict[Link, float]:
    """Return the weight of each link that leaves one of the tokens `sources`, by the tokens the items have now."""
    import numpy as np

    starts, ends, distances = near
    sql = "select id, token_id from item where id in (select value from carray(?1)) and token_id is not null"
    token_of: dict[int, int] = dict(rows_of(db, sql, np.unique(np.concatenate((starts, ends)))))
    ours = set(sources.tolist())
    wanted: dict[Link, float] = {}
    weights = 1.0 / (1.0 + distances * decay)
    for start, end, weight in zip(starts.tolist(), ends.tolist(), weights.tolist(), strict=True):
        link = source, target = token_of.get(start, 0), token_of.get(end, 0)
        if source in ours and target and source != target:
            wanted[link] = max(weight, wanted.get(link, weight))
    return wanted


def _write(
    db: Database, asked: Weave, sources: np.ndarray, wanted: dict[Link, float]
) -> tuple[tuple[int, int, int], int | None]:
    """Make the links of some tokens those that are wanted.

    Return how many were created, changed and deleted, and how many stay for their connections; None where many are to
    go, of which only so many went.
    """
    sql = f"""select source, target, weight,
                     exists (select 1 from connection
                              where (source, type, target, key) = (edge.source, edge.type, edge.target, edge.key))
                from edge
               where source in (select value from carray(?1)) and type = {asked.code} and key = ?2"""
    rows = db._session.rows(sql, (bound_ids(sources), asked.key))
    there: dict[Link, float] = {(source, target): weight for source, target, weight, _ in rows}
    connected = {(source, target) for source, target, _, carries in rows if carries}
    place, cursor = (asked.code, asked.key), db._session.writer.connection.cursor()
    unwanted = [link for link in there if link not in wanted]
    gone = [link for link in unwanted if link not in connected]
    cursor.executemany(DELETE, [(*link, *place) for link in gone[:MOST_DELETED]])
    if len(gone) > MOST_DELETED:
        return (0, 0, MOST_DELETED), None
    changed = [link for link, weight in there.items() if not asked.keep_weights and wanted.get(link, weight) != weight]
    cursor.executemany(CHANGE, [(wanted[link], *link, *place) for link in changed])
    new = [link for link in wanted if link not in there]
    if new:
        weights = [wanted[link] for link in new]
        ends = [[link[side] for link in new] for side in (0, 1)]
        db.graph.create_many(*ends, type=asked.code, key=asked.key, weight=weights)
    return (len(new), len(changed), len(gone)), len(unwanted) - len(gone)


def _sweep(db: Database, asked: Weave, tokens: np.ndarray) -> tuple[int, int]:
    """Delete the links of this weave that leave other tokens than those; return how many went, and how many stay."""
    import numpy as np

    sql = """select distinct source from edge
              where type = ?2 and key = ?3 and source not in (select value from carray(?1))"""
    with db._session.reading() as line:
        rows = line.connection.execute(sql, (bound_ids(tokens), asked.code, asked.key))
        others = np.fromiter((source for (source,) in rows), np.int64)
    deleted = kept = 0
    for some in slices(others):
        stay: int | None = None
        while stay is None:
            with db.transaction():
                counts, stay = _write(db, asked, some, {})
            deleted += counts[2]
        kept += stay
    return deleted, kept
