"""Pooling beside the naive way, token by token."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neurograph.embed.pooling import POOLINGS, normalized, pool


def naive(tokens: list[np.ndarray[Any, Any]], how: str) -> Any:
    if not tokens:
        return 0
    return {"mean": sum(tokens) / len(tokens), "cls": tokens[0], "max": np.max(tokens, axis=0), "last": tokens[-1]}[how]


@pytest.mark.parametrize("how", POOLINGS)
def test_padding_has_no_part_in_it(how: str) -> None:
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((6, 5, 4)).astype(np.float32)
    lengths = [5, 1, 3, 0, 4, 2]
    mask = (np.arange(5) < np.array(lengths)[:, None]).astype(np.int64)
    vectors[mask == 0] = 1e6
    before = vectors.copy()
    pooled = pool(vectors, mask, how)
    for row, length in enumerate(lengths):
        assert pooled[row] == pytest.approx(naive(list(vectors[row, :length]), how), abs=1e-6)
    assert pooled.dtype == np.float32
    assert (vectors == before).all()


def test_vectors_of_any_length_become_one_long_and_zeros_stay() -> None:
    vectors = np.array([[3e-20, 4e-20], [3e18, 4e18], [0, 0]], np.float32)
    assert normalized(vectors) == pytest.approx(np.array([[0.6, 0.8], [0.6, 0.8], [0, 0]]), abs=1e-6)
