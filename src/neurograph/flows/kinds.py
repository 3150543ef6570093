"""Every kind of derived arrays, those that serve most questions first."""

from __future__ import annotations

from typing import Any

from ..stores.graph.arrays import GRAPH
from ..stores.grid.arrays import LEVEL_KINDS, SPACE
from ..stores.token_ids import TOKEN_IDS

KINDS: tuple[Any, ...] = (TOKEN_IDS, GRAPH, *LEVEL_KINDS.values(), SPACE)
