"""Two vectors: lists by Python alone, arrays by kernels or numpy; what has no answer is refused, or is 0."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import naive_similarities as naive
from neurograph import vectors
from neurograph.errors import InvalidValue

ONES = {
    "cosine": vectors.cosine_similarity,
    "l2": vectors.euclidean_distance,
    "dot": vectors.dot_product,
}
each = pytest.mark.parametrize("one", ONES.values(), ids=ONES)
wide = st.floats(allow_nan=False, allow_infinity=False)
narrow = st.floats(allow_nan=False, allow_infinity=False, width=32)


def pair(values: st.SearchStrategy[float]) -> st.SearchStrategy[list[list[float]]]:
    return st.integers(0, 20).flatmap(
        lambda d: st.lists(st.lists(values, min_size=d, max_size=d), min_size=2, max_size=2)
    )


def length(values: list[float]) -> float:
    return math.hypot(*values)


def test_identical_is_one_orthogonal_zero_opposite_minus_one() -> None:
    assert vectors.cosine_similarity([1, 2], [1, 2]) == pytest.approx(1, abs=1e-15)
    assert vectors.cosine_similarity([1, 0], [0, 3]) == 0
    assert vectors.cosine_similarity([1, 2], [-1, -2]) == pytest.approx(-1, abs=1e-15)
    assert vectors.euclidean_distance([0, 0, 0], [1, 0, 0]) == 1


@settings(max_examples=60, deadline=None)
@given(pair(wide))
def test_lists_equal_naive_over_all_of_float64(both: list[list[float]]) -> None:
    a, b = both
    assert vectors.cosine_similarity(a, b) == pytest.approx(naive.cosine(a, b), abs=1e-14)
    assert vectors.euclidean_distance(a, b) == pytest.approx(naive.l2(a, b), rel=1e-14)


@settings(max_examples=60, deadline=None)
@given(pair(st.floats(-1e140, 1e140)))
def test_dot_products_of_lists_equal_naive(both: list[list[float]]) -> None:
    a, b = both
    assert vectors.dot_product(a, b) == pytest.approx(naive.dot(a, b), abs=1e-14 * length(a) * length(b))


def test_a_dot_product_beyond_float64_is_infinite_and_what_cancels_is_not() -> None:
    assert vectors.dot_product([1e200, 1], [1e200, 1]) == math.inf
    assert vectors.dot_product([1e200, -1e200], [1e200, 1e200]) == 0


@settings(max_examples=60, deadline=None)
@given(pair(narrow))
def test_arrays_equal_naive_over_all_of_float32(way: None, both: list[list[float]]) -> None:
    a, b = (np.array(values, np.float32) for values in both)
    assert vectors.cosine_similarity(a, b) == pytest.approx(naive.cosine(*both), abs=1e-14)
    assert vectors.euclidean_distance(a, b) == pytest.approx(naive.l2(*both), rel=1e-14)
    bound = 1e-14 * length(both[0]) * length(both[1])
    assert vectors.dot_product(a, b) == pytest.approx(naive.dot(*both), abs=bound)


@pytest.mark.parametrize("d", [10, 100, 1000, 8192])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e6, 1e30])
def test_the_cosine_with_itself_is_one_at_every_scale(way: None, d: int, scale: float) -> None:
    numbers = np.random.default_rng(d)
    for values in (numbers.uniform(-scale, scale, d), np.full(d, 0.1 * scale)):
        array = values.astype(np.float32)
        assert vectors.cosine_similarity(array, array) == pytest.approx(1, abs=1e-12)
        assert vectors.cosine_similarity(values.tolist(), values.tolist()) == pytest.approx(1, abs=1e-12)
        assert np.linalg.norm(vectors.normalize(array).astype(float)) == pytest.approx(1, abs=1e-6)
        assert length(vectors.normalize(values.tolist())) == pytest.approx(1, abs=1e-12)


@each
def test_a_zero_vector_is_no_error(way: None, one) -> None:
    assert one([0, 0], [0, 0]) == one(np.zeros(2), np.zeros(2)) == 0
    assert one([], []) == one(np.zeros(0), np.zeros(0)) == 0
    assert vectors.cosine_similarity([0, 0], [1, 2]) == vectors.cosine_similarity(np.zeros(2), np.ones(2)) == 0


@each
@pytest.mark.parametrize("make", [list, tuple, np.array], ids=["list", "tuple", "array"])
def test_lengths_that_differ_are_named_or_give_zero(way: None, one, make) -> None:
    a, b = make([1.0, 2.0]), make([1.0, 2.0, 3.0])
    with pytest.raises(InvalidValue, match="one length, got 2 in a and 3 in b"):
        one(a, b)
    with pytest.raises(ValueError, match="got 3 in a and 2 in b"):
        one(b, a)
    assert one(a, b, strict=False) == 0


@each
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("make", [list, np.array], ids=["list", "array"])
def test_values_that_are_not_finite_are_named_or_give_zero(way: None, one, bad: float, make) -> None:
    fine, wrong = make([0.0, 0.0, 1.0]), make([1.0, bad, 2.0])
    for both, name in (((fine, wrong), "b"), ((wrong, fine), "a"), ((wrong, wrong), "a")):
        with pytest.raises(InvalidValue, match=rf"^{name}\[1\] must be finite, got {bad!r}"):
            one(*both)
        assert one(*both, strict=False) == 0


@each
@pytest.mark.parametrize("bad", ["1", None, 1j, [1.0], b"x"])
def test_what_is_no_number_is_named(one, bad: object) -> None:
    for strict in (True, False):
        with pytest.raises(InvalidValue, match=r"b\[1\] must be a real number, got"):
            one([1.0, 2.0], [1.0, bad], strict=strict)
    with pytest.raises(InvalidValue, match="b"):
        one(np.ones(2), [1.0, bad])


@each
def test_what_is_no_vector_is_refused(one) -> None:
    with pytest.raises(InvalidValue, match="b must be one vector, got an array of shape"):
        one(np.ones(2), np.ones((2, 2)))
    with pytest.raises(InvalidValue, match="a must be one vector, got an array of shape"):
        one(3, np.ones(1))
    with pytest.raises(InvalidValue, match="a must be"):
        one("ab", np.ones(2))


def test_a_float64_beyond_float32_says_what_to_do() -> None:
    with pytest.raises(InvalidValue, match=r"a\[1\] must be within float32, .*got 1e\+39; scale the vectors down"):
        vectors.dot_product(np.array([1, 1e39]), np.ones(2))


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ">f4", np.int8, np.uint64, bool])
def test_arrays_of_every_real_type_are_taken(way: None, dtype) -> None:
    a, b = np.array([1, 0, 1], dtype), np.array([1, 1, 1], dtype)
    assert (vectors.dot_product(a, b), vectors.dot_product(a, [1, 1, 1])) == (2, 2)
    assert vectors.euclidean_distance(a, b) == 1


def test_views_and_read_only_arrays_are_taken(way: None) -> None:
    numbers = np.arange(20, dtype=np.float32)
    locked = numbers.copy()
    locked.flags.writeable = False
    for a in (numbers, locked):
        assert vectors.dot_product(a[::2], a[::-2]) == float(numbers[::2].astype(float) @ numbers[::-2])
        assert vectors.dot_product(a, a) == 2470
    assert not locked.flags.writeable


def test_lists_are_normalized_to_lists_and_arrays_to_new_arrays(way: None) -> None:
    assert vectors.normalize([3, 4]) == vectors.normalize((3, 4)) == [0.6, 0.8]
    given_array = np.array([3.0, 4.0], np.float32)
    unit = vectors.normalize(given_array)
    assert (unit.dtype, unit.tolist(), given_array.tolist()) == (np.float32, np.float32([0.6, 0.8]).tolist(), [3, 4])
    assert vectors.normalize([0, 0]) == [0, 0]
    assert vectors.normalize([]) == []
    assert vectors.normalize(np.zeros(3)).tolist() == [0, 0, 0]
    assert vectors.normalize([1e-320, 0]) == vectors.normalize([1e308, 0]) == [1, 0]


@pytest.mark.parametrize("make", [list, np.array], ids=["list", "array"])
def test_normalizing_refuses_what_is_not_finite_or_gives_zeros(way: None, make) -> None:
    with pytest.raises(InvalidValue, match=r"vector\[1\] must be finite, got nan"):
        vectors.normalize(make([1.0, math.nan]))
    assert list(vectors.normalize(make([1.0, math.inf]), strict=False)) == [0, 0]
    with pytest.raises(InvalidValue, match=r"vector\[1\] must be a real number, got 'x'"):
        vectors.normalize([1.0, "x"])


def test_lists_need_neither_numpy_nor_numba() -> None:
    code = "import sys; from neurograph import vectors as v; v.normalize([1, 2]); v.euclidean_distance([1], [2])\n"
    code += (
        "v.dot_product([1], [2]); v.cosine_similarity([1], [2]); print('numpy' in sys.modules, 'numba' in sys.modules)"
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
