"""What most tests of topics begin with: a clock they move by hand, and a database that is sound at their end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import neurograph
from hand_clock import GRACE_S, Clock
from neurograph import Database
from neurograph.stores.topics import clock


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock().patch(monkeypatch, clock)


@pytest.fixture
def db(now: Clock) -> Iterator[Database]:
    with neurograph.open(":memory:", busy_timeout_s=GRACE_S) as db:
        yield db
        assert db.check() == []
