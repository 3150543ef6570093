"""Graph algorithms as their definitions read: slow, obvious, on ids and dicts, without arrays.

`NaiveGraph.links(id, direction)` lists (type, far id, weight) in the order in which kernels walk entries; everything
else is built on it.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from typing import NamedTuple


class Edge(NamedTuple):
    source: int
    target: int
    type: int = 0
    key: str = ""
    weight: float = 1.0
    bidirectional: bool = False


class Link(NamedTuple):
    type: int
    far: int
    weight: float


class NaiveGraph:
    def __init__(self, ids: Iterable[int], edges: Iterable[Edge], types: set[int] | None = None) -> None:
        self.ids = sorted(ids)
        self.out = {id: [] for id in self.ids}
        self.into = {id: [] for id in self.ids}
        for edge in edges:
            if types is not None and edge.type not in types:
                continue
            self.out[edge.source].append((edge.type, edge.target, 0, edge.key, edge.weight))
            self.into[edge.target].append((edge.type, edge.source, 0, edge.key, edge.weight))
            if edge.bidirectional and edge.source != edge.target:
                self.out[edge.target].append((edge.type, edge.source, 1, edge.key, edge.weight))
                self.into[edge.source].append((edge.type, edge.target, 1, edge.key, edge.weight))

    def links(self, id: int, direction: str = "out") -> list[Link]:
        found = []
        if direction != "in":
            found += sorted(self.out[id])
        if direction != "out":
            found += sorted(self.into[id])
        return [Link(type, far, weight) for type, far, _, _, weight in found]

    def neighbors(self, id: int, direction: str = "out") -> list[int]:
        return sorted({link.far for link in self.links(id, direction)})

    def bfs(self, start: int, max_depth: float = math.inf, direction: str = "out") -> list[tuple[int, int]]:
        depth, frontier = {start: 0}, [start]
        while frontier and depth[frontier[0]] < max_depth:
            after = []
            for id in frontier:
                for far in self.neighbors(id, direction):
                    if far not in depth:
                        depth[far] = depth[id] + 1
                        after.append(far)
            frontier = after
        return sorted(depth.items(), key=lambda item: (item[1], item[0]))

    def dfs(self, start: int, max_depth: float = math.inf, direction: str = "out") -> list[tuple[int, int]]:
        visited: dict[int, int] = {}

        def visit(id: int, depth: int) -> None:
            visited[id] = depth
            for far in self.neighbors(id, direction) if depth < max_depth else ():
                if far not in visited:
                    visit(far, depth + 1)

        visit(start, 0)
        return list(visited.items())

    def shortest_path(
        self, source: int, target: int, direction: str = "out", cutoff: float = math.inf
    ) -> list[int] | None:
        depth = dict(self.bfs(source, direction=direction))
        if target not in depth or depth[target] > cutoff:
            return None
        path = [target]
        while path[-1] != source:
            before = [
                id for id in depth if depth[id] == depth[path[-1]] - 1 and path[-1] in self.neighbors(id, direction)
            ]
            path.append(min(before))
        return path[::-1]

    def cheapest(
        self, source: int, cost: str = "inverse_weight", direction: str = "out", cutoff: float = math.inf
    ) -> dict[int, tuple[float, int, int]]:
        """Return {id: (cost, links, predecessor)} of everything that can be reached."""
        best = {source: (0.0, 0, source)}
        heap, settled = [(0.0, 0, source)], {}
        while heap:
            distance, links, id = heapq.heappop(heap)
            if id in settled:
                continue
            settled[id] = best[id]
            for link in self.links(id, direction):
                if link.weight == 0 or link.far in settled:
                    continue
                offer = (distance + (1 / link.weight if cost == "inverse_weight" else link.weight), links + 1, id)
                if offer[0] <= cutoff and offer < best.get(link.far, (math.inf,)):
                    best[link.far] = offer
                    heapq.heappush(heap, (offer[0], offer[1], link.far))
        return settled

    def cheapest_path(
        self, source: int, target: int, cost: str = "inverse_weight", direction: str = "out", cutoff: float = math.inf
    ) -> tuple[list[int], float] | None:
        settled = self.cheapest(source, cost, direction, cutoff)
        if target not in settled:
            return None
        path = [target]
        while path[-1] != source:
            path.append(settled[path[-1]][2])
        return path[::-1], settled[target][0]

    def pagerank(
        self,
        damping: float = 0.85,
        personalization: dict[int, float] | None = None,
        tol: float = 1e-8,
        isolated: int = 0,
    ) -> dict[int, float]:
        """Return {id: score}, and under None the score of each isolated node."""
        everyone = [*self.ids, *([None] * isolated)]
        wanted = personalization or dict.fromkeys(self.ids, 1.0)
        alone = 0.0 if personalization else 1.0
        total = sum(wanted.values()) + isolated * alone
        jump = {id: wanted.get(id, 0.0) / total for id in self.ids} | {None: alone / total if total else 0.0}
        strength = {id: sum(link.weight for link in self.links(id)) for id in self.ids} | {None: 0.0}
        score = dict(jump)
        while True:
            lost = sum(score[id] for id in everyone if not strength[id])
            after = {id: (damping * lost + 1 - damping) * jump[id] for id in [*self.ids, None]}
            for id in self.ids:
                for link in self.links(id):
                    if strength[id]:
                        after[link.far] += damping * score[id] * link.weight / strength[id]
            change = sum(abs(after[id] - score[id]) for id in everyone)
            score = after
            if change <= tol:
                return score

    def components(self) -> dict[int, int]:
        return {id: min(far for far, _ in self.bfs(id, direction="both")) for id in self.ids}

    def strong_components(self) -> dict[int, int]:
        leads = {id: {far for far, _ in self.bfs(id)} for id in self.ids}
        return {id: min(far for far in leads[id] if id in leads[far]) for id in self.ids}

    def spread(
        self,
        source: int,
        energy: float = 1.0,
        mode: str = "sum",
        decay: float = 0.2,
        min_energy: float = 0.01,
        max_depth: int = 5,
        threshold: float = 0.1,
        budget: float = math.inf,
    ) -> list[tuple[int, float, int, int]]:
        """Return (id, energy, depth, predecessor)."""

        def combined(arrivals: list[float]) -> float:
            total = 0.0
            for n, arrival in enumerate(arrivals):
                total = {
                    "sum": total + arrival,
                    "max": max(total, arrival),
                    "weighted_average": (total * n + arrival) / (n + 1),
                }[mode]
            return total

        arrivals: dict[int, list[tuple[int, int, float]]] = {source: []}  # (round, sender, energy)
        received, over = {source: energy}, False
        for depth in range(1, max_depth + 1):
            now: dict[int, list[float]] = {}
            for sender in sorted(id for id in received if received[id] >= min_energy):
                for link in self.links(sender):
                    sent = received[sender] * link.weight * (1 - decay)
                    if sent <= 0 or over:
                        continue
                    if link.far not in arrivals and len(arrivals) == budget:
                        over = True
                        continue
                    arrivals.setdefault(link.far, []).append((depth, sender, sent))
                    now.setdefault(link.far, []).append(sent)
            received = {id: combined(sent) for id, sent in now.items()}
            if over:
                break
        found = []
        for id, came in arrivals.items():
            total = combined([sent for _, _, sent in came])
            if id != source and total >= threshold:
                largest = min(came, key=lambda arrival: (-arrival[2], arrival[0], arrival[1]))
                found.append((id, total, came[0][0], largest[1]))
        return sorted(found, key=lambda row: (-row[1], row[0]))

    def triangles(self, id: int) -> int:
        near = [far for far in self.neighbors(id, "both") if far != id]
        return sum(b in self.neighbors(a, "both") for a in near for b in near if a < b)

    def clustering(self, id: int) -> float:
        k = len([far for far in self.neighbors(id, "both") if far != id])
        return self.triangles(id) / (k * (k - 1) / 2) if k > 1 else 0.0
