"""The schema of a file: created, brought up to date, and compared with what this package would create.

Invariants:

1. Each file of `schema/` is applied once, in one transaction with its record in `migration`; its hash is kept.
2. A file that is created is created whole: one transaction for all of `schema/`.
3. A user's own tables, indexes, triggers and columns are left alone; a changed object of ours is named.
4. Before an older file with content is changed, a copy is kept beside it unless that was refused.
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import apsw

from ._version import __version__
from .connection.location import APPLICATION_ID, Location, check_application
from .errors import ForeignApplication, OlderSchema, SchemaChanged

log = logging.getLogger("neurograph")


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `schema/`."""

    number: int
    name: str
    sql: str
    sha256: str


@cache
def migrations() -> tuple[Migration, ...]:
    """Return the files of `schema/` in order: from the wheel, or from the repository of an editable install."""
    package = Path(__file__).parent
    folder = package / "schema" if (package / "schema").is_dir() else package.parents[1] / "schema"
    found = []
    for path in sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql")):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        digest = hashlib.sha256(content).hexdigest()
        found.append(Migration(int(path.name[:4]), path.stem, content.decode(), digest))
    if [m.number for m in found] != list(range(1, len(found) + 1)):
        raise SchemaChanged(
            f"schema files must be numbered from 1 without gaps, got {[m.name for m in found]}"
        )
    return tuple(found)


def newest_schema() -> int:
    """Return the number of the schema this package writes."""
    return len(migrations())


def bring_up_to_date(connection: apsw.Connection, location: Location, read_only: bool, backup: bool) -> None:
    """Create, migrate or verify the schema of an open file."""
    found = _schema_of(connection, location)
    if found == newest_schema():
        _verify(connection, location)
        if not read_only and connection.pragma("application_id") != APPLICATION_ID:
            _stamp(connection)  # a stock `.dump` restores neither pragma
        return
    if read_only:
        raise OlderSchema(
            f"{location.path!r} has schema {found}, and this version reads schema {newest_schema()}; "
            'open it once with mode="rw" to migrate it (a copy is kept)'
        )
    if found and backup and not location.in_memory:
        _keep_copy(connection, location, found)
    _apply(connection, location)


def _schema_of(connection: apsw.Connection, location: Location) -> int:
    """Return the schema's number, 0 for an empty database; refuse what is not ours."""
    application = connection.pragma("application_id")
    check_application(location.path, application, connection.pragma("user_version"), newest_schema())
    names = {name for (name,) in connection.execute("select name from sqlite_schema where type = 'table'")}
    if not names:
        return 0
    if not {"meta", "migration"} <= names:
        raise ForeignApplication(
            f"{location.path!r} is a SQLite database without neurograph's tables; "
            "open a new file and copy your tables into it"
        )
    meta = dict(connection.execute("select name, value from meta where name in ('application_id', 'schema')"))
    if meta.get("application_id") != APPLICATION_ID:
        raise ForeignApplication(f"{location.path!r} has a table meta that is not neurograph's")
    number = meta.get("schema")
    check_application(
        location.path, APPLICATION_ID, number if isinstance(number, int) else 0, newest_schema()
    )
    return number if isinstance(number, int) else 0


def _apply(connection: apsw.Connection, location: Location) -> None:
    """Apply what is missing. Another process may be doing the same: the number is read again under the lock."""
    while True:
        connection.execute("begin immediate")
        try:
            found = _schema_of(connection, location)
            missing = migrations()[found:]
            for migration in missing if not found else missing[:1]:
                connection.execute(migration.sql)
                connection.execute(
                    "insert into migration (number, name, sha256, applied_ns, engine) values (?, ?, ?, ?, ?)",
                    (migration.number, migration.name, migration.sha256, time.time_ns(), __version__),
                )
                connection.execute("update meta set value = ? where name = 'schema'", (migration.number,))
            connection.execute(
                "insert into meta values ('schema_sha256', ?) on conflict do update set value = excluded.value",
                (_fingerprint(connection),),
            )
            _stamp(connection)
            connection.execute("commit")
        except BaseException:
            if connection.in_transaction:
                connection.execute("rollback")
            raise
        for migration in missing if found else ():
            log.info("%s: applied %s", location.path, migration.name)
        if found + len(missing) == newest_schema() and (not found or len(missing) <= 1):
            return


def _stamp(connection: apsw.Connection) -> None:
    connection.pragma("application_id", APPLICATION_ID)
    connection.pragma(
        "user_version", connection.execute("select value from meta where name = 'schema'").fetchone()[0]
    )


def _keep_copy(connection: apsw.Connection, location: Location, schema: int) -> None:
    path = Path(f"{location.path}.schema-{schema}")
    if path.exists():
        return  # the copy of an attempt that failed half-way is the older, better one
    connection.execute("vacuum into ?", (str(path),))
    log.info("%s: kept a copy of schema %d as %s", location.path, schema, path)


def _verify(connection: apsw.Connection, location: Location) -> None:
    """Compare the file's schema with ours: by one hash where nothing was touched, else object by object."""
    recorded = dict(connection.execute("select number, sha256 from migration"))
    for migration in migrations():
        if recorded.get(migration.number) != migration.sha256:
            raise SchemaChanged(
                f"schema {migration.name} differs from the one applied to {location.path!r}; "
                "install the version of neurograph that wrote the file"
            )
    kept = connection.execute("select value from meta where name = 'schema_sha256'").fetchone()
    if kept == (_fingerprint(connection),):
        return
    changed = changed_objects(connection)
    if changed:
        raise SchemaChanged(
            f"{location.path!r}: {', '.join(changed)} differ from what neurograph created; "
            "restore them, or restore the file from a copy"
        )


def _fingerprint(connection: apsw.Connection) -> str:
    """Return a hash of everything in the schema, a user's own objects included."""
    digest = hashlib.sha256()
    for row in connection.execute("select type, name, sql from sqlite_schema order by type, name"):
        digest.update(repr(row).encode())
    return digest.hexdigest()


@cache
def _expected() -> tuple[tuple[str, str, str], ...]:
    connection = apsw.Connection(":memory:")
    for migration in migrations():
        connection.execute(migration.sql)
    rows = connection.execute("select type, name, sql from sqlite_schema where sql is not null").fetchall()
    connection.close()
    return tuple(rows)


def changed_objects(connection: apsw.Connection) -> list[str]:
    """Name our tables, indexes, views and triggers that are missing or differ; columns added to a table are fine."""
    found = {
        (kind, name): sql
        for kind, name, sql in connection.execute("select type, name, sql from sqlite_schema")
    }
    changed = []
    for kind, name, sql in _expected():
        theirs = found.get((kind, name))
        if theirs is None:
            changed.append(f"{kind} {name} (missing)")
        elif not (_same(sql, theirs) or (kind == "table" and _only_added(sql, theirs))):
            changed.append(f"{kind} {name}")
    return changed


def _plain(sql: str) -> str:
    """Drop comments, spaces and quotes around names, which a dump or an ALTER may change."""
    return re.sub(r"--[^\n]*|\s+|\"", "", sql).lower()


def _same(ours: str, theirs: str) -> bool:
    return _plain(ours) == _plain(theirs)


def _only_added(ours: str, theirs: str) -> bool:
    """Tell whether `theirs` is `ours` with columns added by ALTER TABLE, which puts them before table constraints."""
    ours, theirs = _plain(ours), _plain(theirs)
    added = len(theirs) - len(ours)
    if added <= 0:
        return False
    depth = 0
    for at, character in enumerate(ours):
        new = theirs[at : at + added]
        if depth == 1 and new[0] == "," and new.count("(") == new.count(")") and theirs[at + added :] == ours[at:]:
            return True
        if theirs[at] != character:
            return False
        depth += (character == "(") - (character == ")")
    return False
