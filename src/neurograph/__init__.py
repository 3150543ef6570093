"""NeuroGraph DB: one SQLite file for a mind.

    >>> import neurograph
    >>> with neurograph.open(":memory:") as db:
    ...     db.tokens.create("cat").label
    'cat'

Importing this package loads apsw and little else; numpy and numba come with the first answer that repays them.
``NATIVE_AVAILABLE`` is True where kernels can be used: numba is installed and ``NGDB_KERNELS=off`` is not set.
"""

from __future__ import annotations

import logging

from ._version import __version__
from .connection.result import Result
from .database import Database, open
from .errors import NeurographError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .flows.installation import runtime_info
    from .model.token import Token

    NATIVE_AVAILABLE: bool

logging.getLogger("neurograph").addHandler(logging.NullHandler())

del TYPE_CHECKING  # nothing but the names below is public

__all__ = [  # noqa: RUF022 - sorted as `sorted` does
    "Database",
    "NATIVE_AVAILABLE",
    "NeurographError",
    "Result",
    "Token",
    "__version__",
    "open",
    "runtime_info",
]


def __getattr__(name: str) -> Any:
    """Load what not every program needs when it is first asked for."""
    if name == "NATIVE_AVAILABLE":  # found, not imported: numba takes 0.3 s
        from .derived.policy import kernels_available

        return kernels_available()
    if name == "Token":
        from .model.token import Token

        return Token
    if name == "runtime_info":
        from .flows.installation import runtime_info

        return runtime_info
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
