"""Table-valued functions over the graph."""

from __future__ import annotations

from ..errors import InvalidValue
from .function import NAME, NUMBER, TEXT, TOKEN, WHOLE, Argument, Function

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..database import Database
    from .answer import Found

COSTS = ("inverse_weight", "weight", "hops")


def _links(db: Database, token: int | str, direction: str, type: str | int | None) -> Found:
    return db.graph.entries(token, direction=direction, types=type)


def _bfs(db: Database, token: int | str, max_depth: int | None, direction: str) -> Found:
    return db.graph.bfs(token, max_depth=max_depth, direction=direction)


def _shortest_path(db: Database, source: int | str, target: int | str, by: Any) -> Found:
    if by not in COSTS:
        raise InvalidValue(f"by must be one of {', '.join(COSTS)}, got {by!r}")
    steps = db.graph.steps(source, target, cost=by) or []
    return [(at, *step) for at, step in enumerate(steps)]


def _spread(db: Database, token: int | str, strength: float) -> Found:
    if not strength > 0:
        raise InvalidValue(f"strength must be above 0, got {strength!r}")
    return db.graph.spread(token, energy=strength)


def _pagerank(db: Database) -> Found:
    return db.graph.pagerank()


def _components(db: Database, strong: int) -> Found:
    if strong not in (0, 1):
        raise InvalidValue(f"strong must be 0 or 1, got {strong!r}")
    return db.graph.components(strong=bool(strong))


GRAPH_FUNCTIONS = (
    Function(
        "ng_links",
        (("id", "integer"), ("type", "integer"), ("key", "text"), ("weight", "real")),
        (Argument("token", TOKEN), Argument("direction", TEXT, "out"), Argument("link_type", NAME, None)),
        _links,
        rows=10,
        order=("id", "type", "key", "weight"),
    ),
    Function(
        "ng_bfs",
        (("id", "integer"), ("depth", "integer")),
        (Argument("token", TOKEN), Argument("max_depth", WHOLE, None), Argument("direction", TEXT, "out")),
        _bfs,
        rows=1000,
        order=("depth", "id"),
    ),
    Function(
        "ng_shortest_path",
        (("step", "integer"), ("id", "integer"), ("type", "integer"), ("cost", "real")),
        (Argument("source", TOKEN), Argument("target", TOKEN), Argument("by", TEXT, "inverse_weight")),
        _shortest_path,
        rows=10,
        order=("step",),
    ),
    Function(
        "ng_spread",
        (("id", "integer"), ("energy", "real"), ("depth", "integer")),
        (Argument("token", TOKEN), Argument("strength", NUMBER, 1.0)),
        _spread,
        order=("-energy", "id"),
    ),
    Function("ng_pagerank", (("id", "integer"), ("score", "real")), (), _pagerank, rows=100_000, order=("id",)),
    Function(
        "ng_components",
        (("id", "integer"), ("component", "integer")),
        (Argument("strong", WHOLE, 0),),
        _components,
        rows=100_000,
        order=("id",),
    ),
)
