"""What the queue takes, beside litequeue and persist-queue: ``python benches/queues.py [--folder FOLDER] [--write]``.

Each side makes its own JSON of the same payload of about 150 bytes and reads it back, at the same synchronous level,
in files of the same folder; the best of several rounds taken in turn. litequeue's claim grows with its backlog, so
there are two of these.
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
from measure import Row, faster, machine, table, write
from persistqueue import SQLiteAckQueue

import neurograph

PAYLOAD = {"id": 12345, "kind": "token.created", "text": "x" * 100}
BATCH = 128
SINGLES = 4000  # messages of a round, one at a time; the long backlog
POPPED = 400  # the short one
NUMBERS = itertools.count()
Rates = tuple[float, ...]  # seconds for a publish, for a claim and its ack, the same with a long backlog


def each(work: Callable[[], object], count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        work()
    return (time.perf_counter() - began) / count


def ours(folder: Path, synchronous: str, page_size_bytes: int = 8192) -> Rates:
    path = folder / f"ours{next(NUMBERS)}.ngdb"
    with neurograph.open(path, synchronous=synchronous, page_size_bytes=page_size_bytes) as db:
        queue = db.queue
        for _ in range(64):  # statements compiled, ids noted ahead
            queue.publish("c", PAYLOAD)
        queue.ack_many(queue.claim("c", 64))

        def work() -> None:
            (message,) = queue.claim("c")
            assert message.payload["id"] == 12345
            queue.ack(message)

        each(lambda: queue.publish("c", PAYLOAD), POPPED)
        short = each(work, POPPED)
        published = each(lambda: queue.publish("c", PAYLOAD), SINGLES)
        return published, short, each(work, POPPED)


def ours_in_batches(folder: Path, synchronous: str) -> Rates:
    with neurograph.open(folder / f"ours{next(NUMBERS)}.ngdb", synchronous=synchronous) as db:
        queue = db.queue
        queue.publish("c", PAYLOAD)
        queue.ack(queue.claim("c")[0])
        payloads = [PAYLOAD] * BATCH

        def work() -> None:
            messages = queue.claim("c", BATCH)
            assert len([message.payload for message in messages]) == BATCH
            assert not queue.ack_many(messages)

        published = each(lambda: queue.publish_many("c", payloads), 40) / BATCH
        return published, each(work, 40) / BATCH


def litequeue(folder: Path, synchronous: str) -> Rates:
    queue = LiteQueue(str(folder / f"lite{next(NUMBERS)}.db"))
    queue.conn.execute(f"pragma synchronous = {synchronous}")

    def work() -> None:
        message = queue.pop()
        assert json.loads(message.data)["id"] == 12345
        queue.done(message.message_id)

    each(lambda: queue.put(json.dumps(PAYLOAD)), POPPED)
    short = each(work, POPPED)
    published = each(lambda: queue.put(json.dumps(PAYLOAD)), SINGLES)
    long = each(work, POPPED)
    queue.conn.close()
    return published, short, long


def persist_queue(folder: Path, synchronous: str) -> Rates:
    assert synchronous == "normal"
    queue = SQLiteAckQueue(str(folder / f"persist{next(NUMBERS)}"), auto_commit=True)

    published = each(lambda: queue.put(PAYLOAD), POPPED)

    def acked() -> None:
        item = queue.get(raw=True)
        assert item["data"]["id"] == 12345
        queue.ack(id=item["pqid"])

    return published, each(acked, POPPED)


def best(rounds: int, **sides: Callable[[], Rates]) -> dict[str, Rates]:
    """Return the best of each of its times for each side, taken in turn."""
    found: dict[str, list[Rates]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            found[name].append(side())
    return {name: tuple(map(min, zip(*rates, strict=True))) for name, rates in found.items()}


def queue(folder: Path, rounds: int) -> list[Row]:
    normal = best(
        rounds,
        ours=lambda: ours(folder, "normal"),
        small=lambda: ours(folder, "normal", 4096),
        lite=lambda: litequeue(folder, "normal"),
        persist=lambda: persist_queue(folder, "normal"),
    )
    full = best(
        rounds,
        batches=lambda: ours_in_batches(folder, "full"),
        ours=lambda: ours(folder, "full"),
        lite=lambda: litequeue(folder, "full"),
    )
    return [
        faster("publish, NORMAL", normal["ours"][0], normal["lite"][0], "litequeue", 1.3),
        faster("publish, NORMAL, pages of 4 KiB", normal["small"][0], normal["lite"][0], "litequeue", 1.3),
        faster("publish, NORMAL", normal["ours"][0], normal["persist"][0], "persist-queue", 1.3),
        faster("claim + ack, NORMAL, backlog of 4,000", normal["ours"][2], normal["lite"][2], "litequeue", 5),
        faster("claim + ack, NORMAL, backlog of 400", normal["ours"][1], normal["lite"][1], "litequeue", 5),
        faster("claim + ack, NORMAL", normal["ours"][1], normal["persist"][1], "persist-queue", 5),
        faster("publish, FULL", full["ours"][0], full["lite"][0], "litequeue", 1),
        faster("claim + ack, FULL, backlog of 4,000", full["ours"][2], full["lite"][2], "litequeue", 1),
        faster(
            "round trip, FULL, batches of 128, backlog of 4,000",
            sum(full["batches"]),
            full["lite"][0] + full["lite"][2],
            "litequeue, one by one",
            40,
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        text = f"{machine()}.\n\n{table(queue(Path(made), options.rounds))}"
    print(text)
    if options.write:
        write("queues.py", text)


if __name__ == "__main__":
    main()
