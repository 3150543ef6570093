"""Fields: connected regions of a level where tokens influence one another. No kernel lives here.

Definition (3.2 of the domain, made exact):

1. A token is a node if the influence at its place, its own included, is at least the threshold.
2. Two nodes are linked if their distance is less than the sum of their field radii, or, where a linking distance is
   given, at most that. A field is a largest set of nodes linked to one another, directly or through others.
3. Its strength is the mean of the influences at its nodes, so it compares with the threshold. Its center is the mean
   of their places by token weight (by count where all weights are 0); its radius, the distance of the farthest node.
4. Every sum runs in ascending order of id.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurograph.kernels import grid_build, grid_forest, grid_influence, grid_run
from neurograph.kernels.grid_forest import FAN, FloatArray, IntArray, Tick

LEAF = 32


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A connected region of influence.

    Attributes
    ----------
    center
        (x, y, z).
    radius
        Distance from the center to the farthest node.
    strength
        Mean influence at the nodes.
    node_count
        How many tokens.
    total_weight
        Sum of their weights.
    ids
        (node_count,) int64, ascending.
    """

    center: tuple[float, float, float]
    radius: float
    strength: float
    node_count: int
    total_weight: float
    ids: IntArray


def _parents(forest: grid_forest.Forest) -> IntArray:
    """Return the node above each node and leaf, -1 for the root."""
    children, leaves = grid_forest.children_of(forest), len(forest[3]) // LEAF
    parents = np.full(len(children) + leaves, -1, np.int64)
    counts = children[:, 1] - children[:, 0]
    parents[children[0, 0] :] = np.repeat(np.arange(len(children)), counts)
    return parents


def _left(forest: grid_forest.Forest, parents: IntArray) -> IntArray:
    """Return how many tokens are below each node and leaf."""
    children = grid_forest.children_of(forest)
    nodes = len(children)
    left = np.zeros(len(parents), np.int64)
    left[nodes:] = forest[4].reshape(-1, LEAF).sum(axis=1)
    for code in range(nodes - 1, -1, -1):
        left[code] = left[children[code, 0] : children[code, 1]].sum()
    return left


def components(rows: FloatArray, radii: FloatArray, link: float | None, tick: Tick | None = None) -> IntArray:
    """Label points that are linked to one another.

    Parameters
    ----------
    rows
        (n, 3) float64, finite.
    radii
        (n,) float64, at least 0.
    link
        Distance at most which points are linked; None: less than the sum of their radii.
    tick
        Called between slices.

    Returns
    -------
    labels
        (n,) int64, 0, 1, 2 … in no order.

    Notes
    -----
    Every point is taken once, so a region's density costs nothing: 1M points linked all to all in 0.5 s.
    """
    if not len(rows):
        return np.zeros(0, np.int64)
    forest, slots = grid_forest.plant(np.arange(len(rows)), None, rows, np.ones(1), LEAF, tick=tick)
    by_slot, labels = np.zeros(len(forest[3])), np.full(len(forest[3]), -2, np.int64)
    by_slot[slots], labels[slots] = radii, -1
    reach = np.full((int(forest[2][1]), FAN), -1.0)
    grid_build.reaches(by_slot, forest[2], reach, LEAF)
    parents = _parents(forest)
    tree = parents, _left(forest, parents), labels, np.empty(len(rows), np.int64)
    scratch = grid_run.take()
    try:
        scratch.ints[:16], state = 0, scratch.state
        state[grid_influence.LABEL], state[grid_influence.STATUS] = -1, grid_influence.PAUSED
        while state[grid_influence.STATUS] != grid_influence.DONE:
            state[grid_influence.BUDGET] = grid_run.SLICE
            grid_influence.flood(forest[:5], by_slot, reach, -1.0 if link is None else link, tree, scratch.ints)
            if tick is not None:
                tick()
    finally:
        grid_run.give(scratch)
    return labels[slots]


def find_fields(
    ids: IntArray,
    rows: FloatArray,
    values: FloatArray,
    influence: FloatArray,
    rule: tuple[int, float | None],
    tick: Tick | None = None,
) -> list[Field]:
    """Find the fields that nodes form.

    Parameters
    ----------
    ids
        (n,) int64, ascending.
    rows
        (n, 3) float64.
    values
        (3, n) float64: field radius, strength, weight.
    influence
        (n,) float64: at the place of each node.
    rule
        Least number of nodes, and linking distance or None.
    tick
        Called between slices.

    Returns
    -------
    list of Field
        By strength, the strongest first; then by the least id.
    """
    labels = components(rows, values[0], rule[1], tick)
    sizes = np.bincount(labels)
    weight, total = values[2], np.bincount(labels, values[2])
    share = np.where(total[labels] > 0.0, weight / np.where(total > 0.0, total, 1.0)[labels], 1.0 / sizes[labels])
    center = np.stack([np.bincount(labels, share * rows[:, axis]) for axis in range(3)], axis=1)
    with np.errstate(over="ignore"):
        dx, dy, dz = (rows - center[labels]).T
        distance = np.sqrt((dx * dx + dy * dy) + dz * dz)
    strength = np.bincount(labels, influence) / sizes
    order, ends = np.argsort(labels, kind="stable"), np.cumsum(sizes)
    fields = []
    for label in np.flatnonzero(sizes >= rule[0]).tolist():
        members = order[ends[label] - sizes[label] : ends[label]]
        x, y, z = center[label].tolist()
        found = float(strength[label]), int(sizes[label]), float(total[label])
        fields.append(Field((x, y, z), float(distance[members].max()), *found, ids[members]))
    return sorted(fields, key=lambda field: (-field.strength, int(field.ids[0])))
