"""Table-valued SQL functions over the stores' methods.

| file | functions |
|---|---|
| `function.py` | the one mechanism: planning, arguments, remembered answers |
| `graph.py` | `ng_links`, `ng_bfs`, `ng_shortest_path`, `ng_spread`, `ng_pagerank`, `ng_components` |
| `grid.py` | `ng_near`, `ng_in_range`, `ng_density`, `ng_influence` |
| `constitution.py` | `ng_cdna_at` |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .function import Function, Module
from .graph import GRAPH_FUNCTIONS
from .grid import GRID_FUNCTIONS

if TYPE_CHECKING:
    from ..connection.line import Line

FUNCTIONS: tuple[Function, ...] = (*GRAPH_FUNCTIONS, *GRID_FUNCTIONS)
"""Every table-valued function, in the order of the manual."""


def register(line: Line, stores: Any) -> None:
    """Register every function on a line, before its first statement; `stores` is the database that answers."""
    for function in FUNCTIONS:
        module: Any = Module(function, line, stores)  # apsw's protocol also asks for methods it does not call here
        line.connection.create_module(
            function.name,
            module,
            use_bestindex_object=True,
            eponymous=True,
            eponymous_only=True,
            read_only=True,
        )
