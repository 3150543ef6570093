"""A program that works on a file until it is killed, and says on standard output what it has finished.

It reads a task a line, a JSON object: ``work`` names one of `WORKS`, ``path`` the file, and the rest is what that work
takes. For each task it prints ``pid N``, what the work says, and ``ended`` when the process of the task is gone. Where
there is fork, that process is a child of this one, so a kill costs no new interpreter (0.2 s with the stores loaded);
elsewhere it is this process itself, and its end is the end of the output.

What is printed is printed by one `write` each, so nothing of it is lost or torn by a kill.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import traceback
from typing import Any

import crash_transactions

import neurograph
from neurograph import migrate


def say(text: object) -> None:
    os.write(1, f"{text}\n".encode())


def opened(path: str, journal: str = "wal") -> neurograph.Database:
    return neurograph.open(path, journal=journal)


def transactions(path: str, journal: str, schema: str | None = None, checkpoint_pages: int = 20) -> None:
    """Commit numbered transactions for ever, each said when its commit has returned; checkpoints come often."""
    with opened(path, journal) as db:
        db.execute(f"pragma wal_autocheckpoint({checkpoint_pages})")
        for number in itertools.count(crash_transactions.last(db) + 1):
            crash_transactions.commit(db, number)
            say(number)


def count(path: str, journal: str, times: int | None = None) -> None:
    """Read a counter, write it one higher, and leave a token with an edge that remembers the value; say the value."""
    with opened(path, journal) as db:
        for _ in itertools.count() if times is None else range(times):
            with db.transaction():
                value = db.tokens.get("counter").properties["value"] + 1
                db.tokens.update("counter", properties={"value": value})
                token = db.tokens.create(properties={"value": value})
                db.graph.create("counter", token)
            say(value)


def create(path: str, journal: str) -> None:
    """Create a file."""
    opened(path, journal)
    say("created")


def upgrade(path: str, journal: str, schema: str) -> None:
    """Migrate a file to the schema in a folder."""
    migrate.schema_folder = lambda: schema  # type: ignore[assignment]
    opened(path, journal)
    say("migrated")


def optimize(path: str, journal: str) -> None:
    """Save arrays, drop them and save them again for ever, committing a transaction in between."""
    with opened(path, journal) as db:
        for number in itertools.count(crash_transactions.last(db) + 1):
            db.optimize()
            crash_transactions.commit(db, number)
            say(number)
            db.drop_derived()


WORKS = {work.__name__: work for work in (transactions, count, create, upgrade, optimize)}


def run(work: str, stay: bool, **arguments: Any) -> None:
    """Do a piece of work, and stay to be killed: the number of a process that is gone may be another's.

    An error is said, for it must not be taken for a kill.
    """
    try:
        WORKS[work](**arguments)
    except BaseException:
        say(f"failed {json.dumps(traceback.format_exc())}")
    if stay:
        os.read(0, 1)  # nothing comes, but the end when whoever wants to kill us is gone


def load() -> None:
    """Import what the works import, so that a child begins with its work."""
    with neurograph.open(":memory:") as db:
        crash_transactions.commit(db, 1)
        db.optimize()
        db.drop_derived()


def main() -> None:
    load()
    for line in sys.stdin:
        task = json.loads(line)
        if not hasattr(os, "fork"):
            say(f"pid {os.getpid()}")
            run(**task)
        elif child := os.fork():
            say(f"pid {child}")
            os.waitpid(child, 0)
        else:
            run(**task)
            os._exit(0)
        say("ended")


if __name__ == "__main__":
    main()
