"""The reading connections of a session: made when needed, kept for later.

Invariants:

1. A line is in the pool or in one thread's hands, never both.
2. After `close` no line stays open longer than the thread that has it in its hands.
"""

from __future__ import annotations

import apsw

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .line import Line

IDLE = 8  # lines kept for later; each may hold up to 32 MiB of pages


class Readers:
    """The reading connections of one open file."""

    __slots__ = ("_closed", "_idle", "_lines", "_make")

    def __init__(self, make: Callable[[], Line]) -> None:
        self._make = make
        self._idle: list[Line] = []
        self._lines: set[Line] = set()
        self._closed = False

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines, whoever has them."""
        return tuple(self._lines)

    def borrow(self) -> Line:
        """Take a line, or make one."""
        try:
            return self._idle.pop()
        except IndexError:
            line = self._make()
            self._lines.add(line)
            return line

    def give_back(self, line: Line) -> None:
        """Return a line, with whatever was begun on it undone."""
        if line.closed:
            return
        line.undo()
        if len(self._idle) < IDLE and not self._closed:
            self._idle.append(line)
            if not self._closed or line not in self._idle:
                return
            self._idle.remove(line)
        self._lines.discard(line)
        line.connection.close(True)

    def close(self, for_good: bool = True) -> None:
        """Close every line on which nothing runs; whoever has one of the others in hand closes it by giving it back."""
        self._closed = for_good
        self._idle.clear()
        for line in self.lines:
            try:
                line.connection.close(True)
            except apsw.ThreadingViolationError:
                continue
            self._lines.discard(line)
