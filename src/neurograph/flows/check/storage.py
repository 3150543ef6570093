"""Invariants of storage: names, values, versions, what namespaces take, the changes that are kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apsw

from ...stores.named import is_utf8
from .invariant import Invariant, with_blobs

PLACE = "cast(namespace as blob), cast(key as blob)"


def _not_utf8(connection: apsw.Connection) -> Iterable[tuple[Any, ...]]:
    for table, columns in (("storage", "namespace key value"), ("storage_namespace", "namespace")):
        for column in columns.split():
            order = "namespace, key" if table == "storage" else "namespace"
            sql = f"select cast({column} as blob) from {table} order by {order}"
            for number, (text,) in enumerate(connection.execute(sql), 1):
                if not is_utf8(text):
                    yield f"{table}.{column}", f"row {number}"


STORAGE = (
    Invariant(
        "storage.name",
        with_blobs(
            f"""select {PLACE} from storage
                 where namespace = '' or key = '' or instr(namespace, char(0)) or instr(key, char(0))"""
        ),
        "a namespace and a key must have a character, and no NUL; delete the row",
    ),
    Invariant(
        "storage.text",
        _not_utf8,
        "names and values must be UTF-8; delete the row",
    ),
    Invariant(
        "storage.value",
        with_blobs(f"select {PLACE} from storage where not json_valid(value)"),
        "a value must be JSON; store another",
    ),
    Invariant(
        "storage.version",
        """select version from storage
            where not version between 1 and coalesce((select max(version) from storage_change), 0)
            union all
           select version from storage group by version having count(*) > 1""",
        "a version must be one of a kind and that of a change; store the value again",
    ),
    Invariant(
        "storage_namespace.counters",
        with_blobs("""
            with found (namespace, keys, bytes) as (
              select namespace, count(*), sum(length(cast(value as blob))) from storage group by namespace)
            select cast(namespace as blob) from found
             where namespace not in (select namespace from storage_namespace)
             union all
            select cast(n.namespace as blob)
              from storage_namespace as n
              left join found as f on f.namespace = n.namespace
             where (n.keys, n.bytes) is not (coalesce(f.keys, 0), coalesce(f.bytes, 0))"""),
        "keys and bytes must be those of the rows; insert or replace the row with its quota, and they are counted anew",
    ),
    Invariant(
        "storage_change.version",
        """select version from storage_change
            where version < (select max(version) from storage_change)
              and version + 1 not in (select version from storage_change)""",
        "versions of changes must have no gaps; delete the changes before the gap",
    ),
    Invariant(
        "storage_change.newest",
        """select s.version from storage as s
            where s.version >= (select min(version) from storage_change)
              and not exists (select 1 from storage_change as c
                where (c.version, c.namespace, c.key, c.deleted) = (s.version, s.namespace, s.key, 0))""",
        "the change of a version must be of the row that has it; store the value again",
    ),
)
