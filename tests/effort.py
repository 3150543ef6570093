"""How hard a test looks for counterexamples: at a third of the examples always, at all of them with ``--slow``.

Examples are drawn anew in each run, so what one run does not try the next one may. Only what takes seconds is counted
here; see `tests/README.md`.
"""

from __future__ import annotations

import os


def examples(all_of_them: int) -> int:
    """Return how many of so many examples are tried in this run."""
    return all_of_them if os.environ.get("NGDB_SLOW") else max(10, all_of_them // 3)
