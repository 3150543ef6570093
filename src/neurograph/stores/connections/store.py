"""The connection store, put together from its parts."""

from __future__ import annotations

from .change import ChangedConnections
from .forces import ForcefulConnections
from .learning import LearningConnections
from .listing import ListedConnections
from .many import ManyConnections


class Connections(ChangedConnections, ManyConnections, ListedConnections, LearningConnections, ForcefulConnections):
    """The connections of a database, reached as `db.connections`.

    A connection is an edge and its dynamics: how it pulls, how sure it is, how it learns and fades. A connection
    argument is a `Connection` or an id, a token argument a `Token`, an id or a label; a type a name or a code.
    """
