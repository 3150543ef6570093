"""Tokens: what the mind holds, each at a place in up to eight levels."""

from .store import Tokens

__all__ = ["Tokens"]
