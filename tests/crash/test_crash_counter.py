"""Promise P5: writers of several processes, some of them killed: no update is lost, and nobody meets BUSY."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from random import Random

import pytest
from killed import Writer

import neurograph

WRITERS = 3
KILLS = int(os.environ.get("NGDB_KILLS", "20"))


def count_up(path: Path, journal: str, seed: int, kills: int, acknowledged: list[int]) -> None:
    """Count with one writer that is killed so often, and once to its own end; note what was acknowledged."""
    rng = Random(seed)
    with Writer() as writer:
        for _ in range(kills):
            after = rng.choice((0, 1, 2, 5, 10))
            said = writer.killed("count", path, rng, after=after, within_s=0.005, journal=journal)
            acknowledged += map(int, said)
        acknowledged += map(int, writer.finished("count", path, times=5, journal=journal))


@pytest.mark.parametrize("journal", ["wal", "rollback"])
def test_no_increment_is_lost_when_writers_are_killed(tmp_path: Path, journal: str) -> None:
    path = tmp_path / "mind.ngdb"
    with neurograph.open(path, journal=journal) as db:
        db.tokens.create("counter", properties={"value": 0})
    acknowledged: list[list[int]] = [[] for _ in range(WRITERS)]
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            kills = len(range(number, KILLS, WRITERS))
            count_up(path, journal, 100 * (journal == "wal") + number, kills, acknowledged[number])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []  # TransactionBusy and FileLocked would be here

    values = [value for said in acknowledged for value in said]
    assert all(said == sorted(said) for said in acknowledged)
    assert len(set(values)) == len(values) > KILLS
    with neurograph.open(path, journal=journal) as db:
        counted = db.tokens.get("counter").properties["value"]
        assert len(values) <= counted <= len(values) + KILLS
        remembered = db.execute(
            "select t.properties ->> 'value' from edge as e join token as t on t.id = e.target order by t.id"
        )
        assert [value for (value,) in remembered] == list(range(1, counted + 1))
        assert len(db.tokens) == counted + 1
        assert db.check() == []
