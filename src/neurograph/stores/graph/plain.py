"""Searches over rows alone: what answers without kernels, in a fresh process, and where arrays don't repay themselves.

Every function gives the answer its kernel gives: the same ids in the same order, the same floats. It stops with
`TooMuchError` when it has read more rows than the caller allows; the caller decides whether arrays repay themselves.
"""

from __future__ import annotations

import functools
import heapq
import math
import sys
from array import array
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import apsw

UNLIMITED = 1 << 62
MARGIN = 1.0 + 2.0**-18  # above the rounding of any two sums of up to 2**31 costs
Leaving = Callable[[int], list[tuple[int, float]]]
_AMONG = "{0} in (select value from carray(:ids))"


class Entry(NamedTuple):
    """An edge as it is followed: from `near` to `far`."""

    near: int
    type: int
    far: int
    back: int
    """0 for an edge followed the way the search goes, 1 for one followed the other way."""
    key: str
    weight: float


class TooMuchError(Exception):
    """More rows were read than the caller allowed."""


class Rows:
    """The edges of a graph, read from the table as a search asks for them.

    Parameters
    ----------
    connection
        Inside one read transaction, so that all reads see one state.
    direction
        ``"out"``, ``"in"`` or ``"both"``.
    codes
        The types to follow, or None for all.
    limit
        Raise `TooMuchError` after so many rows.
    tick
        Called once a query; raises when the caller's time is up.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        direction: str,
        codes: tuple[int, ...] | None,
        tick: Callable[[], None],
        limit: int = UNLIMITED,
    ) -> None:
        self._connection = connection
        self._tick = tick
        self._left = limit
        self._sql = _expansion(direction, codes)

    def leaving(self, ids: Iterable[int]) -> list[Entry]:
        """Return the edges that leave `ids`, in order of near end, type, far end, direction and key."""
        self._tick()
        wanted = array("q", ids)
        if not wanted:
            return []
        rows: Any = self._connection.execute(self._sql, {"ids": apsw.carray(wanted)}).fetchall()
        self._left -= len(rows)
        if self._left < 0:
            raise TooMuchError
        return list(map(Entry._make, rows))


def _expansion(direction: str, codes: tuple[int, ...] | None, ends: str = _AMONG) -> str:
    """Return the query for the edges followed from `ends`, a condition on the near end."""
    types = "" if codes is None else f"and type in ({', '.join(map(str, codes))})"
    near, far = ("target", "source") if direction == "in" else ("source", "target")
    turned = "" if direction == "both" else "and bidirectional"
    return f"""
        select {near}, type, {far}, 0, key, weight from edge where {ends.format(near, far)} {types}
        union all
        select {far}, type, {near}, 1, key, weight from edge
         where {ends.format(far, near)} {turned} and source <> target {types}
         order by 1, 2, 3, 4, 5"""


def between(
    connection: apsw.Connection, near: int, far: int, direction: str, codes: tuple[int, ...] | None
) -> list[Entry]:
    """Return the edges followed from `near` to `far`, in order of type, direction and key."""
    sql = _expansion(direction, codes, "{0} = :near and {1} = :far")
    rows: Any = connection.execute(sql, {"near": near, "far": far}).fetchall()
    return list(map(Entry._make, rows))


def bfs(rows: Rows, start: int, max_depth: int) -> list[tuple[int, int]]:
    """Return (id, depth) of what is reached, in order of depth, then id; the start at depth 0."""
    found = [(start, 0)]
    seen = {start}
    frontier = [start]
    for depth in range(1, max_depth + 1):
        frontier = sorted({entry.far for entry in rows.leaving(frontier)} - seen)
        if not frontier:
            break
        seen.update(frontier)
        found += [(id, depth) for id in frontier]
    return found


def dfs(rows: Rows, start: int, max_depth: int) -> list[tuple[int, int]]:
    """Return (id, depth) in preorder, the neighbors of each node in order of id."""
    found = []
    seen: set[int] = set()
    stack = [(start, 0)]
    while stack:
        id, depth = stack.pop()
        if id in seen:
            continue
        seen.add(id)
        found.append((id, depth))
        if depth < max_depth:
            far = {entry.far for entry in rows.leaving([id])} - seen
            stack += [(other, depth + 1) for other in sorted(far, reverse=True)]
    return found


def shortest_hops(rows: Rows, back: Rows, source: int, target: int, cutoff: int) -> list[int] | None:
    """Return the ids of a path with the fewest edges, or None.

    Among several, walking back from the target always takes the predecessor with the smallest id.
    """
    depth = {source: 0}
    frontier = [source]
    while target not in depth and frontier:
        level = depth[frontier[0]] + 1
        if level > cutoff:
            return None
        frontier = sorted({entry.far for entry in rows.leaving(frontier)} - depth.keys())
        depth.update(dict.fromkeys(frontier, level))
    if target not in depth:
        return None
    path = [target]
    while path[-1] != source:
        here = path[-1]
        path.append(min(e.far for e in back.leaving([here]) if depth.get(e.far) == depth[here] - 1))
    return path[::-1]


def priced(rows: Rows, cost: Callable[[Entry], float | None]) -> Leaving:
    """Return what tells where the edges of an id lead and what each costs; `cost` returns None where none can go."""

    def leaving(id: int) -> list[tuple[int, float]]:
        return [(entry.far, step) for entry in rows.leaving([id]) if (step := cost(entry)) is not None]

    return leaving


def cheapest(
    leaving: Leaving,
    source: int,
    target: int | None,
    cutoff: float,
    left: Callable[[int], float] | None = None,
    most: float = math.inf,
) -> dict[int, tuple[float, int, int]]:
    """Return (cost, hops, predecessor) of every node settled, up to `target` or `cutoff`.

    A node's cost is the least sum from the source on, added left to right. Among equal costs fewer hops win, then
    the predecessor with the smallest id. The source's predecessor is itself. Nodes from which at least `left` is left
    to the target are passed by where that makes more than `most`.
    """
    best: dict[int, tuple[float, int, int]] = {source: (0.0, 0, source)}
    settled: dict[int, tuple[float, int, int]] = {}
    farthest = min(cutoff, sys.float_info.max)  # a path that costs infinity is none
    heap = [(0.0, 0, source)]
    while heap:
        total, hops, id = heapq.heappop(heap)
        if id in settled:
            continue
        settled[id] = best[id]
        if id == target:
            break
        for far, step in leaving(id):
            if far in settled:
                continue
            offer = (total + step, hops + 1, id)
            if offer[0] > farthest or (far in best and offer >= best[far]):
                continue
            if left is None or offer[0] + left(far) <= most:
                best[far] = offer
                heapq.heappush(heap, (offer[0], offer[1], far))
    return settled


def cheapest_path(out: Leaving, back: Leaving, source: int, target: int, cutoff: float) -> list[int] | None:
    """Return the ids of the path that `cheapest` finds, or None.

    As in the kernels, a search from both ends tells what the path costs but for rounding, and one from the source then
    follows what can lie on such a path. Where 1M edges join 100k tokens, hubs among them, a path of 7 edges takes 60 ms
    instead of 3 s.
    """
    out = functools.cache(out)  # most of it is asked for twice
    cost, beyond, rest = _met(out, back, source, target, min(cutoff * MARGIN, sys.float_info.max))
    if cost == math.inf:
        return None
    settled = cheapest(out, source, target, cutoff, lambda far: beyond.get(far, rest), cost * MARGIN)
    return path_to(target, settled)


def path_to(target: int, settled: dict[int, tuple[float, int, int]]) -> list[int] | None:
    """Return the ids of the path to a node that `cheapest` settled, or None where it did not."""
    if target not in settled:
        return None
    path = [target]
    while settled[path[-1]][1]:
        path.append(settled[path[-1]][2])
    return path[::-1]


def _met(out: Leaving, back: Leaving, source: int, target: int, cutoff: float) -> tuple[float, dict[int, float], float]:
    """Return what the cheapest path met costs, what is left from nodes near the target, what at least from others."""
    ways, distances = (out, back), ({source: 0.0}, {target: 0.0})
    settled: tuple[dict[int, float], dict[int, float]] = ({}, {})
    heaps = [(0.0, source)], [(0.0, target)]
    best = 0.0 if source == target else math.inf
    while heaps[0] and heaps[1] and heaps[0][0][0] + heaps[1][0][0] < best:
        at = 0 if len(heaps[0]) <= len(heaps[1]) else 1
        near, id = heapq.heappop(heaps[at])
        if id in settled[at]:
            continue
        settled[at][id] = near
        for far, step in ways[at](id):
            reach = near + step
            if reach <= cutoff and reach < distances[at].get(far, math.inf):
                distances[at][far] = reach
                heapq.heappush(heaps[at], (reach, far))
                best = min(best, reach + distances[1 - at].get(far, math.inf))
    return best, settled[1], heaps[1][0][0] if heaps[1] else math.inf


class Arrival:
    """A token in a round in which something arrived there; it goes on from the token's arrival before."""

    __slots__ = ("best", "count", "count_now", "depth", "energy", "id", "largest", "largest_now", "parent", "received")

    def __init__(self, id: int, depth: int, before: Arrival | None) -> None:
        self.id = id
        self.parent: Arrival | None = None
        self.received = self.largest_now = 0.0
        self.count_now = 0
        self.depth: int = depth
        self.energy: float = 0.0
        self.count: int = 0
        self.largest: float = 0.0
        self.best: Arrival = self
        if before is not None:
            self.depth, self.energy, self.count = before.depth, before.energy, before.count
            self.largest, self.best = before.largest, before.best

    def take(self, amount: float, sender: Arrival, mode: str) -> None:
        """Book one arrival."""
        self.energy = _combined(self.energy, amount, self.count, mode)
        self.received = _combined(self.received, amount, self.count_now, mode)
        self.count += 1
        self.count_now += 1
        if amount > self.largest_now:
            self.largest_now, self.parent = amount, sender
        if amount > self.largest:
            self.largest, self.best = amount, self

    def path(self) -> tuple[int, ...]:
        """Return the ids from the source to this token, along the largest arrivals."""
        ids, here = [], self.best
        while here.parent is not None:
            ids.append(here.id)
            here = here.parent
        return (here.id, *reversed(ids))


def _combined(energy: float, arrival: float, count: int, mode: str) -> float:
    if mode == "sum":
        return energy + arrival
    if mode == "max":
        return max(energy, arrival)
    return (energy * count + arrival) / (count + 1)


def spread(
    rows: Rows, source: int, energy: float, mode: str, keep: float, min_energy: float, max_depth: int, budget: int
) -> tuple[list[Arrival], int, int]:
    """Return the latest arrival at every token reached, how many were touched, and the rounds."""
    start = Arrival(source, 0, None)
    start.received = energy
    latest = {source: start}
    last = [start]
    rounds = 0
    while rounds < max_depth:
        senders = {arrival.id: arrival for arrival in last if arrival.received >= min_energy}
        if not senders:
            break
        rounds += 1
        current: dict[int, Arrival] = {}
        for entry in rows.leaving(sorted(senders)):
            sender = senders[entry.near]
            amount = sender.received * entry.weight * keep
            if not amount > 0.0:
                continue
            if entry.far not in latest and len(latest) == budget:
                return [a for id, a in latest.items() if id != source], len(latest), rounds
            if entry.far not in current:
                current[entry.far] = latest[entry.far] = Arrival(entry.far, rounds, latest.get(entry.far))
            current[entry.far].take(amount, sender, mode)
        last = list(current.values())
    return [arrival for id, arrival in latest.items() if id != source], len(latest), rounds
