"""Draws from experience: none twice, the same for a seed, as likely as the weights say."""

from __future__ import annotations

from collections import Counter
from math import prod

import pytest

from neurograph.errors import InvalidValue

S = [1.0] * 8


def record(db, rewards):
    return db.experience.record_many([S] * len(rewards), rewards=[{"goal": reward} for reward in rewards])


@pytest.mark.parametrize("by", ["uniform", "reward", "recency"])
def test_a_draw_has_none_twice_and_is_the_same_for_a_seed(db, by):
    ids = record(db, [number % 7 for number in range(300)])
    for k in (0, 1, 5, 64, 299, 300, 1000):
        drawn = [one.id for one in db.experience.sample(k, by, seed=k)]
        assert len(drawn) == len(set(drawn)) == min(k, 300)
        assert set(drawn) <= set(ids)
        assert drawn == [one.id for one in db.experience.sample(k, by, seed=k)]
    draws = {tuple(one.id for one in db.experience.sample(5, by, seed=seed)) for seed in range(20)}
    assert len(draws) > 15
    assert len({tuple(one.id for one in db.experience.sample(20, by)) for _ in range(5)}) > 1


def test_a_draw_is_of_what_is_asked(db):
    record(db, range(10))
    record(db, range(20))
    for by in ("uniform", "reward", "recency"):
        assert {one.episode for one in db.experience.sample(10, by, episode=2, seed=1)} == {2}
        assert {one.id for one in db.experience.sample(99, by, min_reward=18, seed=1)} == {29, 30}
    assert db.experience.sample(5, type="system.*") == []


def test_a_uniform_draw_of_what_has_gaps_is_of_what_is_there(db):
    ids = record(db, range(400))
    db.execute("delete from experience where id % 50 <> 0")
    for k in (1, 3, 8, 20):
        drawn = [one.id for one in db.experience.sample(k, seed=k)]
        assert len(set(drawn)) == min(k, 8)
        assert set(drawn) <= {id for id in ids if id % 50 == 0}


def test_a_uniform_draw_of_few_among_many_is_uniform(db):
    record(db, [0] * 64)
    first = Counter(db.experience.sample(2, seed=seed)[0].id for seed in range(3200))
    assert len(first) == 64
    assert 20 < min(first.values()) <= max(first.values()) < 90  # 50 expected


def chances(db, draws: int, k: int, **how) -> list[Counter[int]]:
    """Return how often each id came first, second …"""
    places = [Counter() for _ in range(k)]
    for seed in range(draws):
        for place, one in zip(places, db.experience.sample(k, seed=seed, **how), strict=True):
            place[one.id] += 1
    return places


@pytest.mark.parametrize(
    ("how", "weights"),
    [
        ({"by": "uniform"}, [1, 1, 1, 1]),
        ({"by": "reward"}, [1, 2, 4, 1]),
        ({"by": "reward", "alpha": 2.0}, [1, 4, 16, 1]),
        ({"by": "reward", "alpha": 0}, [1, 1, 1, 1]),
        ({"by": "recency", "decay": 0.0625}, [1 / 16, 1 / 8, 1 / 4, 1 / 2]),
        ({"by": "recency", "decay": 1}, [1, 1, 1, 1]),
    ],
)
def test_the_chances_are_those_of_the_weights(db, how, weights):
    record(db, [1, -2, 4, -1])
    first, second = chances(db, 1500, 2, **how)
    total = sum(weights)
    for at, weight in enumerate(weights):
        assert abs(first[at + 1] / 1500 - weight / total) < 0.05
        then = sum(other / total * weight / (total - other) for place, other in enumerate(weights) if place != at)
        assert abs(second[at + 1] / 1500 - then) < 0.05


def test_what_weighs_nothing_comes_last(db):
    record(db, [0, 0, 3, 0, 5])
    for seed in range(50):
        drawn = [one.reward for one in db.experience.sample(5, "reward", seed=seed)]
        assert set(drawn[:2]) == {3.0, 5.0}
    assert {db.experience.sample(3, "reward", seed=seed)[2].id for seed in range(50)} == {1, 2, 4}


def test_rewards_beyond_measure_are_drawn_too(db):
    record(db, [1e308, 1e-300, 1e308, 0])
    assert len(db.experience.sample(4, "reward", alpha=1000, seed=1)) == 4
    assert prod(one.reward or 1 for one in db.experience.sample(2, "reward", alpha=3, seed=1)) == float("inf")


@pytest.mark.parametrize(
    ("rewards", "alpha", "shares"),
    [
        ([1e-200, 3e-200, 0], 2, [0.1, 0.9, 0]),
        ([1e200, -3e200, 1e100], 2, [0.1, 0.9, 0]),
        ([0.01, 0.01 * 3**0.005, 0.001], 200, [0.25, 0.75, 0]),
        ([1e4, 1e4 * 9**0.001, 1e3], 1000, [0.1, 0.9, 0]),
    ],
)
def test_weights_that_no_float_can_hold_have_their_chances(db, rewards, alpha, shares):
    record(db, rewards)
    first = Counter(db.experience.sample(1, "reward", alpha=alpha, seed=seed)[0].id for seed in range(1500))
    assert all(abs(first[at] / 1500 - share) < 0.05 for at, share in enumerate(shares, 1))
    assert {db.experience.sample(3, "reward", alpha=alpha, seed=seed)[2].id for seed in range(50)} >= {3}
    if 0 in rewards:
        assert {db.experience.sample(3, "reward", alpha=alpha, seed=seed)[2].id for seed in range(50)} == {3}


def test_rewards_that_are_infinite_together_are_as_likely(db):
    parts = {"goal": 1.7e308, "curiosity": 1.7e308}
    db.experience.record_many([S] * 3, rewards=[parts, {"goal": 1}, parts])
    first = Counter(db.experience.sample(1, "reward", seed=seed)[0].id for seed in range(400))
    assert {*first} == {1, 3}
    assert abs(first[1] - 200) < 50


@pytest.mark.parametrize(
    "wrong",
    [
        {"k": -1}, {"k": 1.5}, {"by": "mixed"}, {"alpha": -1}, {"alpha": float("nan")}, {"decay": 0}, {"decay": 1.5},
        {"seed": "a"}, {"episode": -1},
    ],
)  # fmt: skip
def test_an_argument_that_breaks_its_rule_is_refused(db, wrong):
    with pytest.raises(InvalidValue):
        db.experience.sample(**{"k": 1, **wrong})
