"""What following edges finds: breadth first, depth first, neighborhoods."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from ...connection.line import Line
from ...model.records import Visits
from ..arguments import TokenLike, existing_token_id, token_id, whole
from . import plain
from .arrays import GraphArrays
from .base import GraphPart, TypesLike, allowed_kinds, direction_of, type_codes
from .plain import Rows

if TYPE_CHECKING:
    import numpy as np

Search = Callable[[Rows, int, int], list[tuple[int, int]]]
Kernel = Callable[[], Callable[..., Any]]  # imports it, with numba, the first time


class Walks(GraphPart):
    """Searches that follow edges from a token."""

    def bfs(
        self,
        token: TokenLike,
        *,
        max_depth: int | None = None,
        direction: str = "out",
        types: TypesLike = None,
        timeout_s: float | None = None,
    ) -> Visits:
        """Find everything within some number of edges of a token, nearest first.

        Parameters
        ----------
        token
            Where to start.
        max_depth
            Edges to follow at most; None for as many as there are.
        direction
            ``"out"``, ``"in"`` or ``"both"``; bidirectional edges are followed both ways everywhere.
        types
            Follow only this type, or one of these.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        Visits
            (id, depth) in order of depth, then id; the start at depth 0. `ids` and `depths` are int64 arrays.

        Raises
        ------
        TokenNotFound
            There is no such token.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     a, b, c = (db.tokens.create(label) for label in "abc")
        ...     _ = db.graph.create(a, b), db.graph.create(b, c)
        ...     db.graph.bfs("a", max_depth=1)
        [Visit(id=1, depth=0), Visit(id=2, depth=1)]

        Notes
        -----
        Grows with the edges of what is reached, and not with the graph.
        """
        return self._search(token, max_depth, direction, types, plain.bfs, _bfs, timeout_s)

    def dfs(
        self,
        token: TokenLike,
        *,
        max_depth: int | None = None,
        direction: str = "out",
        types: TypesLike = None,
        timeout_s: float | None = None,
    ) -> Visits:
        """Visit everything a token leads to, each branch to its end before the next.

        Parameters as for `bfs`.

        Returns
        -------
        Visits
            (id, depth) in preorder, the neighbors of each token in order of id. A token is visited once: one first
            met at the end of a long branch is not followed further where a shorter one reaches it.

        Raises
        ------
        TokenNotFound
            There is no such token.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     a, b, c, d = (db.tokens.create(label) for label in "abcd")
        ...     _ = db.graph.create(a, b), db.graph.create(a, c), db.graph.create(b, d)
        ...     db.graph.dfs("a").ids.tolist()
        [1, 2, 4, 3]
        """
        return self._search(token, max_depth, direction, types, plain.dfs, _dfs, timeout_s)

    def neighborhood(
        self,
        token: TokenLike,
        *,
        hops: int = 1,
        direction: str = "both",
        types: TypesLike = None,
        timeout_s: float | None = None,
    ) -> np.ndarray:
        """Return the ids of the tokens within `hops` edges, ascending, the token itself included.

        Parameters as for `bfs`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     a, b, c = (db.tokens.create(label) for label in "abc")
        ...     _ = db.graph.create(a, b), db.graph.create(b, c)
        ...     db.graph.neighborhood("b").tolist()
        [1, 2, 3]
        """
        import numpy as np

        return np.sort(self.bfs(token, max_depth=hops, direction=direction, types=types, timeout_s=timeout_s).ids)

    def _search(
        self,
        token: TokenLike,
        max_depth: int | None,
        direction: str,
        types: TypesLike,
        by_rows: Search,
        by_kernel: Kernel,
        timeout_s: float | None,
    ) -> Visits:
        way = direction_of(direction)
        depth = plain.UNLIMITED if max_depth is None else whole(max_depth, "max_depth")

        def question(line: Line) -> Visits:
            codes = type_codes(line.connection, types)
            start = token_id(line.connection, token)

            def from_arrays(arrays: GraphArrays) -> Visits:
                slot = self._slot(line, arrays, start)
                if slot < 0:
                    return Visits([start], [0])
                memory = self._scratch(line)
                graph = arrays.adjacency
                found = by_kernel()(graph, slot, max_depth, way, allowed_kinds(codes), scratch=memory, tick=line.tick)
                return Visits(graph.ids[found.slots], found.depths)

            def from_rows(limit: int) -> Visits:
                existing_token_id(line.connection, start)
                found = by_rows(Rows(line.connection, way, codes, line.tick, limit), start, depth)
                return Visits([id for id, _ in found], [depth for _, depth in found])

            return self._answer(line, from_arrays, from_rows)

        return self._ask(question, timeout_s)


@cache
def _bfs() -> Callable[..., Any]:
    from ...kernels.graph_bfs import run_bfs

    return run_bfs


@cache
def _dfs() -> Callable[..., Any]:
    from ...kernels.graph_dfs import run_dfs

    return run_dfs
