"""A clock that tests move by hand."""

from __future__ import annotations

from types import ModuleType

import pytest

START_NS = 1_700_000_000_000_000_000
GRACE_S = 2.0  # the busy timeout of databases that have this clock, which is the grace after a lease


class Clock:
    """What time it is, and who slept how long."""

    def __init__(self, ns: int = START_NS) -> None:
        self.ns = ns
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

    def patch(self, monkeypatch: pytest.MonkeyPatch, clock: ModuleType) -> Clock:
        """Let a module that tells the time tell this one's."""
        for name in ("now_ns", "monotonic", "sleep"):
            if hasattr(clock, name):
                monkeypatch.setattr(clock, name, getattr(self, name))
        return self
