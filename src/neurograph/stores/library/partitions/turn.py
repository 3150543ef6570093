"""How vectors are turned before one bit is kept of each of their numbers, so that no few of them outweigh the others.

Each of two rounds puts the numbers in another order, changes the signs of some, and mixes blocks of a power of two of
them: sums and differences of neighbours, over and over (Walsh and Hadamard). Lengths and products stay as they are.
Plain Python turns one query, as numpy alone takes longer to import than a search; numpy turns many rows.

Invariants:

1. The turn depends on the dimension alone, for ever: codes in files were made with it.
2. `turn_one` and `turn_rows` take the same steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    import numpy as np

ROUNDS = 2
MOST_BLOCK = 512
WIDEST = 1024  # dimensions up to which a product with the whole matrix is taken: faster than step by step


@lru_cache(8)
def orders(dimension: int) -> tuple[tuple[list[int], list[float]], ...]:
    """Return for each round which number comes where, and its sign: from a linear congruential generator."""
    state, found = dimension, []
    for _ in range(ROUNDS):
        keys = []
        for _ in range(dimension):
            state = (state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
            keys.append(state >> 24)
        found.append((sorted(range(dimension), key=keys.__getitem__), [1.0 if key & 1 else -1.0 for key in keys]))
    return tuple(found)


def blocks(dimension: int) -> Iterator[tuple[int, int]]:
    """Yield where each block begins, and its length."""
    begin, length = 0, MOST_BLOCK
    while dimension - begin >= 2:
        while length > dimension - begin:
            length >>= 1
        yield begin, length
        begin += length


def turn_one(numbers: Sequence[float]) -> list[float]:
    """Return one vector, turned."""
    turned = list(numbers)
    for order, signs in orders(len(turned)):
        turned = [turned[place] * sign for place, sign in zip(order, signs, strict=True)]
        for begin, length in blocks(len(turned)):
            part = turned[begin : begin + length]
            for _ in range(length.bit_length() - 1):
                pairs = list(zip(part[0::2], part[1::2], strict=True))
                part = [a + b for a, b in pairs]
                part += [a - b for a, b in pairs]
            scale = length**-0.5
            turned[begin : begin + length] = [scale * x for x in part]
    return turned


def turn_rows(rows: np.ndarray) -> np.ndarray:
    """Return vectors, (n, d) float32, turned."""
    import numpy as np

    dimension = rows.shape[1]
    if dimension <= WIDEST:
        return rows @ _matrix(dimension).T  # type: ignore[no-any-return]
    return _step_by_step(rows).astype(np.float32)


@lru_cache(2)
def _matrix(dimension: int) -> np.ndarray:
    import numpy as np

    return np.ascontiguousarray(_step_by_step(np.eye(dimension)).T, np.float32)


def _step_by_step(rows: np.ndarray) -> np.ndarray:
    import numpy as np

    turned = rows
    for order, signs in orders(rows.shape[1]):
        turned = turned[:, order] * np.array(signs, rows.dtype)
        for begin, length in blocks(rows.shape[1]):
            part = turned[:, begin : begin + length]
            for _ in range(length.bit_length() - 1):
                even, odd = part[:, 0::2], part[:, 1::2]
                part = np.concatenate((even + odd, even - odd), axis=1)
            turned[:, begin : begin + length] = part * rows.dtype.type(length**-0.5)
    return turned
