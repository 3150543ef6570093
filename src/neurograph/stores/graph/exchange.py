"""The graph for networkx and from it, and parts of the graph."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import apsw

from ...connection.line import Line
from ...errors import InvalidValue, NotHere
from ...model.edge import Edge
from ..arguments import TokenLike, existing_token_id, id_array
from .base import TypesLike, type_codes, type_name
from .many import Many
from .measures import Measures
from .walks import Walks

if TYPE_CHECKING:
    import networkx

_COLUMNS = "source, target, type, key, weight, bidirectional, properties"


class Exchange(Many, Walks, Measures):
    """The graph as others want it."""

    def subgraph(self, tokens: Any, *, types: TypesLike = None) -> list[Edge]:
        """Return the edges that run between some tokens, in order of source, type, target and key.

        Parameters
        ----------
        tokens
            (n,) int64 ids, or a list of tokens; `neighborhood` gives such an array.
        types
            Only edges of this type, or of one of these.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.tokens.create_many(count=4)
        ...     _ = db.graph.create_many([1, 2, 3], [2, 3, 4])
        ...     [(edge.source, edge.target) for edge in db.graph.subgraph(db.graph.neighborhood(2))]
        [(1, 2), (2, 3)]

        Notes
        -----
        Grows with the edges that leave the tokens.
        """
        with self._session.reading() as line:
            return _induced(line, _ids(line.connection, tokens), types)

    def to_networkx(self, tokens: Any = None, *, types: TypesLike = None) -> networkx.MultiDiGraph:
        """Return the graph, or the part between some tokens, for what is not here. Needs the extra ``networkx``.

        Parameters
        ----------
        tokens
            (n,) int64 ids, or a list of tokens; None for all.
        types
            Only edges of this type, or of one of these.

        Returns
        -------
        networkx.MultiDiGraph
            Nodes are ids, with `label` and `weight`; edges have the key (type, key) and `weight`, `bidirectional`,
            `properties`. A bidirectional edge is one edge here: add its reverse where an algorithm needs it.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.tokens.create_many(labels=["a", "b"])
        ...     _ = db.graph.create("a", "b", type="near")
        ...     graph = db.graph.to_networkx()
        ...     list(graph.edges(keys=True)), graph.nodes[1]["label"]
        ([(1, 2, ('near', ''))], 'a')
        """
        nx = _networkx()
        graph = nx.MultiDiGraph()
        with self._session.reading() as line:
            connection = line.connection
            if tokens is None:
                rows: Any = connection.execute("select id, label, weight from token order by id").fetchall()
                edges = _edges(line, "", {}, types)
            else:
                ids = _ids(connection, tokens)
                sql = "select id, label, weight from token where id in (select value from carray(?)) order by id"
                rows = connection.execute(sql, (apsw.carray(ids),)).fetchall() if len(ids) else ()
                edges = _induced(line, ids, types)
            graph.add_nodes_from((id, {"label": label, "weight": weight}) for id, label, weight in rows)
        for edge in edges:
            graph.add_edge(
                edge.source,
                edge.target,
                key=(edge.type, edge.key),
                weight=edge.weight,
                bidirectional=edge.bidirectional,
                properties=edge.properties,
            )
        return graph

    def from_networkx(
        self, graph: networkx.Graph, *, nodes: Mapping[Hashable, TokenLike], type: str | int = "associated_with"
    ) -> int:
        """Create the edges of a networkx graph: all of them or none.

        Parameters
        ----------
        graph
            Any of networkx's four kinds. The edges of an undirected one become bidirectional.
        nodes
            Node → token. Create the tokens first: ``dict(zip(graph, db.tokens.create_many(labels=map(str, graph))))``.
        type
            For edges that have none. An edge's attribute ``type``, or a key (type, key) as `to_networkx` gives,
            comes first; the attributes ``weight``, ``bidirectional``, ``properties`` are taken over.

        Returns
        -------
        int
            How many edges were created.

        Raises
        ------
        InvalidValue
            A node of an edge has no token.
        RuleViolated
            The constitution refuses a weight, as one beyond [0, 1] unless it was changed.

        Examples
        --------
        >>> import neurograph, networkx
        >>> with neurograph.open(":memory:") as db:
        ...     graph = networkx.path_graph(3)
        ...     ids = db.tokens.create_many(count=3)
        ...     db.graph.from_networkx(graph, nodes=dict(zip(graph, ids.tolist())))
        2
        """
        undirected = not graph.is_directed()
        columns: list[list[Any]] = [[] for _ in range(7)]
        multi = graph.is_multigraph()
        for edge in graph.edges(keys=True, data=True) if multi else graph.edges(data=True):
            source, target, *key, attributes = edge
            for node in (source, target):
                if node not in nodes:
                    raise InvalidValue(f"nodes must name a token for every node, got none for {node!r}")
            kind, name = _type_and_key(key[0] if multi else None, attributes, type)
            row = (
                nodes[source],
                nodes[target],
                kind,
                name,
                attributes.get("weight", 1.0),
                attributes.get("bidirectional", undirected) and source != target,
                attributes.get("properties"),
            )
            for column, value in zip(columns, row, strict=True):
                column.append(value)
        with self._session.transaction():
            connection = self._session.writer.connection
            ends = [[existing_token_id(connection, token) for token in column] for column in columns[:2]]
            return self.create_many(
                *ends,
                type=columns[2],
                key=columns[3],
                weight=columns[4],
                bidirectional=columns[5],
                properties=columns[6],
            )


def _type_and_key(key: Any, attributes: Mapping[str, Any], default: str | int) -> tuple[str | int, str]:
    if isinstance(key, tuple) and len(key) == 2 and "type" not in attributes:
        return key[0], str(key[1])
    return attributes.get("type", default), "" if key in (None, 0) else str(key)


def _ids(connection: apsw.Connection, tokens: Any) -> Any:
    import numpy as np

    if hasattr(tokens, "dtype"):
        return np.unique(id_array(tokens, "tokens"))
    return np.unique(np.array([existing_token_id(connection, token) for token in tokens], np.int64))


def _induced(line: Line, ids: Any, types: TypesLike) -> list[Edge]:
    if not len(ids):
        return []
    among = "source in (select value from carray(:ids)) and target in (select value from carray(:ids))"
    return _edges(line, among, {"ids": apsw.carray(ids)}, types)


def _edges(line: Line, condition: str, bindings: dict[str, Any], types: TypesLike) -> list[Edge]:
    connection = line.connection
    codes = type_codes(connection, types)
    terms = [condition] if condition else []
    if codes is not None:
        terms.append(f"type in ({', '.join(map(str, codes))})")
    where = "where " + " and ".join(terms) if terms else ""
    rows: Any = connection.execute(
        f"select {_COLUMNS} from edge {where} order by source, type, target, key", bindings
    ).fetchall()
    names = {code: type_name(connection, code) for code in {row[2] for row in rows}}
    return [Edge(s, t, names[code], key, weight, bool(both), text) for s, t, code, key, weight, both, text in rows]


def _networkx() -> Any:
    try:
        import networkx
    except ImportError as error:
        raise NotHere('networkx must be installed; run pip install "neurograph[networkx]"') from error
    return networkx
