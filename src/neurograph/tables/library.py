"""Table-valued functions over libraries."""

from __future__ import annotations

from .function import IDS, QUERY, TEXT, WHOLE, Argument, Function

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..database import Database
    from .answer import Found


def _knn(db: Database, library: str, query: bytes | int | str, k: int, among: frozenset[int] | int | None) -> Found:
    space, ids = db.library.get(library), _ids(among)
    if isinstance(query, bytes):
        return space.search(query, k, among=ids)
    return space.search(k=k, item=query, among=ids)


def _match(db: Database, library: str, text: str, k: int, among: frozenset[int] | int | None, syntax: str) -> Found:
    return db.library.get(library).match(text, k, among=_ids(among), syntax=syntax)


def _ids(among: frozenset[int] | int | None) -> Iterable[int] | None:
    return [among] if isinstance(among, int) else among and [id for id in among if id is not None]  # NULL is in no list


LIBRARY_FUNCTIONS = (
    Function(
        "ng_knn",
        (("id", "integer"), ("key", "text"), ("distance", "real")),
        (Argument("library", TEXT), Argument("query", QUERY), Argument("k", WHOLE, 10), Argument("among", IDS, None)),
        _knn,
        rows=10,
        order=("distance", "id"),
    ),
    Function(
        "ng_match",
        (("id", "integer"), ("key", "text"), ("score", "real")),
        (
            Argument("library", TEXT),
            Argument("text", TEXT),
            Argument("k", WHOLE, 10),
            Argument("among", IDS, None),
            Argument("syntax", TEXT, "words"),
        ),
        _match,
        rows=10,
        order=("-score", "id"),
    ),
)
