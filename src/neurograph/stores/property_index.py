"""Indexes on JSON properties: ordinary expression indexes, which every SQLite keeps up. Not a store.

1. An index on ``$.year`` of `token` is on ``json_extract(properties, '$.year')``, nothing else: a query uses it where
   it writes the same expression. The JSON of `item` is in `metadata`.
2. Its name starts with ``user_``: ours never do, and a migration leaves it alone.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..connection.session import Session
from ..errors import Conflict, InvalidValue
from ..model.names import unknown_name

COLUMNS = {"token": "properties", "edge": "properties", "item": "metadata"}
"""The column of each table that holds JSON."""

_STEP = r"""\.[A-Za-z_]\w*|\."[^"'\x00]+"|\[\d+\]"""
_PATH = rf"\$(?:{_STEP})+"  # patterns are compiled when they are needed: 0.4 ms each
_NAME = r"[A-Za-z_]\w*"
_SQL = r"json_extract\((?:properties|metadata), '(?P<path>[^']+)'\)"


class PropertyIndex(NamedTuple):
    """An index on one property."""

    name: str
    """What `Database.drop_index` takes."""
    table: str
    """``"token"``, ``"edge"`` or ``"item"``."""
    path: str
    """The property, as a JSON path."""
    unique: bool
    """True where no two rows may have the same value."""


def create(session: Session, table: str, path: str, unique: bool, name: str | None) -> str:
    """Create an index on a property, unless it is there, and return its name."""
    if table not in COLUMNS:
        raise unknown_name("table", table, COLUMNS)
    if not isinstance(path, str) or not re.fullmatch(_PATH, path):
        raise InvalidValue(f"path must be a JSON path like '$.year' or '$.author.name', got {path!r}")
    if name is None:
        name = f"user_{table}_{re.sub(r'[^A-Za-z0-9]+', '_', path[1:]).strip('_')}"
    elif not isinstance(name, str) or not re.fullmatch(_NAME, name) or not name.startswith("user_"):
        raise InvalidValue(f"name must be a word that starts with 'user_', got {name!r}")
    wanted = PropertyIndex(name, table, path, bool(unique))
    with session.transaction():
        there = {index.name: index for index in list_indexes(session)}
        if there.get(name) == wanted:
            return name
        taken = session.rows("select type from sqlite_schema where lower(name) = lower(?)", (name,))
        if taken:
            raise Conflict(f"name must be unique, got {name!r}, which another {taken[0][0]} has; pass name='user_…'")
        try:
            session.change(
                f"create {'unique ' if unique else ''}index {name} on {table} "
                f"(json_extract({COLUMNS[table]}, '{path}'))"
            )
        except Conflict as error:
            raise Conflict(f"{path} must differ in every row for a unique index; two rows share a value") from error
    return name


def list_indexes(session: Session) -> list[PropertyIndex]:
    """Return the indexes on properties, by name."""
    rows = session.rows(
        """select name, tbl_name, sql
             from sqlite_schema
            where type = 'index' and name glob 'user_*' and sql is not null
            order by name"""
    )
    found = []
    for name, table, sql in rows:
        match = re.search(_SQL, sql)
        if table in COLUMNS and match:
            found.append(PropertyIndex(name, table, match["path"], sql.lower().startswith("create unique")))
    return found


def drop(session: Session, name: str) -> None:
    """Drop an index on a property."""
    with session.transaction():
        names = [index.name for index in list_indexes(session)]
        if name not in names:
            raise unknown_name("index", name, names)
        session.change(f"drop index {name}")
