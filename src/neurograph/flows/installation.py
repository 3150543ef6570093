"""What runs here: versions, and whether kernels can."""

from __future__ import annotations

import importlib.metadata
import platform

import apsw

from .._version import __version__
from ..connection.settings import memory_bytes, vec_library
from ..derived.policy import kernels_available

PACKAGES = ("numba", "numpy", "sqlite-vec")


def runtime_info() -> dict[str, str | int | bool | None]:
    """Return what this installation is made of, for a report of a fault.

    Returns
    -------
    dict
        ``version``, ``native_available`` (kernels can be used), ``python_version``, ``platform``, ``sqlite_version``,
        ``apsw_version``, ``sqlite_vec_version``, ``numpy_version``, ``numba_version`` (None where not installed),
        ``sqlite_vec_found`` (its library is where `open` looks), ``memory_bytes``.

    Examples
    --------
    >>> import neurograph
    >>> info = neurograph.runtime_info()
    >>> info["version"] == neurograph.__version__, info["native_available"] == neurograph.NATIVE_AVAILABLE
    (True, True)

    Notes
    -----
    Reads the packages' metadata and imports none of them: about 10 ms.
    """
    versions = {f"{name.replace('-', '_')}_version": _version(name) for name in PACKAGES}
    return {
        "version": __version__,
        "native_available": kernels_available(),
        "python_version": platform.python_version(),
        "platform": platform.platform(),
        "sqlite_version": apsw.sqlite_lib_version(),
        "apsw_version": apsw.apsw_version(),
        **versions,
        "sqlite_vec_found": vec_library() is not None,
        "memory_bytes": memory_bytes(),
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
