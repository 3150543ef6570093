"""Adversarial points for the grid's tests, and the ways between tokens and arrays."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from effort import examples
from naive_grid import Token

PURE = os.environ.get("NUMBA_DISABLE_JIT", "0") != "0"
MOST = 70 if PURE else 400  # tokens of a case: more than a node's 8 leaves of 32, or a few leaves
EXAMPLES = settings(max_examples=examples(30 if PURE else 60), deadline=None)

# Where squares overflow or vanish, where neighbours of a number matter, and plain ties.
ODD = [
    0.0,
    -0.0,
    5e-324,
    2e-162,
    1e-170,
    1.0,
    1.0 + 2**-52,
    3.0,
    -3.0,
    1e154,
    1.4e154,
    -1e155,
    1e300,
    1.7e308,
    -1.7e308,
]
numbers = st.one_of(
    st.sampled_from(ODD),
    st.integers(-3, 3).map(float),
    st.floats(-2.0, 2.0),
    st.floats(allow_nan=False, allow_infinity=False),
)
points = st.tuples(numbers, numbers, numbers)
radii = st.one_of(st.sampled_from([0.0, 5e-324, 1.0, 2.0, 5**0.5, 1e160, float("inf")]), st.floats(0.0, 4.0))


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """Compiled code overflows to infinity in silence; as plain Python it would warn."""
    with np.errstate(all="ignore"):
        yield


def cloud(kind: str, n: int, seed: int) -> np.ndarray:
    """Return (n, 3) points of one kind of distribution."""
    rng = np.random.default_rng(seed)
    even = rng.uniform(-2, 2, (n, 3))
    return {
        "even": even,
        "ties": rng.integers(-2, 3, (n, 3)).astype(float),
        "equal": np.full((n, 3), 0.5),
        "line": np.stack([rng.integers(0, 50, n) / 8, np.zeros(n), np.zeros(n)], axis=1),
        "clusters": rng.choice(rng.uniform(-2, 2, (4, 3)), n) + rng.normal(0, 1e-6, (n, 3)),
        "outlier": np.concatenate([even, [[1e300, -1e300, 1e300]]])[-n:] if n else even,
        "huge": even * 1e200,
        "scales": even * 10.0 ** rng.integers(-320, 300, (n, 1)),
        "denormal": rng.integers(0, 5, (n, 3)) * 5e-324,
    }[kind]


KINDS = ["even", "ties", "equal", "line", "clusters", "outlier", "huge", "scales", "denormal"]
clouds = st.builds(cloud, st.sampled_from(KINDS), st.integers(0, MOST), st.integers(0, 1000))


@st.composite
def tokens(draw: st.DrawFn, most: int = MOST) -> list[Token]:
    """Tokens with ascending ids that have gaps, half of them where others are."""
    places = draw(clouds)[:most].tolist() + draw(st.lists(points, max_size=5))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    ids = np.sort(rng.choice(4 * len(places) + 4, len(places), replace=False)) - 3
    radius = rng.choice([0.0, 0.5, 1.0, 3.0, rng.uniform(0, 2)], len(places))
    strength = rng.choice([0.0, 0.25, 1.0, rng.uniform(0, 1)], len(places))
    weight = rng.choice([0.0, 0.5, 1.0, rng.uniform(0, 1)], len(places))
    rng.shuffle(places)
    return [
        Token(int(id_), tuple(place), float(r), float(s), float(w))
        for id_, place, r, s, w in zip(ids, places, radius, strength, weight, strict=True)
    ]


def columns(tokens: list[Token]) -> dict[str, np.ndarray]:
    """Return tokens as the arrays that `LevelIndex` takes."""
    place = np.array([token.point for token in tokens], float).reshape(-1, 3)
    arrays = {"ids": np.array([token.id for token in tokens], np.int64)}
    arrays |= {axis: place[:, i] for i, axis in enumerate("xyz")}
    return arrays | {
        name: np.array([getattr(token, name) for token in tokens]) for name in ("radius", "strength", "weight")
    }


def pairs(answer: tuple[np.ndarray, np.ndarray]) -> list[tuple[int, float]]:
    """Return (ids, distances) as the naive version writes them."""
    return list(zip(answer[0].tolist(), answer[1].tolist(), strict=True))


def unpacked(answer: tuple[np.ndarray, np.ndarray, np.ndarray]) -> list[list[tuple[int, float]]]:
    """Return a batch's answers one by one."""
    indptr, ids, distances = answer
    return [pairs((ids[a:b], distances[a:b])) for a, b in itertools.pairwise(indptr)]


@st.composite
def space_tokens(draw: st.DrawFn) -> list[Token]:
    """Tokens that define various levels, in few or many patterns."""
    n, seed = draw(st.integers(0, MOST)), draw(st.integers(0, 1000))
    rng = np.random.default_rng(seed)
    masks = rng.choice(draw(st.sampled_from([[255], [0, 1, 3], [9, 130, 255, 8], list(range(256))])), n)
    kind = draw(st.sampled_from(KINDS))
    levels = [cloud(kind, n, seed + level) for level in range(8)]
    ids = np.sort(rng.choice(3 * n + 1, n, replace=False))
    return [
        Token(int(ids[i]), levels={level: tuple(levels[level][i]) for level in range(8) if masks[i] >> level & 1})
        for i in range(n)
    ]


def space_columns(tokens: list[Token]) -> dict[str, np.ndarray]:
    """Return tokens as the arrays that `SpaceIndex` takes."""
    coordinates, masks = np.full((len(tokens), 8, 3), np.nan), np.zeros(len(tokens), np.uint8)
    for row, token in enumerate(tokens):
        for level, place in token.levels.items():
            coordinates[row, level] = place
            masks[row] |= 1 << level
    ids = np.array([token.id for token in tokens], np.int64)
    return {"ids": ids, "coordinates": coordinates, "masks": masks}


def space_query(place: dict[int, tuple[float, float, float]]) -> tuple[np.ndarray, int]:
    """Return coordinates and mask of a query."""
    arrays = space_columns([Token(0, levels=place)])
    return arrays["coordinates"][0], int(arrays["masks"][0])
