"""Invariants of tokens and vocabularies."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import apsw

from ...model.levels import LEVELS
from ...model.vocabulary import CONNECTION_FAMILIES, DOMAINS, ENTITY_TYPES
from .invariant import Invariant, not_utf8

FINITE = "not abs({0}) <= 1.7976931348623157e308"


def _reserved(
    table: str, columns: str, expected: list[tuple[Any, ...]], connection: apsw.Connection
) -> Iterable[tuple[Any, ...]]:
    rows: Any = connection.execute(f"select {columns} from {table} where code < 256").fetchall()
    return sorted(set(rows) ^ set(expected))


def _level(level: str) -> Invariant:
    x, y, z = (f"{level}_{axis}" for axis in "xyz")
    return Invariant(
        f"token.{level}",
        f"""select id
              from token
             where ({x} is null) + ({y} is null) + ({z} is null) not in (0, 3)
                or {" or ".join(FINITE.format(axis) for axis in (x, y, z))}""",
        f"{level} must have three finite axes or none; set all three, or none",
    )


_TYPES = [
    (code, name, family, mutability)
    for code, (name, family, mutability) in enumerate(
        (name, family, mutability) for family, mutability, names in CONNECTION_FAMILIES for name in names
    )
]

TOKENS = (
    Invariant("token.id", "select id from token where id < 1", "an id must be at least 1; create the token anew"),
    Invariant(
        "token.sequence",
        """select max(id) as id from token
           having max(id) > coalesce((select seq from sqlite_sequence where name = 'token'), 0)""",
        "ids must never be reused; set sqlite_sequence to the largest id",
    ),
    Invariant("token.uid", "select id from token where length(uid) is not 16", "a uid must have 16 bytes"),
    Invariant(
        "token.uid_unique",
        "select min(id) as id, count(*) as times from token group by uid having count(*) > 1",
        "a uid must be unique; give the copy a new one with randomblob(16)",
    ),
    Invariant("token.label", "select id from token where label = ''", "a label must not be empty; use NULL"),
    Invariant(
        "token.utf8",
        partial(not_utf8, "token", ("label", "properties")),
        "a label and properties must be UTF-8; set them anew",
    ),
    Invariant(
        "token.entity_type",
        "select id, entity_type from token where entity_type not in (select code from entity_type)",
        "entity_type must be a code of the table entity_type",
    ),
    Invariant(
        "token.domain",
        "select id, domain from token where domain not in (select code from domain)",
        "domain must be a code of the table domain",
    ),
    Invariant("token.flags", "select id from token where flags not between 0 and 65535", "flags must have 16 bits"),
    Invariant(
        "token.field",
        f"""select id
              from token
             where field_radius < 0
                or {" or ".join(FINITE.format(c) for c in ("weight", "field_radius", "field_strength"))}""",
        "weight and field must be finite, and the radius at least 0",
    ),
    Invariant(
        "token.properties",
        """select id from token
            where properties is not null and not (json_valid(properties) and json_type(properties) = 'object')""",
        "properties must be a JSON object or NULL",
    ),
    Invariant(
        "token.times",
        "select id from token where modified_ns < created_ns",
        "a token must not be modified before it was created; set modified_ns",
    ),
    *map(_level, LEVELS),
    Invariant(
        "entity_type.reserved",
        partial(_reserved, "entity_type", "code, name", list(enumerate(ENTITY_TYPES))),
        "the reserved entity types must be as created",
    ),
    Invariant(
        "domain.reserved",
        partial(_reserved, "domain", "code, name", list(enumerate(DOMAINS))),
        "the reserved domains must be as created",
    ),
    Invariant(
        "connection_type.reserved",
        partial(_reserved, "connection_type", "code, name, family, mutability", _TYPES),
        "the reserved connection types must be as created",
    ),
)
