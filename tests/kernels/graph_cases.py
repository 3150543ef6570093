"""Random multigraphs, as edges for the naive version and as adjacency for the kernels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from effort import examples
from naive_graph import Edge, NaiveGraph
from neurograph.kernels.adjacency import Adjacency, BoolArray, allowed_kinds
from neurograph.kernels.graph_build import run_build

# The first example compiles kernels; the same examples in every run.
settled = settings(deadline=None, derandomize=True, database=None, max_examples=examples(150))

# Few weights, so that paths tie; one that is lost when added to another; none that a reciprocal overflows for.
WEIGHTS = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5, 1.0, 1.0, 2.0, 3.0, 1e17])
IDS = st.one_of(st.integers(-20, 20), st.integers(-(2**63), 2**63 - 1))


class Case(NamedTuple):
    ids: list[int]
    edges: list[Edge]
    types: set[int] | None

    @property
    def naive(self) -> NaiveGraph:
        return NaiveGraph(self.ids, self.edges, self.types)

    @property
    def graph(self) -> Adjacency:
        return built(self.ids, self.edges)

    @property
    def allowed(self) -> BoolArray:
        return allowed_kinds(self.types)

    @property
    def slot(self) -> dict[int, int]:
        return {id: slot for slot, id in enumerate(self.ids)}


def built(ids: list[int], edges: list[Edge]) -> Adjacency:
    slot = {id: slot for slot, id in enumerate(ids)}
    return run_build(
        np.array(ids, np.int64),
        [slot[edge.source] for edge in edges],
        [slot[edge.target] for edge in edges],
        [edge.weight for edge in edges],
        [edge.type for edge in edges],
        [edge.bidirectional for edge in edges],
    )


@st.composite
def cases(draw: st.DrawFn, most_nodes: int = 9, most_edges: int = 24) -> Case:
    """Draw a graph: ids in any order, self-loops, parallel edges, edges both ways, isolated nodes, some types only."""
    ids = draw(st.lists(IDS, min_size=1, max_size=most_nodes, unique=True))
    if draw(st.booleans()):
        ids.sort()
    end = st.sampled_from(ids)
    edge = st.builds(Edge, end, end, st.integers(0, 3), st.sampled_from(["", "a", "b"]), WEIGHTS, st.booleans())
    found: dict[tuple[int, int, int, str], Edge] = {}
    for one in draw(st.lists(edge, max_size=most_edges)):
        twin = found.get((one.target, one.source, one.type, one.key))
        if twin is None or not (twin.bidirectional or one.bidirectional):
            found[one.source, one.target, one.type, one.key] = one
    edges = sorted(found.values(), key=lambda edge: (edge.source, edge.type, edge.target, edge.key))
    types = draw(st.one_of(st.none(), st.sets(st.integers(0, 4), max_size=3)))
    return Case(ids, edges, types)


DIRECTIONS = st.sampled_from(["out", "in", "both"])


def random_case(seed: int, n: int, m: int, *, weights: tuple[float, ...] = (0.25, 0.5, 1.0)) -> Case:
    """Return a larger graph: a tenth of the ends at a few hubs, ids with gaps and not in order of slots."""
    rng = np.random.default_rng(seed)
    ids = (rng.permutation(n) * 7 + 1).tolist()
    ends = np.where(rng.random((m, 2)) < 0.1, rng.integers(0, 3, (m, 2)), rng.integers(0, n, (m, 2)))
    kinds, chosen, both = rng.integers(0, 3, m), rng.choice(weights, m), rng.random(m) < 0.1
    edges = {}
    for (source, target), kind, weight, twice in zip(ends, kinds.tolist(), chosen.tolist(), both.tolist(), strict=True):
        edge = Edge(ids[source], ids[target], kind, "", weight, twice)
        if (edge.target, edge.source, kind) not in edges:
            edges[edge.source, edge.target, kind] = edge
    return Case(ids, [edges[key] for key in sorted(edges, key=lambda key: (key[0], key[2], key[1]))], None)


class Ticks:
    """A tick that counts, and raises when it was told to."""

    def __init__(self, stop_at: int = 0) -> None:
        self.count = 0
        self.stop_at = stop_at

    def __call__(self) -> None:
        self.count += 1
        if self.count == self.stop_at:
            raise KeyboardInterrupt
