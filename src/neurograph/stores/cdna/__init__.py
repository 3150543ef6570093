"""The constitution: the limits every writer meets, and the history of what they were."""

from .store import Cdna

__all__ = ["Cdna"]
