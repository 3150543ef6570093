"""The graph store, put together from its parts."""

from __future__ import annotations

from .edges import Edges
from .links import Links
from .many import Many
from .paths import Paths
from .ranks import Ranks
from .spreading import Spreading
from .walks import Walks


class Graph(Edges, Links, Many, Walks, Paths, Ranks, Spreading):
    """The graph of a database, reached as `db.graph`.

    A token argument is a `Token`, an id or a label; a type a name or a code. Direction is ``"out"`` unless said:
    edges are directed, a bidirectional one is followed both ways everywhere.
    """
