"""Connections: edges that pull, learn and fade."""

from .store import Connections

__all__ = ["Connections"]
