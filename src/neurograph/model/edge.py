"""The records of the graph: an edge, and a link seen from one of its ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .stored_json import value_of


@dataclass(frozen=True, slots=True)
class Edge:
    """A directed edge as it was when it was read. Source, type, target and key identify it."""

    source: int
    """Id of the token the edge leaves."""
    target: int
    """Id of the token the edge enters."""
    type: str
    """Name of the edge's type."""
    key: str
    """What tells parallel edges of one type apart; usually empty."""
    weight: float
    """The weight, in [0, 1] unless the constitution says otherwise."""
    bidirectional: bool
    """True for an edge that is followed both ways."""
    _properties: str | None = field(default=None, repr=False)

    @property
    def properties(self) -> dict[str, Any]:
        """A new dict of the JSON properties; empty where there are none."""
        return value_of(self._properties) if self._properties else {}

    def _repr_html_(self) -> str:
        from html import escape

        arrow = "↔" if self.bidirectional else "→"
        return (
            f"<code>{self.source} {arrow} {self.target}</code> {escape(self.type)} {escape(self.key)} {self.weight:g}"
        )


class Link(NamedTuple):
    """An edge seen from one of its ends."""

    id: int
    """Id of the token at the other end."""
    type: str
    """Name of the edge's type."""
    key: str
    """What tells parallel edges apart."""
    weight: float
    """The edge's weight."""
