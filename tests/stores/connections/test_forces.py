"""Forces equal the formula, at given distances and at those the grid measures."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

import neurograph
from neurograph.errors import UnknownName
from neurograph.model.connection import force, potential
from neurograph.model.levels import LEVELS


@pytest.fixture
def cloud(db: neurograph.Database) -> neurograph.Database:
    """Return tokens in random levels, and connections between them that act in random levels."""
    rng = random.Random(5)
    for _ in range(12):
        places = {level: [rng.gauss(0, 3) for _ in "xyz"] for level in LEVELS if rng.random() < 0.8}
        db.tokens.create(coordinates=places)
    for source in range(1, 12):
        db.connections.create(
            source, source + 1, type=rng.choice(("fears", "antonym")), rigidity=rng.random(), pull=rng.uniform(-10, 10),
            preferred_distance=rng.uniform(0.01, 5), confidence=rng.random(), active_levels=rng.randrange(256),
        )  # fmt: skip
    return db


def ids(db: neurograph.Database) -> list[int]:
    return [connection.id for connection in db.connections.list()]


def test_the_force_is_the_original_systems_formula():
    assert force(3.0, 1.0, 128 / 255, 2.0, 0.5) == (1.0 - 3.0) * (128 / 255) * 2.0 * 0.5
    assert potential(3.0, 1.0, 0.5, 2.0) == 0.5 * 0.5 * 2.0 * 4.0


def test_an_immutable_connection_pulls_with_all_its_force(cloud):
    for connection in cloud.connections.list(mutability="immutable"):
        expected = (connection.preferred_distance - 2.0) * connection.rigidity * connection.pull * 1
        assert cloud.connections.force(connection, distance=2.0) == expected == connection.force(2.0)


def test_given_distances_give_the_formula_for_one_and_for_many(cloud):
    chosen = [*ids(cloud), 3, 3]
    distances = np.linspace(0, 9, len(chosen))
    for name in ("force", "potential"):
        method = getattr(cloud.connections, name)
        many = method(chosen, distance=distances)
        assert many.dtype == np.float64
        singles = [method(id, distance=d) for id, d in zip(chosen, distances.tolist(), strict=True)]
        records = [
            getattr(cloud.connections.get(id), name)(d) for id, d in zip(chosen, distances.tolist(), strict=True)
        ]
        assert many.tolist() == singles == records
        assert method(chosen, distance=2.0).tolist() == [method(id, distance=2.0) for id in chosen]


@pytest.mark.parametrize("level", [*LEVELS, "L3", 5])
def test_in_one_level_the_distance_is_the_grids(cloud, level):
    found = cloud.connections.force(ids(cloud), level=level)
    for connection, value in zip(cloud.connections.list(), found.tolist(), strict=True):
        apart = cloud.grid.distance(connection.source, connection.target, level=level)
        assert math.isnan(value) if apart is None else value == connection.force(apart)
    assert 0 < np.isnan(found).sum() < len(found)


@pytest.mark.parametrize("weights", [None, {"social": 2.0, "motor": 0.5, "abstract": 1.0}, {}])
def test_without_a_level_it_is_measured_in_the_active_ones(cloud, weights):
    cloud.cdna.set_profile("explorer")
    scales = cloud.cdna.current().scales if weights is None else weights
    found = cloud.connections.potential(ids(cloud), weights=weights)
    for connection, value in zip(cloud.connections.list(), found.tolist(), strict=True):
        own = {level: scales[level] for level in connection.active_levels if level in scales}
        apart = cloud.grid.distance(connection.source, connection.target, weights=own)
        assert math.isnan(value) if apart is None else value == pytest.approx(connection.potential(apart), rel=1e-15)


def test_several_levels_are_measured_together(cloud):
    chosen = ("social", "L1", 7)
    found = cloud.connections.force(ids(cloud), level=chosen)
    for connection, value in zip(cloud.connections.list(), found.tolist(), strict=True):
        own = {"social": 1.0, "physical": 1.0, "abstract": 1.0}
        apart = cloud.grid.distance(connection.source, connection.target, weights=own)
        assert math.isnan(value) if apart is None else value == pytest.approx(connection.force(apart), rel=1e-15)


def test_an_unknown_level_is_named(cloud):
    for level in ("sozial", ["social", "sozial"]):
        with pytest.raises(UnknownName, match="'social'"):
            cloud.connections.force(1, level=level)
    with pytest.raises(UnknownName, match="'social'"):
        cloud.connections.force(1, weights={"sozial": 1.0})
