"""The table-valued functions of the demo's questions, answered naively, for a plain apsw connection.

They have the names, arguments and columns that `docs/sql.md` promises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import apsw
import apsw.ext
from naive_library import Library


def register(connection: apsw.Connection, library: Library, codes: dict[str, int]) -> None:
    """Register the functions on a connection; `codes` are the connection types by name."""
    for name, (outputs, answer) in functions(library, codes).items():
        answer.columns, answer.column_access = outputs, apsw.ext.VTColumnAccess.By_Index  # type: ignore[attr-defined]
        apsw.ext.make_virtual_module(connection, name, answer)


def functions(library: Library, codes: dict[str, int]) -> dict[str, tuple[tuple[str, ...], Callable[..., Any]]]:
    """Name each function's columns and answer it naively; tokens are given by label."""
    kinds: dict[tuple[int, int], int] = {}  # of parallel edges the one with the smallest code
    for source, kind, target, _ in library.edges:
        kinds[source, target] = min(codes[kind], kinds.get((source, target), codes[kind]))

    def ng_bfs(token: str, max_depth: int, direction: str) -> Iterator[tuple[int, int]]:
        yield from library.bfs(token, max_depth, direction).items()

    def ng_shortest_path(source: str, target: str, by: str) -> Iterator[tuple[int, int, int | None, float]]:
        assert by == "hops"
        path = library.shortest_path(source, target)
        for step, id in enumerate(path):
            yield step, id, kinds[path[step - 1], id] if step else None, float(step)

    def ng_near(token: str, k: int, level: str) -> Iterator[tuple[int, float]]:
        yield from ((id, distance) for distance, id in library.near(token, k, level))

    def ng_in_range(level: str, x: float, y: float, z: float, radius: float) -> Iterator[tuple[int, float]]:
        yield from ((id, distance) for distance, id in library.distances(level, x, y, z) if distance <= radius)

    def ng_spread(token: str, start: float) -> Iterator[tuple[int, float, int]]:
        yield from ((id, reached, depth) for id, (reached, depth) in library.spread(token, start).items())

    def ng_pagerank() -> Iterator[tuple[int, float]]:
        yield from library.pagerank().items()

    return {
        "ng_bfs": (("id", "depth"), ng_bfs),
        "ng_shortest_path": (("step", "id", "type", "cost"), ng_shortest_path),
        "ng_near": (("id", "distance"), ng_near),
        "ng_in_range": (("id", "distance"), ng_in_range),
        "ng_spread": (("id", "energy", "depth"), ng_spread),
        "ng_pagerank": (("id", "score"), ng_pagerank),
    }
