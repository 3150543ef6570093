"""Which ways were taken inside a statement while `Database.explain` runs it."""

from __future__ import annotations

CURRENT = "arrays current"  # nothing had to be done before they answered
ROWS = "rows"


class Paths:
    """The ways taken, in the order in which each was taken first; one that was taken again counts once."""

    def __init__(self) -> None:
        self._asked = ""
        self._noted = False
        self._taken: dict[str, str] = {}

    def asked(self, name: str) -> Asked:
        """Note whatever is taken meanwhile for the function `name`; rows, where that says nothing of itself."""
        return Asked(self, name)

    def begin(self, asked: str) -> None:
        """Note what comes as taken for `asked`."""
        self._asked, self._noted = asked, False

    def end(self) -> None:
        """Note rows where nothing was."""
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


class Asked:
    """The context of `Paths.asked`."""

    __slots__ = ("_name", "_paths")

    def __init__(self, paths: Paths, name: str) -> None:
        self._paths = paths
        self._name = name

    def __enter__(self) -> None:
        self._paths.begin(f"{self._name}: ")

    def __exit__(self, kind: object, *error: object) -> None:
        if kind is None:
            self._paths.end()
