"""Random minds for tests of the graph, and the tables they are compared by."""

from __future__ import annotations

import random

import neurograph

TABLES = {
    "edge": "select * from edge order by source, type, target, key",
    "degree": "select * from degree order by token_id",
    "mark": "select subject, chunk from mark order by subject, chunk",
    "connection": "select * from connection",
    "displaced_edge": "select * from displaced_edge",
}


def random_mind(seed: int, tokens: int, edges: int, engine: str = "auto") -> neurograph.Database:
    """Return a mind in memory with a random multigraph: loops, parallel and bidirectional edges, gaps in the ids."""
    rng = random.Random(seed)
    db = neurograph.open(":memory:", engine=engine)
    ids = rng.sample(range(1, 40 * tokens), tokens)
    db.executemany("insert into token (id) values (?)", [(id,) for id in ids])
    rows = [
        (rng.choice(ids), rng.choice((1, 2, 80)), rng.choice(ids), rng.choice(("", "a")), rng.choice((0.1, 0.5, 1.0)))
        for _ in range(edges)
    ]
    with db.transaction():
        for source, kind, target, key, weight in rows:
            both = source != target and rng.random() < 0.2
            try:
                db.execute(
                    """insert into edge (source, type, target, key, weight, bidirectional)
                       values (?, ?, ?, ?, ?, ?) on conflict do nothing""",
                    (source, kind, target, key, weight, both),
                )
            except neurograph.NeurographError as error:
                assert "coexist" in str(error)  # noqa: PT017
    return db
