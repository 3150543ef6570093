"""Indexes on JSON properties: ordinary expression indexes, which every SQLite keeps up. Not a store.

1. An index on ``$.year`` of `token` is on ``json_extract(properties, '$.year')``, nothing else: a query uses it where
   it writes the same expression.
2. Its name starts with ``user_``: ours never do, and a migration leaves it alone.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..connection.session import Session
from ..errors import Conflict, InvalidValue
from ..model.names import unknown_name

TABLES = ("token", "edge")
_STEP = r"""\.[A-Za-z_]\w*|\."[^"'\x00]+"|\[\d+\]"""
_PATH = rf"\$(?:{_STEP})+"  # patterns are compiled when they are needed: 0.4 ms each
_NAME = r"[A-Za-z_]\w*"
_SQL = r"json_extract\(properties, '(?P<path>[^']+)'\)"


class PropertyIndex(NamedTuple):
    """An index on one property."""

    name: str
    """What `Database.drop_index` takes."""
    table: str
    """``"token"`` or ``"edge"``."""
    path: str
    """The property, as a JSON path."""
    unique: bool
    """True where no two rows may have the same value."""


class PropertyIndexes:
    """The part of a `Database` that makes indexes on JSON properties."""

    _session: Session

    def index(self, table: str, path: str, *, unique: bool = False, name: str | None = None) -> str:
        """Create an index on a JSON property, unless it is there, and return its name.

        Parameters
        ----------
        table
            ``"token"`` or ``"edge"``.
        path
            The property as a JSON path: ``"$.year"``, ``"$.author.name"``, ``"$.tags[0]"``.
        unique
            Refuse two rows with the same value; rows without the property don't count.
        name
            A name that starts with ``user_``; by default one made of table and path.

        Returns
        -------
        str
            The index's name.

        Raises
        ------
        UnknownName
            No such table.
        InvalidValue
            `path` is no JSON path, or `name` no name.
        Conflict
            The name is another index's, or rows share a value that `unique` forbids.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.index("token", "$.year")
        ...     _ = db.tokens.create("Alien", properties={"year": 1979})
        ...     db.tokens.list(where=("json_extract(properties, '$.year') = ?", [1979]))[0].label
        'user_token_year'
        'Alien'

        Notes
        -----
        SQLite uses it where a query writes ``json_extract(properties, '$.year')``, letter for letter. It grows with
        the number of rows, and each write to `properties` keeps it up.
        """
        return _create(self._session, table, path, unique, name)

    def indexes(self) -> list[PropertyIndex]:
        """Return the indexes on JSON properties, by name: (name, table, path, unique) each.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     _ = db.index("token", "$.isbn", unique=True)
        ...     db.indexes()
        [PropertyIndex(name='user_token_isbn', table='token', path='$.isbn', unique=True)]
        """
        return _list(self._session)

    def drop_index(self, name: str) -> None:
        """Drop an index on a JSON property.

        Parameters
        ----------
        name
            As `index` returned it.

        Raises
        ------
        UnknownName
            No index on a property has that name.

        Examples
        --------
        >>> import neurograph
        >>> with neurograph.open(":memory:") as db:
        ...     db.drop_index(db.index("token", "$.year"))
        ...     db.indexes()
        []
        """
        _drop(self._session, name)


def _create(session: Session, table: str, path: str, unique: bool, name: str | None) -> str:
    """Create an index on a property, unless it is there, and return its name."""
    if table not in TABLES:
        raise unknown_name("table", table, TABLES)
    if not isinstance(path, str) or not re.fullmatch(_PATH, path):
        raise InvalidValue(f"path must be a JSON path like '$.year' or '$.author.name', got {path!r}")
    if name is None:
        name = f"user_{table}_{re.sub(r'[^A-Za-z0-9]+', '_', path[1:]).strip('_')}"
    elif not isinstance(name, str) or not re.fullmatch(_NAME, name) or not name.startswith("user_"):
        raise InvalidValue(f"name must be a word that starts with 'user_', got {name!r}")
    wanted = PropertyIndex(name, table, path, bool(unique))
    with session.transaction():
        there = {index.name: index for index in _list(session)}
        if there.get(name) == wanted:
            return name
        taken = session.rows("select type from sqlite_schema where lower(name) = lower(?)", (name,))
        if taken:
            raise Conflict(f"name must be unique, got {name!r}, which another {taken[0][0]} has; pass name='user_…'")
        try:
            session.change(
                f"create {'unique ' if unique else ''}index {name} on {table} (json_extract(properties, '{path}'))"
            )
        except Conflict as error:
            raise Conflict(f"{path} must differ in every row for a unique index; two rows share a value") from error
    return name


def _list(session: Session) -> list[PropertyIndex]:
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
        if table in TABLES and match:
            found.append(PropertyIndex(name, table, match["path"], sql.lower().startswith("create unique")))
    return found


def _drop(session: Session, name: str) -> None:
    """Drop an index on a property."""
    with session.transaction():
        names = [index.name for index in _list(session)]
        if name not in names:
            raise unknown_name("index", name, names)
        session.change(f"drop index {name}")
