"""The queue between two processes: ``python benches/queue_processes.py [--vectors 1000000] [--write]``.

- Messages end to end: one process publishes, a transaction each, another claims and acks as they come, beside litequeue
  at the same synchronous level. Time runs from the first publish to the last ack. The peer has no way to wait, so its
  consumer looks every millisecond.
- From commit to handler: 1,000 messages a second at FULL, from the moment when a publish has returned to that when the
  handler begins.
- What a consumer that waits takes of a core, and the longest wait of a publisher while another process loads vectors.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from litequeue import LiteQueue
from measure import Row, at_most, faster, machine, one_thread, said, table, write

import neurograph

PAYLOAD = {"id": 12345, "kind": "token.created", "text": "x" * 100}
RATE_PER_S = 1000
IDLE_S = 5.0
DIMENSIONS = 128
PAUSE_S = 0.001  # of litequeue's consumer where it found nothing; without one it keeps the publisher from the lock
NUMBERS = itertools.count()


class Other:
    """A process that runs a function of this module; its answer is what the function returned."""

    def __init__(self, work: Callable[..., Any], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, far = context.Pipe()
        self.process = context.Process(target=_run, args=(far, work, arguments), daemon=True)
        self.process.start()
        assert self.pipe.recv() == "ready"

    def go(self) -> None:
        self.pipe.send("go")

    def answer(self) -> Any:
        found = self.pipe.recv()
        self.process.join()
        return found


def _run(pipe: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """Call `work` with a function that says it is ready and waits for the start."""

    def ready() -> None:
        pipe.send("ready")
        pipe.recv()

    pipe.send(work(ready, *arguments))


# --- end to end -----------------------------------------------------------------------------------------------------


def publish_ours(ready: Callable[[], None], path: str, count: int, synchronous: str) -> float:
    with neurograph.open(path, synchronous=synchronous) as db:
        ready()
        began = time.monotonic()
        for _ in range(count):
            db.queue.publish("c", PAYLOAD)
    return began


def consume_ours(ready: Callable[[], None], path: str, count: int, synchronous: str, n: int, many: bool) -> float:
    with neurograph.open(path, synchronous=synchronous) as db, db.queue.consume("c", n=1 if many else n) as consumer:
        ready()
        left = count
        for message in consumer:
            batch = [message, *db.queue.claim("c", n)] if many else [message]
            assert all(message.payload["id"] == 12345 for message in batch)
            if many:
                assert not db.queue.ack_many(batch)
            else:
                db.queue.ack(message)
            left -= len(batch)
            if not left:
                return time.monotonic()
    raise AssertionError


def publish_lite(ready: Callable[[], None], path: str, count: int, synchronous: str) -> float:
    queue = LiteQueue(path)
    queue.conn.execute(f"pragma synchronous = {synchronous}")
    ready()
    began = time.monotonic()
    for _ in range(count):
        queue.put(json.dumps(PAYLOAD))
    queue.conn.close()
    return began


def consume_lite(ready: Callable[[], None], path: str, count: int, synchronous: str) -> float:
    queue = LiteQueue(path)
    queue.conn.execute(f"pragma synchronous = {synchronous}")
    ready()
    left = count
    while left:
        message = queue.pop()
        if message is None:
            time.sleep(PAUSE_S)
            continue
        assert json.loads(message.data)["id"] == 12345
        queue.done(message.message_id)
        left -= 1
    ended = time.monotonic()
    queue.conn.close()
    return ended


def end_to_end(publisher: Other, consumer: Other) -> float:
    """Return how long two processes take, from the first publish to the last ack."""
    consumer.go()
    publisher.go()
    began = publisher.answer()
    return float(consumer.answer() - began)


# --- commit to handler ----------------------------------------------------------------------------------------------


def publish_paced(ready: Callable[[], None], path: str, count: int, rate_per_s: float) -> list[float]:
    """Return when each publish had returned, published at an even pace as far as the disk keeps up."""
    done = []
    with neurograph.open(path, synchronous="full") as db:
        ready()
        began = time.monotonic()
        for number in range(count):
            time.sleep(max(0.0, began + number / rate_per_s - time.monotonic()))
            db.queue.publish("c", number)
            done.append(time.monotonic())
    return done


def handle(ready: Callable[[], None], path: str, count: int, n: int, how: str) -> list[float]:
    """Return when each message's handler, or turn of the loop, began."""
    begun = [0.0] * count

    def handler(message: neurograph.Message) -> None:
        begun[message.payload] = time.monotonic()

    with neurograph.open(path, synchronous="full") as db:
        if how == "work":
            with db.queue.work("c", handler, n=n) as worker:
                ready()
                while worker.done < count:
                    time.sleep(0.05)
            return begun
        with db.queue.consume("c", n=n) as consumer:
            ready()
            for message, left in zip(consumer, range(count - 1, -1, -1), strict=False):
                handler(message)
                db.queue.ack(message)
                if not left:
                    break
    return begun


def latencies(folder: Path, count: int, n: int, how: str) -> list[float]:
    """Return what passed from each commit to its handler, in order of size."""
    path = made(folder)
    consumer = Other(handle, path, count, n, how)
    publisher = Other(publish_paced, path, count, RATE_PER_S)
    consumer.go()
    publisher.go()
    done, begun = publisher.answer(), consumer.answer()
    return sorted(start - end for start, end in zip(begun, done, strict=True))


# --- idle, and beside a load of vectors -----------------------------------------------------------------------------


def wait_idle(ready: Callable[[], None], path: str, seconds: float) -> float:
    """Return the share of a core that a consumer takes to which nothing comes."""
    with neurograph.open(path) as db, db.queue.consume("c", timeout_s=seconds) as consumer:
        ready()
        list(db.queue.consume("c", timeout_s=0))  # modules loaded
        began, used = time.monotonic(), time.process_time()
        assert list(consumer) == []
        return (time.process_time() - used) / (time.monotonic() - began)


def load_vectors(ready: Callable[[], None], path: str, count: int) -> float:
    """Load vectors, and return how long it took."""
    vectors = np.random.default_rng(0).standard_normal((count, DIMENSIONS), dtype=np.float32)
    with neurograph.open(path) as db:
        library = db.library.create("v", dimension=DIMENSIONS)
        ready()
        began = time.monotonic()
        for first in range(0, count, 10_000):
            library.add(vectors[first : first + 10_000])
        return time.monotonic() - began


def waits_beside_a_load(folder: Path, count: int) -> tuple[list[float], float]:
    """Return how long each publish took while another process loaded vectors, and how long that took."""
    path = made(folder)
    loader = Other(load_vectors, path, count)
    waits = []
    with neurograph.open(path) as db:
        db.queue.publish("c", PAYLOAD)
        loader.go()
        while not loader.pipe.poll():
            began = time.perf_counter()
            db.queue.publish("c", PAYLOAD)
            waits.append(time.perf_counter() - began)
            time.sleep(0.002)
    return sorted(waits), loader.answer()


def made(folder: Path) -> str:
    """Return the path of a new file with the channel."""
    path = folder / f"ours{next(NUMBERS)}.ngdb"
    with neurograph.open(path) as db:
        db.queue.create_channel("c")
    return str(path)


def syncs(folder: Path, count: int = 500) -> str:
    """Say how long the disk takes to keep 8 KiB: at FULL a message is published, claimed and acked by one sync each."""
    path, took = folder / "syncs", []
    with path.open("wb", buffering=0) as file:
        for _ in range(count):
            file.write(bytes(8192))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    took.sort()
    return f"A sync of 8 KiB took {said(quantile(took, 0.5))} there, p99 {said(quantile(took, 0.99))}."


def quantile(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))]


def rows(folder: Path, count: int, vectors: int, rounds: int) -> list[Row]:
    ways: dict[str, Callable[[str], Other]] = {
        "one at a time": lambda path: Other(consume_ours, path, count, "normal", 1, False),
        "claimed 64 ahead": lambda path: Other(consume_ours, path, count, "normal", 64, False),
        "claimed and acked by 64": lambda path: Other(consume_ours, path, count, "normal", 64, True),
    }
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, way in ways.items():
            path = made(folder)
            times.setdefault(name, []).append(end_to_end(Other(publish_ours, path, count, "normal"), way(path)))
        path = str(folder / f"lite{next(NUMBERS)}.db")
        publisher = Other(publish_lite, path, count, "normal")
        took = end_to_end(publisher, Other(consume_lite, path, count, "normal"))
        times.setdefault("litequeue", []).append(took)
    each = {name: min(found) / count for name, found in times.items()}
    found = [
        faster(f"two processes end to end, NORMAL, {name}", each[name], each["litequeue"], "litequeue", target)
        for name, target in zip(ways, (1, 1, 5), strict=True)
    ]
    for what, how, n in (("a worker", "work", 16), ("consume", "consume", 16)):
        best = min((latencies(folder, 4 * RATE_PER_S, n, how) for _ in range(rounds)), key=lambda x: quantile(x, 0.99))
        found.append(at_most(f"commit to handler, {what}, 1,000/s, FULL, p50", quantile(best, 0.5), 0.005))
        found.append(at_most(f"commit to handler, {what}, 1,000/s, FULL, p99", quantile(best, 0.99), 0.030))
    found.append(idle(folder))
    waits, took = waits_beside_a_load(folder, vectors)
    what = f"publish while {vectors:,} vectors of {DIMENSIONS} load in {took:.0f} s"
    found.append(at_most(f"{what}, p99 of {len(waits):,}", quantile(waits, 0.99), 0.250))
    found.append(at_most(f"{what}, the longest", waits[-1], 0.250))
    return found


def idle(folder: Path) -> Row:
    other = Other(wait_idle, made(folder), IDLE_S)
    other.go()
    share = other.answer()
    return Row("idle consumer", f"{share:.2%} of a core", "limit: 1 %", 0.01 / share, "≤ 1 %", share <= 0.01)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--count", type=int, default=4000, help="messages of a round")
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    one_thread()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        found = rows(Path(folder), options.count, options.vectors, options.rounds)
        text = f"{machine()}. {syncs(Path(folder))}\n\n{table(found)}"
    print(text)
    if options.write:
        write("queue_processes.py", text)


if __name__ == "__main__":
    main()
