"""Eight threads that publish durably: ``python benches/queue_threads.py --folder FOLDER [--write]``.

FOLDER should be on a disk: what is compared is how often it is synced. On our side the threads share a handle, and so
commits; beside it each has a handle and transactions of its own, ours and litequeue's. The median of several rounds:
a disk's syncs differ, and handles that meet each other's locks by chance do too.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from litequeue import LiteQueue
from measure import Row, faster, machine, table, write

import neurograph

PAYLOAD = {"id": 12345, "kind": "token.created", "text": "x" * 100}
THREADS, EACH = 8, 200
NUMBERS = itertools.count()


def seconds_each(publishers: list[Callable[[], object]]) -> float:
    """Return how long a message takes when all publishers, a thread each, publish at once."""
    ready = threading.Barrier(len(publishers) + 1)

    def run(publish: Callable[[], object]) -> None:
        ready.wait()
        for _ in range(EACH):
            publish()

    threads = [threading.Thread(target=run, args=(publish,)) for publish in publishers]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return (time.perf_counter() - began) / (EACH * len(publishers))


def shared(folder: Path, threads: int = THREADS) -> float:
    with neurograph.open(folder / f"{next(NUMBERS)}.ngdb") as db:
        db.queue.publish("c", PAYLOAD)
        took = seconds_each([lambda: db.queue.publish("c", PAYLOAD)] * threads)
        assert db.queue.stats("c").ready == threads * EACH + 1
        return took


def own_handles(folder: Path) -> float:
    path = folder / f"{next(NUMBERS)}.ngdb"
    handles = [neurograph.open(path) for _ in range(THREADS)]
    handles[0].queue.publish("c", PAYLOAD)
    took = seconds_each([lambda db=db: db.queue.publish("c", PAYLOAD) for db in handles])  # type: ignore[misc]
    for db in handles:
        db.close()
    return took


def lite(folder: Path) -> float:
    path = str(folder / f"{next(NUMBERS)}.db")
    queues = [LiteQueue(path, timeout=60) for _ in range(THREADS)]
    for queue in queues:
        queue.conn.execute("pragma synchronous = full")
    took = seconds_each([lambda queue=queue: queue.put(json.dumps(PAYLOAD)) for queue in queues])  # type: ignore[misc]
    for queue in queues:
        with closing(queue.conn):
            pass
    return took


def rows(folder: Path, rounds: int) -> list[Row]:
    sides = {"shared": shared, "alone": lambda folder: shared(folder, 1), "own": own_handles, "lite": lite}
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            times[name].append(side(folder))
    typical = {name: statistics.median(took) for name, took in times.items()}
    return [
        faster("publish by 8 threads, FULL", typical["shared"], typical["own"], "eight handles", 5),
        faster("publish by 8 threads, FULL", typical["shared"], typical["lite"], "litequeue, eight connections", 5),
        faster("publish by 8 threads, FULL", typical["shared"], typical["alone"], "one thread", 1),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        text = f"{machine()}.\n\n{table(rows(Path(made), options.rounds))}"
    print(text)
    if options.write:
        write("queue_threads.py", text)


if __name__ == "__main__":
    main()
