"""A query over everything, slow and obvious: rankings as lists of entities, fused by the formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Entity = tuple[str, int]


def reciprocal(rankings: Mapping[str, Sequence[Entity]], weights: Mapping[str, float]) -> list[tuple[Entity, float]]:
    """Return entities and scores, best first: the sum of weight / (5 + rank)."""
    scores: dict[Entity, float] = {}
    for leg, ranking in rankings.items():
        for rank, entity in enumerate(ranking, 1):
            scores[entity] = scores.get(entity, 0.0) + weights[leg] / (5 + rank)
    return sorted(scores.items(), key=lambda scored: (-scored[1], scored[0]))


def weighted(
    rankings: Mapping[str, Sequence[tuple[Entity, float]]], weights: Mapping[str, float]
) -> list[tuple[Entity, float]]:
    """Return entities and scores, best first: the sum of weight times the figure brought to [0, 1], greater better."""
    scores: dict[Entity, float] = {}
    for leg, ranking in rankings.items():
        figures = [figure for _, figure in ranking]
        for entity, figure in ranking:
            spread = max(figures) - min(figures)
            good = 1.0 if spread == 0.0 else (figure - min(figures)) / spread
            scores[entity] = scores.get(entity, 0.0) + weights[leg] * good
    return sorted(scores.items(), key=lambda scored: (-scored[1], scored[0]))


def activation(
    seeds: Sequence[int], links: Sequence[tuple[int, int, float]], keep: float, depth: int
) -> dict[int, float]:
    """Return token → energy: 1, 1/2, 1/3 … at the seeds, and what arrives; a seed's own energy never comes back."""
    total = {seed: 1.0 / rank for rank, seed in enumerate(seeds, 1)}
    for rank, seed in enumerate(seeds, 1):
        current = {seed: 1.0 / rank}
        for _ in range(depth):
            arrived: dict[int, float] = {}
            for source, target, weight in links:
                if source in current:
                    arrived[target] = arrived.get(target, 0.0) + current[source] * weight * keep
            for token, energy in arrived.items():
                if token != seed and energy > 0.0:
                    total[token] = total.get(token, 0.0) + energy
            current = arrived
    return total
