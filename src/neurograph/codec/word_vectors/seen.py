"""Which words came before, in 16 bytes a word.

Invariants:

1. A run holds distinct hashes in ascending order, and the place of each; no hash is in two runs.
2. A run is more than twice as long as the next, so there are few: a batch costs a search in each.

Kept are 64 bits of a word's hash, so of two different words one could be taken for the other: among n words with a
chance of n**2 / 2**65, which is 1 in 7 million for 2.2 million words. A dict of the words took 122 bytes a
word where this takes 16, and 49 while runs are joined; both cost about 0.5 µs a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Seen:
    """Words, each with the place where it stood first."""

    def __init__(self) -> None:
        self._runs: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []

    def add(self, words: list[str], places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Take words in, and return where each stood before.

        Parameters
        ----------
        words
            n words.
        places
            (n,) int64, not 0: where each stands. A word keeps the first place it was given.

        Returns
        -------
        numpy.ndarray
            (n,) int64: the earlier place, 0 for a word that is new.

        Examples
        --------
        >>> import numpy as np
        >>> seen = Seen()
        >>> seen.add(["a", "b", "a"], np.array([1, 2, 3])).tolist(), seen.add(["b", "c"], np.array([4, 5])).tolist()
        ([0, 0, 1], [2, 0])
        """
        import numpy as np

        hashes, first, group = np.unique(
            np.fromiter(map(hash, words), np.int64, len(words)), return_index=True, return_inverse=True
        )
        earlier = np.zeros(len(hashes), np.int64)
        for known, at in self._runs:
            found = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
            earlier = np.where(known[found] == hashes, at[found], earlier)
        new = earlier == 0
        self._append(hashes[new], places[first][new])
        before = np.where(new, places[first], earlier)[group]
        before[first[new]] = 0
        return before

    def _append(self, hashes: NDArray[np.int64], places: NDArray[np.int64]) -> None:
        import numpy as np

        while self._runs and len(self._runs[-1][0]) <= 2 * len(hashes):
            known, at = self._runs.pop()
            order = np.argsort(joined := np.concatenate([known, hashes]), kind="stable")
            hashes, places = joined[order], np.concatenate([at, places])[order]
        if len(hashes):
            self._runs.append((hashes, places))
