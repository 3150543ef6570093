"""Each setting of a connection as one small function with its reason, in the order they must run.

`HARDENING` comes before the first statement, pragma included: SQLite's protections reach only what was registered
before it. Pragmas run one at a time: several in one string stop at the first that returns a row.
"""

from __future__ import annotations

import functools
import os
import sys
import time

import apsw

from ..errors import CannotOpen, FileLocked, InvalidValue, NotHere, UnsafeSQLite

TYPE_CHECKING = False  # `typing` costs 5 ms, and nothing on the way to `open` needs it at run time
if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from typing import Any

SAFE_SQLITE = 3_053_003  # 3.53.3: a hostile journal could delete another file before; FTS5 overflowed before 3.53.2
SYNCHRONOUS = {"off": 0, "normal": 1, "full": 2, "extra": 3}
JOURNALS = ("wal", "rollback")
CACHE_BYTES = 32 << 20
STATEMENTS = 1024  # executions, not statements: one that was not run within as many is prepared anew, 0.1 to 0.7 ms
CONTROL_GROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


class Options:
    """What `open` was told about every connection it makes; checked, and never changed."""

    __slots__ = (
        "busy_timeout_s",
        "journal",
        "memory_budget_bytes",
        "page_size_bytes",
        "read_only",
        "slow_query_s",
        "synchronous",
    )

    def __init__(
        self,
        *,
        synchronous: str = "full",
        journal: str = "wal",
        busy_timeout_s: float = 10.0,
        memory_budget_bytes: int | None = None,
        page_size_bytes: int = 8192,
        slow_query_s: float | None = 1.0,
        read_only: bool = False,
    ) -> None:
        if synchronous not in SYNCHRONOUS:
            raise InvalidValue(f"synchronous must be one of {', '.join(SYNCHRONOUS)}, got {synchronous!r}")
        if journal not in JOURNALS:
            raise InvalidValue(f"journal must be one of {', '.join(JOURNALS)}, got {journal!r}")
        self.synchronous = synchronous
        self.journal = journal
        self.busy_timeout_s = seconds(busy_timeout_s, "busy_timeout_s")
        self.memory_budget_bytes = memory_budget(memory_budget_bytes)
        if page_size_bytes not in [512 << n for n in range(8)]:
            raise InvalidValue(f"page_size_bytes must be a power of two between 512 and 65536, got {page_size_bytes!r}")
        self.page_size_bytes = page_size_bytes
        self.slow_query_s = None if slow_query_s is None else seconds(slow_query_s, "slow_query_s")
        self.read_only = read_only

    def replaced(self, **changes: Any) -> Options:
        """Return options that differ in `changes`."""
        return Options(**({name: getattr(self, name) for name in self.__slots__} | changes))


def seconds(value: float, name: str) -> float:
    """Return a duration as a float: a number from 0 to a million."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e6:
        raise InvalidValue(f"{name} must be a number of seconds between 0 and 1e6, got {value!r}")
    return float(value)


def memory_budget(asked: int | None) -> int:
    """Return what derived arrays may take in bytes: as asked, or a quarter of the RAM and at most 1 GiB."""
    if asked is None:
        return min(memory_bytes() // 4, 1 << 30)
    if isinstance(asked, bool) or not isinstance(asked, int) or asked < 0:
        raise InvalidValue(f"memory_budget_bytes must be a whole number from 0 up or None, got {asked!r}")
    return asked


@functools.cache
def memory_bytes() -> int:
    """Return the RAM of this machine, or of its control group where that has less; 4 GiB where nobody can tell."""
    found = []
    if hasattr(os, "sysconf") and {"SC_PAGE_SIZE", "SC_PHYS_PAGES"} <= os.sysconf_names.keys():
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    elif os.name == "nt":
        found.append(_windows_memory_bytes())
    for path in CONTROL_GROUPS:
        try:
            with open(path) as file:
                found.append(int(file.read()))
        except (OSError, ValueError):
            continue  # no such group, or "max": no limit
    return min((size for size in found if size > 0), default=4 << 30)


def _windows_memory_bytes() -> int:
    import ctypes

    status = (ctypes.c_uint64 * 8)()  # MEMORYSTATUSEX: two 32-bit fields, then seven 64-bit ones
    ctypes.cast(status, ctypes.POINTER(ctypes.c_uint32))[0] = ctypes.sizeof(status)
    kernel: Any = vars(ctypes)["windll"].kernel32
    return status[1] if kernel.GlobalMemoryStatusEx(status) else 0


def require_safe_sqlite() -> None:
    """Refuse a SQLite library with faults that damage files, or without what the engine stands on."""
    found = apsw.sqlite_lib_version()
    number = sum(int(part) * scale for part, scale in zip(found.split("."), (1_000_000, 1_000, 1), strict=False))
    if number < SAFE_SQLITE:
        raise UnsafeSQLite(f"SQLite must be 3.53.3 or newer, got {found!r}; upgrade the package apsw")
    options = set(apsw.compile_options)
    wrong = options & {"THREADSAFE=0", "THREADSAFE=2", "OMIT_LOAD_EXTENSION", "OMIT_JSON", "OMIT_WAL"}
    wrong |= {f"no {name}" for name in ("ENABLE_CARRAY", "ENABLE_FTS5", "ENABLE_MATH_FUNCTIONS") if name not in options}
    if wrong:
        raise UnsafeSQLite(
            "SQLite must be built thread-safe, with WAL, JSON, FTS5, carray, math functions and extensions, got "
            f"{sorted(wrong)!r}; install the package apsw from its wheel"
        )


# --- before the first statement ------------------------------------------------------------------------------


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


def stable_plans(connection: apsw.Connection) -> None:
    """A plan does not depend on the values bound to it, so a statement is prepared once.

    Without this a join with a parameter is prepared anew each time it is bound: a connection and its edge by id took 33
    µs instead of 3.7.
    """
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)


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
    except apsw.ExtensionLoadingError as error:
        raise NotHere(
            f"sqlite-vec must be loadable, got {error}; run `pip install --force-reinstall sqlite-vec`"
        ) from error
    finally:
        connection.enable_load_extension(False)


def require_vec() -> None:
    """Refuse to go on without sqlite-vec, before SQLite makes a file: it creates one as soon as it opens it."""
    sqlite_vec(apsw.Connection(":memory:"))


@functools.cache
def vec_library() -> str | None:
    """Return the path of sqlite-vec's shared library without its suffix, or None."""
    spec = where_is("sqlite_vec")
    if spec is None or not spec.submodule_search_locations:
        return None
    return os.path.join(next(iter(spec.submodule_search_locations)), "vec0")


def where_is(module: str) -> ModuleSpec | None:
    """Return what an import of a top-level module would find, or None: `importlib.util.find_spec`, which costs 1 ms."""
    specs = (finder.find_spec(module, None) for finder in sys.meta_path)
    return next((spec for spec in specs if spec is not None), None)


HARDENING: tuple[Callable[[apsw.Connection], None], ...] = (
    defensive,
    untrusted_schema,
    strict_quotes,
    stable_plans,
    sqlite_vec,
)


# --- before anything is written ------------------------------------------------------------------------------


def foreign_keys(connection: apsw.Connection, options: Options) -> None:
    """Declared keys are enforced for us too; triggers enforce the same where a shell leaves this off."""
    connection.pragma("foreign_keys", 1)


def cell_size_check(connection: apsw.Connection, options: Options) -> None:
    """Find a damaged page when it is read, not when it has spread."""
    connection.pragma("cell_size_check", 1)


def no_memory_map(connection: apsw.Connection, options: Options) -> None:
    """An I/O error is an error, not a crash of the process."""
    connection.pragma("mmap_size", 0)


def cache_size(connection: apsw.Connection, options: Options) -> None:
    """Keep 32 MiB of pages: with SQLite's 2 MiB, random inserts into 1M edges were several times slower."""
    connection.pragma("cache_size", -CACHE_BYTES // 1024)


def query_only(connection: apsw.Connection, options: Options) -> None:
    """A reading connection writes nothing, also where the file could be written."""
    if options.read_only:
        connection.pragma("query_only", 1)


SETTINGS: tuple[Callable[[apsw.Connection, Options], None], ...] = (
    foreign_keys,
    cell_size_check,
    no_memory_map,
    cache_size,
    query_only,
)


# --- only where the connection may write, and after the file was found to be ours ----------------------------


def layout(connection: apsw.Connection, options: Options) -> None:
    """Choose what can only be chosen before the first page is written; a file that has pages keeps its own."""
    if connection.pragma("page_count") == 0:  # else a later VACUUM would obey
        connection.pragma("page_size", options.page_size_bytes)
        connection.pragma("auto_vacuum", 2)  # incremental: dropped data gives its pages back in steps
        cache_size(connection, options)  # SQLite counts pages, and keeps as many of the new size


def journal(connection: apsw.Connection, options: Options) -> None:
    """Use a write-ahead log, in which readers and one writer don't wait for each other; or a rollback journal."""
    wanted = "wal" if options.journal == "wal" else "delete"
    end = time.monotonic() + options.busy_timeout_s
    while True:  # SQLite doesn't call the busy handler for every lock that changing the mode takes
        try:
            found = connection.pragma("journal_mode")
            if found not in ("memory", wanted):
                found = connection.pragma("journal_mode", wanted)
            if found in ("memory", wanted):
                return
        except apsw.BusyError as error:
            if time.monotonic() >= end:
                raise FileLocked(
                    f"cannot set the journal mode; another process held the file for {options.busy_timeout_s} s; "
                    "try again later"
                ) from error
        if time.monotonic() >= end:
            raise CannotOpen(f"journal mode must become {wanted!r}, got {found!r}; another process uses the file")
        time.sleep(0.005)


def synchronous(connection: apsw.Connection, options: Options) -> None:
    """FULL loses nothing at a power cut; a rollback journal needs EXTRA for the same (FULL lost 36 % there)."""
    level = SYNCHRONOUS[options.synchronous]
    if options.journal != "wal" and options.synchronous == "full":
        level = SYNCHRONOUS["extra"]
    connection.pragma("synchronous", level)
    found = connection.pragma("synchronous")
    if found != level:
        raise CannotOpen(f"synchronous must be {level}, got {found!r}")


def journal_size_limit(connection: apsw.Connection, options: Options) -> None:
    """Give the room of a large transaction back after it."""
    connection.pragma("journal_size_limit", 64 << 20)


WRITING: tuple[Callable[[apsw.Connection, Options], None], ...] = (
    layout,
    journal,
    synchronous,
    journal_size_limit,
)
