"""The grid, slow and obvious: what `kernels/grid_*` must equal to the bit.

Tokens are plain lists; every question looks at every token. Floats are added up in a loop, because Python's `sum`
compensates since 3.12.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass
class Token:
    id: int
    point: tuple[float, float, float] = (0.0, 0.0, 0.0)
    radius: float = 0.0
    strength: float = 0.0
    weight: float = 1.0
    levels: dict[int, tuple[float, float, float]] = field(default_factory=dict)


def squared(a: tuple[float, float, float], b: tuple[float, float, float]) -> float:
    dx, dy, dz = (float(a[axis]) - float(b[axis]) for axis in range(3))
    return (dx * dx + dy * dy) + dz * dz


def distance(a: tuple[float, float, float], b: tuple[float, float, float]) -> float:
    return math.sqrt(squared(a, b))


def total(values: list[float]) -> float:
    result = 0.0
    for value in values:
        result += value
    return result


def within(tokens: list[Token], point: tuple[float, float, float], radius: float) -> list[tuple[int, float]]:
    hits = [(distance(token.point, point), token.id) for token in tokens]
    return [(id_, far) for far, id_ in sorted(hits) if far <= radius]


def nearest(
    tokens: list[Token], point: tuple[float, float, float], k: int, radius: float = math.inf
) -> list[tuple[int, float]]:
    return within(tokens, point, radius)[:k]


def box(tokens: list[Token], low: tuple[float, ...], high: tuple[float, ...]) -> list[int]:
    return sorted(
        token.id for token in tokens if all(low[axis] <= token.point[axis] <= high[axis] for axis in range(3))
    )


def density(tokens: list[Token], point: tuple[float, float, float], radius: float) -> float:
    return len(within(tokens, point, radius)) / (4.0 / 3.0 * math.pi * ((radius * radius) * radius))


def falloff(kind: str, t: float) -> float:
    return {"linear": 1.0 - t, "quadratic": 1.0 - t * t, "gaussian": math.exp(-4.5 * (t * t))}[kind]


def influence(
    tokens: list[Token],
    point: tuple[float, float, float],
    radius: float = math.inf,
    kind: str = "linear",
    weighted: bool = False,
) -> float:
    terms = []
    for token in sorted(tokens, key=lambda token: token.id):
        far = distance(token.point, point)
        if far <= radius and far <= token.radius:
            force = token.strength * token.weight if weighted else token.strength
            terms.append(force * falloff(kind, far / token.radius if token.radius else 0.0))
    return total(terms)


def fields(
    tokens: list[Token],
    threshold: float,
    min_nodes: int,
    link: float | None = None,
    kind: str = "linear",
    weighted: bool = False,
) -> list[dict[str, object]]:
    tokens = sorted(tokens, key=lambda token: token.id)
    value = {token.id: influence(tokens, token.point, math.inf, kind, weighted) for token in tokens}
    nodes = [token for token in tokens if value[token.id] >= threshold]

    def linked(a: Token, b: Token) -> bool:
        far = distance(a.point, b.point)
        return far < a.radius + b.radius if link is None else far <= link

    found, seen = [], set()
    for start in nodes:
        if start.id in seen:
            continue
        seen.add(start.id)
        members, queue = [start], [start]
        while queue:
            here = queue.pop()
            for other in nodes:
                if other.id not in seen and linked(here, other):
                    seen.add(other.id)
                    members.append(other)
                    queue.append(other)
        if len(members) >= min_nodes:
            found.append(describe(sorted(members, key=lambda token: token.id), value))
    return sorted(found, key=lambda one: (-one["strength"], one["ids"][0]))


def describe(members: list[Token], value: dict[int, float]) -> dict[str, object]:
    weight = total([token.weight for token in members])
    shares = [token.weight / weight if weight > 0 else 1.0 / len(members) for token in members]
    center = tuple(
        total([share * token.point[axis] for share, token in zip(shares, members, strict=True)]) for axis in range(3)
    )
    return {
        "center": center,
        "radius": max(distance(token.point, center) for token in members),
        "strength": total([value[token.id] for token in members]) / len(members),
        "node_count": len(members),
        "total_weight": weight,
        "ids": [token.id for token in members],
    }


def space_distance(
    a: dict[int, tuple[float, float, float]], b: dict[int, tuple[float, float, float]], weights: list[float]
) -> float | None:
    """Return the distance over several levels, None without a common one."""
    common = [level for level in range(8) if level in a and level in b and weights[level] > 0]
    if not common:
        return None
    far = total([squared(a[level], b[level]) * weights[level] for level in common])
    return math.sqrt(far) / math.sqrt(total([weights[level] for level in common]))


def space_within(
    tokens: list[Token], query: dict[int, tuple[float, float, float]], weights: list[float], radius: float
) -> list[tuple[int, float]]:
    hits = [(space_distance(token.levels, query, weights), token.id) for token in tokens]
    return [(id_, far) for far, id_ in sorted(hit for hit in hits if hit[0] is not None) if far <= radius]
