"""What tests of threads share: work in one, how long they wait at most, and for what."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

LONG_S = 60.0  # a wait that is not ended fails the test long after


def until(true: Callable[[], Any]) -> None:
    """Wait for what a thread will do."""
    end = time.monotonic() + LONG_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.001)


def in_thread(work: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Begin some work in a thread, and return it with what came of it."""
    came: list[object] = []

    def run() -> None:
        try:
            came.append(work())
        except Exception as error:
            came.append(type(error))

    thread = threading.Thread(target=run)
    thread.start()
    return thread, came
