"""What the package says: records of the logger ``neurograph``, never a print.

1. Nobody can listen as long as nothing in the process has imported `logging`: there is no handler, no level and no
   `lastResort`. So nothing is said until then, and `logging` is never imported for its own sake: it costs 7 to
   9 ms, as much as apsw and `open` together.
2. From then on every record goes to the logger ``neurograph``, whenever and by whomever it was configured.
3. The logger has a handler before it gets a record, a `NullHandler` if nobody gave it one: without any, Python prints
   warnings to stderr.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logging import Logger


def logger() -> Logger | None:
    """Return the logger ``neurograph``, or None as long as nobody can listen."""
    if "logging" not in sys.modules:
        return None
    import logging  # waits, where another thread is loading it at this moment

    found = logging.getLogger("neurograph")
    if not found.handlers:
        found.addHandler(logging.NullHandler())
    return found


def info(message: str, *values: object) -> None:
    """Say what is worth knowing, in the name of the caller's line; `values` are filled in as `logging` does."""
    if listener := logger():
        listener.info(message, *values, stacklevel=2)


def warning(message: str, *values: object) -> None:
    """Say what somebody should look at, as `info`."""
    if listener := logger():
        listener.warning(message, *values, stacklevel=2)
