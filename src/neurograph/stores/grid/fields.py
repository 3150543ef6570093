"""Fields from rows alone. Defined as in `kernels/grid_fields.py`, with the same sums in the same order."""

from __future__ import annotations

import math
from typing import Any

from ...connection.line import Line
from ...model.field import Field
from . import plain

Node = tuple[int, tuple[float, float, float], float, float, float]  # id, place, field radius, weight, influence


def find_fields(
    line: Line, level: str, threshold: float, min_nodes: int, link: float | None, falloff: str, weighted: bool
) -> list[Field]:
    """Return the fields, strongest first. Reads the table once for each token: for small minds only."""
    connection = line.connection
    axes = ", ".join(f"{level}_{axis}" for axis in "xyz")
    rows: Any = connection.execute(
        f"select id, {axes}, field_radius, max(weight, 0.0) from token where {level}_x is not null order by id"
    ).fetchall()
    nodes: list[Node] = []
    for id, x, y, z, radius, weight in rows:
        line.tick()
        felt = plain.influence(connection, level, (x, y, z), math.inf, falloff, weighted)
        if felt >= threshold:
            nodes.append((id, (x, y, z), radius, weight, felt))
    groups = [group for group in _linked(nodes, link, line) if len(group) >= min_nodes]
    return sorted(map(_field, groups), key=lambda field: (-field.strength, field.ids[0]))


def _linked(nodes: list[Node], link: float | None, line: Line) -> list[list[Node]]:
    """Return the nodes in groups of those linked to one another, each in order of id."""
    left = dict.fromkeys(range(len(nodes)))
    groups = []
    while left:
        seed, _ = left.popitem()
        group, queue = [seed], [seed]
        while queue:
            line.tick()
            near = nodes[queue.pop()]
            joined = [other for other in left if _close(near, nodes[other], link)]
            for other in joined:
                del left[other]
            group += joined
            queue += joined
        groups.append([nodes[at] for at in sorted(group)])
    return groups


def _close(a: Node, b: Node, link: float | None) -> bool:
    distance = _distance(a[1], b[1])
    return distance < a[2] + b[2] if link is None else distance <= link


def _distance(a: tuple[float, float, float], b: tuple[float, float, float]) -> float:
    dx, dy, dz = (p - q for p, q in zip(a, b, strict=True))
    return math.sqrt((dx * dx + dy * dy) + dz * dz)


def _field(group: list[Node]) -> Field:
    """Return the record of a group; every sum runs in order of id."""
    total = felt = 0.0
    for _, _, _, weight, influence in group:
        total += weight
        felt += influence
    center = [0.0, 0.0, 0.0]
    for _, place, _, weight, _ in group:
        share = weight / total if total > 0 else 1.0 / len(group)
        center = [sum_ + share * axis for sum_, axis in zip(center, place, strict=True)]
    x, y, z = center
    radius = max(_distance(place, (x, y, z)) for _, place, _, _, _ in group)
    return Field((x, y, z), radius, felt / len(group), len(group), total, tuple(id for id, *_ in group))
