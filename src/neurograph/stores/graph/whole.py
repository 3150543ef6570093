"""The whole graph from rows alone: what its kernels compute, bit for bit.

The edges are held in memory as Python lists, about 200 bytes each.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any

import apsw

from ...errors import InvalidValue

TINY = 2.2250738585072014e-308  # the reciprocal of less overflows
Tick = Callable[[], None]
Arcs = dict[int, list[tuple[int, float]]]


def arcs(connection: apsw.Connection, into: bool, codes: tuple[int, ...] | None) -> Arcs:
    """Return (far end, weight) of the edges that leave each token, or that come into it, in the kernels' order."""
    types = "" if codes is None else f"and type in ({', '.join(map(str, codes))})"
    near, far = ("target", "source") if into else ("source", "target")
    rows: Any = connection.execute(
        f"""select {near}, {far}, weight, type, 0 as back, key from edge where true {types}
            union all
            select {far}, {near}, weight, type, 1, key from edge where bidirectional and source <> target {types}
             order by 1, 4, 2, 5, 6"""
    )
    found: Arcs = {}
    try:
        for owner, other, weight, *_ in rows:
            found.setdefault(owner, []).append((other, weight))
    finally:  # the traceback of Ctrl-C would keep the cursor, and with it the snapshot
        rows.close(True)
    return found


def linked(connection: apsw.Connection) -> list[int]:
    """Return the ids of all tokens that have an edge of any type, ascending."""
    rows: Any = connection.execute("select token_id from degree order by token_id").fetchall()
    return [id for (id,) in rows]


def pagerank(
    connection: apsw.Connection,
    nodes: list[int],
    teleport: list[float],
    isolated: tuple[int, float],
    codes: tuple[int, ...] | None,
    damping: float,
    tol: float,
    max_iter: int,
    tick: Tick,
) -> tuple[list[float], float]:
    """Return the score of each of `nodes`, which ascend, and of each isolated token.

    `teleport` says where a jump goes; `isolated` how many tokens there are besides, and where a jump to one goes.
    """
    leaving, coming = arcs(connection, False, codes), arcs(connection, True, codes)
    inverse: dict[int, float] = {}
    for node in nodes:
        strength = 0.0
        for _, weight in leaving.get(node, ()):
            strength += weight
        inverse[node] = 1.0 / strength if strength >= TINY else 0.0
    score = dict(zip(nodes, teleport, strict=True))
    jumps = dict(score)
    scaled = {node: score[node] * inverse[node] for node in nodes}
    dangling = 0.0
    for node in nodes:
        if inverse[node] == 0.0:
            dangling += score[node]
    count, alone = isolated
    rest = alone
    for _ in range(max_iter):
        tick()
        jump = damping * (dangling + count * rest) + (1.0 - damping)
        change = dangling = 0.0
        following: dict[int, float] = {}
        for node in nodes:
            pulled = 0.0
            for other, weight in coming.get(node, ()):
                pulled += scaled[other] * weight
            new = damping * pulled + jump * jumps[node]
            change += abs(new - score[node])
            score[node] = new
            following[node] = new * inverse[node]
            if inverse[node] == 0.0:
                dangling += new
        change += count * abs(jump * alone - rest)
        rest = jump * alone
        if change <= tol:
            return [score[node] for node in nodes], rest
        scaled = following
    raise InvalidValue(f"max_iter must be enough for changes of at most tol={tol!r}, got {max_iter!r}; raise either")


def components(connection: apsw.Connection, codes: tuple[int, ...] | None, tick: Tick) -> dict[int, int]:
    """Return the smallest id in the component of each token that has an edge, edges followed either way."""
    parent: dict[int, int] = {}

    def root(id: int) -> int:
        while parent.setdefault(id, id) != id:
            parent[id] = parent[parent[id]]
            id = parent[id]
        return id

    for owner, others in arcs(connection, False, codes).items():
        tick()
        for other, _ in others:
            a, b = sorted((root(owner), root(other)))
            parent[b] = a
    return {id: root(id) for id in parent}


def strong_components(connection: apsw.Connection, codes: tuple[int, ...] | None, tick: Tick) -> dict[int, int]:
    """Return the smallest id among the tokens that lead to one another, for each token that has an edge.

    Two searches, one of them against the edges (S. R. Kosaraju, 1978), without recursion.
    """
    ahead, back = arcs(connection, False, codes), arcs(connection, True, codes)
    finished: list[int] = []
    seen: set[int] = set()
    for start in sorted(ahead.keys() | back.keys()):
        tick()
        stack = [(start, iter(ahead.get(start, ())))] if start not in seen else []
        seen.add(start)
        while stack:
            node, rest = stack[-1]
            for other, _ in rest:
                if other not in seen:
                    seen.add(other)
                    stack.append((other, iter(ahead.get(other, ()))))
                    break
            else:
                finished.append(node)
                stack.pop()
    label: dict[int, int] = {}
    for start in reversed(finished):
        if start in label:
            continue
        group = _reached(start, back, label)
        label.update(dict.fromkeys(group, min(group)))
    return label


def clustering(connection: apsw.Connection, codes: tuple[int, ...] | None, tick: Tick) -> dict[int, float]:
    """Return how much the neighbors of each token that has two are linked among themselves, by ascending id."""
    near: dict[int, set[int]] = {}
    for owner, others in arcs(connection, False, codes).items():
        for other, _ in others:
            if other != owner:
                near.setdefault(owner, set()).add(other)
                near.setdefault(other, set()).add(owner)
    found = {}
    for owner in sorted(near):
        tick()
        mine = near[owner]
        if len(mine) > 1:
            triangles = sum(len(mine & near[other]) for other in mine) // 2
            found[owner] = triangles / (len(mine) * (len(mine) - 1) / 2)
    return found


def path_lengths(
    connection: apsw.Connection, starts: list[int], codes: tuple[int, ...] | None, tick: Tick
) -> tuple[int, int]:
    """Return how many edges there are on all shortest paths from `starts`, and on the longest of them."""
    leaving = {owner: [*{other for other, _ in others}] for owner, others in arcs(connection, False, codes).items()}
    total = longest = 0
    for start in starts:
        seen, frontier, depth = {start}, [start], 0
        while frontier:
            tick()
            total += depth * len(frontier)
            longest = max(longest, depth)
            depth += 1
            after: set[int] = set()
            for id in frontier:
                after.update(leaving.get(id, ()))
            after -= seen
            seen |= after
            frontier = [*after]
    return total, longest


def _reached(start: int, arcs_: Arcs, taken: Container[int]) -> list[int]:
    """Return what `start` leads to and is not taken."""
    seen = {start}
    queue = [start]
    for node in queue:
        for other, _ in arcs_.get(node, ()):
            if other not in seen and other not in taken:
                seen.add(other)
                queue.append(other)
    return queue
