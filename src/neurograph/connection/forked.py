"""What a fork does to open files: the child must neither use, nor close, nor open again what its parent has open.

SQLite's locks belong to a process, but its notes about them are memory, which a fork copies. Measured in WAL mode: a
child that opened a file its parent had open committed twice, the parent closed in between, and the second commit was
lost without an error. A child that closes an inherited connection may roll its parent's transaction back.

Invariants:

1. In a forked child every inherited session says so (`WrongProcess`), and its connections are never closed.
2. A file that any SQLite connection of the parent had open can't be opened by the child.
"""

from __future__ import annotations

import os
from weakref import WeakSet

import apsw

from ..errors import WrongProcess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Inheritable(Protocol):
        """Something that has to know that it was copied by a fork."""

        def inherited(self) -> str:
            """Note that this is the copy in a forked child, and return the path of the file if it is open."""


_watched: WeakSet[Inheritable] = WeakSet()
_files: set[tuple[int, int] | None] = set()
_kept: list[apsw.Connection] = []


def watch(session: Inheritable) -> None:
    """Tell `session` when it finds itself in a forked child."""
    _watched.add(session)


def refuse_inherited(path: str) -> None:
    """Raise `WrongProcess` if this process is a forked child whose parent had `path` open."""
    if _files and _identity(path) in _files - {None}:
        raise WrongProcess(
            f"{path!r} was open when this process was forked, and SQLite would lose its locks and commits here; "
            'start processes with "spawn" or "forkserver", or close the database before the fork'
        )


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _in_child() -> None:
    connections = apsw.connections()
    if not connections:
        return
    import ctypes

    for connection in connections:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))  # not even the interpreter's end closes it
        _kept.append(connection)
        try:
            _files.add(_identity(connection.filename))  # "" for a database in memory, which is no file
        except apsw.Error:
            continue  # another thread was using it at the moment of the fork
    for session in list(_watched):
        _files.add(_identity(session.inherited()))


if hasattr(os, "register_at_fork"):  # not here: Windows, which has no fork
    os.register_at_fork(after_in_child=_in_child)
