"""A crash between any two steps of the queue's and storage's calls: all of each call is there, or nothing of it.

One run of all calls is noted operation by operation; from that a crash after each of them is made, by four models. What
a call had answered is there, none of what was acked comes again, nothing is half done, and the file is sound.
"""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import apsw
import pytest
from killed import Writer
from queue_calls import CHANNELS, GRACE_S, START_NS, Call, Rows, Steps, newest, rows_of, states
from watched_disk import MODELS, Crash, WatchedDisk, contents, put

import neurograph
from processes import untraced

SLOW = bool(os.environ.get("NGDB_SLOW"))
Span = tuple[int, Call, Rows, Rows]  # operations when it had ended, the call, what was there before and after it


def begun(path: Path, journal: str = "wal") -> None:
    """Make a file with the channels of the calls."""
    with neurograph.open(path, journal=journal) as db:
        db.queue.configure(CHANNELS)
        db.queue.create_channel("sums")


def recorded(path: Path, journal: str) -> tuple[WatchedDisk, list[Span]]:
    """Run all calls, and return what was done to the disk and by which of them."""
    with WatchedDisk(path) as disk, neurograph.open(path, journal=journal, busy_timeout_s=GRACE_S) as db:
        del disk.done[:]
        spans = [(len(disk.done), call, before, after) for call, before, after in states(db)]
        assert db.check() == []
        end = len(disk.done)
    del disk.done[end:]  # the end of closing would be the next call's
    return disk, spans


def rows_in(path: Path) -> Rows:
    """Return what a file holds, as a plain SQLite recovers it."""
    connection = apsw.Connection(str(path))
    try:
        return rows_of(connection)
    finally:
        connection.close()


def goes_on(path: Path, journal: str, used: int) -> None:
    """See that a recovered file is sound, gives no id twice, and works."""
    with neurograph.open(path, journal=journal) as db, Steps(db).time():
        assert db.check() == []
        published = db.queue.publish("fresh", "next", priority=-1000)
        assert published.id is not None
        assert published.id > used
        (message,) = db.queue.claim("fresh")
        assert message.payload == "next"
        db.queue.ack(message)
        db.storage.increment("counts", "recovered")
        assert db.check() == []


@pytest.mark.parametrize("journal", ["wal", "rollback"])
def test_a_crash_between_any_two_steps_leaves_each_call_whole_or_undone(tmp_path: Path, journal: str) -> None:
    path, left = tmp_path / "mind.ngdb", tmp_path / "left.ngdb"
    begun(path, journal)
    files, rng = contents(path), Random(journal)
    disk, spans = recorded(path, journal)
    crash = Crash(files, rng)
    seen: set[tuple[str, bool]] = set()
    tried = dict.fromkeys(MODELS, 0.04) | {"kill": 0.3 if journal == "wal" else 0.1}
    with untraced():
        for place in range(len(disk.done) + 1):
            number = next((n for n, span in enumerate(spans) if span[0] > place), len(spans) - 1)
            end, call, before, after = spans[number]
            for model in MODELS:
                if not SLOW and rng.random() > tried[model]:
                    continue
                put(crash.left(model, disk.done[place] if place < len(disk.done) else None), left)
                found = rows_in(left)
                where = f"{call.name}: {model} after operation {place} of {end}"
                assert found in (before, after) or call.between(found), where
                seen.add((call.name, found == after))
                if rng.random() < (0.1 if SLOW else 0.02):
                    goes_on(left, journal, max(newest(before), newest(found)))
            if place < len(disk.done):
                crash.step(disk.done[place])
    changing = [call.name for _, call, before, after in spans if before != after]
    assert len(changing) > 55
    assert not SLOW or {(name, False) for name in changing} <= seen
    put(crash.left("power", None), left)
    assert rows_in(left) == spans[-1][3]


def test_a_harness_that_loses_a_sync_is_found_out(tmp_path: Path) -> None:
    """With NORMAL the newest commits may be lost when the power fails: the models do tell."""
    path, left = tmp_path / "mind.ngdb", tmp_path / "left.ngdb"
    begun(path)
    files = contents(path)
    with WatchedDisk(path) as disk, neurograph.open(path, synchronous="normal") as db:
        del disk.done[:]
        db.queue.publish("jobs", 1)
        crash, done = Crash(files, Random(0)), list(disk.done)
    for operation in done:
        crash.step(operation)
    counts = {}
    for model in ("kill", "power"):
        put(crash.left(model, None), left)
        counts[model] = len(rows_in(left)[1])
    assert counts == {"kill": 1, "power": 0}


def test_a_process_that_is_killed_inside_a_call_leaves_it_whole_or_undone(tmp_path: Path) -> None:
    """Each kill is a real one, inside the n-th operation, while another process has the file open."""
    path = tmp_path / "mind.ngdb"
    begun(path)
    files = contents(path)
    disk, spans = recorded(path, "wal")
    rows, rng = [spans[0][2], *(after for *_, after in spans)], Random("kills")
    every = range(1, len(disk.done) + 1)
    with Writer() as writer:
        for number, n in enumerate(every if SLOW else rng.sample(every, 10)):
            copy = tmp_path / f"{number}.ngdb"
            put(files, copy)
            with neurograph.open(copy) as survivor:
                survivor.queue.channels()
                answered = len(writer.finished("queue_calls", copy, kill_at=n, grace_s=GRACE_S))
                if answered == len(spans):  # what was noted of the opening is not the same each time
                    continue
                call = spans[answered][1]
                found = rows_of(survivor._session.writer.connection)
                assert found in (rows[answered], rows[answered + 1]) or call.between(found), call.name
                assert survivor.check() == []
            goes_on(copy, "wal", newest(found))
            copy.unlink()


def test_the_calls_run_in_a_time_of_their_own(tmp_path: Path) -> None:
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        steps = Steps(db)
        with steps.time():
            assert db.queue.get(db.queue.publish("c", 1).id or 0).published_ns == START_NS
