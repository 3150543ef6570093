"""A VFS between SQLite and the disk, which notes what is written, and fails or kills at the n-th operation.

From what was noted `image` makes the files as they would stand after a crash. The models of a crash:

- ``kill``: the process is gone after the n-th operation; the system writes what it was given.
- ``torn``: of the last write only the first half was done.
- ``power``: all that was not synced is gone.
- ``mixed``: of what was not synced each operation is there or not, as a seed decides.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, NamedTuple

import apsw

MODELS = ("kill", "torn", "power", "mixed")
SIDES = ("", "-wal", "-journal")  # what a crash leaves behind; -shm is made anew


class Operation(NamedTuple):
    """What was done to a file: ``write`` with place and content, ``truncate`` with size, ``sync``, ``delete``."""

    what: str
    side: str
    place: int = 0
    content: bytes = b""


class WatchedDisk(apsw.VFS):
    """The default VFS for what is opened while this one is registered; use it as a context."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.done: list[Operation] = []
        self.fault: Callable[[], None] | None = None
        self.left = 0  # operations until the fault
        self.once = True
        self.met = 0  # how often the fault came
        self.below = apsw.vfs_names()[0]  # the system's
        super().__init__(f"watched-{id(self)}", self.below, makedefault=True)

    def __enter__(self) -> WatchedDisk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unregister()

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        return WatchedFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        side = filename.removeprefix(self.path)
        if side in SIDES:
            self.note(Operation("delete", side, int(syncdir)))
        super().xDelete(filename, syncdir)

    def note(self, operation: Operation) -> None:
        """Note an operation before it is done; raises or kills where it is the one to fail."""
        if self.fault is not None:
            self.left -= 1
            if self.left == 0 or (self.left < 0 and not self.once):
                self.met += 1
                self.fault()
        self.done.append(operation)

    @contextmanager
    def failing(self, n: int, code: int, once: bool = True) -> Iterator[None]:
        """Let the n-th operation from now on fail with an error code of SQLite's; it, or it and all later ones."""

        def fail() -> None:
            raise apsw.exception_for(code)

        self.fault, self.left, self.once, self.met = fail, n, once, 0
        try:
            yield
        finally:
            self.fault = None

    def kill_at(self, n: int) -> None:
        """Let this process be killed before the n-th operation from now on."""
        self.fault, self.left = lambda: os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM)), n


class WatchedFile(apsw.VFSFile):
    """A file of a `WatchedDisk`; what is no part of the database is not noted."""

    def __init__(self, disk: WatchedDisk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        path = name.filename() if isinstance(name, apsw.URIFilename) else name or ""
        self._side = path.removeprefix(disk.path)
        self._noted = path.startswith(disk.path) and self._side in SIDES  # SQLite's temporary files have no name
        super().__init__(disk.below, name, flags)

    def xWrite(self, data: Any, offset: int) -> None:
        if self._noted:
            self._disk.note(Operation("write", self._side, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:
        if self._noted:
            self._disk.note(Operation("truncate", self._side, newsize))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:
        if self._noted:
            self._disk.note(Operation("sync", self._side))
        super().xSync(flags)


Files = dict[str, bytearray | None]


def contents(path: Path) -> Files:
    """Return the files of a database that nobody has open."""
    return {side: bytearray(file.read_bytes()) for side in SIDES if (file := Path(f"{path}{side}")).exists()}


def apply(files: Files, operation: Operation) -> None:
    """Do an operation to files in memory."""
    what, side, place, content = operation
    if what == "write":
        file = files[side] if files.get(side) is not None else files.setdefault(side, bytearray())
        if file is None:
            file = files[side] = bytearray()
        if len(file) < place:
            file.extend(bytes(place - len(file)))
        file[place : place + len(content)] = content
    elif what == "truncate" and (file := files.get(side)) is not None:
        del file[place:]
        file.extend(bytes(place - len(file)))
    elif what == "delete":
        files[side] = None


class Crash:
    """The files as they stand after each operation in turn, and what a crash would leave of them."""

    def __init__(self, before: Files, rng: Random) -> None:
        self._files = {side: bytearray(file) for side, file in before.items() if file is not None}
        self._synced = {side: bytearray(file) for side, file in self._files.items()}
        self._unsynced: list[Operation] = []
        self._rng = rng

    def step(self, operation: Operation) -> None:
        """Go on by one operation."""
        what, side = operation.what, operation.side
        if what == "sync":
            for waiting in self._unsynced:
                if waiting.side == side:
                    apply(self._synced, waiting)
            self._unsynced = [waiting for waiting in self._unsynced if waiting.side != side]
            return
        apply(self._files, operation)
        if what == "delete" and operation.place:  # the directory is synced with it
            self._unsynced = [waiting for waiting in self._unsynced if waiting.side != side]
            apply(self._synced, operation)
        else:
            self._unsynced.append(operation)

    def left(self, model: str, ahead: Operation | None) -> Files:
        """Return what a crash leaves; `ahead` is the operation that has not been done yet."""
        if model in ("kill", "torn"):
            if model == "kill" or ahead is None or ahead.what != "write":
                return self._files
            files = {side: file and bytearray(file) for side, file in self._files.items()}
            apply(files, ahead._replace(content=ahead.content[: len(ahead.content) // 2]))
            return files
        files = {side: file and bytearray(file) for side, file in self._synced.items()}
        if model == "mixed":
            for operation in self._unsynced:
                if self._rng.random() < 0.5:
                    apply(files, operation)
        return files


def put(files: Files, path: Path) -> None:
    """Write files to the disk, in place of what is there."""
    for side in (*SIDES, "-shm"):
        target, file = Path(f"{path}{side}"), files.get(side)
        if file is None:
            target.unlink(missing_ok=True)
        else:
            target.write_bytes(file)
