"""A clock that tests of topics move by hand."""

from __future__ import annotations

import pytest

from neurograph.stores.topics import clock

START_NS = 1_700_000_000_000_000_000


class Clock:
    """What time it is."""

    def __init__(self) -> None:
        self.ns = START_NS

    def now_ns(self) -> int:
        return self.ns

    def move(self, seconds: float) -> None:
        self.ns += round(seconds * 1e9)

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> Clock:
        monkeypatch.setattr(clock, "now_ns", self.now_ns)
        return self
