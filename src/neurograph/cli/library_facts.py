"""What `ngdb library list` and `info` say of a library, as plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..database import Database
    from ..stores.library.library import Library

COUNTS = {"keys": "key", "texts": "text", "tokens": "token_id", "metadata": "metadata"}


def library_facts(db: Database, library: Library, *, whole: bool = False) -> dict[str, Any]:
    """Return what is known of a library; `whole`: also what takes a look at every item."""
    ids = [library.id << 32, library.id << 32 | 0xFFFFFFFF]
    ((vectors,),) = db.execute("select count(*) from embedding where id between ? and ?", ids)
    identity = library.identity
    facts = {
        "name": library.name,
        "dimension": library.dimension,
        "metric": library.metric,
        "model": identity.model,
        "items": library.count(),
        "vectors": vectors,
    }
    if not whole:
        return facts
    counted = ", ".join(f"count({column})" for column in COUNTS.values())
    sizes = " + ".join(f"coalesce(length(cast({column} as blob)), 0)" for column in ("key", "text", "metadata"))
    found = db.execute(f"select {counted}, coalesce(sum({sizes}), 0) from item where id between ? and ?", ids)
    *counts, item_bytes = found.fetchall()[0]
    pca = library.pca()
    return {
        **facts,
        **dict(zip(COUNTS, counts, strict=True)),
        "vector_bytes": 4 * library.dimension * vectors,
        "item_bytes": item_bytes,
        "code_bytes": _code_bytes(db, library),
        "text_index": library.text_index,
        "pca": None if pca is None else {"dimensions": pca.dimensions, "explained": float(pca.explained.sum())},
        "identity": identity._asdict(),
    }


def _code_bytes(db: Database, library: Library) -> int:
    """Return what the codes of all vectors take at most where they are loaded."""
    from ..stores.library.nearest.kind import VectorKind

    kind = VectorKind(library._space)
    with db._session.reading() as line:
        sql = "select count(*) from mark where subject = ? and chunk between ? and ?"
        rows: Any = line.connection.execute(sql, (kind.subject, *kind.chunks)).fetchall()
        return kind.estimate(line.connection, rows[0][0])[1]


def unfinished(db: Database) -> list[str]:
    """Return the names of libraries whose load is under way, or was broken off."""
    return [name for (name,) in db.execute("select name from library where not complete order by name")]
