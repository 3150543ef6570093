"""Every text in one batch, none too large."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from neurograph.embed.batches import batches


@given(st.lists(st.integers(0, 900), max_size=60), st.integers(1, 40), st.integers(1, 5000))
def test_every_text_is_in_one_batch_and_no_batch_is_too_large(lengths: list[int], size: int, most: int) -> None:
    made = list(batches(lengths, size, most))
    assert sorted(place for batch in made for place in batch) == list(range(len(lengths)))
    for batch in made:
        longest = max(lengths[place] for place in batch)
        assert len(batch) <= size
        assert len(batch) == 1 or len(batch) * longest <= most


def test_the_longest_come_first_and_equal_ones_keep_their_order() -> None:
    lengths = np.random.default_rng(5).integers(1, 9, 50).tolist()
    places = [int(place) for batch in batches(lengths, 7, 1000) for place in batch]
    assert places == sorted(range(50), key=lambda place: -lengths[place])
