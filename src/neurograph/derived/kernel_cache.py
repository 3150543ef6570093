"""Where numba keeps compiled kernels, told without importing it.

numba tries the folder that ``NUMBA_CACHE_DIR`` names, then the one beside the kernels, then the user's own. Where it
can write none of them it refuses to import a kernel, so kernels can't be used there.
"""

from __future__ import annotations

import os
import sys
from functools import cache

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KERNELS = os.path.join(_PACKAGE, "kernels")


def cache_folder() -> str | None:
    """Return the first folder that can be written, whether it exists yet or not; None where there is none.

    Examples
    --------
    >>> cache_folder() is None or os.path.isabs(cache_folder())
    True
    """
    named = os.environ.get("NUMBA_CACHE_DIR")
    folders = [os.path.abspath(named)] if named else []
    folders += [os.path.join(KERNELS, "__pycache__"), os.path.join(_users_folder(), "numba")]
    return next((folder for folder in folders if _writable(folder)), None)


def is_compiled(family: str) -> bool:
    """Tell whether kernels of a family (``"graph"``, ``"grid"``) were compiled since their source was last changed.

    True as well where ``NUMBA_DISABLE_JIT`` leaves nothing to compile.

    Examples
    --------
    >>> is_compiled("graph") in (True, False)
    True

    Notes
    -----
    Reads two folders: 0.2 ms. One kernel of the family stands for all: `ngdb warm` compiles every one.
    """
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return True
    changed = [entry.stat().st_mtime for entry in _entries(KERNELS) if _is_of(entry.name, family, ".py")]
    compiled = [entry.stat().st_mtime for entry in _entries(_our_folder()) if _is_of(entry.name, family, _INDEX)]
    return bool(changed and compiled) and max(compiled) >= max(changed)


@cache
def forget_stale() -> None:
    """Delete the index of every kernel whose source was changed since it was compiled, once a process.

    numba passes them over as well, but only after it has read them, and reading fails where a class that the older
    kernel was called with is gone: an upgrade leaves such files behind. Costs 0.3 ms.
    """
    changed = {entry.name.removesuffix(".py"): entry.stat().st_mtime for entry in _entries(KERNELS)}
    for entry in _entries(_our_folder()):
        source = entry.name.partition(".")[0]
        if entry.name.endswith(_INDEX) and not changed.get(source, float("inf")) <= entry.stat().st_mtime:
            try:  # noqa: SIM105 - contextlib is not loaded on the way to `open`
                os.unlink(entry)
            except OSError:
                pass  # another process was quicker, or the folder is read-only


def _our_folder() -> str:
    """Return where compiled kernels of this package are; "" where they can't be anywhere."""
    folder = cache_folder()
    if folder is None or os.path.dirname(folder) == KERNELS:
        return folder or ""
    import hashlib  # 4 ms, and not on the way to `open`

    # numba's name for the part of a shared folder that is ours
    return os.path.join(folder, f"kernels_{hashlib.sha1(KERNELS.encode(), usedforsecurity=False).hexdigest()}")


_INDEX = f".py{sys.version_info.major}{sys.version_info.minor}.nbi"  # how numba ends the name of an index file


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        return list(os.scandir(folder))
    except OSError:
        return []


def _is_of(name: str, family: str, ending: str) -> bool:
    return name.startswith(f"{family}_") and name.endswith(ending)


def _users_folder() -> str:
    """Return the user's folder for caches, as numba finds it."""
    if sys.platform == "win32":
        return os.environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Caches")
    return os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")


def _writable(folder: str) -> bool:
    """Tell whether files can be made in `folder`, or it and what it is in can be made first."""
    while not os.path.lexists(folder):
        above = os.path.dirname(folder)
        if above == folder:
            return False
        folder = above
    return os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)
