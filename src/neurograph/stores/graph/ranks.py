"""What the whole graph says of each token: PageRank, components."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ...connection.line import Line
from ...errors import InvalidValue
from ...model.records import Members, Scores
from ..arguments import TokenLike, existing_token_id, real, whole
from ..token_ids import TOKEN_IDS
from . import whole as plain
from .arrays import GRAPH, GraphArrays
from .base import GraphPart, TypesLike, type_codes
from .costs import refuse_negative

if TYPE_CHECKING:
    import numpy as np


T = TypeVar("T")
EDGE_IN_PYTHON_S = 10e-6  # an edge read into lists and walked some fifteen times: 8 to 12 µs measured


class Ranks(GraphPart):
    """Answers about all tokens. Results are in order of id; every token is in them, edges or not."""

    def pagerank(
        self,
        *,
        damping: float = 0.85,
        personalization: Mapping[TokenLike, float] | None = None,
        types: TypesLike = None,
        tol: float = 1e-8,
        max_iter: int = 200,
        timeout_s: float | None = None,
    ) -> Scores:
        """Compute how often a walk is at each token that follows edges by weight and now and then jumps.

        Parameters
        ----------
        damping
            The probability of following an edge instead of jumping, in [0, 1).
        personalization
            Token → weight of at least 0: where jumps go, and where the walk goes on from a token that nothing leaves.
            None for everywhere alike.
        types
            Follow only this type, or one of these.
        tol
            Stop when an iteration changes the scores by no more than this in sum.
        max_iter
            Iterations at most; 118 are enough for the default damping and tol.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        Scores
            (id, score) in order of id; the scores add up to 1. `top` gives the highest.

        Raises
        ------
        InvalidValue
            A parameter is out of its range; an edge that is followed has a negative weight; `max_iter` is not enough.
        TokenNotFound
            A token of the personalization does not exist.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     a, b, c = (db.tokens.create(label) for label in "abc")
        ...     _ = db.graph.create(a, c), db.graph.create(b, c)
        ...     [round(score, 3) for _, score in db.graph.pagerank()]
        [0.213, 0.213, 0.574]

        Notes
        -----
        About 1.4 ms an iteration for 1M edges; 17 iterations on a random graph with hubs. L. Page, S. Brin, R. Motwani,
        T. Winograd, "The PageRank citation ranking", 1999.
        """
        if not 0.0 <= real(damping, "damping") < 1.0:
            raise InvalidValue(f"damping must be in [0, 1), got {damping!r}")
        if not real(tol, "tol") > 0.0:
            raise InvalidValue(f"tol must be above 0, got {tol!r}")
        most = whole(max_iter, "max_iter", 1)
        with self._session.reading(timeout_s) as line:
            codes = type_codes(line.connection, types)
            refuse_negative(line.connection, codes, "PageRank")
            wanted = _wanted(line, personalization)
            everyone = self._everyone(line)

            def by_arrays(arrays: GraphArrays) -> Scores:
                from ...kernels.adjacency import allowed_kinds
                from ...kernels.graph_rank import run_pagerank

                graph = _in_order(arrays, wanted)
                jumps = None if wanted is None else _by_node(graph.ids, wanted)
                found = run_pagerank(
                    graph, damping, jumps, allowed_kinds(codes), isolated=len(everyone) - graph.n, tol=tol,
                    max_iter=most, tick=line.tick,
                )  # fmt: skip
                return _scored(everyone, graph.ids, found.scores, found.isolated)

            def by_rows() -> Scores:
                import numpy as np

                nodes = sorted({*plain.linked(line.connection), *(wanted or ())})
                jumps, alone = _teleport(nodes, wanted, len(everyone))
                isolated = len(everyone) - len(nodes), alone
                scores, rest = plain.pagerank(
                    line.connection, nodes, jumps, isolated, codes, damping, tol, most, line.tick
                )
                return _scored(everyone, np.array(nodes, np.int64), np.array(scores), rest)

            return self._over_all(line, by_arrays, by_rows)

    def components(self, *, strong: bool = False, types: TypesLike = None, timeout_s: float | None = None) -> Members:
        """Find what hangs together.

        Parameters
        ----------
        strong
            False: by edges followed either way. True: tokens that lead to one another.
        types
            Count only edges of this type, or of one of these.
        timeout_s
            Seconds after which the call raises `DeadlineExceeded`; None for no limit.

        Returns
        -------
        Members
            (id, component) in order of id; a component is called by the smallest id in it.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     a, b, c = (db.tokens.create(label) for label in "abc")
        ...     _ = db.graph.create(c, b)
        ...     db.graph.components()
        [Member(id=1, component=1), Member(id=2, component=2), Member(id=3, component=2)]

        Notes
        -----
        Linear: about 10 ms for 1M edges.
        """
        with self._session.reading(timeout_s) as line:
            codes = type_codes(line.connection, types)
            everyone = self._everyone(line)

            def by_arrays(arrays: GraphArrays) -> Members:
                from ...kernels.adjacency import allowed_kinds
                from ...kernels.graph_components import run_components, run_strong_components

                run = run_strong_components if strong else run_components
                found = run(arrays.adjacency, allowed_kinds(codes), tick=line.tick)
                return _membership(everyone, found.ids, found.labels)

            def by_rows() -> Members:
                import numpy as np

                run = plain.strong_components if strong else plain.components
                found = run(line.connection, codes, line.tick)
                ids = np.array(sorted(found), np.int64)
                return _membership(everyone, ids, np.array([found[id] for id in ids.tolist()], np.int64))

            return self._over_all(line, by_arrays, by_rows)

    def _everyone(self, line: Line) -> np.ndarray:
        """Return the ids of all tokens, ascending."""
        import numpy as np

        ids = self._derived.current(TOKEN_IDS, line, float("inf"))
        if ids is None:
            ids = TOKEN_IDS.read(line.connection, 1, (1 << 63) - 1)[0]
        return np.asarray(ids)

    def _over_all(
        self,
        line: Line,
        by_arrays: Callable[[GraphArrays], T],
        by_rows: Callable[[], T],
        edge_s: float = EDGE_IN_PYTHON_S,
    ) -> T:
        """Answer about the whole graph: rows cost so much there that arrays nearly always repay themselves.

        `edge_s` is what rows cost, in seconds an edge.
        """
        cost_s = float("inf")  # arrays once loaded are kept true; counting edges takes 2 ms for 100k tokens
        if not self._derived.loaded(GRAPH):
            cost_s = GRAPH.estimate(line.connection, 0)[0] * edge_s
        arrays = self._derived.current(GRAPH, line, cost_s)
        return by_rows() if arrays is None else by_arrays(arrays)


def _in_order(arrays: GraphArrays, extra: Mapping[int, float] | None) -> Any:
    """Return adjacency whose slots are exactly the tokens with edges, and `extra`, in order of id.

    Patches leave slots without edges behind and append new ones; the sums of an iteration would then run over other
    terms, or in another order, than in a graph that was just built.
    """
    import numpy as np

    from ...kernels.graph_build import SlotIndex, node_ids, run_build

    graph = arrays.adjacency
    new = [id for id in extra or () if arrays.index.slot(id) < 0]
    span = graph.entries.span
    bare = (span[:, :, 0] == span[:, :, 1]).all(axis=0)
    keep = np.isin(graph.ids, list(extra)) if extra else np.False_
    if not new and not graph.rank.size and not (bare & ~keep).any():
        return graph
    source, target, kind, weight, both = arrays.columns()
    ids = node_ids(source, target, np.array(sorted(extra or ()), np.int64))
    index = SlotIndex(ids)
    return run_build(ids, index.slots(source), index.slots(target), weight, kind, both)


def _wanted(line: Line, personalization: Mapping[TokenLike, float] | None) -> dict[int, float] | None:
    """Return weight by id, tokens of weight 0 left out."""
    if personalization is None:
        return None
    if not isinstance(personalization, Mapping):
        raise InvalidValue(f"personalization must map tokens to weights, got {personalization!r}")
    found: dict[int, float] = {}
    for token, weight in personalization.items():
        number = existing_token_id(line.connection, token)
        found[number] = found.get(number, 0.0) + real(weight, "personalization", 0.0)
    found = {id: weight for id, weight in found.items() if weight > 0}
    if not found:
        raise InvalidValue("personalization must be above 0 somewhere, got zeros")
    return found


def _by_node(ids: np.ndarray, wanted: Mapping[int, float]) -> np.ndarray:
    import numpy as np

    weights = np.zeros(len(ids))
    weights[np.searchsorted(ids, np.array(sorted(wanted), np.int64))] = [wanted[id] for id in sorted(wanted)]
    return weights


def _teleport(nodes: list[int], wanted: Mapping[int, float] | None, everyone: int) -> tuple[list[float], float]:
    """Return where jumps go, as the kernel's wrapper does: for each node, and for each isolated token."""
    import numpy as np

    if wanted is None:
        share = 1.0 / max(everyone, 1)
        return [share] * len(nodes), share
    weights = _by_node(np.array(nodes, np.int64), wanted)
    weights = weights / float(weights.max())
    return (weights / weights.sum()).tolist(), 0.0


def _scored(everyone: np.ndarray, ids: np.ndarray, scores: np.ndarray, rest: float) -> Scores:
    import numpy as np

    if len(ids) == len(everyone):  # no token without edges: nothing to look up, which takes 3 ms for 100k
        return Scores(everyone, scores)
    found = np.full(len(everyone), rest)
    found[np.searchsorted(everyone, ids)] = scores
    return Scores(everyone, found)


def _membership(everyone: np.ndarray, ids: np.ndarray, labels: np.ndarray) -> Members:
    """Return the component of every token; slots of tokens that are gone are left out."""
    import numpy as np

    found = everyone.copy()
    if len(everyone):
        place = np.minimum(np.searchsorted(everyone, ids), len(everyone) - 1)
        there = everyone[place] == ids
        found[place[there]] = labels[there]
    return Members(everyone, found)
