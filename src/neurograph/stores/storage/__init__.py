"""Storage: namespace and key → a value in JSON."""

from .store import Storage

__all__ = ["Storage"]
