"""The graph: edges between tokens, and what can be found by following them."""

from .store import Graph

__all__ = ["Graph"]
