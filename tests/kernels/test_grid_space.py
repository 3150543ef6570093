"""Searches over several weighted levels equal the naive version to the bit, whatever each token defines."""

from __future__ import annotations

import math
from unittest import mock

import apsw
import numpy as np
import pytest
from grid_cases import EXAMPLES, PURE, pairs, points, quiet, space_columns, space_query, space_tokens, unpacked  # noqa: F401
from hypothesis import given
from hypothesis import strategies as st

import naive_grid as naive
from neurograph.errors import InvalidValue
from neurograph.kernels import grid_forest
from neurograph.kernels.grid_space import SpaceIndex

pytestmark = pytest.mark.kernels

weights = st.lists(st.sampled_from([0.0, 1.0, 0.5, 1e-3, 34.0, 1e-200, 1e200, 0.1]), min_size=8, max_size=8)
places = st.dictionaries(st.integers(0, 7), points, min_size=1, max_size=8)


class Deep(SpaceIndex):
    """Leaves so small that a few tokens make a tree of several levels."""

    leaf = 8


@EXAMPLES
@given(
    st.sampled_from([(SpaceIndex, 64), (Deep, 64), (Deep, 1)]),
    space_tokens(),
    places,
    weights,
    st.integers(0, 40),
    st.sampled_from([0.0, 0.5, 1.0, 5**0.5, 1e160, math.inf]),
)
def test_nearest_and_radius_equal_naive(
    kind: tuple[type[SpaceIndex], int],
    crowd: list[naive.Token],
    place: dict,
    weight: list[float],
    k: int,
    radius: float,
) -> None:
    with mock.patch.object(grid_forest, "CODED", kind[1]):
        index = kind[0].build(**space_columns(crowd))
    queries = [place] + [token.levels for token in crowd[:3] if token.levels]
    for levels in queries:
        query = space_query(levels)
        expected = naive.space_within(crowd, levels, weight, radius)
        assert pairs(index.within(*query, radius, weights=weight)) == expected
        assert pairs(index.nearest(*query, k, radius, weights=weight)) == expected[:k]
    arrays = space_columns([naive.Token(0, levels=levels) for levels in queries])
    many = index.nearest_many(arrays["coordinates"], arrays["masks"], k, radius, weights=weight)
    assert unpacked(many) == [naive.space_within(crowd, levels, weight, radius)[:k] for levels in queries]
    many = index.within_many(arrays["coordinates"], arrays["masks"], radius, weights=weight)
    assert unpacked(many) == [naive.space_within(crowd, levels, weight, radius) for levels in queries]


def test_tokens_without_a_common_level_are_no_neighbours() -> None:
    crowd = [naive.Token(1, levels={0: (0.0, 0.0, 0.0)}), naive.Token(2, levels={3: (0.0, 0.0, 0.0)}), naive.Token(3)]
    index = SpaceIndex.build(**space_columns(crowd))
    assert len(index) == 2
    assert index.within(*space_query({0: (9.0, 0.0, 0.0)}), math.inf)[0].tolist() == [1]
    assert index.within(*space_query({5: (9.0, 0.0, 0.0)}), math.inf)[0].tolist() == []
    assert index.nearest(np.zeros((8, 3)), 0, 5)[0].tolist() == []


def test_a_level_that_weighs_nothing_is_not_common() -> None:
    crowd = [
        naive.Token(1, levels={0: (0.0, 0.0, 0.0), 1: (1.0, 0.0, 0.0)}),
        naive.Token(2, levels={0: (2.0, 0.0, 0.0)}),
    ]
    index = SpaceIndex.build(**space_columns(crowd))
    query = space_query({0: (0.0, 0.0, 0.0), 1: (0.0, 0.0, 0.0)})
    assert pairs(index.nearest(*query, 5, weights=[0, 1, 0, 0, 0, 0, 0, 0])) == [(1, 1.0)]
    assert pairs(index.nearest(*query, 5, weights=[1, 0, 0, 0, 0, 0, 0, 0])) == [(1, 0.0), (2, 2.0)]
    assert pairs(index.nearest(*query, 5, weights=np.zeros(8))) == []


def test_distance_is_the_weighted_mean_over_common_levels() -> None:
    crowd = [naive.Token(1, levels={0: (3.0, 4.0, 0.0), 4: (1.0, 0.0, 0.0), 6: (9.0, 9.0, 9.0)})]
    index = SpaceIndex.build(**space_columns(crowd))
    query = space_query({0: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0), 7: (0.0, 0.0, 0.0)})
    weight = [2.0, 1, 1, 1, 3.0, 1, 1, 1]
    assert pairs(index.nearest(*query, 1, weights=weight)) == [(1, math.sqrt(53.0) / math.sqrt(5.0))]


def test_the_weights_of_the_build_change_no_answer() -> None:
    rng = np.random.default_rng(3)
    n = 60 if PURE else 2000
    arrays = {"ids": np.arange(n), "coordinates": rng.random((n, 8, 3)), "masks": rng.integers(0, 256, n)}
    one, other = SpaceIndex.build(**arrays), SpaceIndex.build(**arrays, weights=[0, 5, 1, 0, 1, 1e6, 1, 1e-6])
    for row in range(10):
        query = arrays["coordinates"][row], 255
        assert pairs(one.nearest(*query, 12)) == pairs(other.nearest(*query, 12))


@pytest.mark.parametrize("spread", [0.05, 1e-9])
def test_numpy_finds_the_same(spread: float) -> None:
    """Most points are ruled out by their codes here."""
    rng = np.random.default_rng(7)
    n = 300 if PURE else 20_000
    center = rng.random((20, 24))
    coordinates = center[rng.integers(0, 20, n)] + rng.normal(0, spread, (n, 24))
    index = SpaceIndex.build(np.arange(n), coordinates, np.full(n, 255))
    weight = rng.random(8)
    for query in coordinates[:10] + 0.2 * spread:
        square = ((coordinates - query) ** 2).reshape(n, 8, 3).sum(axis=2) @ weight
        far = np.sqrt(square) / math.sqrt(weight.sum())
        ids, distances = index.nearest(query, 255, 10, weights=weight)
        assert ids.tolist() == np.argsort(far)[:10].tolist()
        np.testing.assert_allclose(distances, np.sort(far)[:10], rtol=1e-12)


def test_sql_finds_the_same_bits_in_the_same_order() -> None:
    rng = np.random.default_rng(9)
    n, weight = 300, [0.3, 2.0, 0.0, 7.0]
    place = np.concatenate([rng.integers(-2, 3, (n // 2, 12)), rng.uniform(-300, 300, (n // 2, 12))]).astype(float)
    coordinates, masks = np.full((n, 24), np.nan), rng.integers(0, 16, n)
    for level in range(4):
        defined = masks >> level & 1 == 1
        coordinates[defined, 3 * level : 3 * level + 3] = place[defined, 3 * level : 3 * level + 3]
    db = apsw.Connection(":memory:")
    names = [f"c{column}" for column in range(12)]
    db.execute(f"create table p (id integer primary key, {', '.join(f'{name} real' for name in names)})")
    rows = [(i, *(None if math.isnan(v) else v for v in row[:12])) for i, row in enumerate(coordinates.tolist())]
    db.executemany(f"insert into p values ({', '.join('?' * 13)})", rows)
    index = SpaceIndex.build(np.arange(n), coordinates, masks)
    for query in (5, 77, 200, 290):
        mine = coordinates[query]
        levels = [level for level in range(4) if masks[query] >> level & 1 and weight[level]]
        far, norm = "0.0", "0.0"
        for level in levels:
            d = [f"(c{3 * level + axis} - {mine[3 * level + axis]!r})".replace("np.float64", "") for axis in range(3)]
            term = f"(({d[0]} * {d[0]} + {d[1]} * {d[1]}) + {d[2]} * {d[2]}) * {weight[level]!r}"
            far, norm = (
                f"({far} + coalesce({term}, 0.0))",
                f"({norm} + iif(c{3 * level} is null, 0.0, {weight[level]!r}))",
            )
        sql = f"select id, sqrt({far}) / sqrt({norm}) as d from p where {norm} > 0 order by d, id"
        expected = [tuple(row) for row in db.execute(sql)] if levels else []
        answer = index.within(mine, int(masks[query]), math.inf, weights=weight + [0.0] * 4)
        assert pairs(answer) == expected


@pytest.mark.parametrize(
    "call",
    [
        lambda index: index.nearest(np.zeros(24), 256, 1),
        lambda index: index.nearest(np.zeros(24), -1, 1),
        lambda index: index.nearest(np.zeros(23), 1, 1),
        lambda index: index.nearest(np.full(24, np.nan), 1, 1),
        lambda index: index.nearest(np.full(24, np.inf), 255, 1),
        lambda index: index.nearest(np.zeros(24), 1, 1, weights=np.ones(7)),
        lambda index: index.nearest(np.zeros(24), 1, 1, weights=-np.ones(8)),
        lambda index: index.nearest(np.zeros(24), 1, 1, weights=np.full(8, np.nan)),
        lambda index: index.nearest(np.zeros(24), 1, 1, weights=np.full(8, 1e308)),
        lambda index: index.nearest(np.zeros(24), 1.5, 1),
        lambda index: index.within(np.zeros(24), 1, -1.0),
        lambda index: index.within_many(np.zeros((2, 24)), [1], 1.0),
        lambda index: SpaceIndex.build([1], np.full((1, 24), np.nan), [1]),
        lambda index: SpaceIndex.build([1, 2], np.zeros((1, 24)), [1, 1]),
        lambda index: index.apply(ids=[4], coordinates=np.zeros((1, 24)), masks=[1, 2]),
    ],
)
def test_bad_input_is_refused_and_changes_nothing(call: object) -> None:
    index = SpaceIndex.build([1, 2], np.zeros((2, 8, 3)), [255, 3])
    with pytest.raises(InvalidValue, match="must"):
        call(index)
    assert pairs(index.nearest(np.zeros(24), 255, 5)) == [(1, 0.0), (2, 0.0)]


def test_an_empty_index_answers_nothing() -> None:
    index = SpaceIndex.build([], [], [])
    assert pairs(index.nearest(np.zeros(24), 255, 5)) == []
    assert [array.tolist() for array in index.within_many(np.zeros((2, 24)), [255, 0], 1.0)] == [[0, 0, 0], [], []]
    assert [array.tolist() for array in index.nearest_many(np.empty((0, 24)), [], 1)] == [[0], [], []]
