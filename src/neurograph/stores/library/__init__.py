"""Vector spaces: libraries, their items and vectors, and who is near."""

from .library import Library
from .store import Libraries

__all__ = ["Libraries", "Library"]
