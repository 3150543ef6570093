"""Invariants of the constitution, and rows beyond the limits in force.

A row that an older constitution allowed stays when the limits get narrower; it is listed here. While `validation` is
off, nothing is beyond the limits.
"""

from __future__ import annotations

from .invariant import Invariant

_REMEDY = "bring it within the limits, or widen them with db.cdna.update"


def _between(table: str, rows: str, column: str) -> Invariant:
    return Invariant(
        f"limits.{table}_{column}",
        f"""select {rows}, t.{column}
              from {table} as t, cdna_current as c
             where c.validation and not t.{column} between c.min_{{0}} and c.max_{{0}}""".format(
            f"{table}_{column}" if column == "weight" else column
        ),
        f"{column} must be within the constitution's limits; {_REMEDY}",
    )


def _degree(column: str, limit: str) -> Invariant:
    return Invariant(
        f"limits.{limit}",
        f"""select d.token_id, d.{column}
              from degree as d, cdna_current as c
             where c.validation and d.{column} > c.max_{limit}""",
        f"a token must not have more edges than the constitution allows; delete some, or {_REMEDY.partition('or ')[2]}",
    )


RULES = (
    Invariant(
        "cdna.in_force",
        "select 'no version' as version where not exists (select 1 from cdna_current)",
        "a constitution must be in force; restore the file from a copy",
    ),
    Invariant(
        "cdna.versions",
        """select version from cdna
            where version > 1 and version - 1 not in (select version from cdna) or version < 1""",
        "versions must be numbered from 1 without gaps; restore the file from a copy",
    ),
    Invariant(
        "cdna.parent",
        """select version, parent from cdna
            where parent is not null and (parent >= version or parent not in (select version from cdna))""",
        "a version's parent must be an older version",
    ),
    Invariant(
        "cdna.allowed_types",
        """select version from cdna
            where length(allowed_types) <> 256 or allowed_types glob '*[^01]*'""",
        "allowed_types must be 256 characters 0 or 1",
    ),
    Invariant(
        "cdna.ranges",
        """select version from cdna
            where min_token_weight > max_token_weight or min_field_radius > max_field_radius
               or min_field_strength > max_field_strength or min_edge_weight > max_edge_weight
               or min_connection_weight > max_connection_weight or min_rigidity > max_rigidity
               or min_pull > max_pull""",
        "a least value must not be larger than the largest",
    ),
    Invariant(
        "cdna.profiles",
        """select column1 as name
             from (values ('default'), ('explorer'), ('analyzer'), ('creative'), ('quarantine'), ('custom'))
            where column1 not in (select name from cdna_profile)""",
        "the six profiles must exist; restore the file from a copy",
    ),
    _between("token", "t.id", "weight"),
    _between("token", "t.id", "field_radius"),
    _between("token", "t.id", "field_strength"),
    _between("edge", "t.source, t.type, t.target, t.key", "weight"),
    Invariant(
        "limits.edge_type",
        """select e.source, e.type, e.target, e.key
             from edge as e, cdna_current as c
            where c.validation
              and (e.type < 256 and substr(c.allowed_types, e.type + 1, 1) <> '1'
                or e.type > 255 and not (select allowed from connection_type where code = e.type))""",
        f"type must be one the constitution allows; {_REMEDY}",
    ),
    _degree("outgoing", "out_degree"),
    _degree("incoming", "in_degree"),
    _degree("total", "total_degree"),
    _between("connection", "t.id", "pull"),
    _between("connection", "t.id", "rigidity"),
    Invariant(
        "limits.connection_weight",
        """select t.id, e.weight
             from connection as t
             join edge as e on (e.source, e.type, e.target, e.key) = (t.source, t.type, t.target, t.key)
             join cdna_current as c
            where c.validation and not e.weight between c.min_connection_weight and c.max_connection_weight""",
        f"weight must be within the constitution's limits; {_REMEDY}",
    ),
)
