"""Storage, one value at a time: what comes back, what is refused, what survives."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

import neurograph
from neurograph.errors import (
    Conflict,
    InvalidValue,
    ReadOnlyDatabase,
    RuleViolated,
    StorageQuotaExceeded,
    VersionConflict,
)
from neurograph.stores import json_texts
from neurograph.stores.json_texts import DEEPEST
from processes import Held, python

VALUES = [
    None, True, False, 0, -1, 2**63, -(10**40), 0.1, -0.0, 1e308, 5e-324, "", "é 雨 \0 \u2028 \"\\", [], {}, [[]],
    {"": {}}, {"a": [1, None, {"b": "c"}], "ключ": 1.5}, "x" * 100_000, list(range(1000)),
]  # fmt: skip
NO_NAMES: list[Any] = ["", "a\0b", "\ud800", None, 1, b"a", ["a"]]


def nested(levels: int) -> Any:
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
def test_a_value_comes_back_as_it_was_in_value_and_type(db, value):
    db.storage.set("ns", "key", value)
    found = db.storage.get("ns", "key", "nothing")
    assert (found, type(found), repr(found)) == (value, type(value), repr(value))


def test_a_tuple_comes_back_as_a_list_and_a_subclass_as_what_it_is_of(db):
    class Text(str): ...

    db.storage.set(Text("ns"), Text("key"), {"a": (1, Text("b")), Text("c"): True})
    assert db.storage.get("ns", "key") == {"a": [1, "b"], "c": True}


def test_what_get_returns_is_the_callers_own(db):
    given = {"a": []}
    db.storage.set("ns", "key", given)
    given["a"].append(1)
    db.storage.get("ns", "key")["a"].append(2)
    assert db.storage.get("ns", "key") == {"a": []}


@pytest.mark.parametrize("name", ["a", " ", "a.b/c:d", "a\nb", "雨", "\U0010ffff", "x" * 5000])
def test_a_name_is_any_text(db, name):
    db.storage.set(name, name, 1)
    assert db.storage.keys(name) == [name]
    assert [found.name for found in db.storage.namespaces()] == [name]


def test_names_with_dots_do_not_collide(db):
    db.storage.set("a.b", "c", 1)
    db.storage.set("a", "b.c", 2)
    assert (db.storage.get("a.b", "c"), db.storage.get("a", "b.c")) == (1, 2)


@pytest.mark.parametrize("wrong", NO_NAMES, ids=repr)
def test_what_is_no_name_is_refused_alike_everywhere(db, wrong):
    s = db.storage
    calls: list[Any] = [
        lambda: s.get(wrong, "k"), lambda: s.get("n", wrong), lambda: s.item(wrong, "k"), lambda: s.item("n", wrong),
        lambda: s.set(wrong, "k", 1), lambda: s.set("n", wrong, 1), lambda: s.delete(wrong, "k"),
        lambda: s.delete("n", wrong), lambda: s.increment(wrong, "k"), lambda: s.increment("n", wrong),
        lambda: s.list(wrong), lambda: s.keys(wrong), lambda: s.get_many(wrong, ["k"]),
        lambda: s.get_many("n", [wrong]), lambda: s.set_many(wrong, {"k": 1}), lambda: s.delete_many(wrong, ["k"]),
        lambda: s.delete_many("n", [wrong]), lambda: s.clear(wrong), lambda: s.quota(wrong, 1),
    ]  # fmt: skip
    if not isinstance(wrong, list):
        calls.append(lambda: s.set_many("n", {wrong: 1}))
    if wrong is not None:
        calls += [lambda: s.list("n", after=wrong), lambda: s.changes(namespace=wrong), lambda: s.watch(wrong)]
    if wrong != "":
        calls += [lambda: s.list("n", wrong), lambda: s.changes(prefix=wrong), lambda: s.watch(prefix=wrong)]
    for call in calls:
        with pytest.raises(InvalidValue, match="must be non-empty text"):
            call()
    assert s.version == 0


@pytest.mark.parametrize(
    "wrong",
    [
        float("nan"), float("inf"), [float("-inf")], {"a": {"b": float("nan")}}, {1: 2}, [{"a": {None: 1}}], {True: 1},
        {("a",): 1}, {1, 2}, b"bytes", object(), "\ud800", {"\ud800": 1}, 10**5000, nested(DEEPEST + 1), nested(5000),
    ],
    ids=range(16),
)  # fmt: skip
def test_what_json_can_not_say_is_refused_alike_everywhere(db, wrong):
    for call in (
        lambda: db.storage.set("ns", "key", wrong),
        lambda: db.storage.set("ns", "key", wrong, if_version=0),
        lambda: db.storage.set_many("ns", {"ok": 1, "key": wrong}),
    ):
        with pytest.raises(InvalidValue, match=r"^value must"):
            call()
    assert db.storage.keys("ns") == []


def test_a_value_that_holds_itself_is_refused(db):
    value: list[Any] = []
    value.append(value)
    with pytest.raises(InvalidValue):
        db.storage.set("ns", "key", value)


def test_the_deepest_value_comes_back(db):
    db.storage.set("ns", "key", nested(DEEPEST))
    assert db.storage.get("ns", "key") == nested(DEEPEST)


def test_versions_grow_with_every_change_of_anything(db):
    first = db.storage.set("a", "x", 1)
    second = db.storage.set("b", "y", 1)
    third = db.storage.set("a", "x", 1)
    assert (first, second, third) == (1, 2, 3)
    db.storage.delete("a", "x")
    assert db.storage.set("a", "x", 1) == 5
    db.storage.increment("c", "n")
    assert db.storage.version == db.storage.item("c", "n").version == 6
    assert db.storage.delete("a", "none") is False
    assert db.storage.version == 6


def test_a_version_decides_between_two_who_change(db):
    version = db.storage.set("ns", "key", "a", if_version=0)
    newer = db.storage.set("ns", "key", "b", if_version=version)
    with pytest.raises(VersionConflict, match=rf"must be {version}, got {newer}; read it") as refused:
        db.storage.set("ns", "key", "c", if_version=version)
    assert refused.value.version == newer
    assert isinstance(refused.value, Conflict)
    with pytest.raises(VersionConflict):
        db.storage.set("ns", "key", "c", if_version=0)
    with pytest.raises(VersionConflict):
        db.storage.delete("ns", "key", if_version=version)
    assert db.storage.delete("ns", "key", if_version=newer)
    with pytest.raises(VersionConflict, match="got nothing stored") as refused:
        db.storage.set("ns", "key", "c", if_version=newer)
    assert refused.value.version == 0
    with pytest.raises(VersionConflict):
        db.storage.delete("ns", "key", if_version=newer)
    for wrong in (-1, 1.0, "1", True):
        with pytest.raises(InvalidValue, match="if_version"):
            db.storage.set("ns", "key", 1, if_version=wrong)


@pytest.mark.parametrize("number", [0, -7, 2**63 - 1, -(2**63), 2**63, 10**30])
@pytest.mark.parametrize("by", [1, -1, 0, 2**63 - 1, -(2**63), 2**64, -(10**30)])
def test_a_sum_is_pythons_whatever_its_size(db, number, by):
    db.storage.set("ns", "n", number)
    assert db.storage.increment("ns", "n", by) == number + by
    assert db.storage.get("ns", "n") == number + by
    assert db.storage.increment("ns", "new", by, initial=number) == number + by


@pytest.mark.parametrize("value", [True, None, 1.0, "1", [1], {"a": 1}, 1e300])
def test_only_whole_numbers_are_incremented(db, value):
    version = db.storage.set("ns", "key", value)
    with pytest.raises(InvalidValue, match="must be a whole number, got"):
        db.storage.increment("ns", "key")
    assert db.storage.item("ns", "key")[2:4] == (value, version)


@pytest.mark.parametrize("text", ["1.0", "1e2", " 5", "-0", "5 "])
def test_numbers_as_others_write_them_are_read_as_json(db, text):
    db.execute("insert into storage (namespace, key, value) values ('ns', 'n', ?)", [text])
    if "." in text or "e" in text:
        with pytest.raises(InvalidValue, match="whole number"):
            db.storage.increment("ns", "n")
    else:
        assert db.storage.increment("ns", "n") == int(text) + 1


@pytest.mark.parametrize("wrong", [1.0, "1", None, True])
def test_steps_are_whole_numbers(db, wrong):
    with pytest.raises(InvalidValue, match="by must be a whole number"):
        db.storage.increment("ns", "n", wrong)
    with pytest.raises(InvalidValue, match="initial must be a whole number"):
        db.storage.increment("ns", "n", initial=wrong)


def test_400_increments_of_8_threads_are_400(db):
    def add() -> None:
        for _ in range(50):
            db.storage.increment("ns", "n")

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert db.storage.get("ns", "n") == 400
    assert db.storage.version == 400


def test_another_process_adds_and_is_seen(db, tmp_path: Path):
    db.storage.increment("ns", "n")
    code = """
        import sys, neurograph
        with neurograph.open(sys.argv[1]) as db:
            print(db.storage.increment("ns", "n", 10))
        """
    assert python(code, tmp_path / "mind.ngdb").strip() == "11"
    assert db.storage.increment("ns", "n") == 12


def test_increments_of_several_processes_are_all_counted(tmp_path: Path):
    code = """
        import sys, neurograph
        with neurograph.open(sys.argv[1], synchronous="off") as db:
            hold()
            for _ in range(100):
                db.storage.increment("ns", "n")
        """
    path = tmp_path / "mind.ngdb"
    with Held(code, path) as one, Held(code, path) as two, neurograph.open(path, synchronous="off") as db:
        threads = [threading.Thread(target=other.release) for other in (one, two)]
        for thread in threads:
            thread.start()
        for _ in range(100):
            db.storage.increment("ns", "n")
        for thread in threads:
            thread.join()
        assert (db.storage.get("ns", "n"), db.storage.version) == (300, 300)
        assert db.check() == []


def test_a_transaction_keeps_all_or_nothing(db):
    db.storage.set("ns", "a", 1)
    db.begin()
    db.storage.set("ns", "a", 2)
    db.storage.increment("ns", "n")
    db.tokens.create("cat")
    assert db.storage.get("ns", "a") == 2
    db.rollback()
    assert (db.storage.keys("ns"), db.storage.get("ns", "a"), db.storage.version) == (["a"], 1, 1)
    with db.transaction():
        db.storage.delete("ns", "a")
        db.begin()
        db.storage.set("ns", "b", 1)
        with pytest.raises(VersionConflict):
            db.storage.set("ns", "a", 1, if_version=1)
        db.rollback()
        db.storage.set("ns", "c", 1)
    assert db.storage.keys("ns") == ["c"]


def test_a_snapshot_sees_its_state_and_does_not_write(db):
    db.storage.set("ns", "a", 1)
    with db.snapshot():
        other = threading.Thread(target=lambda: db.storage.set("ns", "a", 2))
        other.start()
        other.join()
        assert db.storage.get("ns", "a") == 1
        assert db.storage.version == 1
        with pytest.raises(ReadOnlyDatabase):
            db.storage.set("ns", "a", 3)
    assert db.storage.get("ns", "a") == 2


def test_what_was_stored_is_there_when_the_file_is_opened_again(tmp_path):
    with neurograph.open(tmp_path / "mind.ngdb") as db:
        db.storage.set("ns", "a", {"b": 1}, ttl_s=1e6)
        db.storage.quota("ns", 100)
        before = db.storage.item("ns", "a"), db.storage.namespaces(), db.storage.changes()
    with neurograph.open(tmp_path / "mind.ngdb", mode="r") as db:
        assert (db.storage.item("ns", "a"), db.storage.namespaces(), db.storage.changes()) == before
        with pytest.raises(ReadOnlyDatabase):
            db.storage.increment("ns", "n")


def test_a_text_that_python_can_not_read_is_named(db):
    db.execute("insert into storage (namespace, key, value) values ('ns', 'n', ?)", ["1" * 5000])
    with pytest.raises(InvalidValue, match="the value of 'n' in 'ns' must be JSON that Python reads"):
        db.storage.get("ns", "n")


def test_what_pythons_stack_can_not_hold_is_named(db, monkeypatch):
    def overflowing(text: str) -> None:
        raise RecursionError

    db.storage.set("ns", "deep", [[]])
    monkeypatch.setattr(json_texts, "_decode_start", overflowing)
    with pytest.raises(InvalidValue, match="must be nested less deeply"):
        db.storage.get("ns", "deep")


def test_a_quota_is_named_with_what_is_taken(db):
    db.storage.quota("ns", 10)
    db.storage.set("ns", "a", "1234")
    message = r"the values of 'ns' must fit its quota of 10 bytes, got more with 6 taken; delete some, or raise it"
    for call in (
        lambda: db.storage.set("ns", "b", "123"),
        lambda: db.storage.set("ns", "a", "123456789"),
        lambda: db.storage.set("ns", "b", "123", if_version=0),
        lambda: db.storage.increment("ns", "n", 10**5),
        lambda: db.storage.set_many("ns", {"b": 1, "c": "12345"}),
    ):
        with pytest.raises(StorageQuotaExceeded, match=message):
            call()
    assert db.storage.keys("ns") == ["a"]
    db.storage.set("other", "b", "1" * 100)


def test_a_rule_of_your_own_trigger_is_told_as_it_is(db):
    db.execute(
        "create trigger mine before insert on storage when new.key = 'no' "
        "begin select raise(abort, 'ng:mine.key: key must be yes'); end"
    )
    with pytest.raises(RuleViolated, match=r"^key must be yes$") as refused:
        db.storage.set("ns", "no", 1)
    assert refused.value.rule == "mine.key"


def test_nan_that_somebody_forced_into_the_file_is_not_read(db):
    connection = db._session.writer.connection
    connection.pragma("ignore_check_constraints", 1)
    for text in ("NaN", "[-Infinity]", ""):
        connection.execute("insert or replace into storage (namespace, key, value) values ('ns', 'key', ?)", (text,))
        with pytest.raises(InvalidValue, match="must be JSON that Python reads"):
            db.storage.get("ns", "key")
    assert [violation.invariant for violation in db.check()] == ["storage.value"]
    connection.execute("delete from storage")
