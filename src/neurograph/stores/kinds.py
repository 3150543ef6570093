"""Every kind of derived arrays, those that serve most questions first. A part of the stores layer, not a store."""

from __future__ import annotations

from typing import Any

from .graph.arrays import GRAPH
from .grid.arrays import LEVEL_KINDS, SPACE
from .token_ids import TOKEN_IDS

KINDS: tuple[Any, ...] = (TOKEN_IDS, GRAPH, *LEVEL_KINDS.values(), SPACE)
