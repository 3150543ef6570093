"""Radius, nearest and box in one level equal the naive version to the bit, order included."""

from __future__ import annotations

import itertools
import math

import apsw
import numpy as np
import pytest
from grid_cases import EXAMPLES, PURE, cloud, columns, numbers, pairs, points, quiet, radii, tokens, unpacked  # noqa: F401
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import cKDTree

import naive_grid as naive
from neurograph.errors import InvalidValue
from neurograph.kernels import grid_forest, grid_level, grid_run, grid_search
from neurograph.kernels.grid_level import LevelIndex

pytestmark = pytest.mark.kernels


class Deep(LevelIndex):
    """Leaves so small that a few tokens make a tree of several levels."""

    leaf = 4


indexes = st.sampled_from([LevelIndex, Deep])


@EXAMPLES
@given(indexes, tokens(), points, radii)
def test_radius_equals_naive(kind: type[LevelIndex], crowd: list[naive.Token], point: tuple, radius: float) -> None:
    index = kind.build(**columns(crowd))
    assert pairs(index.within(*point, radius)) == naive.within(crowd, point, radius)
    for token in crowd[:3]:
        assert pairs(index.within(*token.point, radius)) == naive.within(crowd, token.point, radius)


@EXAMPLES
@given(indexes, tokens(), points, st.integers(0, 500), radii)
def test_nearest_equals_naive(
    kind: type[LevelIndex], crowd: list[naive.Token], point: tuple, k: int, radius: float
) -> None:
    index = kind.build(**columns(crowd))
    assert pairs(index.nearest(*point, k)) == naive.nearest(crowd, point, k)
    assert pairs(index.nearest(*point, k, radius)) == naive.nearest(crowd, point, k, radius)
    for token in crowd[:3]:
        assert pairs(index.nearest(*token.point, 7)) == naive.nearest(crowd, token.point, 7)


@EXAMPLES
@given(indexes, tokens(), points, points)
def test_box_equals_naive(kind: type[LevelIndex], crowd: list[naive.Token], a: tuple, b: tuple) -> None:
    index = kind.build(**columns(crowd))
    low, high = np.minimum(a, b), np.maximum(a, b)
    assert index.box(low, high).tolist() == naive.box(crowd, low, high)
    assert index.box([-math.inf] * 3, high).tolist() == naive.box(crowd, [-math.inf] * 3, high)


@EXAMPLES
@given(tokens(most=100), st.lists(st.tuples(points, radii), max_size=6), st.integers(0, 40))
def test_a_batch_answers_as_its_queries_one_by_one(crowd: list[naive.Token], asked: list, k: int) -> None:
    index = LevelIndex.build(**columns(crowd))
    where, radius = np.array([point for point, _ in asked]).reshape(-1, 3), np.array([r for _, r in asked])
    assert unpacked(index.within_many(where, radius)) == [naive.within(crowd, p, r) for p, r in asked]
    assert unpacked(index.nearest_many(where, k, radius)) == [naive.nearest(crowd, p, k, r) for p, r in asked]
    assert index.count_many(where, radius).tolist() == [len(naive.within(crowd, p, r)) for p, r in asked]
    indptr, ids = index.box_many(where, where + 1.0)
    boxes = [naive.box(crowd, low, low + 1.0) for low in where]
    assert [ids[a:b].tolist() for a, b in itertools.pairwise(indptr)] == boxes


def test_scipy_finds_the_same() -> None:
    rng = np.random.default_rng(5)
    n = 300 if PURE else 20_000
    place = np.concatenate([rng.random((n, 3)), 0.5 + rng.normal(0, 1e-3, (n, 3))])
    index, tree = LevelIndex.build(np.arange(2 * n), *place.T), cKDTree(place)
    where = rng.random((20 if PURE else 200, 3))
    distances, ids = tree.query(where, 10)
    _, found, far = index.nearest_many(where, 10)
    assert found.reshape(ids.shape).tolist() == ids.tolist()
    np.testing.assert_allclose(far.reshape(ids.shape), distances, rtol=1e-12)
    indptr, found, _ = index.within_many(where, 0.05)
    for query, expected in enumerate(tree.query_ball_point(where, 0.05)):
        assert sorted(found[indptr[query] : indptr[query + 1]].tolist()) == sorted(expected)


def test_sql_finds_the_same_bits_in_the_same_order() -> None:
    rng = np.random.default_rng(6)
    place = np.concatenate([rng.uniform(-300, 300, (300, 3)), rng.integers(-3, 4, (300, 3)), cloud("scales", 100, 1)])
    db = apsw.Connection(":memory:")
    db.execute("create table p (id integer primary key, x real, y real, z real)")
    db.executemany("insert into p values (?, ?, ?, ?)", [(i, *row) for i, row in enumerate(place.tolist())])
    index = LevelIndex.build(np.arange(len(place)), *place.T)
    far = "sqrt(((x - ?1) * (x - ?1) + (y - ?2) * (y - ?2)) + (z - ?3) * (z - ?3))"
    for x, y, z in place[::35].tolist():
        for radius in (0.0, 2.0, math.sqrt(5.0), 250.0, math.inf):
            sql = f"select id, {far} as d from p where d <= ?4 order by d, id"
            rows = [tuple(row) for row in db.execute(sql, (x, y, z, radius))]
            assert pairs(index.within(x, y, z, radius)) == rows
            assert pairs(index.nearest(x, y, z, 25, radius)) == rows[:25]


def test_ties_are_broken_by_id() -> None:
    index = LevelIndex.build([3, 5, 8, 9], [1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 2.0])
    assert index.nearest(0.0, 0.0, 0.0, 2)[0].tolist() == [3, 5]
    assert index.within(0.0, 0.0, 0.0, 1.0)[0].tolist() == [3, 5, 8]


def test_a_distance_that_rounds_to_the_radius_is_within_it() -> None:
    """1e-9 off in one axis and 1 in another: the sum rounds to 1, and so does the distance."""
    index = LevelIndex.build([1, 2], [1.0, 1.0], [1e-9, 1e-7], [0.0, 0.0])
    assert pairs(index.within(0.0, 0.0, 0.0, 1.0)) == [(1, 1.0)]


def test_an_infinite_distance_is_within_no_finite_radius_and_last_among_the_nearest() -> None:
    index = LevelIndex.build([1, 2, 3], [1e200, 0.0, -1e308], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0])
    assert index.within(0.0, 0.0, 0.0, 1.7e308)[0].tolist() == [2]
    assert pairs(index.nearest(0.0, 0.0, 0.0, 5)) == [(2, 1.0), (1, math.inf), (3, math.inf)]
    assert index.within(0.0, 0.0, 0.0, math.inf)[0].tolist() == [2, 1, 3]


def test_the_greatest_id_is_found_at_an_infinite_distance() -> None:
    last = 2**63 - 1
    index = LevelIndex.build([last], [1e300], [0.0], [0.0])
    assert index.nearest(0.0, 0.0, 0.0, 3)[0].tolist() == [last]


def test_one_outlier_does_not_make_every_query_a_scan() -> None:
    """A grid over the bounding box would put all the others into one cell."""
    n = 2000
    place = np.random.default_rng(0).random((n, 3))
    place[7] = 1e300
    index = LevelIndex.build(np.arange(n), *place.T)
    boxes, children = index._forest[1], grid_forest.children_of(index._forest)
    leaves = np.flatnonzero(children[:, 1] > len(children))
    sides = [boxes[6 * node + 3 : 6 * node + 6] - boxes[6 * node : 6 * node + 3] for node in leaves]
    widest = np.sort(np.concatenate([side.max(axis=0) for side in sides]))
    assert np.median(widest) < 0.5


def test_an_empty_index_answers_nothing() -> None:
    index = LevelIndex.build([], [], [], [])
    assert len(index) == 0
    assert pairs(index.nearest(0.0, 0.0, 0.0, 5)) == []
    assert pairs(index.within(0.0, 0.0, 0.0, math.inf)) == []
    assert index.box([0, 0, 0], [1, 1, 1]).tolist() == []
    assert index.density(0.0, 0.0, 0.0, 1.0) == 0.0
    assert index.influence(0.0, 0.0, 0.0) == 0.0
    assert index.fields() == []
    assert [array.tolist() for array in index.within_many(np.empty((0, 3)), 1.0)] == [[0], [], []]


@pytest.mark.parametrize("k", [0, 1, 5, 6, 10**12])
def test_k_has_no_ceiling(k: int) -> None:
    index = LevelIndex.build(range(5), range(5), [0.0] * 5, [0.0] * 5)
    assert index.nearest(0.0, 0.0, 0.0, k)[0].tolist() == list(range(min(k, 5)))
    assert np.diff(index.nearest_many(np.zeros((2, 3)), k)[0]).tolist() == [min(k, 5)] * 2


@pytest.mark.parametrize("recent", [0, 100])
def test_more_hits_than_a_kernel_sorts_itself_come_in_order(recent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    n, large = 70_000, 40_000
    if PURE:  # compiled constants can't be changed, and plain Python can't have so many
        n, large = 700, 400
        monkeypatch.setattr(grid_search, "SORTED", 256)
        monkeypatch.setattr(grid_run, "LARGE", 300)
    rng = np.random.default_rng(4)
    place = rng.integers(0, 40, (n, 3)).astype(float)
    index = LevelIndex.build(np.arange(n - recent), *place[: n - recent].T)
    index.apply(ids=np.arange(n - recent, n), **dict(zip("xyz", place[n - recent :].T, strict=True)))
    far = np.sqrt((place**2).sum(axis=1))
    order = np.lexsort((np.arange(n), far))
    ids, distances = index.within(0.0, 0.0, 0.0, 1e9)
    assert ids.tolist() == order.tolist()
    assert distances.tolist() == far[order].tolist()
    assert index.nearest(0.0, 0.0, 0.0, n - 1)[0].tolist() == order[:-1].tolist()
    assert index.nearest(0.0, 0.0, 0.0, n // 10)[0].tolist() == order[: n // 10].tolist()
    _, ids, _ = index.nearest_many(np.zeros((2, 3)), large)
    assert ids.tolist() == 2 * order[:large].tolist()


def test_density_is_count_by_volume() -> None:
    index = LevelIndex.build([1, 2, 3], [0.0, 1.0, 3.0], [0.0] * 3, [0.0] * 3)
    assert index.density(0.0, 0.0, 0.0, 1.0) == 2 / (4.0 / 3.0 * math.pi)
    assert index.density(0.0, 0.0, 0.0, 1e200) == 0.0
    assert index.density_many([[0, 0, 0], [3, 0, 0]], [1.0, 0.5]).tolist() == [
        2 / (4.0 / 3.0 * math.pi),
        1 / (4.0 / 3.0 * math.pi * 0.125),
    ]


@EXAMPLES
@given(tokens(), points, st.floats(1e-90, 1e90))
def test_density_equals_naive(crowd: list[naive.Token], point: tuple, radius: float) -> None:
    index = LevelIndex.build(**columns(crowd))
    assert index.density(*point, radius) == naive.density(crowd, point, radius)


def test_a_slice_ends_with_a_tick_and_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    n = 1000
    place = np.random.default_rng(1).random((n, 3))
    index = LevelIndex.build(np.arange(n), *place.T, radius=np.full(n, 2.0), strength=np.ones(n))
    queries = place[:3]
    asked = [
        lambda tick: index.within_many(queries, 0.4, tick=tick),
        lambda tick: index.nearest_many(queries, 400, tick=tick),
        lambda tick: index.box_many(queries - 0.3, queries + 0.3, tick=tick),
        lambda tick: (index.count_many(queries, 0.4, tick=tick),),
        lambda tick: (index.influence_many(queries, tick=tick),),
    ]
    whole = [[array.tolist() for array in ask(None)] for ask in asked]
    ticks = []
    monkeypatch.setattr(grid_run, "SLICE", 3)
    monkeypatch.setattr(grid_run, "_START", np.array([0, 0, -1, 0, 0, 3, 0, 0]).data)
    monkeypatch.setattr(grid_run, "_INFLUENCE", np.array([0, 0, -1, 0, 3, 0, 0, 0]).data)
    monkeypatch.setattr(grid_level, "_START", np.array([0, -1, 0, 3, 0, 0, 0, 0]).data)
    for ask, expected in zip(asked, whole, strict=True):
        before = len(ticks)
        assert [array.tolist() for array in ask(lambda: ticks.append(1))] == expected
        assert len(ticks) > before + 10


def test_what_a_tick_raises_ends_the_call_and_harms_nothing() -> None:
    n = 300 if PURE else 2000
    place = np.random.default_rng(1).random((n, 3))
    index = LevelIndex.build(np.arange(n), *place.T)

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LevelIndex.build(np.arange(n), *place.T, tick=stop)
    with pytest.raises(KeyboardInterrupt):
        index.within_many(place, 1.0, tick=stop)
    assert index.nearest(*place[3], 1)[0].tolist() == [3]


@pytest.mark.parametrize(
    "call",
    [
        lambda index: index.nearest(math.nan, 0.0, 0.0, 1),
        lambda index: index.nearest(0.0, math.inf, 0.0, 1),
        lambda index: index.nearest("0", 0.0, 0.0, 1),
        lambda index: index.nearest(0.0, 0.0, 0.0, -1),
        lambda index: index.nearest(0.0, 0.0, 0.0, 1.5),
        lambda index: index.nearest(0.0, 0.0, 0.0, 1, math.nan),
        lambda index: index.within(0.0, 0.0, 0.0, -1.0),
        lambda index: index.within(0.0, 0.0, 0.0, math.nan),
        lambda index: index.within_many([[0.0, 0.0]], 1.0),
        lambda index: index.within_many([[0.0, 0.0, math.nan]], 1.0),
        lambda index: index.within_many([[0.0, 0.0, 0.0]], [1.0, 2.0]),
        lambda index: index.within_many([[0.0, 0.0, 0.0]], -1.0),
        lambda index: index.within_many("points", 1.0),
        lambda index: index.box([0.0, 0.0], [1.0, 1.0]),
        lambda index: index.box([0.0, 0.0, math.nan], [1.0, 1.0, 1.0]),
        lambda index: index.density(0.0, 0.0, 0.0, 0.0),
        lambda index: index.density(0.0, 0.0, 0.0, 1e-120),
        lambda index: index.apply(removed=[2, 1]),
        lambda index: index.apply(removed=["a"]),
        lambda index: index.apply(ids=[4], x=[0.0], y=[0.0], z=[math.nan]),
        lambda index: index.apply(ids=[4], x=[0.0], y=[0.0], z=[]),
        lambda index: index.apply(ids=[4], x=[0.0], y=[0.0], z=[0.0], radius=[-1.0]),
        lambda index: index.fields(min_nodes=0),
        lambda index: index.fields(threshold=math.nan),
        lambda index: index.fields(link=-1.0),
        lambda index: LevelIndex.build([1, 1], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]),
        lambda index: LevelIndex.build([1.5], [0.0], [0.0], [0.0]),
        lambda index: LevelIndex.build([1], [[0.0]], [0.0], [0.0]),
    ],
)
def test_bad_input_is_refused_and_changes_nothing(call: object) -> None:
    index = LevelIndex.build([1, 2], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0])
    with pytest.raises(InvalidValue, match=r"must be|must have"):
        call(index)
    assert pairs(index.nearest(0.0, 0.0, 0.0, 5)) == [(1, 0.0), (2, 1.0)]


@EXAMPLES
@given(st.lists(numbers, max_size=20), numbers)
def test_points_on_a_line_that_overflow_are_no_trouble(xs: list[float], x: float) -> None:
    crowd = [naive.Token(i, (value, 0.0, value)) for i, value in enumerate(xs)]
    index = LevelIndex.build(**columns(crowd))
    assert pairs(index.nearest(x, 0.0, 0.0, 4)) == naive.nearest(crowd, (x, 0.0, 0.0), 4)
