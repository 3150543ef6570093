"""Topics in a stock `sqlite3` shell: it publishes by INSERT, sees all, and can't break the rules."""

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


def payloads(path: Path, pattern: str = "*") -> list[Any]:
    with neurograph.open(path) as db:
        assert db.check() == []
        return [entry.payload for entry in db.topics.read(pattern)]


def test_a_shell_publishes_by_the_topics_name(path: Path) -> None:
    with neurograph.open(path) as db:
        db.topics.subscribe("r", "tokens.*", where={"id": {"$gt": 1}})
    _, refused = shell(
        path,
        """insert into topic_log (topic, payload) values ('tokens.made', '{"id": 1}'), ('tokens.made', x'00ff')""",
        """insert into topic_log (topic, payload, headers, published_ns) values ('tokens.old', '{"id": 2}', '{}', 5)""",
    )
    assert refused == ""
    assert payloads(path) == [{"id": 1}, b"\x00\xff", {"id": 2}]
    with neurograph.open(path) as db:
        (entry,) = db.topics.subscription("r").claim(9)
        assert (entry.id, entry.topic, entry.published_ns) == (3, "tokens.old", 5)
        found, _ = shell(path, "select state, attempts from delivery")
        assert found == ["claimed|1"]


def test_a_dump_by_a_shell_keeps_where_readers_are(path: Path, tmp_path: Path) -> None:
    with neurograph.open(path) as db:
        db.topics.subscribe("all")
        db.topics.subscribe("some", "a", where={"n": 1})
        db.topics.publish_many("a", [{"n": 1}, {"n": 2}])
        db.topics.subscription("all").claim(1)
        kept = [
            (db.topics.subscription(name).settings, db.topics.subscription(name).stats()) for name in ("all", "some")
        ]
    Shell().copy(path, tmp_path / "restored.ngdb")
    with neurograph.open(tmp_path / "restored.ngdb") as db:
        assert db.check() == []
        assert kept == [
            (db.topics.subscription(name).settings, db.topics.subscription(name).stats()) for name in ("all", "some")
        ]


def test_json_that_a_shell_wrote_with_spaces_is_read(path: Path) -> None:
    shell(path, """insert into topic_log (topic, payload) values ('a', ' { "n" : 1 } '), ('a', ' 2 '), ('a', '-0.5')""")
    assert payloads(path) == [{"n": 1}, 2, -0.5]


def test_a_shell_is_refused_what_breaks_the_rules(path: Path) -> None:
    with neurograph.open(path) as db:
        db.topics.publish_many("a", [1, 2])
        db.topics.publish("b", 3)
        db.topics.drop("b")
        db.topics.subscribe("r", start="first").claim(1)
        db.topics.subscribe("s")
    for statement, said in [
        ("insert into topic_log (topic, payload) values ('a', 'no json')", "CHECK constraint failed"),
        ("insert into topic_log (topic, payload) values ('a*', '1')", "CHECK constraint failed"),
        ("insert into topic_entry (topic_id, payload) values (99, '1')", "ng:topic_entry.topic_id"),
        ("insert or replace into topic_entry (id, topic_id, payload) values (1, 1, '9')", "ng:topic_entry.id"),
        ("insert into topic_entry (id, topic_id, payload) values (3, 1, '9')", "ng:topic_entry.id"),
        ("insert into topic_entry (id, topic_id, payload) values (-1, 1, '9')", "CHECK constraint failed"),
        ("update topic_entry set payload = '9' where id = 1", "ng:topic_entry.id"),
        ("update topic_entry set rowid = 9 where id = 1", "ng:topic_entry.id"),
        ("insert or replace into topic (name) values ('a')", "ng:topic.name"),
        ("insert or replace into topic (id, name) values (1, 'x')", "ng:topic.name"),
        ("update or replace topic set name = 'c'", "ng:topic.name"),
        ("update topic set id = 9", "ng:topic.name"),
        ("insert or replace into subscription (name, pattern) values ('r', '*')", "ng:subscription.name"),
        ("insert or replace into subscription (id, name, pattern) values (1, 'x', '*')", "ng:subscription.name"),
        ("insert into subscription (name, pattern) values ('x', 'a*b')", "CHECK constraint failed"),
        ("insert into subscription (name, pattern, condition) values ('x', 'a', '[]')", "CHECK constraint failed"),
        ("insert into subscription (name, pattern, cursor) values ('x', 'a', 4)", "ng:subscription.cursor"),
        ("update subscription set cursor = 4", "ng:subscription.cursor"),
        ("update or replace subscription set name = 's' where name = 'r'", "ng:subscription.name"),
        ("update subscription set id = 9", "ng:subscription.id"),
        (
            "insert into delivery (entry_id, subscription_id, state) values (2, 9, 'dead')",
            "ng:delivery.subscription_id",
        ),
        ("insert into delivery (entry_id, subscription_id, state) values (9, 1, 'dead')", "ng:delivery.entry_id"),
        ("insert into delivery (entry_id, subscription_id, state) values (2, 1, 'dead')", "ng:delivery.entry_id"),
        ("update delivery set entry_id = 2", "ng:delivery.entry_id"),
        ("update delivery set state = 'done'", "CHECK constraint failed"),
        ("update delivery set state = 'dead'", "CHECK constraint failed"),
    ]:
        _, refused = shell(path, statement)
        assert said in refused, statement
    assert payloads(path) == [1, 2]


@pytest.mark.parametrize("keys", ["off", "on"])
@pytest.mark.parametrize("recursive", ["off", "on"])
@pytest.mark.parametrize("seed", range(3))
def test_whatever_a_shell_does_the_file_stays_sound(path: Path, keys: str, recursive: str, seed: int) -> None:
    draw = random.Random(seed)
    with neurograph.open(path) as db:
        db.topics.create("a", keep_entries=3)
        db.topics.create("b", keep_bytes=9)
        readers = [db.topics.subscribe(name, name) for name in ("a", "a*", "*")]
        db.topics.publish_many("a", [0] * 3)
        db.topics.publish_many("ab", [0] * 3)
        for reader in readers:
            claimed = reader.claim(3)
            reader.nack(claimed[0], "no")
            reader.ack(claimed[-1])
    script = [f"pragma foreign_keys = {keys}", f"pragma recursive_triggers = {recursive}"]
    for _ in range(150):
        number, topic = draw.randrange(1, 30), draw.choice(["a", "b", "ab", "c"])
        verb = draw.choice(["insert", "insert or replace", "insert or ignore"])
        script.append(
            draw.choice(
                [
                    f"{verb} into topic_log (topic, payload) values ('{topic}', '1')",
                    f"{verb} into topic_log (topic, payload) values ('{topic}', 'bad')",
                    f"{verb} into topic_entry (id, topic_id, payload) values ({number}, {number % 5}, '1')",
                    f"{verb} into topic_entry (topic_id, payload) values ({number % 5}, '1')",
                    f"update or replace topic_entry set id = {number % 7} where id = {number}",
                    f"delete from topic_entry where id = {number}",
                    "delete from topic_entry where id = (select max(id) from topic_entry)",
                    f"update topic set keep_entries = nullif({number % 6}, 0) where name = '{topic}'",
                    f"{verb} into topic (id, name, entries) values ({number % 6}, '{topic}', 3)",
                    f"delete from topic where name = '{topic}' and {number} > 25",
                    f"update or replace subscription set cursor = {number} where id = {number % 4}",
                    f"update or replace subscription set pattern = '{topic}' where id = {number % 4}",
                    f"{verb} into subscription (name, pattern, cursor) values ('{topic}', '*', {number})",
                    f"delete from subscription where id = {number % 4} and {number} > 25",
                    f"{verb} into delivery (entry_id, subscription_id, state) values ({number}, {number % 4}, 'dead')",
                    f"update or replace delivery set entry_id = {number % 7} where entry_id = {number}",
                ]
            )
        )
    shell(path, *script)
    with neurograph.open(path) as db:
        assert db.check() == []
        ids = [row[0] for row in db.execute("select id from topic_entry")]
        assert db.topics.publish("z", 1) > max(ids, default=0)
        for reader in db.topics.subscriptions():
            reader.redrive()
            reader.ack_many(reader.claim(100))
            stats = reader.stats()
            assert (stats.lag, stats.ready, stats.dead) == (0, 0, 0)
        assert db.check() == []


@pytest.mark.parametrize("keys", ["off", "on"])
def test_a_deletion_is_missed_by_who_had_not_settled_it(path: Path, keys: str) -> None:
    with neurograph.open(path) as db:
        _, held, dead, done = (db.topics.subscribe(name, "a", attempts=1) for name in "uhdx")
        db.topics.subscribe("other", "ab*")
        db.topics.publish("a", 1)
        held.claim()
        dead.nack(dead.claim()[0])
        done.ack(done.claim()[0])
    found, refused = shell(
        path, f"pragma foreign_keys = {keys}", "delete from topic_entry", "select name, missed from subscription"
    )
    assert (found, refused) == (["u|1", "h|1", "d|0", "x|0", "other|0"], "")
    with neurograph.open(path) as db:
        assert [db.topics.subscription(name).list() for name in "hd"] == [[], []]
        assert db.check() == []


@pytest.mark.parametrize("keys", ["off", "on"])
def test_what_belongs_to_what_is_deleted_goes_too(path: Path, keys: str) -> None:
    with neurograph.open(path) as db:
        for name in "rs":
            db.topics.subscribe(name)
        db.topics.publish_many("a", [1, 2, 3])
        db.topics.publish("b", 4)
        for name in "rs":
            db.topics.subscription(name).claim(4)
    found, refused = shell(
        path,
        f"pragma foreign_keys = {keys}",
        "delete from subscription where name = 's'",
        "select count(*) from delivery",
        "delete from topic_entry where id = 3",
        "delete from topic_entry where id = 2",
        "select name, trimmed_id from topic",
        "delete from topic where name = 'a'",
        "select entry_id from delivery",
    )
    assert (found, refused) == (["4", "a|3", "b|0", "4"], "")
    assert payloads(path) == [4]


def test_a_dump_restores_topics(path: Path, tmp_path: Path) -> None:
    with neurograph.open(path) as db:
        reader = db.topics.subscribe("r", where={"$ne": 9})
        db.topics.create("a", keep_entries=9)
        db.topics.publish_many("a", [1, 2, 3])
        reader.nack(reader.claim()[0], "why", delay_s=0)
        db.topics.publish("b", 4)
        db.topics.drop("b")
    copy = tmp_path / "copy.ngdb"
    Shell().copy(path, copy)
    assert payloads(copy) == [1, 2, 3]
    with neurograph.open(copy) as db:
        assert db.topics.publish("a", 5) == 5
        assert [(entry.payload, entry.error) for entry in db.topics.subscription("r").claim(9)] == [
            (1, "why"),
            (2, None),
            (3, None),
            (5, None),
        ]


def test_an_entry_published_in_another_process_is_claimed_here(path: Path) -> None:
    code = "import sys, neurograph\nwith neurograph.open(sys.argv[1]) as db: db.topics.publish('a', {'from': 'there'})"
    with neurograph.open(path) as db:
        reader = db.topics.subscribe("r", "a")
        assert reader.claim() == []
        subprocess.run([sys.executable, "-c", code, str(path)], check=True, timeout=60)
        (entry,) = reader.claim()
        assert entry.payload == {"from": "there"}
