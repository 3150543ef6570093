"""The order of space is a permutation, the same for the same points, in which leaves are small."""

from __future__ import annotations

import numpy as np
import pytest

from neurograph.stores.grid.order import TILE, in_halves


@pytest.mark.parametrize("n", [1, 31, 32, 33, 1000, TILE - 1, TILE, TILE + 1, 3 * TILE + 77])
@pytest.mark.parametrize("leaf", [32, 128])
def test_every_point_has_one_place(n, leaf):
    columns = list(np.random.default_rng(n).random((3, n)))
    order = in_halves(columns, leaf)
    assert sorted(order.tolist()) == list(range(n))
    assert (in_halves(columns, leaf) == order).all()


def test_leaves_lie_together():
    columns = list(np.random.default_rng(1).random((3, 4 * TILE)))
    order = in_halves(columns, 32)
    extents = [np.ptp(column[order].reshape(-1, 32), axis=1).mean() for column in columns]
    assert max(extents) < 2 * (32 / (4 * TILE)) ** (1 / 3)


@pytest.mark.parametrize("size", [0.0, 1e308])
def test_equal_and_huge_coordinates_have_an_order(size):
    rng = np.random.default_rng(2)
    order = in_halves([rng.choice([-size, size], 2 * TILE) for _ in range(3)], 32)
    assert sorted(order.tolist()) == list(range(2 * TILE))
