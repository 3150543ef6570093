"""The schema of a file: created, brought up to date, and compared with what this package would create.

Invariants:

1. Each file of `schema/` is applied once, in one transaction with its record in `migration`; its hash is kept.
2. A file that is created is created whole: one transaction for all of `schema/`.
3. A user's own tables, indexes, triggers and columns are left alone; a changed object of ours is named.
4. Before an older file with content is changed, a copy is kept beside it unless that was refused.
5. Opening a file whose schema nobody touched costs one look at `sqlite_schema` (0.3 ms), whatever its size.
"""

from __future__ import annotations

import os
import time
import zlib
from functools import cache

import apsw

from . import log
from ._version import __version__
from .connection.line import Check, cannot_open
from .connection.location import APPLICATION_ID, Location, check_application
from .errors import CannotOpen, DamagedFile, ForeignApplication, InvalidValue, OlderSchema, SchemaChanged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .connection.settings import Options


class Migration:
    """One file of `schema/`."""

    __slots__ = ("name", "number", "sql")

    def __init__(self, number: int, name: str, sql: str) -> None:
        self.number = number
        self.name = name
        self.sql = sql

    @property
    def sha256(self) -> str:
        """The hash that is recorded with the file."""
        import hashlib  # OpenSSL takes 3 ms to load, and a file that nobody touched is known without it

        return hashlib.sha256(self.sql.encode()).hexdigest()


@cache
def schema_folder() -> str:
    """Return where the schema is: in the wheel, or in the repository of an editable install."""
    package = os.path.dirname(os.path.abspath(__file__))
    folder = os.path.join(package, "schema")
    return folder if os.path.isdir(folder) else os.path.join(os.path.dirname(os.path.dirname(package)), "schema")


def migrations(folder: str | None = None) -> tuple[Migration, ...]:
    """Return the files of a schema folder, by default this package's, in order."""
    return _migrations_in(folder or schema_folder())


def newest_schema() -> int:
    """Return the number of the schema this package writes."""
    return len(migrations())


@cache
def _migrations_in(folder: str) -> tuple[Migration, ...]:
    found = []
    for name in sorted(os.listdir(folder)):
        if name[:4].isdecimal() and name[4:5] == "_" and name.endswith(".sql"):
            with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
                found.append(Migration(int(name[:4]), name[:-4], file.read().replace("\r\n", "\n")))
    if not found or [m.number for m in found] != list(range(1, len(found) + 1)):
        raise SchemaChanged(f"schema files must be numbered from 1 without gaps, got {[m.name for m in found]!r}")
    return tuple(found)


class Schema:
    """What this package expects of a file, and how it gets there."""

    def __init__(self, location: Location, options: Options, backup: bool, folder: str | None = None) -> None:
        self._location = location
        self._options = options
        if type(backup) is not bool:
            raise InvalidValue(f"backup must be True or False, got {backup!r}")
        self._backup = backup
        self._migrations = migrations(folder)

    @property
    def newest(self) -> int:
        """The number of the schema this package writes."""
        return len(self._migrations)

    def check(self) -> Check:
        """Return the questions a file must answer before anything is written to it."""
        return Check(self.newest, self.number_in)

    def bring_up_to_date(self, connection: apsw.Connection) -> None:
        """Create, migrate or verify the schema of an open file."""
        try:
            found = self.number_in(connection)
            if found:
                self._verify(connection, found)
            if found < self.newest:
                if self._options.read_only:
                    raise OlderSchema(
                        f"{self._location.path!r} has schema {found}, and this version reads schema {self.newest}; "
                        'open it once with mode="rw" to migrate it (a copy is kept)'
                    )
                self._migrate(connection)
            elif not self._options.read_only and connection.pragma("application_id") != APPLICATION_ID:
                self._stamp(connection)  # a stock `.dump` restores neither pragma
        except apsw.Error as error:
            said = cannot_open(error, self._location, self._options)
            if said is error:
                raise
            raise said from error

    def number_in(self, connection: apsw.Connection) -> int:
        """Return the number of a file's schema, 0 for an empty database; refuse what is not ours."""
        path = self._location.path
        check_application(path, connection.pragma("application_id"), connection.pragma("user_version"), self.newest)
        tables = {name for (name,) in connection.execute("select name from sqlite_schema where type = 'table'")}
        if not tables:
            return 0
        if not {"meta", "migration"} <= tables:
            raise ForeignApplication(
                f"{path!r} is a SQLite database without neurograph's tables; open a new file and copy yours into it"
            )
        try:
            facts = dict(connection.execute("select name, value from meta where name in ('application_id', 'schema')"))
        except apsw.SQLError:
            facts = {}
        number = facts.get("schema")
        if facts.get("application_id") != APPLICATION_ID or not isinstance(number, int) or number < 1:
            raise ForeignApplication(f"{path!r} has a table meta that is not neurograph's; open a new file")
        check_application(path, APPLICATION_ID, number, self.newest)
        return number

    # --- change -------------------------------------------------------------------------------------------------------

    def _migrate(self, connection: apsw.Connection) -> None:
        """Apply what is missing; another process may be doing the same, so the number is read again under the lock."""
        connection.pragma("foreign_keys", 0)  # a migration may rebuild a table that others refer to; checked at the end
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 0)  # nor could the text of a CHECK be changed
        keep = self._backup and not self._location.in_memory
        try:
            while self._migrate_once(connection, keep):
                keep = False  # one copy, of the file as it was found
        finally:
            connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
            connection.pragma("foreign_keys", 1)

    def _migrate_once(self, connection: apsw.Connection, keep: bool) -> bool:
        """Apply one migration, or all of them to an empty file; False when nothing is missing."""
        copy = ""
        connection.execute("begin immediate")
        try:
            found = self.number_in(connection)
            missing = self._migrations[found : found + 1] if found else self._migrations
            if missing:
                if found and keep:
                    copy = self._keep_copy(found)
                for migration in missing:
                    self._apply(connection, migration)
                if found and connection.execute("pragma foreign_key_check").fetchall():
                    raise DamagedFile(
                        f"{self._location.path!r} has rows that refer to rows that are gone; list them with "
                        "`pragma foreign_key_check`, and delete or correct them"
                    )
                self._stamp(connection)
            connection.execute("commit")
        except BaseException:
            if connection.in_transaction:
                connection.execute("rollback")
            if copy:  # nothing changed, and each further try would keep one more
                os.remove(copy)
            raise
        if found and missing:
            log.info("%s: applied %s", self._location.path, missing[0].name)
        return found + len(missing) < self.newest

    def _apply(self, connection: apsw.Connection, migration: Migration) -> None:
        try:
            connection.execute(migration.sql).fetchall()
        except (apsw.SQLError, apsw.ConstraintError) as error:
            raise CannotOpen(
                f"schema {migration.name} can't be applied to {self._location.path!r} ({error}); rename what of yours "
                "is in its way, or install the version of neurograph that wrote the file"
            ) from error
        connection.execute(
            "insert into migration (number, name, sha256, applied_ns, engine) values (?, ?, ?, ?, ?)",
            (migration.number, migration.name, migration.sha256, time.time_ns(), __version__),
        )
        connection.execute("update meta set value = ? where name = 'schema'", (migration.number,))

    def _stamp(self, connection: apsw.Connection) -> None:
        number = connection.execute("select value from meta where name = 'schema'").fetchall()[0][0]
        connection.execute(
            "insert into meta (name, value) values ('schema_sum', ?) on conflict do update set value = excluded.value",
            (self._sum(connection),),
        )
        connection.pragma("application_id", APPLICATION_ID)
        connection.pragma("user_version", number)

    def _keep_copy(self, schema: int) -> str:
        """Keep the file as it is now and return the copy's name.

        Readers may go on meanwhile. Writers wait for the migration, so what is half made is left from a killed one.
        """
        path = self._location.path
        names = (f"{path}.schema-{schema}{'' if n == 1 else f'.{n}'}" for n in range(1, 1000))
        name = next(name for name in names if not os.path.exists(name))
        for left in (f"{name}.part", f"{name}.part-journal"):
            if os.path.exists(left):
                os.remove(left)
        source = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            source.execute("vacuum into ?", (f"{name}.part",))
        except BaseException:
            if os.path.exists(f"{name}.part"):
                os.remove(f"{name}.part")
            raise
        finally:
            source.close()
        os.chmod(f"{name}.part", os.stat(path).st_mode & 0o777)
        os.replace(f"{name}.part", name)
        log.info("%s: kept a copy of schema %d as %s", path, schema, name)
        return name

    # --- compare ------------------------------------------------------------------------------------------------------

    def _verify(self, connection: apsw.Connection, number: int) -> None:
        """Compare the file's schema with ours: by a sum where nothing was touched, else object by object."""
        if number == self.newest:
            kept = connection.execute("select value from meta where name = 'schema_sum'").fetchall()
            if kept == [(self._sum(connection),)]:
                return
        path = self._location.path
        recorded = dict(connection.execute("select number, sha256 from migration"))
        for migration in self._migrations[:number]:
            if recorded.get(migration.number) != migration.sha256:
                raise SchemaChanged(
                    f"schema {migration.name} differs from the one applied to {path!r}; "
                    "install the version of neurograph that wrote the file"
                )
        changed = changed_objects(connection, self._migrations[:number])
        if changed:
            raise SchemaChanged(
                f"{path!r}: {', '.join(changed)} must be as neurograph created them; restore them, or restore the file "
                "from a copy"
            )

    def _sum(self, connection: apsw.Connection) -> str:
        """Return a sum of our objects in the file and of the files they should come from.

        It tells whether anything was touched, not by whom: a CRC over 160 KB takes 0.05 ms, SHA-256 with OpenSSL 3.
        """
        ours, wanted = _expected(self._migrations)
        rows: Any = connection.execute("select name, sql from sqlite_schema order by type, name")
        found = zlib.crc32("\0".join([sql for name, sql in rows if name in ours]).encode())
        return f"{wanted:08x}-{found:08x}"


@cache
def _expected(applied: tuple[Migration, ...]) -> tuple[frozenset[str], int]:
    """Return the names of what migrations create, and the sum of their texts: a third of what `Schema._sum` takes."""
    names: set[str] = set()
    for migration in applied:
        names = names.difference(named_after("drop", migration.sql)).union(named_after("create", migration.sql))
    return frozenset(names), zlib.crc32("".join([migration.sql for migration in applied]).encode())


def named_after(verb: str, sql: str) -> Iterator[str]:
    """Name the tables, indexes, views and triggers that a schema file creates or drops, each where a line begins.

    A regular expression would say the same; the module `re` costs 3 ms, and `open` needs it for nothing else.
    """
    for statement in f"\n{sql}".split(f"\n{verb} ")[1:]:
        _, name = statement.removeprefix("unique ").split(None, 2)[:2]
        yield name.partition("(")[0].removesuffix(";")


def changed_objects(connection: apsw.Connection, applied: tuple[Migration, ...] | None = None) -> list[str]:
    """Name our tables, indexes, views and triggers that are missing or differ; columns added to a table are fine."""
    rows: Any = connection.execute("select type, name, sql from sqlite_schema").fetchall()
    found = {(kind, name): sql for kind, name, sql in rows}
    changed = []
    for kind, name, sql in _created_by(applied or migrations()):
        theirs = found.get((kind, name))
        if theirs is None:
            changed.append(f"{kind} {name} (missing)")
        elif not (same_sql(sql, theirs) or (kind == "table" and _only_added(sql, theirs))):
            changed.append(f"{kind} {name}")
    return changed


@cache
def _created_by(applied: tuple[Migration, ...]) -> tuple[tuple[str, str, str], ...]:
    """Return (type, name, sql) of every object that migrations create: 4 ms, once a process and only if asked."""
    connection = apsw.Connection(":memory:")
    for migration in applied:
        connection.execute(migration.sql).fetchall()
    rows: Any = connection.execute("select type, name, sql from sqlite_schema where sql is not null").fetchall()
    connection.close()
    return tuple(rows)


def _plain(sql: str) -> str:
    """Drop comments, spaces, case and quotes around names, which other tools may write differently; keep strings."""
    import re

    parts = re.split(r"('(?:[^']|'')*'|--[^\n]*)", sql)
    parts[::2] = [re.sub(r"\s+|\"", "", part).lower() for part in parts[::2]]
    return "".join([part for part in parts if not part.startswith("--")])


def same_sql(ours: str, theirs: str) -> bool:
    """Tell whether two statements make the same object."""
    return ours == theirs or _plain(ours) == _plain(theirs)


def _only_added(ours: str, theirs: str) -> bool:
    """Tell whether `theirs` is `ours` with columns added by ALTER TABLE, which puts them before table constraints."""
    found, wanted = _members(_plain(theirs)), _members(_plain(ours))
    rest = iter(found[1:-1])
    same_around = (found[0], found[-1]) == (wanted[0], wanted[-1])
    return len(found) > len(wanted) and same_around and all(member in rest for member in wanted[1:-1])


def _members(sql: str) -> list[str]:
    """Split ``create table`` into what comes before its parentheses, each column and constraint, and what follows."""
    import re

    parts, depth = [""], 0
    for piece in re.split(r"('(?:[^']|'')*'|[(),])", sql):
        if piece == ")":
            depth -= 1
        cut = (piece == "," and depth == 1) or (piece in ("(", ")") and depth == 0)
        if piece == "(":
            depth += 1
        if cut:
            parts.append("")
        parts[-1] += piece
    return parts
