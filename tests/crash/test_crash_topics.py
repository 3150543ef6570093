"""kill -9 among the consumers of a subscription: each entry is settled, none twice, and the file is sound."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from random import Random

import pytest

import neurograph

ENTRIES = 600
KILLS = 6
CONSUMER = """
    import sys, neurograph
    from neurograph.errors import LeaseLost, TransactionBusy

    with neurograph.open(sys.argv[1], busy_timeout_s=0.5) as db:
        reader = db.topics.subscription("r")
        while True:
            try:
                for entry in reader.consume(n=8, lease_s=0.3, timeout_s=1.5):
                    with db.transaction():
                        reader.ack(entry)
                        db.execute("insert into done values (?)", [entry.id])
                    print(entry.id, flush=True)
                break
            except (LeaseLost, TransactionBusy):
                continue
"""


@pytest.mark.slow
def test_each_entry_is_settled_and_none_twice(tmp_path: Path) -> None:
    path, rng = tmp_path / "mind.ngdb", Random("topics")

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", textwrap.dedent(CONSUMER), str(path)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    with neurograph.open(path) as db:
        db.execute("create table done (id integer primary key)")
        reader = db.topics.subscribe("r", "a*", where={"n": {"$gte": 0}}, attempts=1000)
        consumers = [start() for _ in range(3)]
        for turn in range(KILLS):
            db.topics.publish_many("ab", [{"n": n} for n in range(turn, ENTRIES, KILLS)])
            victim = consumers.pop(0)
            assert victim.stdout is not None
            for _ in range(rng.randrange(1, 20)):
                victim.stdout.readline()
            victim.kill()
            victim.communicate()
            consumers.append(start())
        for consumer in consumers:
            consumer.communicate(timeout=60)
            assert consumer.returncode == 0
        assert db.execute("select count(*) from done").fetchone() == (ENTRIES,)
        assert (reader.list(), reader.lag(), reader.stats().missed) == ([], 0, 0)
        assert db.check() == []
