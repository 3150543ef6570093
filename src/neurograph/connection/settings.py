"""Each setting of a connection as one small function with its reason, in the order they must run.

`HARDENING` comes before the first statement, pragma included: SQLite's protections reach only what was registered
before it. Pragmas run one at a time: several in one string stop at the first that returns a row.
"""

from __future__ import annotations

import importlib.util
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import apsw

from ..errors import CannotOpen, FileLocked, NotHere, UnsafeSQLite

SAFE_SQLITE = (
    3_053_003  # 3.53.3: a hostile journal could delete another file before; FTS5 overflowed before 3.53.2
)
SYNCHRONOUS = {"off": 0, "normal": 1, "full": 2, "extra": 3}


@dataclass(frozen=True, slots=True)
class Options:
    """What `open` was told about every connection it makes."""

    synchronous: str = "full"
    journal: str = "wal"
    busy_timeout_s: float = 10.0
    page_size_bytes: int = 8192
    read_only: bool = False


def require_safe_sqlite() -> None:
    """Refuse a SQLite library with faults that damage files."""
    found = apsw.sqlite_lib_version()
    if apsw.SQLITE_VERSION_NUMBER < SAFE_SQLITE or tuple(map(int, found.split(".")[:3])) < (3, 53, 3):
        raise UnsafeSQLite(f"SQLite must be 3.53.3 or newer, got {found}; upgrade the package apsw")


def defensive(connection: apsw.Connection) -> None:
    """No SQL may corrupt the file on purpose: shadow tables and the schema are not writable."""
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)


def untrusted_schema(connection: apsw.Connection) -> None:
    """Views and triggers of a stranger's file can't call functions that read or change anything else."""
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)


def strict_quotes(connection: apsw.Connection) -> None:
    """A double-quoted misspelt column is an error, not a string."""
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)


def sqlite_vec(connection: apsw.Connection) -> None:
    """Load sqlite-vec by its full path, with loading on for that moment only.

    The Python module `sqlite_vec` imports numpy (46 ms); its library alone takes 0.2 ms.
    """
    path = vec_library()
    if path is None:
        raise NotHere("sqlite-vec must be installed; run `pip install sqlite-vec`")
    connection.enable_load_extension(True)
    try:
        connection.load_extension(path, "sqlite3_vec_init")
    finally:
        connection.enable_load_extension(False)


def vec_library() -> str | None:
    """Return the path of sqlite-vec's shared library without its suffix, or None."""
    spec = importlib.util.find_spec("sqlite_vec")
    if spec is None or not spec.submodule_search_locations:
        return None
    return str(Path(next(iter(spec.submodule_search_locations))) / "vec0")


HARDENING: tuple[Callable[[apsw.Connection], None], ...] = (
    defensive,
    untrusted_schema,
    strict_quotes,
    sqlite_vec,
)


def foreign_keys(connection: apsw.Connection, options: Options) -> None:
    """Declared keys are enforced for us too; triggers enforce the same where a shell leaves this off."""
    connection.pragma("foreign_keys", 1)


def busy_handler(connection: apsw.Connection, options: Options) -> None:
    """Wait for other processes in short, jittered steps: SQLite's own back-off grows to 100 ms and starves us."""
    limit_s = options.busy_timeout_s
    first = [0.0]

    def wait(calls: int) -> bool:
        now = time.monotonic()
        if calls == 0:
            first[0] = now
        if now - first[0] >= limit_s:
            return False
        time.sleep(min(0.0002 * (1 << min(calls, 5)), 0.005) * random.uniform(0.5, 1.0))  # noqa: S311
        return True

    connection.set_busy_handler(wait)


def cell_size_check(connection: apsw.Connection, options: Options) -> None:
    """Find a damaged page when it is read, not when it has spread."""
    connection.pragma("cell_size_check", 1)


def journal(connection: apsw.Connection, options: Options) -> None:
    """Use a write-ahead log, in which readers and one writer don't wait for each other; or a rollback journal."""
    if options.read_only:
        return
    wanted = "wal" if options.journal == "wal" else "delete"
    try:
        found = connection.pragma("journal_mode")
        if found not in ("memory", wanted):
            found = connection.pragma("journal_mode", wanted)
    except apsw.BusyError as error:
        raise FileLocked(
            f"cannot set the journal mode: the file was locked for {options.busy_timeout_s} s"
        ) from error
    if found not in ("memory", wanted):
        raise CannotOpen(
            f"journal mode must become {wanted!r}, got {found!r}; another process may be using the file"
        )


def synchronous(connection: apsw.Connection, options: Options) -> None:
    """FULL loses nothing at a power cut; a rollback journal needs EXTRA for the same (FULL lost 36 % there)."""
    level = SYNCHRONOUS[options.synchronous]
    if options.journal != "wal" and options.synchronous == "full":
        level = SYNCHRONOUS["extra"]
    connection.pragma("synchronous", level)
    found = connection.pragma("synchronous")
    if found != level:
        raise CannotOpen(f"synchronous must be {level}, got {found}")


def journal_size_limit(connection: apsw.Connection, options: Options) -> None:
    """Give the room of a large transaction back after it."""
    connection.pragma("journal_size_limit", 64 << 20)


def no_memory_map(connection: apsw.Connection, options: Options) -> None:
    """An I/O error is an error, not a crash of the process."""
    connection.pragma("mmap_size", 0)


def cache_size(connection: apsw.Connection, options: Options) -> None:
    """Keep 32 MiB of pages: with SQLite's 2 MiB, random inserts into 1M edges were several times slower."""
    connection.pragma("cache_size", -32768)


SETTINGS: tuple[Callable[[apsw.Connection, Options], None], ...] = (
    foreign_keys,
    busy_handler,
    cell_size_check,
    journal,
    synchronous,
    journal_size_limit,
    no_memory_map,
    cache_size,
)
