"""What else holds a file: descriptors outside SQLite, and file systems on which locks can't be trusted.

On POSIX systems closing *any* descriptor of a file drops all locks this process has on it, SQLite's included. The
standard `sqlite3` module is a second SQLite with descriptors of its own. Both are found on Linux through
`/proc/self/fd`; elsewhere nothing is found, and the manual warns.
"""

from __future__ import annotations

import os
import sys

import apsw

from ..errors import ForeignHandle

O_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)  # SQLite opens every file with it; hardly anything else does
DESCRIPTORS = "/proc/self/fd"
MOUNTS = "/proc/self/mounts"

# File systems that another host may write to, or that pass locks on to something that does not keep them.
NETWORK_FILE_SYSTEMS = frozenset(
    """
    9p afs beegfs ceph cifs davfs gfs2 glusterfs gpfs lustre ncpfs nfs nfs4 ocfs2 orangefs prl_fs smb2 smb3 smbfs
    vboxsf virtiofs vmhgfs
    """.split()  # noqa: SIM905 - twenty lines of list for one fact
)
LOCAL_FUSE = frozenset({"fuse.fuse-overlayfs", "fuse.ntfs-3g", "fuse.ext2"})  # any other FUSE may be a network's


def refuse_foreign_handles(path: str) -> None:
    """Raise `ForeignHandle` if this process holds `path` open outside this package's SQLite."""
    try:
        wanted = os.stat(path)
        names = os.listdir(DESCRIPTORS)
    except OSError:
        return  # no such file, or not here: systems without /proc
    theirs, ours = 0, 0
    for name in names:
        try:
            if not os.path.samestat(os.stat(f"{DESCRIPTORS}/{name}"), wanted):
                continue
            with open(f"/proc/self/fdinfo/{name}") as file:
                flags = int(file.read().split("flags:")[1].split()[0], 8)
        except OSError:
            continue  # the descriptor was closed meanwhile, this listing's own among them
        ours += bool(flags & O_NOFOLLOW)
        theirs += not flags & O_NOFOLLOW
    # While connections of ours exist, SQLite may keep descriptors of closed ones, so a surplus proves nothing.
    if theirs or (ours and not connections_to(path)):
        raise ForeignHandle(
            f"{path!r} is held open by this process outside neurograph (a file object, a memory map or the module "
            "sqlite3), which would drop SQLite's locks; close it first, or use it in another process"
        )


def connections_to(path: str) -> int:
    """Return how many connections of this SQLite, ours or others', this process may have to the file."""
    try:
        wanted = os.stat(path)
    except OSError:
        return 0
    count = 0
    for connection in apsw.connections():
        try:
            count += os.path.samestat(os.stat(connection.filename), wanted)
        except apsw.ThreadingViolationError:
            count += 1  # another thread is using it and its name can't be asked: it may be this file
        except (OSError, apsw.ConnectionClosedError):
            continue  # a database in memory, or a connection closed meanwhile
    return count


def network_file_system(path: str) -> str | None:
    """Return the type of the network file system that holds `path`, or None (also where that can't be told)."""
    if sys.platform == "win32":
        return "a network share" if path.startswith(("\\\\", "//")) else None
    try:
        with open(MOUNTS, encoding="utf-8", errors="surrogateescape") as file:
            mounts = file.read()
    except OSError:
        return None
    found = file_system(os.path.realpath(path), mounts)
    return found if found in NETWORK_FILE_SYSTEMS or (found.startswith("fuse.") and found not in LOCAL_FUSE) else None


def file_system(path: str, mounts: str) -> str:
    """Return the type of the file system that holds `path` by a table in the form of ``/proc/mounts``, or ``""``."""
    best, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = fields[1].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        if (path == point or path.startswith(point.rstrip("/") + "/")) and len(point) >= len(best):
            best, kind = point, fields[2]
    return kind
