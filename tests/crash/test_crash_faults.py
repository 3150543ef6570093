"""The n-th operation on the disk fails, n = 1, 2, 3 …, once or from then on, inside each call of queue and storage.

The call raises and has changed nothing, or it returns and has done all of it; the file stays sound, and the same handle
works on where the disk does.
"""

from __future__ import annotations

import os
from pathlib import Path

import apsw
import pytest
from queue_calls import CHANNELS, GRACE_S, Call, Rows, Steps, rows_of
from watched_disk import WatchedDisk

import neurograph
from processes import untraced

SLOW = bool(os.environ.get("NGDB_SLOW"))
CODES = {"full": apsw.SQLITE_FULL, "error": apsw.SQLITE_IOERR}


def met(disk: WatchedDisk, connection: apsw.Connection, call: Call, n: int, code: int, once: bool) -> Rows | None:
    """Run a call in which the n-th operation fails; return the rows after it, None where it raised and did nothing."""
    before = rows_of(connection)
    with disk.failing(n, code, once):
        try:
            call.run()
        except (apsw.Error, neurograph.NeurographError):
            assert disk.met
        else:
            return rows_of(connection)
    after = rows_of(connection)
    assert after == before or call.between(after), (
        f"{call.name}, operation {n}: half done, or an error for what is done"
    )
    assert not connection.in_transaction
    return None


@pytest.mark.parametrize("journal", ["wal", "rollback"])
@pytest.mark.parametrize("once", [True, False], ids=["once", "from then on"])
@pytest.mark.parametrize("fault", sorted(CODES))
def test_a_call_in_which_an_operation_fails_does_nothing_or_all(
    tmp_path: Path, journal: str, once: bool, fault: str
) -> None:
    path = tmp_path / "mind.ngdb"
    with WatchedDisk(path) as disk, neurograph.open(path, journal=journal, busy_timeout_s=GRACE_S) as db:
        db.queue.configure(CHANNELS)
        db.queue.create_channel("sums")
        steps, connection, faults = Steps(db), db._session.writer.connection, 0
        step = 4 if journal == "wal" else 12
        with steps.time(), untraced():
            for number, call in enumerate(steps.calls()):
                n = 1 if SLOW else 1 + number % step
                while met(disk, connection, call, n, CODES[fault], once) is None:
                    faults += disk.met
                    n += 1 if SLOW else step
        assert faults > 80
        assert db.check() == []
    with neurograph.open(path) as db:
        assert db.check() == []
