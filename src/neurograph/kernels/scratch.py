"""Memory that algorithms reuse from call to call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", bound=tuple[Any, ...])


class Scratch:
    """Arrays that outlive a call, so that a small answer does not pay for the whole graph.

    One scratch serves one call at a time: keep one a thread, or one behind a lock. What an
    interrupted call leaves in it does no harm: every call writes marks of its own.

    Attributes
    ----------
    most_bytes
        What work that can be done in parts should take at most; nobody is held to it here.

    Examples
    --------
    >>> scratch = Scratch()
    >>> seen, stamp = scratch.stamps("seen", 4)
    >>> bool((seen == stamp).any()), scratch.nbytes
    (False, 4)
    """

    def __init__(self) -> None:
        self.most_bytes = 1 << 62
        self.clear()

    def clear(self) -> None:
        """Give the memory back."""
        self._arrays: dict[str, tuple[int, tuple[NDArray[Any], ...]]] = {}
        self._marks: dict[str, int] = {}

    @property
    def nbytes(self) -> int:
        """Return the bytes held."""
        return sum(array.nbytes for _, arrays in self._arrays.values() for array in arrays)

    def keep(self, name: str, n: int, make: Callable[[int], T]) -> T:
        """Return ``make(n)``, a tuple of arrays: the one made for that name before, if it was for this n."""
        size, arrays = self._arrays.get(name, (-1, ()))
        if size != n:
            arrays = make(n)
            self._arrays[name] = (n, arrays)
            self._marks.pop(name, None)
        return arrays  # type: ignore[return-value]

    def room(self, name: str, size: int, make: Callable[[int], T]) -> T:
        """Return ``make(size)``, a tuple of arrays: the one made for that name before, if it has the room."""
        held, arrays = self._arrays.get(name, (-1, ()))
        if held < size:
            arrays = make(size)
            self._arrays[name] = (size, arrays)
        return arrays  # type: ignore[return-value]

    def base(self, name: str, room: int, last: int | None = None) -> int:
        """Return a number above all that earlier calls wrote to those arrays; write less than base + room.

        What is below the base was left by earlier calls, or is a zero that was there from the beginning. Where numbers
        must not be above `last`, the first of the arrays is cleared when they would be.
        """
        base = self._marks.get(name, 1)
        if last is not None and base + room > last + 1:
            self._arrays[name][1][0].fill(0)
            base = 1
        self._marks[name] = base + room
        return base

    def stamps(self, name: str, n: int) -> tuple[NDArray[np.uint8], int]:
        """Return an (n,) uint8 array and a stamp that none of its elements holds.

        A byte a node keeps 100k nodes in the second-level cache; every 255th call clears the array.
        """
        (seen,) = self.keep(name, n, lambda n: (np.zeros(n, np.uint8),))
        stamp = self.base(name, 1)
        if stamp > 255:
            seen.fill(0)
            self._marks[name] = 2
            stamp = 1
        return seen, stamp
