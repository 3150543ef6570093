"""NeuroGraph DB: one SQLite file for a mind.

    >>> import neurograph
    >>> with neurograph.open(":memory:") as db:
    ...     db.tokens.create("cat").label
    'cat'

Importing this package loads apsw and little else; numpy and numba come with the first answer that repays them.
"""

from __future__ import annotations

import logging

from ._version import __version__
from .connection.result import Result
from .database import Database, open
from .errors import NeurographError
from .model.token import Token

logging.getLogger("neurograph").addHandler(logging.NullHandler())

__all__ = ["Database", "NeurographError", "Result", "Token", "__version__", "open"]
