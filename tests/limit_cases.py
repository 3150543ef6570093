"""Every limit of the constitution with writes that break it, as plain SQL, for each path that can write the file.

Token 1 to 4 exist, and the edge 1 → 2 of type 80 with a connection, all within the limits of the profile `default`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

GROUND = """
insert into token (id, label, weight) values (1, 'a', 0.5), (2, 'b', 0.5), (3, 'c', 0.5), (4, 'd', 0.5);
insert into edge (source, target, weight) values (1, 2, 0.5);
insert into connection (id, source, target) values (1, 1, 2);
insert into connection_type (code, name, allowed) values (256, 'mine', 0), (257, 'ours', 1);
"""

VERBS = ("insert", "insert or replace", "insert or ignore", "insert or fail", "insert or rollback")
UPDATES = ("update", "update or replace", "update or ignore", "update or fail", "update or rollback")


@dataclass(frozen=True)
class Limit:
    """A rule, the fields that set it, and statements it refuses."""

    rule: str
    fields: dict[str, Any]
    refused: tuple[str, ...]
    ground: str = ""
    allowed: tuple[str, ...] = field(default=())
    """What must pass although the ground breaks the rule: it lowers the violation, or leaves it alone."""


def inserts(table: str, columns: str, *rows: str) -> tuple[str, ...]:
    return tuple(f"{verb} into {table} ({columns}) values {row}" for row in rows for verb in VERBS)


def updates(table: str, change: str, where: str) -> tuple[str, ...]:
    return tuple(f"{verb} {table} set {change} where {where}" for verb in UPDATES)


def token_value(column: str, limits: dict[str, Any], high: float, low: float) -> Limit:
    """Return the case of a number of a token that must be within two limits."""
    refused = [
        *inserts("token", column, f"({high})", f"({low})"),
        *inserts("token", f"id, {column}", f"(9, {low})"),
        f"insert or replace into token (id, {column}) values (2, {high})",
        f"insert or replace into token (label, {column}) values ('c', {high})",
        *updates("token", f"{column} = {high}", "id = 2"),
        *updates("token", f"{column} = {low}", "label = 'b'"),
        f"insert into token (id, label, {column}) values (2, 'b', 1) on conflict (id) do update set {column} = {high}",
        f"insert into token (label, {column}) values ('b', 1) on conflict (label) do update set {column} = {low}",
        f"insert into token ({column}) select {high} from token",
        f"insert into token (label, {column}) values ('x', 1), ('y', {high})",
        f"update token set {column} = {column} + {high}",
    ]
    allowed = (
        f"update token set {column} = {high} where id = 3",  # from {high} + 1
        f"update token set {column} = {low} where id = 4",  # from {low} - 1, or 0 where that is the least
        f"update token set {column} = {column} where id = 3",
        "update token set label = 'still here' where id = 3",
        "update token set label = 'here too', flags = 3 where id = 4",
        f"insert into token (id, {column}) values (3, 1) on conflict (id) do update set {column} = {high}",
    )
    ground = (
        f"update token set {column} = {high + 1} where id = 3;"
        f"update token set {column} = {max(low - 1, 0.0) if column == 'field_radius' else low - 1} where id = 4;"
    )
    return Limit(f"token.{column}", limits, tuple(refused), ground, allowed)


EDGE_WEIGHT = Limit(
    "edge.weight",
    {"min_edge_weight": 0.0, "max_edge_weight": 1.0},
    (
        *inserts("edge", "source, target, weight", "(1, 3, 1.5)", "(1, 3, -0.5)"),
        "insert or replace into edge (source, target, weight) values (1, 2, 1.5)",
        *updates("edge", "weight = 1.5", "source = 1"),
        *updates("edge", "weight = -0.5", "target = 2"),
        "insert into edge (source, target) values (1, 2) on conflict do update set weight = 2",
        "insert into edge (source, target, weight) select id, 1, 2 from token where id > 1",
    ),
    "insert into edge (source, target, weight) values (2, 3, 3), (3, 4, -3)",
    (
        "update edge set weight = 2 where source = 2",
        "update edge set weight = -2 where source = 3",
        "update edge set weight = weight",
        "update edge set properties = '{}'",
        "insert into edge (source, target) values (2, 3) on conflict do update set weight = 1.75",
    ),
)

DEGREES = (
    Limit(
        "edge.out_degree",
        {"max_out_degree": 1, "max_in_degree": 9, "max_total_degree": 9},
        (
            *inserts("edge", "source, target", "(1, 3)", "(1, 1)"),
            *inserts("edge", "source, target, type", "(1, 2, 3)"),
            *inserts("edge", "source, target, key", "(1, 2, 'again')"),
            *inserts("edge", "source, target, bidirectional", "(3, 1, 1)"),
            *updates("edge", "source = 1", "source = 3"),
            *updates("edge", "bidirectional = 1", "source = 3"),  # its target has an outgoing edge already
            "insert into edge (source, target) select 2, id from token where id > 2",
        ),
        "insert into edge (source, target) values (3, 4); insert into edge (source, target) values (4, 1), (4, 2)",
        (
            "update edge set weight = 0.25 where source = 4",
            "update edge set type = 3 where source = 4 and target = 1",
            "update edge set source = 2 where source = 4 and target = 1",
            "update edge set key = 'k' where source = 4",
            "delete from edge where source = 4 and target = 1",
        ),
    ),
    Limit(
        "edge.in_degree",
        {"max_out_degree": 9, "max_in_degree": 1, "max_total_degree": 9},
        (
            *inserts("edge", "source, target", "(3, 2)", "(2, 2)"),
            *inserts("edge", "source, target, type, bidirectional", "(2, 1, 5, 1)"),
            *updates("edge", "target = 2", "source = 3"),
            "insert into edge (source, target) select id, 1 from token where id > 1",
        ),
        "insert into edge (source, target) values (3, 4), (2, 3), (4, 3)",
        (
            "update edge set weight = 0.25 where target = 3",
            "update edge set type = 3 where target = 3",
            "update edge set target = 1 where source = 4 and target = 3",
        ),
    ),
    Limit(
        "edge.total_degree",
        {"max_out_degree": 9, "max_in_degree": 9, "max_total_degree": 1},
        (
            *inserts("edge", "source, target", "(1, 3)", "(3, 1)", "(2, 3)", "(3, 2)"),
            *updates("edge", "source = 1", "source = 3"),
            *updates("edge", "target = 2", "source = 3"),
        ),
        "insert into edge (source, target) values (3, 4)",
    ),
)

TYPES = Limit(
    "edge.type",
    {"allowed_types": "1" * 3 + "0" + "1" * 252},
    (
        *inserts("edge", "source, target, type", "(1, 3, 3)", "(1, 3, 256)"),
        *updates("edge", "type = 3", "source = 1"),
        *updates("edge", "type = 256", "source = 1"),
        *inserts("connection", "source, target, type", "(1, 3, 3)", "(1, 3, 256)"),
    ),
    "insert into edge (source, target, type) values (2, 3, 3), (3, 2, 256)",
    (
        "update edge set weight = 0.25",
        "update edge set target = 4 where type = 3",
        "update edge set bidirectional = 1 where type = 256",
        "update edge set type = 257 where type = 3",
        "delete from edge where type = 256",
    ),
)

CONNECTIONS = (
    Limit(
        "connection.weight",
        {"min_connection_weight": 0.25, "max_connection_weight": 0.75},
        (
            *inserts("connection", "source, target, type", "(2, 3, 80)", "(3, 2, 5)"),
            *updates("edge", "weight = 0.9", "source = 1"),
            *updates("edge", "weight = 0.1", "source = 1"),
            "insert into edge (source, target) values (1, 2) on conflict do update set weight = 0.9",
        ),
        "insert into edge (source, target, weight) values (2, 3, 0.9), (3, 4, 0.9), (4, 3, 0.1);"
        "insert into connection (id, source, target) values (2, 3, 4), (3, 4, 3)",
        (
            "update edge set weight = 0.8 where source = 3",
            "update edge set weight = 0.2 where source = 4",
            "update edge set weight = 0.95 where source = 2",  # no connection
            "update connection set confidence = 0.75",
            "update edge set target = 2 where source = 4",
        ),
    ),
    Limit(
        "connection.pull",
        {"min_pull": -2.0, "max_pull": 2.0},
        (
            *inserts("connection", "source, target, pull", "(1, 3, 2.5)", "(1, 3, -2.5)"),
            "insert or replace into connection (source, target, pull) values (1, 2, 2.5)",
            *updates("connection", "pull = 2.5", "id = 1"),
            *updates("connection", "pull = -2.5", "source = 1"),
            "insert into connection (source, target) values (1, 2) on conflict do update set pull = 3",
        ),
        "insert into connection (id, source, target, pull) values (2, 2, 3, 5), (3, 3, 2, -5)",
        (
            "update connection set pull = 4 where id = 2",
            "update connection set pull = -4 where id = 3",
            "update connection set rigidity = 0.25",
        ),
    ),
    Limit(
        "connection.rigidity",
        {"min_rigidity": 0.25, "max_rigidity": 0.75},
        (
            *inserts("connection", "source, target, rigidity", "(1, 3, 0.9)", "(1, 3, 0.1)"),
            "insert or replace into connection (id, source, target, rigidity) values (1, 1, 2, 0.9)",
            *updates("connection", "rigidity = 0.9", "id = 1"),
            *updates("connection", "rigidity = 0.1", "id = 1"),
        ),
        "insert into connection (id, source, target, rigidity) values (2, 2, 3, 1), (3, 3, 2, 0)",
        (
            "update connection set rigidity = 0.8 where id = 2",
            "update connection set rigidity = 0.2 where id = 3",
            "update connection set pull = 1",
        ),
    ),
)

LIMITS: tuple[Limit, ...] = (
    token_value("weight", {"min_token_weight": 0.0, "max_token_weight": 1.0}, 1.5, -0.5),
    token_value("field_radius", {"min_field_radius": 0.5, "max_field_radius": 2.0}, 2.5, 0.25),
    token_value("field_strength", {"min_field_strength": 0.0, "max_field_strength": 1.0}, 1.5, -0.5),
    EDGE_WEIGHT,
    *DEGREES,
    TYPES,
    *CONNECTIONS,
)
