"""An index of points as they lie answers as one that was built, and takes changes."""

from __future__ import annotations

import numpy as np
import pytest

from neurograph.kernels import grid_forest
from neurograph.kernels.grid_level import LevelIndex
from neurograph.kernels.grid_space import SpaceIndex

pytestmark = pytest.mark.kernels


def tokens(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ids in no order, and x, y, z, radius, strength, weight."""
    rng = np.random.default_rng(n)
    return rng.permutation(np.arange(1, 3 * n, 3)), rng.random((6, n))


@pytest.mark.parametrize("n", [1, 31, 32, 33, 255, 256, 257, 5000])
@pytest.mark.parametrize("leaf", [32, 128])
def test_the_arrays_are_those_of_a_build_without_an_order(n, leaf):
    rows = np.random.default_rng(n).random((n, 3))
    ids = np.arange(1, n + 1)
    built, _ = grid_forest.plant(ids, None, rows, np.ones(1), leaf, ordered=False)
    for one, other in zip(grid_forest.lay(ids, [(1, n)], [list(rows.T)], leaf), built, strict=True):
        np.testing.assert_array_equal(one, other)


def alike(one: LevelIndex, other: LevelIndex) -> None:
    assert len(one) == len(other)
    for x in (0.1, 0.5, 2.0):
        near = one.nearest(x, 0.5, 0.5, 7), other.nearest(x, 0.5, 0.5, 7)
        assert near[0][0].tolist() == near[1][0].tolist()
        found = one.within(x, 0.5, 0.5, 0.3), other.within(x, 0.5, 0.5, 0.3)
        assert found[0][0].tolist() == found[1][0].tolist()
        assert one.influence(x, 0.5, 0.5, weighted=True) == other.influence(x, 0.5, 0.5, weighted=True)
    for a, b in zip(one._everything(), other._everything(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("n", [1, 300, 2000])
@pytest.mark.parametrize("apart", [1, 1 << 40])
def test_tokens_of_a_level_may_lie_in_any_order(n, apart):
    ids, columns = tokens(n)
    ids *= apart
    order = np.argsort(ids)
    laid, built = LevelIndex.lay(ids, list(columns)), LevelIndex.build(ids[order], *columns[:, order])
    alike(laid, built)
    changed = np.sort(ids)[: n // 2 : 3]
    for index in (laid, built):
        index.apply(changed[:1], changed[1:], *np.full((6, len(changed[1:])), 0.25))
    alike(laid, built)
    alike(laid.rebuild(), built.rebuild())
    alike(LevelIndex.from_arrays(laid.to_arrays()), built)


def test_rows_that_are_no_tokens_any_more_are_not_found():
    ids, columns = tokens(500)
    dead = np.arange(500) % 7 == 0
    order = np.argsort(ids[~dead])
    built = LevelIndex.build(ids[~dead][order], *columns[:, ~dead][:, order])
    laid = LevelIndex.lay(np.where(dead, 0, ids), list(columns))
    alike(laid, built)
    alike(LevelIndex.from_arrays(laid.to_arrays()), built)
    laid.apply((), [1], *np.full((6, 1), 0.5))
    built.apply((), [1], *np.full((6, 1), 0.5))
    alike(laid, built)


def test_groups_of_several_levels_may_lie_in_any_order():
    rng = np.random.default_rng(4)
    n, coordinates = 900, rng.random((900, 8, 3))
    masks = rng.choice([1, 3, 0b10000001, 255], n)
    order = np.argsort(masks, kind="stable")
    sizes = [(int(mask), int((masks == mask).sum())) for mask in np.unique(masks)]
    parts = [
        [
            coordinates[order[masks[order] == mask], level, axis]
            for level in range(8)
            if mask >> level & 1
            for axis in range(3)
        ]
        for mask, _ in sizes
    ]
    ids = rng.permutation(np.arange(1, n + 1))
    by_id = np.argsort(ids)
    laid = SpaceIndex.lay(ids[order], sizes, parts)
    built = SpaceIndex.build(ids[by_id], coordinates[by_id], masks[by_id])
    for index in (laid, built):
        index.apply([5, 6], [7, 2000], coordinates[:2], [255, 1])
    for at in range(20):
        for a, b in zip(*(index.nearest(coordinates[at], 255, 9) for index in (laid, built)), strict=True):
            assert a.tolist() == b.tolist()
    for a, b in zip(laid._everything(), built._everything(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("ranges", [1, 100])
def test_tokens_between_ids_are_those_there_are(ranges):
    ids, columns = tokens(4000)
    index = LevelIndex.lay(ids, list(columns))
    index.apply([4, 301], [2, 7, 20_000], *np.full((6, 3), 0.5))
    everything = index._everything()
    firsts = np.arange(ranges) * 120
    lasts = firsts + 59
    wanted = np.array([any(a <= id <= b for a, b in zip(firsts, lasts, strict=True)) for id in everything[0]])
    found = index.between(firsts, lasts)
    assert 7 in found[0]
    for a, b in zip(found[:3], everything[:3], strict=True):
        np.testing.assert_array_equal(a, b[wanted])
    np.testing.assert_array_equal(found[3], everything[3][:, wanted])
