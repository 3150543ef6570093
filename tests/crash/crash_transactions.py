"""Numbered transactions that span the tables, and what a file must hold after the n-th: the naive version of recovery.

Transaction n makes a type, a domain, two tokens, an edge and a connection between them, a version of the constitution,
and a connection type; it changes a token of the one before and deletes a token of the third before, whose edge and
connection go with it.
"""

from __future__ import annotations

from typing import Any

import neurograph

KEPT = 3  # transactions whose left token is still there


def last(db: neurograph.Database) -> int:
    """Return the number of the last transaction in the file, as the vocabulary tells it."""
    return len(db.entity_types.list(own=True))


def commit(db: neurograph.Database, n: int) -> None:
    """Commit transaction n."""
    with db.transaction():
        kind = db.entity_types.create(f"kind-{n}")
        db.domains.create(f"area-{n}")
        meaning = db.connection_types.create(f"means-{n}")
        left = db.tokens.create(f"left-{n}", entity_type=kind, coordinates={"physical": (n, 0.5, -n)})
        right = db.tokens.create(f"right-{n}", domain=f"area-{n}", properties={"n": n})
        db.graph.create(left, right, properties={"n": n})
        db.connections.create(right, left, type=meaning, origin=n)
        db.cdna.update(max_out_degree=1000 + n, reason=f"transaction {n}")
        if n > 1:
            db.tokens.update(f"right-{n - 1}", weight=1.0)
        if n > KEPT:
            db.tokens.delete(f"left-{n - KEPT}")


def state(db: neurograph.Database) -> dict[str, Any]:
    """Return what the file holds of such transactions."""
    statements = {
        "types": "select name from entity_type where code > 255 order by code",
        "domains": "select name from domain where code > 255 order by code",
        "meanings": "select name from connection_type where code > 255 order by code",
        "tokens": """
            select t.label, e.name, d.name, t.weight, t.physical_x, t.properties ->> 'n'
              from token as t join entity_type as e on e.code = t.entity_type join domain as d on d.code = t.domain
             where t.label is not null
             order by t.id""",
        "edges": """
            select s.label, t.label, y.name, e.properties ->> 'n'
              from edge as e
              join token as s on s.id = e.source
              join token as t on t.id = e.target
              join connection_type as y on y.code = e.type
             order by s.id""",
        "connections": """
            select s.label, t.label, y.name, c.origin
              from connection as c
              join token as s on s.id = c.source
              join token as t on t.id = c.target
              join connection_type as y on y.code = c.type
             order by c.id""",
        "constitution": "select max_out_degree, reason from cdna where version > 1 order by version",
    }
    with db.snapshot():
        return {name: db.execute(sql).fetchall() for name, sql in statements.items()}


def expected(n: int) -> dict[str, Any]:
    """Return what the file must hold after transaction n."""
    numbers = range(1, n + 1)
    kept = range(max(1, n - KEPT + 1), n + 1)
    tokens: list[tuple[Any, ...]] = []
    edges: list[tuple[Any, ...]] = []
    for k in numbers:
        if k in kept:
            tokens.append((f"left-{k}", f"kind-{k}", "general", 0.5, float(k), None))
            edges += [
                (f"left-{k}", f"right-{k}", "associated_with", k),
                (f"right-{k}", f"left-{k}", f"means-{k}", None),
            ]
        tokens.append((f"right-{k}", "undefined", f"area-{k}", 1.0 if k < n else 0.5, None, k))
    return {
        "types": [(f"kind-{k}",) for k in numbers],
        "domains": [(f"area-{k}",) for k in numbers],
        "meanings": [(f"means-{k}",) for k in numbers],
        "tokens": tokens,
        "edges": edges,
        "connections": [(f"right-{k}", f"left-{k}", f"means-{k}", k) for k in kept],
        "constitution": [(1000 + k, f"transaction {k}") for k in numbers],
    }
