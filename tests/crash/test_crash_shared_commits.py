"""Threads of one handle that share commits: what a call answered is durable, and what failed is undone for all."""

from __future__ import annotations

import threading
from pathlib import Path
from random import Random

import apsw
import pytest
from watched_disk import Crash, WatchedDisk, contents, put

import neurograph

THREADS, EACH = 6, 12


def publish_in_threads(db: neurograph.Database, disk: WatchedDisk) -> list[tuple[str, int | None]]:
    """Publish in threads; return what was published and at which operation that was known, None where it failed."""
    told: list[tuple[str, int | None]] = []
    together = threading.Barrier(THREADS)

    def run(thread: int) -> None:
        for number in range(EACH):
            payload = f"{thread}:{number}"
            together.wait(60)
            try:
                db.queue.publish("c", payload)
                told.append((payload, len(disk.done)))
            except (apsw.Error, neurograph.NeurographError):
                told.append((payload, None))

    threads = [threading.Thread(target=run, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(told) == THREADS * EACH
    return told


def payloads(path: Path) -> set[str]:
    connection = apsw.Connection(str(path))
    try:
        return {text for (text,) in connection.execute("select payload ->> '$' from message")}
    finally:
        connection.close()


def test_what_was_answered_survives_a_power_cut_at_every_step(tmp_path: Path) -> None:
    path, left = tmp_path / "mind.ngdb", tmp_path / "left.ngdb"
    with neurograph.open(path) as db:
        db.queue.create_channel("c")
    crash, rng = Crash(contents(path), Random(0)), Random(1)
    with WatchedDisk(path) as disk, neurograph.open(path) as db:
        del disk.done[:]
        told = publish_in_threads(db, disk)
        done = list(disk.done)
    assert all(at is not None for _, at in told)
    for place, operation in enumerate([*done, None]):
        if operation is None or rng.random() < 0.2:
            for model in ("power", "mixed", "kill"):
                put(crash.left(model, operation), left)
                answered = {payload for payload, at in told if at is not None and at <= place}
                assert answered <= payloads(left), f"{model} after operation {place}"
        if operation is not None:
            crash.step(operation)
    with neurograph.open(left) as db:
        assert db.check() == []


@pytest.mark.parametrize("code", [apsw.SQLITE_FULL, apsw.SQLITE_IOERR], ids=["full", "error"])
@pytest.mark.parametrize("once", [True, False], ids=["once", "from then on"])
def test_a_shared_commit_that_fails_is_told_to_all_that_shared_it(tmp_path: Path, code: int, once: bool) -> None:
    path = tmp_path / "mind.ngdb"
    with WatchedDisk(path) as disk, neurograph.open(path) as db:
        db.queue.create_channel("c")
        published: set[str] = set()
        failed = 0
        for n in (1, 3, 7, 8, 15, 40, 100):
            db.queue.purge("c")
            with disk.failing(n, code, once):
                told = publish_in_threads(db, disk)
            published = {payload for payload, at in told if at is not None}
            failed += len(told) - len(published)
            assert {message.payload for message in db.queue.list("c", n=None)} == published
            assert not db.in_transaction
            assert db.check() == []
        assert failed
