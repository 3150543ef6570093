"""Many threads and handles at one queue: nothing lost, nothing claimed by two at once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

import neurograph
from neurograph import Database, Message

THREADS, EACH = 4, 60


@pytest.mark.parametrize("handles", ["one handle", "a handle each"])
def test_every_message_is_claimed_by_exactly_one(tmp_path: Path, handles: str) -> None:
    path = tmp_path / "q.ngdb"
    shared = neurograph.open(path, synchronous="off")
    shared.queue.create_channel("c", capacity=1000)
    done: list[Message] = []
    failed: list[BaseException] = []

    def run(work: object, db: Database) -> None:
        try:
            work(db)  # type: ignore[operator]
        except BaseException as error:
            failed.append(error)
        finally:
            if db is not shared:
                db.close()

    def publish(db: Database) -> None:
        for n in range(0, EACH, 2):
            db.queue.publish("c", n)
            db.queue.publish_many("c", [n])

    def consume(db: Database) -> None:
        while len(done) < THREADS * EACH and not failed:
            claimed = db.queue.claim("c", 3)
            done.extend(claimed)
            if len(claimed) % 2:
                db.queue.ack(claimed.pop())
            assert db.queue.ack_many(claimed) == []

    threads = [
        threading.Thread(target=run, args=(work, shared if handles == "one handle" else neurograph.open(path)))
        for work in [publish] * THREADS + [consume] * THREADS
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    ids = [message.id for message in done]
    assert len(ids) == len(set(ids)) == THREADS * EACH
    assert {message.attempts for message in done} == {1}
    assert shared.check() == []
    assert shared.queue.stats("c").ready == 0
    shared.close()
