"""`ngdb kv`: what it stores and shows, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import answer, refusal, run

import neurograph


def test_what_is_set_is_got_as_it_was(mind):
    for value in ('{"on":true,"é":[1,null,1.5]}', '"a text"', "null", "4711"):
        run("kv", "set", mind, "devices", "lamp", value)
        assert run("kv", "get", mind, "devices", "lamp").stdout == value + "\n"
        assert answer("kv", "get", mind, "devices", "lamp")["value"] == json.loads(value)


def test_python_sees_it(mind):
    assert (
        run("kv", "set", mind, "devices", "lamp", "[1]", "--ttl", "60").stdout == "'lamp' in 'devices' is version 1\n"
    )
    assert answer("kv", "set", mind, "devices", "fan", "2") == {"namespace": "devices", "key": "fan", "version": 2}
    with neurograph.open(mind, mode="r") as db:
        assert db.storage.get("devices", "lamp") == [1]
        assert answer("kv", "get", mind, "devices", "lamp") == db.storage.item("devices", "lamp")._asdict()
        assert db.storage.item("devices", "lamp").expires_ns is not None


def test_a_text_and_stdin_are_taken(mind):
    run("kv", "set", mind, "notes", "today", "buy milk", "--text")
    run("kv", "set", mind, "notes", "later", "-", input='{"a": 1}')
    with neurograph.open(mind, mode="r") as db:
        assert db.storage.get_many("notes", ["today", "later"]) == {"today": "buy milk", "later": {"a": 1}}


def test_a_list_has_pages(mind):
    with neurograph.open(mind) as db:
        db.storage.set_many("n", {f"k{number:02}": number for number in range(30)})
        db.storage.set("n", "other", 1)
    first = run("kv", "list", mind, "n", "--prefix", "k", "--limit", 20)
    assert first.stderr == "there are more; --after 'k19' shows the next, --limit 0 shows all\n"
    assert first.stdout.splitlines()[0].split() == ["key", "value", "version", "expires_ns"]
    second = answer("kv", "list", mind, "n", "--prefix", "k", "--after", "k19")
    assert [row["key"] for row in second] == [f"k{number}" for number in range(20, 30)]
    assert second[0] == {"key": "k20", "value": 20, "version": 21, "expires_ns": None}
    assert len(answer("kv", "list", mind, "n", "--limit", 0)) == 31


def test_namespaces_are_listed_where_none_is_named(mind):
    assert run("kv", "list", mind).stderr == "nothing is stored\n"
    assert run("kv", "list", mind, "n").stderr == "nothing is found\n"
    with neurograph.open(mind) as db:
        db.storage.set("n", "a", "é")
        db.storage.quota("m", 10)
    assert answer("kv", "list", mind) == [
        {"name": "m", "keys": 0, "bytes": 0, "quota_bytes": 10},
        {"name": "n", "keys": 1, "bytes": 4, "quota_bytes": None},
    ]
    assert run("kv", "list", mind, "--limit", 1).stderr == "there are more; --limit 0 shows all\n"


def test_a_version_decides(mind):
    run("kv", "set", mind, "n", "a", "1", "--if-version", "0")
    assert "the version of 'a' in 'n' must be 0, got 1" in refusal(
        "kv", "set", mind, "n", "a", "2", "--if-version", "0"
    )
    run("kv", "set", mind, "n", "a", "2", "--if-version", "1")


def test_a_quota_is_said_with_what_to_do_at_a_prompt(mind):
    with neurograph.open(mind) as db:
        db.storage.quota("n", 3)
    reason = "must fit its quota of 3 bytes, got more with 0 taken; delete some, or raise quota_bytes in the table"
    assert reason in refusal("kv", "set", mind, "n", "a", "1234")


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("get", "{}", "n", "none"), 1, "nothing is stored as 'none' in 'n'"),
        (("get", "{}", "", "a"), 1, "namespace must be non-empty text"),
        (("set", "{}", "n", "a", "{a: 1}"), 2, "VALUE must be JSON"),
        (("set", "{}", "n", "a", "NaN"), 1, "value must be what JSON can say"),
        (("set", "{}", "n", "", "1"), 1, "key must be non-empty text"),
        (("set", "{}", "n", "a", "1", "--ttl", "0"), 1, "ttl_s must be above 0"),
        (("list", "{}", "--prefix", "a"), 2, "--prefix and --after need a NAMESPACE"),
    ],
)
def test_what_is_wrong_is_said(mind, arguments, code, reason):
    assert reason in refusal("kv", *(str(mind) if word == "{}" else word for word in arguments), code=code)


def test_a_file_is_made_by_set_alone_and_not_for_a_value_that_is_refused(tmp_path: Path):
    path = tmp_path / "new.ngdb"
    refusal("kv", "get", path, "n", "a")
    refusal("kv", "set", path, "n", "a", "NaN")
    assert not path.exists()
    run("kv", "set", path, "n", "a", "1")
    refusal("kv", "set", path, "n", "a", "NaN")
    assert run("kv", "get", path, "n", "a").stdout == "1\n"


def test_values_are_deleted(mind):
    with neurograph.open(mind) as db:
        db.storage.set_many("n", dict.fromkeys("abcd", 1))
    assert run("kv", "delete", mind, "n", "a").stdout == "1 value of 'n' deleted\n"
    assert run("kv", "delete", mind, "n", "a").stdout == "0 values of 'n' deleted\n"
    assert answer("kv", "delete", mind, "n", "a", "b", "c") == {"namespace": "n", "deleted": 2}
    assert "must be 1, got 4" in refusal("kv", "delete", mind, "n", "d", "--if-version", "1")
    assert run("kv", "delete", mind, "n", "d", "--if-version", "4").stdout == "1 value of 'n' deleted\n"


def test_the_group_alone_shows_its_help():
    assert "ngdb kv set mind.ngdb devices lamp" in run("kv", code=2).stderr
