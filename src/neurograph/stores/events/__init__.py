"""Events: what happened, in order."""

from .store import Events

__all__ = ["Events"]
