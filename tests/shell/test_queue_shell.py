"""The queue in a stock `sqlite3` shell: it publishes by INSERT, sees all, and can't break the rules."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import neurograph
from processes import needs_shell
from stock import Shell

pytestmark = needs_shell
shell = Shell().lines


@pytest.fixture
def path(tmp_path: Path, empty_file: bytes) -> Path:
    file = tmp_path / "mind.ngdb"
    file.write_bytes(empty_file)
    return file


def payloads(path: Path, channel: str, n: int = 100) -> list[Any]:
    with neurograph.open(path) as db:
        assert db.check() == []
        return [message.payload for message in db.queue.peek(channel, n)]


def test_a_shell_publishes_by_the_channels_name(path: Path) -> None:
    _, refused = shell(
        path,
        """insert into outbox (channel, payload) values ('tokens.created', '{"id": 1}'), ('tokens.created', x'00ff')""",
        "insert into outbox (channel, payload, priority, key, headers) values ('tokens.created', '2', 0, 'k', '{}')",
        "insert into outbox (channel, payload, key) values ('tokens.created', '3', 'k')",
    )
    assert refused == ""
    assert payloads(path, "tokens.created") == [2, {"id": 1}, b"\x00\xff"]


def test_an_insert_gets_the_settings_of_its_channel(path: Path) -> None:
    with neurograph.open(path) as db:
        db.queue.create_channel("c", priority=7, ttl_ms=3_600_000, ageing_ms=1000)
    found, refused = shell(
        path,
        "insert into message (channel_id, payload) values (1, '1')",
        "insert into message (channel_id, payload, due_ns) select 1, '2', published_ns + 60000000000 from message",
        "select state, priority, rank = priority * 1000000000 + published_ns, "
        "(expires_ns - published_ns) / 1000000000, (due_ns - published_ns) / 1000000000 from message",
    )
    assert refused == ""
    assert found[0] == "ready|7|1|3600|3600"
    assert found[1] in {"delayed|7|1|3600|59", "delayed|7|1|3600|60"}
    assert payloads(path, "c") == [1]


def test_what_an_insert_brings_along_is_kept(path: Path) -> None:
    with neurograph.open(path) as db:
        db.queue.create_channel("c", ttl_ms=3_600_000)
    found, refused = shell(
        path,
        "create temp table moment as select cast(strftime('%s', 'now') as integer) * 1000000000 as ns",
        "insert into message (channel_id, payload, priority, published_ns) select 1, '1', 5, ns from moment",
        "insert into message (channel_id, payload, priority) values (1, '2', 6)",
        "insert into message (channel_id, payload, published_ns, expires_ns) select 1, '3', ns, ns + 9 from moment",
        "select payload, rank, coalesce(published_ns = ns, 0) from message, moment",
        "select payload, (expires_ns - published_ns), due_ns = expires_ns from message where payload <> '2'",
    )
    assert refused == ""
    assert [line for line in found if not line.startswith("2|6|")] == [
        "1|5|1",
        "3|50|1",
        "1|3600000000000|1",
        "3|9|1",
    ]
    found, refused = shell(
        path,
        "insert into message (channel_id, payload, rank, published_ns) values (1, '4', 50, 1)",
        "insert into message (channel_id, payload, rank, priority) values (1, '5', 7, 7)",
        "select payload, rank, priority, published_ns > 1, expires_ns - published_ns from message where id > 3",
    )
    assert (found, refused) == (["4|50|50|0|3600000000000", "5|7|7|1|3600000000000"], "")


def test_what_has_not_expired_by_the_shells_clock_keeps_its_room(path: Path) -> None:
    with neurograph.open(path) as db:
        db.queue.create_channel("c", capacity=3, ttl_ms=3_600_000)
        db.queue.publish_many("c", [1, 2])
        db.queue.publish("c", 3, delay_s=0.001)
    _, refused = shell(path, "insert into outbox (channel, payload) values ('c', '4')")
    assert "ng:message.capacity" in refused
    with neurograph.open(path) as db:
        assert [message.payload for message in db.queue.claim("c", 9)] == [1, 2, 3]


def test_the_outbox_shows_what_waits_and_what_is_claimed(path: Path) -> None:
    with neurograph.open(path) as db:
        db.queue.create_channel("c", keep_ms=60_000, attempts=1)
        db.queue.publish_many("c", ["done", "dead", "claimed", "ready"])
        done, dead, _ = db.queue.claim("c", 3)
        db.queue.ack(done)
        db.queue.nack(dead)
        db.queue.publish("c", "delayed", delay_s=60)
    found, _ = shell(path, "select channel, payload, state, priority, attempts from outbox order by id")
    assert found == ['c|"claimed"|claimed|50|1', 'c|"ready"|ready|50|0', 'c|"delayed"|delayed|50|0']


def test_the_key_of_a_message_that_a_shell_moves_is_taken_in_its_new_channel(path: Path) -> None:
    with neurograph.open(path) as db:
        db.queue.create_channel("c")
        db.queue.create_channel("d", dedup_ms=60_000)
        db.queue.publish("c", 1, key="k")
    _, refused = shell(path, "update message set channel_id = 2")
    assert refused == ""
    with neurograph.open(path) as db:
        (message,) = db.queue.claim("d")
        db.queue.ack(message)
        assert db.queue.publish("d", 2, key="k").duplicate
        assert not db.queue.publish("c", 2, key="k").duplicate
        assert db.check() == []


def test_a_shell_is_refused_what_breaks_the_rules(path: Path) -> None:
    with neurograph.open(path) as db:
        db.queue.create_channel("c", capacity=2, rate_per_s=100)
        db.queue.publish_many("c", [1, 2])
        db.queue.create_channel("d")
        db.queue.publish("d", 1)
    for statement, said in [
        ("insert into outbox (channel, payload) values ('c', '1')", "ng:message.capacity"),
        ("insert or ignore into outbox (channel, payload) values ('c', '1')", "ng:message.capacity"),
        ("insert into outbox (channel, payload) values ('d', 'no json')", "CHECK constraint failed"),
        ("insert into outbox (channel, payload) values ('', '1')", "CHECK constraint failed"),
        (
            "insert into outbox (channel, payload) values ('d', '1' || char(0))",
            "CHECK constraint failed: typeof(payload)",
        ),
        ("insert into outbox (channel, payload) values ('d', 1)", "failed: typeof(payload)"),
        ("insert into outbox (channel, payload, headers) values ('d', '1', 'no')", "CHECK constraint failed: headers"),
        ("insert into outbox (channel, payload, headers) values ('d', '1', '[]')", "CHECK constraint failed: headers"),
        ("insert into outbox (channel, payload, headers) values ('d', '1', '{}' || char(0))", "failed: headers"),
        ("update message set result = 'no' where id = 3", "CHECK constraint failed: result"),
        ("update message set result = 1 where id = 3", "CHECK constraint failed: result"),
        ("insert into message (channel_id, payload) values (99, '1')", "ng:message.channel_id"),
        ("insert or replace into message (id, channel_id, payload) values (3, 2, '1')", "ng:message.id"),
        ("update or replace message set id = 1 where id = 3", "ng:message.id"),
        ("update message set rowid = 9 where id = 3", "ng:message.id"),
        ("update message set channel_id = 99", "ng:message.channel_id"),
        ("update message set state = 'claimed' where id = 3", "CHECK constraint failed: claim"),
        ("update message set state = 'lost' where id = 3", "CHECK constraint failed"),
        ("insert into message (id, channel_id, payload) values (0, 2, '1')", "CHECK constraint failed: id > 0"),
        ("insert into channel (id, name) values (0, 'x')", "CHECK constraint failed: id > 0"),
        (
            "insert into failure (id, message_id, attempt, error) values (0, 3, 1, 'x')",
            "CHECK constraint failed: id > 0",
        ),
        ("insert or replace into channel (name) values ('c')", "ng:channel.name"),
        ("insert or replace into channel (id, name) values (1, 'x')", "ng:channel.name"),
        ("update or replace channel set name = 'd' where name = 'c'", "ng:channel.name"),
        ("update channel set id = 9 where name = 'c'", "ng:channel.id"),
        ("insert into failure (message_id, attempt, error) values (99, 1, 'x')", "ng:failure.message_id"),
    ]:
        _, refused = shell(path, statement)
        assert said in refused, statement
    assert payloads(path, "c") == [1, 2]
    assert payloads(path, "d") == [1]


@pytest.mark.parametrize("keys", ["off", "on"])
@pytest.mark.parametrize("recursive", ["off", "on"])
@pytest.mark.parametrize("seed", range(3))
def test_whatever_a_shell_does_the_file_stays_sound(path: Path, keys: str, recursive: str, seed: int) -> None:
    draw = random.Random(seed)
    with neurograph.open(path) as db:
        db.queue.configure(
            {
                "a": {"capacity": 4, "when_full": "evict_lowest", "dead_letter": "b"},
                "b": {"capacity": 3, "when_full": "evict_oldest", "ttl_ms": 3_600_000},
                "c": {"capacity": 5, "ageing_ms": 1000},
                "d": {"dedup_ms": 1, "rate_per_s": 1000},
            }
        )
        db.queue.publish_many("d", [0] * 8)
        db.queue.nack_many(db.queue.claim("d", 4))
    script = [f"pragma foreign_keys = {keys}", f"pragma recursive_triggers = {recursive}"]
    for _ in range(150):
        number, channel = draw.randrange(1, 30), draw.choice("abcde")
        verb = draw.choice(["insert", "insert or replace", "insert or ignore"])
        script.append(
            draw.choice(
                [
                    f"{verb} into outbox (channel, payload, priority) values ('{channel}', '1', {number})",
                    f"{verb} into outbox (channel, payload, key) values ('{channel}', '1', 'k{number % 4}')",
                    f"{verb} into message (id, channel_id, payload) values ({number}, {number % 5}, '1')",
                    f"{verb} into message (channel_id, payload) values ({number % 5}, 'bad')",
                    f"delete from message where id = {number}",
                    "delete from message where id = (select max(id) from message)",
                    f"update message set priority = {number}, channel_id = {number % 6} where id = {number}",
                    f"update message set state = 'dead', due_ns = null where id = {number}",
                    f"update channel set ageing_ms = {number} where name = '{channel}'",
                    f"update channel set capacity = nullif({number % 6}, 0) where name = '{channel}'",
                    f"update channel set dead_letter = '{channel}{number % 2}' where name = '{channel}'",
                    f"{verb} into channel (name, capacity) values ('{channel}', 3)",
                    f"update or replace channel set name = '{draw.choice('abcde')}' where name = '{channel}'",
                    f"delete from channel where name = '{channel}' and {number} > 25",
                ]
            )
        )
    shell(path, *script)
    with neurograph.open(path) as db:
        assert db.check() == []
        ids = [row[0] for row in db.execute("select id from message")]
        assert db.queue.publish("z", 1).id > max(ids, default=0)  # type: ignore[operator]
        for channel in db.queue.channels():
            db.queue.ack_many(db.queue.claim(channel.name, 100))
        assert db.check() == []


def test_a_dump_restores_the_queue(path: Path, tmp_path: Path) -> None:
    with neurograph.open(path) as db:
        db.queue.create_channel("c", attempts=1, dead_letter="d", capacity=9)
        db.queue.publish_many("c", [1, 2, 3], key=["a", None, "b"])
        db.queue.nack(db.queue.claim("c")[0], "why")
        db.queue.publish("c", 4)
        db.queue.cancel(4)
    copy = tmp_path / "copy.ngdb"
    Shell().copy(path, copy)
    assert payloads(copy, "c") == [2, 3]
    with neurograph.open(copy) as db:
        assert db.queue.dead("d")[0].origin == "c"
        assert db.queue.publish("c", 5).id == 5


def test_a_message_published_in_another_process_is_claimed_here(path: Path) -> None:
    code = "import sys, neurograph\nwith neurograph.open(sys.argv[1]) as db: db.queue.publish('c', {'from': 'there'})"
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, timeout=60)
    with neurograph.open(path) as db:
        (message,) = db.queue.claim("c")
        assert message.payload == {"from": "there"}
        found, _ = shell(path, "select state, attempts from message")
        assert found == ["claimed|1"]
        db.queue.ack(message)


@pytest.mark.parametrize("recursive", ["off", "on"])
def test_what_a_shell_writes_beside_the_rules_is_put_right(path: Path, recursive: str) -> None:
    with neurograph.open(path) as db:
        db.queue.create_channel("c", capacity=9)
        db.queue.publish_many("c", ["first", "second"], key=["k", None])
    _, refused = shell(
        path,
        f"pragma recursive_triggers = {recursive}",
        "update message set rank = 0 where id = 2",
        "insert into message (channel_id, payload, priority, rank, published_ns) values (1, '3', 50, 7, 1)",
        "insert into message (channel_id, payload, state, due_ns, key) values (1, '4', 'done', 7, 'done')",
        "insert into outbox (channel, payload, key) values ('c', '5', 'done')",
    )
    assert refused == ""
    assert payloads(path, "c") == ["first", "second", 3, 5]


@pytest.mark.parametrize("recursive", ["off", "on"])
def test_a_shell_can_not_change_a_key_or_make_two_of_it(path: Path, recursive: str) -> None:
    with neurograph.open(path) as db:
        db.queue.create_channel("c", capacity=9)
        db.queue.publish("c", 1, key="k")
    _, refused = shell(
        path,
        f"pragma recursive_triggers = {recursive}",
        "update message set key = 'l'",
        "update message set state = 'dead'",
        "insert into outbox (channel, payload, key) values ('c', '2', 'k')",
        "update message set state = 'ready' where id = 1",
    )
    assert "ng:message.key" in refused
    assert refused.count("\n") == 1
    assert payloads(path, "c") == [2]
