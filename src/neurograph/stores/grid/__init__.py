"""The grid: tokens in space, by level and over several levels."""

from .store import Grid

__all__ = ["Grid"]
