"""What writing events costs their writers: types off, on and merely looked at; the log itself; draws from experience.

In memory, processor time, each of the three in turn, best of many; nothing is undone but what the next turn needs.

    python benches/events.py [--rounds 30]
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator
from time import thread_time_ns

from measure import machine

import neurograph as ng

ROWS = 1000
STATE = [1, 0.5, 0.2, 0.4, 0.3, 0.8, -0.1, 0.9]


def opened(how: str) -> ng.Database:
    """Return a database whose types are off, have triggers that look at a switch, or are on."""
    db = ng.open(":memory:")
    if how != "off":
        db.events.enable("*")
    if how == "looked at":
        db.execute("update event_type set enabled = 0 where by_triggers")
    db.queue.create_channel("c")
    return db


def turns(db: ng.Database) -> Iterator[tuple[str, int, Callable[[], object]]]:
    """Yield what is timed: a name, how many rows it writes, the work."""
    each = range(1, ROWS + 1)
    half = ROWS // 2
    messages: list[ng.Message] = []
    insert, update = "insert into token (weight) values (?)", "update token set weight = ? where id = ?"
    yield "insert a token, SQL", ROWS, lambda: db.executemany(insert, [(0.5,) for _ in each])
    yield "update a token, one a statement", ROWS, lambda: db.executemany(update, [(0.6, id) for id in each])
    yield "update all tokens", ROWS, lambda: db.execute("update token set weight = 0.7")
    links = "insert into connection (source, target) values (?, ?)"
    yield "insert a connection, SQL", ROWS - 1, lambda: db.executemany(links, [(id, id + 1) for id in each[:-1]])
    yield "delete all tokens", ROWS, lambda: db.execute("delete from token")
    yield "`tokens.create`", 200, lambda: [db.tokens.create() for _ in range(200)]
    yield "`tokens.create_many`, 1000", ROWS, lambda: db.tokens.create_many(count=ROWS)
    yield "`queue.publish`", ROWS, lambda: [db.queue.publish("c", {"id": id}) for id in each]
    yield "`queue.claim`", half, lambda: [messages.extend(db.queue.claim("c")) for _ in range(half)]
    yield "`queue.ack`", half, lambda: [db.queue.ack(message) for message in messages]
    yield "claim 64 and `ack_many`", 448, lambda: [db.queue.ack_many(db.queue.claim("c", 64)) for _ in range(7)]
    yield "`queue.publish_many`", ROWS, lambda: db.queue.publish_many("c", [{"id": id} for id in each])


def microseconds(work: Callable[[], object], rows: int) -> float:
    began = thread_time_ns()
    work()
    return (thread_time_ns() - began) / 1000 / rows


def writers(rounds: int) -> str:
    databases = {how: opened(how) for how in ("off", "looked at", "on")}
    found: dict[str, dict[str, float]] = {}
    for _ in range(rounds):
        for how, db in random.sample([*databases.items()], 3):
            db.begin()
            for what, rows, work in turns(db):
                took = microseconds(work, rows)
                kept = found.setdefault(what, {})
                kept[how] = min(took, kept.get(how, took))
            db.rollback()
    lines = [f"| µs a row | {' | '.join(databases)} |", "|---|---|---|---|"]
    lines += [f"| {what} | {' | '.join(f'{kept[how]:.2f}' for how in databases)} |" for what, kept in found.items()]
    return "\n".join(lines)


def log_and_experience(rounds: int) -> str:
    db = ng.open(":memory:")
    db.events.emit_many("custom", [{"n": n, "name": f"x{n}"} for n in range(200_000)])
    db.experience.record_many([STATE] * 50_000, rewards=[{"goal": n % 7} for n in range(50_000)])
    cases: dict[str, tuple[Callable[[], object], int]] = {
        "`emit`": (lambda: [db.events.emit("custom", {"n": n}) for n in range(1000)], 1000),
        "`emit_many`": (lambda: db.events.emit_many("custom", [{"n": n} for n in range(1000)]), 1000),
        "pass over an event of another type": (lambda: db.events.count("system.startup"), 200_000),
        "a condition on an event": (lambda: db.events.count(where={"n": {"$gt": 5}}), 200_000),
        "read an event": (lambda: sum(1 for _ in db.events.read(limit=20_000)), 20_000),
        "find a time": (lambda: next(db.events.read(since_ns=1, limit=1), None), 1),
        "`experience.record`": (lambda: [db.experience.record(STATE, episode=1) for _ in range(200)], 200),
        "draw 64 uniformly": (lambda: db.experience.sample(64), 1),
        "draw 64 by reward, an experience": (lambda: db.experience.sample(64, "reward"), 50_000),
    }
    best: dict[str, float] = {}
    for _ in range(max(3, rounds // 10)):
        db.begin()
        for what, (work, rows) in cases.items():
            took = microseconds(work, rows)
            best[what] = min(took, best.get(what, took))
        db.rollback()
    return "\n".join(["| | µs |", "|---|---|", *(f"| {what} | {took:.3g} |" for what, took in best.items())])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    given = parser.parse_args()
    print(machine(), writers(given.rounds), log_and_experience(given.rounds), sep="\n\n")
