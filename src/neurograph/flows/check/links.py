"""Invariants of edges, of the counters kept about them, and of connections."""

from __future__ import annotations

from .invariant import Invariant

_KEY = "source, type, target, key"
_COUNTED = """
    with seen (token_id, outgoing, incoming, total) as (
      select source, 1, bidirectional or source = target, 1 from edge
      union all
      select target, bidirectional, 1, 1 from edge where source <> target),
    counted (token_id, outgoing, incoming, total) as (
      select token_id, sum(outgoing), sum(incoming), sum(total) from seen group by token_id)
    select coalesce(counted.token_id, degree.token_id) as token_id, degree.{0} as kept, counted.{0} as counted
      from counted full join degree on degree.token_id = counted.token_id
     where degree.{0} is not counted.{0}"""


def _counter(column: str) -> Invariant:
    return Invariant(
        f"degree.{column}",
        _COUNTED.format(column),
        f"{column} must equal the number of edges; delete and insert the token's edges again",
    )


def _end(column: str) -> Invariant:
    return Invariant(
        f"edge.{column}",
        f"select {_KEY} from edge where {column} not in (select id from token)",
        f"{column} must be the id of a token; delete the edge",
    )


LINKS = (
    _end("source"),
    _end("target"),
    Invariant(
        "edge.type",
        f"select {_KEY} from edge where type not in (select code from connection_type)",
        "type must be a code of the table connection_type",
    ),
    Invariant(
        "edge.weight",
        f"select {_KEY}, weight from edge where not abs(weight) <= 1.7976931348623157e308",
        "a weight must be finite",
    ),
    Invariant(
        "edge.bidirectional",
        f"select {_KEY} from edge where bidirectional not in (0, 1)",
        "bidirectional must be 0 or 1",
    ),
    Invariant(
        "edge.reverse",
        """select a.source, a.type, a.target, a.key
             from edge as a
             join edge as b on (b.source, b.type, b.target, b.key) = (a.target, a.type, a.source, a.key)
            where a.bidirectional and a.source <> a.target""",
        "a bidirectional edge and its reverse must not coexist; delete the reverse",
    ),
    Invariant(
        "edge.properties",
        f"""select {_KEY} from edge
             where properties is not null and not (json_valid(properties) and json_type(properties) = 'object')""",
        "properties must be a JSON object or NULL",
    ),
    _counter("outgoing"),
    _counter("incoming"),
    _counter("total"),
    Invariant(
        "connection.edge",
        f"select id from connection where ({_KEY}) not in (select {_KEY} from edge)",
        "a connection must extend an edge; delete the connection, or insert the edge",
    ),
    Invariant(
        "connection.loop",
        "select id from connection where source = target",
        "the ends of a connection must differ; delete it",
    ),
    Invariant("connection.id", "select id from connection where id < 1", "an id must be at least 1"),
    Invariant(
        "connection.sequence",
        """select max(id) as id from connection
           having max(id) > coalesce((select seq from sqlite_sequence where name = 'connection'), 0)""",
        "ids must never be reused; set sqlite_sequence to the largest id",
    ),
    Invariant(
        "connection.fractions",
        """select id from connection
            where not (rigidity between 0 and 1 and confidence between 0 and 1
                   and learning_rate between 0 and 1 and decay_rate between 0 and 1)""",
        "rigidity, confidence and rates must be in [0, 1]",
    ),
    Invariant(
        "connection.distance",
        "select id from connection where not preferred_distance between 0.01 and 100",
        "preferred_distance must be in [0.01, 100]",
    ),
    Invariant(
        "connection.counts",
        "select id from connection where activation_count < 0 or evidence_count < 0",
        "counts must be at least 0",
    ),
    Invariant(
        "connection.mutability",
        "select id from connection where mutability not in (0, 1, 2)",
        "mutability must be 0 (immutable), 1 (learnable) or 2 (hypothesis)",
    ),
    Invariant(
        "connection.certainty",
        "select id, confidence from connection where mutability = 0 and confidence <> 1.0",
        "the confidence of an immutable connection must be 1; set it, or give it another mutability",
    ),
    Invariant(
        "connection.direction",
        """select c.id
             from connection as c
             join edge as e on (e.source, e.type, e.target, e.key) = (c.source, c.type, c.target, c.key)
            where (c.flags & 4) <> e.bidirectional * 4""",
        "the flag bidirectional (4) must say what the edge says; set it",
    ),
    Invariant(
        "connection.finite",
        """select id from connection
            where not (abs(pull) <= 1.7976931348623157e308
                   and max(abs(aim_physical), abs(aim_sensory), abs(aim_motor), abs(aim_emotional), abs(aim_cognitive),
                           abs(aim_social), abs(aim_temporal), abs(aim_abstract)) <= 1.7976931348623157e308)""",
        "pull and aims must be finite",
    ),
)
