"""`ngdb events`: what it shows, what it waits for, what it switches, and what it refuses."""

from __future__ import annotations

import json

import pytest
from command_line import answer, refusal, run

import neurograph


@pytest.fixture
def log(mind):
    with neurograph.open(mind) as db:
        db.events.emit_many("custom", [{"n": n} for n in range(30)])
        db.events.register("order.paid", "money came")
        db.events.emit("order.paid", {"euro": 5, "é": None})
    return mind


def test_events_are_listed_in_pages(log):
    first = run("events", "list", log, "--limit", 20)
    assert first.stderr == "there are more; --after 20 shows the next, --limit 0 shows all\n"
    assert first.stdout.splitlines()[0].split() == ["id", "type", "created_ns", "data"]
    second = answer("events", "list", log, "--after", 20)
    assert [row["id"] for row in second] == [*range(21, 32)]
    assert second[-1]["data"] == {"euro": 5, "é": None}
    assert len(answer("events", "list", log, "--limit", 0)) == 31


def test_events_are_chosen_by_type_and_condition(log):
    assert [row["id"] for row in answer("events", "list", log, "order.*")] == [31]
    found = answer("events", "list", log, "custom", "--where", '{"n": {"$gte": 27}}', "--newest")
    assert [row["data"]["n"] for row in found] == [29, 28, 27]
    assert run("events", "list", log, "system.*").stderr == "nothing is found\n"
    assert run("events", "list", log, "--newest", "-n", 1).stderr == "there are more; --limit 0 shows all\n"


def test_tail_begins_with_the_newest_and_ends_when_none_comes(log):
    found = run("events", "tail", log, "--last", 2, "--timeout", 0, "--json").stdout.splitlines()
    assert [json.loads(line)["id"] for line in found] == [30, 31]
    assert run("events", "tail", log, "--last", 0, "--timeout", 0).stdout == ""
    lines = run("events", "tail", log, "custom", "--after", 28, "--timeout", 0).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["29", "30"]
    assert lines[0].endswith('{"n":28}')


def test_types_are_switched_on_and_off(log):
    assert run("events", "enable", log, "token.created").stdout == "switched on: token.created\n"
    assert run("events", "enable", log, "token.created").stdout == "nothing to switch on\n"
    with neurograph.open(log) as db:
        db.tokens.create("new")
    assert [row["type"] for row in answer("events", "list", log, "token.*")] == ["token.created"]
    assert answer("events", "disable", log, "token.created") == {"switched": ["token.created"]}
    assert run("events", "types", log, "order.*").stdout.splitlines()[-1].split() == [
        "order.paid", "yes", "0", "money", "came"
    ]  # fmt: skip


def test_what_is_wrong_is_said_in_commands(log):
    assert refusal("events", "list", log, "order.payd") == (
        "no event type has the name 'order.payd'; the closest are 'order.paid'; an insert into the table event_type "
        "by `ngdb sql` makes one"
    )
    assert "$near" in refusal("events", "list", log, "--where", '{"n": {"$near": 1}}')
    assert "--where must be JSON, got '{n'" in refusal("events", "list", log, "--where", "{n", code=2)
    with neurograph.open(log) as db:
        db.events.trim(keep=1)
    assert refusal("events", "tail", log, "--after", 1, "--timeout", 0).endswith("got 1; leave --after out")


def test_a_group_alone_shows_its_help():
    assert "ngdb events tail" in run("events", code=2).stderr
