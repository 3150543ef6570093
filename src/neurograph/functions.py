"""Scalar SQL functions, registered on every connection before its first statement."""

from __future__ import annotations

import apsw


def register(connection: apsw.Connection) -> None:
    """Register the scalar functions on `connection`."""
