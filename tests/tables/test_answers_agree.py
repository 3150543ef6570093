"""For random minds every function gives what Python gives and what the slow, obvious version gives.

With both engines; on what is committed, on rows of an open transaction, and on what is left after its rollback.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import minds
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive_grid
import naive_vectors
import neurograph
from naive_graph import Edge, NaiveGraph
from neurograph import Database

ENGINES = ["sql", pytest.param("numba", marks=pytest.mark.kernels)]
PHYSICAL, EMOTIONAL = 0, 3
SCALES = [1.0] * 8
TYPES = (5, 80)

coordinate = st.sampled_from([-1.0, 0.0, 0.1, 0.5, 2.0])
point = st.tuples(coordinate, coordinate, coordinate)
radius = st.sampled_from([0.0, 0.7, 2.5])
tokens = st.lists(st.tuples(st.none() | point, st.none() | point, radius), min_size=1, max_size=6)
weight = st.sampled_from([0.0, 0.25, 0.5, 1.0])
ends = st.integers(0, 7)
links = st.lists(st.tuples(ends, ends, st.sampled_from(TYPES), weight, st.booleans()), max_size=9)


@dataclass
class Mind:
    """What the naive versions are asked: tokens by id, and edges."""

    tokens: dict[int, naive_grid.Token]
    edges: list[Edge]
    items: dict[int, tuple[float, ...]]
    """Their vectors by id."""

    @property
    def graph(self) -> NaiveGraph:
        return NaiveGraph(self.tokens, self.edges)

    def level(self, level: int) -> list[naive_grid.Token]:
        return [
            naive_grid.Token(t.id, t.levels[level], t.radius, 1.0) for t in self.tokens.values() if level in t.levels
        ]

    def links(self, token: int, direction: str, type: int | None) -> list[tuple[Any, ...]]:
        found = []
        for e in self.edges:
            if type not in (None, e.type):
                continue
            row = (e.type, e.key, e.weight)
            if e.source == token and (direction != "in" or (e.bidirectional and e.source != e.target)):
                found.append((e.target, *row))
            if e.target == token and (
                direction == "in" or ((direction == "both" or e.bidirectional) and e.source != token)
            ):
                found.append((e.source, *row))
        return sorted(found)


def drawn(first: int, new: list[Any], edges: list[Any], known: list[int]) -> Mind:
    """Return tokens with ids from `first` on, and edges among them and the known ones."""
    found = {}
    for id, (physical, emotional, radius) in enumerate(new, first):
        places = {PHYSICAL: physical, EMOTIONAL: emotional}
        levels = {level: place for level, place in places.items() if place is not None}
        found[id] = naive_grid.Token(id, radius=radius, strength=1.0, levels=levels)
    ids = [*known, *found]
    made = [
        Edge(ids[a % len(ids)], ids[b % len(ids)], type, f"{first}.{at}", weight, both)
        for at, (a, b, type, weight, both) in enumerate(edges)
    ]
    items = {(1 << 32) + id: (token.radius, (id % 3) - 1.0) for id, token in found.items()}
    return Mind(found, made, items)


def write(db: Database, mind: Mind) -> None:
    """Insert what was drawn, by plain SQL."""
    nothing = (None, None, None)
    db.executemany(
        """insert into token (id, field_radius, physical_x, physical_y, physical_z,
                              emotional_x, emotional_y, emotional_z)
           values (?, ?, ?, ?, ?, ?, ?, ?)""",
        [
            (t.id, t.radius, *t.levels.get(PHYSICAL, nothing), *t.levels.get(EMOTIONAL, nothing))
            for t in mind.tokens.values()
        ],
    )
    sql = "insert into edge (source, target, type, key, weight, bidirectional) values (?, ?, ?, ?, ?, ?)"
    db.executemany(sql, mind.edges)
    db.executemany("insert into item (id, library_id, key) values (?1, 1, 'k' || ?1)", [[id] for id in mind.items])
    blobs = [(id, minds.vector(*vector)) for id, vector in mind.items.items()]
    db.executemany("insert into embedding values (?, ?)", blobs)


def close(found: list[tuple[Any, ...]], truth: list[tuple[Any, ...]]) -> bool:
    """Tell whether rows are equal, floats up to the rounding of another order of additions."""
    return len(found) == len(truth) and all(
        math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-7) if isinstance(a, float) else a == b
        for row, other in zip(found, truth, strict=True)
        for a, b in zip(row, other, strict=True)
    )


Question = tuple[str, tuple[Any, ...], list[tuple[Any, ...]]]


def questions(mind: Mind) -> Iterator[Question]:
    """Return (function, arguments, naive answer) for every function."""
    graph, ids = mind.graph, sorted(mind.tokens)
    one, other = ids[0], ids[-1]
    for direction, type in itertools.product(("out", "in", "both"), (None, *TYPES)):
        arguments = (one, direction) if type is None else (one, direction, type)
        yield "ng_links", arguments, mind.links(one, direction, type)
        yield "ng_bfs", (one, 9, direction), graph.bfs(one, direction=direction)
    yield "ng_bfs", (other, 1), graph.bfs(other, 1)
    for by in ("inverse_weight", "weight"):
        best = graph.cheapest_path(one, other, by)
        costs = graph.cheapest(one, by)
        steps = [(at, id, costs[id][0]) for at, id in enumerate(best[0])] if best else []
        yield "ng_shortest_path", (one, other, by), steps
    hops = graph.shortest_path(one, other) or []
    yield "ng_shortest_path", (one, other, "hops"), [(at, id, float(at)) for at, id in enumerate(hops)]
    yield "ng_spread", (one, 2.0), sorted((id, energy, depth) for id, energy, depth, _ in graph.spread(one, 2.0))
    ranks = graph.pagerank()
    yield "ng_pagerank", (), [(id, ranks[id]) for id in ids]
    yield "ng_components", (), sorted(graph.components().items())
    yield "ng_components", (1,), sorted(graph.strong_components().items())
    here = mind.tokens[one].levels
    for level in (PHYSICAL, EMOTIONAL):
        near = mind.level(level)
        yield "ng_in_range", (level, 0, 0, 0.1, 1.5), naive_grid.within(near, (0, 0, 0.1), 1.5)
        yield "ng_density", (level, 0, 0, 0.1, 1.5), [(naive_grid.density(near, (0, 0, 0.1), 1.5),)]
        for kind in ("linear", "gaussian"):
            value = naive_grid.influence(near, (0.1, 0, 0), 2.0, kind)
            yield "ng_influence", (level, 0.1, 0, 0, 2.0, kind), [(value,)]
        others = [token for token in near if token.id != one]
        found = naive_grid.nearest(others, here[level], 3) if level in here else []
        yield "ng_near", (one, 3, level), found
    others = [token for token in mind.tokens.values() if token.id != one]
    yield "ng_near", (one, 4), naive_grid.space_within(others, here, SCALES, math.inf)[:4]
    for query in (0.7, 0.1), (-1.0, 0.0), (0.0, 0.0):
        near = naive_vectors.nearest("cosine", mind.items, [*mind.items.values()], query, 3)
        yield "ng_knn", ("v", minds.vector(*query), 3), [(id, f"k{id}", distance) for id, distance in near]
        hits = [("item", id, 1 / (5 + rank)) for rank, (id, _) in enumerate(near, 1)]
        yield "ng_hybrid", (minds.vector(*query), 3, "v"), hits
    first = min(mind.items)
    near = naive_vectors.nearest("cosine", mind.items, [*mind.items.values()], mind.items[first], leave_out=first)
    yield "ng_knn", ("v", f"k{first}", 99), [(id, f"k{id}", distance) for id, distance in near]
    yield "ng_cdna_at", (1,), []


def compare(db: Database, mind: Mind) -> None:
    """Ask everything in SQL, of Python and of the naive version."""
    for name, arguments, truth in questions(mind):
        found = minds.rows(db, f"select * from {minds.call(name, arguments)}", arguments)
        assert found == [tuple(row) for row in minds.PYTHON[name][0](db, *arguments)], (name, arguments)
        if name == "ng_cdna_at":
            continue
        if name == "ng_shortest_path":
            found = [(step, id, cost) for step, id, _, cost in found]
        if name == "ng_hybrid":
            found = [row[:3] for row in found]
        if name == "ng_spread":
            assert [row[1] for row in found] == sorted((row[1] for row in found), reverse=True)
            found = sorted(found)
        assert close(found, truth), (name, arguments, found, truth)
    sql = "select t.id, b.id, l.id, l.key from token as t, ng_bfs(t.id) as b, ng_links(b.id) as l"
    graph = mind.graph
    assert minds.rows(db, sql) == [
        (start, id, *link[::2][:2])
        for start in sorted(mind.tokens)
        for id, _ in graph.bfs(start)
        for link in mind.links(id, "out", None)
    ]


@pytest.fixture(scope="module", params=ENGINES)
def db(request: pytest.FixtureRequest) -> Iterator[Database]:
    with neurograph.open(":memory:", engine=request.param) as database:
        database.library.create("v", dimension=2)
        yield database
        assert database.check() == []


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # kernels as plain Python say so; compiled ones don't
@settings(max_examples=20, deadline=None)
@given(kept=tokens, edges=links, added=tokens, more=links, gone=st.integers(0, 5))
def test_sql_equals_python_equals_naive(db, kept, edges, added, more, gone):
    while db.in_transaction:  # a failed example
        db.rollback()
    db.tokens.clear()
    db.execute("delete from item")
    first = drawn(1, kept, edges, [])
    with db.transaction():
        write(db, first)
    compare(db, first)
    second = drawn(600, added, more, sorted(first.tokens))
    db.begin()
    write(db, second)
    both = Mind(first.tokens | second.tokens, first.edges + second.edges, first.items | second.items)
    compare(db, both)
    lost = sorted(both.tokens)[gone % len(both.tokens)]
    if len(both.tokens) > 1:
        db.begin()
        db.execute("delete from token where id = ?", [lost])
        left = {id: token for id, token in both.tokens.items() if id != lost}
        compare(db, Mind(left, [edge for edge in both.edges if lost not in (edge.source, edge.target)], both.items))
        db.rollback()
        compare(db, both)
    db.rollback()
    compare(db, first)
