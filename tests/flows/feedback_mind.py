"""A small mind for tests of feedback, and all that is in it."""

from __future__ import annotations

from typing import Any

import neurograph
from neurograph import Database

NOT_STORED = {"mark", "sqlite_sequence", "feedback", "feedback_change", "sqlite_stat1", "derived_chunk"}


def contents(db: Database) -> dict[str, list[Any]]:
    """Return every row of every table but the logs, of feedback and of events, and derived state."""
    return {name: rows for name, rows in everything(db).items() if name != "event"}


def everything(db: Database) -> dict[str, list[Any]]:
    """Return the same with the log of events."""
    names = [name for (name,) in db.execute("select name from sqlite_schema where type = 'table'")]
    return {name: sorted(map(repr, db.execute(f"select * from {name}"))) for name in names if name not in NOT_STORED}


def filled() -> Database:
    """Return a mind of four tokens in a line, the first two with items, and an item alone."""
    db = neurograph.open(":memory:")
    a, b, c, _ = (db.tokens.create(label) for label in "abcd")
    db.graph.create(a, b, weight=0.5)
    db.connections.create(b, c, type="cause", weight=0.5, confidence=0.5)
    db.connections.create(a, c, type="hypernym", weight=0.5)
    v = db.library.create("v", dimension=2)
    v.add([[1, 0], [0.9, 0.1], [0.8, 0.2]], keys=["one", "two", "alone"], tokens=[a, b, None])
    return db
