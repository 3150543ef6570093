"""Batches of rows as tokens and edges.

Rows are left as they are: a batch that is refused is applied again, row by row.
"""

from __future__ import annotations

import json
from itertools import count, groupby
from typing import TYPE_CHECKING, Any

from ...errors import Conflict, RuleViolated, UnknownName
from ...model.levels import LEVELS
from ...stores.arguments import code_of, label_ids, with_value
from ...stores.event_triggers import one_event

if TYPE_CHECKING:
    from ...database import Database

_EXISTS = "select 1 from edge where source = ? and type = ? and target = ? and key = ?"
_VOCABULARIES = {"entity_type": "entity_type", "domain": "domain"}


def apply_tokens(db: Database, rows: list[dict[str, Any]], on_conflict: str) -> int:
    """Insert or update tokens, and return how many."""
    codes: dict[tuple[str, Any], int] = {}
    connection = db._session.writer.connection
    written = 0
    ours = []
    for row in rows:
        values = dict(row)
        for column, table in _VOCABULARIES.items():
            if column in row:
                key = (table, row[column])
                if key not in codes:
                    codes[key] = code_of(connection, table, row[column])
                values[column] = codes[key]
        if "properties" in row:
            values["properties"] = json.dumps(row["properties"], ensure_ascii=False, allow_nan=False)
        ours.append(values)
    for columns, group in groupby(ours, key=_names):
        written += _insert(db, columns, [tuple(row.values()) for row in group], on_conflict)
    return written


def _names(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(row)


def _insert(db: Database, columns: tuple[str, ...], values: list[tuple[Any, ...]], on_conflict: str) -> int:
    names = ", ".join(columns)
    target = f"({names}) values ({', '.join('?' * len(columns))})" if columns else "default values"
    policy = ""
    if on_conflict == "skip":
        policy = "on conflict do nothing" if columns else ""
    elif on_conflict == "update" and columns:
        sets = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in ("id", "label"))
        change = f"do update set {sets}" if sets else "do nothing"
        key = "label" if "label" in columns else "id"
        policy = f"on conflict ({key}) {change}" if key in columns else ""
    connection = db._session.writer.connection
    sql = f"insert into token {target} {policy} returning id"
    if "do update" in policy:  # what is new and what was changed are told apart row by row
        return len(connection.executemany(sql, values).fetchall())
    with one_event(connection, "token.created") as created:
        rows: Any = connection.executemany(sql, values).fetchall()
        ids = [id for (id,) in rows]
        if ids:
            created.add_range(min(ids), max(ids), len(ids))
    return len(ids)


def apply_edges(db: Database, rows: list[dict[str, Any]], on_conflict: str) -> int:
    """Insert or update edges, and return how many."""
    keys = _numbered(db, rows) if on_conflict == "number" else [row.get("key", "") for row in rows]
    return db.graph.create_many(
        [row["source"] for row in rows],
        [row["target"] for row in rows],
        type=[row.get("type", "associated_with") for row in rows],
        key=keys,
        weight=[row.get("weight", 1.0) for row in rows],
        bidirectional=[row.get("bidirectional", 0) for row in rows],
        properties=[row.get("properties") for row in rows],
        on_conflict={"skip": "ignore", "number": "error"}.get(on_conflict, on_conflict),
    )


def _numbered(db: Database, rows: list[dict[str, Any]]) -> list[str]:
    """Return keys where an edge that exists already, or stands twice, has the next free one: "k", "k#2" and so on."""
    connection = db._session.writer.connection
    ids: dict[str, int] = {}
    for end in ("source", "target"):
        labels = [row[end] for row in rows if isinstance(row[end], str)]
        ids.update(zip(labels, label_ids(connection, labels).tolist(), strict=True))
    codes: dict[Any, int] = {}
    taken: set[tuple[Any, ...]] = set()
    keys = []
    for row in rows:
        kind = row.get("type", "associated_with")
        if kind not in codes:
            codes[kind] = code_of(connection, "connection_type", kind)
        key = row.get("key", "")
        for number in count(1):
            named = key if number == 1 else f"{key}#{number}"
            edge = (ids.get(row["source"], row["source"]), codes[kind], ids.get(row["target"], row["target"]), named)
            if edge not in taken and not connection.execute(_EXISTS, edge).fetchone():
                break
        taken.add(edge)
        keys.append(named)
    return keys


def refused(error: Exception, row: dict[str, Any]) -> str:
    """Say why a row was refused, with the value and the option that would let it pass."""
    said = str(error).removesuffix(" at index 0")
    if "source" in row:
        if isinstance(error, Conflict):
            kind, key = row.get("type", "associated_with"), row.get("key", "")
            return (
                f"an edge {row['source']!r} → {row['target']!r} of type {kind!r} and key {key!r} exists already; "
                'pass on_conflict="skip", "update" or "number" (ngdb import --on-conflict)'
            )
        if isinstance(error, UnknownName):
            return f"{said}; types= (ngdb import --type) says what the words of a file mean"
        return said
    if isinstance(error, Conflict):
        column = said.partition(" ")[0].removeprefix("token.")
        ways = '"skip" or "update"' if column == "label" else '"skip"'
        return f"{column} must be unique, got {row.get(column)!r}; pass on_conflict={ways} (ngdb import --on-conflict)"
    level = said.removeprefix("CHECK constraint failed: ")
    if level in LEVELS:
        place = [row.get(f"{level}_{axis}") for axis in "xyz"]
        return f"{level} must have three finite numbers x, y, z or none of them, got {place!r}"
    return str(with_value(error, row)) if isinstance(error, RuleViolated) else said
