"""`db.check()`: the database audits its own invariants.

| file | invariants |
|---|---|
| `invariant.py` | what an invariant and a violation are |
| `file.py` | the file itself: SQLite's own checks, schema, migrations |
| `tokens.py` | tokens, vocabularies |
| `links.py` | edges, counters, connections |
| `libraries.py` | libraries, items, vectors |
| `partitions.py` | partitions of libraries |
| `texts.py` | text indexes |
| `feedback.py` | feedback, standings |
| `queue.py` | channels, messages |
| `storage.py` | storage, its namespaces and changes |
| `events.py` | events, their types and triggers, experience |
| `topics.py` | topics, entries, subscriptions, deliveries |
| `rules.py` | the constitution, and rows beyond its limits |
| `derived.py` | marks and saved arrays |
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw

from .derived import DERIVED
from .events import EVENTS
from .feedback import FEEDBACK
from .file import FILE
from .invariant import Invariant, Violation
from .libraries import LIBRARIES
from .links import LINKS
from .partitions import PARTITIONS
from .queue import QUEUE
from .rules import RULES
from .storage import STORAGE
from .texts import TEXTS
from .tokens import TOKENS
from .topics import TOPICS

if TYPE_CHECKING:
    from ...connection.session import Session

INVARIANTS: tuple[Invariant, ...] = (
    *FILE,
    *TOKENS,
    *LINKS,
    *LIBRARIES,
    *PARTITIONS,
    *TEXTS,
    *FEEDBACK,
    *QUEUE,
    *STORAGE,
    *EVENTS,
    *TOPICS,
    *RULES,
    *DERIVED,
)
"""Every invariant, in the order they are looked at."""

__all__ = ["INVARIANTS", "Invariant", "Violation", "check"]


def check(session: Session, limit: int) -> list[Violation]:
    """Return what is wrong, at most `limit` violations of each invariant; all of it seen in one state."""
    found: list[Violation] = []
    with session.reading() as line:
        for invariant in INVARIANTS:
            line.tick()
            try:
                found += invariant.violations(line.connection, limit)
            except apsw.SQLError:  # it asks for a table or a column that is gone, as file.objects has said
                if not any(violation.invariant == "file.objects" for violation in found):
                    raise
    return found
