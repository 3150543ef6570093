"""What tests of workers share: how long they wait at most, for what a thread will do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

LONG_S = 60.0


def until(true: Callable[[], Any]) -> None:
    """Wait for what a thread will do."""
    end = time.monotonic() + LONG_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.001)
