"""The graph store, put together from its parts."""

from __future__ import annotations

from .edges import Edges
from .exchange import Exchange
from .links import Links
from .paths import Paths
from .spreading import Spreading


class Graph(Edges, Links, Paths, Spreading, Exchange):
    """The graph of a database, reached as `db.graph`.

    A token argument is a `Token`, an id or a label; a type a name or a code. Direction is ``"out"`` unless said:
    edges are directed, a bidirectional one is followed both ways everywhere.
    """
