"""What time it is for a value that expires, and when it does."""

from __future__ import annotations

import time
from typing import Any

from ...errors import InvalidValue
from ..arguments import MAX_ID, real

LONGEST_S = 3e9
"""95 years: with it a moment in nanoseconds fits 64 bits until 2167."""


def now_ns() -> int:
    """Return nanoseconds since 1970 UTC; tests put their own clock here."""
    return time.time_ns()


def expiry(ttl_s: Any, now: int) -> int | None:
    """Return when a value expires that is to live for `ttl_s` seconds; None for ever."""
    if ttl_s is None:
        return None
    lasts_s = real(ttl_s, "ttl_s", 0.0, LONGEST_S)
    if lasts_s == 0.0:
        raise InvalidValue(f"ttl_s must be above 0, got {ttl_s!r}; None keeps the value until it is deleted")
    return min(now + max(1, int(lasts_s * 1e9)), MAX_ID)
