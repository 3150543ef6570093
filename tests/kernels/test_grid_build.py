"""The arrays that the grid's kernels walk are what `grid_forest` says they are."""

from __future__ import annotations

import numpy as np
import pytest
from grid_cases import EXAMPLES, KINDS, PURE, cloud, clouds, quiet  # noqa: F401
from hypothesis import given
from hypothesis import strategies as st

from neurograph.kernels import grid_forest

pytestmark = pytest.mark.kernels

ONE = np.ones(1)


def plant(place: np.ndarray, leaf: int = 4) -> tuple[grid_forest.Forest, np.ndarray]:
    return grid_forest.plant(np.arange(len(place)), None, place, ONE, leaf)


def places_below(forest: grid_forest.Forest, code: int) -> np.ndarray:
    """Return the points below a node or leaf."""
    points, _, _, _, alive, _ = forest
    children, size = grid_forest.children_of(forest), points.shape[1]
    if code >= len(children):
        leaf = code - len(children)
        return points[3 * leaf : 3 * leaf + 3].T[alive[leaf * size : (leaf + 1) * size] == 1]
    return np.concatenate([places_below(forest, child) for child in range(*children[code])])


@EXAMPLES
@given(clouds, st.sampled_from([1, 2, 8, 32]))
def test_every_token_has_one_slot_and_its_point_is_there(place: np.ndarray, leaf: int) -> None:
    forest, slots = plant(place, leaf)
    assert sorted(set(slots.tolist())) == sorted(slots.tolist())
    assert forest[3][slots].tolist() == list(range(len(place)))
    assert forest[4].sum() == len(place)
    assert not np.isfinite(np.delete(forest[0].reshape(-1, 3, leaf).transpose(0, 2, 1).reshape(-1, 3), slots, 0)).any()
    patterns, rows = grid_forest.rows_of(forest, slots, 1)
    assert rows.tolist() == place.tolist()
    assert set(patterns.tolist()) <= {1}


@EXAMPLES
@given(clouds)
def test_the_box_of_each_child_is_the_least_that_holds_what_is_below(place: np.ndarray) -> None:
    forest, _ = plant(place)
    for node, (begin, end) in enumerate(grid_forest.children_of(forest).tolist()):
        for child in range(begin, end):
            below = places_below(forest, child)
            box = forest[1][6 * node : 6 * node + 6, child - begin]
            assert box.tolist() == [*below.min(axis=0), *below.max(axis=0)]


@EXAMPLES
@given(clouds)
def test_every_leaf_but_the_last_is_full_and_below_one_node(place: np.ndarray) -> None:
    forest, _ = plant(place)
    children, leaves = grid_forest.children_of(forest), len(forest[3]) // 4
    assert forest[4].reshape(-1, 4)[:-1].all()
    below = [code for begin, end in children.tolist() for code in range(begin, end)]
    assert sorted(below) == list(range(1, len(children) + leaves))


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_points_give_the_same_arrays(kind: str) -> None:
    place = cloud(kind, 300, 3)
    first, second = plant(place), plant(place.copy())
    assert [array.tobytes() for array in first[0]] == [array.tobytes() for array in second[0]]


@pytest.mark.parametrize(
    "shape", ["organ pipe", "sawtooth", "ascending", "descending", "two values", "one differs", "largest number"]
)
def test_no_order_of_the_rows_makes_the_builder_slow_or_wrong(shape: str) -> None:
    n = 600 if PURE else 60_000
    i = np.arange(n)
    x = {
        "organ pipe": np.minimum(i, n - i),
        "sawtooth": i % 24,
        "ascending": i,
        "descending": -i,
        "two values": i % 2,
        "one differs": i == n // 3,
        "largest number": np.where(i % 3, 1.7976931348623157e308, -1.0),
    }[shape].astype(float)
    forest, slots = plant(np.stack([x, np.zeros(n), np.zeros(n)], axis=1), 32)
    assert sorted(slots.tolist()) == list(range(n))
    leaves = np.sort(forest[0][::3].reshape(-1))[:n].reshape(-1)
    assert leaves.tolist() == np.sort(x).tolist()
    widths = np.nanmax(forest[0][::3], axis=1) - np.nanmin(forest[0][::3], axis=1)
    split = len(np.unique(x)) if shape != "largest number" else 2
    assert np.count_nonzero(widths) <= split + 1 + n // 32 * (split > 32)


def test_groups_hold_the_tokens_that_define_the_same_levels() -> None:
    rng = np.random.default_rng(1)
    n = 200
    patterns, rows = rng.choice([0, 1, 5, 7], n), rng.random((n, 9))
    forest, slots = grid_forest.plant(np.arange(n), patterns, rows, np.ones(3), 8)
    assert len(slots) == np.count_nonzero(patterns)
    found, again = grid_forest.rows_of(forest, slots, 3)
    ids = np.flatnonzero(patterns)
    assert forest[3][slots].tolist() == ids.tolist()
    assert found.tolist() == patterns[patterns > 0].tolist()
    defined = np.repeat(patterns[ids, None] >> np.arange(3) & 1, 3, axis=1) == 1
    assert again[defined].tolist() == rows[ids][defined].tolist()
    assert np.isnan(again[~defined]).all()
    assert sorted(grid_forest.groups_of(forest)[:, 0].tolist()) == [1, 5, 7]


def test_codes_are_within_half_a_step_of_their_points() -> None:
    rng = np.random.default_rng(2)
    n, leaf = 500, grid_forest.CODED
    rows = np.concatenate([rng.normal(size=(n, 3)), np.full((n, 3), 0.25)], axis=1)
    forest, _ = grid_forest.plant(np.arange(n), np.full(n, 3), rows, np.ones(2), leaf)
    points, _, _, _, _, codes = forest
    low, high = np.nanmin(points, axis=1, keepdims=True), np.nanmax(points, axis=1, keepdims=True)
    step = (high - low) / 255
    there = ~np.isnan(points)
    assert (np.abs(points - (low + codes * step)) <= 0.501 * step)[there].all()
    assert (codes.max(axis=1) == np.where(high > low, 255, 0)[:, 0]).all()


def test_slices_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    n = 400 if PURE else 4000
    rng = np.random.default_rng(4)
    arguments = np.arange(n), rng.choice([3, 255], n), rng.random((n, 24)), np.ones(8), 64
    whole, _ = grid_forest.plant(*arguments)
    ticks = []
    monkeypatch.setattr(grid_forest, "SLICE", 100)
    monkeypatch.setattr(grid_forest, "PACKED", 100)
    sliced, _ = grid_forest.plant(*arguments, tick=lambda: ticks.append(1))
    assert [array.tobytes() for array in whole] == [array.tobytes() for array in sliced]
    assert len(ticks) > 10
