"""The slow and obvious answers to the demo's questions, over a `Source`; ids are positions + 1."""

from __future__ import annotations

import math
from collections import defaultdict
from functools import cache

from neurograph.flows.stdlib_columns import Source

LEVELS = ("physical", "cognitive", "social", "abstract")


class Library:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.labels = ["", *source.labels()]
        self.ids = {label: id for id, label in enumerate(self.labels) if id}
        self.edges = [(e.source + 1, e.type, e.target + 1, e.weight) for e in source.edges]

    def links(self, types: set[str] | None = None, direction: str = "out") -> dict[int, list[tuple[int, float]]]:
        found: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for source, kind, target, weight in self.edges:
            if types is None or kind in types:
                near, far = (source, target) if direction == "out" else (target, source)
                found[near].append((far, weight))
        return found

    def bfs(
        self, start: str, max_depth: int = 10**9, direction: str = "out", types: set[str] | None = None
    ) -> dict[int, int]:
        links = self.links(types, direction)
        depths = {self.ids[start]: 0}
        front = [self.ids[start]]
        for depth in range(1, max_depth + 1):
            front = sorted({far for id in front for far, _ in links[id]} - depths.keys())
            if not front:
                break
            depths |= dict.fromkeys(front, depth)
        return depths

    def shortest_path(self, source: str, target: str, types: set[str] | None = None) -> list[int]:
        forwards = self.bfs(source, types=types)
        backwards = self.links(types, "in")
        path = [self.ids[target]]
        while path[-1] != self.ids[source]:
            path.append(min(id for id, _ in backwards[path[-1]] if forwards.get(id) == forwards[path[-1]] - 1))
        return path[::-1]

    def distances(self, level: str, x: float, y: float, z: float) -> list[tuple[float, int]]:
        placed = ((id, getattr(s.measures, level)) for id, s in enumerate(self.source.symbols, 1))
        return sorted((math.dist((x, y, z), point), id) for id, point in placed if point is not None)

    def near(self, label: str, k: int, level: str) -> list[tuple[float, int]]:
        point = getattr(self.source.symbols[self.ids[label] - 1].measures, level)
        return [hit for hit in self.distances(level, *point) if hit[1] != self.ids[label]][:k]

    def spread(self, start: str, energy: float = 1.0) -> dict[int, tuple[float, int]]:
        links = self.links()
        total: dict[int, float] = defaultdict(float)
        first: dict[int, int] = {}
        wave = {self.ids[start]: energy}
        for depth in range(1, 6):
            arrived: dict[int, float] = defaultdict(float)
            for id in sorted(wave):
                if wave[id] >= 0.01:
                    for far, weight in links[id]:
                        arrived[far] += wave[id] * weight * 0.8
            for id, arriving in arrived.items():
                total[id] += arriving
                first.setdefault(id, depth)
            wave = arrived
        total.pop(self.ids[start], None)
        return {id: (reached, first[id]) for id, reached in total.items()}

    @cache  # noqa: B019  # one library a run; each round over 59,000 edges is as slow as it is obvious
    def pagerank(self, *, weighted: bool = True) -> dict[int, float]:
        links = self.links()
        whole = {id: sum(weight if weighted else 1 for _, weight in ends) for id, ends in links.items()}
        rank = dict.fromkeys(self.ids.values(), 1 / len(self.ids))
        for _ in range(30):
            after = dict.fromkeys(rank, 0.0)
            lost = 0.0
            for id, share in rank.items():
                lost += 0 if id in links else share
                for far, weight in links.get(id, ()):
                    after[far] += 0.85 * share * (weight if weighted else 1) / whole[id]
            rank = {id: score + (0.15 + 0.85 * lost) / len(rank) for id, score in after.items()}
        return rank
