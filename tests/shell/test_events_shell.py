"""Events in a stock SQLite: another process, no extension, nothing of ours.

What it writes is told of, what happened can't be rewritten, and a dump keeps the log as it was.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import neurograph
from stock import STOCK


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "mind.ngdb"
    with neurograph.open(file, synchronous="off") as db:
        db.events.enable("*")
        db.events.register("order.paid")
    return file


def told(path: Path) -> list[tuple[str, dict[str, object]]]:
    with neurograph.open(path) as db:
        assert db.check() == []
        return [(event.type, event.data) for event in db.events.read()]


@pytest.mark.parametrize("stock", STOCK)
def test_what_it_writes_is_told_of(path, stock):
    said = stock.write(
        path,
        [
            "insert into token (label) values ('a'), ('b')",
            "update token set weight = 0.25 where label = 'a'",
            "insert or replace into token (label) values ('b')",
            "insert into connection (source, target) values (1, 3)",
            "delete from token where id = 1",
            "insert into outbox (channel, payload) values ('c', '1')",
            "insert into event_log (type, data) values ('order.paid', '{\"euro\": 5}')",
            "insert into event_log (type) values ('order.lost')",
            "update event_type set enabled = 0 where name = 'order.paid'",
            "insert into event_log (type) values ('order.paid')",
        ],
    )
    assert [text for text in said if text] == [said[7]]
    assert "ng:event_log.type" in said[7]
    assert sorted(map(str, told(path))) == sorted(
        map(
            str,
            [
                ("token.created", {"id": 1}),
                ("token.created", {"id": 2}),
                ("token.updated", {"id": 1}),
                ("token.created", {"id": 3}),
                ("token.deleted", {"id": 2, "label": None}),
                ("connection.created", {"id": 1, "source": 1, "type": 80, "target": 3, "key": ""}),
                ("connection.deleted", {"id": 1, "source": 1, "type": 80, "target": 3, "key": ""}),
                ("token.deleted", {"id": 1, "label": "a"}),
                ("queue.published", {"id": 1, "channel": "c"}),
                ("order.paid", {"euro": 5}),
            ],
        )
    )


@pytest.mark.parametrize("stock", STOCK)
@pytest.mark.parametrize("recursive", [0, 1])
def test_what_happened_is_not_rewritten(path, stock, recursive):
    with neurograph.open(path) as db:
        db.events.emit_many("custom", [{"n": number} for number in range(4)])
        db.experience.record([1] * 8)
        before = [*db.events.read("custom")]
    statements = [
        "update event set data = '{}'",
        "delete from event where id = 2",
        "insert or replace into event (id, type_id) values (2, 61440)",
        "replace into event_type (id, name) values (61440, 'mine')",
        "update event_type set trimmed_to = 99 where name = 'custom'",
        "update experience set valence = 0",
        "insert into event (type_id) values (9)",
        "insert into event (id, type_id) values (99, 61440)",
    ]
    settings = [f"pragma recursive_triggers = {recursive}", "pragma foreign_keys = 0"]
    said = stock.write(path, [*settings, *statements])
    assert [bool(text) for text in said] == [False] * 2 + [True] * len(statements)
    with neurograph.open(path) as db:
        assert [*db.events.read("custom")] == before
    said = stock.write(path, ["update event_type set trimmed_to = 2 where name = 'custom'"])
    assert said == [""]
    with neurograph.open(path) as db:
        assert [*db.events.read("custom")] == before[2:]
        assert db.check() == []


@pytest.mark.parametrize("stock", STOCK)
def test_a_dump_keeps_the_log_and_its_switches(path, tmp_path, stock):
    with neurograph.open(path) as db:
        db.tokens.create("a")
        db.events.emit_many("custom", [{"n": number} for number in range(4)])
        db.events.trim("custom", keep=1)
        db.events.disable("token.updated")
    before = told(path)
    stock.copy(path, tmp_path / "copy.ngdb")
    assert told(tmp_path / "copy.ngdb") == before
    with neurograph.open(tmp_path / "copy.ngdb") as db:
        db.tokens.update("a", weight=0.25)
        db.tokens.create("b")
        assert db.events.newest == 6
        assert next(db.events.read(order="newest")).type == "token.created"
        assert db.events.types("custom")[0].trimmed == 3


@pytest.mark.parametrize("stock", STOCK)
def test_it_makes_the_triggers_of_a_type_itself(path, stock):
    with neurograph.open(path) as db:
        db.events.disable("*")
    refused = stock.write(path, ["update event_type set enabled = 1 where name = 'token.created'"])
    assert "ng:event_type.enabled" in refused[0]
    made = (
        "create trigger event_token_created after insert on token "
        "when (select enabled from event_type where id = 256) begin "
        "insert into event (type_id, data) values (256, json_object('id', new.id)); end"
    )
    switch = "update event_type set enabled = 1 where name = 'token.created'"
    said = stock.write(path, [made, switch, "insert into token (label) values ('a')"])
    assert said == ["", "", ""]
    assert told(path) == [("token.created", {"id": 1})]
