"""The connection store, put together from its parts."""

from __future__ import annotations

from .forces import ForcefulConnections
from .learning import LearningConnections
from .listing import ListedConnections
from .proposals import ProposedConnections
from .records import RecordedConnections


class Connections(
    ProposedConnections, RecordedConnections, ListedConnections, LearningConnections, ForcefulConnections
):
    """The connections of a database, reached as `db.connections`.

    A connection is an edge and its dynamics: how it pulls, how sure it is, how it learns and fades. A connection
    argument is a `Connection` or an id, a token argument a `Token`, an id or a label; a type a name or a code.
    """
