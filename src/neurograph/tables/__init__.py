"""SQL functions over the stores' methods.

| file | functions |
|---|---|
| `function.py` | the one mechanism of table-valued functions: planning, arguments, remembered answers |
| `answer.py` | the rows of an answer, as columns |
| `graph.py` | `ng_links`, `ng_bfs`, `ng_shortest_path`, `ng_spread`, `ng_pagerank`, `ng_components` |
| `grid.py` | `ng_near`, `ng_in_range`, `ng_density`, `ng_influence` |
| `library.py` | `ng_knn` |
| `query.py` | `ng_hybrid` |
| `queue.py` | `ng_messages` |
| `constitution.py` | `ng_cdna_at` |
| `rows.py` | scalar functions that read rows: `ng_embed`, `ng_token_distance`, `ng_token_record` |
"""

from __future__ import annotations

from . import rows
from .constitution import CONSTITUTION_FUNCTIONS
from .function import Function, Module
from .graph import GRAPH_FUNCTIONS
from .grid import GRID_FUNCTIONS
from .library import LIBRARY_FUNCTIONS
from .query import QUERY_FUNCTIONS
from .queue import QUEUE_FUNCTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..connection.line import Line

FUNCTIONS: tuple[Function, ...] = (
    *GRAPH_FUNCTIONS,
    *GRID_FUNCTIONS,
    *LIBRARY_FUNCTIONS,
    *QUERY_FUNCTIONS,
    *QUEUE_FUNCTIONS,
    *CONSTITUTION_FUNCTIONS,
)
"""Every table-valued function, in the order of the manual."""


def register(line: Line, stores: Any) -> None:
    """Register every function on a line, before its first statement; `stores` is the database that answers."""
    rows.register(line, stores)
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
