"""`ngdb topics`: what it publishes, lists and follows, and what it says of subscriptions."""

from __future__ import annotations

import json

import pytest
from command_line import answer, ended, refusal, run, start

import neurograph
from neurograph.cli import topics


def numbers(*arguments: object) -> list[object]:
    lines = run("topics", "tail", *arguments, "--timeout", 0, "--json").stdout.splitlines()
    return [json.loads(line)["payload"] for line in lines]


def test_what_is_published_is_in_the_log(mind):
    said = run("topics", "publish", mind, "news", '{"n": 1}', "-", "--header", "source=roof", input="[2]")
    assert said.stdout == "entry 1 is in 'news'\nentry 2 is in 'news'\n"
    assert answer("topics", "publish", mind, "b", "it rains", "--text") == [{"topic": "b", "id": 3}]
    with neurograph.open(mind, mode="r") as db:
        assert [(one.topic, one.payload, one.headers) for one in db.topics.read()] == [
            ("news", {"n": 1}, {"source": "roof"}), ("news", [2], {"source": "roof"}), ("b", "it rains", {}),
        ]  # fmt: skip


def test_a_file_is_made_by_publish_alone_and_not_for_an_entry_that_is_refused(tmp_path):
    path = tmp_path / "new.ngdb"
    refusal("topics", "tail", path)
    refusal("topics", "publish", path, "news", "NaN")
    assert not path.exists()
    run("topics", "publish", path, "news", "1")
    assert path.exists()


def test_topics_are_listed_with_what_they_have_and_keep(mind):
    assert run("topics", "list", mind).stderr == "no topic is there\n"
    with neurograph.open(mind) as db:
        db.topics.create("empty", keep_ms=1000)
        db.topics.create("news", keep_entries=2)
        db.topics.publish_many("news", [1, 2, 3])
        db.topics.trim()
    assert [list(row.values()) for row in answer("topics", "list", mind)] == [
        ["empty", 0, None, 0, 1000, None, None],
        ["news", 2, 3, 1, None, 2, None],
    ]
    assert run("topics", "list", mind).stdout.splitlines()[0].split() == list(topics.LISTED)


def test_tail_begins_with_the_last_that_are_asked_for(mind):
    run("topics", "publish", mind, "a.x", *map(str, range(100)))
    run("topics", "publish", mind, "b", *(f'{{"n": {n}}}' for n in range(30)))
    assert numbers(mind) == [{"n": n} for n in range(20, 30)]
    assert numbers(mind, "a.*") == [*range(90, 100)]
    assert numbers(mind, "a.x", "-n", 200) == [*range(100)]
    assert numbers(mind, "b", "--where", '{"n": {"$lt": 3}}', "-n", 2) == [{"n": 1}, {"n": 2}]
    assert numbers(mind, "b", "-n", 0) == []
    assert numbers(mind, "--after", 127) == [{"n": 27}, {"n": 28}, {"n": 29}]
    shown = run("topics", "tail", mind, "c", "--timeout", 0)
    assert (shown.stdout, shown.stderr) == ("", "no topic has the name 'c' yet; what comes is shown\n")
    assert run("topics", "tail", mind, "a.x", "-n", 1, "--timeout", 0).stdout == "100  a.x  99\n"


def test_tail_says_everything_about_an_entry_bytes_too(mind):
    with neurograph.open(mind) as db:
        db.topics.publish("a", b"\x00\xff", headers={"trace": "t"})
        at = db.topics.read()[0].published_ns
    [line] = run("topics", "tail", mind, "--json", "--timeout", 0).stdout.splitlines()
    assert json.loads(line) == {
        "id": 1, "topic": "a", "published_ns": at, "headers": {"trace": "t"}, "payload": "00ff",
    }  # fmt: skip


def test_tail_names_an_entry_that_can_not_be_read_and_goes_on_after_it(mind):
    with neurograph.open(mind) as db:
        db.topics.publish("a", 1)
        db.execute("insert into topic_log (topic, payload) values ('a', cast(x'22e922' as text))")
        db.topics.publish("a", 3)
    assert "a text of entry 2 must be UTF-8" in refusal("topics", "tail", mind, "--timeout", 0)
    assert "a text of entry 2 must be UTF-8" in refusal("topics", "tail", mind, "a", "--after", 0, "--timeout", 0)
    assert numbers(mind, "--after", 2) == [3]


def test_more_than_a_page_is_shown_in_order(mind, monkeypatch):
    monkeypatch.setattr(topics, "PAGE", 4)
    run("topics", "publish", mind, "a", *map(str, range(13)))
    assert numbers(mind, "--after", 0) == [*range(13)]
    assert numbers(mind, "--after", 0, "--where", '{"none": 1}') == []


def test_tail_tells_of_what_was_trimmed_before_it_could_be_shown(mind):
    with neurograph.open(mind) as db:
        db.topics.create("a", keep_entries=1)
        db.topics.publish_many("a", [1, 2, 3])
        db.topics.trim()
        db.topics.publish("b", 4)
    shown = run("topics", "tail", mind, "--after", 1, "--timeout", 0)
    assert shown.stdout == "3  a  3\n4  b  4\n"
    assert shown.stderr == "entries after 1 were trimmed before they could be shown, in 'a'\n"
    for quiet in (["b", "--after", 1], ["--after", 2], ["a"]):
        assert run("topics", "tail", mind, *quiet, "--timeout", 0).stderr == ""


def test_tail_follows_what_other_processes_publish(mind):
    with start("topics", "tail", mind, "jobs.*", "--json", "--timeout", "60") as child, neurograph.open(mind) as db:
        assert child.stderr.readline() == "no topic has the name 'jobs.*' yet; what comes is shown\n"
        for number in range(3):
            db.topics.publish("other", number)
            db.topics.publish("jobs.new", number)
            assert json.loads(child.stdout.readline())["payload"] == number
        child.terminate()
        ended(child)


@pytest.mark.parametrize("name", [None, "heavy"])
def test_subscriptions_say_how_far_they_are(mind, name):
    with neurograph.open(mind) as db:
        db.topics.publish_many("a", [{"n": n} for n in range(9)])
        heavy = db.topics.subscribe("heavy", "a*", where={"n": {"$gt": 5}}, start="first")
        heavy.claim()
    found = answer("topics", "subscriptions", mind, *([] if name is None else [name]))
    assert found == [
        {
            "name": "heavy", "pattern": "a*", "where": {"n": {"$gt": 5}}, "cursor": 7, "lag": 2, "ready": 0,
            "delayed": 0, "claimed": 1, "dead": 0, "missed": 0, "paused": False,
        }
    ]  # fmt: skip
    assert '{"n":{"$gt":5}}' in run("topics", "subscriptions", mind).stdout


def test_where_there_is_no_subscription_it_says_so(mind):
    assert run("topics", "subscriptions", mind).stderr == "no subscription is there\n"


def test_the_group_alone_shows_its_help():
    assert "ngdb topics tail" in run("topics", code=2).stderr
