"""Invariants of the file itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import apsw

from ... import migrate
from ...connection.location import APPLICATION_ID
from .invariant import Invariant

RESTORE = "restore the file from a copy"


def _integrity(connection: apsw.Connection) -> Iterable[tuple[Any, ...]]:
    rows: Any = connection.execute("pragma integrity_check(20)").fetchall()
    if rows == [("ok",)]:
        return []
    indexes: Any = connection.execute("select 'text_' || library_id from text_index").fetchall()
    texts = {name for (name,) in indexes}  # `texts.py` says what helps there
    return [(said,) for (said,) in rows if "fts5" not in said.lower() or texts.isdisjoint(re.findall(r"\w+", said))]


def _foreign_keys(connection: apsw.Connection) -> Iterable[tuple[Any, ...]]:
    return connection.execute("pragma foreign_key_check").fetchall()


def _stamp(connection: apsw.Connection) -> Iterable[tuple[Any, ...]]:
    found = connection.pragma("application_id"), connection.pragma("user_version")
    return [] if found == (APPLICATION_ID, migrate.newest_schema()) else [found]


def _migrations(connection: apsw.Connection) -> Iterable[tuple[Any, ...]]:
    rows: Any = connection.execute("select number, name, sha256 from migration order by number").fetchall()
    ours = [(m.number, m.name, m.sha256) for m in migrate.migrations()]
    return sorted(set(rows) ^ set(ours))


def _objects(connection: apsw.Connection) -> Iterable[tuple[Any, ...]]:
    return [(name,) for name in migrate.changed_objects(connection)]


FILE = (
    Invariant("file.integrity", _integrity, f"SQLite must find its pages sound; {RESTORE}"),
    Invariant("file.objects", _objects, f"tables, indexes, views and triggers must be as created; {RESTORE}"),
    Invariant("file.foreign_keys", _foreign_keys, "every reference must name a row; delete the row that dangles"),
    Invariant("file.stamp", _stamp, "application_id and user_version must be set; open the file once for writing"),
    Invariant("file.migrations", _migrations, f"the migrations applied must be this package's; {RESTORE}"),
    Invariant(
        "meta.facts",
        """select column1 as name
             from (values ('application_id'), ('schema'), ('schema_sum'), ('created_ns'),
                          ('token_record_scale_temporal_z'))
            where column1 not in (select name from meta)""",
        f"meta must hold the facts of the format; {RESTORE}",
    ),
    Invariant(
        "meta.schema",
        "select value from meta where name = 'schema' and value is not (select max(number) from migration)",
        f"meta must hold the number of the newest migration; {RESTORE}",
    ),
)
