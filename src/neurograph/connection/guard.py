"""What else holds a file: descriptors outside SQLite, and file systems on which locks can't be trusted.

On POSIX systems closing *any* descriptor of a file drops all locks this process has on it, SQLite's included. The
standard `sqlite3` module is a second SQLite with descriptors of its own. Both are found on Linux through
`/proc/self/fd`; elsewhere nothing is found, and the manual warns.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import apsw

from ..errors import ForeignHandle

O_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)  # SQLite opens every file with it; hardly anything else does
NETWORK_FILE_SYSTEMS = frozenset(
    {
        "9p",
        "afs",
        "ceph",
        "cifs",
        "fuse.sshfs",
        "glusterfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "smb3",
        "smbfs",
        "vboxsf",
    }
)


def refuse_foreign_handles(path: str) -> None:
    """Raise `ForeignHandle` if this process holds `path` open outside this package's SQLite."""
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        return
    try:
        wanted = Path(path).stat()
    except OSError:
        return
    theirs = ours = 0
    for name in os.listdir(folder):
        try:
            found = os.stat(folder / name)
            flags = int(Path(f"/proc/self/fdinfo/{name}").read_text().split("flags:")[1].split()[0], 8)
        except (OSError, IndexError, ValueError):
            continue  # the descriptor was closed meanwhile, this listing's own among them
        if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
            ours += bool(flags & O_NOFOLLOW)
            theirs += not flags & O_NOFOLLOW
    # SQLite keeps a closed connection's descriptor while others hold locks, so a surplus alone proves nothing:
    # it counts only where the standard module, the other SQLite, is loaded.
    surplus = "_sqlite3" in sys.modules and ours > _connections_to(wanted)
    if theirs or surplus:
        raise ForeignHandle(
            f"{path!r} is held open by this process outside neurograph (a file object, a memory map or the module "
            "sqlite3), which would drop SQLite's locks; close it first, or use it in another process"
        )


def is_open_here(path: str) -> bool:
    """Tell whether this process has a connection to the file, ours or any other of the same SQLite."""
    try:
        return _connections_to(Path(path).stat()) > 0
    except OSError:
        return False


def _connections_to(wanted: os.stat_result) -> int:
    count = 0
    for connection in apsw.connections():
        try:
            found = Path(connection.filename).stat()
        except (OSError, apsw.Error, ValueError):
            continue
        count += (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino)
    return count


def network_file_system(path: str) -> str | None:
    """Return the type of the network file system that holds `path`, or None (also where that can't be told)."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    best, kind = "", None
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ")
        if (path == point or path.startswith(point.rstrip("/") + "/")) and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind if kind in NETWORK_FILE_SYSTEMS else None
