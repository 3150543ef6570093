"""Which texts are run together: those of about one length, and not too many tokens at once.

1. Every text is in exactly one batch.
2. A batch has at most `batch_size` texts, and at most `MOST_TOKENS` tokens with its padding unless it is one text.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    import numpy as np

MOST_TOKENS = 16_384  # 32 texts of 512 tokens: a BERT of 12 heads holds 0.4 GB of attention for them


def batches(lengths: Sequence[int], batch_size: int) -> Iterator[np.ndarray[Any, np.dtype[np.int64]]]:
    """Yield the places of the texts that are run together, the longest first.

    The longest first: if memory does not suffice, it is known at once and not at the end.

    Examples
    --------
    >>> [batch.tolist() for batch in batches([3, 9, 4, 9, 2], batch_size=2)]
    [[1, 3], [2, 0], [4]]
    """
    import numpy as np

    order = np.argsort(-np.asarray(lengths, np.int64), kind="stable")
    first = 0
    while first < len(order):
        longest = max(int(lengths[order[first]]), 1)
        size = max(1, min(batch_size, MOST_TOKENS // longest))
        yield order[first : first + size]
        first += size
