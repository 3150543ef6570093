"""What time it is for topics. Tests put a clock of their own here."""

from __future__ import annotations

import time

now_ns = time.time_ns
"""Nanoseconds since 1970 UTC."""
