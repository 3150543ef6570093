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
from pathlib import Path
from typing import Any

import crash_transactions
import queue_calls as calls
import watched_disk

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


def queue_calls(path: str, kill_at: int, grace_s: float) -> None:
    """Run the calls of `queue_calls.py`, each said when it has returned, and die at an operation on the disk."""
    with watched_disk.WatchedDisk(Path(path)) as disk, neurograph.open(path, busy_timeout_s=grace_s) as db:
        disk.kill_at(kill_at)
        for call, *_ in calls.states(db):
            say(call.name)
        disk.fault = None


def publish(path: str, writer: int, undone_every: int, count: int | None = None) -> None:
    """Publish messages, say the number of each once it is committed; some with a token, some undone with their token.

    Numbers go on above those of a life before this one, up to `count` or for ever.
    """
    with opened(path) as db:
        key = f"{writer}"
        for number in itertools.count(db.storage.get("numbers", key, 0) + 1):
            if count is not None and number > count:
                return
            name = f"{writer}:{number}"
            if number % undone_every == 0:
                try:
                    with db.transaction():
                        db.tokens.create(f"undone {name}")
                        db.queue.publish("many", f"undone {name}")
                        raise ZeroDivisionError
                except ZeroDivisionError:
                    pass
            with db.transaction():
                db.storage.set("numbers", key, number)
                if number % 8 == 0:
                    db.tokens.create(name)
                    db.queue.publish("tokens", name)
                else:
                    db.queue.publish("ordered" if number % 4 == 0 else "many", name, priority=number % 3)
            say(number)


def consume(path: str, channels: list[str], n: int) -> None:
    """Claim messages, do their work once for each claim, ack them; say what was worked on and what was acked.

    It ends when the queue is empty and the publishers have written that they are done.
    """
    with opened(path) as db, db.queue.consume(channels, n=n, timeout_s=0.05) as consumer:
        while True:
            batch = [message for message, _ in zip(consumer, range(n), strict=False)]
            for message in batch:
                say(f"work {message.channel} {message.id} {message.attempts} {message.priority} {message.payload}")
            lost = {message.id for message in db.queue.ack_many(batch)}
            for message in batch:
                if message.id not in lost:
                    say(f"acked {message.channel} {message.id} {message.attempts} {message.priority} {message.payload}")
            if not batch and db.storage.get("numbers", "done") and not any(map(pending, db.queue.stats_of_all())):
                return


def pending(stats: neurograph.ChannelStats) -> int:
    return stats.ready + stats.delayed + stats.claimed


WORKS = {
    work.__name__: work for work in (transactions, count, create, upgrade, optimize, queue_calls, publish, consume)
}


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
