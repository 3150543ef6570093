"""Experience: states, actions, and what they were worth."""

from .store import Experiences

__all__ = ["Experiences"]
