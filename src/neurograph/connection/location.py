"""What a path names, found out before any connection is made.

Invariants:

1. Nothing is created or changed here.
2. A file that this process has open through SQLite already is not opened again to look at its header: closing
   that descriptor would drop SQLite's POSIX locks.
"""

from __future__ import annotations

import itertools
import os
import stat

from ..errors import (
    CannotOpen,
    DamagedFile,
    FileMissing,
    ForeignApplication,
    InvalidValue,
    NewerSchema,
    NotADatabase,
    NotAFile,
)

APPLICATION_ID = 0x4E474442  # "NGDB"
MAGIC = b"SQLite format 3\x00"
MODES = ("rwc", "rw", "r")
MEMORY = ":memory:"

_memory_names = itertools.count(1)


class Location:
    """Where a database is and how it may be used; never changed.

    Attributes
    ----------
    path
        The absolute path, or ``":memory:"``.
    mode
        ``"rwc"`` reads, writes and creates; ``"rw"`` needs the file; ``"r"`` reads.
    filename
        What SQLite is given to open it: the path, or a URI.
    exists
        True where the file holds at least a header already.
    """

    __slots__ = ("exists", "filename", "mode", "path")

    def __init__(self, path: str, mode: str, filename: str, exists: bool) -> None:
        self.path = path
        self.mode = mode
        self.filename = filename
        self.exists = exists

    @property
    def in_memory(self) -> bool:
        """True for a database that lives in this process alone."""
        return self.path == MEMORY

    @property
    def is_uri(self) -> bool:
        """True where `filename` is a URI."""
        return self.filename != self.path

    def for_reading(self) -> Location:
        """Return the same database, only to be read."""
        return Location(self.path, "r", self.filename, exists=True)

    def unchangeable(self) -> Location:
        """Return the same file as SQLite opens it on read-only media: without locks and without a log."""
        from urllib.parse import quote

        path = self.path.replace(os.sep, "/")
        uri = f"file://{'' if path.startswith('/') else '/'}{quote(path)}?immutable=1"
        return Location(self.path, self.mode, uri, self.exists)

    def sidecar_bytes(self, suffix: str) -> int | None:
        """Return the size of ``-wal``, ``-shm`` or ``-journal`` beside the file, or None where there is none."""
        try:
            return os.stat(os.path.realpath(self.path) + suffix).st_size
        except OSError:
            return None


def locate(path: str | os.PathLike[str], mode: str) -> Location:
    """Say what `path` names, or raise the error that says why it can't be opened."""
    if mode not in MODES:
        raise InvalidValue(f'mode must be "rwc", "rw" or "r", got {mode!r}')
    try:
        name = os.fspath(path)
    except TypeError:
        name = path  # type: ignore[assignment]  # refused below
    if not isinstance(name, str) or not name or "\x00" in name:
        raise InvalidValue(f'path must be the name of a file or ":memory:", got {name!r}')
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InvalidValue(f"path must be text that UTF-8 can hold, as SQLite wants it, got {name!r}") from None
    if name == MEMORY:
        if mode == "r":
            raise InvalidValue('mode must be "rwc" for ":memory:", got \'r\'; use db.reader() of an open one')
        return Location(MEMORY, mode, f"file:/neurograph-{os.getpid()}-{next(_memory_names)}?vfs=memdb", False)
    absolute = os.path.abspath(name)
    size = _size_of_file(absolute, name)
    if size is None and mode != "rwc":
        raise FileMissing(f'no file at {name!r}; open it with mode="rwc" to create it')
    if size is None and not os.path.isdir(os.path.dirname(absolute)):
        raise FileMissing(f"no folder at {os.path.dirname(absolute)!r}; create it first")
    if size == 0 and mode == "r":
        raise NotADatabase(f"{name!r} is empty; open it for writing once to make it a database")
    return Location(absolute, mode, absolute, bool(size))


def _size_of_file(path: str, name: str) -> int | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:  # ValueError: a name the system can't encode
        raise CannotOpen(f"cannot look at {name!r}: {getattr(error, 'strerror', error)}") from error
    if stat.S_ISDIR(found.st_mode):
        raise NotAFile(f"path must name a file, got the folder {name!r}")
    if not stat.S_ISREG(found.st_mode):
        raise NotAFile(f"path must name a regular file, got a device, pipe or socket: {name!r}")
    return found.st_size


def check_header(location: Location, newest_schema: int) -> None:
    """Refuse by its first 100 bytes a file that is no database, damaged, another application's, or too new.

    Call it only while this process has no other connection to the file (invariant 2).
    """
    path = location.path
    try:
        with open(path, "rb") as file:
            header = file.read(100)
            size = file.seek(0, os.SEEK_END)
    except OSError as error:
        raise CannotOpen(f"cannot read {path!r}: {error.strerror}; check its permissions") from error
    if not header.startswith(MAGIC):
        raise NotADatabase(f"{path!r} is not a SQLite database, or it is encrypted; it begins with {header[:16]!r}")
    if len(header) < 100:
        raise DamagedFile(f"{path!r} must have at least 100 bytes, got {size}; restore it from a copy")
    application = int.from_bytes(header[68:72], "big")
    schema = int.from_bytes(header[60:64], "big")
    check_application(path, application, schema, newest_schema)
    _check_length(location, header, size)


def _check_length(location: Location, header: bytes, size: int) -> None:
    """Refuse a file shorter than its header says, unless a log or a journal beside it may hold the rest."""
    page_bytes = int.from_bytes(header[16:18], "big")
    needed = int.from_bytes(header[28:32], "big") * (65536 if page_bytes == 1 else page_bytes)
    header_is_current = header[24:28] == header[92:96]
    if header_is_current and size < needed and not any(map(location.sidecar_bytes, ("-wal", "-journal"))):
        raise DamagedFile(f"{location.path!r} must have {needed} bytes, got {size}; restore it from a copy")


def check_application(path: str, application: int, schema: int, newest_schema: int) -> None:
    """Refuse another application's file, and one of a schema that this version does not know."""
    if application not in (0, APPLICATION_ID):
        raise ForeignApplication(
            f"{path!r} belongs to another application: application_id must be {APPLICATION_ID:#010x}, "
            f"got {application & 0xFFFFFFFF:#010x}; open a new file and copy your tables into it"
        )
    if application == APPLICATION_ID and schema > newest_schema:
        raise NewerSchema(
            f"{path!r} has schema {schema}, and this version knows schemas up to {newest_schema}; "
            "upgrade the package neurograph"
        )
