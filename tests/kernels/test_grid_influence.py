"""Influence and fields equal the naive version to the bit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from grid_cases import EXAMPLES, PURE, columns, points, quiet, radii, tokens  # noqa: F401
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

import naive_grid as naive
from neurograph.errors import UnknownName
from neurograph.kernels import grid_influence
from neurograph.kernels.grid_fields import components
from neurograph.kernels.grid_level import LevelIndex

pytestmark = pytest.mark.kernels

falloffs = st.sampled_from(["linear", "quadratic", "gaussian"])


@EXAMPLES
@given(tokens(), st.lists(st.tuples(points, radii), max_size=3), falloffs, st.booleans())
def test_influence_equals_naive(crowd: list[naive.Token], asked: list, kind: str, weighted: bool) -> None:
    index = LevelIndex.build(**columns(crowd))
    asked += [(token.point, math.inf) for token in crowd[:3]]
    expected = [naive.influence(crowd, point, radius, kind, weighted) for point, radius in asked]
    for (point, radius), value in zip(asked, expected, strict=True):
        assert index.influence(*point, radius, falloff=kind, weighted=weighted) == value
    where, radius = np.array([point for point, _ in asked]).reshape(-1, 3), np.array([r for _, r in asked])
    assert index.influence_many(where, radius, falloff=kind, weighted=weighted).tolist() == expected


@EXAMPLES
@given(tokens(most=100), st.integers(0, 3), falloffs, st.sampled_from([0.0, 0.5, 1.2]))
def test_influence_does_not_depend_on_what_was_added_later(
    crowd: list[naive.Token], every: int, kind: str, radius: float
) -> None:
    arrays = columns(crowd)
    late = np.arange(len(crowd)) % 4 > every
    index = LevelIndex.build(**{name: array[~late] for name, array in arrays.items()})
    index.apply(**{name: array[late] for name, array in arrays.items()})
    for token in crowd[:4]:
        assert index.influence(*token.point, radius, falloff=kind) == naive.influence(crowd, token.point, radius, kind)


def test_a_zero_field_radius_influences_only_its_own_point() -> None:
    index = LevelIndex.build([1], [0.5], [0.0], [0.0], radius=[0.0], strength=[0.75])
    assert index.influence(0.5, 0.0, 0.0) == 0.75
    assert index.influence(0.5 + 1e-9, 0.0, 0.0) == 0.0


@pytest.mark.parametrize(
    ("kind", "expected"), [("linear", 0.5), ("quadratic", 0.75), ("gaussian", math.exp(-(0.5**2) / (2 * (1 / 3) ** 2)))]
)
def test_falloff_at_half_the_field_radius(kind: str, expected: float) -> None:
    index = LevelIndex.build([1], [0.0], [0.0], [0.0], radius=[1.0], strength=[1.0])
    assert index.influence(0.5, 0.0, 0.0, falloff=kind) == pytest.approx(expected, rel=1e-14)
    assert index.influence(1.0, 0.0, 0.0, falloff="linear") == 0.0


def test_one_far_reaching_token_is_felt_and_found_past_the_others() -> None:
    n = 500
    place = np.random.default_rng(2).random((n, 3)) * 1e-3
    radius, strength = np.full(n, 1e-6), np.ones(n)
    radius[17] = 1e6
    index = LevelIndex.build(np.arange(n), *place.T, radius=radius, strength=strength)
    assert index.influence(1e5, 0.0, 0.0) == pytest.approx(0.9, rel=1e-6)


def test_an_unknown_falloff_names_those_there_are() -> None:
    index = LevelIndex.build([1], [0.0], [0.0], [0.0])
    with pytest.raises(UnknownName, match="linear, quadratic, gaussian, got 'cubic'"):
        index.influence(0.0, 0.0, 0.0, falloff="cubic")


def test_more_terms_than_a_kernel_sorts_itself_are_added_in_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    n = 70_000
    if PURE:  # a compiled constant can't be changed, and plain Python can't have so many
        n = 700
        monkeypatch.setattr(grid_influence, "SORTED", 256)
    rng = np.random.default_rng(8)
    place, strength = rng.random((n, 3)), rng.random(n)
    index = LevelIndex.build(np.arange(n), *place.T, radius=np.full(n, 3.0), strength=strength)
    dx, dy, dz = (place - 0.5).T
    term = strength * (1.0 - np.sqrt((dx * dx + dy * dy) + dz * dz) / 3.0)
    assert index.influence_many([(0.5, 0.5, 0.5), (9, 9, 9)]).tolist() == [naive.total(term.tolist()), 0.0]


@EXAMPLES
@given(
    tokens(most=60),
    st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    st.integers(1, 4),
    st.one_of(st.none(), st.sampled_from([0.0, 0.5, 1.5])),
    falloffs,
    st.booleans(),
)
def test_fields_equal_naive(
    crowd: list[naive.Token], threshold: float, least: int, link: float | None, kind: str, weighted: bool
) -> None:
    index = LevelIndex.build(**columns(crowd[::2]))
    index.apply(**columns(crowd[1::2]))
    found = index.fields(threshold, least, link=link, falloff=kind, weighted=weighted)
    expected = naive.fields(crowd, threshold, least, link, kind, weighted)
    as_dicts = [
        {
            "center": field.center,
            "radius": field.radius,
            "strength": field.strength,
            "node_count": field.node_count,
            "total_weight": field.total_weight,
            "ids": field.ids.tolist(),
        }
        for field in found
    ]
    assert repr(as_dicts) == repr(expected)


def test_two_clusters_are_two_fields_and_a_bridge_makes_them_one() -> None:
    x = [0.0, 1.0, 2.0, 10.0, 11.0, 12.0]
    zeros, ones = [0.0] * 6, [1.0] * 6
    index = LevelIndex.build(range(6), x, zeros, zeros, radius=ones, strength=ones)
    first, second = index.fields()
    assert (first.ids.tolist(), first.center, first.radius) == ([0, 1, 2], (1.0, 0.0, 0.0), 1.0)
    assert (second.ids.tolist(), second.node_count, second.total_weight) == ([3, 4, 5], 3, 3.0)
    index.apply(ids=[9], x=[6.0], y=[0.0], z=[0.0], radius=[4.0], strength=[1.0])
    assert [field.ids.tolist() for field in index.fields()] == [[0, 1, 2, 3, 4, 5, 9]]
    assert index.fields(min_nodes=8) == []


def test_scipy_finds_the_same_components() -> None:
    rng = np.random.default_rng(3)
    n = 150 if PURE else 1500
    rows, reach = rng.random((n, 3)), rng.exponential(0.02, n)
    for link in (None, 0.05):
        far = np.sqrt(((rows[:, None] - rows[None]) ** 2).sum(axis=2))
        near = far < reach[:, None] + reach if link is None else far <= link
        count, expected = connected_components(coo_matrix(near), directed=False)
        labels = components(rows, reach, link)
        assert len(set(zip(labels.tolist(), expected.tolist(), strict=True))) == count == len(set(labels.tolist()))


def test_a_dense_field_costs_its_size_and_not_its_square() -> None:
    """Each token is taken by the first that reaches it; later ones pass the subtree by."""
    n = 300 if PURE else 200_000
    labels = components(np.random.default_rng(1).random((n, 3)), np.full(n, 2.0), None)
    assert not labels.any()
