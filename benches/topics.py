"""What topics take, beside litequeue: ``python benches/topics.py [--folder FOLDER] [--write]``.

Each side makes its own JSON of the same payload of about 150 bytes and reads it back, at the same synchronous level, in
files of the same folder; the best of several rounds taken in turn. litequeue has no log: its messages are put, popped
and done one at a time, with a backlog of 4,000. Ours are published 128 at a time and read 64 at a time, by a
subscription that acks a batch and claims the next in one transaction.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from litequeue import LiteQueue
from measure import Row, at_most, faster, machine, table, write

import neurograph

PAYLOAD = {"id": 12345, "kind": "token.created", "text": "x" * 100}
PUBLISHED, READ = 128, 64
BATCHES = 60
SINGLES = 4000  # messages of litequeue's backlog
POPPED = 400
NUMBERS = itertools.count()
# The prototype's ratios were 537/5.4 for publishing and 375/2.9 for reading.
PROTOTYPE = {"publish": 99.4, "read": 129.3}
Rates = tuple[float, ...]


def each(work: Callable[[], object], count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        work()
    return (time.perf_counter() - began) / count


def ours(folder: Path, synchronous: str) -> Rates:
    """Return the seconds of an entry: published, read, claimed and acked apart; and of one published alone."""
    with neurograph.open(folder / f"ours{next(NUMBERS)}.ngdb", synchronous=synchronous) as db:
        payloads = [PAYLOAD] * PUBLISHED
        first = db.topics.subscribe("first", "c")
        second = db.topics.subscribe("second", "c")
        db.topics.publish_many("c", payloads)
        published = each(lambda: db.topics.publish_many("c", payloads), BATCHES) / PUBLISHED
        held: list[neurograph.Entry] = []

        def read() -> None:
            nonlocal held
            with db.transaction():
                first.ack_many(held)
                held = first.claim(READ)
            assert sum(entry.payload["id"] for entry in held) == 12345 * READ

        def read_apart() -> None:
            batch = second.claim(READ)
            assert sum(entry.payload["id"] for entry in batch) == 12345 * READ
            assert not second.ack_many(batch)

        together = each(read, BATCHES) / READ
        apart = each(read_apart, BATCHES) / READ
        return published, together, apart, each(lambda: db.topics.publish("c", PAYLOAD), POPPED)


def filtered(folder: Path) -> Rates:
    """Return the seconds a subscription takes to pass an entry that its pattern, or its condition, does not let by."""
    with neurograph.open(folder / f"ours{next(NUMBERS)}.ngdb", synchronous="normal") as db:
        for _ in range(400):
            db.topics.publish_many("c", [PAYLOAD] * PUBLISHED)
        count = 400 * PUBLISHED
        by_name = db.topics.subscribe("by name", "other.*", start="first")
        by_value = db.topics.subscribe("by value", "c", where={"kind": "token.deleted"}, start="first")
        return each(by_name.claim, 1) / count, each(by_value.claim, 1) / count


def litequeue(folder: Path, synchronous: str) -> Rates:
    queue = LiteQueue(str(folder / f"lite{next(NUMBERS)}.db"))
    queue.conn.execute(f"pragma synchronous = {synchronous}")

    def work() -> None:
        message = queue.pop()
        assert json.loads(message.data)["id"] == 12345
        queue.done(message.message_id)

    published = each(lambda: queue.put(json.dumps(PAYLOAD)), SINGLES)
    read = each(work, POPPED)
    queue.conn.close()
    return published, read


def best(rounds: int, **sides: Callable[[], Rates]) -> dict[str, Rates]:
    """Return the best of each of its times for each side, taken in turn."""
    found: dict[str, list[Rates]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            found[name].append(side())
    return {name: tuple(map(min, zip(*rates, strict=True))) for name, rates in found.items()}


def topics(folder: Path, rounds: int) -> list[Row]:
    rows = []
    for level in ("full", "normal"):
        took = best(
            rounds, ours=lambda level=level: ours(folder, level), lite=lambda level=level: litequeue(folder, level)
        )
        (published, read, apart, single), (put, popped) = took["ours"], took["lite"]
        said, name = level.upper(), "litequeue, one by one"
        full = level == "full"
        put_target, read_target = (0.7 * PROTOTYPE[what] if full else 1 for what in ("publish", "read"))
        rows += [
            faster(f"publish, {said}, batches of 128", published, put, name, put_target),
            faster(f"read, {said}, 64 at a time, one commit each", read, popped, name, read_target),
            faster(f"read, {said}, 64 at a time, claim and ack apart", apart, popped, name, 1),
            faster(f"publish, {said}, one by one", single, put, name, 1),
        ]
    by_name, by_value = best(rounds, ours=lambda: filtered(folder))["ours"]
    return [
        *rows,
        at_most("pass over an entry of another topic, with a pattern", by_name, 1e-6),
        at_most("pass over an entry that a condition refuses", by_value, 4e-6),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        text = f"{machine()}.\n\n{table(topics(Path(made), options.rounds))}"
    print(text)
    if options.write:
        write("topics.py", text)


if __name__ == "__main__":
    main()
