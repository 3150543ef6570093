"""Which ways were taken inside a statement while `Database.explain` runs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

CURRENT = "arrays current"  # nothing had to be done before they answered
ROWS = "rows"


class Paths:
    """The ways taken, in the order in which each was taken first; one that was taken again counts once."""

    def __init__(self) -> None:
        self._asked = ""
        self._noted = False
        self._taken: dict[str, str] = {}

    @contextmanager
    def asked(self, name: str) -> Iterator[None]:
        """Note whatever is taken meanwhile for the function `name`; rows, where that says nothing of itself."""
        self._asked, self._noted = f"{name}: ", False
        yield
        if not self._noted:
            self.note(ROWS, "")
        self._asked = ""

    def note(self, way: str, detail: str) -> None:
        """Note a way and what is to be said of it; the last word counts, but `CURRENT` is none."""
        self._noted = True
        key = self._asked + way
        if detail != CURRENT or key not in self._taken:
            self._taken[key] = detail

    def taken(self) -> tuple[str, ...]:
        """Return a line for each way."""
        return tuple(f"{way}, {detail}" if detail else way for way, detail in self._taken.items())
