"""The table-valued function that asks everything at once."""

from __future__ import annotations

from .function import TEXT, WHOLE, Argument, Function, Type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..database import Database
    from .answer import Found

QUESTION = Type("a text, or a vector (a blob of float32)", (str, bytes))


def _hybrid(db: Database, query: str | bytes, k: int, library: str | None) -> Found:
    from ..model.query_result import legs_json

    return [(hit.kind, hit.id, hit.score, legs_json(hit)) for hit in db.query(query, k, library=library)]


QUERY_FUNCTIONS = (
    Function(
        "ng_hybrid",
        (("kind", "text"), ("id", "integer"), ("score", "real"), ("legs", "text")),
        (Argument("query", QUESTION), Argument("k", WHOLE, 10), Argument("library", TEXT, None)),
        _hybrid,
        rows=10,
        order=("-score", "kind", "id"),
    ),
)
