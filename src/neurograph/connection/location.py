"""What a path names, found out before any connection is made.

Invariants:

1. Nothing is created or changed here.
2. A file that this process has open through SQLite already is not opened again to look at its header: closing
   that descriptor would drop SQLite's POSIX locks.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import CannotOpen, ForeignApplication, InvalidValue, NewerSchema, NotADatabase

APPLICATION_ID = 0x4E474442  # "NGDB"
MAGIC = b"SQLite format 3\x00"
MODES = ("rwc", "rw", "r")

_memory_names = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Location:
    """Where a database is and how it may be used.

    Attributes
    ----------
    path
        The absolute path, or ``":memory:"``.
    mode
        ``"rwc"`` reads, writes and creates; ``"rw"`` needs the file; ``"r"`` reads.
    filename
        What SQLite is given to open it.
    exists
        True where the file holds at least a header already.
    """

    path: str
    mode: str
    filename: str
    exists: bool

    @property
    def in_memory(self) -> bool:
        """True for a database that lives in this process alone."""
        return self.path == ":memory:"


def locate(path: str | os.PathLike[str], mode: str) -> Location:
    """Say what `path` names, or raise the error that says why it can't be opened."""
    if mode not in MODES:
        raise InvalidValue(f'mode must be "rwc", "rw" or "r", got {mode!r}')
    name = os.fspath(path)
    if not isinstance(name, str) or not name or "\x00" in name:
        raise InvalidValue(f'path must be the name of a file or ":memory:", got {name!r}')
    if name == ":memory:":
        if mode == "r":
            raise InvalidValue('mode must be "rwc" for ":memory:", got \'r\': there is nothing to read')
        return Location(
            ":memory:", mode, f"file:/neurograph-{os.getpid()}-{next(_memory_names)}?vfs=memdb", False
        )
    absolute = Path(name).absolute()
    if absolute.is_dir():
        raise CannotOpen(f"path must name a file, got the folder {name!r}")
    try:
        size = absolute.stat().st_size
    except FileNotFoundError:
        size = None
    except OSError as error:
        raise CannotOpen(f"cannot look at {name!r}: {error.strerror}") from error
    if size is None and mode != "rwc":
        raise CannotOpen(f'no file at {name!r}; open it with mode="rwc" to create it')
    if size is None and not absolute.parent.is_dir():
        raise CannotOpen(f"no folder at {str(absolute.parent)!r}; create it first")
    if not size and mode == "r":
        raise NotADatabase(f"{name!r} is empty; open it for writing once to make it a database")
    return Location(str(absolute), mode, str(absolute), bool(size))


def check_header(location: Location, newest_schema: int) -> None:
    """Refuse a file that is no database, or another application's, by its first 100 bytes.

    Call it only while this process has no other connection to the file (invariant 2).
    """
    with Path(location.path).open("rb") as file:
        header = file.read(100)
    if len(header) < 100 or not header.startswith(MAGIC):
        raise NotADatabase(f"{location.path!r} is not a SQLite database; it begins with {header[:16]!r}")
    application = int.from_bytes(header[68:72], "big")
    schema = int.from_bytes(header[60:64], "big")
    check_application(location.path, application, schema, newest_schema)


def check_application(path: str, application: int, schema: int, newest_schema: int) -> None:
    """Refuse another application's file, and one of a schema that this version does not know."""
    if application not in (0, APPLICATION_ID):
        raise ForeignApplication(
            f"{path!r} belongs to another application: application_id must be {APPLICATION_ID:#010x}, "
            f"got {application:#010x}"
        )
    if application == APPLICATION_ID and schema > newest_schema:
        raise NewerSchema(
            f"{path!r} has schema {schema}, and this version knows schemas up to {newest_schema}; "
            "upgrade the package neurograph"
        )
