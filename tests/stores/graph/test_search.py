"""Searches agree: from rows, from arrays, and done the obvious way."""

from __future__ import annotations

import pytest
from graph_minds import random_mind

import neurograph
from neurograph.errors import InvalidValue, TokenNotFound, UnknownName


def obvious_links(db: neurograph.Database, direction: str, types: set[int]) -> dict[int, set[int]]:
    links: dict[int, set[int]] = {}
    for source, kind, target, both in db.execute("select source, type, target, bidirectional from edge"):
        if kind in types:
            if direction in ("out", "both") or both:
                links.setdefault(source, set()).add(target)
            if direction in ("in", "both") or both:
                links.setdefault(target, set()).add(source)
    return links


def obvious_bfs(links: dict[int, set[int]], start: int, max_depth: int) -> list[tuple[int, int]]:
    depth = {start: 0}
    queue = [start]
    for id in queue:
        for other in sorted(links.get(id, ())):
            if other not in depth and depth[id] < max_depth:
                depth[other] = depth[id] + 1
                queue.append(other)
    return sorted(depth.items(), key=lambda pair: (pair[1], pair[0]))


@pytest.mark.parametrize("engine", ["sql", pytest.param("numba", marks=pytest.mark.kernels)])
@pytest.mark.parametrize("direction", ["out", "in", "both", "both_marked"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_bfs_equals_the_obvious_search(engine, direction, seed):
    with random_mind(seed, 40, 90, engine) as db:
        for types, codes in ((None, {1, 2, 80}), ("antonym", {1}), (["hypernym", 80], {2, 80})):
            links = obvious_links(db, "out" if direction == "both_marked" else direction, codes)
            for (start,) in db.execute("select id from token order by id limit 12"):
                for depth in (0, 1, 3, None):
                    found = db.graph.bfs(start, max_depth=depth, direction=direction, types=types)
                    expected = obvious_bfs(links, start, 99 if depth is None else depth)
                    assert list(found) == expected
                    assert found.ids.dtype == found.depths.dtype == "int64"


@pytest.mark.kernels
@pytest.mark.parametrize("seed", [4, 5])
def test_dfs_from_rows_equals_dfs_from_arrays(seed):
    with random_mind(seed, 40, 90, "sql") as plain, random_mind(seed, 40, 90, "numba") as fast:
        for (start,) in plain.execute("select id from token order by id limit 12").fetchall():
            for depth in (0, 2, None):
                for direction in ("out", "in", "both"):
                    a = plain.graph.dfs(start, max_depth=depth, direction=direction)
                    b = fast.graph.dfs(start, max_depth=depth, direction=direction)
                    assert a == b


def test_a_search_that_reads_too_many_rows_goes_on_with_arrays(monkeypatch):
    from neurograph.stores.graph import base

    monkeypatch.setattr(base, "ROWS_BEFORE_ARRAYS", 3)
    with random_mind(6, 40, 90) as db, random_mind(6, 40, 90, "sql") as plain:
        start = db.execute("select min(source) from edge").fetchone()[0]
        assert db.graph.bfs(start) == plain.graph.bfs(start)


def test_bad_arguments_are_named():
    with random_mind(7, 5, 5) as db:
        with pytest.raises(TokenNotFound, match="no token has the id 999999"):
            db.graph.bfs(999_999)
        with pytest.raises(InvalidValue, match="direction must be one of out, in, both, both_marked, got 'up'"):
            db.graph.bfs(1, direction="up")
        with pytest.raises(InvalidValue, match=r"max_depth must be in \[0, .*got -1"):
            db.graph.bfs(1, max_depth=-1)
        with pytest.raises(UnknownName, match="hypernim"):
            db.graph.bfs(1, types="hypernim")
