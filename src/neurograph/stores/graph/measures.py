"""Figures about a whole graph: counts, components, clustering, lengths of shortest paths."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from ...connection.line import Line
from ...model.records import Scores
from ..arguments import whole
from . import whole as plain
from .arrays import GraphArrays
from .base import TypesLike, type_codes
from .ranks import EDGE_IN_PYTHON_S, Ranks

if TYPE_CHECKING:
    import numpy as np

EDGE_PASSED_S = 0.15e-6  # an edge met by one more search over lists that are there: 0.14 µs measured


class Metrics(NamedTuple):
    """Figures about a graph."""

    node_count: int
    """Tokens."""
    edge_count: int
    """Edges; a bidirectional one is one."""
    density: float
    """Edges by what there could be: E / (V · (V - 1)); 0 for fewer than two tokens."""
    average_degree: float
    """Edges at a token, either way."""
    max_degree: int
    """The most edges at a token."""
    min_degree: int
    """The fewest."""
    component_count: int
    """Parts that hang together."""
    largest_component: int
    """Tokens in the largest of them."""
    clustering: float
    """The mean of what `Graph.clustering` says of each token."""
    average_path: float
    """Edges on the shortest paths from a token to all others, by their number: Σ d / (V · (V - 1)), as if a token that
    can't be reached were at 0. An estimate where not all tokens are `sources`."""
    diameter: int
    """Edges on the longest of the shortest paths; at least so many where not all tokens are `sources`."""
    sources: int
    """From how many tokens paths were measured."""


class Measures(Ranks):
    """Figures about the whole graph."""

    def clustering(self, *, types: TypesLike = None, timeout_s: float | None = None) -> Scores:
        """Compute how much the neighbors of each token are linked among themselves.

        Parameters
        ----------
        types
            Count only edges of this type, or of one of these.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        Scores
            (id, score) in order of id, in [0, 1]: linked pairs of neighbors / (k · (k - 1) / 2), where k is how many
            neighbors there are; 0 for fewer than two. Directions, parallel edges and loops don't count.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     a, b, c, d = (db.tokens.create(label) for label in "abcd")
        ...     _ = [db.graph.create(*edge) for edge in ((a, b), (b, c), (c, a), (c, d))]
        ...     [round(score, 3) for _, score in db.graph.clustering()]
        [1.0, 1.0, 0.333, 0.0]

        Notes
        -----
        Grows with m·√m at most, m·log m where degrees are even: 63 ms for 1M edges. D. J. Watts, S. H. Strogatz,
        "Collective dynamics of 'small-world' networks", 1998.
        """
        with self._session.reading(timeout_s) as line:
            return self._clustering(line, type_codes(line.connection, types))

    def metrics(self, *, types: TypesLike = None, sources: int | None = 64, timeout_s: float | None = None) -> Metrics:
        """Return figures about the whole graph.

        Parameters
        ----------
        types
            For components, clustering and paths, count only edges of this type, or of one of these; the other figures
            are of all edges.
        sources
            From how many tokens to measure shortest paths, spread evenly over the ids; None for all, 0 for none.
            Edges are followed as they point.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        Metrics
            Exact, but for the figures about paths where not all tokens are sources.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.tokens.create_many(count=4)
        ...     _ = db.graph.create_many([1, 2], [2, 3])
        ...     metrics = db.graph.metrics()
        ...     metrics.edge_count, metrics.component_count, metrics.max_degree, metrics.diameter
        (2, 2, 2, 2)

        Notes
        -----
        Counters, a search for components, `clustering`, and a breadth-first search from each source: 90 ms for 100k
        tokens with 1M edges, and 6 ms more for each source.
        """
        most = None if sources is None else whole(sources, "sources", 0)
        with self._session.reading(timeout_s) as line, self._session.inside(line):
            codes = type_codes(line.connection, types)
            members = self.components(types=types)
            scores = self._clustering(line, codes).scores.tolist()
            edges: Any = line.connection.execute("select count(*) from edge").fetchone()
            sql = "select total(total), max(total), min(total), count(*) from degree"
            degrees: Any = line.connection.execute(sql).fetchone()
            nodes = len(members)
            chosen = nodes if most is None else min(most, nodes)
            starts = members.ids[[at * nodes // chosen for at in range(chosen)]] if chosen else members.ids[:0]
            total_length, longest = self._lengths(line, codes, starts)
        total, most_edges, fewest, touched = degrees
        sizes: dict[int, int] = {}
        for component in members.components.tolist():
            sizes[component] = sizes.get(component, 0) + 1
        return Metrics(
            nodes,
            edges[0],
            edges[0] / (nodes * (nodes - 1)) if nodes > 1 else 0.0,
            total / nodes if nodes else 0.0,
            most_edges or 0,
            fewest if touched == nodes and nodes else 0,
            len(sizes),
            max(sizes.values(), default=0),
            math.fsum(scores) / nodes if nodes else 0.0,
            total_length / (chosen * (nodes - 1)) if chosen and nodes > 1 else 0.0,
            longest,
            chosen,
        )

    def _clustering(self, line: Line, codes: tuple[int, ...] | None) -> Scores:
        everyone = self._everyone(line)

        def by_arrays(arrays: GraphArrays) -> Scores:
            from ...kernels.adjacency import allowed_kinds
            from ...kernels.graph_metrics import run_clustering

            found = run_clustering(arrays.adjacency, allowed_kinds(codes), tick=line.tick)
            linked = found.degrees > 1
            return _placed(everyone, arrays.adjacency.ids[linked], found.local[linked])

        def by_rows() -> Scores:
            import numpy as np

            found = plain.clustering(line.connection, codes, line.tick)
            return _placed(everyone, np.array([*found], np.int64), np.array([*found.values()], np.float64))

        return self._over_all(line, by_arrays, by_rows)

    def _lengths(self, line: Line, codes: tuple[int, ...] | None, starts: np.ndarray) -> tuple[int, int]:
        """Return how many edges there are on all shortest paths from `starts`, and on the longest of them."""
        if not len(starts):
            return 0, 0

        def by_arrays(arrays: GraphArrays) -> tuple[int, int]:
            from ...kernels.adjacency import allowed_kinds
            from ...kernels.graph_metrics import run_path_lengths

            slots = arrays.index.slots(starts)
            found = run_path_lengths(
                arrays.adjacency, slots[slots >= 0], "out", allowed_kinds(codes), scratch=self._scratch(line),
                tick=line.tick,
            )  # fmt: skip
            return found.total, found.longest

        def by_rows() -> tuple[int, int]:
            return plain.path_lengths(line.connection, starts.tolist(), codes, line.tick)

        return self._over_all(line, by_arrays, by_rows, EDGE_IN_PYTHON_S + len(starts) * EDGE_PASSED_S)


def _placed(everyone: np.ndarray, ids: np.ndarray, values: np.ndarray) -> Scores:
    """Return the value of every token, 0 for those not among `ids`."""
    import numpy as np

    found = np.zeros(len(everyone))
    found[np.searchsorted(everyone, ids)] = values
    return Scores(everyone, found)
