"""Table-valued functions over the graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .function import Argument, Function

if TYPE_CHECKING:
    from ..database import Database


def _links(db: Database, token: int | str, direction: str, type: str | int | None) -> Sequence[Any]:
    return db.graph.entries(token, direction=direction, types=type)


def _bfs(db: Database, token: int | str, max_depth: int | None, direction: str) -> Sequence[Any]:
    return list(db.graph.bfs(token, max_depth=max_depth, direction=direction))


def _shortest_path(db: Database, source: int | str, target: int | str, by: Any) -> Sequence[Any]:
    steps = db.graph.steps(source, target, cost=by) or []
    return [(at, *step) for at, step in enumerate(steps)]


def _spread(db: Database, token: int | str, strength: float) -> Sequence[Any]:
    return [(id, energy, depth) for id, energy, depth, _ in db.graph.spread(token, energy=strength)]


def _pagerank(db: Database) -> Sequence[Any]:
    return list(db.graph.pagerank())


def _components(db: Database, strong: int) -> Sequence[Any]:
    return list(db.graph.components(strong=bool(strong)))


GRAPH_FUNCTIONS = (
    Function(
        "ng_links",
        (("id", "integer"), ("type", "integer"), ("key", "text"), ("weight", "real")),
        (Argument("token"), Argument("direction", "out"), Argument("link_type", None)),
        _links,
        rows=10,
        order=("id",),
    ),
    Function(
        "ng_bfs",
        (("id", "integer"), ("depth", "integer")),
        (Argument("token"), Argument("max_depth", None), Argument("direction", "out")),
        _bfs,
        rows=1000,
        order=("depth", "id"),
    ),
    Function(
        "ng_shortest_path",
        (("step", "integer"), ("id", "integer"), ("type", "integer"), ("cost", "real")),
        (Argument("source"), Argument("target"), Argument("by", "inverse_weight")),
        _shortest_path,
        rows=10,
        order=("step",),
    ),
    Function(
        "ng_spread",
        (("id", "integer"), ("energy", "real"), ("depth", "integer")),
        (Argument("token"), Argument("strength", 1.0)),
        _spread,
        order=("-energy", "id"),
    ),
    Function("ng_pagerank", (("id", "integer"), ("score", "real")), (), _pagerank, rows=100_000, order=("id",)),
    Function(
        "ng_components",
        (("id", "integer"), ("component", "integer")),
        (Argument("strong", 0),),
        _components,
        rows=100_000,
        order=("id",),
    ),
)
