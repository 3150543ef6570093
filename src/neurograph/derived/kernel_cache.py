"""Where numba keeps compiled kernels, told without importing it.

numba tries the folder that ``NUMBA_CACHE_DIR`` names, then the one beside the kernels, then the user's own. Where it
can write none of them it refuses to import a kernel, so kernels can't be used there.
"""

from __future__ import annotations

import os
import sys


def cache_folder() -> str | None:
    """Return the first folder that can be written, whether it exists yet or not; None where there is none.

    Examples
    --------
    >>> cache_folder() is None or os.path.isabs(cache_folder())
    True
    """
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    named = os.environ.get("NUMBA_CACHE_DIR")
    folders = [os.path.abspath(named)] if named else []
    folders += [os.path.join(package, "kernels", "__pycache__"), os.path.join(_users_folder(), "numba")]
    return next((folder for folder in folders if _writable(folder)), None)


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
