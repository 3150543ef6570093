"""Shortest paths: by hops, by weight, by costs of the caller's own."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from ...connection.line import Line
from ...errors import InvalidValue
from ...model.records import Neighbors, Path
from ..arguments import TokenLike, existing_token_id, token_id
from . import plain
from .arrays import GraphArrays
from .base import GraphPart, TypesLike, allowed_kinds, direction_of, type_codes
from .costs import COST_OF, COSTS, Cost, Search, by_place, given_costs, price_of, priced, refuse_negative
from .plain import Rows

if TYPE_CHECKING:
    import numpy as np

    from ...kernels.adjacency import Adjacency


class Step(NamedTuple):
    """A token on a path."""

    id: int
    type: int | None
    cost: float


class Paths(GraphPart):
    """Paths between tokens."""

    def shortest_path(
        self,
        source: TokenLike,
        target: TokenLike,
        *,
        cost: Cost = "inverse_weight",
        direction: str = "out",
        types: TypesLike = None,
        cutoff: float | None = None,
        timeout_s: float | None = None,
    ) -> Path | None:
        """Find the cheapest path from one token to another.

        Parameters
        ----------
        source, target
            Where from and where to.
        cost
            What an edge costs: ``"inverse_weight"`` 1/weight, ``"weight"``, ``"hops"`` 1 each, or an array with a cost
            of at least 0 for each edge in the order of `list`. By weight, an edge of weight 0 can't be walked; an
            infinite cost never can.
        direction
            ``"out"``, ``"in"`` or ``"both"``; bidirectional edges are followed both ways everywhere.
        types
            Follow only this type, or one of these.
        cutoff
            The most a path may cost; None for any cost.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        Path or None
            `ids`, `types`, `costs` (what it costs to come to each token); None when there is no path. Of several
            equally cheap ones the one with fewer edges, then the one found backwards from the target by taking the
            predecessor with the smallest id. Of parallel edges the cheapest, then the first by type and key.

        Raises
        ------
        TokenNotFound
            Source or target does not exist.
        InvalidValue
            A cost or the cutoff is negative; or an edge of a type that is followed has a negative weight, whether the
            search meets it or not.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     a, b, c = (db.tokens.create(label) for label in "abc")
        ...     _ = db.graph.create(a, c, weight=0.1), db.graph.create(a, b), db.graph.create(b, c)
        ...     db.graph.shortest_path("a", "c").ids, db.graph.shortest_path("a", "c", cost="hops").ids
        ((1, 2, 3), (1, 3))

        Notes
        -----
        Grows with the edges within about half the path's hops or cost of either end; with a caller's own costs, with
        those of all that is nearer than the target.
        """
        steps = self.steps(
            source, target, cost=cost, direction=direction, types=types, cutoff=cutoff, timeout_s=timeout_s
        )
        if steps is None:
            return None
        codes = [step.type for step in steps if step.type is not None]
        names = {code: self._type_name(code) for code in set(codes)}
        return Path(
            tuple(step.id for step in steps), tuple(names[code] for code in codes), tuple(step.cost for step in steps)
        )

    def steps(
        self,
        source: TokenLike,
        target: TokenLike,
        *,
        cost: Cost = "inverse_weight",
        direction: str = "out",
        types: TypesLike = None,
        cutoff: float | None = None,
        timeout_s: float | None = None,
    ) -> list[Step] | None:
        """Return what `shortest_path` returns as (id, type code of the edge to it, cost so far).

        Parameters as for `shortest_path`.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     a, b = db.tokens.create("a"), db.tokens.create("b")
        ...     _ = db.graph.create(a, b)
        ...     db.graph.steps("a", "b")
        [Step(id=1, type=None, cost=0.0), Step(id=2, type=80, cost=1.0)]
        """

        def question(line: Line) -> list[Step] | None:
            start, end = token_id(line.connection, source), token_id(line.connection, target)
            search = self._asked(line, cost, direction, types, cutoff)
            return self._answer(
                line,
                lambda arrays: self._by_arrays(search, arrays, start, end),
                lambda limit: _by_rows(search, limit, start, end),
            )

        return self._ask(question, timeout_s)

    def distances(
        self,
        source: TokenLike,
        *,
        cost: Cost = "inverse_weight",
        direction: str = "out",
        types: TypesLike = None,
        cutoff: float | None = None,
        timeout_s: float | None = None,
    ) -> Neighbors:
        """Find what the cheapest path to every token costs.

        Parameters as for `shortest_path`.

        Returns
        -------
        Neighbors
            (id, distance) of what can be reached, in order of distance, then id; the source first, at 0.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     a, b, c = (db.tokens.create(label) for label in "abc")
        ...     _ = db.graph.create(a, b, weight=0.5), db.graph.create(b, c)
        ...     db.graph.distances("a")
        [Neighbor(id=1, distance=0.0), Neighbor(id=2, distance=2.0), Neighbor(id=3, distance=3.0)]
        """

        def question(line: Line) -> Neighbors:
            start = token_id(line.connection, source)
            search = self._asked(line, cost, direction, types, cutoff)
            return self._answer(
                line,
                lambda arrays: self._all_by_arrays(search, arrays, start),
                lambda limit: _all_by_rows(search, limit, start),
            )

        return self._ask(question, timeout_s)

    def _asked(self, line: Line, cost: Cost, direction: str, types: TypesLike, cutoff: float | None) -> Search:
        """Check what is asked."""
        codes = type_codes(line.connection, types)
        way = direction_of(direction)
        try:
            most = math.inf if cutoff is None else float(cutoff)
        except (TypeError, ValueError):
            raise InvalidValue(f"cutoff must be a number, got {cutoff!r}") from None
        if not most >= 0:
            raise InvalidValue(f"cutoff must be at least 0, got {cutoff!r}")
        if isinstance(cost, str):
            if cost not in COSTS:
                raise InvalidValue(f"cost must be one of {', '.join(COSTS)} or an array, got {cost!r}")
            return Search(line, way, codes, cost, COST_OF[cost], most)
        array = given_costs(line.connection, cost)
        return Search(line, way, codes, array, by_place(line.connection, array, way), most)

    def _by_arrays(self, search: Search, arrays: GraphArrays, start: int, end: int) -> list[Step] | None:
        source, target = self._slot(search.line, arrays, start), self._slot(search.line, arrays, end)
        graph, cost = priced(search, arrays)
        allowed = allowed_kinds(search.codes)
        if isinstance(cost, str) and cost != "hops":
            graph.refuse_negative(allowed, f"cost {cost!r}")
        if start == end:
            return [Step(start, None, 0.0)]
        if source < 0 or target < 0:
            return None
        memory, tick = self._scratch(search.line), search.line.tick
        if isinstance(cost, str) and cost == "hops":
            most = None if math.isinf(search.cutoff) else int(search.cutoff)
            slots = _hops()(graph, source, target, search.direction, allowed, cutoff=most, scratch=memory, tick=tick)
        else:
            found = _cheapest()(
                graph, source, target, cost, search.direction, allowed, cutoff=search.cutoff, scratch=memory, tick=tick
            )  # fmt: skip
            slots = None if found is None else found.slots
        return None if slots is None else _along(search, graph, slots, cost, allowed)

    def _all_by_arrays(self, search: Search, arrays: GraphArrays, start: int) -> Neighbors:
        import numpy as np

        from ...kernels.graph_dijkstra import run_distances

        slot = self._slot(search.line, arrays, start)
        graph, cost = priced(search, arrays)
        allowed = allowed_kinds(search.codes)
        if isinstance(cost, str) and cost == "hops":
            cost = np.ones(len(graph.entries.weight))
        elif isinstance(cost, str):
            graph.refuse_negative(allowed, f"cost {cost!r}")
        if slot < 0:
            return Neighbors([start], [0.0])
        found = run_distances(
            graph, slot, cost, search.direction, allowed, cutoff=search.cutoff,
            scratch=self._scratch(search.line), tick=search.line.tick,
        )  # fmt: skip
        return Neighbors(graph.ids[found.slots], found.distances)


def _along(search: Search, graph: Adjacency, slots: np.ndarray, cost: Any, allowed: np.ndarray) -> list[Step]:
    """Return the steps of a path through arrays, as `_walked` does through rows."""
    places = _links()(graph, slots, cost, search.direction, allowed)
    ids, codes = graph.ids[slots].tolist(), graph.entries.kind[places].tolist()
    steps = [Step(ids[0], None, 0.0)]
    for at, (code, place) in enumerate(zip(codes, places.tolist(), strict=True), 1):
        price = price_of(cost, place, graph.entries.weight)
        steps.append(Step(ids[at], code, steps[-1].cost + price))
    return steps


@cache
def _hops() -> Callable[..., Any]:
    from ...kernels.graph_path import run_shortest_path

    return run_shortest_path


@cache
def _cheapest() -> Callable[..., Any]:
    from ...kernels.graph_dijkstra import run_cheapest_path

    return run_cheapest_path


@cache
def _links() -> Callable[..., Any]:
    from ...kernels.graph_links import run_links

    return run_links


def _require(search: Search, *ids: int) -> None:
    """Refuse what the arrays refuse by themselves: tokens that are not there, weights below zero."""
    for id in ids:
        existing_token_id(search.line.connection, id)
    if isinstance(search.cost, str) and search.cost != "hops":
        refuse_negative(search.line.connection, search.codes, f"cost {search.cost!r}")


def _by_rows(search: Search, limit: int, start: int, end: int) -> list[Step] | None:
    connection, tick = search.line.connection, search.line.tick
    _require(search, start, end)
    rows = Rows(connection, search.direction, search.codes, tick, limit)
    turned = {"out": "in", "in": "out", "both": "both"}[search.direction]
    back = Rows(connection, turned, search.codes, tick, limit)
    out = plain.priced(rows, search.cost_of)
    if not isinstance(search.cost, str):  # costs by an edge's place, which is told in one direction
        settled = plain.cheapest(out, start, end, search.cutoff)
        ids = plain.path_to(end, settled)
    elif search.cost == "hops":
        most = plain.UNLIMITED if math.isinf(search.cutoff) else int(search.cutoff)
        ids = plain.shortest_hops(rows, back, start, end, most)
    else:
        ids = plain.cheapest_path(out, plain.priced(back, search.cost_of), start, end, search.cutoff)
    return None if ids is None else _walked(search, ids)


def _all_by_rows(search: Search, limit: int, start: int) -> Neighbors:
    _require(search, start)
    rows = Rows(search.line.connection, search.direction, search.codes, search.line.tick, limit)
    settled = plain.cheapest(plain.priced(rows, search.cost_of), start, None, search.cutoff)
    found = sorted((cost, id) for id, (cost, _, _) in settled.items())
    return Neighbors([id for _, id in found], [cost for cost, _ in found])


def _walked(search: Search, ids: list[int]) -> list[Step]:
    """Return the steps of a path, along the cheapest of parallel edges, then the first by type and key."""
    steps = [Step(ids[0], None, 0.0)]
    for near, far in pairwise(ids):
        entries = plain.between(search.line.connection, near, far, search.direction, search.codes)
        priced = [(cost, at) for at, entry in enumerate(entries) if (cost := search.cost_of(entry)) is not None]
        cost, at = min(priced)
        steps.append(Step(far, entries[at].type, steps[-1].cost + cost))
    return steps
