"""A clock that tests of the queue move by hand."""

from __future__ import annotations

import pytest

from neurograph.stores.queue import clock

START_NS = 1_700_000_000_000_000_000


class Clock:
    """What time it is, and who slept how long."""

    def __init__(self) -> None:
        self.ns = START_NS
        self.slept: list[float] = []

    def now_ns(self) -> int:
        return self.ns

    def monotonic(self) -> float:
        return self.ns / 1e9

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.move(seconds)

    def move(self, seconds: float) -> None:
        self.ns += round(seconds * 1e9)

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> Clock:
        for name in ("now_ns", "monotonic", "sleep"):
            monkeypatch.setattr(clock, name, getattr(self, name))
        return self
