"""How far a long call is: what is told of it, and a line on stderr that shows it, only where that is a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import TracebackType

Told = Callable[[str, int, int | None], object]
"""What is called meanwhile: with what is being done, how much of it is, and of how much or None."""

EVERY_S = 0.1  # between two looks of the line
SETTLING_S = 0.5  # before that, a rate says nothing


class Progress:
    """A line rewritten in place: what is done, how many, how fast, and the time left where the end is known.

    Parameters
    ----------
    unit
        What is counted.
    total
        How many there will be, or None.
    """

    def __init__(self, unit: str, total: int | None = None) -> None:
        self._unit = unit
        self._total = total
        self._shown = sys.stderr.isatty()
        self._what = ""
        self._began = self._last = 0.0
        self._width = 0

    def __call__(self, what: str, count: int, total: int | None = None) -> None:
        """Show `what` and `count`, at most ten times a second."""
        if not self._shown:
            return
        now = time.monotonic()
        if what != self._what:
            self._what, self._began, self._last = what, now, 0.0
        if now - self._last < EVERY_S:
            return
        self._last = now
        self._write(self.text(what, count, now - self._began, total or self._total))

    def text(self, what: str, count: int, elapsed_s: float, total: int | None) -> str:
        """Return the line: ``reading: 120,000 rows, 85,000/s, 1.2 s left``."""
        of = f" of {total:,}" if total and total >= count else ""
        line = f"{what}: {count:,}{of} {self._unit}".rstrip()
        if elapsed_s >= SETTLING_S and count:
            rate = count / elapsed_s
            line += f", {rate:,.0f}/s"
            if of and total:
                line += f", {seconds_text((total - count) / rate)} left"
        return line

    def _write(self, line: str) -> None:
        sys.stderr.write(f"\r{line:<{self._width}}")
        sys.stderr.flush()
        self._width = len(line)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._width:
            sys.stderr.write(f"\r{'':<{self._width}}\r")
            sys.stderr.flush()


def telling(progress: bool | Told | None, unit: str) -> AbstractContextManager[Told]:
    """Return a context of what is told how far a call is: a line of ours for True, a function given, or nobody."""
    if progress is True:
        return Progress(unit)
    from contextlib import nullcontext

    return nullcontext(progress or (lambda *_: None))


def seconds_text(seconds: float) -> str:
    """Return a duration as people say it: ``3 ms``, ``1.4 s``, ``2:05 min``."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.2g} ms" if seconds < 0.0095 else f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60}:{int(seconds) % 60:02d} min"
