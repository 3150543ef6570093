"""Tokens for the items of a library: the one that has the item's key as its label, or a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import InvalidValue
from ...model.bootstrapped import MadeTokens
from ...progress import Told
from ...stores.library import Library
from ...stores.tokens.many import ON_CONFLICT
from ...stores.where import Where
from .slices import as_one, item_ids, library_of, rows_of, slices, telling

if TYPE_CHECKING:
    import numpy as np

    from ...database import Database

WITHOUT = "select id, key from item where id in (select value from carray(?1)) and token_id is null order by id"


def make_tokens(
    db: Database,
    library: Library | str,
    entity_type: str | int | None,
    domain: str | int | None,
    where: Where | None,
    on_conflict: str,
    progress: bool | Told,
) -> MadeTokens:
    """Give the items of a library their tokens, see `Database.make_tokens`."""
    require_policy(on_conflict)
    ids = item_ids(db, library_of(db, library), where)
    created = found = kept = done = 0
    with telling(progress, "items") as told, as_one(db):
        for some in slices(ids):
            with db.transaction():
                new, there = _make(db, some, entity_type, domain, on_conflict)
            done += len(some)
            created, found, kept = created + new, found + there, kept + len(some) - new - there
            told("tokens", done, len(ids))
    return MadeTokens(created, found, kept)


def require_policy(on_conflict: str) -> None:
    """Refuse what is no policy."""
    if on_conflict not in ON_CONFLICT:
        raise InvalidValue(f"on_conflict must be one of {', '.join(ON_CONFLICT)}, got {on_conflict!r}")


def _make(
    db: Database, ids: np.ndarray, entity_type: str | int | None, domain: str | int | None, on_conflict: str
) -> tuple[int, int]:
    """Give some items their tokens, in the caller's transaction; return how many are new and how many were there."""
    rows = rows_of(db, WITHOUT, ids)
    if not rows:
        return 0, 0
    keys = [key for _, key in rows]
    labels = [key for key in keys if key is not None]
    there = int((db.tokens.labels_to_ids(labels, missing="zero") > 0).sum()) if labels else 0
    tokens = db.tokens.create_many(keys, entity_type=entity_type, domain=domain, on_conflict=on_conflict)
    db._session.writer.connection.cursor().executemany(
        "update item set token_id = ? where id = ?", zip(tokens.tolist(), [id for id, _ in rows], strict=True)
    )
    return len(rows) - there, there
