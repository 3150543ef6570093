"""Eight processes publish and consume, and are killed at random: nothing is lost, nothing is acked twice."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from killed import Writer

import neurograph

PUBLISHERS, CONSUMERS = 4, 4
LEASE_MS = 100
# The busy timeout is added to a lease; a test can't wait that long.
WITHOUT_GRACE = "update message set due_ns = ?1 where state = 'claimed' and due_ns <= ?1 + ?2"


class Processes:
    """Threads that each keep one process at its work, killed a few times and then left to finish it."""

    def __init__(self, path: Path, kills: int) -> None:
        self.path = path
        self.kills = kills
        self.failed: list[BaseException] = []
        self.threads: list[threading.Thread] = []

    def keep(self, work: str, seed: int, most: int, last: dict[str, Any], **arguments: Any) -> list[str]:
        """Kill a process when it has said up to `most` things, and in the end let it finish; return what it says."""
        said: list[str] = []

        def run() -> None:
            rng = Random(seed)
            try:
                with Writer() as writer:
                    for _ in range(self.kills):
                        after = rng.randint(0, most)
                        said.extend(writer.killed(work, self.path, rng, after=after, within_s=0.1, **arguments))
                    said.extend(writer.finished(work, self.path, **arguments, **last))
            except BaseException as error:
                self.failed.append(error)

        thread = threading.Thread(target=run)
        self.threads.append(thread)
        thread.start()
        return said


def stress(path: Path, each: int, kills: int) -> None:
    """Let four processes publish `each` messages and four consume them, each killed `kills` times."""
    with neurograph.open(path) as db:
        for channel in ("many", "ordered", "tokens"):
            db.queue.create_channel(channel, lease_ms=LEASE_MS, attempts=1 << 31)
    processes = Processes(path, kills)
    published = [
        processes.keep("publish", seed, each // kills // 2, {"count": each}, writer=seed, undone_every=16)
        for seed in range(PUBLISHERS)
    ]
    publishing = list(processes.threads)
    # The channel "ordered" is read by one alone, first in batches of one.
    read = [["ordered"], ["many", "tokens"], ["many", "tokens"], ["tokens", "many"]]
    consumed = [
        processes.keep("consume", 10 + seed, 0, {}, channels=channels, n=seed * 3 + 1)
        for seed, channels in enumerate(read)
    ]
    with neurograph.open(path) as db:
        for thread in processes.threads:
            while thread.is_alive():
                thread.join(LEASE_MS / 1000)
                db.execute(WITHOUT_GRACE, [time.time_ns(), round(db._session.options.busy_timeout_s * 1e9)])
                if not any(other.is_alive() for other in publishing):
                    db.storage.set("numbers", "done", True)
    assert processes.failed == []
    proved(path, each, published, consumed)


def proved(path: Path, each: int, published: list[list[str]], consumed: list[list[str]]) -> None:
    """See that what the processes said, and what the file holds, is what was promised."""
    names = set()
    with neurograph.open(path) as db:
        for writer, said in enumerate(published):
            numbers = list(map(int, said))
            assert numbers == sorted(set(numbers))  # none is published again after it was acknowledged
            assert numbers[-1] >= each
            names |= {f"{writer}:{number}" for number in range(1, db.storage.get("numbers", str(writer)) + 1)}
    lines = [line.split(" ", 5) for said in consumed for line in said]
    worked = [
        (channel, int(id), int(attempts), name) for word, channel, id, attempts, _, name in lines if word == "work"
    ]
    acked = [(int(id), name) for word, _, id, _, _, name in lines if word == "acked"]
    assert {name for *_, name in worked} == names  # each at least once, and nothing of what was undone
    assert max(Counter(acked).values()) == 1
    assert len({id for id, _ in acked}) == len({name for _, name in acked}) == len(acked)
    assert len({(id, name) for _, id, _, name in worked}) == len(names)  # one message each
    first: dict[str, list[int]] = {}
    for word, channel, id, attempts, priority, _ in (line.split(" ", 5) for line in consumed[0]):
        assert channel == "ordered"
        if word == "work" and attempts == "1":
            first.setdefault(priority, []).append(int(id))
    assert first
    assert all(ids == sorted(ids) for ids in first.values())
    with neurograph.open(path) as db:
        assert {token.label for token in db.tokens.list(limit=None)} == {
            name for channel, *_, name in worked if channel == "tokens"
        }
        assert db.execute("select count(*) from message").fetchall() == [(0,)]
        assert db.check() == []


def test_eight_processes_that_are_killed_lose_nothing(tmp_path: Path) -> None:
    stress(tmp_path / "mind.ngdb", 250, int(os.environ.get("NGDB_KILLS", "20")) // 8)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_hundred_thousand_messages(tmp_path: Path) -> None:
    stress(tmp_path / "mind.ngdb", 25_000, 20)
