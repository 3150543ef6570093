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

# Small ones: one row, a message's own values, the steps of a recursion, what recurs, channels, the schema.
READ_WHOLE = r"message_floor|CONSTANT ROW|carray|payloads|json_each|step|recurring|channel$|c$|sqlite_schema$"
WHOLE = re.compile(rf"SCAN (?!{READ_WHOLE})")
INDEXES = ("message_turn", "message_expiry", "message_dead", "failure_message", "sqlite_autoindex_channel_1")


@pytest.fixture
def plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Database, dict[str, list[str]]]]:
    """A database, and the plan of each statement that is run in it."""
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
    assert [(step, sql) for step, sql in steps if WHOLE.match(step)] == []
    for index in INDEXES:
        assert any(index in step for step, _ in steps), index


def statements(trigger: str) -> list[str]:
    """Return what a trigger runs, as statements of their own: a row's old and new values are unknown."""
    text = re.sub(r"--.*", "", trigger)
    text = re.sub(r"raise\s*\((?:[^')]|'(?:[^']|'')*')*\)", "1", text)
    text = re.sub(r"\b(new|old)\.\w+", "?", text)
    head, body = re.split(r"\bbegin\b", text, maxsplit=1)
    condition = re.split(r"\bwhen\b", head, maxsplit=1)[1:]
    return [f"select {one}" for one in condition] + [one.strip() for one in body.rsplit("end", 1)[0].split(";")[:-1]]


def test_no_trigger_of_the_queue_reads_all_messages_and_keys_are_forgotten_by_index() -> None:
    with neurograph.open(":memory:") as db:
        triggers = db.execute(
            "select name, sql from sqlite_schema where type = 'trigger' "
            "and tbl_name in ('channel', 'message', 'failure', 'outbox') and name not like 'event%'"
        ).fetchall()
        steps = [
            (row[3], name, one)
            for name, sql in triggers
            for one in statements(sql)
            for row in db.execute(f"explain query plan {one}", [None] * one.count("?"))
        ]
    assert len({name for _, name, _ in steps}) >= 15
    assert [step for step in steps if WHOLE.match(step[0])] == []
    assert {index for index in ("message_turn", "message_expiry", "message_key_until", "failure_message")
            if not any(index in step for step, _, _ in steps)} == set()  # fmt: skip
