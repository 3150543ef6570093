"""Spreading activation: the definition worked by hand, an obvious version, and both engines to the last bit."""

from __future__ import annotations

import math
import pickle
import random

import pytest
from graph_minds import random_mind

import neurograph
from neurograph.errors import InvalidValue, TokenNotFound

ENGINES = ["sql", pytest.param("numba", marks=pytest.mark.kernels)]


def diamond(engine: str) -> neurograph.Database:
    db = neurograph.open(":memory:", engine=engine)
    db.tokens.create_many(count=4)
    db.graph.create_many([1, 1, 2, 3], [2, 3, 4, 4], weight=[0.5, 0.5, 1.0, 1.0])
    return db


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("mode", "expected"), [("sum", 0.64), ("max", 0.32), ("weighted_average", 0.32)])
def test_arrivals_combine_by_the_mode(engine, mode, expected):
    with diamond(engine) as db:
        found = db.graph.spread(1, mode=mode)
        assert {id: energy for id, energy, _, _ in found}[4] == pytest.approx(expected)
        assert {id: path for id, _, _, path in found}[4] == (1, 2, 4)
        assert (found.touched, found.rounds) == (4, 3)
        assert pickle.loads(pickle.dumps(found)) == found


@pytest.mark.parametrize("engine", ENGINES)
def test_energy_goes_round_in_circles_until_it_is_too_little(engine):
    with neurograph.open(":memory:", engine=engine) as db:
        a, b = db.tokens.create("a"), db.tokens.create("b")
        db.graph.create(a, b, bidirectional=True, weight=1.0)
        found = db.graph.spread("a", decay=0.5, min_energy=0.0, max_depth=3, threshold=0.0)
        assert [tuple(hit) for hit in found] == [(2, 0.5 + 0.125, 1, (1, 2))]  # the source is not reported
        found = db.graph.spread("a", decay=0.5, min_energy=0.3, max_depth=3, threshold=0.0)
        assert [hit.energy for hit in found] == [0.5]


def obvious_spread(db, source, energy, keep, min_energy, max_depth) -> dict[int, float]:
    """Return the energies under "sum", from a list of links and nothing else."""
    links = []
    for a, b, weight, both in db.execute("select source, target, weight, bidirectional from edge"):
        links += [(a, b, weight), (b, a, weight)] if both and a != b else [(a, b, weight)]
    total: dict[int, float] = {}
    received = {source: energy}
    for _ in range(max_depth):
        arrived: dict[int, float] = {}
        for a, b, weight in links:
            if received.get(a, 0.0) >= min_energy and a in received and received[a] * weight * keep > 0:
                arrived[b] = arrived.get(b, 0.0) + received[a] * weight * keep
        for id, amount in arrived.items():
            total[id] = total.get(id, 0.0) + amount
        received = arrived
    total.pop(source, None)
    return total


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", [31, 32])
def test_energies_equal_the_obvious_version(engine, seed):
    with random_mind(seed, 25, 60, engine) as db:
        for (source,) in db.execute("select id from token order by id limit 8").fetchall():
            for depth in (0, 1, 4):
                found = db.graph.spread(source, threshold=0.0, max_depth=depth)
                expected = obvious_spread(db, source, 1.0, 0.8, 0.01, depth)
                assert {id: energy for id, energy, _, _ in found} == pytest.approx(expected)
                ranks = [(-energy, id) for id, energy, _, _ in found]
                assert ranks == sorted(ranks)


@pytest.mark.kernels
@pytest.mark.parametrize("seed", range(33, 37))
def test_both_engines_agree_to_the_last_bit(seed):
    rng = random.Random(seed)
    with random_mind(seed, 25, 70, "sql") as plain, random_mind(seed, 25, 70, "numba") as fast:
        ids = [id for (id,) in plain.execute("select id from token")]
        for _ in range(150):
            options = {
                "energy": rng.choice((1.0, 3.0)),
                "mode": rng.choice(("sum", "max", "weighted_average")),
                "types": rng.choice((None, 80, [1, 2])),
                "decay": rng.choice((0.0, 0.2, 1.0)),
                "min_energy": rng.choice((0.0, 0.01, 0.3)),
                "max_depth": rng.choice((0, 1, 5, 9)),
                "threshold": rng.choice((0.0, 0.1)),
                "budget": rng.choice((None, 1, 2, 7)),
            }
            source = rng.choice(ids)
            a, b = plain.graph.spread(source, **options), fast.graph.spread(source, **options)
            assert (list(a), a.touched, a.rounds) == (list(b), b.touched, b.rounds)
            for id, _, _, path in a:
                assert (path[0], path[-1]) == (source, id)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_token_without_edges_reaches_nothing(engine):
    with diamond(engine) as db:
        lonely = db.tokens.create("lonely")
        assert list(db.graph.spread(lonely)) == []


def test_the_sql_function_gives_the_same_rows():
    with random_mind(38, 25, 60) as db:
        for (source,) in db.execute("select id from token order by id limit 6").fetchall():
            rows = db.execute("select id, energy, depth from ng_spread(?, 2.0)", (source,)).fetchall()
            assert rows == [hit[:3] for hit in db.graph.spread(source, energy=2.0)]


@pytest.mark.parametrize("engine", ENGINES)
def test_bad_arguments_are_named(engine):
    with diamond(engine) as db:
        for options, message in (
            ({"energy": 0}, "energy must be above 0, got 0"),
            ({"energy": -1}, "energy must be above 0, got -1"),
            ({"decay": -0.5}, r"decay must be in \[0, 1\], got -0.5"),
            ({"energy": math.inf}, "energy must be finite"),
            ({"mode": "least"}, "mode must be one of sum, max, weighted_average, got 'least'"),
            ({"decay": 1.5}, r"decay must be in \[0, 1\], got 1.5"),
            ({"min_energy": -1}, "min_energy must be in"),
            ({"threshold": math.nan}, "threshold must be finite"),
            ({"max_depth": 101}, r"max_depth must be in \[0, 100\], got 101"),
            ({"budget": 0}, "budget must be in"),
        ):
            with pytest.raises(InvalidValue, match=message):
                db.graph.spread(1, **options)
        with pytest.raises(TokenNotFound):
            db.graph.spread("nobody")
        db.execute("update cdna_current set min_edge_weight = -1; update edge set weight = -0.5 where source = 3")
        with pytest.raises(InvalidValue, match=r"at least 0 for spreading activation, got -0.5"):
            db.graph.spread(1)
