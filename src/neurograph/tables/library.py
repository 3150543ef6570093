"""Table-valued functions over libraries."""

from __future__ import annotations

from .function import IDS, QUERY, TEXT, WHOLE, Argument, Function

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..database import Database
    from .answer import Found


def _knn(db: Database, library: str, query: bytes | int | str, k: int, among: frozenset[int] | int | None) -> Found:
    ids = [among] if isinstance(among, int) else among and [id for id in among if id is not None]  # NULL is in no list
    space = db.library.get(library)
    if isinstance(query, bytes):
        return space.search(query, k, among=ids)
    return space.search(k=k, item=query, among=ids)


LIBRARY_FUNCTIONS = (
    Function(
        "ng_knn",
        (("id", "integer"), ("key", "text"), ("distance", "real")),
        (Argument("library", TEXT), Argument("query", QUERY), Argument("k", WHOLE, 10), Argument("among", IDS, None)),
        _knn,
        rows=10,
        order=("distance", "id"),
    ),
)
