"""Linux's word that a file was written to.

The file is not opened for it: closing a descriptor of it would drop SQLite's locks.
"""

from __future__ import annotations

import ctypes
import os

IN_MODIFY = 0x00000002


def watch_file(path: str) -> int | None:
    """Return a descriptor that can be read after the file was written to; None where the system has no such thing.

    Nor where there is no such file, or the user watches all that the system allows (128 descriptors by default).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        init, add = libc.inotify_init1, libc.inotify_add_watch
    except AttributeError:
        return None
    descriptor: int = init(os.O_NONBLOCK | os.O_CLOEXEC)
    if descriptor < 0:
        return None
    if add(descriptor, os.fsencode(path), IN_MODIFY) < 0:
        os.close(descriptor)
        return None
    return descriptor
