"""Space: from rows, from arrays, and done the obvious way, to the last bit."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

import neurograph
from effort import examples
from neurograph.derived.mechanism import Derived
from neurograph.derived.policy import Policy
from neurograph.errors import InvalidValue, TokenNotFound, UnknownName
from neurograph.model.levels import LEVELS
from neurograph.stores.grid.arrays import LEVEL_KINDS, SPACE

ENGINES = ["sql", pytest.param("numba", marks=pytest.mark.kernels)]
AXIS = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 3.0, 1e-200, 1e200, -1e300, 0.1, 0.3]) | st.floats(-2, 2)
PLACE = st.tuples(AXIS, AXIS, AXIS)
WHERE = st.dictionaries(st.sampled_from(["physical", "emotional", "abstract"]), PLACE, max_size=3)


def obvious_distance(a: dict, b: dict, weights: dict[str, float]) -> float | None:
    total = norm = 0.0
    for level in LEVELS:
        if level in a and level in b and weights.get(level, 0) > 0:
            dx, dy, dz = (q - p for p, q in zip(a[level], b[level], strict=True))
            total += ((dx * dx + dy * dy) + dz * dz) * weights[level]
            norm += weights[level]
    return math.sqrt(total) / math.sqrt(norm) if norm else None


def obvious_near(places: dict[int, dict], where: dict, weights: dict[str, float]) -> list[tuple[float, int]]:
    found = [(obvious_distance(where, place, weights), id) for id, place in places.items()]
    return sorted((distance, id) for distance, id in found if distance is not None)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # kernels as plain Python say so; compiled ones don't
@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=examples(60), deadline=None)
@given(places=st.lists(WHERE, max_size=12), where=WHERE, k=st.integers(0, 15), radius=st.sampled_from([0, 0.5, 1, 1e9]))
def test_nearest_and_in_range_equal_the_obvious_search(engine, places, where, k, radius):
    with neurograph.open(":memory:", engine=engine) as db:
        kept = {db.tokens.create(coordinates=place).id: place for place in places}
        weights = {"physical": 2.0, "emotional": 0.25}
        for level, scales in ((None, weights), ("physical", {"physical": 1.0})):
            if level is not None and level not in where:
                continue
            options = {"weights": weights} if level is None else {"level": level}
            asked = where if level is None else where[level]
            expected = obvious_near(kept, where, scales)
            found = db.grid.nearest(asked, k, **options)
            assert [(n.distance, n.id) for n in found] == expected[:k]
            found = db.grid.in_range(asked, radius, **options)
            assert [(n.distance, n.id) for n in found] == [hit for hit in expected if hit[0] <= radius]
            for id, place in kept.items():
                found = db.grid.neighbors(id, k, **options)
                others = {other: there for other, there in kept.items() if other != id}
                expected_here = obvious_near(others, place, scales) if level is None or level in place else []
                assert [(n.distance, n.id) for n in found] == expected_here[:k]
                for other, there in kept.items():
                    assert db.grid.distance(id, other, **options) == obvious_distance(place, there, scales)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_default_weights_are_the_constitutions_scales(engine):
    with neurograph.open(":memory:", engine=engine) as db:
        db.tokens.create(coordinates={"physical": (0, 0, 0), "social": (0, 0, 0)})
        db.tokens.create(coordinates={"physical": (1, 0, 0), "social": (0, 0, 0)})
        db.tokens.create(coordinates={"physical": (0, 0, 0), "social": (0.9, 0, 0)})
        assert db.grid.neighbors(1).ids.tolist() == [3, 2]
        db.execute("update cdna_current set scale_social = 4")
        assert db.grid.neighbors(1).ids.tolist() == [2, 3]


def cloud(db: neurograph.Database, n: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    points = rng.choice([rng.normal(size=(n, 3)), rng.integers(-2, 3, (n, 3)) / 2.0], axis=0)
    db.tokens.create_many(
        count=n, coordinates={"physical": points}, field_radius=rng.random(n), field_strength=rng.random(n)
    )
    return points


@pytest.mark.parametrize("engine", ENGINES)
def test_scipy_agrees(engine):
    with neurograph.open(":memory:", engine=engine) as db:
        points = cloud(db, 700, 1)
        tree = cKDTree(points)
        for query in points[:20] + 0.01:
            found = db.grid.nearest(tuple(query), 10, level="physical")
            assert found.distances == pytest.approx(tree.query(query, 10)[0])
            inside = tree.query_ball_point(query, 0.7)
            assert sorted(found.id - 1 for found in db.grid.in_range(tuple(query), 0.7, level="physical")) == sorted(
                inside
            )
        indptr, ids, distances = db.grid.nearest_many(points[:9], 3, level="physical")
        for at in range(9):
            one = db.grid.nearest(tuple(points[at]), 3, level="physical")
            assert ids[indptr[at] : indptr[at + 1]].tolist() == one.ids.tolist()
            assert distances[indptr[at] : indptr[at + 1]].tolist() == one.distances.tolist()
        indptr, ids, _ = db.grid.in_range_many(points[:9], 0.5, level="physical")
        for at in range(9):
            one = db.grid.in_range(tuple(points[at]), 0.5, level="physical")
            assert ids[indptr[at] : indptr[at + 1]].tolist() == one.ids.tolist()


@pytest.mark.kernels
@pytest.mark.parametrize("seed", [2, 3])
def test_both_engines_agree_to_the_last_bit(seed):
    with neurograph.open(":memory:", engine="sql") as plain, neurograph.open(":memory:", engine="numba") as fast:
        points = cloud(plain, 250, seed)
        cloud(fast, 250, seed)
        for query in (points[:12] + 0.25).tolist():
            for falloff in ("linear", "quadratic", "gaussian"):
                for options in ({}, {"radius": 0.5}, {"weighted": True}):
                    a, b = (
                        db.grid.influence(query, level="physical", falloff=falloff, **options) for db in (plain, fast)
                    )
                    assert a == b
            a, b = (db.grid.density(query, 0.8, level="physical") for db in (plain, fast))
            assert a == b
            low, high = [x - 0.5 for x in query], [x + 0.75 for x in query]
            a, b = (db.grid.box(low, high, level="physical").tolist() for db in (plain, fast))
            assert a == b
        for options in ({}, {"threshold": 2.0}, {"link": 0.3}, {"falloff": "gaussian", "min_nodes": 1}):
            a, b = (db.grid.fields(level="physical", **options) for db in (plain, fast))
            assert a == b
            assert a


@pytest.mark.kernels
@pytest.mark.parametrize("seed", [4, 5])
def test_patched_indexes_equal_built_ones(seed):
    rng = random.Random(seed)
    with neurograph.open(":memory:", synchronous="off") as db:
        derived = Derived(db._session, Policy("numba", 1 << 30))
        line = db._session.writer
        db.tokens.create_many(count=1500)
        for _ in range(60):
            for _ in range(rng.choice((1, 2, 60))):
                id, level = rng.randint(1, 1500), rng.choice(("physical", "social"))
                place = [rng.choice((0.0, 0.5, rng.random())) for _ in range(3)]
                what = rng.random()
                if what < 0.7:
                    sql = f"update token set ({level}_x, {level}_y, {level}_z) = (?, ?, ?) where id = ?"
                    db.execute(sql, (*place, id))
                elif what < 0.85:
                    db.execute(
                        f"update token set ({level}_x, {level}_y, {level}_z) = (null, null, null) where id = {id}"
                    )
                elif what < 0.95:
                    db.execute(f"update token set field_radius = {rng.random()} where id between {id} and {id + 9}")
                else:
                    db.execute(f"delete from token where id = {id}; insert into token (id) values ({id})")
            for kind in (LEVEL_KINDS["physical"], LEVEL_KINDS["social"], SPACE):
                arrays = derived.current(kind, line)
                built = kind.build(kind.read(line.connection, 0, 1 << 40))
                assert len(arrays.index) == len(built.index)
                where = [rng.random() for _ in range(3)]
                if kind is SPACE:
                    coordinates = np.zeros((8, 3))
                    coordinates[0] = coordinates[5] = where
                    a, b = (
                        arrays.index.nearest(coordinates, 0b100001, 40),
                        built.index.nearest(coordinates, 0b100001, 40),
                    )
                else:
                    a, b = arrays.index.nearest(*where, 40), built.index.nearest(*where, 40)
                    assert arrays.index.influence(*where) == built.index.influence(*where)
                assert [column.tolist() for column in a] == [column.tolist() for column in b]


@pytest.mark.parametrize("engine", ENGINES)
def test_tokens_come_and_go(engine):
    with neurograph.open(":memory:", engine=engine) as db:
        for x in range(5):
            db.tokens.create(coordinates={"physical": (x, 0, 0)})
        assert db.grid.neighbors(1, 2, level="physical").ids.tolist() == [2, 3]
        db.grid.remove(2, level="physical")
        assert db.grid.neighbors(1, 2, level="physical").ids.tolist() == [3, 4]
        assert db.grid.neighbors(2, 2, level="physical") == []
        with db.transaction():
            db.grid.add(2, (0.5, 0, 0), level="physical")
            assert db.grid.neighbors(1, 1, level="physical").ids.tolist() == [2]
            db.rollback()
            db.begin()
        assert db.grid.neighbors(1, 1, level="physical").ids.tolist() == [3]
        db.tokens.delete(3)
        assert db.grid.neighbors(1, 1, level="physical").ids.tolist() == [4]
        info = db.grid.info("physical")[0]
        assert (info.token_count, info.low, info.high) == (3, (0.0, 0.0, 0.0), (4.0, 0.0, 0.0))
        assert [info.token_count for info in db.grid.info()] == [3, 0, 0, 0, 0, 0, 0, 0]


def test_sql_functions_give_the_same_rows():
    with neurograph.open(":memory:") as db:
        points = cloud(db, 60, 6)
        for id in (1, 7):
            rows = db.execute("select id, distance from ng_near(?, 5, 'physical')", (id,)).fetchall()
            assert rows == list(db.grid.neighbors(id, 5, level="physical"))
            rows = db.execute("select * from ng_near(?) order by distance, id", (id,)).fetchall()
            assert rows == list(db.grid.neighbors(id))
        x, y, z = points[0].tolist()
        rows = db.execute("select * from ng_in_range('physical', ?, ?, ?, 0.5)", (x, y, z)).fetchall()
        assert rows == list(db.grid.in_range((x, y, z), 0.5, level="physical"))
        rows = db.execute("select value from ng_density('physical', ?, ?, ?, 0.5)", (x, y, z)).fetchall()
        assert rows == [(db.grid.density((x, y, z), 0.5, level="physical"),)]
        rows = db.execute("select value from ng_influence('physical', ?, ?, ?)", (x, y, z)).fetchall()
        assert rows == [(db.grid.influence((x, y, z), level="physical"),)]
        joined = db.execute(
            "select t.id, n.id from token as t, ng_near(t.id, 1, 'physical') as n order by 1"
        ).fetchall()
        turned = db.execute(
            "select t.id, n.id from ng_near(t.id, 1, 'physical') as n, token as t order by 1"
        ).fetchall()
        assert joined == turned
        assert len(joined) == 60


@pytest.mark.parametrize("engine", ENGINES)
def test_bad_arguments_are_named(engine):
    with neurograph.open(":memory:", engine=engine) as db:
        db.tokens.create(coordinates={"physical": (0, 0, 0)})
        grid = db.grid
        for call, error, message in (
            (lambda: grid.neighbors(9), TokenNotFound, "no token has the id 9"),
            (lambda: grid.neighbors(1, level="fysical"), UnknownName, "physical"),
            (lambda: grid.neighbors(1, -1), InvalidValue, r"k must be in \[0, .*got -1"),
            (
                lambda: grid.neighbors(1, max_distance=math.nan),
                InvalidValue,
                "max_distance must be at least 0",
            ),
            (lambda: grid.neighbors(1, level=0, weights=[1] * 8), InvalidValue, "weights must be left out"),
            (lambda: grid.neighbors(1, weights=[1] * 7), InvalidValue, "eight numbers, got 7"),
            (lambda: grid.neighbors(1, weights={"social": -1}), InvalidValue, "must be in"),
            (lambda: grid.nearest((0, 0), level=0), InvalidValue, "three numbers"),
            (lambda: grid.nearest("cat", level=0), InvalidValue, "where must be three numbers"),
            (lambda: grid.nearest((0, 0, math.inf), level=0), InvalidValue, "must be finite, got inf"),
            (lambda: grid.nearest((0, 0, 0)), InvalidValue, "a point with level"),
            (lambda: grid.nearest({"social": (0, 0, 0)}, level=0), InvalidValue, "got a mapping"),
            (lambda: grid.in_range((0, 0, 0), -1, level=0), InvalidValue, "radius must be at least 0, got -1"),
            (lambda: grid.nearest_many([[0, 0]], level=0), InvalidValue, r"shape \(m, 3\), got \(1, 2\)"),
            (lambda: grid.nearest_many([[0, 0, math.nan]], level=0), InvalidValue, "points must be finite, got nan"),
            (lambda: grid.density((0, 0, 0), 0, level=0), InvalidValue, "radius must be above 0"),
            (lambda: grid.influence((0, 0, 0), level=0, falloff="cliff"), UnknownName, "falloff must be one of"),
            (lambda: grid.fields(level=0, min_nodes=0), InvalidValue, "min_nodes must be in"),
            (lambda: grid.add(1, (0, 0, math.nan), level=0), InvalidValue, "finite"),
            (lambda: grid.box((0, 0, 0), "abc", level=0), InvalidValue, "high must be three numbers"),
        ):
            with pytest.raises(error, match=message):
                call()
        assert db.tokens.get(1).coordinates == {"physical": (0.0, 0.0, 0.0)}


@pytest.mark.parametrize("engine", ENGINES)
def test_an_empty_space_has_no_neighbors(engine):
    with neurograph.open(":memory:", engine=engine) as db:
        db.tokens.create()
        assert db.grid.neighbors(1) == []
        assert db.grid.nearest((0, 0, 0), level="motor") == []
        assert db.grid.nearest({}) == []
        assert db.grid.nearest_many([], level="motor")[0].tolist() == [0]
        assert db.grid.box((0, 0, 0), (1, 1, 1), level="motor").tolist() == []
        assert db.grid.influence((0, 0, 0), level="motor") == 0
        assert db.grid.density((0, 0, 0), 1, level="motor") == 0
        assert db.grid.fields(level="motor") == []


@pytest.mark.parametrize("points", [[["a", "b", "c"]], [(0, 0, 0), (0, 0)], np.zeros((2, 3), complex), ["cat"], None])
def test_points_that_are_no_numbers_are_refused(points):
    with neurograph.open(":memory:") as db:
        for search in (
            lambda: db.grid.nearest_many(points, level=0),
            lambda: db.grid.in_range_many(points, 1, level=0),
        ):
            with pytest.raises(InvalidValue, match="points must"):
                search()


@pytest.mark.parametrize("level", [["emotional"], [], {}, True, 1.5])
def test_a_level_is_a_name_or_an_index(level):
    with neurograph.open(":memory:") as db, pytest.raises(InvalidValue, match="level must be a name or an index"):
        db.grid.box((0, 0, 0), (1, 1, 1), level=level)


def test_weights_are_a_mapping_or_eight_numbers():
    with neurograph.open(":memory:") as db:
        db.tokens.create_many(count=2)
        with pytest.raises(InvalidValue, match="weights must be a mapping from levels or eight numbers, got 5"):
            db.grid.distance(1, 2, weights=5)


@pytest.mark.parametrize("engine", ENGINES)
def test_many_places_are_felt_as_one_is(engine):
    rng = np.random.default_rng(5)
    places = rng.normal(size=(9, 3))
    with neurograph.open(":memory:", engine=engine) as db:
        db.tokens.create_many(
            coordinates={"social": rng.normal(size=(200, 3))},
            field_radius=rng.uniform(0, 2, 200),
            weight=rng.random(200),
        )
        felt = db.grid.influence_many(places, level="social", radius=1.5, falloff="gaussian", weighted=True)
        assert felt.tolist() == [
            db.grid.influence(place, level="social", radius=1.5, falloff="gaussian", weighted=True) for place in places
        ]
        dense = db.grid.density_many(places[:, ::1], 0.75, level="social")
        assert dense.tolist() == [db.grid.density(place, 0.75, level="social") for place in places]
        assert len(set(dense.tolist())) > 2
        assert db.grid.density_many([], 1, level="social").shape == (0,)
        assert db.grid.influence_many(np.zeros((0, 3)), level="social").dtype == np.float64


def test_many_places_are_refused_as_one_is():
    with neurograph.open(":memory:") as db:
        for call in (
            lambda: db.grid.density_many([(0, 0, 0)], 0, level="social"),
            lambda: db.grid.density_many([(0, 0)], 1, level="social"),
            lambda: db.grid.influence_many([(0, 0, math.nan)], level="social"),
            lambda: db.grid.influence_many([(0, 0, 0)], level="social", radius=-1),
        ):
            with pytest.raises(InvalidValue):
                call()
