"""What SQLite plans for each statement of the queue: a backlog of millions costs no more than one of ten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

import neurograph
from neurograph import Database

# Small ones: one row, a message's own values, what recurs, channels where all of them are asked for.
READ_WHOLE = r"message_floor|CONSTANT ROW|carray|payloads|json_each|recurring|c$"
INDEXES = (
    "message_turn",
    "message_expiry",
    "message_dead",
    "message_key_until",
    "failure_message",
    "sqlite_autoindex_channel_1",
)


@pytest.fixture
def plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Database, dict[str, list[str]]]]:
    """A database, and the plan of each statement that is run in it, triggers included."""
    plans: dict[str, list[str]] = {}

    def noted(cursor: apsw.Cursor, sql: str, bindings: Any) -> bool:
        if sql.lstrip().split(maxsplit=1)[0] in {"select", "insert", "update", "delete"} and sql not in plans:
            plans[sql] = []
            rows = apsw.Cursor(cursor.connection).execute(f"explain query plan {sql}", bindings)
            plans[sql] = [row[3] for row in rows]
        return True

    def hook(connection: apsw.Connection) -> None:
        connection.exec_trace = noted

    with neurograph.open(tmp_path / "q.ngdb", synchronous="off"):
        pass  # making a file is another matter
    monkeypatch.setattr(apsw, "connection_hooks", [*apsw.connection_hooks, hook])
    with neurograph.open(tmp_path / "q.ngdb", synchronous="off") as db:
        plans.clear()
        yield db, plans


def live(db: Database, channel: str) -> None:
    """Let a channel see everything that can happen to messages."""
    queue = db.queue
    queue.publish(channel, 0, key="k0")
    queue.publish_many(channel, [1, 2, 3, 4, 5], key=["k1", "k2", None, None, None])
    queue.publish(channel, 6, delay_s=60)
    queue.publish_many(channel, [7, 8], delay_s=60)
    (message,) = queue.claim(channel)
    queue.ack(message, result=1)
    kept, given, nacked = queue.claim(channel, 3)
    queue.extend(kept)
    queue.release(given)
    queue.nack(nacked, "no")
    messages = queue.claim(channel, 3)
    queue.extend_many(messages)
    queue.nack_many(messages[:1], "no")
    queue.release_many(messages[1:2])
    queue.ack_many([kept, *messages[2:]])
    queue.list(channel)
    queue.list(channel, after=3)
    queue.peek(channel, 3)
    queue.dead(channel)
    queue.failures(nacked)
    queue.stats(channel)
    queue.redrive(channel)
    queue.cancel(queue.publish(channel, 9))
    with pytest.raises(neurograph.errors.MessageNotFound):
        queue.get(1 << 40)
    queue.every("tick", "* * * * *", channel, None)
    queue.claim(channel)
    queue.remove_recurring("tick")
    queue.purge(channel)
    queue.remove_channel(channel)


def test_no_statement_reads_all_messages_and_each_index_is_read(
    plans: tuple[Database, dict[str, list[str]]],
) -> None:
    db, found = plans
    db.queue.create_channel("dlq")
    db.queue.create_channel(
        "c",
        capacity=100,
        when_full="evict_lowest",
        dead_letter="dlq",
        dedup_ms=1000,
        keep_ms=60_000,
        attempts=1,
        ttl_ms=60_000,
        rate_per_s=1000,
    )
    db.queue.publish("plain", 1)
    for channel in ("c", "dlq", "plain"):
        live(db, channel)
    db.queue.stats_of_all()
    assert len(found) > 40
    steps = [(step, sql) for sql, plan in found.items() for step in plan]
    whole = re.compile(rf"SCAN (?!{READ_WHOLE})")
    assert [(step, sql) for step, sql in steps if whole.match(step)] == []
    for index in INDEXES:
        assert any(index in step for step, _ in steps), index
