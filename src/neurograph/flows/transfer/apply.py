"""Batches of rows as tokens and edges."""

from __future__ import annotations

import json
from itertools import count, groupby
from typing import TYPE_CHECKING, Any

from ...stores.arguments import code_of, label_ids

if TYPE_CHECKING:
    from ...database import Database

_EXISTS = "select 1 from edge where source = ? and type = ? and target = ? and key = ?"
_VOCABULARIES = {"entity_type": "entity_type", "domain": "domain"}


def apply_tokens(db: Database, rows: list[dict[str, Any]], on_conflict: str) -> int:
    """Insert or update tokens, and return how many."""
    codes: dict[tuple[str, Any], int] = {}
    connection = db._session.writer.connection
    written = 0
    for row in rows:
        for column, table in _VOCABULARIES.items():
            if column in row:
                key = (table, row[column])
                if key not in codes:
                    codes[key] = code_of(connection, table, row[column])
                row[column] = codes[key]
        if "properties" in row:
            row["properties"] = json.dumps(row["properties"], ensure_ascii=False, allow_nan=False)
    for columns, group in groupby(rows, key=_names):
        values = [tuple(row.values()) for row in group]
        written += _insert(db, columns, values, on_conflict)
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
    return sum(1 for _ in connection.executemany(f"insert into token {target} {policy} returning 1", values))


def apply_edges(db: Database, rows: list[dict[str, Any]], on_conflict: str) -> int:
    """Insert or update edges, and return how many."""
    if on_conflict == "number":
        _number(db, rows)
    return db.graph.create_many(
        [row["source"] for row in rows],
        [row["target"] for row in rows],
        type=[row.get("type", "associated_with") for row in rows],
        key=[row.get("key", "") for row in rows],
        weight=[row.get("weight", 1.0) for row in rows],
        bidirectional=[row.get("bidirectional", 0) for row in rows],
        properties=[row.get("properties") for row in rows],
        on_conflict={"skip": "ignore", "number": "error"}.get(on_conflict, on_conflict),
    )


def _number(db: Database, rows: list[dict[str, Any]]) -> None:
    """Give an edge that exists already, or stands twice among `rows`, the next free key: "k", "k#2" and so on."""
    connection = db._session.writer.connection
    ids: dict[str, int] = {}
    for end in ("source", "target"):
        labels = [row[end] for row in rows if isinstance(row[end], str)]
        ids.update(zip(labels, label_ids(connection, labels).tolist(), strict=True))
    codes: dict[Any, int] = {}
    taken: set[tuple[Any, ...]] = set()
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
        row["key"] = named
