"""Which texts are run together: those of about one length, and not too many tokens at once.

1. Every text is in exactly one batch.
2. A batch has at most `batch_size` texts, and at most `most_tokens` tokens with its padding unless it is one text.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    import numpy as np


def batches(lengths: Sequence[int], batch_size: int, most_tokens: int) -> Iterator[np.ndarray[Any, np.dtype[np.int64]]]:
    """Yield the places of the texts that are run together, the longest first.

    The longest first: if memory does not suffice, it is known at once; and where several run at a time, short ones fill
    up the end.

    Examples
    --------
    >>> [batch.tolist() for batch in batches([3, 9, 4, 9, 2], batch_size=2, most_tokens=100)]
    [[1, 3], [2, 0], [4]]
    """
    import numpy as np

    order = np.argsort(-np.asarray(lengths, np.int64), kind="stable")
    first = 0
    while first < len(order):
        longest = max(int(lengths[order[first]]), 1)
        size = max(1, min(batch_size, most_tokens // longest))
        yield order[first : first + size]
        first += size
